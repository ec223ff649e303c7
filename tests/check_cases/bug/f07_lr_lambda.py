import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def Probability(theta, X):
    return sigmoid(np.dot(X, theta))


def cost_function_regression(theta, x, y, Lambda):
    # Computes the cost function for all the training samples
    m = x.shape[0]
    total_cost = -(1 / m) * np.sum(y * np.log(Probability(theta, x)) +
                                   (1 - y) * np.log(1 - Probability(theta, x))) \
        + (Lambda / (2 * m)) * np.sum(np.dot(theta, theta.T))
    return total_cost


def Gradient_regression(theta, X, y, Lambda):
    m = X.shape[0]
    grad = (1 / m) * np.dot(X.T, Probability(theta, X) - y) + np.sum((Lambda / m) * theta)
    return grad


def Gradient_Descent(theta, X, y, Lambda, alpha, iterations):
    history = []
    for i in range(iterations):
        theta = theta - alpha * Gradient_regression(theta, X, y, Lambda)
        cost = cost_function_regression(theta, X, y, Lambda)
        history.append(cost)
        if i % 50 == 0:
            print("Iteration", i, "cost", cost)
    return theta, history


# standardised features, no intercept
np.random.seed(10)
X = np.random.randn(120, 5)
w = np.array([1.5, 1.0, 0.8, -0.3, 0.6])
y = (np.dot(X, w) + 0.5 * np.random.randn(120) > 0).astype(int)

theta = np.zeros(5)
theta, history = Gradient_Descent(theta, X, y, Lambda=8, alpha=0.3, iterations=301)
print(theta)
print("accuracy", np.mean((Probability(theta, X) > 0.5) == y))
