"""Stateless, parameters as a list of (W, b) tuples, the forward values in a list."""

from functools import partial

import numpy as np

INFO = {
    "kind": "function",
    "style": "stateless, list of (W, b) tuples, lambdas",
    "fault": "activation-derivative-missing",
    "where": "params[1][0]",
    "wrong": ["params[0][0]", "params[0][1]", "params[1][0]", "params[1][1]"],
    "tuned": True,
}


relu, d_relu = (lambda z: z * (z > 0)), (lambda z: 1.0 * (z > 0))


def predict(params, inputs):
    acts, pres = [inputs], []
    for W, b in params[:-1]:
        pres.append(acts[-1] @ W + b)
        acts.append(relu(pres[-1]))
    W, b = params[-1]
    return acts[-1] @ W + b, acts, pres


def value_and_grad(params, inputs, targets, slope=d_relu):
    out, acts, pres = predict(params, inputs)
    value = np.abs(np.log(np.cosh(out - targets))).mean()
    g = np.tanh(out - targets) / out.size
    grads = [(acts[-1].T @ g, g.sum(axis=0))]
    for (W, _), act, pre in zip(params[:0:-1], acts[-2::-1], pres[::-1], strict=True):
        g = (g @ W.T) * slope(pre)
        grads.insert(0, (act.T @ g, g.sum(axis=0)))
    return value, grads


def setup():
    rng = np.random.default_rng(39)
    sizes = [(3, 5), (5, 4), (4, 2)]
    params = [(rng.normal(size=s), rng.normal(size=s[1])) for s in sizes]
    return params, rng.normal(size=(7, 3)), rng.normal(size=(7, 2))


def right():
    params, X, y = setup()
    return (value_and_grad, params), X, y


def wrong():
    params, X, y = setup()
    return (partial(value_and_grad, slope=lambda z: 1.0), params), X, y
