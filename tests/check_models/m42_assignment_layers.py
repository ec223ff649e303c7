"""Course assignment: affine and relu as forward/backward pairs, a net put together from them."""

import numpy as np

INFO = {
    "kind": "dict",
    "style": "assignment layers: affine_forward/affine_backward, three-layer net",
    "tuned": False,
}
MISTAKES = [
    (
        "missing-batch-mean",
        "    dx /= N\n",
        "",
        ["W1", "b1", "W2", "b2", "W3", "b3"],
    ),
    (
        "bias-mean-for-sum",
        "db = np.sum(dout, axis=0)",
        "db = np.mean(dout, axis=0)",
        ["b1", "b2", "b3"],
    ),
    (
        "regulariser-missing",
        'grads["W2"] += self.reg * W2\n',
        'grads["W2"] += 0\n',
        ["W2"],
    ),
]


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    x = cache
    return dout * (x > 0)


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = np.exp(log_probs)
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


class ThreeLayerNet:
    def __init__(self, dims=(4, 6, 5, 3), reg=0.05, seed=42):
        rng = np.random.default_rng(seed)
        self.reg = reg
        self.params = {}
        for i in range(3):
            self.params[f"W{i + 1}"] = rng.normal(size=(dims[i], dims[i + 1]))
            self.params[f"b{i + 1}"] = 0.1 * rng.normal(size=dims[i + 1])

    def loss(self, X, y):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        W3, b3 = self.params["W3"], self.params["b3"]
        a1, fc1 = affine_forward(X, W1, b1)
        h1, r1 = relu_forward(a1)
        a2, fc2 = affine_forward(h1, W2, b2)
        h2, r2 = relu_forward(a2)
        scores, fc3 = affine_forward(h2, W3, b3)
        loss, dscores = softmax_loss(scores, y)
        loss += 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2) + np.sum(W3 * W3))

        grads = {}
        dh2, grads["W3"], grads["b3"] = affine_backward(dscores, fc3)
        dh1, grads["W2"], grads["b2"] = affine_backward(relu_backward(dh2, r2), fc2)
        _, grads["W1"], grads["b1"] = affine_backward(relu_backward(dh1, r1), fc1)
        grads["W1"] += self.reg * W1
        grads["W2"] += self.reg * W2
        grads["W3"] += self.reg * W3
        return loss, grads


def right():
    rng = np.random.default_rng(421)
    return ThreeLayerNet(), rng.normal(size=(7, 4)), rng.integers(0, 3, 7)
