"""Poisson regression for spike counts. Above eta the exponential goes on as a straight
line, otherwise the rates explode when beta is started badly."""
import numpy as np


class GLM(object):

    def __init__(self, eta=0.8, reg_lambda=0.05, learning_rate=0.05, max_iter=60):
        self.eta = eta
        self.reg_lambda = reg_lambda
        self.learning_rate = learning_rate
        self.max_iter = max_iter

    def _qu(self, z):
        """The conditional intensity."""
        q = np.copy(z)
        slope = np.exp(self.eta)
        intercept = (1. - self.eta) * slope
        q[z > self.eta] = z[z > self.eta] * slope + intercept
        q[z <= self.eta] = np.exp(z[z <= self.eta])
        return q

    def _logL(self, beta0, beta, X, y):
        n_samples = float(X.shape[0])
        q = self._qu(beta0 + np.dot(X, beta))
        return 1. / n_samples * np.sum(y * np.log(q) - q)

    def _L2loss(self, beta0, beta, X, y):
        return -self._logL(beta0, beta, X, y) + self.reg_lambda * 0.5 * np.linalg.norm(beta, 2) ** 2

    def _grad_L2loss(self, beta0, beta, X, y):
        n_samples = float(X.shape[0])
        eta = self.eta
        z = beta0 + np.dot(X, beta)
        q = self._qu(z)

        grad_beta0 = np.sum(q[z <= eta] - y[z <= eta]) + \
            np.sum(1 - y[z > eta] / q[z > eta]) * eta
        grad_beta0 *= 1. / n_samples

        grad_beta = np.zeros(X.shape[1])
        selector = np.where(z <= eta)[0]
        grad_beta += np.dot((q[selector] - y[selector]).T, X[selector, :])
        selector = np.where(z > eta)[0]
        grad_beta += eta * np.dot((1 - y[selector] / q[selector]).T, X[selector, :])
        grad_beta *= 1. / n_samples
        grad_beta += self.reg_lambda * beta

        return grad_beta0, grad_beta

    def fit(self, X, y):
        self.beta0_ = 0.3
        self.beta_ = 0.5 * np.random.randn(X.shape[1])
        for t in range(self.max_iter):
            g0, g = self._grad_L2loss(self.beta0_, self.beta_, X, y)
            self.beta0_ = self.beta0_ - self.learning_rate * g0
            self.beta_ = self.beta_ - self.learning_rate * g
            if t % 15 == 0:
                print(t, self._L2loss(self.beta0_, self.beta_, X, y))
        return self

    def predict(self, X):
        return self._qu(self.beta0_ + np.dot(X, self.beta_))


np.random.seed(21)
X = np.random.randn(80, 4)
rate = np.exp(0.4 + X.dot([0.5, -0.3, 0.4, 0.]))
y = np.random.poisson(rate).astype(float)

glm = GLM().fit(X, y)
print("beta0", glm.beta0_, "beta", glm.beta_)
print("mean count", y.mean(), "mean rate", glm.predict(X).mean())
