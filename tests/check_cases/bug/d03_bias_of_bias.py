import numpy as np


def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))


np.random.seed(1)
X = np.array([[0.0, 0.2, 1.0],
              [0.1, 1.0, 0.9],
              [1.0, 0.0, 0.4],
              [0.8, 0.7, 0.3],
              [0.5, 0.9, 0.6]])
Y = np.array([[0], [1], [1], [0], [1]])

# weights
wh = 2 * np.random.random((3, 4)) - 1
wo = 2 * np.random.random((4, 1)) - 1
# biases
biasH = 2 * np.random.random((1, 4)) - 1
biasO = 2 * np.random.random((1, 1)) - 1

eta = 0.1
for j in range(2001):
    # forward
    h = nonlin(np.dot(X, wh) + biasH)
    o = nonlin(np.dot(h, wo) + biasO)

    # errors and deltas
    o_error = Y - o
    if j % 1000 == 0:
        print("Error:", np.mean(np.abs(o_error)))

    o_delta = o_error * nonlin(o, deriv=True)
    o_biases = o_error * nonlin(biasO, deriv=True)

    h_error = o_delta.dot(wo.T)
    h_delta = h_error * nonlin(h, deriv=True)
    h_biases = h_error * nonlin(biasH, deriv=True)

    # update
    wo += eta * h.T.dot(o_delta)
    wh += eta * X.T.dot(h_delta)
    biasO += eta * np.sum(o_biases, axis=0, keepdims=True)
    biasH += eta * np.sum(h_biases, axis=0, keepdims=True)

print(o)
