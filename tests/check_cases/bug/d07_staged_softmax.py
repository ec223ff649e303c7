import numpy as np


def softmax_loss_staged(W, X, y, reg):
    """
    Softmax loss with the backward pass taken one small stage at a time.

    Inputs:
    - W: (D, C) weights
    - X: (N, D) minibatch
    - y: (N,) labels
    - reg: regularisation strength
    Returns a tuple of the loss and the gradient with respect to W.
    """
    n = len(X)
    rows = np.arange(n)

    # forward, every stage has a name
    s = X @ W                                   # (N, C)
    u = np.exp(s)                               # (N, C)
    total = u.sum(axis=1, keepdims=True)        # (N, 1)
    q = u / total                               # (N, C)
    nll = -np.log(q)                            # (N, C)
    mask = np.zeros(s.shape)
    mask[rows, y] = 1
    data_loss = (nll * mask).sum() / n

    # backward, the same stages from the end
    dnll = mask / n
    dq = dnll * (-1.0 / q)
    du = dq / total
    dtotal = -dq * u / total**2
    du += dtotal
    ds = du * u
    dW = X.T @ ds

    loss = data_loss + reg * (W * W).sum()
    dW += 2 * reg * W
    return loss, dW
