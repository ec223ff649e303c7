import numpy as np

# CBOW with negative sampling: hidden = mean of the context vectors
np.random.seed(5)
text = ("the cat sat on the mat and the dog sat on the rug while the bird sang in the tree "
        "and the fish swam in the pond near the old house").split()
vocab = sorted(set(text))
word2id = {w: i for i, w in enumerate(vocab)}
ids = [word2id[w] for w in text]

dim, window, negative = 6, 2, 4
lr = 0.05
wi = np.random.uniform(-0.5, 0.5, (len(vocab), dim))  # input vectors
wo = np.random.uniform(-0.5, 0.5, (len(vocab), dim))  # output vectors


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


for epoch in range(5):
    loss = 0.0
    for pos, target in enumerate(ids):
        context = ids[max(0, pos - window):pos] + ids[pos + 1:pos + 1 + window]
        # hidden layer
        hidden = np.zeros(dim)
        for c in context:
            hidden += wi[c]
        hidden /= len(context)

        others = [w for w in range(len(vocab)) if w != target]
        samples = [target] + list(np.random.choice(others, negative, replace=False))
        grad = np.zeros(dim)
        for k, w in enumerate(samples):
            label = 1.0 if k == 0 else 0.0
            score = sigmoid(np.dot(wo[w], hidden))
            loss -= np.log(score if k == 0 else 1 - score)
            alpha = lr * (label - score)
            grad += alpha * wo[w]
            wo[w] += alpha * hidden
        for c in context:
            wi[c] += grad
    print("epoch", epoch, "loss", loss / len(ids))
