# RankNet on pages of documents, lambdas per query, scorer is a small net
import math
import numpy as np


def compute_dcg(array):
    return sum((2 ** rel - 1) / math.log(i + 2, 2) for i, rel in enumerate(array))


def ndcg(true_pages, pred_pages, k=5):
    total = []
    for true_page, pred_page in zip(true_pages, pred_pages):
        idcg = compute_dcg(np.sort(true_page)[::-1][:k])
        if idcg == 0:
            total.append(1.0)
        else:
            total.append(compute_dcg(true_page[np.argsort(pred_page)[::-1]][:k]) / idcg)
    return sum(total) / len(total)


def query_cost(true_page, pred_page):
    cost = 0.0
    for i in range(len(true_page)):
        for j in range(len(true_page)):
            if true_page[i] > true_page[j]:
                cost += math.log(1 + math.exp(-(pred_page[i] - pred_page[j])))
    return cost


def query_lambdas(true_page, pred_page):
    lambdas = np.zeros(len(true_page))
    for i in range(len(true_page)):
        for j in range(len(true_page)):
            if true_page[i] > true_page[j]:
                rho = 1 / (1 + math.exp(true_page[i] - true_page[j]))
                lambdas[i] -= rho
                lambdas[j] += rho
    return lambdas


def score(page_features, model):
    hidden = np.tanh(np.dot(page_features, model['W']) + model['b'])
    return np.dot(hidden, model['v']), hidden


def learn(features, true_pages, n_iter=61, learning_rate=0.02, n_hidden=6):
    rng = np.random.RandomState(0)
    model = {'W': rng.normal(0, 0.5, (features[0].shape[1], n_hidden)),
             'b': np.zeros(n_hidden),
             'v': rng.normal(0, 0.5, n_hidden)}
    print("Training starts...")
    for it in range(n_iter):
        cost = 0.0
        for page_features, true_page in zip(features, true_pages):
            pred_page, hidden = score(page_features, model)
            cost += query_cost(true_page, pred_page)
            lambdas = query_lambdas(true_page, pred_page)
            d_hidden = np.outer(lambdas, model['v']) * (1 - hidden ** 2)
            grad = {'v': np.dot(hidden.T, lambdas),
                    'W': np.dot(page_features.T, d_hidden),
                    'b': d_hidden.sum(axis=0)}
            for name in model:
                model[name] = model[name] - learning_rate * grad[name]
        if it % 10 == 0:
            pred_pages = [score(f, model)[0] for f in features]
            print("  --iteration %d cost %.4f ndcg %.4f" % (it, cost, ndcg(true_pages, pred_pages)))
    return model


rng = np.random.RandomState(14)
features, true_pages = [], []
for q in range(15):
    page = rng.randn(7, 4)
    relevance = page[:, 0] + 0.7 * page[:, 1] * page[:, 1] - 0.5 * page[:, 2] + 0.2 * rng.randn(7)
    features.append(page)
    true_pages.append(np.clip(np.round(relevance + 0.5), 0, 3).astype(int))

model = learn(features, true_pages)
