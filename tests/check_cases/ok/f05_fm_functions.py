"""
Factorization machine, written like a layer module: init / forward / backward / train
  y = w0 + X W + 1/2 sum_f ( (X V)_f^2 - (X^2 V^2)_f )
"""
import numpy as np


def init(d, k, rng):
    """d features, k factors"""
    w0 = np.zeros((1, 1))
    W = np.zeros((d, 1))
    V = rng.normal(0, 0.1, (d, k))
    return w0, W, V


def forward(X, w0, W, V):
    inter = (X @ V) ** 2 - (X ** 2) @ (V ** 2)
    return w0 + X @ W + 0.5 * np.sum(inter, axis=1, keepdims=True)


def backward(dout, X, w0, W, V):
    """dout: gradient of the loss with respect to the output, (n, 1)"""
    dw0 = np.sum(dout, axis=0, keepdims=True)   # (1, 1)
    dW = X.T @ dout                             # (d, 1)
    dV = X.T @ (dout * (X @ V)) - V * ((X ** 2).T @ dout)   # (d, k)
    return dw0, dW, dV


def l2_loss_forward(pred, y):
    return 0.5 * np.sum((pred - y) ** 2) / len(y)


def l2_loss_backward(pred, y):
    return (pred - y) / len(y)


def l2_reg_forward(W, lam):
    return 0.5 * lam * np.sum(W ** 2)


def l2_reg_backward(W, lam):
    return lam * W


def train(X, y, k, epochs, batch_size, lr, lam, rng):
    N, d = X.shape
    w0, W, V = init(d, k, rng)
    for e in range(epochs):
        order = rng.permutation(N)
        for beg in range(0, N, batch_size):
            rows = order[beg:beg + batch_size]
            X_batch, y_batch = X[rows], y[rows]
            out = forward(X_batch, w0, W, V)
            dout = l2_loss_backward(out, y_batch)
            dw0, dW, dV = backward(dout, X_batch, w0, W, V)
            dW += l2_reg_backward(W, lam)
            dV += l2_reg_backward(V, lam)
            w0 = w0 - lr * dw0
            W = W - lr * dW
            V = V - lr * dV
        if e % 20 == 0:
            out = forward(X, w0, W, V)
            loss = l2_loss_forward(out, y) + l2_reg_forward(W, lam) + l2_reg_forward(V, lam)
            print("Epoch: %d, loss: %.5f" % (e, loss))
    return w0, W, V


rng = np.random.RandomState(21)
# one-hot user, one-hot item, two real valued context features
n_users, n_items = 6, 5
users = rng.randint(n_users, size=160)
items = rng.randint(n_items, size=160)
context = rng.randn(160, 2)
X = np.hstack([np.eye(n_users)[users], np.eye(n_items)[items], context])
taste_u, taste_i = rng.randn(n_users), rng.randn(n_items)
y = 3 + taste_u[users] * taste_i[items] + 0.8 * context[:, 0] * context[:, 1] + 0.1 * rng.randn(160)
y = y[:, None]

w0, W, V = train(X, y, k=3, epochs=101, batch_size=20, lr=0.1, lam=0.001, rng=rng)
print("rmse", np.sqrt(np.mean((forward(X, w0, W, V) - y) ** 2)))
