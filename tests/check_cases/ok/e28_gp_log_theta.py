"""Gaussian process regression. Hyperparameters are kept as logs, the optimiser sees theta."""
import numpy as np
from scipy.optimize import minimize
from scipy.linalg import cholesky, cho_solve


class Constant:
    def __init__(self, value):
        self.theta = np.log([value])

    def __call__(self, X, eval_gradient=False):
        value = np.exp(self.theta[0])
        K = np.full((len(X), len(X)), value)
        if eval_gradient:
            return K, np.full((len(X), len(X), 1), value)
        return K


class RBF:
    def __init__(self, length_scale):
        self.theta = np.log([length_scale])

    def __call__(self, X, eval_gradient=False):
        length_scale = np.exp(self.theta[0])
        dists = ((X[:, None, :] - X[None, :, :]) ** 2).sum(-1) / length_scale ** 2
        K = np.exp(-.5 * dists)
        if eval_gradient:
            K_gradient = (K * dists)[:, :, np.newaxis]
            return K, K_gradient
        return K


class White:
    def __init__(self, noise_level):
        self.theta = np.log([noise_level])

    def __call__(self, X, eval_gradient=False):
        K = np.exp(self.theta[0]) * np.eye(len(X))
        if eval_gradient:
            return K, K[:, :, np.newaxis].copy()
        return K


class GPR:
    """Constant * RBF + White"""

    def __init__(self):
        self.parts = [Constant(1.5), RBF(0.6), White(0.2)]

    def set_theta(self, theta):
        for part, t in zip(self.parts, theta):
            part.theta = np.array([t])

    def kernel(self, X, eval_gradient=False):
        (c, dc), (r, dr), (w, dw) = [p(X, True) for p in self.parts]
        K = c * r + w
        if eval_gradient:
            return K, np.dstack([dc * r[:, :, None], c[:, :, None] * dr, dw])
        return K

    def neg_log_marginal_likelihood(self, theta, X, y):
        self.set_theta(theta)
        K, K_gradient = self.kernel(X, eval_gradient=True)
        L = cholesky(K, lower=True)
        alpha = cho_solve((L, True), y)

        lml = -.5 * y.dot(alpha) - np.log(np.diag(L)).sum() - len(X) / 2 * np.log(2 * np.pi)

        inner = np.outer(alpha, alpha) - cho_solve((L, True), np.eye(len(X)))
        lml_gradient = .5 * np.einsum("ij,jik->k", inner, K_gradient)
        return -lml, -lml_gradient

    def fit(self, X, y):
        theta0 = np.concatenate([p.theta for p in self.parts])
        opt = minimize(self.neg_log_marginal_likelihood, theta0, args=(X, y), jac=True,
                       method="L-BFGS-B", bounds=[(-5, 5)] * 3)
        self.set_theta(opt.x)
        self.lml_ = -opt.fun
        return self


rng = np.random.RandomState(0)
X = np.sort(rng.uniform(0, 5, 25))[:, np.newaxis]
y = np.sin(2 * X[:, 0]) + 0.25 * rng.randn(25)

gp = GPR().fit(X, y)
print("constant, length scale, noise:", [float(np.exp(p.theta[0])) for p in gp.parts])
print("log marginal likelihood:", gp.lml_)
