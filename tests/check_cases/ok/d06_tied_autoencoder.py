import numpy as np
from scipy.optimize import minimize


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def calc_loss(theta, X, n_hidden):
    """Loss and gradient of an autoencoder with tied weights and no biases.

    theta: all weights as one vector; X: one example a row.
    """
    n_instances, n_vars = X.shape
    W = theta.reshape(n_vars, n_hidden)

    # encode, decode
    hidden = sigmoid(X @ W)
    output = sigmoid(hidden @ W.T)

    # 0.5 * |output - x|^2, mean over the examples
    diff = output - X
    loss = 0.5 * np.sum(diff**2) / n_instances

    error = diff * output * (1 - output)
    dW = error.T @ hidden + X.T @ ((error @ W) * hidden * (1 - hidden))
    grad = dW.ravel() / n_instances
    return loss, grad


if __name__ == "__main__":
    rng = np.random.RandomState(2)
    n_vars, n_hidden = 8, 3
    # rows of pixels that are all on or all off, with some noise
    rows = rng.randint(0, 2, (25, 4)).repeat(2, axis=1)
    X = np.clip(rows * 0.8 + 0.1 + 0.05 * rng.randn(25, n_vars), 0, 1)
    theta0 = rng.uniform(-0.5, 0.5, n_vars * n_hidden)
    result = minimize(calc_loss, theta0, args=(X, n_hidden), jac=True, method="L-BFGS-B", options={"maxiter": 40})
    print(calc_loss(theta0, X, n_hidden)[0], "->", result.fun, result.message)
