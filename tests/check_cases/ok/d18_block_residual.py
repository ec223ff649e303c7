import numpy as np


class Linear:
    def __init__(self, rng, n_in, n_out):
        self.params = {"w": rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_out)), "b": np.zeros(n_out)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, dy):
        x2, dy2 = self.x.reshape(-1, self.x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        self.grads = {"w": x2.T @ dy2, "b": dy2.sum(axis=0)}
        return dy @ self.params["w"].T


class LayerNorm:
    def __init__(self, dim):
        self.params = {"gamma": np.ones(dim), "beta": np.zeros(dim)}
        self.grads = {}

    def forward(self, x):
        self.inv = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        self.xhat = (x - x.mean(axis=-1, keepdims=True)) * self.inv
        return self.xhat * self.params["gamma"] + self.params["beta"]

    def backward(self, dy):
        self.grads = {"gamma": (dy * self.xhat).sum(axis=(0, 1)), "beta": dy.sum(axis=(0, 1))}
        d = dy * self.params["gamma"]
        return self.inv * (d - d.mean(axis=-1, keepdims=True)
                           - self.xhat * (d * self.xhat).mean(axis=-1, keepdims=True))


class SelfAttention:
    """One head, causal."""

    def __init__(self, rng, dim, head):
        self.q, self.k, self.v = Linear(rng, dim, head), Linear(rng, dim, head), Linear(rng, dim, head)
        self.o = Linear(rng, head, dim)
        self.scale = 1 / np.sqrt(head)
        self.layers = [self.q, self.k, self.v, self.o]

    def forward(self, x):
        self.Q, self.K, self.V = self.q.forward(x), self.k.forward(x), self.v.forward(x)
        s = self.Q @ self.K.transpose(0, 2, 1) * self.scale
        T = x.shape[1]
        s = np.where(np.tril(np.ones((T, T), dtype=bool)), s, -1e9)
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        self.P = e / e.sum(axis=-1, keepdims=True)
        return self.o.forward(self.P @ self.V)

    def backward(self, dy):
        dA = self.o.backward(dy)
        dV = self.P.transpose(0, 2, 1) @ dA
        dP = dA @ self.V.transpose(0, 2, 1)
        dS = self.P * (dP - (dP * self.P).sum(axis=-1, keepdims=True))
        dQ = dS @ self.K * self.scale
        dK = dS.transpose(0, 2, 1) @ self.Q * self.scale
        return self.q.backward(dQ) + self.k.backward(dK) + self.v.backward(dV)


class FeedForward:
    def __init__(self, rng, dim, hidden):
        self.up, self.down = Linear(rng, dim, hidden), Linear(rng, hidden, dim)
        self.layers = [self.up, self.down]

    def forward(self, x):
        self.h = self.up.forward(x)
        return self.down.forward(np.maximum(self.h, 0))

    def backward(self, dy):
        return self.up.backward(self.down.backward(dy) * (self.h > 0))


class Block:
    def __init__(self, rng, dim, head, hidden):
        self.norm1, self.norm2 = LayerNorm(dim), LayerNorm(dim)
        self.attn = SelfAttention(rng, dim, head)
        self.ffn = FeedForward(rng, dim, hidden)
        self.layers = [self.norm1, self.norm2] + self.attn.layers + self.ffn.layers

    def forward(self, x):
        residual1 = x + self.attn.forward(self.norm1.forward(x))
        return residual1 + self.ffn.forward(self.norm2.forward(residual1))

    def backward(self, grad_output):
        grad_norm2 = self.ffn.backward(grad_output)
        grad_residual1 = self.norm2.backward(grad_norm2) + grad_output
        grad_attn = self.attn.backward(grad_residual1)
        grad_input = self.norm1.backward(grad_attn)
        grad_input += grad_residual1
        return grad_input


class Model:
    def __init__(self, rng, n_in, dim, n_blocks):
        self.embed = Linear(rng, n_in, dim)
        self.blocks = [Block(rng, dim, head=4, hidden=10) for _ in range(n_blocks)]
        self.head = Linear(rng, dim, 1)

    def layers(self):
        return [self.embed] + [layer for block in self.blocks for layer in block.layers] + [self.head]

    def forward(self, x):
        x = self.embed.forward(x)
        for block in self.blocks:
            x = block.forward(x)
        return self.head.forward(x)

    def backward(self, dy):
        dy = self.head.backward(dy)
        for block in reversed(self.blocks):
            dy = block.backward(dy)
        return self.embed.backward(dy)


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 5, 3))
    y = np.cumsum(x[:, :, :1], axis=1)
    model = Model(rng, 3, 6, n_blocks=2)
    for step in range(20):
        out = model.forward(x)
        loss = np.mean((out - y) ** 2)
        model.backward(2 * (out - y) / y.size)
        for layer in model.layers():
            for name in layer.params:
                layer.params[name] -= 0.05 * layer.grads[name]
        if step % 5 == 0:
            norms = [float(np.linalg.norm(b.attn.o.grads["w"])) for b in model.blocks]
            print(step, loss, norms)


if __name__ == "__main__":
    main()
