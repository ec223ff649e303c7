import numpy as np


def scale(v):
    return (v - np.mean(v)) / np.std(v)


def descend(A, y, theta, alpha, m, n, rounds):
    """m examples (rows of A), n parameters"""
    new = np.zeros((n, 1))
    for _ in range(rounds):
        hyp = np.dot(A, theta)
        new[0] = theta[0] - alpha / m * np.sum(hyp - y)
        new[1] = theta[1] - alpha / m * np.sum((hyp - y) * A[:, 1].reshape(m, 1))
        theta = new
    return theta


# size of the house in square feet, price in thousands
rng = np.random.RandomState(0)
size = rng.uniform(850, 4400, 43)
price = 60 + 0.135 * size + rng.normal(0, 25, 43)

A = np.array([np.ones(len(size)), scale(size)])
n, m = A.shape
A = A.transpose()
y = price[:, np.newaxis]
theta = np.zeros((n, 1))
theta = descend(A, y, theta, 0.01, m, n, 1500)
print(theta)
