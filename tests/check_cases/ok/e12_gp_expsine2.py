# periodic Gaussian process; the hyperparameters are kept as logs, as in the package I compare with
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize


class ExpSine2(object):
    """k(r) = exp(-gamma * sin(pi r / period)^2)"""

    def __init__(self, gamma, period):
        self.gamma = gamma
        self.period = period

    def __call__(self, r):
        return np.exp(-self.gamma * np.sin(np.pi * np.abs(r) / self.period) ** 2)

    def dk_dgamma(self, r):
        s = np.sin(np.pi * np.abs(r) / self.period)
        return -self.gamma * s ** 2 * self(r)

    def dk_dperiod(self, r):
        a = np.pi * np.abs(r) / self.period
        return self.period * 2 * self.gamma * a / self.period * np.sin(a) * np.cos(a) * self(r)


def build_matrix(kernel, x, yerr):
    r = x[:, None] - x[None, :]
    return kernel(r) + np.diag(yerr ** 2)


def lnlike(K, y):
    L = cho_factor(K)
    alpha = cho_solve(L, y)
    logdet = 2 * np.sum(np.log(np.diag(L[0])))
    return -0.5 * (np.dot(y, alpha) + logdet + len(y) * np.log(2 * np.pi))


def gradient_lnlike(kernel, x, y, yerr):
    r = x[:, None] - x[None, :]
    K = build_matrix(kernel, x, yerr)
    Kinv = np.linalg.inv(K)
    alpha = np.dot(Kinv, y)
    A = np.outer(alpha, alpha) - Kinv
    grads = []
    for dk in (kernel.dk_dgamma, kernel.dk_dperiod):
        # eq. 5.9 of Rasmussen & Williams, trace written as a sum
        grads.append(0.5 * np.einsum('ij,ij', dk(r), A))
    return np.array(grads)


def nll(p, x, y, yerr):
    kernel = ExpSine2(np.exp(p[0]), np.exp(p[1]))
    return -lnlike(build_matrix(kernel, x, yerr), y)


def grad_nll(p, x, y, yerr):
    kernel = ExpSine2(np.exp(p[0]), np.exp(p[1]))
    return -gradient_lnlike(kernel, x, y, yerr)


if __name__ == "__main__":
    rng = np.random.RandomState(1234)
    x = 10 * np.sort(rng.rand(25))
    yerr = 0.2 * np.ones_like(x)
    y = np.sin(2 * np.pi * x / 3.1) + 0.3 * np.cos(4 * np.pi * x / 3.1) + yerr * rng.randn(len(x))

    p0 = np.log([2.0 / 1.1 ** 2, 3.3])
    print('start', nll(p0, x, y, yerr), grad_nll(p0, x, y, yerr))
    res = minimize(nll, p0, jac=grad_nll, args=(x, y, yerr), method='L-BFGS-B')
    print('gamma, period', np.exp(res.x), 'nll', res.fun, res.message)
