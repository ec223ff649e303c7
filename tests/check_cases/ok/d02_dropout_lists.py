import math
import random


class Dropout:
    """Inverted dropout on a plain list."""

    def __init__(self, rate):
        self.rate = rate
        self.training = True
        self.keep = []

    def forward(self, values):
        if self.training:
            self.keep = [0.0 if random.random() < self.rate else 1.0 / (1.0 - self.rate) for _ in values]
        else:
            self.keep = [1.0 for _ in values]
        return [v * k for v, k in zip(values, self.keep)]

    def backward(self, grads):
        return [g * k for g, k in zip(grads, self.keep)]


class TinyNet:
    """Two inputs, one ReLU layer with dropout, one sigmoid; no arrays, only lists. Weights decay."""

    def __init__(self, n_hidden=8, lr=0.05, dropout=0.3, decay=0.01):
        self.n_hidden, self.lr, self.decay = n_hidden, lr, decay
        self.dropout = Dropout(dropout)
        self.w1 = [[random.gauss(0, 1), random.gauss(0, 1)] for _ in range(n_hidden)]
        self.b1 = [0.0] * n_hidden
        self.w2 = [random.gauss(0, 0.5) for _ in range(n_hidden)]
        self.b2 = 0.0

    def forward(self, x, training=True):
        self.x = x
        self.pre = [w[0] * x[0] + w[1] * x[1] + b for w, b in zip(self.w1, self.b1)]
        self.dropout.training = training
        self.hidden = self.dropout.forward([p if p > 0 else 0.0 for p in self.pre])
        score = self.b2
        for w, h in zip(self.w2, self.hidden):
            score += w * h
        self.out = 1.0 / (1.0 + math.exp(-score))
        return self.out

    def loss(self, target):
        entropy = -math.log(self.out) if target == 1.0 else -math.log(1 - self.out)
        squares = sum(w[0] ** 2 + w[1] ** 2 for w in self.w1) + sum(w ** 2 for w in self.w2)
        return entropy + 0.5 * self.decay * squares

    def backward(self, target):
        d_out = (self.out - target) / (self.out * (1 - self.out))
        d_score = d_out * self.out * (1 - self.out)
        d_hidden = self.dropout.backward([d_score * w for w in self.w2])
        for i in range(self.n_hidden):
            d_pre = d_hidden[i] if self.pre[i] > 0 else 0.0
            self.w2[i] -= self.lr * (d_score * self.hidden[i] + self.decay * self.w2[i])
            for j in (0, 1):
                self.w1[i][j] -= self.lr * (d_pre * self.x[j] + self.decay * self.w1[i][j])
            self.b1[i] -= self.lr * d_pre
        self.b2 -= self.lr * d_score


def ring(n):
    points = [[random.uniform(-2, 2), random.uniform(-2, 2)] for _ in range(n)]
    return [(p, 1.0 if p[0] ** 2 + p[1] ** 2 < 1.5 else 0.0) for p in points]


if __name__ == "__main__":
    random.seed(42)
    data = ring(60)
    net = TinyNet()
    for epoch in range(40):
        total = 0.0
        for x, target in data:
            net.forward(x)
            total += net.loss(target)
            net.backward(target)
        if epoch % 10 == 0:
            print(f"epoch {epoch} loss {total / len(data):.4f}")
    hits = sum((net.forward(x, training=False) > 0.5) == (t == 1.0) for x, t in data)
    print("accuracy", hits / len(data))
