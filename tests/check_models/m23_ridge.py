"""Ridge regression as a function: the intercept is not penalised."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "linear regression with L2, params dict",
    "fault": "regulariser-on-biases",
    "where": "intercept",
    "wrong": ["intercept"],
    "tuned": False,
}


def ridge(params, X, y, alpha=0.5, penalise_intercept=False):
    coef, intercept = params["coef"], params["intercept"]
    resid = X @ coef + intercept - y
    value = (resid @ resid) / (2 * len(y)) + 0.5 * alpha * coef @ coef
    grads = {
        "coef": X.T @ resid / len(y) + alpha * coef,
        "intercept": np.array([resid.sum() / len(y)]),
    }
    if penalise_intercept:
        grads["intercept"] = grads["intercept"] + alpha * intercept
    return value, grads


def ridge_on_everything(params, X, y):
    return ridge(params, X, y, penalise_intercept=True)


def setup():
    rng = np.random.default_rng(23)
    X = rng.normal(size=(10, 3))
    params = {"coef": rng.normal(size=3), "intercept": np.array([1.5])}
    return params, X, X @ np.array([1.0, -2.0, 0.5]) + 3


def right():
    params, X, y = setup()
    return (ridge, params), X, y


def wrong():
    params, X, y = setup()
    return (ridge_on_everything, params), X, y
