# smallest net there is: one number in, one hidden neuron, one number out
from math import exp
from random import randrange, uniform

RATE = 0.1
ROUNDS = 2_000


def squash(v):
    return 1 / (1 + exp(-v))


def squash_slope(s):
    # s already went through squash
    return s * (1 - s)


def sq_error(e):
    return e ** 2


def sq_error_slope(e):
    return 2 * e


def predict(x, w1, w2, b1, b2):
    hid = squash(w1 * x + b1)
    return hid, squash(w2 * hid + b2)


def learn(inputs, wanted, w1, w2, b1, b2):
    """Take one example at random, give back how far to move everything."""
    k = randrange(len(inputs))
    x = inputs[k]
    hid, out = predict(x, w1, w2, b1, b2)
    miss = out - wanted[k]
    loss = sq_error(miss)

    d_out = sq_error_slope(miss)
    d_hid = d_out * squash_slope(out) * w2

    step_w2 = d_out * squash_slope(out) * hid * RATE
    step_w1 = d_hid * squash_slope(hid) * x * RATE
    step_b2 = d_out * squash_slope(out) * RATE
    step_b1 = d_hid * squash_slope(hid) * RATE
    return step_w1, step_w2, step_b1, step_b2


w1, w2 = uniform(-1, 1), uniform(-1, 1)
b1 = b2 = 0
inputs = [i / 10 for i in range(1, 10)]
wanted = [i % 2 for i in range(9)]

for _ in range(ROUNDS):
    s1, s2, t1, t2 = learn(inputs, wanted, w1, w2, b1, b2)
    w1 -= s1
    w2 -= s2
    b1 -= t1
    b2 -= t2

for x, t in zip(inputs, wanted):
    print(x, t, predict(x, w1, w2, b1, b2)[1])
