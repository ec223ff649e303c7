"""Examples as columns: X is (n_x, m), Y is (1, m); binary cross-entropy over m examples."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "batch-last columns, parameters dict, linear_backward helpers",
    "fault": "output-derivative-twice",
    "where": "W2",
    "wrong": ["W1", "b1", "W2", "b2"],
    "tuned": False,
}


def initialize_parameters(n_x, n_h, seed=25):
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(n_h, n_x)) * 0.8,
        "b1": np.zeros((n_h, 1)),
        "W2": rng.normal(size=(1, n_h)) * 0.8,
        "b2": np.zeros((1, 1)),
    }


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def forward_propagation(X, parameters):
    A1 = np.tanh(np.dot(parameters["W1"], X) + parameters["b1"])
    A2 = sigmoid(np.dot(parameters["W2"], A1) + parameters["b2"])
    return A2, {"A1": A1, "A2": A2}


def compute_cost(A2, Y):
    m = Y.shape[1]
    return np.squeeze(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m)


def linear_backward(dZ, A_prev):
    m = A_prev.shape[1]
    return np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m


def output_delta(A2, Y):
    return A2 - Y


def output_delta_wrong(A2, Y):
    return (A2 - Y) * A2 * (1 - A2)  # this belongs to the squared error


def model(parameters, X, Y, delta=output_delta):
    A2, cache = forward_propagation(X, parameters)
    cost = compute_cost(A2, Y)
    dZ2 = delta(A2, Y)
    dW2, db2 = linear_backward(dZ2, cache["A1"])
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(cache["A1"], 2))
    dW1, db1 = linear_backward(dZ1, X)
    return cost, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def model_wrong(parameters, X, Y):
    return model(parameters, X, Y, delta=output_delta_wrong)


def data():
    rng = np.random.default_rng(251)
    return rng.normal(size=(2, 9)), rng.integers(0, 2, (1, 9)).astype(float)


def right():
    return (model, initialize_parameters(2, 4)), *data()


def wrong():
    return (model_wrong, initialize_parameters(2, 4)), *data()
