"""Large margin nearest neighbours: learn L so that |L(a - b)|^2 is a good distance for kNN."""
import numpy as np


def _sum_outer(X, pairs, weights=None):
    """sum of (x_i - x_j)(x_i - x_j)^T over the pairs"""
    S = np.zeros((X.shape[1], X.shape[1]))
    for n, (i, j) in enumerate(pairs):
        d = X[i] - X[j]
        S += np.outer(d, d) if weights is None else weights[n] * np.outer(d, d)
    return S


class LMNN:
  def __init__(self, k=2, regularization=0.5, learn_rate=1e-3, max_iter=40, verbose=False):
    self.k = k
    self.regularization = regularization
    self.learn_rate = learn_rate
    self.max_iter = max_iter
    self.verbose = verbose

  def _select_targets(self, X, y):
    targets = []
    for i in range(len(X)):
      same = [j for j in range(len(X)) if y[j] == y[i] and j != i]
      same.sort(key=lambda j: np.sum((X[i] - X[j]) ** 2))
      targets += [(i, j) for j in same[:self.k]]
    return targets

  def _loss_grad(self, X, y, L, dfG, targets):
    reg = self.regularization
    LX = X.dot(L.T)
    dist = lambda i, j: np.sum((LX[i] - LX[j]) ** 2)

    total_active = 0
    plus, minus = [], []
    for i, j in targets:
      radius = 1 + dist(i, j)
      for l in np.nonzero(y != y[i])[0]:
        if dist(i, l) < radius:
          # an impostor: pull j, push l
          total_active += 1
          plus.append((i, j))
          minus.append((i, l))
    df = _sum_outer(X, plus) - _sum_outer(X, minus)

    # every pair counted, near ones pull and impostors push
    G = dfG * reg + df * (1 - reg)
    # trace(G L^T L) is the sum of the distances
    objective = total_active * (1 - reg)
    objective += np.sum(G * L.T.dot(L))
    return 2 * G, objective, total_active

  def fit(self, X, y):
    targets = self._select_targets(X, y)
    dfG = _sum_outer(X, targets)
    L = np.diag(1. / X.std(axis=0))
    learn_rate = self.learn_rate

    G, objective, total_active = self._loss_grad(X, y, L, dfG, targets)
    for it in range(1, self.max_iter):
      while True:
        L_next = L - learn_rate * G
        G_next, objective_next, active_next = self._loss_grad(X, y, L_next, dfG, targets)
        if objective_next > objective and learn_rate > 1e-12:
          learn_rate /= 2
        else:
          break
      delta_obj = objective_next - objective
      L, G, objective, total_active = L_next, G_next, objective_next, active_next
      learn_rate *= 1.01
      if self.verbose and it % 10 == 0:
        print(it, objective, delta_obj, total_active, learn_rate)

    self.components_ = L
    return self


rng = np.random.RandomState(1)
y = np.repeat([0, 1, 2], 7)
X = rng.randn(21, 3) * [0.5, 0.5, 2.0]
X[:, 0] += y
X[:, 1] -= 0.5 * (y == 1)

lmnn = LMNN(verbose=True).fit(X, y)
print(lmnn.components_)
