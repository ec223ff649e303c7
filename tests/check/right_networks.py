"""Right programs that train a network or a model, each with something that is no mistake."""

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

_LOSS = """    h, out = forward(X)
    loss = np.mean((out - y) ** 2)
    dW1, db1, dW2, db2 = backward(X, h, 2 * (out - y) / len(X))
"""

_STEP = """    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
"""

PROGRAMS = {
    "gradients clipped by their norm": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + """    norm = np.sqrt(sum(np.sum(g**2) for g in (dW1, db1, dW2, db2)))
    if norm > 0.5:
        dW1, db1, dW2, db2 = [g * 0.5 / norm for g in (dW1, db1, dW2, db2)]
"""
    + _STEP,
    "gradients clipped by value": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + """    for g in (dW1, db1, dW2, db2):
        np.clip(g, -0.1, 0.1, out=g)
"""
    + _STEP,
    "weights clipped": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + _STEP
    + """    W1 = np.clip(W1, -0.6, 0.6)
    W2 = np.clip(W2, -0.6, 0.6)
""",
    "weights clipped in place": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + _STEP
    + """    W1[W1 > 0.6] = 0.6
    np.clip(W2, -0.6, 0.6, out=W2)
""",
    "weight decay apart": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + _STEP
    + """    W1 *= 1 - lr * 0.01
    W2 -= lr * 0.01 * W2
""",
    "weight decay before": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + """    W1 = W1 * (1 - lr * 0.01)
    W2 = W2 * (1 - lr * 0.01)
"""
    + _STEP,
    "weight decay in the gradient only": _NETWORK
    + """
for step in range(20):
"""
    + _LOSS
    + """    dW1 += 0.01 * W1
    dW2 += 0.01 * W2
"""
    + _STEP,
    "target network": _NETWORK
    + """
T1, c1, T2, c2 = W1.copy(), b1.copy(), W2.copy(), b2.copy()
for step in range(20):
    target = 0.1 * y + 0.9 * (np.tanh((X + 0.1) @ T1 + c1) @ T2 + c2)
    h, out = forward(X)
    loss = np.mean((out - target) ** 2)
    dW1, db1, dW2, db2 = backward(X, h, 2 * (out - target) / len(X))
"""
    + _STEP
    + """    T1 = 0.99 * T1 + 0.01 * W1
    c1 = 0.99 * c1 + 0.01 * b1
    T2 = 0.99 * T2 + 0.01 * W2
    c2 = 0.99 * c2 + 0.01 * b2
""",
    "views of one vector": """import numpy as np
rng = np.random.RandomState(2)
X, y = rng.randn(15, 3), rng.randn(15, 2)
theta = rng.randn(3 * 2 + 2) * 0.3
grad = np.zeros_like(theta)
W, b = theta[:6].reshape(3, 2), theta[6:]
gW, gb = grad[:6].reshape(3, 2), grad[6:]
for step in range(20):
    out = X @ W + b
    loss = 0.5 * np.sum((out - y) ** 2)
    d = out - y
    gW[...] = X.T @ d
    gb[...] = d.sum(axis=0)
    theta -= 0.01 * grad
""",
    "early stopping": _NETWORK
    + """
best, best_loss = None, np.inf
for step in range(20):
"""
    + _LOSS
    + """    if loss < best_loss:
        best_loss, best = loss, (W1.copy(), W2.copy())
"""
    + _STEP,
    "Nesterov momentum": _NETWORK
    + """
vW1, vb1, vW2, vb2 = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
for step in range(20):
    keep = [p.copy() for p in (W1, b1, W2, b2)]
    W1 += 0.9 * vW1
    W2 += 0.9 * vW2
"""
    + _LOSS
    + """    vW1, vb1 = 0.9 * vW1 - lr * dW1, 0.9 * vb1 - lr * db1
    vW2, vb2 = 0.9 * vW2 - lr * dW2, 0.9 * vb2 - lr * db2
    W1, b1, W2, b2 = keep[0] + vW1, keep[1] + vb1, keep[2] + vW2, keep[3] + vb2
""",
    "running statistics": """import numpy as np
rng = np.random.RandomState(3)
X, y = rng.randn(16, 4), rng.randn(16, 1)
w, gamma, beta = rng.randn(4, 1), np.ones(4), np.zeros(4)
running_mean, running_var = np.zeros(4), np.ones(4)
for step in range(20):
    mu, var = X.mean(axis=0), X.var(axis=0)
    running_mean = 0.9 * running_mean + 0.1 * mu
    running_var = 0.9 * running_var + 0.1 * var
    xhat = (X - mu) / np.sqrt(var + 1e-5)
    z = gamma * xhat + beta
    out = z @ w
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y) / len(X)
    dw = z.T @ dout
    dz = dout @ w.T
    dgamma, dbeta = (dz * xhat).sum(axis=0), dz.sum(axis=0)
    w -= 0.1 * dw
    gamma -= 0.1 * dgamma
    beta -= 0.1 * dbeta
""",
    "straight-through sign": _NETWORK
    + """
for step in range(20):
    h = np.sign(X @ W1)
    out = h @ W2 + b2
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y) / len(X)
    dW2, db2 = h.T @ dout, dout.sum(axis=0)
    dW1 = X.T @ (dout @ W2.T)
    W1 -= lr * dW1
    W2 -= lr * dW2
    b2 -= lr * db2
""",
    "loss on all data after mini-batches": _NETWORK
    + """
def evaluate():
    _, out = forward(X)
    return np.mean((out - y) ** 2)

for epoch in range(5):
    for i in range(0, 20, 4):
        xb, yb = X[i:i + 4], y[i:i + 4]
        h, out = forward(xb)
        dW1, db1, dW2, db2 = backward(xb, h, 2 * (out - yb) / 4)
        W1 -= lr * dW1
        b1 -= lr * db1
        W2 -= lr * dW2
        b2 -= lr * db2
        loss = evaluate()
    print(epoch, loss)
""",
    "hinge loss, evaluated on all data": """import numpy as np
rng = np.random.RandomState(5)
X = rng.randn(40, 3)
y = np.where(X[:, 0] + 0.2 * rng.randn(40) > 0, 1, -1)
w, b = rng.randn(3), 0.1
lam = 0.01

def objective(X, y):
    return np.mean(np.maximum(0, 1 - y * (X @ w + b))) + lam * w @ w

for epoch in range(5):
    for i in rng.permutation(40):
        if y[i] * (X[i] @ w + b) < 1:
            w -= 0.01 * (2 * lam * w - y[i] * X[i])
            b -= 0.01 * -y[i]
        else:
            w -= 0.01 * 2 * lam * w
        cost = objective(X, y)
    print(epoch, cost)
""",
    "validation loss only": _NETWORK
    + """
Xv, yv = rng.randn(10, 5), rng.randn(10, 1)
for step in range(20):
    h, out = forward(X)
    dW1, db1, dW2, db2 = backward(X, h, (out - y) / len(X))
"""
    + _STEP
    + """    _, vout = forward(Xv)
    val_loss = np.mean((vout - yv) ** 2)
    print(step, val_loss)
""",
    "validation loss before the step": _NETWORK
    + """
Xv, yv = rng.randn(10, 5), rng.randn(10, 1)
for step in range(20):
    _, vout = forward(Xv)
    val_loss = np.mean((vout - yv) ** 2)
    print(step, val_loss)
    h, out = forward(X)
    dW1, db1, dW2, db2 = backward(X, h, (out - y) / len(X))
"""
    + _STEP,
    "data made by the model": _NETWORK
    + """
for step in range(20):
    _, made = forward(X)
    Xm = np.hstack([X[:, :4], made])
    h, out = forward(Xm)
    loss = np.mean((out - y) ** 2)
    dW1, db1, dW2, db2 = backward(Xm, h, 2 * (out - y) / len(X))
"""
    + _STEP,
    "accuracy as the only number": _NETWORK
    + """
t = (y > 0) * 1.0
for step in range(20):
    h, z = forward(X)
    p = 1 / (1 + np.exp(-z))
    error = np.mean((p > 0.5) != t)
    dW1, db1, dW2, db2 = backward(X, h, (p - t) / len(X))
"""
    + _STEP
    + """    print(error)
""",
}
