# SVD++ : r_ui = mu + bu + bi + qi . (pu + |Iu|^-1/2 * sum of yj)
import numpy as np

n_factors = 3
n_epochs = 15
lr = 0.02
reg = 0.05

rng = np.random.RandomState(77)
n_users, n_items = 9, 12
trainset = {}
for u in range(n_users):
    for i in range(n_items):
        if rng.rand() < 0.45:
            like = 1.5 if (u % 3) == (i % 3) else -0.7
            trainset.setdefault(u, []).append((i, float(np.clip(np.round(3 + like + 0.5 * rng.randn()), 1, 5))))

global_mean = np.mean([r for ratings in trainset.values() for _, r in ratings])

bu = np.zeros(n_users)
bi = np.zeros(n_items)
pu = rng.normal(0, 0.1, (n_users, n_factors))
qi = rng.normal(0, 0.1, (n_items, n_factors))
yj = rng.normal(0, 0.1, (n_items, n_factors))


def implicit(u):
    Iu = [j for j, _ in trainset[u]]
    sqrt_Iu = np.sqrt(len(Iu))
    u_impl_fdb = np.zeros(n_factors)
    for j in Iu:
        for f in range(n_factors):
            u_impl_fdb[f] += yj[j, f] / sqrt_Iu
    return Iu, sqrt_Iu, u_impl_fdb


def estimate(u, i):
    _, _, fdb = implicit(u)
    return global_mean + bu[u] + bi[i] + np.dot(qi[i], pu[u] + fdb)


def step(u, i, r):
    Iu, sqrt_Iu, u_impl_fdb = implicit(u)
    dot = 0
    for f in range(n_factors):
        dot += qi[i, f] * (pu[u, f] + u_impl_fdb[f])
    err = r - (global_mean + bu[u] + bi[i] + dot)

    bu[u] += lr * (err - reg * bu[u])
    bi[i] += lr * (err - reg * bi[i])

    for f in range(n_factors):
        puf = pu[u, f]
        qif = qi[i, f]
        pu[u, f] += lr * (err * qif - reg * puf)
        qi[i, f] += lr * (err * (puf + u_impl_fdb[f]) - reg * qif)
        for j in Iu:
            yj[j, f] += lr * (err * qif - reg * yj[j, f])
    return err


for epoch in range(n_epochs):
    sq = 0
    cnt = 0
    for u in trainset:
        for i, r in trainset[u]:
            sq += step(u, i, r) ** 2
            cnt += 1
    if epoch % 3 == 0:
        print("epoch", epoch, "rmse", np.sqrt(sq / cnt))

print("estimate for user 0, item 3:", estimate(0, 3))
