from enum import Enum
from math import exp

import numpy as np


class Mode(Enum):
    BATCH = 1
    SGD = 2


class LogitModel:
    def __init__(self, mode=Mode.BATCH, learning_rate=0.1, num_iter=150):
        self.mode = mode
        self.learning_rate = learning_rate
        self.num_iter = num_iter

    def __odds(self, x, b):
        e = exp(b.dot(x))
        return e / (1 + e)

    def __gd_step(self, X, y):
        grad = np.zeros(self.p)
        for j in range(self.p):
            for i in range(self.m):
                grad[j] += self.__odds(X[i], self.b) - y[i]
            grad[j] *= X[i, j]
        return grad

    def __gd(self, X, y):
        for it in range(self.num_iter):
            dl = self.__gd_step(X, y)
            self.b -= (self.learning_rate / float(self.m)) * dl
            if it % 25 == 0:
                print(it, self.b)

    def fit(self, X, y):
        X = np.column_stack((np.ones(X.shape[0]), X))  # intercept
        self.m = X.shape[0]
        self.p = X.shape[1]
        self.b = np.zeros(self.p)
        if self.mode == Mode.BATCH:
            self.__gd(X, y)
        else:
            raise NotImplementedError("sgd not done yet")
        return self

    def predict(self, X):
        X = np.column_stack((np.ones(X.shape[0]), X))
        return np.array([1 if self.__odds(row, self.b) > 0.5 else 0 for row in X])


# sepal length / width, first class against the others (made up, same ranges)
rs = np.random.RandomState(5)
setosa = rs.normal([5.0, 3.4], [0.35, 0.38], size=(20, 2))
rest = rs.normal([6.2, 2.9], [0.65, 0.33], size=(35, 2))
X = np.vstack([setosa, rest])
y = (np.arange(55) >= 20) * 1

lr = LogitModel(learning_rate=0.1)
lr.fit(X, y)
print(lr.b, (lr.predict(X) == y).mean())
