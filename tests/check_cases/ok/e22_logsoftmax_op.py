"""A small part of a deep learning framework: tensors, ops with compute and gradient, SGD."""
import numpy as np


class Op:
    def __call__(self, *inputs):
        return Tensor(self.compute(*[i.data for i in inputs]), self, inputs)

    def compute(self, *args):
        raise NotImplementedError

    def gradient(self, out_grad, node):
        raise NotImplementedError


class Tensor:
    def __init__(self, data, op=None, inputs=()):
        self.data = np.asarray(data, dtype="float64")
        self.op = op
        self.inputs = inputs
        self.grad = None

    def backward(self):
        compute_gradient_of_variables(self, np.ones_like(self.data))


def find_topo_sort(node, visited, order):
    if id(node) in visited:
        return
    visited.add(id(node))
    for i in node.inputs:
        find_topo_sort(i, visited, order)
    order.append(node)


def compute_gradient_of_variables(output, out_grad):
    grads = {id(output): [out_grad]}
    order = []
    find_topo_sort(output, set(), order)
    for node in reversed(order):
        node.grad = sum(grads[id(node)])
        if node.op is None:
            continue
        partial = node.op.gradient(node.grad, node)
        if not isinstance(partial, tuple):
            partial = (partial,)
        for i, g in zip(node.inputs, partial):
            grads.setdefault(id(i), []).append(g)


class MatMul(Op):
    def compute(self, a, b):
        return a @ b

    def gradient(self, out_grad, node):
        a, b = node.inputs
        return out_grad @ b.data.T, a.data.T @ out_grad


class AddBias(Op):
    def compute(self, a, b):
        return a + b

    def gradient(self, out_grad, node):
        return out_grad, out_grad.sum(axis=0)


class ReLU(Op):
    def compute(self, a):
        return np.maximum(a, 0)

    def gradient(self, out_grad, node):
        return out_grad * (node.inputs[0].data > 0)


class LogSoftmax(Op):
    """z - logsumexp(z), along the last axis"""

    def compute(self, Z):
        m = Z.max(axis=-1, keepdims=True)
        return Z - (np.log(np.exp(Z - m).sum(axis=-1, keepdims=True)) + m)

    def gradient(self, out_grad, node):
        softmax = np.exp(node.data)
        return out_grad - softmax * out_grad.sum(axis=-1, keepdims=True)


class NLLLoss(Op):
    def __init__(self, y):
        self.y = y

    def compute(self, logp):
        return -logp[np.arange(len(self.y)), self.y].mean()

    def gradient(self, out_grad, node):
        g = np.zeros_like(node.inputs[0].data)
        g[np.arange(len(self.y)), self.y] = -1 / len(self.y)
        return out_grad * g


np.random.seed(10714)
y = np.random.randint(0, 3, 30)
X = Tensor(np.random.randn(30, 2) + np.array([[0, 2], [2, -1], [-2, -1]])[y])
W1, b1 = Tensor(np.random.randn(2, 5) * 0.6), Tensor(np.zeros(5))
W2, b2 = Tensor(np.random.randn(5, 3) * 0.6), Tensor(np.zeros(3))
params = [W1, b1, W2, b2]

for epoch in range(41):
    h = ReLU()(AddBias()(MatMul()(X, W1), b1))
    logp = LogSoftmax()(AddBias()(MatMul()(h, W2), b2))
    loss = NLLLoss(y)(logp)
    loss.backward()
    for p in params:
        p.data = p.data - 0.2 * p.grad
    if epoch % 10 == 0:
        print("epoch", epoch, "loss", float(loss.data), "acc", (logp.data.argmax(1) == y).mean())
