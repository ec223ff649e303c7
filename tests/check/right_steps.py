"""Right programs of other methods, whose steps are no plain gradient steps: second part."""

from __future__ import annotations

__all__ = ["PROGRAMS"]

PROGRAMS = {
    "Newton step": """import numpy as np
rng = np.random.RandomState(3)
X = rng.randn(30, 3)
y = (X[:, 0] + 0.5 * rng.randn(30) > 0) * 1.0
beta = np.zeros(3)
for it in range(5):
    p = 1 / (1 + np.exp(-X @ beta))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    grad = X.T @ (p - y)
    H = X.T @ (X * (p * (1 - p))[:, None])
    beta = beta - np.linalg.solve(H, grad)
    print(it, loss)
""",
    "Newton step, gradient not named": """import numpy as np
rng = np.random.RandomState(3)
X = rng.randn(30, 3)
y = (X[:, 0] + 0.5 * rng.randn(30) > 0) * 1.0
beta = np.zeros(3)
for it in range(5):
    p = 1 / (1 + np.exp(-X @ beta))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    H = X.T @ (X * (p * (1 - p))[:, None])
    beta = beta - np.linalg.solve(H, X.T @ (p - y))
    print(it, loss)
""",
    "soft threshold": """import numpy as np
rng = np.random.RandomState(3)
A, c = rng.randn(20, 5), rng.randn(20)
w = rng.randn(5)
lam, lr = 0.5, 0.01
for it in range(20):
    loss = 0.5 * np.sum((A @ w - c) ** 2) + lam * np.abs(w).sum()
    z = w - lr * A.T @ (A @ w - c)
    w = np.sign(z) * np.maximum(np.abs(z) - lr * lam, 0)
    print(it, loss)
""",
    "normalised gradient": """import numpy as np
rng = np.random.RandomState(3)
A, c = rng.randn(20, 5), rng.randn(20)
w = rng.randn(5)
for it in range(20):
    loss = 0.5 * np.sum((A @ w - c) ** 2)
    g = A.T @ (A @ w - c)
    w -= 0.05 * g / np.linalg.norm(g)
    print(it, loss)
""",
    "AdaGrad": """import numpy as np
rng = np.random.RandomState(3)
A, c = rng.randn(20, 5), rng.randn(20)
w, cache = rng.randn(5), np.zeros(5)
for it in range(20):
    loss = 0.5 * np.sum((A @ w - c) ** 2)
    step = A.T @ (A @ w - c)
    cache += step**2
    w -= 0.05 * step / (np.sqrt(cache) + 1e-8)
    print(it, loss)
""",
    "coordinate descent": """import numpy as np
rng = np.random.RandomState(3)
A, c = rng.randn(20, 5), rng.randn(20)
w = rng.randn(5)
for it in range(20):
    for j in range(5):
        r = c - A @ w
        w[j] += A[:, j] @ r / (A[:, j] @ A[:, j])
    loss = 0.5 * np.sum((A @ w - c) ** 2)
    print(it, loss)
""",
    "old policy": """import numpy as np
rng = np.random.RandomState(1)
S = rng.randn(12, 3)
adv = rng.randn(12)
theta = rng.randn(3, 2) * 0.1

def probs(theta):
    z = S @ theta
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

actions = rng.randint(0, 2, 12)
i = np.arange(12)
for it in range(5):
    old_p = probs(theta)[i, actions]
    for k in range(3):
        p = probs(theta)
        ratio = p[i, actions] / old_p
        loss = -np.mean(ratio * adv)
        dz = -(ratio * adv)[:, None] * (np.eye(2)[actions] - p) / 12
        theta = theta - 0.1 * S.T @ dz
    print(loss)
""",
    "truncated in time": """import numpy as np
rng = np.random.RandomState(5)
xs, ts = rng.randn(12), rng.randn(12)
u, w, v = 0.5, 0.3, 0.7
h = 0.0
loss = 0.0
for x, t in zip(xs, ts):
    h_prev = h
    h = np.tanh(u * x + w * h_prev)
    out = v * h
    loss = 0.5 * (out - t) ** 2
    dout = out - t
    da = dout * v * (1 - h**2)
    dv, du, dw = dout * h, da * x, da * h_prev
    u -= 0.1 * du
    w -= 0.1 * dw
    v -= 0.1 * dv
    print(loss)
""",
    "policy gradient by sampled returns": """import numpy as np
rng = np.random.RandomState(1)
theta = rng.randn(4, 2) * 0.1
for episode in range(10):
    s, grads, rewards = 0, [], []
    logs = []
    for t in range(6):
        e = np.exp(theta[s])
        p = e / e.sum()
        a = rng.choice(2, p=p)
        g = np.zeros_like(theta)
        g[s] = -p
        g[s, a] += 1
        grads.append(g)
        logs.append(np.log(p[a]))
        s2 = (s + (1 if a else 3)) % 4
        rewards.append(1.0 if s2 == 3 else -0.1)
        s = s2
    G = np.cumsum(rewards[::-1])[::-1]
    loss = -sum(l * r for l, r in zip(logs, G))
    for g, r in zip(grads, G):
        theta += 0.05 * r * g
    print(episode, loss)
""",
}
