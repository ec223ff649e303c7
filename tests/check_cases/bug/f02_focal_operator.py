"""
Focal loss as a custom operator (forward gives the probabilities, the loss is made in the metric),
on a small two layer net with unbalanced classes.
"""
import numpy as np


class FocalLossOperator(object):
    def __init__(self, gamma):
        self._gamma = gamma

    def forward(self, cls_score, labels):
        self._labels = labels
        pro_ = np.exp(cls_score - cls_score.max(axis=1).reshape((cls_score.shape[0], 1)))
        pro_ /= pro_.sum(axis=1).reshape((cls_score.shape[0], 1))
        self.pro_ = pro_
        self._pt = pro_[np.arange(pro_.shape[0]), labels]
        return pro_

    def backward(self):
        labels = self._labels
        pro_ = self.pro_
        # i != j
        pt = self._pt.reshape(len(self._pt), 1)
        dx = np.power(1 - pro_, self._gamma - 1) * \
            (self._gamma * (-1 * pt * pro_) * np.log(pro_) + pro_ * (1 - pro_))
        # i == j
        pt = self._pt
        dx[np.arange(pro_.shape[0]), labels] = \
            np.power(1 - pt, self._gamma) * (self._gamma * pt * np.log(pt) + pt - 1)
        dx /= labels.shape[0]  # batch
        return dx


class FocalLossMetric(object):
    def __init__(self, gamma):
        self.gamma = gamma

    def update(self, labels, pro_):
        pt = pro_[np.arange(pro_.shape[0]), labels]
        return np.mean(-1 * np.power(1 - pt, self.gamma) * np.log(pt))


class Net(object):
    def __init__(self, n_in, n_hidden, n_class, gamma=2.0, seed=0):
        r = np.random.RandomState(seed)
        self.fc1_weight = r.normal(0, 0.5, (n_in, n_hidden))
        self.fc1_bias = np.zeros(n_hidden)
        self.cls_weight = r.normal(0, 0.5, (n_hidden, n_class))
        self.cls_bias = np.zeros(n_class)
        self.focal = FocalLossOperator(gamma)

    def forward(self, data, labels):
        self.data = data
        self.act1 = np.tanh(data.dot(self.fc1_weight) + self.fc1_bias)
        cls_score = self.act1.dot(self.cls_weight) + self.cls_bias
        return self.focal.forward(cls_score, labels)

    def backward(self):
        d_score = self.focal.backward()
        d_act1 = d_score.dot(self.cls_weight.T) * (1 - self.act1 ** 2)
        return {'cls_weight': self.act1.T.dot(d_score), 'cls_bias': d_score.sum(axis=0),
                'fc1_weight': self.data.T.dot(d_act1), 'fc1_bias': d_act1.sum(axis=0)}


rng = np.random.RandomState(5)
counts = [90, 25, 12, 8]
centers = np.array([[0.0, 0.0], [1.5, 0.5], [-1.0, 1.4], [0.4, -1.8]])
labels = np.repeat(np.arange(4), counts)
data = centers[labels] + 0.6 * rng.randn(len(labels), 2)

net = Net(2, 10, 4)
metric = FocalLossMetric(2.0)
for epoch in range(401):
    pro_ = net.forward(data, labels)
    grads = net.backward()
    for name in grads:
        setattr(net, name, getattr(net, name) - 1.0 * grads[name])
    if epoch % 80 == 0:
        recall = [np.mean(pro_[labels == c].argmax(axis=1) == c) for c in range(4)]
        print('epoch %d focal loss %.5f recall %s' % (epoch, metric.update(labels, pro_), np.round(recall, 2)))
