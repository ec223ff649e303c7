"""Models as still other people write them: `maker(wrong)` gives `(target, X, y)`, right or with the
one mistake that its first line tells."""

from __future__ import annotations

import dataclasses

import numpy as np

__all__ = ["MAKERS"]


def R(*shape):
    return np.random.default_rng([3, *shape]).normal(size=shape)


def soft(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def dataclass_state(wrong):
    """One dataclass of parameters, another of gradients; the mean is over rows only."""

    @dataclasses.dataclass
    class Params:
        kernel: np.ndarray
        bias: np.ndarray

    @dataclasses.dataclass
    class Regressor:
        params: Params
        grads: Params | None = None

        def forward(self, X):
            self.X = X
            self.out = X @ self.params.kernel + self.params.bias
            return self.out

        def loss(self, y):
            return np.mean(np.abs(self.out - y))

        def backward(self, y):
            g = np.sign(self.out - y) / (len(y) if wrong else y.size)
            self.grads = Params(self.X.T @ g, g.sum(axis=0))

    return Regressor(Params(R(4, 2), R(2))), R(7, 4), R(7, 2)


def theta_flat(wrong):
    """All parameters in self.theta, their gradient in self.grad; W is laid out by columns."""

    class Flat:
        def __init__(self):
            self.theta = 0.7 * R(4 * 3 + 3)
            self.grad = np.zeros_like(self.theta)

        def _split(self):
            return self.theta[:12].reshape(4, 3), self.theta[12:]

        def forward(self, X):
            W, b = self._split()
            self.X = X
            self.p = soft(X @ W + b)
            return self.p

        def cost(self, p, labels):
            return -np.log(p[range(len(labels)), labels]).mean()

        def backward(self, labels):
            d = self.p.copy()
            d[range(len(labels)), labels] -= 1
            d /= len(labels)
            self.grad = np.concatenate(
                [(self.X.T @ d).ravel(order="F" if wrong else "C"), d.sum(0)]
            )

    return Flat(), R(6, 4), np.array([0, 1, 2, 2, 0, 1])


def attention(wrong):
    """Self-attention with dX; the scale of the scores is lost."""

    class SelfAttention:
        def __init__(self, d=4):
            self.Wq, self.Wk, self.Wv = R(d, d), R(d, d) * 0.9, R(d, d) * 1.1

        def forward(self, x):
            self.x = x
            self.q, self.k, self.v = x @ self.Wq, x @ self.Wk, x @ self.Wv
            self.s = self.q @ self.k.transpose(0, 2, 1) / np.sqrt(x.shape[-1])
            self.a = soft(self.s)
            return self.a @ self.v

        def backward(self, dout):
            dv = self.a.transpose(0, 2, 1) @ dout
            da = dout @ self.v.transpose(0, 2, 1)
            ds = self.a * (da - (da * self.a).sum(-1, keepdims=True))
            if not wrong:
                ds = ds / np.sqrt(self.x.shape[-1])
            dq, dk = ds @ self.k, ds.transpose(0, 2, 1) @ self.q
            self.dWq, self.dWk, self.dWv = (
                np.einsum("nti,nto->io", self.x, d) for d in (dq, dk, dv)
            )
            return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T

    return SelfAttention(), R(3, 5, 4), None


def loss_from_forward(wrong):
    """forward(X, y) gives the loss, backward() takes nothing; the mask is lost."""

    class Net:
        def __init__(self):
            self.W1, self.W2 = R(4, 6), R(6, 3)

        def forward(self, X, y=None):
            self.X, self.y = X, y
            self.z = X @ self.W1
            self.a = self.z * (self.z > 0)
            self.p = soft(self.a @ self.W2)
            self.loss = -np.log(self.p[np.arange(len(y)), y]).mean()
            return self.loss

        def backward(self):
            d = self.p.copy()
            d[np.arange(len(self.y)), self.y] -= 1
            d /= len(self.y)
            self.dW2 = self.a.T @ d
            d = d @ self.W2.T
            self.dW1 = self.X.T @ (d if wrong else d * (self.z > 0))

    return Net(), R(5, 4), np.array([0, 1, 2, 0, 1])


def returned_tuple(wrong):
    """A tuple, some of it without a name; another function's derivative."""

    class Net:
        def __init__(self):
            self.w_in, self.b_in, self.w_out = R(3, 6), R(6), R(6, 2)

        def forward(self, inputs):
            self.inputs = inputs
            self.hidden = np.log1p(np.exp(inputs @ self.w_in + self.b_in))
            return self.hidden @ self.w_out

        def loss_fn(self, outputs, targets):
            return np.mean((outputs - targets) ** 2)

        def backward(self, outputs, targets):
            d_out = 2 * (outputs - targets) / outputs.size
            dw_out = self.hidden.T @ d_out
            dh = d_out @ self.w_out.T * (1 - np.exp(-self.hidden))
            if wrong:
                dh = d_out @ self.w_out.T * self.hidden
            return self.inputs.T @ dh, dh.sum(0), dw_out

    return Net(), R(7, 3), R(7, 2)


def huge_and_tiny(wrong):
    """Gradients of sizes from 1 to 1e-16; a small one is wrong."""

    def loss_and_gradients(w, X, y):
        s = np.array([1e8, 1.0, 1e-8, 1e-4])
        e = np.tanh(X @ (w * s) * 1e-8) - y
        g = s * 1e-8 * (X.T @ ((1 - (e + y) ** 2) * e)) / len(y)
        if wrong:
            g[1] *= 1.5
        return 0.5 * np.mean(e**2), g

    return (loss_and_gradients, R(4)), R(12, 4), R(12)


def batch_norm_and_dropout(wrong):
    """Batch norm and dropout with a training flag; the statistics held constant."""

    class Net:
        def __init__(self):
            self.rng = np.random.default_rng(0)
            self.training = True
            self.W1, self.gamma, self.beta, self.W2 = R(4, 6), 1 + 0.1 * R(6), R(6), R(6, 3)
            self.running_mean, self.running_var = np.zeros(6), np.ones(6)

        def forward(self, X):
            self.X = X
            z = X @ self.W1
            if self.training:
                mu, var = z.mean(0), z.var(0)
                self.running_mean = 0.9 * self.running_mean + 0.1 * mu
                self.running_var = 0.9 * self.running_var + 0.1 * var
                self.mask = (self.rng.random((len(X), 6)) < 0.8) / 0.8
            else:
                mu, var, self.mask = self.running_mean, self.running_var, np.ones((len(X), 6))
            self.inv = 1 / np.sqrt(var + 1e-5)
            self.xh = (z - mu) * self.inv
            self.a = np.maximum(self.gamma * self.xh + self.beta, 0)
            self.d = self.a * self.mask
            self.p = soft(self.d @ self.W2)
            return self.p

        def loss(self, p, y):
            return -np.log(p[np.arange(len(y)), y]).mean()

        def backward(self, y):
            g = self.p.copy()
            g[np.arange(len(y)), y] -= 1
            g /= len(y)
            self.dW2 = self.d.T @ g
            g = (g @ self.W2.T) * self.mask * (self.a > 0)
            self.dgamma, self.dbeta = (g * self.xh).sum(0), g.sum(0)
            g = g * self.gamma
            if self.training and not wrong:
                g = g - g.mean(0) - self.xh * (g * self.xh).mean(0)
            self.dW1 = self.X.T @ (g * self.inv)

    return Net(), R(8, 4), np.arange(8) % 3


def parameter_objects(wrong):
    """Objects with .data and .grad, set to zero by zero_grad; tanh′ is lost."""

    class Parameter:
        def __init__(self, data):
            self.data, self.grad = data, np.zeros_like(data)

    class Net:
        def __init__(self):
            self.fc1, self.fc2 = Parameter(R(4, 5)), Parameter(R(5, 2))

        def parameters(self):
            return [self.fc1, self.fc2]

        def zero_grad(self):
            for p in self.parameters():
                p.grad[...] = 0

        def forward(self, x):
            self.x = x
            self.h = np.tanh(x @ self.fc1.data)
            return self.h @ self.fc2.data

        def backward(self, dout):
            self.fc2.grad += self.h.T @ dout
            d = dout @ self.fc2.data.T
            self.fc1.grad += self.x.T @ (d if wrong else d * (1 - self.h**2))

    return Net(), R(6, 4), None


def poisson_regression(wrong):
    """gradients(X, y) returns expressions, one parameter is a float; a sum for a mean."""

    class PoissonRegression:
        def __init__(self):
            self.coef_, self.intercept_ = 0.3 * R(4), 0.1

        def predict(self, X):
            return np.exp(X @ self.coef_ + self.intercept_)

        def loss(self, X, y):
            m = self.predict(X)
            return np.mean(m - y * np.log(m))

        def gradients(self, X, y):
            e = self.predict(X) - y
            return X.T @ e / len(y), e.sum() if wrong else e.mean()

    return PoissonRegression(), R(10, 4), np.arange(10.0) % 4


MAKERS = [
    dataclass_state,
    theta_flat,
    attention,
    loss_from_forward,
    returned_tuple,
    huge_and_tiny,
    batch_norm_and_dropout,
    parameter_objects,
    poisson_regression,
]
