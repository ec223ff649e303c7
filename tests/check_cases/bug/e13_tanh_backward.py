# -*- coding: utf-8 -*-
import numpy as np


def fc_forward(z, W, b):
    """
    :param z: (N, ln)
    """
    return np.dot(z, W) + b


def fc_backward(next_dz, W, z):
    N = z.shape[0]
    dz = np.dot(next_dz, W.T)
    dw = np.dot(z.T, next_dz)
    db = np.sum(next_dz, axis=0)
    return dw / N, db / N, dz


def tanh_forward(z):
    return np.tanh(z)


def tanh_backward(next_dz):
    """
    tanh
    :param next_dz: gradient of the layer above
    """
    return 1 - np.square(np.tanh(next_dz))


def mean_squared_loss(y_predict, y_true):
    loss = np.mean(np.sum(np.square(y_predict - y_true), axis=-1)) / 2
    dy = y_predict - y_true
    return loss, dy


weights = {}
weights_scale = 0.5
nuerons = {}
gradients = {}
np.random.seed(100)
filters = [3, 6, 5, 2]
for i in range(3):
    weights["W%d" % (i + 1)] = weights_scale * np.random.randn(filters[i], filters[i + 1])
    weights["b%d" % (i + 1)] = np.zeros(filters[i + 1])


def forward(X):
    nuerons["z2"] = fc_forward(X, weights["W1"], weights["b1"])
    nuerons["z2_act"] = tanh_forward(nuerons["z2"])
    nuerons["z3"] = fc_forward(nuerons["z2_act"], weights["W2"], weights["b2"])
    nuerons["z3_act"] = tanh_forward(nuerons["z3"])
    nuerons["y"] = fc_forward(nuerons["z3_act"], weights["W3"], weights["b3"])
    return nuerons["y"]


def backward(X, y_true):
    loss, dy = mean_squared_loss(nuerons["y"], y_true)
    gradients["W3"], gradients["b3"], gradients["z3_act"] = fc_backward(dy, weights["W3"], nuerons["z3_act"])
    gradients["z3"] = tanh_backward(gradients["z3_act"])
    gradients["W2"], gradients["b2"], gradients["z2_act"] = fc_backward(
        gradients["z3"], weights["W2"], nuerons["z2_act"])
    gradients["z2"] = tanh_backward(gradients["z2_act"])
    gradients["W1"], gradients["b1"], _ = fc_backward(gradients["z2"], weights["W1"], X)
    return loss


train_x = np.random.randn(64, 3)
train_y = np.stack([np.sin(train_x[:, 0]) - train_x[:, 1], 0.5 * train_x[:, 2] + 1], axis=1)
lr = 0.1
for s in range(80):
    batch = np.random.choice(64, 16, replace=False)
    X = train_x[batch]
    y = train_y[batch]
    forward(X)
    loss = backward(X, y)
    for k in ["W1", "b1", "W2", "b2", "W3", "b3"]:
        weights[k] -= lr * gradients[k]
    if s % 20 == 0:
        print("step {}, loss {:.4f}".format(s, loss))
