import copy
import math

import numpy as np


class Adam():
    def __init__(self, learning_rate=0.01, b1=0.9, b2=0.999):
        self.learning_rate = learning_rate
        self.eps = 1e-8
        self.m = None
        self.v = None
        # decay rates
        self.b1 = b1
        self.b2 = b2

    def update(self, w, grad_wrt_w):
        if self.m is None:
            self.m = np.zeros(np.shape(grad_wrt_w))
            self.v = np.zeros(np.shape(grad_wrt_w))
        self.m = self.b1 * self.m + (1 - self.b1) * grad_wrt_w
        self.v = self.b2 * self.v + (1 - self.b2) * np.power(grad_wrt_w, 2)

        m_hat = self.m / (1 - self.b1)
        v_hat = self.v / (1 - self.b2)

        self.w_updt = self.learning_rate * m_hat / (np.sqrt(v_hat) + self.eps)
        return w - self.w_updt


class SquareLoss():
    def loss(self, y, y_pred):
        return 0.5 * np.power((y - y_pred), 2)

    def gradient(self, y, y_pred):
        return -(y - y_pred)


class Dense():
    def __init__(self, n_units, n_in):
        limit = 1 / math.sqrt(n_in)
        self.W = np.random.uniform(-limit, limit, (n_in, n_units))
        self.w0 = np.zeros((1, n_units))

    def initialize(self, optimizer):
        self.W_opt = copy.copy(optimizer)
        self.w0_opt = copy.copy(optimizer)

    def forward_pass(self, X):
        self.layer_input = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        grad_w = self.layer_input.T.dot(accum_grad)
        grad_w0 = np.sum(accum_grad, axis=0, keepdims=True)
        self.W = self.W_opt.update(self.W, grad_w)
        self.w0 = self.w0_opt.update(self.w0, grad_w0)
        # W of the forward pass, not the new one
        return accum_grad.dot(W.T)


class TanH():
    def initialize(self, optimizer):
        pass

    def forward_pass(self, X):
        self.layer_input = X
        return 2 / (1 + np.exp(-2 * X)) - 1

    def backward_pass(self, accum_grad):
        out = 2 / (1 + np.exp(-2 * self.layer_input)) - 1
        return accum_grad * (1 - np.power(out, 2))


class NeuralNetwork():
    def __init__(self, optimizer, loss):
        self.optimizer = optimizer
        self.loss_function = loss()
        self.layers = []

    def add(self, layer):
        layer.initialize(self.optimizer)
        self.layers.append(layer)

    def train_on_batch(self, X, y):
        y_pred = self._forward_pass(X)
        loss = np.mean(self.loss_function.loss(y, y_pred))
        loss_grad = self.loss_function.gradient(y, y_pred)
        for layer in reversed(self.layers):
            loss_grad = layer.backward_pass(loss_grad)
        return loss

    def fit(self, X, y, n_epochs, batch_size):
        for e in range(n_epochs):
            err = [self.train_on_batch(X[i:i + batch_size], y[i:i + batch_size])
                   for i in range(0, X.shape[0], batch_size)]
            if e % 5 == 0:
                print("epoch %d loss %f" % (e, np.mean(err)))

    def _forward_pass(self, X):
        for layer in self.layers:
            X = layer.forward_pass(X)
        return X


np.random.seed(1)
X = np.random.uniform(-2, 2, (48, 2))
y = np.sin(X[:, :1]) + 0.3 * X[:, 1:] ** 2

clf = NeuralNetwork(optimizer=Adam(), loss=SquareLoss)
clf.add(Dense(8, 2))
clf.add(TanH())
clf.add(Dense(1, 8))
clf.fit(X, y, n_epochs=25, batch_size=12)
