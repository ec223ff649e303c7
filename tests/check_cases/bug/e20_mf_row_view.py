import numpy as np


class MF():

    def __init__(self, R, K, alpha, beta, iterations):
        """
        Fill in a table of ratings (0 = nobody rated it).

        R: users x movies, K: size of the hidden taste vectors,
        alpha: step, beta: penalty, iterations: how often over all ratings
        """
        self.R = R
        self.K = K
        self.alpha = alpha
        self.beta = beta
        self.iterations = iterations

    def train(self):
        users, items = self.R.shape
        self.P = np.random.normal(scale=1./self.K, size=(users, self.K))
        self.Q = np.random.normal(scale=1./self.K, size=(items, self.K))

        # how generous a user is, how liked a movie is, and the average of all
        self.b_u = np.zeros(users)
        self.b_i = np.zeros(items)
        self.b = self.R[self.R > 0].mean()

        self.samples = [(i, j, self.R[i, j]) for i in range(users) for j in range(items) if self.R[i, j] > 0]

        for it in range(self.iterations):
            np.random.shuffle(self.samples)
            self.sgd()
            if it % 10 == 9:
                print("Iteration: %d ; error = %.4f" % (it+1, self.rmse()))

    def rmse(self):
        full = self.full_matrix()
        return np.sqrt(np.mean([(r - full[i, j])**2 for i, j, r in self.samples]))

    def sgd(self):
        """
        One pass over the ratings, in the order they are in now
        """
        for i, j, r in self.samples:
            e = (r - self.get_rating(i, j))

            # biases
            self.b_u[i] += self.alpha * (e - self.beta * self.b_u[i])
            self.b_i[j] += self.alpha * (e - self.beta * self.b_i[j])

            # Q has to be updated with the old row of P, so copy it first
            P_i = self.P[i, :][:]

            # taste vectors
            self.P[i, :] += self.alpha * (e * self.Q[j, :] - self.beta * self.P[i,:])
            self.Q[j, :] += self.alpha * (e * P_i - self.beta * self.Q[j,:])

    def get_rating(self, i, j):
        return self.b + self.b_u[i] + self.b_i[j] + self.P[i, :].dot(self.Q[j, :].T)

    def full_matrix(self):
        return self.b + self.b_u[:, np.newaxis] + self.b_i[np.newaxis, :] + self.P.dot(self.Q.T)


np.random.seed(3)
R = np.array([
    [4, 3, 0, 1, 5],
    [5, 0, 0, 1, 4],
    [1, 1, 0, 5, 2],
    [1, 0, 2, 4, 0],
    [0, 1, 5, 4, 1],
    [3, 3, 1, 0, 4],
])

mf = MF(R, K=2, alpha=0.1, beta=0.01, iterations=40)
mf.train()
print(np.round(mf.full_matrix(), 2))
