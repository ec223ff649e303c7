import numpy as np

ALPHA = 0.05
STEPS = 300


def exam_data():
    rng = np.random.RandomState(7)
    exams = rng.uniform(30, 100, size=(25, 2))
    passed = (exams.sum(axis=1) + rng.normal(0, 10, 25) > 130).astype(float)
    return exams, passed.reshape(-1, 1)


def standardise(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def hypothesis(X, theta):
    return 1 / (1 + np.exp(-X.dot(theta.T)))


def total_cost(X, y, theta):
    m = len(X)
    h = hypothesis(X, theta)
    cost = -1.0 / m * (y.T.dot(np.log(h)) + (1 - y).T.dot(np.log(1 - h)))
    return cost[0, 0]


def percent_right(X, y, theta):
    return 100 * np.mean((hypothesis(X, theta) > 0.5) == (y > 0.5))


def descend(X, y, theta):
    m = len(X)
    for step in range(STEPS):
        wrong_by = hypothesis(X, theta) - y
        theta = theta - ALPHA / m * X.T.dot(wrong_by).T
        if step % 100 == 0:
            print("cost", total_cost(X, y, theta), "right", percent_right(X, y, theta), "%")
    return theta


X, y = exam_data()
X = np.insert(standardise(X), 0, 1, axis=1)
theta = np.random.rand(1, 3)
theta = descend(X, y, theta)
print(theta)
