"""Vanilla recurrent net over characters, unrolled through time; columns as states."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "vanilla RNN, BPTT with dict of states",
    "fault": "output-for-input",
    "where": "Whh",
    "wrong": ["Whh"],
    "tuned": False,
    "pairs": {"Wxh": "dWxh", "Whh": "dWhh", "Why": "dWhy", "bh": "dbh", "by": "dby"},
    "loss": "m.loss(m.forward(X), y)",
}


class CharRNN:
    operand_step = -1

    def __init__(self, vocab=5, hidden=6):
        rng = np.random.default_rng(19)
        self.vocab, self.hidden = vocab, hidden
        self.Wxh = 0.5 * rng.normal(size=(hidden, vocab))
        self.Whh = 0.5 * rng.normal(size=(hidden, hidden))
        self.Why = 0.5 * rng.normal(size=(vocab, hidden))
        self.bh = np.zeros((hidden, 1))
        self.by = np.zeros((vocab, 1))

    def forward(self, chars):
        """chars: list of character numbers; probabilities of the next one at every step."""
        self.xs, self.ps = {}, {}
        self.hs = {-1: np.zeros((self.hidden, 1))}
        for t, c in enumerate(chars):
            self.xs[t] = np.zeros((self.vocab, 1))
            self.xs[t][c] = 1
            self.hs[t] = np.tanh(self.Wxh @ self.xs[t] + self.Whh @ self.hs[t - 1] + self.bh)
            u = self.Why @ self.hs[t] + self.by
            self.ps[t] = np.exp(u) / np.sum(np.exp(u))
        return np.hstack([self.ps[t] for t in range(len(chars))]).T

    def loss(self, probs, following):
        return -sum(np.log(probs[t, c]) for t, c in enumerate(following))  # summed over time

    def backward(self, following):
        self.dWxh, self.dWhh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh)
        self.dWhy = np.zeros_like(self.Why)
        self.dbh, self.dby = np.zeros_like(self.bh), np.zeros_like(self.by)
        dh_next = np.zeros_like(self.bh)
        for t in reversed(range(len(following))):
            du = self.ps[t].copy()
            du[following[t]] -= 1
            self.dWhy += du @ self.hs[t].T
            self.dby += du
            dh = self.Why.T @ du + dh_next
            draw = (1 - self.hs[t] ** 2) * dh
            self.dbh += draw
            self.dWxh += draw @ self.xs[t].T
            self.dWhh += draw @ self.hs[t + self.operand_step].T
            dh_next = self.Whh.T @ draw


class StateOfTheSameStep(CharRNN):
    operand_step = 0  # h_t where h_(t-1) went in


def data():
    text = np.array([0, 1, 2, 2, 3, 0, 4, 1, 1])
    return text[:-1], text[1:]


def right():
    return CharRNN(), *data()


def wrong():
    return StateOfTheSameStep(), *data()
