import numpy as np
from scipy.special import expit

# made-up digits: 12 pixels, 4 kinds
rng = np.random.RandomState(9)
kinds = rng.rand(4, 12)
labels = rng.randint(0, 4, 50)
digits = np.clip(kinds[labels] + 0.1 * rng.randn(50, 12), 0, 1)


class DigitNet:
    """Two layers of sigmoids; the last column of each matrix belongs to a constant input of 1."""

    def __init__(self, n_hidden):
        self.n_hidden = n_hidden
        np.random.seed(0)
        self.layers = [np.random.rand(n_hidden, 13) / n_hidden, np.random.rand(4, n_hidden + 1) / 4]
        self.passes = 0

    def feed(self, pixels):
        results = []
        signal = pixels
        for matrix in self.layers:
            signal = expit(matrix.dot(np.append(signal, 1)))
            results.append(signal)
        return results

    def learn_from(self, pixels, wanted):
        speed = 1. / (self.passes + 2)
        hidden, out = self.feed(pixels)

        # output layer
        out_delta = (out - wanted) * out * (1 - out)

        # hidden layer, without the column of the constant
        to_hidden = np.delete(self.layers[1], self.n_hidden, 1)
        hidden_delta = to_hidden.T.dot(out_delta) * hidden * (1 - hidden)
        self.layers[1] -= speed * np.outer(out_delta, np.append(hidden, 1))
        self.layers[0] -= speed * np.outer(hidden_delta, np.append(pixels, 1))

    def train(self, digits, labels, passes):
        for _ in range(passes):
            error = 0.
            for pixels, label in zip(digits, labels):
                wanted = np.zeros(4)
                wanted[label] = 1
                error += 0.5 * ((self.feed(pixels)[-1] - wanted) ** 2).sum()
                self.learn_from(pixels, wanted)
            self.passes += 1
            print('pass', self.passes, 'error', round(error / len(digits), 4))


net = DigitNet(9)
net.train(digits[:40], labels[:40], 10)
