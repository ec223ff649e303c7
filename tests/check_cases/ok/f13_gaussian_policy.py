# Exercise 13.4 (Gaussian policy parameterisation) on a small control task, REINFORCE
#   pi(a|s) = N(a; mu(s), sigma(s)^2),  mu = theta_mu . x_mu(s),  sigma = exp(theta_sigma . x_sigma(s))
import numpy as np

rng = np.random.RandomState(0)
gamma = 0.9
n_steps = 8
episodes_per_batch = 30
alpha = 0.01


def x_mu(s):
    return np.array([s, 1.0])


def x_sigma(s):
    return np.array([abs(s), 1.0])


def mu_sigma(theta_mu, theta_sigma, s):
    return theta_mu @ x_mu(s), np.exp(theta_sigma @ x_sigma(s))


def log_pi(theta_mu, theta_sigma, s, a):
    mu, sigma = mu_sigma(theta_mu, theta_sigma, s)
    return -0.5 * ((a - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


def grad_log_pi(theta_mu, theta_sigma, s, a):
    mu, sigma = mu_sigma(theta_mu, theta_sigma, s)
    grad_mu = (a - mu) / sigma ** 2 * x_mu(s)
    grad_sigma = ((a - mu) ** 2 / sigma ** 2 - 1) * x_sigma(s)
    return grad_mu, grad_sigma


def play_episode(theta_mu, theta_sigma):
    s = rng.uniform(-2, 2)
    states, actions, rewards = [], [], []
    for t in range(n_steps):
        mu, sigma = mu_sigma(theta_mu, theta_sigma, s)
        a = rng.normal(mu, sigma)
        states.append(s)
        actions.append(a)
        s = np.clip(s + a, -4, 4)
        rewards.append(-s ** 2 - 0.1 * min(abs(a), 3.0))
    return states, actions, rewards


def returns(rewards):
    G = np.zeros(len(rewards))
    g = 0.0
    for t in reversed(range(len(rewards))):
        g = rewards[t] + gamma * g
        G[t] = g
    return G


def surrogate_and_gradient(theta_mu, theta_sigma, batch, weights):
    """sum of G * log pi over the steps (per episode), to be maximised"""
    J = 0.0
    dmu, dsigma = np.zeros(2), np.zeros(2)
    for (states, actions, _), G in zip(batch, weights):
        for s, a, g in zip(states, actions, G):
            J += g * log_pi(theta_mu, theta_sigma, s, a)
            grad_mu, grad_sigma = grad_log_pi(theta_mu, theta_sigma, s, a)
            dmu += g * grad_mu
            dsigma += g * grad_sigma
    return J / len(batch), dmu / len(batch), dsigma / len(batch)


theta_mu = np.zeros(2)
theta_sigma = np.array([0.0, -0.5])
for it in range(41):
    batch = [play_episode(theta_mu, theta_sigma) for _ in range(episodes_per_batch)]
    weights = np.array([returns(rewards) for _, _, rewards in batch])
    weights = (weights - weights.mean(axis=0)) / weights.std()   # baseline and scale
    J, dmu, dsigma = surrogate_and_gradient(theta_mu, theta_sigma, batch, weights)
    theta_mu = theta_mu + alpha * dmu
    theta_sigma = theta_sigma + alpha * dsigma
    if it % 5 == 0:
        reward = np.mean([sum(rewards) for _, _, rewards in batch])
        print('batch', it, 'reward', round(reward, 3), 'J', round(J, 4), 'theta_mu', theta_mu)
