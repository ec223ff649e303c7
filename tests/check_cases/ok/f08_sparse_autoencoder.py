import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_prime(x):
    return sigmoid(x) * (1 - sigmoid(x))


def KL_divergence(x, y):
    return x * np.log(x / y) + (1 - x) * np.log((1 - x) / (1 - y))


def initialize(hidden_size, visible_size, rng):
    r = np.sqrt(6) / np.sqrt(hidden_size + visible_size + 1)
    W1 = rng.random_sample((hidden_size, visible_size)) * 2 * r - r
    W2 = rng.random_sample((visible_size, hidden_size)) * 2 * r - r
    return np.concatenate((W1.ravel(), W2.ravel(), np.zeros(hidden_size), np.zeros(visible_size)))


# lambda_: weight decay, sparsity_param: wanted mean activation of the hidden units,
# beta: weight of the sparsity penalty, data: one patch a column
# Returns: (cost, gradient) tuple
def sparse_autoencoder_cost(theta, visible_size, hidden_size, lambda_, sparsity_param, beta, data):
    hv = hidden_size * visible_size
    W1 = theta[0:hv].reshape(hidden_size, visible_size)
    W2 = theta[hv:2 * hv].reshape(visible_size, hidden_size)
    b1 = theta[2 * hv:2 * hv + hidden_size]
    b2 = theta[2 * hv + hidden_size:]
    m = data.shape[1]

    # forward
    z2 = W1.dot(data) + b1[:, np.newaxis]
    a2 = sigmoid(z2)
    z3 = W2.dot(a2) + b2[:, np.newaxis]
    h = sigmoid(z3)

    # sparsity
    rho_hat = np.sum(a2, axis=1) / m
    rho = np.tile(sparsity_param, hidden_size)

    cost = np.sum((h - data) ** 2) / (2 * m) + \
        (lambda_ / 2) * (np.sum(W1 ** 2) + np.sum(W2 ** 2)) + \
        beta * np.sum(KL_divergence(rho, rho_hat))

    # backprop
    sparsity_delta = np.tile(-rho / rho_hat + (1 - rho) / (1 - rho_hat), (m, 1)).transpose()
    delta3 = -(data - h) * sigmoid_prime(z3)
    delta2 = (W2.transpose().dot(delta3) + beta * sparsity_delta) * sigmoid_prime(z2)
    W1grad = delta2.dot(data.transpose()) / m + lambda_ * W1
    W2grad = delta3.dot(a2.transpose()) / m + lambda_ * W2
    b1grad = np.sum(delta2, axis=1) / m
    b2grad = np.sum(delta3, axis=1) / m

    grad = np.concatenate((W1grad.ravel(), W2grad.ravel(), b1grad, b2grad))
    return cost, grad


if __name__ == '__main__':
    rng = np.random.RandomState(2)
    visible_size, hidden_size = 16, 9
    lambda_, sparsity_param, beta = 0.0001, 0.1, 0.3

    # 4x4 patches with an edge each
    patches = np.zeros((visible_size, 100))
    for i in range(100):
        patch = np.full((4, 4), 0.2)
        if rng.rand() < 0.5:
            patch[:, rng.randint(1, 4):] = 0.8
        else:
            patch[rng.randint(1, 4):, :] = 0.8
        patches[:, i] = np.clip(patch + 0.03 * rng.randn(4, 4), 0.1, 0.9).ravel()

    theta = initialize(hidden_size, visible_size, rng)
    for it in range(401):
        cost, grad = sparse_autoencoder_cost(theta, visible_size, hidden_size, lambda_,
                                             sparsity_param, beta, patches)
        theta = theta - 0.5 * grad
        if it % 50 == 0:
            print('iter %4d  cost %.6f' % (it, cost))
