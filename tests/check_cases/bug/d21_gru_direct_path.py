import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class GRU:
    """h_t = (1 - z) * h_{t-1} + z * n"""

    def __init__(self, input_size, hidden_size, output_size, seed=0):
        rng = np.random.default_rng(seed)
        s = 1.0 / np.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.p = {}
        for gate in "rzn":
            self.p["W" + gate] = rng.uniform(-s, s, (input_size, hidden_size))
            self.p["U" + gate] = rng.uniform(-s, s, (hidden_size, hidden_size))
            self.p["b" + gate] = rng.uniform(-s, s, hidden_size)
        self.p["V"] = rng.uniform(-s, s, (hidden_size, output_size))
        self.p["c"] = np.zeros(output_size)

    def forward(self, x):
        """x: (batch, time, input) -> (batch, output)"""
        p = self.p
        h = np.zeros((x.shape[0], self.hidden_size))
        self.cache = []
        for t in range(x.shape[1]):
            xt = x[:, t]
            r = sigmoid(xt @ p["Wr"] + h @ p["Ur"] + p["br"])
            z = sigmoid(xt @ p["Wz"] + h @ p["Uz"] + p["bz"])
            n = np.tanh(xt @ p["Wn"] + (r * h) @ p["Un"] + p["bn"])
            self.cache.append((xt, h, r, z, n))
            h = (1 - z) * h + z * n
        self.h_last = h
        return h @ p["V"] + p["c"]

    def backward(self, dout):
        p = self.p
        grads = {k: np.zeros_like(v) for k, v in p.items()}
        grads["V"] = self.h_last.T @ dout
        grads["c"] = dout.sum(axis=0)
        dh = dout @ p["V"].T
        for xt, h_prev, r, z, n in reversed(self.cache):
            dn = dh * z * (1 - n**2)
            dz = dh * (n - h_prev) * z * (1 - z)
            drh = dn @ p["Un"].T
            dr = drh * h_prev * r * (1 - r)

            grads["Wn"] += xt.T @ dn
            grads["Un"] += (r * h_prev).T @ dn
            grads["bn"] += dn.sum(axis=0)
            grads["Wz"] += xt.T @ dz
            grads["Uz"] += h_prev.T @ dz
            grads["bz"] += dz.sum(axis=0)
            grads["Wr"] += xt.T @ dr
            grads["Ur"] += h_prev.T @ dr
            grads["br"] += dr.sum(axis=0)

            dh_prev = dh * z
            dh_prev += drh * r
            dh_prev += dz @ p["Uz"].T + dr @ p["Ur"].T
            dh = dh_prev
        return grads


def mse(pred, y):
    return np.mean((pred - y) ** 2)


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    x = rng.normal(size=(7, 4, 3))
    y = np.stack([x.sum(axis=(1, 2)), x[:, -1, 0]], axis=1)
    model = GRU(3, 5, 2)
    for step in range(60):
        pred = model.forward(x)
        loss = mse(pred, y)
        grads = model.backward(2 * (pred - y) / pred.size)
        for k in model.p:
            model.p[k] -= 0.1 * grads[k]
        if step % 20 == 0:
            print(step, loss)
