"""Linear regression with regularization, the long way."""
import numpy as np


class LinearRegression:
    """Fits a plane by gradient descent."""

    def __init__(self, data, labels):
        data_processed, self.features_mean, self.features_deviation = self.prepare(data)
        self.data = data_processed
        self.labels = labels
        # One parameter per column, the first is the free term.
        self.theta = np.zeros((self.data.shape[1], 1))

    @staticmethod
    def prepare(data):
        """Normalizes the features, puts a column of ones in front."""
        mean = np.mean(data, 0)
        deviation = np.std(data, 0)
        normalized = (data - mean) / deviation
        return np.hstack((np.ones((data.shape[0], 1)), normalized)), mean, deviation

    def train(self, alpha, lambda_param, num_iterations):
        """Runs gradient descent, gives back theta and the costs on the way."""
        cost_history = []
        for _ in range(num_iterations):
            self.gradient_step(alpha, lambda_param)
            cost_history.append(self.cost_function(self.data, self.labels, lambda_param))
        return self.theta, cost_history

    def gradient_step(self, alpha, lambda_param):
        """One step of gradient descent for all thetas."""
        num_examples = self.data.shape[0]

        predictions = LinearRegression.hypothesis(self.data, self.theta)
        delta = predictions - self.labels

        # The penalty shrinks theta by this much.
        reg_param = 1 - alpha * lambda_param / num_examples

        theta = self.theta

        # All parameters at once.
        theta = theta * reg_param - alpha * (1 / num_examples) * (delta.T @ self.data).T
        # The free term is not penalized.
        theta[0] = self.theta[0] - alpha * (1 / num_examples) * (self.data[:, 0].T @ delta).T

        self.theta = theta

    def cost_function(self, data, labels, lambda_param):
        num_examples = data.shape[0]
        delta = LinearRegression.hypothesis(data, self.theta) - labels

        # Without the free term.
        theta_cut = self.theta[1:, 0]
        reg_term = lambda_param * (theta_cut.T @ theta_cut)

        cost = (1 / (2 * num_examples)) * (delta.T @ delta + reg_term)
        return cost[0][0]

    @staticmethod
    def hypothesis(data, theta):
        return data @ theta

    def predict(self, data):
        normalized = (data - self.features_mean) / self.features_deviation
        return self.hypothesis(np.hstack((np.ones((len(data), 1)), normalized)), self.theta)


# economy and freedom -> happiness, invented
rng = np.random.RandomState(5)
x = np.column_stack([rng.uniform(0.2, 1.8, 40), rng.uniform(0, 0.6, 40)])
y = (3.4 + 2.1 * x[:, 0] + 1.4 * x[:, 1] + 0.2 * rng.randn(40)).reshape(-1, 1)

model = LinearRegression(x, y)
theta, costs = model.train(alpha=0.02, lambda_param=0.5, num_iterations=120)

print('Initial cost: {:.4f}'.format(costs[0]))
print('Optimized cost: {:.4f}'.format(costs[-1]))
print('theta:', theta.ravel())
print('a country like (1.0, 0.3):', model.predict(np.array([[1.0, 0.3]]))[0, 0])
