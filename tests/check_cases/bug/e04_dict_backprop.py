import numpy as np


def sig(x):
    return 1.0 / (1.0 + np.exp(-x))


def sig_deriv(x):
    return x * (1.0 - x)


def softmax(x):
    #z = np.exp(x - x.max())
    z = np.exp(x)
    s = z.sum()
    return z / s


def forward_prop(x, w, b):
    z = {}
    a = {}
    a[0] = np.array(x).T
    last = len(w)
    for i in range(1, last + 1):
        z[i] = w[i-1].dot(a[i-1]) + b[i-1]
        if i == last:
            a[i] = softmax(z[i])
        else:
            a[i] = sig(z[i])
    pred = a[last]
    return pred, a


def back_prop(y, p, a, w, b):
    d = {}
    d_w = {}
    d_b = {}
    last = len(w)
    d[last] = (p - y.T)
    for i in range(last-1, -1, -1):
        if i == last-1:
            d[i] = w[i].T.dot(d[i+1])    # 5 x 1 --> d2
        elif i != 0:                     # no need for d0
            d[i] = w[i].T.dot(d[i+1]) * sig_deriv(a[i])
        d_w[i] = d[i+1].dot(a[i].T)
        d_b[i] = np.sum(d[i+1], axis=1, keepdims=True)
    return d_w, d_b


def update(w, b, d_w, d_b, a):
    for i in range(0, len(w)):
        w[i] = w[i] - a * d_w[i]
        b[i] = b[i] - a * d_b[i]
    return w, b


def sum_error(y, p):
    return np.sum(y.T * np.log(p))


def train(x, y, w, b, epoch, learn_rate, batch):
    c = []
    t_v = np.argmax(y, axis=1)
    for i in range(0, epoch):
        e = 0
        p = np.zeros(len(x))
        for k in range(0, len(x)):
            pred, layer = forward_prop(x[k:k+batch], w, b)
            e = e + sum_error(y[k:k+batch], pred)
            p[k] = np.argmax(pred, axis=0)[0]
            d_w, d_b = back_prop(y[k:k+batch], pred, layer, w, b)
            w, b = update(w, b, d_w, d_b, learn_rate)
        cost = -e / len(x)
        c.append(cost)
        if i % 5 == 0:
            print("epoch", i, "cost", cost, "acc", np.mean(p == t_v))
    return w, b, c


np.random.seed(12)
x = np.random.rand(45, 6)
y = np.eye(3)[np.argmax(x[:, :3] + x[:, 3:], axis=1)]

w = [np.random.randn(7, 6) * 0.5, np.random.randn(5, 7) * 0.5, np.random.randn(3, 5) * 0.5]
b = [np.zeros((7, 1)), np.zeros((5, 1)), np.zeros((3, 1))]
w, b, c = train(x, y, w, b, 20, 0.1, 1)
