import math
import random


class Value:
    def __init__(self, data, _prev=()):
        self.data = data
        self.grad = 0
        self._prev = _prev
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, k):
        out = Value(self.data ** k, (self,))

        def _backward():
            self.grad += k * self.data ** (k - 1) * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        out = Value(math.tanh(self.data), (self,))

        def _backward():
            self.grad += (1 - out.data ** 2) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        topo, seen = [], set()

        def visit(v):
            if v in seen:
                return
            seen.add(v)
            for child in v._prev:
                visit(child)
            topo.append(v)
        visit(self)
        # parameters keep what other losses gave them, everything in between starts again
        for v in topo:
            if v._prev:
                v.grad = 0
        self.grad = 1
        for v in reversed(topo):
            v._backward()

    __radd__ = __add__
    __rmul__ = __mul__

    def __sub__(self, other):
        return self + (-1) * other


random.seed(8)
n_in, n_hidden = 3, 4
W = [[Value(random.uniform(-1, 1)) for _ in range(n_in)] for _ in range(n_hidden)]
b = [Value(0.0) for _ in range(n_hidden)]
head_a = [Value(random.uniform(-1, 1)) for _ in range(n_hidden)]
head_b = [Value(random.uniform(-1, 1)) for _ in range(n_hidden)]
params = [w for row in W for w in row] + b + head_a + head_b

X = [[random.gauss(0, 1) for _ in range(n_in)] for _ in range(6)]
ya = [x[0] * x[1] for x in X]
yb = [abs(x[2]) for x in X]

for step in range(30):
    loss_a, loss_b = Value(0.0), Value(0.0)
    for x, ta, tb in zip(X, ya, yb):
        # the trunk is shared by both heads
        h = [(sum(w * xi for w, xi in zip(row, x)) + bi).tanh() for row, bi in zip(W, b)]
        pa = sum(w * hi for w, hi in zip(head_a, h))
        pb = sum(w * hi for w, hi in zip(head_b, h))
        loss_a = loss_a + (pa - ta) ** 2
        loss_b = loss_b + (pb - tb) ** 2
    for p in params:
        p.grad = 0
    loss_a.backward()
    loss_b.backward()
    for p in params:
        p.data -= 0.02 * p.grad
    if step % 10 == 0:
        print(step, loss_a.data + loss_b.data)
