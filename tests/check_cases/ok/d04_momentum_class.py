import numpy as np


def logistic(v):
    return 1 / (1 + np.exp(-v))


def logistic_derivative(v):
    return v * (1 - v)


class SmallNet:
    def __init__(self, x, y):
        self.x = x
        self.y = y
        self.w_in = np.random.rand(x.shape[1], 5)
        self.w_out = np.random.rand(5, 1)
        self.speed_in = 0
        self.speed_out = 0

    def feedforward(self):
        self.hidden = logistic(self.x @ self.w_in)
        self.guess = logistic(self.hidden @ self.w_out)

    def backprop(self, rate, friction):
        # the direction in which the squared error gets smaller
        out_delta = 2 * (self.y - self.guess) * logistic_derivative(self.guess)
        move_out = self.hidden.T @ out_delta
        move_in = self.x.T @ ((out_delta @ self.w_out.T) * logistic_derivative(self.hidden))
        # momentum
        self.speed_in = friction * self.speed_in + (1 - friction) * move_in
        self.speed_out = friction * self.speed_out + (1 - friction) * move_out
        self.w_in = self.w_in + rate * self.speed_in
        self.w_out = self.w_out + rate * self.speed_out


if __name__ == "__main__":
    np.random.seed(10)
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0]])
    y = np.array([[0, 1, 1, 0, 1, 1, 0]]).T
    net = SmallNet(x, y)
    losses = []
    for i in range(1500):
        net.feedforward()
        net.backprop(rate=0.5, friction=0.5)
        losses.append(((net.y - net.guess) ** 2).sum())
    print(losses[0], losses[-1])
    print(net.guess)
