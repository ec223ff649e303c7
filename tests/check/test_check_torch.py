"""PyTorch's modules and Functions can be checked; skipped where torch is not installed."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.check import check_gradients, find_target

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.parity

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))


def function(factor):
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g @ w.T, factor * (x.T @ g)

    return Product


def test_a_function():
    assert check_gradients(function(1.0), (X, W)).ok
    report = check_gradients(function(1.001), (X, W), diagnose=False)
    assert [p.name for p in report.wrong] == ["input[1]"]
    assert report.parameters["input[1]"].max_relative_error == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("with_loss", [False, True])
def test_a_module_stays_as_it_is(with_loss):
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(5, 2)
    )
    before = {k: v.clone() for k, v in module.state_dict().items()}
    state = torch.random.get_rng_state()
    loss = torch.nn.functional.cross_entropy if with_loss else None
    y = np.array([0, 1, 1, 0]) if with_loss else None
    report = check_gradients(module, X.astype(np.float32), y, loss=loss)
    assert report.ok, str(report)
    assert "cast from float32" in report.method
    assert "X" in report.parameters
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in module.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])
    assert all(p.grad is None and p.requires_grad for p in module.parameters())


def test_a_module_with_a_wrong_function_in_it():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(W, dtype=torch.float32))

        def forward(self, x):
            return torch.tanh(function(2.0).apply(x, self.w))

    report = check_gradients(Model(), X.astype(np.float32), diagnose=False)
    assert [p.name for p in report.wrong] == ["w"]


def test_a_batch_is_made_up():
    assert find_target(torch.nn.Linear(3, 2)).X.shape == (7, 3)
