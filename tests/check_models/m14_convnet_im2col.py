"""conv - relu - conv - relu - linear, the convolutions as one matrix product over patches."""

import numpy as np

INFO = {
    "kind": "layers",
    "style": "conv net, im2col, layers with W/dW",
    "fault": "overlap-overwritten",
    "where": "layers[0].W",
    "wrong": ["layers[0].W", "layers[0].b"],
    "tuned": False,
    "loss": "m.softmax_loss(m.forward(X), y)",
}


def patches(x, k):
    """(N, C, H, W) -> (N, Ho, Wo, C * k * k), stride 1, no padding."""
    win = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
    N, C, Ho, Wo = win.shape[:4]
    return win.transpose(0, 2, 3, 1, 4, 5).reshape(N, Ho, Wo, C * k * k)


def unpatch(cols, shape, k, add=True):
    N, C, _, _ = shape
    _, Ho, Wo, _ = cols.shape
    x = np.zeros(shape, dtype=cols.dtype)
    cols = cols.reshape(N, Ho, Wo, C, k, k)
    for i in range(k):
        for j in range(k):
            piece = cols[:, :, :, :, i, j].transpose(0, 3, 1, 2)
            if add:
                x[:, :, i : i + Ho, j : j + Wo] += piece
            else:
                x[:, :, i : i + Ho, j : j + Wo] = piece
    return x


class Conv:
    add_overlaps = True

    def __init__(self, c_in, c_out, k, rng):
        self.k = k
        self.W = rng.normal(size=(c_out, c_in, k, k)) * np.sqrt(2 / (c_in * k * k))
        self.b = 0.1 * rng.normal(size=c_out)

    def forward(self, x):
        self.shape = x.shape
        self.cols = patches(x, self.k)
        out = self.cols @ self.W.reshape(len(self.W), -1).T + self.b
        return out.transpose(0, 3, 1, 2)

    def backward(self, d):
        d = d.transpose(0, 2, 3, 1)
        flat = d.reshape(-1, d.shape[-1])
        self.dW = (flat.T @ self.cols.reshape(len(flat), -1)).reshape(self.W.shape)
        self.db = flat.sum(axis=0)
        dcols = d @ self.W.reshape(len(self.W), -1)
        return unpatch(dcols, self.shape, self.k, self.add_overlaps)


class ConvOverwriting(Conv):
    add_overlaps = False  # patches overlap, the last one written wins


class Relu:
    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, d):
        return d * self.on


class Linear:
    def __init__(self, n, m, rng):
        self.W = rng.normal(size=(n, m)) / np.sqrt(n)
        self.b = np.zeros(m)

    def forward(self, x):
        self.shape = x.shape
        self.x = x.reshape(len(x), -1)
        return self.x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = self.x.T @ d, d.sum(axis=0)
        return (d @ self.W.T).reshape(self.shape)


class ConvNet:
    def __init__(self, conv=Conv):
        rng = np.random.default_rng(14)
        self.layers = [conv(1, 2, 3, rng), Relu(), conv(2, 3, 2, rng), Relu(), Linear(27, 4, rng)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def softmax_loss(self, p, y):
        return -np.log(p[np.arange(len(y)), y]).mean()

    def backward(self, y):
        d = (self.p - np.eye(self.p.shape[1])[y]) / len(y)
        for layer in self.layers[::-1]:
            d = layer.backward(d)


def data():
    rng = np.random.default_rng(141)
    return rng.normal(size=(3, 1, 6, 6)), rng.integers(0, 4, 3)


def right():
    return ConvNet(), *data()


def wrong():
    return ConvNet(ConvOverwriting), *data()
