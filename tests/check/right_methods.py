"""Right programs of other methods, whose steps are no gradient steps, or no plain ones."""

from __future__ import annotations

__all__ = ["PROGRAMS"]

_NETWORK = """import numpy as np
rng = np.random.RandomState(4)
X = rng.randn(20, 5)
y = (X @ rng.randn(5, 1) + 0.3 * rng.randn(20, 1))
W1, b1 = rng.randn(5, 4) * 0.5, np.zeros(4)
W2, b2 = rng.randn(4, 1) * 0.5, np.zeros(1)
lr = 0.05

def forward(X):
    h = np.tanh(X @ W1 + b1)
    return h, h @ W2 + b2

def backward(X, h, dz):
    dW2, db2 = h.T @ dz, dz.sum(axis=0)
    da = dz @ W2.T * (1 - h**2)
    return X.T @ da, da.sum(axis=0), dW2, db2
"""

_STEP = """    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
"""

PROGRAMS = {
    "bootstrapped target": _NETWORK
    + """
reward = rng.randn(20, 1)
X2 = X + 0.1 * rng.randn(20, 5)
for step in range(20):
    _, q_next = forward(X2)
    target = reward + 0.9 * q_next
    h, q = forward(X)
    loss = np.mean((q - target) ** 2)
    dW1, db1, dW2, db2 = backward(X, h, 2 * (q - target) / len(X))
"""
    + _STEP,
    "td inside a function": _NETWORK
    + """
class Critic:
    def __init__(self):
        self.w = rng.randn(5) * 0.1

    def value(self, s):
        return s @ self.w

    def update(self, s, r, s2):
        y = r + 0.9 * self.value(s2)
        delta = self.value(s) - y
        loss = 0.5 * delta**2
        self.w -= 0.1 * delta * s
        return loss

critic = Critic()
for i in range(19):
    print(critic.update(X[i], float(y[i, 0]), X[i + 1]))
""",
    "advantage of a critic": """import numpy as np
rng = np.random.RandomState(1)
S = rng.randn(12, 3)
theta = rng.randn(3, 2) * 0.1
w = rng.randn(3) * 0.1
for episode in range(5):
    logits = S @ theta
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    actions = np.array([rng.choice(2, p=row) for row in p])
    rewards = (actions == (S[:, 0] > 0)).astype(float)
    values = S @ w
    advantage = rewards - values
    policy_loss = -np.sum(np.log(p[np.arange(12), actions]) * advantage)
    value_loss = 0.5 * np.sum((values - rewards) ** 2)
    loss = policy_loss + value_loss
    dlogits = (p - np.eye(2)[actions]) * advantage[:, None]
    theta -= 0.01 * (S.T @ dlogits)
    w -= 0.01 * (S.T @ (values - rewards))
""",
    "restricted Boltzmann machine": """import numpy as np
rng = np.random.RandomState(0)
data = (rng.rand(30, 6) > 0.5) * 1.0
W = rng.randn(6, 4) * 0.1
a, b = np.zeros(6), np.zeros(4)
sigmoid = lambda x: 1 / (1 + np.exp(-x))
for epoch in range(20):
    h0 = sigmoid(data @ W + b)
    states = (h0 > rng.rand(30, 4)) * 1.0
    v1 = sigmoid(states @ W.T + a)
    h1 = sigmoid(v1 @ W + b)
    error = np.sum((data - v1) ** 2)
    W += 0.1 * (data.T @ h0 - v1.T @ h1) / 30
    a += 0.1 * (data - v1).mean(axis=0)
    b += 0.1 * (h0 - h1).mean(axis=0)
    if epoch % 5 == 0:
        print(epoch, error)
""",
    "expectation maximisation": """import numpy as np
rng = np.random.RandomState(0)
x = np.r_[rng.randn(30) - 2, rng.randn(40) + 2]
mu, sigma, pi = np.array([-1.0, 1.0]), np.array([1.0, 1.5]), np.array([0.5, 0.5])
for it in range(20):
    density = pi * np.exp(-((x[:, None] - mu) ** 2) / (2 * sigma**2)) / sigma
    nll = -np.log(density.sum(axis=1)).sum()
    resp = density / density.sum(axis=1, keepdims=True)
    N = resp.sum(axis=0)
    mu = (resp * x[:, None]).sum(axis=0) / N
    sigma = np.sqrt((resp * (x[:, None] - mu) ** 2).sum(axis=0) / N)
    pi = N / len(x)
    print(it, nll)
""",
    "k-means": """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(60, 2) + rng.randint(0, 3, (60, 1)) * 3
centers = X[:3].copy()
for it in range(10):
    d = ((X[:, None] - centers) ** 2).sum(axis=2)
    labels = d.argmin(axis=1)
    loss = d.min(axis=1).sum()
    for k in range(3):
        centers[k] = X[labels == k].mean(axis=0)
    print(it, loss)
""",
    "perceptron": """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(30, 2)
y = np.where(X[:, 0] - X[:, 1] > 0.1, 1, -1)
w, b, eta = np.zeros(2), 0.0, 0.1
for epoch in range(10):
    errors = 0
    for xi, target in zip(X, y):
        update = eta * (target - np.where(xi @ w + b >= 0, 1, -1))
        w += update * xi
        b += update
        errors += int(update != 0)
    print(epoch, errors)
""",
    "self-organising map": """import numpy as np
rng = np.random.RandomState(0)
X = rng.rand(40, 3)
W = rng.rand(8, 3)
for epoch in range(5):
    error = 0.0
    for x in X:
        d = np.sum((W - x) ** 2, axis=1)
        best = d.argmin()
        error += d[best]
        near = np.exp(-((np.arange(8) - best) ** 2) / 2.0)
        W += 0.1 * near[:, None] * (x - W)
    print(epoch, error)
""",
    "line search": """import numpy as np
rng = np.random.RandomState(0)
A, c = rng.randn(20, 4), rng.randn(20)

def cost(w):
    return 0.5 * np.sum((A @ w - c) ** 2)

w = rng.randn(4)
for it in range(10):
    g = A.T @ (A @ w - c)
    t = 1.0
    while cost(w - t * g) > cost(w) - 0.3 * t * g @ g:
        t *= 0.5
    w = w - t * g
    print(it, cost(w))
""",
    "step halved in place": """import numpy as np
rng = np.random.RandomState(0)
A, c = rng.randn(20, 4), rng.randn(20)
w = rng.randn(4)
lam = 1.0
r = A @ w - c
loss = 0.5 * r @ r
for it in range(10):
    grad = A.T @ r
    while True:
        w_new = w - lam * grad
        r_new = A @ w_new - c
        loss_new = 0.5 * r_new @ r_new
        if loss_new < loss:
            break
        lam = lam / 2
    w, r, loss = w_new, r_new, loss_new
    lam = lam * 1.5
    print(it, loss)
""",
    "alternating updates": """import numpy as np
rng = np.random.RandomState(0)
R = rng.rand(8, 6)
U, V = rng.rand(8, 3), rng.rand(6, 3)
for it in range(20):
    E = U @ V.T - R
    loss = 0.5 * np.sum(E**2)
    U -= 0.05 * E @ V
    E = U @ V.T - R
    V -= 0.05 * E.T @ U
    print(it, loss)
""",
    "alternating exact solutions": """import numpy as np
rng = np.random.RandomState(0)
R = rng.rand(8, 6)
U, V = rng.rand(8, 3), rng.rand(6, 3)
for it in range(20):
    loss = np.sum((U @ V.T - R) ** 2)
    U = R @ V @ np.linalg.inv(V.T @ V)
    V = R.T @ U @ np.linalg.inv(U.T @ U)
    print(it, loss)
""",
    "two players": """import numpy as np
rng = np.random.RandomState(3)
real = rng.randn(20, 1) + 3
g, d = np.array([[1.0, 0.0]]), np.array([[0.1, 0.2]])
sigmoid = lambda x: 1 / (1 + np.exp(-x))
for step in range(20):
    noise = rng.randn(20, 1)
    fake = noise * g[:, :1] + g[:, 1:]
    pr, pf = sigmoid(real * d[:, :1] + d[:, 1:]), sigmoid(fake * d[:, :1] + d[:, 1:])
    d_loss = -np.mean(np.log(pr) + np.log(1 - pf))
    dd = np.array([[np.mean((pr - 1) * real + pf * fake), np.mean(pr - 1 + pf)]])
    d -= 0.1 * dd
    pf = sigmoid(fake * d[:, :1] + d[:, 1:])
    g_loss = -np.mean(np.log(pf))
    dfake = (pf - 1) * d[:, :1] / 20
    dg = np.array([[np.sum(dfake * noise), np.sum(dfake)]])
    g -= 0.1 * dg
    print(d_loss, g_loss)
""",
    "power iteration": """import numpy as np
rng = np.random.RandomState(3)
A = rng.randn(5, 5)
A = A @ A.T
v = rng.randn(5)
for it in range(20):
    w = A @ v
    value = v @ w
    error = np.linalg.norm(w - value * v)
    v = w / np.linalg.norm(w)
    print(it, error)
""",
}
