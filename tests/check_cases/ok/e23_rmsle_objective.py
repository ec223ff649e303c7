import numpy as np

# Sales forecast. The score is RMSLE, so the booster should minimise that and not squared error.


class DMatrix:
    """just enough of the real one"""

    def __init__(self, data, label):
        self.data = data
        self._label = label

    def get_label(self):
        return self._label


def RMSLE(ypred, dtrain):
    y = dtrain.get_label()
    return np.sqrt(np.mean((np.log1p(ypred) - np.log1p(y)) ** 2))


#### Returns GRADIENT, HESSIAN of the RMSLE function

def RMSLEobj(ypred, dtrain):
    y = dtrain.get_label()
    N = len(y)
    grad = (1 / (N * RMSLE(ypred, dtrain))) * (np.log1p(ypred) - np.log1p(y)) / (1 + ypred)
    hess = np.full(N, 0.2 / N)      # constant for now
    return grad, hess


def best_stump(data, grad, hess, reg=0.0):
    best = None
    for col in range(data.shape[1]):
        for cut in np.unique(data[:, col])[:-1]:
            left = data[:, col] <= cut
            gl, gr = grad[left].sum(), grad[~left].sum()
            hl, hr = hess[left].sum(), hess[~left].sum()
            gain = gl ** 2 / (hl + reg) + gr ** 2 / (hr + reg)
            if best is None or gain > best[0]:
                best = (gain, col, cut, -gl / (hl + reg), -gr / (hr + reg))
    return best[1:]


def train(dtrain, num_round, eta, obj, feval):
    ypred = np.full(len(dtrain.get_label()), 0.5)
    trees = []
    for r in range(num_round):
        grad, hess = obj(ypred, dtrain)
        col, cut, left, right = best_stump(dtrain.data, grad, hess)
        trees.append((col, cut, eta * left, eta * right))
        ypred = ypred + eta * np.where(dtrain.data[:, col] <= cut, left, right)
        ypred = np.maximum(ypred, 0)
        if r % 10 == 0:
            print("[%d]\ttrain-rmsle:%.6f" % (r, feval(ypred, dtrain)))
    return trees, ypred


np.random.seed(99)
X = np.column_stack([np.random.randint(0, 7, 50), np.random.rand(50), np.random.randint(1, 4, 50)])
sales = np.exp(1 + 0.15 * X[:, 0] + 0.8 * X[:, 1]) + np.random.rand(50)
dtrain = DMatrix(X, sales)

trees, fitted = train(dtrain, 40, 0.3, RMSLEobj, RMSLE)
print("final", RMSLE(fitted, dtrain))
