# linear RNN that has to count the ones in a sequence
#   S_k = S_{k-1} * wRec + X_k * wx,   y = S_n
import numpy as np

np.random.seed(9)
n_samples = 8
len_sequence = 10

X = np.zeros((n_samples, len_sequence))
for row_idx in range(n_samples):
    X[row_idx, :] = np.around(np.random.rand(len_sequence)).astype(int)
t = np.sum(X, axis=1)


def update_state(xk, sk, wx, wRec):
    return xk * wx + sk * wRec


def forward_states(X, wx, wRec):
    S = np.zeros((X.shape[0], X.shape[1] + 1))
    for k in range(0, X.shape[1]):
        S[:, k + 1] = update_state(X[:, k], S[:, k], wx, wRec)
    return S


def loss(y, t):
    return np.mean((t - y) ** 2)


def output_gradient(y, t):
    return 2. * (y - t)


def backward_gradient(X, S, grad_out, wRec):
    grad_over_time = np.zeros((X.shape[0], X.shape[1] + 1))
    grad_over_time[:, -1] = grad_out
    wx_grad = 0
    wRec_grad = 0
    for k in range(X.shape[0], 0, -1):
        wx_grad += np.mean(grad_over_time[:, k] * X[:, k - 1])
        wRec_grad += np.mean(grad_over_time[:, k] * S[:, k - 1])
        grad_over_time[:, k - 1] = grad_over_time[:, k] * wRec
    return (wx_grad, wRec_grad), grad_over_time


params = [1.2, 0.8]
learning_rate = 0.0005
for it in range(100):
    S = forward_states(X, params[0], params[1])
    grad_out = output_gradient(S[:, -1], t)
    grads, grad_over_time = backward_gradient(X, S, grad_out, params[1])
    for p_idx, _ in enumerate(params):
        params[p_idx] -= learning_rate * grads[p_idx]
    if it % 20 == 0:
        print('iteration', it, 'loss %.4f' % loss(S[:, -1], t), params)

test = np.array([[0, 1, 0, 1, 1, 0, 0, 1, 1, 1]])
print('target 6, got', forward_states(test, params[0], params[1])[:, -1][0])
