"""Softmax classifier with one hidden sigmoid layer, targets as one-hot rows."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "one-hot targets, camelCase, nested helpers",
    "fault": "softmax-jacobian-twice",
    "where": "weightsOut",
    "wrong": ["weightsHidden", "biasHidden", "weightsOut", "biasOut"],
    "tuned": True,
    "pairs": {
        "weightsHidden": "gradWeightsHidden",
        "biasHidden": "gradBiasHidden",
        "weightsOut": "gradWeightsOut",
        "biasOut": "gradBiasOut",
    },
    "loss": "m.crossEntropy(m.forward(X), y)",
}


class Classifier:
    def __init__(self, nInput, nHidden, nOutput):
        rng = np.random.default_rng(29)
        self.weightsHidden = rng.standard_normal((nInput, nHidden))
        self.biasHidden = rng.standard_normal(nHidden)
        self.weightsOut = rng.standard_normal((nHidden, nOutput))
        self.biasOut = rng.standard_normal(nOutput)

    @staticmethod
    def softmax(scores):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, samples):
        self.samples = samples
        self.hiddenOut = 1.0 / (1.0 + np.exp(-(samples @ self.weightsHidden + self.biasHidden)))
        self.output = self.softmax(self.hiddenOut @ self.weightsOut + self.biasOut)
        return self.output

    def crossEntropy(self, output, target):
        return -(target * np.log(output)).sum() / target.shape[0]

    def deltaOut(self, target):
        return (self.output - target) / target.shape[0]

    def backward(self, target):
        delta = self.deltaOut(target)
        self.gradWeightsOut = self.hiddenOut.T @ delta
        self.gradBiasOut = delta.sum(axis=0)
        back = (delta @ self.weightsOut.T) * self.hiddenOut * (1 - self.hiddenOut)
        self.gradWeightsHidden = self.samples.T @ back
        self.gradBiasHidden = back.sum(axis=0)


class SoftmaxTwice(Classifier):
    def deltaOut(self, target):
        # output - target has the softmax in it already
        up, s = super().deltaOut(target), self.output
        return s * (up - (up * s).sum(axis=1, keepdims=True))


def data():
    rng = np.random.default_rng(291)
    return rng.normal(size=(6, 4)), np.eye(3)[rng.integers(0, 3, 6)]


def right():
    return Classifier(4, 5, 3), *data()


def wrong():
    return SoftmaxTwice(4, 5, 3), *data()
