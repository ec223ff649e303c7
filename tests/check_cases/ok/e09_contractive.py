"""
Contractive auto-encoder, sigmoid units, tied weights.
"""
import numpy


class CAE(object):
    def __init__(self, n_hiddens=6, W=None, b=None, c=None, learning_rate=0.1,
                 jacobi_penalty=0.5, batch_size=10, epochs=8):
        self.n_hiddens = n_hiddens
        self.jacobi_penalty = jacobi_penalty
        self.learning_rate = learning_rate
        self.W = W
        self.b = b
        self.c = c
        self.batch_size = batch_size
        self.epochs = epochs

    def _sigmoid(self, x):
        return 1. / (1. + numpy.exp(-numpy.maximum(numpy.minimum(x, 30), -30)))

    def encode(self, x):
        return self._sigmoid(numpy.dot(x, self.W) + self.b)

    def decode(self, h):
        return self._sigmoid(numpy.dot(h, self.W.T) + self.c)

    def jacobian(self, x):
        """d h / d x, (n_examples, n_hiddens, n_inputs)"""
        h = self.encode(x)
        return (h * (1 - h))[:, :, None] * self.W.T

    def loss(self, x):
        h = self.encode(x)

        def _reconstruction_loss():
            """
            cross-entropy
            """
            z = self.decode(h)
            return (- (x * numpy.log(z) + (1 - x) * numpy.log(1 - z)).sum(1)).mean()

        def _jacobi_loss():
            """
            squared Frobenius norm of the jacobian, without building it
            """
            j = numpy.sqrt(((h * (1 - h))**2).sum(0))[:, None] * self.W.T
            return (j**2).sum() / x.shape[0]

        return _reconstruction_loss() + self.jacobi_penalty * _jacobi_loss()

    def _fit(self, x):
        h = self.encode(x)
        r = self.decode(h)

        def _contraction():
            a = (h * (1 - h))**2
            d = 2 * (1 - 2 * h) * a * (self.W**2).sum(0)[None, :]
            b = numpy.dot(x.T / x.shape[0], d)
            c = 2 * a.mean(0) * self.W
            return (b + c), d.mean(0)

        def _reconstruction():
            dr = (r - x) / x.shape[0]
            dd = numpy.dot(dr.T, h)
            dh = numpy.dot(dr, self.W) * h * (1. - h)
            de = numpy.dot(x.T, dh)
            return (dd + de), dr.sum(0), dh.sum(0)

        W_rec, c_rec, b_rec = _reconstruction()
        W_con, b_con = _contraction()
        self.W -= self.learning_rate * (W_rec + self.jacobi_penalty * W_con)
        self.b -= self.learning_rate * (b_rec + self.jacobi_penalty * b_con)
        self.c -= self.learning_rate * c_rec

    def fit(self, X, verbose=False):
        if self.W is None:
            lim = 4 * numpy.sqrt(6. / (X.shape[1] + self.n_hiddens))
            self.W = numpy.random.uniform(low=-lim, high=lim, size=(X.shape[1], self.n_hiddens))
            self.b = numpy.zeros(self.n_hiddens)
            self.c = numpy.zeros(X.shape[1])
        inds = numpy.arange(X.shape[0])
        numpy.random.shuffle(inds)
        n_batches = len(inds) // self.batch_size
        for epoch in range(self.epochs):
            loss = 0.
            for minibatch in range(n_batches):
                batch = X[inds[minibatch::n_batches]]
                loss += self.loss(batch)
                self._fit(batch)
            if verbose:
                print("Epoch %d, Loss = %.2f" % (epoch, loss / n_batches))


def main():
    numpy.random.seed(21)
    proto = numpy.random.rand(3, 9)
    X = numpy.clip(proto[numpy.random.randint(3, size=40)] + 0.1 * numpy.random.randn(40, 9), 0, 1)
    CAE().fit(X, verbose=True)


if __name__ == '__main__':
    main()
