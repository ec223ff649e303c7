import numpy as np


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def batchnorm_forward(x, gamma, beta, bn_param):
    """
    x: (N, D), gamma and beta: (D,)
    bn_param: 'mode' ('train' or 'test'), optionally 'eps', 'momentum', and the running statistics
    """
    eps = bn_param.get('eps', 1e-5)
    momentum = bn_param.get('momentum', 0.9)
    run_mean = bn_param.setdefault('running_mean', np.zeros(x.shape[1]))
    run_var = bn_param.setdefault('running_var', np.zeros(x.shape[1]))

    if bn_param['mode'] == 'train':
        mu, var = x.mean(axis=0), x.var(axis=0)
        bn_param['running_mean'] = momentum * run_mean + (1 - momentum) * mu
        bn_param['running_var'] = momentum * run_var + (1 - momentum) * var
    elif bn_param['mode'] == 'test':
        mu, var = run_mean, run_var
    else:
        raise ValueError('mode is train or test, not %r' % bn_param['mode'])

    x_ = (x - mu) / np.sqrt(var + eps)
    out = gamma * x_ + beta
    cache = (x, gamma, mu, var, eps, x_)
    return out, cache


def batchnorm_backward(dout, cache):
    """Along the graph, node by node (training mode)."""
    x, gamma, mu, var, eps, x_ = cache
    N = len(x)
    centred = x - mu
    istd = (var + eps) ** -0.5

    # out = gamma * x_ + beta
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_, axis=0)  # a mean?
    dx_ = dout * gamma

    # x_ = centred * istd
    distd = np.sum(dx_ * centred, axis=0)
    dcentred = dx_ * istd

    # istd = (var + eps)^-1/2, var = mean(centred^2)
    dvar = distd * -0.5 * istd**3
    dcentred += 2 / N * centred * dvar

    # centred = x - mu
    dx = dcentred - np.sum(dcentred, axis=0) / N
    return dx, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    """The same on paper first."""
    x, gamma, mu, var, eps, x_ = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_).sum(axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta / len(x) - x_ * dgamma / len(x))
    return dx, dgamma, dbeta
