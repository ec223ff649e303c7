"""TinyTorch, module autograd: the backward functions patched onto Tensor, plus Adam."""
import numpy as np


class Tensor:
    def __init__(self, data, requires_grad=False):
        self.data = np.array(data, dtype=np.float64)
        self.requires_grad = requires_grad
        self.grad = None
        self._grad_fn = None

    def _make(self, data, fn):
        out = Tensor(data, requires_grad=True)
        out._grad_fn = fn
        return out

    def matmul(self, other):
        return self._make(np.matmul(self.data, other.data), MatmulBackward(self, other))

    def __add__(self, other):
        return self._make(self.data + other.data, AddBackward(self, other))

    def __sub__(self, other):
        return self + other * Tensor(-1.0)

    def __mul__(self, other):
        return self._make(self.data * other.data, MulBackward(self, other))

    def sum(self):
        return self._make(self.data.sum(), SumBackward(self))

    def tanh(self):
        return self._make(np.tanh(self.data), TanhBackward(self))

    def backward(self, gradient=None):
        if gradient is None:
            gradient = np.ones_like(self.data)
        if self.grad is None:
            self.grad = np.zeros_like(self.data)
        self.grad = self.grad + gradient
        if self._grad_fn is not None:
            for t, g in zip(self._grad_fn.saved_tensors, self._grad_fn.apply(gradient)):
                if t.requires_grad:
                    t.backward(g)


class Function:
    def __init__(self, *tensors):
        self.saved_tensors = tensors


class AddBackward(Function):
    def apply(self, grad_output):
        return grad_output, grad_output


class MulBackward(Function):
    def apply(self, grad_output):
        a, b = self.saved_tensors
        return grad_output * b.data, grad_output * a.data


class SumBackward(Function):
    def apply(self, grad_output):
        a, = self.saved_tensors
        return (grad_output * np.ones_like(a.data),)


class TanhBackward(Function):
    def apply(self, grad_output):
        a, = self.saved_tensors
        return (grad_output * (1 - np.tanh(a.data) ** 2),)


class MatmulBackward(Function):
    def apply(self, grad_output):
        a, b = self.saved_tensors
        grad_a = np.outer(grad_output, b.data) if b.data.ndim == 1 else np.matmul(grad_output, b.data.T)
        grad_b = np.matmul(a.data.T, grad_output)
        return grad_a, grad_b


class Adam:
    def __init__(self, params, lr=0.05, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.eps = params, lr, eps
        self.b1, self.b2 = betas
        self.m = [np.zeros_like(p.data) for p in params]
        self.v = [np.zeros_like(p.data) for p in params]
        self.t = 0

    def step(self):
        self.t += 1
        for i, p in enumerate(self.params):
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * p.grad
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * p.grad ** 2
            m_hat = self.m[i] / (1 - self.b1 ** self.t)
            v_hat = self.v[i] / (1 - self.b2 ** self.t)
            p.data = p.data - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


rng = np.random.default_rng(8)
xs = rng.normal(size=(12, 3))
ys = np.sin(xs[:, 0]) - 0.5 * xs[:, 1] * xs[:, 2]

W = Tensor(rng.normal(size=(3, 3)) * 0.5, requires_grad=True)
c = Tensor(np.zeros(3), requires_grad=True)
v = Tensor(rng.normal(size=3) * 0.5, requires_grad=True)
opt = Adam([W, c, v])

for epoch in range(20):
    total = 0.0
    for x, y in zip(xs, ys):
        for p in opt.params:
            p.grad = None
        hidden = (W.matmul(Tensor(x)) + c).tanh()
        err = (v * hidden).sum() - Tensor(y)
        loss = err * err
        loss.backward()
        opt.step()
        total += float(loss.data)
    if epoch % 5 == 0:
        print(epoch, total / len(xs))
