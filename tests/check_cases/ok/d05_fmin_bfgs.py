from numpy import array, column_stack, dot, exp, log, ones, random, zeros
from scipy.optimize import fmin_bfgs


def logistic(t):
    return 1.0 / (1.0 + exp(-t))


def cost(theta, X, y):
    """Mean log loss. theta comes from the optimiser as a flat vector."""
    p = logistic(dot(X, theta.reshape(-1, 1)))
    total = -dot(y.T, log(p)) - dot((1 - y).T, log(1 - p))
    return total[0, 0] / len(X)


def cost_gradient(theta, X, y):
    """One entry after the other, flat again at the end."""
    residual = logistic(dot(X, theta.reshape(-1, 1))) - y
    out = zeros(theta.size)
    for j in range(theta.size):
        s = dot(residual.T, X[:, j])
        out[j] = s[0] / n_students
    return out


# two exam scores and an interview, who was admitted
random.seed(4)
n_students = 30
scores = random.uniform(0, 1, (n_students, 3))
y = array(scores.sum(axis=1) + 0.3 * random.randn(n_students) > 1.5, dtype=float).reshape(-1, 1)
X = column_stack([ones(n_students), scores])

theta = 0.1 * random.randn(4)
theta = fmin_bfgs(cost, theta, fprime=cost_gradient, args=(X, y), disp=False)
admitted = logistic(dot(X, theta)) > 0.5
print("theta", theta, "accuracy", (admitted == (y[:, 0] > 0.5)).mean())
