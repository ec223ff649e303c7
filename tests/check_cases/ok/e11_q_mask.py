import random

import numpy as np

EPISODES = 120
TIMESTAMP = 30
GAMMA = 0.9
ALPHA = 0.03
N = 5          # cells on each side
OUT = 4
BATCH_SIZE = 4

random.seed(2)
np.random.seed(2)


class Grid:
    """walk to the corner, every step costs a bit"""
    moves = [(0, 1), (0, -1), (1, 0), (-1, 0)]

    def reset(self):
        self.pos = [0, 0]
        return self.look()

    def look(self):
        return np.array([self.pos[0] / (N - 1), self.pos[1] / (N - 1)])

    def step(self, a):
        for k in (0, 1):
            self.pos[k] = min(max(self.pos[k] + self.moves[a][k], 0), N - 1)
        done = self.pos == [N - 1, N - 1]
        return self.look(), (1.0 if done else -0.04), done


class neuralNet:
    def __init__(self, hid=12):
        self.W_fc1 = np.random.randn(2, hid) * 0.5
        self.B_fc1 = np.zeros(hid)
        self.W_fc2 = np.random.randn(hid, OUT) * 0.3
        self.B_fc2 = np.zeros(OUT)

    def q(self, x):
        self.o_fc1 = np.maximum(x.dot(self.W_fc1) + self.B_fc1, 0)
        return self.o_fc1.dot(self.W_fc2) + self.B_fc2

    def forward_pass(self, x):
        out = self.q(x)
        return np.argmax(out), np.max(out)

    def train(self, x, y, c):
        o = self.q(x)
        L = np.sum(np.square(y - o * c))
        # c is 1 for the action that was taken and 0 for the rest
        d_o = -2 * (y - o * c) * c
        d_W2 = self.o_fc1.T.dot(d_o)
        d_B2 = d_o.sum(axis=0)
        d_h = d_o.dot(self.W_fc2.T)
        d_h[self.o_fc1 <= 0] = 0
        d_W1 = x.T.dot(d_h)
        d_B1 = d_h.sum(axis=0)
        self.W_fc2 -= ALPHA * d_W2
        self.B_fc2 -= ALPHA * d_B2
        self.W_fc1 -= ALPHA * d_W1
        self.B_fc1 -= ALPHA * d_B1
        return L


def create_new_data(ot, re, ot2, reset, done, action):
    c = np.zeros((1, OUT))
    c[0][action] = 1
    yval = np.zeros((1, OUT))
    x, y = nnet.forward_pass(ot2)
    yval[0][action] = re
    if not done:
        yval[0][action] = re + GAMMA * y
    if reset:
        data_batch['X'], data_batch['Y'], data_batch['C'] = ot, yval, c
    else:
        data_batch['X'] = np.append(data_batch['X'], ot, axis=0)
        data_batch['Y'] = np.append(data_batch['Y'], yval, axis=0)
        data_batch['C'] = np.append(data_batch['C'], c, axis=0)


env = Grid()
nnet = neuralNet()
data_batch = {}
for ep in range(EPISODES):
    ob = env.reset().reshape(1, -1)
    reset = True
    total = 0
    last = 0
    for t in range(TIMESTAMP):
        action, val = nnet.forward_pass(ob)
        if random.random() < max(0.1, 1 - ep / 60):
            action = random.randrange(OUT)
        ob2, re, done = env.step(action)
        ob2 = ob2.reshape(1, -1)
        create_new_data(ob, re, ob2, reset, done, action)
        reset = False
        ob = ob2
        total += re
        if data_batch['X'].shape[0] == BATCH_SIZE or done:
            last = nnet.train(data_batch['X'], data_batch['Y'], data_batch['C'])
            reset = True
        if done:
            break
    if ep % 15 == 0:
        print("episode", ep, "steps", t + 1, "sum of rewards %.2f" % total, "L %.4f" % last)
