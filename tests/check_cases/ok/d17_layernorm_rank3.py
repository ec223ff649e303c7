import math

import numpy as np


def layer_norm(x, normalized_shape, weight, bias, eps=1e-5):
    """Layer normalisation over the trailing dimensions `normalized_shape`."""
    N = math.prod(normalized_shape)
    M = x.size // N
    rows = x.reshape(M, N)
    mean = rows.mean(axis=1, keepdims=True)
    rstd = 1.0 / np.sqrt(rows.var(axis=1, keepdims=True) + eps)
    x_hat = ((rows - mean) * rstd).reshape(x.shape)
    return x_hat * weight + bias


def layer_norm_backward(grad_out, x, normalized_shape, weight, eps=1e-5):
    """Gradients of layer_norm: (dx, dweight, dbias)."""
    N = math.prod(normalized_shape)
    M = x.size // N
    rows = x.reshape(M, N)
    mean = rows.mean(axis=1, keepdims=True)
    rstd = 1.0 / np.sqrt(rows.var(axis=1, keepdims=True) + eps)
    x_hat = (rows - mean) * rstd

    lead = tuple(range(x.ndim - len(normalized_shape)))
    dweight = (grad_out * x_hat.reshape(x.shape)).sum(axis=lead)
    dbias = grad_out.sum(axis=lead)

    dx_hat = (grad_out * weight).reshape(M, N)
    c1 = dx_hat.sum(axis=1, keepdims=True) / N
    c2 = (dx_hat * x_hat).sum(axis=1, keepdims=True) / N
    dx = rstd * (dx_hat - c1 - x_hat * c2)
    return dx.reshape(x.shape), dweight, dbias


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 7))  # batch, sequence, hidden
    weight, bias = rng.standard_normal(7), rng.standard_normal(7)
    y = layer_norm(x, (7,), weight, bias)
    grad_out = rng.standard_normal(y.shape)
    dx, dweight, dbias = layer_norm_backward(grad_out, x, (7,), weight)
    print(dx.shape, dweight.shape, dbias.shape, dx.mean())
