import random

import numpy as np


def gradient_single_point(user_id, prod_id, prod_id_neg,
                          user_mat, prod_mat, lambda_reg, alpha):
    u = user_mat[user_id].copy()

    x_uij = u.dot(prod_mat[prod_id]) - u.dot(prod_mat[prod_id_neg])

    step_size = np.exp(-x_uij) / (1 + np.exp(-x_uij)) * alpha

    user_mat[user_id] += step_size * (prod_mat[prod_id] - prod_mat[prod_id_neg]) - lambda_reg * u
    prod_mat[prod_id] += step_size * u - lambda_reg * prod_mat[prod_id]
    prod_mat[prod_id_neg] -= step_size * u + lambda_reg * prod_mat[prod_id_neg]


def sample_until(num_prods, exclude):
    x = np.random.randint(num_prods)
    while x in exclude:
        x = np.random.randint(num_prods)
    return x


def optimize_partition(triples, user_mat, prod_mat, lambda_reg=0.01, alpha=0.1):
    for u, i, j in triples:
        gradient_single_point(u, i, j, user_mat, prod_mat, lambda_reg, alpha)
    return user_mat, prod_mat


def optimize_mf(ratings, num_users, num_prods, rank, num_iter=10, num_neg_samples=5):
    by_user = {}
    for u, i in ratings:
        by_user.setdefault(u, set()).add(i)

    user_mat = np.random.uniform(size=(num_users, rank))
    prod_mat = np.random.uniform(size=(num_prods, rank))

    for it in range(num_iter):
        triples = [(u, i, sample_until(num_prods, by_user[u]))
                   for u, i in ratings for _ in range(num_neg_samples)]
        random.shuffle(triples)
        optimize_partition(triples, user_mat, prod_mat)
        print("iteration %d: AUC %.3f, |P| %.2f" % (it, auc(by_user, user_mat, prod_mat), np.abs(prod_mat).max()))
    return user_mat, prod_mat


def auc(by_user, user_mat, prod_mat):
    total = 0.0
    for u, seen in by_user.items():
        s = prod_mat.dot(user_mat[u])
        pos = [s[i] for i in seen]
        neg = [s[i] for i in range(len(s)) if i not in seen]
        total += np.mean([p > n for p in pos for n in neg])
    return total / len(by_user)


if __name__ == "__main__":
    random.seed(8)
    np.random.seed(8)
    # two tastes: even users like the first half of the shelf
    ratings = [(u, i) for u in range(14) for i in range(16)
               if np.random.rand() < (0.6 if (i < 8) == (u % 2 == 0) else 0.08)]
    optimize_mf(ratings, 14, 16, rank=3)
