"""Policy gradient from pixels, in small: model is a dict, an episode is one stack of rows."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "REINFORCE, model dict, episode stacks, in-place masks",
    "tuned": False,
}
MISTAKES = [
    (
        "sign-flipped",
        "dlogp = (p - action) * reward",
        "dlogp = (action - p) * reward",
        ["W1", "W2"],
    ),
    (
        "mask-from-wrong-tensor",
        "dh[eph <= 0] = 0",
        "dh[dh <= 0] = 0",
        ["W1"],
    ),
    (
        "activation-derivative-missing",
        "    dh[eph <= 0] = 0  # backprop relu\n",
        "",
        ["W1"],
    ),
]


def policy_forward(model, x):
    h = x @ model["W1"].T
    h[h < 0] = 0  # relu
    logp = h @ model["W2"]
    return 1.0 / (1.0 + np.exp(-logp)), h


def policy_backward(model, epx, eph, epdlogp):
    dW2 = np.dot(eph.T, epdlogp).ravel()
    dh = np.outer(epdlogp, model["W2"])
    dh[eph <= 0] = 0  # backprop relu
    dW1 = np.dot(dh.T, epx)
    return {"W1": dW1, "W2": dW2}


def episode_loss(model, X, y):
    """y: (T, 2), the action that was taken and its discounted reward."""
    action, reward = y[:, 0], y[:, 1]
    p, eph = policy_forward(model, X)
    chosen = action * np.log(p) + (1 - action) * np.log(1 - p)
    dlogp = (p - action) * reward
    return -np.sum(reward * chosen), policy_backward(model, X, eph, dlogp)


def right():
    rng = np.random.default_rng(41)
    D, H, T = 6, 5, 9
    model = {"W1": rng.standard_normal((H, D)), "W2": rng.standard_normal(H)}
    X = rng.standard_normal((T, D))
    y = np.column_stack([rng.integers(0, 2, T).astype(float), rng.standard_normal(T)])
    return (episode_loss, model), X, y
