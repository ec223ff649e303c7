# GRU by hand, the gates are stacked as in cuDNN: rows [0:H] reset, [H:2H] update, [2H:3H] candidate
#   r  = sigmoid(Wr x + bWr + Ur h + bUr)
#   z  = sigmoid(Wz x + bWz + Uz h + bUz)
#   n  = tanh(Wn x + bWn + r * (Un h + bUn))
#   h' = (1 - z) * n + z * h
import numpy as np

rng = np.random.RandomState(12)
T, BATCH, X, H = 6, 16, 2, 7


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_cell_forward(x, h, W3, U3, bW3, bU3):
    W3x = x @ W3.T + bW3
    U3h = h @ U3.T + bU3
    r = sigmoid(W3x[:, :H] + U3h[:, :H])
    z = sigmoid(W3x[:, H:2 * H] + U3h[:, H:2 * H])
    Uh = U3h[:, 2 * H:]
    n = np.tanh(W3x[:, 2 * H:] + r * Uh)
    return (1 - z) * n + z * h, (x, h, r, z, n, Uh)


def gru_cell_backward(dnext, cache, W3, U3):
    x, h, r, z, n, Uh = cache
    # gate gradients
    dn = dnext * (1 - z) * (1 - n ** 2)
    dz = dnext * (h - n) * z * (1 - z)
    dr = dn * Uh * r * (1 - r)
    dW3x = np.concatenate([dr, dz, dn], axis=1)
    dU3h = np.concatenate([dr, dz, dn * r], axis=1)

    dx = dW3x @ W3
    dh = dU3h @ U3 + dnext * z
    return dx, dh, dW3x.T @ x, dU3h.T @ h, dW3x.sum(axis=0), dU3h.sum(axis=0)


def gru_forward(inp, h, W3, U3, bW3, bU3):
    caches = []
    for t in range(T):
        h, cache = gru_cell_forward(inp[t], h, W3, U3, bW3, bU3)
        caches.append(cache)
    return h, caches


def gru_backward(dh, caches, W3, U3):
    dinput = np.zeros((T, dh.shape[0], X))
    dW3, dU3 = np.zeros_like(W3), np.zeros_like(U3)
    dbW3, dbU3 = np.zeros(3 * H), np.zeros(3 * H)
    for t in reversed(range(T)):
        dinput[t], dh, dW3_t, dU3_t, dbW3_t, dbU3_t = gru_cell_backward(dh, caches[t], W3, U3)
        dW3 = dW3_t
        dU3 = dU3_t
        dbW3 = dbW3_t
        dbU3 = dbU3_t
    return dinput, dh, dW3, dU3, dbW3, dbU3


def get_batch(n=BATCH):
    # adding problem: second channel marks two of the numbers in the first
    values = rng.rand(T, n)
    marks = (rng.rand(T, n).argsort(axis=0) < 2).astype(float)
    return np.stack([values, marks], axis=2), (values * marks).sum(axis=0)[:, None]


W3 = 0.4 * rng.randn(3 * H, X)
U3 = 0.4 * rng.randn(3 * H, H)
bW3 = np.zeros(3 * H)
bU3 = np.zeros(3 * H)
Wout = 0.4 * rng.randn(1, H)
bout = np.zeros(1)
lr = 0.25

for it in range(401):
    inp, target = get_batch()
    hn, caches = gru_forward(inp, np.zeros((BATCH, H)), W3, U3, bW3, bU3)
    pred = hn @ Wout.T + bout
    loss = np.mean((pred - target) ** 2)

    dpred = 2 * (pred - target) / BATCH
    dWout = dpred.T @ hn
    dbout = dpred.sum(axis=0)
    _, _, dW3, dU3, dbW3, dbU3 = gru_backward(dpred @ Wout, caches, W3, U3)

    for p, dp in [(W3, dW3), (U3, dU3), (bW3, dbW3), (bU3, dbU3), (Wout, dWout), (bout, dbout)]:
        p -= lr * dp
    if it % 100 == 0:
        print('iteration', it, 'mse', loss)
