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


@pytest.mark.parametrize(("wrong", "names"), [(False, []), (True, ["input[0]"])])
def test_a_function_with_a_kink_and_one_without_a_gradient(wrong, names):
    class Clamp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, low):
            ctx.save_for_backward(x)
            ctx.low = low
            return x.clamp(min=low.item())

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g if wrong else g * (x > ctx.low), None

    x = np.array([[-1.0, 0.0, 2.0], [0.5, -3.0, 1.0]])
    report = check_gradients(Clamp, (x, np.array(0)), diagnose=False)
    assert [p.name for p in report.wrong] == names or [p.name for p in report.wrong] == [
        "X"
    ] * wrong


def test_both_modes_of_a_module_and_its_parts_stay():
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2)
    )
    module[1].eval()
    modes = [part.training for part in module.modules()]
    report = check_gradients(module, X.astype(np.float32))
    assert report.ok, str(report)
    finding = next(f for f in report.findings if f.name == "train-and-eval")
    assert finding.message == "right in training and in eval mode"
    assert [part.training for part in module.modules()] == modes


def test_a_mistake_in_training_mode_only():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(W))

        def forward(self, x):
            return function(2.0 if self.training else 1.0).apply(x, self.w)

    report = check_gradients(Model().eval(), X, diagnose=False)
    assert [f.name for f in report.findings if not f.ok] == ["train-and-eval"]
