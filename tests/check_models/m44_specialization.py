"""Deep learning course: capital letters, columns, caches of tuples, parameters and grads dicts."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "columns, linear/activation caches, L_model_forward and L_model_backward",
    "tuned": False,
}
MISTAKES = [
    (
        "batch-mean-missing-in-weights",
        "dW = 1 / m * np.dot(dZ, A_prev.T)",
        "dW = np.dot(dZ, A_prev.T)",
        ["W1", "W2", "W3"],
    ),
    (
        "batch-mean-missing-in-biases",
        "db = 1 / m * np.sum(dZ, axis=1, keepdims=True)",
        "db = np.sum(dZ, axis=1, keepdims=True)",
        ["b1", "b2", "b3"],
    ),
    (
        "activation-derivative-missing",
        "    dZ[Z <= 0] = 0\n",
        "",
        ["W1", "b1", "W2", "b2"],
    ),
    (
        "sign-flipped",
        "dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))",
        "dAL = np.divide(Y, AL) - np.divide(1 - Y, 1 - AL)",
        ["W1", "b1", "W2", "b2", "W3", "b3"],
    ),
]


def linear_forward(A, W, b):
    return W.dot(A) + b, (A, W, b)


def linear_activation_forward(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    A = 1 / (1 + np.exp(-Z)) if activation == "sigmoid" else np.maximum(0, Z)
    return A, (linear_cache, Z)


def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A, cache = linear_activation_forward(
            A, parameters["W" + str(l)], parameters["b" + str(l)], "relu"
        )
        caches.append(cache)
    AL, cache = linear_activation_forward(
        A, parameters["W" + str(L)], parameters["b" + str(L)], "sigmoid"
    )
    caches.append(cache)
    return AL, caches


def compute_cost(AL, Y):
    m = Y.shape[1]
    return np.squeeze((1.0 / m) * (-np.dot(Y, np.log(AL).T) - np.dot(1 - Y, np.log(1 - AL).T)))


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    return dA * s * (1 - s)


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1 / m * np.dot(dZ, A_prev.T)
    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


def linear_activation_backward(dA, cache, activation):
    linear_cache, activation_cache = cache
    if activation == "relu":
        dZ = relu_backward(dA, activation_cache)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, activation_cache)
    return linear_backward(dZ, linear_cache)


def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    Y = Y.reshape(AL.shape)
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    dA, grads["W" + str(L)], grads["b" + str(L)] = linear_activation_backward(
        dAL, caches[L - 1], "sigmoid"
    )
    for l in reversed(range(L - 1)):
        dA, grads["W" + str(l + 1)], grads["b" + str(l + 1)] = linear_activation_backward(
            dA, caches[l], "relu"
        )
    return grads


def cost_and_grads(parameters, X, Y):
    AL, caches = L_model_forward(X, parameters)
    return compute_cost(AL, Y), L_model_backward(AL, Y, caches)


def right():
    rng = np.random.default_rng(44)
    parameters = {}
    dims = [5, 6, 4, 1]
    for l in range(1, 4):
        parameters["W" + str(l)] = rng.standard_normal((dims[l], dims[l - 1])) / np.sqrt(
            dims[l - 1]
        )
        parameters["b" + str(l)] = 0.1 * rng.standard_normal((dims[l], 1))
    X = rng.standard_normal((5, 8))
    return (cost_and_grads, parameters), X, rng.integers(0, 2, (1, 8))
