import numpy as np

# policy gradient with entropy bonus, tanh hidden layer, three actions
rng = np.random.RandomState(11)
n_obs, n_hidden, n_actions = 4, 6, 3
beta, gamma, lr = 0.01, 0.95, 0.02
W1 = rng.randn(n_hidden, n_obs) * 0.4
b1 = np.zeros(n_hidden)
W2 = rng.randn(n_actions, n_hidden) * 0.4
b2 = np.zeros(n_actions)


def policy(obs):
    h = np.tanh(W1.dot(obs) + b1)
    logits = W2.dot(h) + b2
    e = np.exp(logits - logits.max())
    return h, e / e.sum()


def play(length=9):
    # the good action is the number of the largest of the first three observations
    states, actions, rewards = [], [], []
    for _ in range(length):
        obs = rng.randn(n_obs)
        _, probs = policy(obs)
        a = rng.choice(n_actions, p=probs)
        states.append(obs)
        actions.append(a)
        rewards.append(1.0 if a == np.argmax(obs[:3]) else -0.5)
    return states, actions, rewards


for episode in range(40):
    states, actions, rewards = play()
    R = 0
    returns = []
    for r in reversed(rewards):
        R = r + gamma * R
        returns.insert(0, R)
    baseline = np.mean(returns)

    pi_loss = 0
    dW1, db1, dW2, db2 = np.zeros_like(W1), np.zeros_like(b1), np.zeros_like(W2), np.zeros_like(b2)
    for obs, a, R in zip(states, actions, returns):
        advantage = R - baseline
        h, probs = policy(obs)
        log_probs = np.log(probs)
        entropy = -np.sum(probs * log_probs)
        # is it really minus, twice?
        pi_loss -= log_probs[a] * advantage
        pi_loss -= beta * entropy

        dlogits = probs * advantage
        dlogits[a] -= advantage
        dlogits += beta * probs * (log_probs + entropy)
        dW2 += np.outer(dlogits, h)
        db2 += dlogits
        dh = W2.T.dot(dlogits) * (1 - h**2)
        dW1 += np.outer(dh, obs)
        db1 += dh
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    if episode % 10 == 0:
        print(episode, "pi_loss", pi_loss, "reward", sum(rewards))
