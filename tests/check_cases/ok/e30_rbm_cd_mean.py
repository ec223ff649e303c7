import sys
import numpy


def sigmoid(x):
    return 1. / (1 + numpy.exp(-x))


class RBM(object):
    def __init__(self, input, n_visible=6, n_hidden=3, rng=None):
        self.n_visible = n_visible
        self.n_hidden = n_hidden
        self.input = input
        self.rng = numpy.random.RandomState(1234) if rng is None else rng

        a = 1. / n_visible
        self.W = self.rng.uniform(low=-a, high=a, size=(n_visible, n_hidden))
        self.hbias = numpy.zeros(n_hidden)
        self.vbias = numpy.zeros(n_visible)

    def propup(self, v):
        return sigmoid(numpy.dot(v, self.W) + self.hbias)

    def propdown(self, h):
        return sigmoid(numpy.dot(h, self.W.T) + self.vbias)

    def sample(self, mean):
        return self.rng.binomial(size=mean.shape, n=1, p=mean)

    def free_energy(self, v):
        hidden_term = numpy.log(1 + numpy.exp(numpy.dot(v, self.W) + self.hbias)).sum(axis=1)
        return -numpy.dot(v, self.vbias) - hidden_term

    def contrastive_divergence(self, lr=0.1, k=1):
        ''' CD-k, the end of the chain counts as given '''
        ph_mean = self.propup(self.input)

        chain = self.sample(ph_mean)
        for step in range(k):
            nv_samples = self.sample(self.propdown(chain))
            nh_means = self.propup(nv_samples)
            chain = self.sample(nh_means)

        cost = numpy.mean(self.free_energy(self.input)) - numpy.mean(self.free_energy(nv_samples))

        self.W += lr * (numpy.dot(self.input.T, ph_mean) - numpy.dot(nv_samples.T, nh_means)) / len(self.input)
        self.vbias += lr * numpy.mean(self.input - nv_samples, axis=0)
        self.hbias += lr * numpy.mean(ph_mean - nh_means, axis=0)

        return cost

    def get_reconstruction_cross_entropy(self):
        r = self.propdown(self.propup(self.input))
        return - numpy.mean(numpy.sum(self.input * numpy.log(r) + (1 - self.input) * numpy.log(1 - r), axis=1))

    def reconstruct(self, v):
        return self.propdown(self.propup(v))


def test_rbm(learning_rate=0.1, k=1, training_epochs=200):
    # who likes which of six films: science fiction, or romance
    data = numpy.array([[1, 1, 1, 0, 0, 0],
                        [1, 0, 1, 0, 0, 0],
                        [1, 1, 1, 0, 0, 1],
                        [0, 1, 1, 0, 0, 0],
                        [0, 0, 1, 1, 1, 0],
                        [0, 0, 0, 1, 1, 0],
                        [0, 0, 1, 1, 1, 1],
                        [0, 1, 0, 1, 1, 1]])

    rbm = RBM(input=data, n_visible=6, n_hidden=2, rng=numpy.random.RandomState(123))

    for epoch in range(training_epochs):
        cost = rbm.contrastive_divergence(lr=learning_rate, k=k)
        if epoch % 50 == 0:
            print('epoch %d, energy gap %.4f, cross-entropy %.4f'
                  % (epoch, cost, rbm.get_reconstruction_cross_entropy()), file=sys.stderr)

    v = numpy.array([[1, 1, 0, 0, 0, 0],
                     [0, 0, 0, 1, 1, 0]])
    print(numpy.round(rbm.reconstruct(v), 3))


if __name__ == "__main__":
    test_rbm()
