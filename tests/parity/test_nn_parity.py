"""Every layer and loss, and a whole training step, next to PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.nn import (
    LAYERS,
    LOSSES,
    HeNormal,
    Network,
    Run,
    SoftmaxCrossEntropy,
    backprop,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

pytestmark = pytest.mark.parity

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}
each_dtype = pytest.mark.parametrize("dtype", list(TOLERANCE))


def linear(layer, x, W, b=None):
    return F.linear(x, W.T, b)  # torch keeps its weights as (out, in)


def dropout(layer, x, mask=None):
    return x if mask is None else x * mask  # the same mask: two generators never agree


THEIR_LAYERS = {
    "linear": linear,
    "relu": lambda layer, x: F.relu(x),
    "leaky_relu": lambda layer, x: F.leaky_relu(x, layer.slope),
    "sigmoid": lambda layer, x: torch.sigmoid(x),
    "tanh": lambda layer, x: torch.tanh(x),
    "gelu": lambda layer, x: F.gelu(x, approximate=layer.form.replace("exact", "none")),
    "silu": lambda layer, x: F.silu(x),
    "elu": lambda layer, x: F.elu(x, layer.alpha),
    "softplus": lambda layer, x: F.softplus(x, threshold=100),  # theirs is x beyond 20
    "dropout": dropout,
    "flatten": lambda layer, x: torch.flatten(x, 1),
    "scale": lambda layer, x: layer.factor * x,
}


def weighted_mean(losses, weights):
    """Losses of shape (N, …): mean over outputs, weighted mean over examples."""
    return (losses.reshape(len(losses), -1).mean(dim=1) * weights).sum() / weights.sum()


THEIR_LOSSES = {
    "softmax_cross_entropy": lambda loss, z, y: F.cross_entropy(
        z, y, label_smoothing=loss.label_smoothing, reduction="none"
    ),
    "binary_cross_entropy": lambda loss, z, y: F.binary_cross_entropy_with_logits(
        z, y, reduction="none"
    ),
    "mse": lambda loss, z, y: F.mse_loss(z, y, reduction="none"),
    "mae": lambda loss, z, y: F.l1_loss(z, y, reduction="none"),
    "huber": lambda loss, z, y: F.huber_loss(z, y, reduction="none", delta=loss.delta),
}


def leaf(array):
    return torch.tensor(np.array(array), requires_grad=True)


def agree(ours, theirs, dtype, name, least=0.0):
    """`least` is the size beside which rounding errors count: tanh' = 1 − y² cancels near y = 1."""
    theirs = theirs.detach().numpy()
    assert ours.dtype == theirs.dtype == dtype
    assert ours.shape == theirs.shape
    scale = max(float(np.abs(theirs).max(initial=0.0)), least)
    rtol = TOLERANCE[dtype]
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * 0.1 * scale, err_msg=name)


def test_every_layer_and_loss_has_a_counterpart_here():
    assert set(THEIR_LAYERS) == set(LAYERS.names())
    assert set(THEIR_LOSSES) == set(LOSSES.names())


LAYER_CASES = [
    pytest.param(name, case, id=f"{case.layer.spelling}-{'x'.join(map(str, case.x_shape))}")
    for name, cls in LAYERS.classes().items()
    for case in cls.cases()
]


@pytest.mark.parametrize(("name", "case"), LAYER_CASES)
@each_dtype
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_layers(name, case, dtype, scale):
    rng = np.random.default_rng(0)
    layer = case.layer
    drawn = layer.initial_params(case.x_shape[1:], HeNormal(), rng)
    params = {k: (v + 0.1 * rng.normal(size=v.shape)).astype(dtype) for k, v in drawn.items()}
    x = (rng.normal(size=case.x_shape) * case.scale * scale).astype(dtype)
    run = Run(training=case.training, rng=np.random.default_rng(1))
    y, cache = layer.forward(params, x, run)
    dy = rng.normal(size=y.shape).astype(dtype)
    dx, grads = layer.backward(params, cache, dy)

    their_x, their_params = leaf(x), {k: leaf(v) for k, v in params.items()}
    extra = {}
    if name == "dropout" and case.training and layer.rate:
        kept = np.where(y != 0, 1 / (1 - layer.rate), 0).astype(dtype)
        assert 0 < (kept == 0).sum() < kept.size
        extra = {"mask": torch.tensor(kept)}
    their_y = THEIR_LAYERS[name](layer, their_x, **their_params, **extra)
    their_y.backward(torch.tensor(dy))
    agree(y, their_y, dtype, "y")
    agree(dx, their_x.grad, dtype, "dx", least=float(np.abs(dy).max()))
    for key in params:
        agree(grads[key], their_params[key].grad, dtype, f"d{key}")


LOSS_CASES = [
    pytest.param(name, case, id=f"{case.loss.spelling}-{'x'.join(map(str, case.z_shape))}")
    for name, cls in LOSSES.classes().items()
    for case in cls.cases()
]


@pytest.mark.parametrize(("name", "case"), LOSS_CASES)
@each_dtype
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_losses(name, case, dtype, weighted, scale):
    rng = np.random.default_rng(0)
    n, outputs = case.z_shape
    z = (rng.normal(size=case.z_shape) * case.scale * scale).astype(dtype)
    y = {
        "labels": lambda: rng.integers(outputs, size=n),
        "binary": lambda: rng.integers(2, size=case.z_shape).astype(dtype),
        "real": lambda: rng.normal(size=case.z_shape).astype(dtype),
    }[case.targets]()
    weights = rng.uniform(0.1, 3, n).astype(dtype) if weighted else None
    value, cache = case.loss.forward(z, y, weights)
    dz = case.loss.backward(cache)

    their_z = leaf(z)
    their_weights = torch.tensor(weights) if weighted else torch.ones(n, dtype=their_z.dtype)
    losses = THEIR_LOSSES[name](case.loss, their_z, torch.tensor(y))
    their_value = weighted_mean(losses, their_weights)
    their_value.backward()
    agree(np.asarray(value), their_value, dtype, "value")
    agree(dz, their_z.grad, dtype, "dz")


@each_dtype
def test_the_textbook_step(dtype):
    """784-128-10, a batch of 64: loss, every gradient, and the weights after ten steps of SGD."""
    rng = np.random.default_rng(0)
    X = (rng.random((64, 784)) * (rng.random((64, 784)) < 0.2)).astype(dtype)
    y = rng.integers(10, size=64)
    net = Network.from_spec("784-128-10", dtype=dtype, seed=3)
    theirs = {name: leaf(net[name]) for name in net}
    their_X = leaf(X)
    for step in range(10):
        trace = backprop(net, X, y, input_gradient=True)
        hidden = F.relu(their_X @ theirs["W1"] + theirs["b1"])
        loss = F.cross_entropy(hidden @ theirs["W2"] + theirs["b2"], torch.tensor(y))
        for tensor in (their_X, *theirs.values()):
            tensor.grad = None
        loss.backward()
        assert trace.loss == pytest.approx(loss.item(), rel=TOLERANCE[dtype])
        if step == 0:
            agree(trace["dX"], their_X.grad, dtype, "dX")
            for name in net:
                agree(trace[f"d{name}"], theirs[name].grad, dtype, f"d{name}")
        net.params -= dtype(0.1) * trace.grads
        with torch.no_grad():
            for tensor in theirs.values():
                tensor -= 0.1 * tensor.grad
    for name in net:
        agree(net[name], theirs[name], dtype, name)


@each_dtype
def test_a_deep_network_of_every_kind(dtype):
    spec = "4x5-flatten-12(gelu)-11(gelu(tanh))-10(silu)-9(tanh)-8(sigmoid)-7(softplus)-6(elu)-5"
    net = Network.from_spec(spec, dtype=dtype, seed=1)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(16, 4, 5)).astype(dtype), rng.integers(5, size=16)
    trace = backprop(net, X, y, loss=SoftmaxCrossEntropy(0.1), input_gradient=True)
    theirs = {name: leaf(net[name]) for name in net}
    their_X = x = leaf(X)
    for layer, index, views in zip(net.layers, net.indices, net.views, strict=True):
        own = {local: theirs[f"{local}{index}"] for local in views}
        x = THEIR_LAYERS[LAYERS.name_of(layer)](layer, x, **own)
    loss = F.cross_entropy(x, torch.tensor(y), label_smoothing=0.1)
    loss.backward()
    assert trace.loss == pytest.approx(loss.item(), rel=TOLERANCE[dtype])
    agree(trace["dX"], their_X.grad, dtype, "dX")
    for name in net:
        agree(trace[f"d{name}"], theirs[name].grad, dtype, f"d{name}")


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_logits_of_a_thousand(dtype):
    z = np.array([[1000.0, -1000, 0], [-1000, -1000, -1000], [0, 1000, 999]], dtype)
    y = np.array([1, 0, 2])
    value, cache = SoftmaxCrossEntropy().forward(z, y)
    their_z = leaf(z)
    loss = F.cross_entropy(their_z, torch.tensor(y))
    loss.backward()
    agree(np.asarray(value), loss, dtype, "value")
    agree(SoftmaxCrossEntropy().backward(cache), their_z.grad, dtype, "dz")
