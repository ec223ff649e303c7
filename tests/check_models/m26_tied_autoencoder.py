"""Autoencoder whose decoder is the transposed encoder: one W, used twice."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "autoencoder with tied weights, y is X",
    "fault": "shared-weights-overwritten",
    "where": "W",
    "wrong": ["W"],
    "tuned": False,
    "pairs": {"W": "W_grad", "b": "b_grad", "c": "c_grad"},
    "loss": "m.reconstruction_loss(m.forward(X), y)",
}


class TiedAutoencoder:
    def __init__(self, visible, hidden):
        rng = np.random.default_rng(26)
        self.W = rng.normal(size=(visible, hidden)) / np.sqrt(visible)
        self.b = np.zeros(hidden)
        self.c = np.zeros(visible)

    def encode(self, V):
        return np.tanh(V @ self.W + self.b)

    def decode(self, H):
        return H @ self.W.T + self.c

    def forward(self, V):
        self.V = V
        self.H = self.encode(V)
        self.R = self.decode(self.H)
        return self.R

    def reconstruction_loss(self, R, V):
        return np.square(R - V).sum(axis=1).mean()

    def backward(self, V):
        dR = 2 * (self.R - V) / len(V)
        self.c_grad = dR.sum(axis=0)
        self.W_grad = dR.T @ self.H  # decoder's share
        dH = (dR @ self.W) * (1 - self.H**2)
        self.b_grad = dH.sum(axis=0)
        self.encoder_share(self.V.T @ dH)

    def encoder_share(self, g):
        self.W_grad += g


class EncoderShareOnly(TiedAutoencoder):
    def encoder_share(self, g):
        self.W_grad = g


def data():
    V = np.random.default_rng(261).normal(size=(6, 5))
    return V, V


def right():
    return TiedAutoencoder(5, 3), *data()


def wrong():
    return EncoderShareOnly(5, 3), *data()
