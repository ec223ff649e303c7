import math


def train_neuron(features, labels, initial_weights, initial_bias, learning_rate, epochs):
    """One neuron with a sigmoid, mean squared error, plain gradient descent.

    Gives back the weights, the bias and the error before every update, rounded."""
    weights = list(initial_weights)
    bias = initial_bias
    n = len(labels)
    mse_values = []

    for _ in range(epochs):
        predictions = []
        for x in features:
            z = sum(w * xi for w, xi in zip(weights, x)) + bias
            predictions.append(1 / (1 + math.exp(-z)))

        mse = sum((p - t) ** 2 for p, t in zip(predictions, labels)) / n
        mse_values.append(round(mse, 4))

        # Gradient calculation for weights and bias
        errors = [p - t for p, t in zip(predictions, labels)]
        weight_gradients = [0.0] * len(weights)
        bias_gradient = 0.0
        for x, p, e in zip(features, predictions, errors):
            slope = p * (1 - p)
            for k in range(len(weights)):
                weight_gradients[k] += (2 / n) * e * slope * x[k]
            bias_gradient += (2 / n) * e * slope

        # Update
        weights = [w - learning_rate * g for w, g in zip(weights, weight_gradients)]
        bias -= learning_rate * bias_gradient

    return [round(w, 4) for w in weights], round(bias, 4), mse_values


features = [[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]]
labels = [1, 0, 0]
print(train_neuron(features, labels, [0.1, -0.2], 0.0, 0.1, 2))

# a longer run: tea (1) or coffee (0) from hour of the day and hours slept, both scaled
features = [[0.3, 0.8], [0.4, 0.5], [0.7, 0.9], [0.9, 0.4], [0.6, 0.6], [0.8, 0.7]]
labels = [0, 0, 1, 1, 1, 1]
w, b, history = train_neuron(features, labels, [0.5, -0.5], 0.2, 0.5, 60)
print(w, b)
print(history[::20])
