import numpy as np


# activations and derivatives work in place, as in scikit-learn
def relu(A):
    np.maximum(A, 0, out=A)


def tanh(A):
    np.tanh(A, out=A)


def relu_derivative(A, delta):
    # should this not be A <= 0?
    delta[A == 0] = 0


def tanh_derivative(A, delta):
    delta *= 1 - A * A


ACTIVATION = {"relu": (relu, relu_derivative), "tanh": (tanh, tanh_derivative)}


class NetRegressor:
    def __init__(self, hidden=(7, 5), activation="relu", alpha=0.01, rate=0.05, max_iter=80, random_state=None):
        self.hidden, self.activation = hidden, activation
        self.alpha, self.rate, self.max_iter = alpha, rate, max_iter
        self.random_state = random_state

    def _initialize(self, n_features):
        rng = np.random.RandomState(self.random_state)
        units = [n_features, *self.hidden, 1]
        self.coefs_ = [rng.uniform(-1, 1, (a, b)) * np.sqrt(6 / (a + b)) for a, b in zip(units, units[1:])]
        self.intercepts_ = [rng.uniform(-1, 1, b) * np.sqrt(6 / (a + b)) for a, b in zip(units, units[1:])]

    def _forward(self, acts):
        act, _ = ACTIVATION[self.activation]
        last = len(self.coefs_) - 1
        for i, (w, b) in enumerate(zip(self.coefs_, self.intercepts_)):
            acts[i + 1] = acts[i] @ w
            acts[i + 1] += b
            if i != last:
                act(acts[i + 1])

    def _backward(self, X, y, acts, deltas, coef_grads, intercept_grads):
        """Fills the lists that it is given, returns the loss."""
        n = len(X)
        self._forward(acts)
        loss = np.mean((y - acts[-1]) ** 2) / 2
        loss += 0.5 * self.alpha * sum(np.sum(w * w) for w in self.coefs_) / n

        _, derivative = ACTIVATION[self.activation]
        deltas[-1] = acts[-1] - y
        for i in reversed(range(len(self.coefs_))):
            coef_grads[i] = (acts[i].T @ deltas[i] + self.alpha * self.coefs_[i]) / n
            intercept_grads[i] = deltas[i].mean(axis=0)
            if i > 0:
                deltas[i - 1] = deltas[i] @ self.coefs_[i].T
                derivative(acts[i], deltas[i - 1])
        return loss

    def fit(self, X, y):
        y = np.reshape(y, (-1, 1))
        self._initialize(X.shape[1])
        n_layers = len(self.coefs_)
        acts = [X] + [None] * n_layers
        deltas, coef_grads, intercept_grads = ([None] * n_layers for _ in range(3))
        self.loss_curve_ = []
        for _ in range(self.max_iter):
            self.loss_curve_.append(self._backward(X, y, acts, deltas, coef_grads, intercept_grads))
            for value, grad in zip(self.coefs_ + self.intercepts_, coef_grads + intercept_grads):
                value -= self.rate * grad
        return self


if __name__ == "__main__":
    rng = np.random.RandomState(0)
    X = rng.randn(31, 4)
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2])
    reg = NetRegressor(random_state=1).fit(X, y)
    print(reg.loss_curve_[0], reg.loss_curve_[-1])
