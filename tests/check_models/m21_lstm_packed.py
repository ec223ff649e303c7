"""LSTM with all four gates packed in one matrix, bias as its first row."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "LSTM, one packed matrix, arrays over time",
    "fault": "forget-gate-not-passed",
    "where": "WLSTM",
    "wrong": ["WLSTM"],
    "tuned": False,
    "pairs": {"WLSTM": "dWLSTM"},
    "loss": "m.loss(m.forward(X), y)",
}


class LSTM:
    def __init__(self, input_size=3, hidden_size=4):
        rng = np.random.default_rng(21)
        self.H = hidden_size
        rows = input_size + hidden_size + 1
        self.WLSTM = rng.normal(size=(rows, 4 * hidden_size)) / np.sqrt(rows)

    def forward(self, X):
        """X: (T, B, input_size) -> hidden states (T, B, H)."""
        T, B, D = X.shape
        H = self.H
        self.D = D
        self.hin = np.zeros((T, B, 1 + D + H), dtype=self.WLSTM.dtype)
        self.gates = np.zeros((T, B, 4 * H), dtype=self.WLSTM.dtype)
        self.c = np.zeros((T, B, H), dtype=self.WLSTM.dtype)
        self.ct = np.zeros_like(self.c)
        self.h = np.zeros_like(self.c)
        for t in range(T):
            before = self.h[t - 1] if t else np.zeros((B, H))
            self.hin[t, :, 0] = 1
            self.hin[t, :, 1 : 1 + D] = X[t]
            self.hin[t, :, 1 + D :] = before
            raw = self.hin[t] @ self.WLSTM
            self.gates[t, :, : 3 * H] = 1 / (1 + np.exp(-raw[:, : 3 * H]))  # in, forget, out
            self.gates[t, :, 3 * H :] = np.tanh(raw[:, 3 * H :])
            i, f, o, g = np.split(self.gates[t], 4, axis=1)
            self.c[t] = i * g + (f * self.c[t - 1] if t else 0)
            self.ct[t] = np.tanh(self.c[t])
            self.h[t] = o * self.ct[t]
        return self.h

    def loss(self, h, y):
        return 0.5 * np.sum((h - y) ** 2)

    def carry(self, dc, f):
        return dc * f

    def backward(self, y):
        T, B, H = self.h.shape
        self.dWLSTM = np.zeros_like(self.WLSTM)
        dh_all = self.h - y
        dh_next, dc_next = np.zeros((B, H)), np.zeros((B, H))
        for t in range(T - 1, -1, -1):
            i, f, o, g = np.split(self.gates[t], 4, axis=1)
            c_prev = self.c[t - 1] if t else np.zeros((B, H))
            dh = dh_all[t] + dh_next
            dc = dh * o * (1 - self.ct[t] ** 2) + dc_next
            d = np.concatenate(
                [
                    dc * g * i * (1 - i),
                    dc * c_prev * f * (1 - f),
                    dh * self.ct[t] * o * (1 - o),
                    dc * i * (1 - g**2),
                ],
                axis=1,
            )
            self.dWLSTM += self.hin[t].T @ d
            dh_next = (d @ self.WLSTM.T)[:, 1 + self.D :]
            dc_next = self.carry(dc, f)


class CellNotForgotten(LSTM):
    def carry(self, dc, f):
        return dc  # as if the forget gate were open


def data():
    rng = np.random.default_rng(211)
    return rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 2, 4))


def right():
    return LSTM(), *data()


def wrong():
    return CellNotForgotten(), *data()
