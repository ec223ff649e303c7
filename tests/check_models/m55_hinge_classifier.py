"""Linear classifier with the multiclass hinge loss, two nested loops as in the first homework."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "naive SVM loss with loops over examples and classes",
    "tuned": False,
}
MISTAKES = [
    (
        "missing-batch-mean",
        "        dW /= num_train\n",
        "",
        ["W"],
    ),
    (
        "regulariser-doubled",
        "dW += reg * W",
        "dW += 2 * reg * W",
        ["W"],
    ),
    (
        "sign-flipped",
        "dW /= num_train",
        "dW /= -num_train",
        ["W"],
    ),
    (
        "regulariser-missing",
        "        dW += reg * W\n",
        "",
        ["W"],
    ),
]


class svm:
    def __init__(self):
        self.reg = 0.1

    def loss_naive(self, params, X, y):
        W, reg = params["W"], self.reg
        dW = np.zeros(W.shape)
        num_classes, num_train = W.shape[1], X.shape[0]
        loss = 0.0
        for i in range(num_train):
            scores = X[i].dot(W)
            correct_class_score = scores[y[i]]
            for j in range(num_classes):
                if j == y[i]:
                    continue
                margin = scores[j] - correct_class_score + 1
                if margin > 0:
                    loss += margin
                    dW[:, j] += X[i]
                    dW[:, y[i]] -= X[i]
        loss /= num_train
        loss += 0.5 * reg * np.sum(W * W)
        dW /= num_train
        dW += reg * W
        return loss, {"W": dW}


def right():
    rng = np.random.default_rng(55)
    params = {"W": rng.normal(size=(5, 4))}
    return (svm().loss_naive, params), rng.normal(size=(8, 5)), rng.integers(0, 4, 8)
