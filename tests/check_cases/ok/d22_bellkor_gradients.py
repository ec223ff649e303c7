from collections import namedtuple

import numpy as np

Terms = namedtuple("Terms", "bu bi cu p q")

RATE = Terms(bu=0.02, bi=0.02, cu=0.01, p=0.02, q=0.02)
PENALTY = Terms(bu=0.03, bi=0.03, cu=0.05, p=0.08, q=0.08)


class BiasedFactors:
    """rating = mean + bu[user] + bi[film] * cu[user] + q[film] . p[user]"""

    def __init__(self, n_users, n_films, n_factors, mean, seed=612018):
        rng = np.random.RandomState(seed)
        self.mean = mean
        self.bu = 0.1 * rng.randn(n_users)
        self.bi = 0.1 * rng.randn(n_films)
        self.cu = 1 + 0.1 * rng.randn(n_users)
        self.p = 0.3 * rng.randn(n_users, n_factors)
        self.q = 0.3 * rng.randn(n_films, n_factors)
        self.cost = 0.0

    def row(self, user, film):
        return Terms(self.bu[user], self.bi[film], self.cu[user], self.p[user].copy(), self.q[film].copy())

    def predict(self, r):
        return self.mean + r.bu + r.bi * r.cu + r.q.dot(r.p)

    def error_of(self, rating, r):
        error = rating - self.predict(r)
        self.cost += error ** 2 + (PENALTY.bu * r.bu ** 2 + PENALTY.bi * r.bi ** 2 + PENALTY.cu * (r.cu - 1) ** 2
                                   + PENALTY.p * r.p.dot(r.p) + PENALTY.q * r.q.dot(r.q))
        return error

    def gradients(self, r, error):
        return Terms(
            bu=-2 * error + 2 * PENALTY.bu * r.bu,
            bi=2 * error * -r.cu + 2 * PENALTY.bi * r.bi,
            cu=2 * error * -r.bi + 2 * PENALTY.cu * (r.cu - 1),
            p=2 * error * -r.q + 2 * PENALTY.p * r.p,
            q=2 * error * -r.p + 2 * PENALTY.q * r.q,
        )

    def train(self, ratings, epochs):
        for epoch in range(epochs):
            self.cost = 0.0
            for user, film, rating in ratings:
                r = self.row(user, film)
                g = self.gradients(r, self.error_of(rating, r))
                self.bu[user] -= RATE.bu * g.bu
                self.bi[film] -= RATE.bi * g.bi
                self.cu[user] -= RATE.cu * g.cu
                self.p[user] -= RATE.p * g.p
                self.q[film] -= RATE.q * g.q
            print("epoch", epoch, "cost", self.cost / len(ratings))


if __name__ == "__main__":
    rng = np.random.RandomState(0)
    ratings = [(u, f, float(rng.randint(1, 6))) for u in range(9) for f in range(7) if rng.rand() < 0.6]
    BiasedFactors(9, 7, 4, mean=np.mean([r for _, _, r in ratings])).train(ratings, epochs=6)
