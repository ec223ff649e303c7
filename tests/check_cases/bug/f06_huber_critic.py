# centralised critic with Huber loss, value targets are discounted returns
import numpy as np


def huber_loss(e, d):
    a = (abs(e) <= d).astype(float)
    b = (abs(e) > d).astype(float)
    return a * e ** 2 / 2 + b * d * (abs(e) - d / 2)


def huber_grad(e, d):
    a = (abs(e) <= d).astype(float)
    b = (e > d).astype(float)
    return a * e + b * d * np.sign(e)


class Critic:
    def __init__(self, obs_dim, hidden, lr, huber_delta):
        rng = np.random.RandomState(1)
        self.w1 = rng.randn(obs_dim, hidden) * 0.5
        self.b1 = np.zeros(hidden)
        self.w2 = rng.randn(hidden, 1) * 0.5
        self.b2 = np.zeros(1)
        self.lr = lr
        self.huber_delta = huber_delta

    def get_values(self, obs):
        self.obs = obs
        self.h = np.maximum(obs @ self.w1 + self.b1, 0)
        return self.h @ self.w2 + self.b2

    def cal_value_loss(self, values, return_batch):
        error = return_batch - values
        return huber_loss(error, self.huber_delta).mean()

    def update(self, obs, return_batch):
        values = self.get_values(obs)
        value_loss = self.cal_value_loss(values, return_batch)

        error = return_batch - values
        dvalues = -huber_grad(error, self.huber_delta) / len(error)
        dw2 = self.h.T @ dvalues
        db2 = dvalues.sum(axis=0)
        dh = dvalues @ self.w2.T
        dh[self.h <= 0] = 0
        dw1 = self.obs.T @ dh
        db1 = dh.sum(axis=0)

        self.w1 -= self.lr * dw1
        self.b1 -= self.lr * db1
        self.w2 -= self.lr * dw2
        self.b2 -= self.lr * db2
        return value_loss


def compute_returns(rewards, gamma):
    returns = np.zeros_like(rewards)
    g = 0.0
    for step in reversed(range(len(rewards))):
        g = rewards[step] + gamma * g
        returns[step] = g
    return returns


rng = np.random.RandomState(7)
obs_buf, ret_buf = [], []
for episode in range(12):
    pos = rng.uniform(-1, 1, size=2)
    obs, rewards = [], []
    for step in range(15):
        obs.append([pos[0], pos[1], (15 - step) / 15.0])
        rewards.append(2 * pos[0] - 1.5 * abs(pos[1]))
        pos = np.clip(pos + 0.2 * rng.randn(2), -1, 1)
    obs_buf.append(np.array(obs))
    ret_buf.append(compute_returns(np.array(rewards), 0.95))
obs_buf = np.concatenate(obs_buf)
ret_buf = np.concatenate(ret_buf)[:, None]

critic = Critic(3, 16, lr=0.1, huber_delta=1.0)
for it in range(501):
    value_loss = critic.update(obs_buf, ret_buf)
    if it % 100 == 0:
        print('update', it, 'value_loss', value_loss)
