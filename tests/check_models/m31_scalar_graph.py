"""A tiny engine of scalars: every number knows its parents and how to push its gradient to them."""

import numpy as np

INFO = {
    "kind": "flat",
    "style": "scalar graph, micro engine",
    "fault": "wrong-operand",
    "where": "theta",
    "wrong": ["theta"],
    "tuned": False,
}


class Num:
    def __init__(self, data, parents=()):
        self.data, self.grad = data, 0.0
        self.parents = parents
        self.push = lambda: None

    def __add__(self, other):
        out = Num(self.data + other.data, (self, other))

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out

    def __mul__(self, other):
        out = Num(self.data * other.data, (self, other))

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out

    def tanh(self):
        out = Num(np.tanh(self.data), (self,))

        def push():
            self.grad += (1 - out.data**2) * out.grad

        out.push = push
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for p in v.parents:
                    visit(p)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v.push()


class NumWithOwnFactor(Num):
    def __mul__(self, other):
        out = NumWithOwnFactor(self.data * other.data, (self, other))

        def push():
            self.grad += self.data * out.grad  # each gets its own value, not the other's
            other.grad += other.data * out.grad

        out.push = push
        return out

    def __add__(self, other):
        out = super().__add__(other)
        out.__class__ = NumWithOwnFactor
        return out

    def tanh(self):
        out = super().tanh()
        out.__class__ = NumWithOwnFactor
        return out


def loss_and_grads(theta, X, y, num=Num):
    """Two inputs, three tanh units, one linear output; theta: 13 numbers."""
    w = [num(t) for t in theta]
    total = num(0.0)
    for row, target in zip(X, y, strict=True):
        x = [num(v) for v in row]
        out = w[12]
        for k in range(3):
            unit = (x[0] * w[3 * k] + x[1] * w[3 * k + 1] + w[3 * k + 2]).tanh()
            out = out + unit * w[9 + k]
        err = out + num(-target)
        total = total + err * err * num(1 / len(y))
    total.backward()
    return total.data, np.array([v.grad for v in w])


def loss_and_grads_wrong(theta, X, y):
    return loss_and_grads(theta, X, y, num=NumWithOwnFactor)


def setup():
    rng = np.random.default_rng(31)
    return rng.normal(size=13), rng.normal(size=(4, 2)), rng.normal(size=4)


def right():
    theta, X, y = setup()
    return (loss_and_grads, theta), X, y


def wrong():
    theta, X, y = setup()
    return (loss_and_grads_wrong, theta), X, y
