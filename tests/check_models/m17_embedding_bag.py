"""Bag of words: look the word vectors up, average them, one linear layer on top."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "embedding lookup, integer inputs",
    "fault": "embedding-rows-overwritten",
    "where": "E",
    "wrong": ["E"],
    "tuned": False,
    "pairs": {"E": "grad_E", "V": "grad_V", "c": "grad_c"},
    "loss": "m.nll(m.forward(X), y)",
}


class BagOfWords:
    def __init__(self, vocab=9, dim=4, classes=3):
        rng = np.random.default_rng(17)
        self.E = rng.normal(size=(vocab, dim))
        self.V = rng.normal(size=(dim, classes))
        self.c = np.zeros(classes)

    def forward(self, tokens):
        self.tokens = tokens  # (N, T) word numbers
        self.mean = self.E[tokens].mean(axis=1)
        u = self.mean @ self.V + self.c
        self.logp = u - np.log(np.exp(u).sum(axis=1, keepdims=True))
        return self.logp

    def nll(self, logp, labels):
        return -logp[np.arange(len(labels)), labels].sum() / len(labels)

    def scatter(self, upstream):
        grad = np.zeros_like(self.E)
        np.add.at(grad, self.tokens, upstream)  # a word may occur more than once
        return grad

    def backward(self, labels):
        du = np.exp(self.logp)
        du[np.arange(len(labels)), labels] -= 1
        du /= len(labels)
        self.grad_V = self.mean.T @ du
        self.grad_c = du.sum(axis=0)
        per_word = (du @ self.V.T)[:, None, :] / self.tokens.shape[1]
        self.grad_E = self.scatter(np.broadcast_to(per_word, (*self.tokens.shape, self.E.shape[1])))


class LastOccurrenceOnly(BagOfWords):
    def scatter(self, upstream):
        grad = np.zeros_like(self.E)
        grad[self.tokens] += upstream  # repeated rows are counted once
        return grad


def data():
    rng = np.random.default_rng(171)
    return rng.integers(0, 9, (4, 6)), rng.integers(0, 3, 4)


def right():
    return BagOfWords(), *data()


def wrong():
    return LastOccurrenceOnly(), *data()
