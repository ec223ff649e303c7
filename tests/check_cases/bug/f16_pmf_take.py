"""Probabilistic matrix factorization, minibatches with momentum"""
import numpy as np
from numpy.random import RandomState


class PMF(object):
    def __init__(self, n_user, n_item, n_feature, batch_size=40, epsilon=0.05,
                 momentum=0.8, seed=None, reg=0.02, max_iters=41):
        self.n_user = n_user
        self.n_item = n_item
        self.n_feature = n_feature
        self.rand_state = RandomState(seed)
        self.batch_size = batch_size
        self.epsilon = epsilon      # learning rate, per batch
        self.momentum = momentum
        self.reg = reg
        self.max_iters = max_iters
        self.mean_rating_ = None
        self.user_features_ = 0.3 * self.rand_state.randn(n_user, n_feature)
        self.item_features_ = 0.3 * self.rand_state.randn(n_item, n_feature)

    def batch_objective(self, data):
        u_features = self.user_features_.take(data[:, 0].astype(int), axis=0)
        i_features = self.item_features_.take(data[:, 1].astype(int), axis=0)
        errs = np.sum(u_features * i_features, 1) - (data[:, 2] - self.mean_rating_)
        return 0.5 * np.sum(errs ** 2) + 0.5 * self.reg * (np.sum(u_features ** 2) + np.sum(i_features ** 2))

    def batch_gradients(self, data):
        users, items = data[:, 0].astype(int), data[:, 1].astype(int)
        u_features = self.user_features_.take(users, axis=0)
        i_features = self.item_features_.take(items, axis=0)

        preds = np.sum(u_features * i_features, 1)
        errs = preds - (data[:, 2] - self.mean_rating_)
        err_mat = np.tile(errs, (self.n_feature, 1)).T
        u_grads = u_features * err_mat + self.reg * i_features
        i_grads = i_features * err_mat + self.reg * u_features

        u_feature_grads = np.zeros((self.n_user, self.n_feature))
        i_feature_grads = np.zeros((self.n_item, self.n_feature))
        for k in range(data.shape[0]):
            u_feature_grads[users[k], :] += u_grads[k, :]
            i_feature_grads[items[k], :] += i_grads[k, :]
        return u_feature_grads, i_feature_grads

    def fit(self, ratings):
        self.mean_rating_ = np.mean(ratings[:, 2])
        u_mom = np.zeros((self.n_user, self.n_feature))
        i_mom = np.zeros((self.n_item, self.n_feature))
        for iteration in range(self.max_iters):
            self.rand_state.shuffle(ratings)
            for begin in range(0, ratings.shape[0], self.batch_size):
                data = ratings[begin:begin + self.batch_size]
                u_feature_grads, i_feature_grads = self.batch_gradients(data)

                u_mom = self.momentum * u_mom + (self.epsilon / len(data)) * u_feature_grads
                i_mom = self.momentum * i_mom + (self.epsilon / len(data)) * i_feature_grads
                self.user_features_ -= u_mom
                self.item_features_ -= i_mom
            if iteration % 10 == 0:
                print("iteration %d, train RMSE: %.6f, objective: %.4f" % (
                    iteration, self.rmse(ratings), self.batch_objective(ratings)))
        return self

    def predict(self, data):
        u_features = self.user_features_.take(data[:, 0].astype(int), axis=0)
        i_features = self.item_features_.take(data[:, 1].astype(int), axis=0)
        return np.sum(u_features * i_features, 1) + self.mean_rating_

    def rmse(self, data):
        return np.sqrt(np.mean((self.predict(data) - data[:, 2]) ** 2))


if __name__ == '__main__':
    rs = RandomState(31)
    U, V = rs.randn(20, 2), rs.randn(15, 2)
    rows = [(u, i, np.clip(3 + U[u].dot(V[i]) + 0.2 * rs.randn(), 1, 5))
            for u in range(20) for i in range(15) if rs.rand() < 0.6]
    pmf = PMF(20, 15, 3, seed=5)
    pmf.fit(np.array(rows))
