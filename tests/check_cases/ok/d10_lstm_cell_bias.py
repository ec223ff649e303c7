import numpy as np


class Sigmoid:
    def __call__(self, z):
        return 1 / (1 + np.exp(-z))

    def grad(self, z):
        return self(z) * (1 - self(z))


class Tanh:
    def __call__(self, z):
        return np.tanh(z)

    def grad(self, z):
        return 1 - np.tanh(z) ** 2


class LSTMLayer:
    """
    All timesteps of one LSTM layer, batch first and time last.

    joined = [state before, input]
    forget, update, output gates: sigmoid(joined W + b); candidate: tanh(joined W + b)
    """

    def __init__(self, n_in, n_out, seed=None):
        rng = np.random.RandomState(seed)
        self.n_in, self.n_out = n_in, n_out
        self.gate, self.squash = Sigmoid(), Tanh()
        self.parameters = {}
        for name in ("forget", "update", "candidate", "output"):
            self.parameters[name + "_W"] = rng.randn(n_in + n_out, n_out) / np.sqrt(n_in + n_out)
            self.parameters[name + "_b"] = 0.1 * rng.randn(1, n_out)
        self.reset()

    def reset(self):
        self.gradients = {name: np.zeros_like(value) for name, value in self.parameters.items()}
        self.steps = []

    def forward(self, x):
        """x: (batch, n_in, time) -> (batch, n_out, time)"""
        state = cell = np.zeros((x.shape[0], self.n_out))
        states = []
        for t in range(x.shape[2]):
            state, cell = self.one_step(x[:, :, t], state, cell)
            states.append(state)
        return np.stack(states, axis=2)

    def one_step(self, xt, state, cell):
        p = self.parameters
        joined = np.concatenate([state, xt], axis=1)
        zf = joined @ p["forget_W"] + p["forget_b"]
        zu = joined @ p["update_W"] + p["update_b"]
        zo = joined @ p["output_W"] + p["output_b"]
        zc = joined @ p["candidate_W"] + p["candidate_b"]
        new_cell = self.gate(zf) * cell + self.gate(zu) * self.squash(zc)
        self.steps.append((joined, zf, zu, zo, zc, cell, new_cell))
        return self.gate(zo) * self.squash(new_cell), new_cell

    def backward(self, dout):
        """dout: (batch, n_out, time) -> gradient of x; those of the parameters add up in self.gradients"""
        dx = np.zeros((dout.shape[0], self.n_in, dout.shape[2]))
        dstate = dcell = np.zeros(dout.shape[:2])
        for t in reversed(range(dout.shape[2])):
            dstate, dcell, dx[:, :, t] = self.one_step_back(self.steps[t], dout[:, :, t] + dstate, dcell)
        return dx

    def one_step_back(self, step, dstate, dcell):
        joined, zf, zu, zo, zc, cell, new_cell = step
        dcell = dcell + dstate * self.gate(zo) * self.squash.grad(new_cell)
        dz = {
            "forget": dcell * cell * self.gate.grad(zf),
            "update": dcell * self.squash(zc) * self.gate.grad(zu),
            "output": dstate * self.squash(new_cell) * self.gate.grad(zo),
            "candidate": dcell * self.gate(zu) * self.squash.grad(zc),
        }
        djoined = 0
        for name, d in dz.items():
            self.gradients[name + "_W"] += joined.T @ d
            self.gradients[name + "_b"] += d.sum(axis=0, keepdims=True)
            djoined = djoined + d @ self.parameters[name + "_W"].T
        return djoined[:, :self.n_out], dcell * self.gate(zf), djoined[:, self.n_out:]


if __name__ == "__main__":
    x = np.random.RandomState(12).randn(5, 3, 6)
    layer = LSTMLayer(3, 4, seed=0)
    out = layer.forward(x)
    loss = out.sum()
    dx = layer.backward(np.ones_like(out))
    print("loss", loss)
    print({name: round(float(np.abs(g).mean()), 4) for name, g in layer.gradients.items()})
