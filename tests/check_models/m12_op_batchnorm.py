"""Batch normalisation in training mode, step by step along the computation graph."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: batch norm, node by node",
    "fault": "batch-norm-statistics-constant",
    "where": "x",
    "wrong": ["x"],
    "tuned": True,
}


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    xmu = x - mu
    sq = xmu**2
    var = sq.mean(axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    return out, (xhat, gamma, xmu, ivar, sqrtvar, var, eps)


def batchnorm_backward(dout, cache, through_statistics=True):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dxmu = dxhat * ivar
    if not through_statistics:
        return dxmu, dgamma, dbeta
    divar = (dxhat * xmu).sum(axis=0)
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / np.sqrt(var + eps)
    dsq = np.ones_like(xmu) * dvar / n
    dxmu = dxmu + 2 * xmu * dsq
    dmu = -dxmu.sum(axis=0)
    return dxmu + dmu / n, dgamma, dbeta


def batchnorm_backward_wrong(dout, cache):
    return batchnorm_backward(dout, cache, through_statistics=False)


def inputs():
    rng = np.random.default_rng(121)
    return 2 * rng.normal(size=(7, 4)) + 1, rng.normal(size=4), rng.normal(size=4)


def right():
    return (batchnorm_forward, batchnorm_backward), inputs(), None


def wrong():
    return (batchnorm_forward, batchnorm_backward_wrong), inputs(), None
