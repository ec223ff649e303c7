"""Two-layer net in the shape of a course assignment: self.params, and loss(X, y) gives both."""

import numpy as np

INFO = {
    "kind": "dict",
    "style": "assignment: params dict, loss(X, y) -> loss, grads",
    "fault": "regulariser-doubled",
    "where": "W2",
    "wrong": ["W1", "W2"],
    "tuned": True,
}


class TwoLayerNet:
    decay_factor = 1.0

    def __init__(self, input_dim=6, hidden_dim=7, num_classes=4, weight_scale=0.5, reg=0.3):
        rng = np.random.default_rng(3)
        self.reg = reg
        self.params = {
            "W1": weight_scale * rng.normal(size=(input_dim, hidden_dim)),
            "b1": 0.1 * rng.normal(size=hidden_dim),
            "W2": weight_scale * rng.normal(size=(hidden_dim, num_classes)),
            "b2": np.zeros(num_classes),
        }

    def loss(self, X, y=None):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N = X.shape[0]
        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:  # test time
            return scores

        shifted = scores - np.max(scores, axis=1, keepdims=True)
        log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        loss = -np.sum(log_probs[np.arange(N), y]) / N
        loss += 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

        grads = {}
        dscores = np.exp(log_probs)
        dscores[np.arange(N), y] -= 1
        dscores /= N
        lam = self.decay_factor * self.reg
        grads["W2"] = hidden.T.dot(dscores) + lam * W2
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = dscores.dot(W2.T)
        dhidden[hidden <= 0] = 0
        grads["W1"] = X.T.dot(dhidden) + lam * W1
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, grads


class TwiceTheDecay(TwoLayerNet):
    decay_factor = 2.0  # forgets that the loss has 0.5 * reg


def data():
    rng = np.random.default_rng(13)
    return rng.normal(size=(5, 6)), rng.integers(0, 4, 5)


def right():
    return TwoLayerNet(), *data()


def wrong():
    return TwiceTheDecay(), *data()
