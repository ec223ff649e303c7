"""Cox proportional hazards with a one-hidden-layer log hazard, no ties in time."""
import numpy as np


def partial_likelihood_cox(log_hz_sorted, event_sorted):
    """negative partial log likelihood per event (sorted by time)"""
    log_denominator = np.log(np.cumsum(np.exp(log_hz_sorted)[::-1]))[::-1]
    pll = (log_hz_sorted - log_denominator) * event_sorted
    return -pll.sum() / event_sorted.sum()


def partial_likelihood_cox_grad(log_hz_sorted, event_sorted):
    hz = np.exp(log_hz_sorted)
    denominator = np.cumsum(hz[::-1])[::-1]
    grad = np.zeros_like(hz)
    for i in np.arange(len(hz))[event_sorted == 1]:
        # the patient with the event against all that are still at risk
        grad[i] -= 1
        grad[i:] += hz[i:] / denominator[i]
    return grad / event_sorted.sum()


def concordance(log_hz, event, time):
    good, total = 0, 0
    for i in range(len(time)):
        if event[i]:
            for j in range(len(time)):
                if time[j] > time[i]:
                    total += 1
                    good += log_hz[i] > log_hz[j]
    return good / total


# simulated trial
rng = np.random.default_rng(17)
n = 90
x = rng.normal(size=(n, 4))
true_log_hz = 0.9 * x[:, 0] - 0.7 * x[:, 1] + 0.6 * np.abs(x[:, 2])
time = rng.exponential(1 / np.exp(true_log_hz))
censoring = rng.exponential(2.0, size=n)
event = (time <= censoring).astype(int)
time = np.minimum(time, censoring)

order = np.argsort(time)
x, time, event = x[order], time[order], event[order]

W1 = 0.5 * rng.normal(size=(4, 6))
b1 = np.zeros(6)
W2 = 0.5 * rng.normal(size=6)
learning_rate = 0.2
for epoch in range(301):
    hidden = np.tanh(x @ W1 + b1)
    log_hz = hidden @ W2
    loss = partial_likelihood_cox(log_hz, event)

    d_log_hz = partial_likelihood_cox_grad(log_hz, event)
    d_W2 = hidden.T @ d_log_hz
    d_hidden = np.outer(d_log_hz, W2) * (1 - hidden ** 2)
    d_W1 = x.T @ d_hidden
    d_b1 = d_hidden.sum(axis=0)

    W1 -= learning_rate * d_W1
    b1 -= learning_rate * d_b1
    W2 -= learning_rate * d_W2
    if epoch % 50 == 0:
        print(f"Epoch: {epoch:03}, Training loss: {loss:0.4f}, C-index: {concordance(log_hz, event, time):0.3f}")
