"""What is wrong around the gradients is found, and named."""

from __future__ import annotations

import numpy as np
import pytest
from handwritten import Net, batch

from chainrule.check import check_gradients
from chainrule.errors import InputError

NAMES = ("W1", "b1", "W2", "b2")


def failed(net, X=None, y=None):
    X, y = batch() if X is None else (X, y)
    report = check_gradients(net, X, y, diagnose=False)
    return {f.name for f in report.findings if not f.ok}, report


class Accumulates(Net):
    def __init__(self, **options):
        super().__init__(**options)
        for name in NAMES:
            setattr(self, f"d{name}", np.zeros_like(getattr(self, name)))

    def backward(self, y):
        before = {n: getattr(self, f"d{n}") for n in NAMES}
        super().backward(y)
        for n in NAMES:
            setattr(self, f"d{n}", before[n] + getattr(self, f"d{n}"))


class Zeroes(Accumulates):
    def zero_grad(self):
        for name in NAMES:
            setattr(self, f"d{name}", np.zeros_like(getattr(self, name)))


class WritesInputs(Net):
    def forward(self, X):
        X -= 0.5
        return super().forward(X)


class Updates(Net):
    def backward(self, y):
        super().backward(y)
        self.W2 -= 0.1 * self.dW2


class Stale(Net):
    def forward(self, X):
        out = super().forward(X)
        if not hasattr(self, "kept"):
            self.kept = self.a1
        self.a1 = self.kept
        return out


class Fixed(Net):
    def backward(self, y):
        super().backward(y)
        for name in NAMES:
            setattr(self, f"d{name}", getattr(self, f"d{name}") * len(y) / 6)


class Summed(Net):
    def compute_loss(self, p, y):
        return super().compute_loss(p, y) * len(y)


class Aliased(Net):
    def backward(self, y):
        super().backward(y)
        self.db1 = self.dW1[0]


def test_a_net_that_behaves_passes_every_test():
    names, report = failed(Net())
    assert names == set()
    assert len(report.findings) >= 7
    assert report.ok


def test_gradients_that_add_up():
    names, report = failed(Accumulates())
    assert "gradients-accumulate" in names
    assert all(p.verdict.ok for p in report.parameters.values()), "the first is right"
    assert not report.ok


def test_a_model_with_zero_grad_may_add_up():
    assert failed(Zeroes())[0] == set()


def test_inputs_that_are_written_to():
    names, report = failed(WritesInputs())
    assert "inputs-unchanged" in names
    message = next(f.message for f in report.findings if f.name == "inputs-unchanged")
    assert "X" in message


def test_a_backward_that_updates():
    assert "parameters-unchanged" in failed(Updates())[0]


def test_a_stale_cache():
    assert "other-batch-before" in failed(Stale())[0]


def test_a_batch_size_that_is_written_into_the_code():
    names, report = failed(Fixed())
    assert "other-batch-sizes" in names
    assert all(p.verdict.ok for p in report.parameters.values())
    message = next(f.message for f in report.findings if f.name == "other-batch-sizes")
    assert "0.5 times" in message  # 3 examples instead of 6


def test_a_sum_with_the_gradients_of_a_mean():
    report = failed(Summed())[1]
    assert len(report.wrong) == 4


def test_gradients_in_one_memory():
    names, _ = failed(Aliased())
    assert "gradients-alias" in names


def test_a_gradient_that_is_the_parameter():
    def spoil(net):
        net.dW1 = net.W1

    assert "gradients-alias" in failed(Net(spoil=spoil))[0]


def test_a_forward_that_writes_only_in_c_order():
    class Raw(Net):
        def forward(self, X):
            return super().forward(X.ravel(order="K").reshape(X.shape))

    assert "non-contiguous-X" in failed(Raw())[0]


@pytest.mark.parametrize("source", ["global", "own"])
def test_dropout_from_a_generator_that_is_kept_is_checked_with_one_mask(source):
    class Drops(Net):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(0)

        def forward(self, X):
            u = np.random.random_sample(X.shape) if source == "global" else self.rng.random(X.shape)
            return super().forward(X * (u < 0.8) / 0.8)

    names, report = failed(Drops())
    assert report.ok, str(report)
    assert names == set()
    assert "random" in next(f.message for f in report.findings if f.name == "same-answer-twice")


def test_a_mask_that_is_drawn_again_is_found():
    class Redraws(Net):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(0)

        def forward(self, X):
            return super().forward(X * (self.rng.random(X.shape) < 0.7))

        def backward(self, y):
            self.X = self.X * (self.rng.random(self.X.shape) < 0.7)
            super().backward(y)

    assert not failed(Redraws())[1].ok


def test_a_forward_that_is_random_without_a_seed_is_refused():
    class Unseeded(Net):
        def forward(self, X):
            return super().forward(X + np.random.default_rng().normal(size=X.shape))

    with pytest.raises(InputError, match="random without a seed"):
        check_gradients(Unseeded(), *batch())


def test_a_hidden_state_that_is_carried_on_is_no_trouble():
    class Carries(Net):
        def __init__(self):
            super().__init__()
            self.h = np.zeros(5)

        def forward(self, X):
            self.h = 0.5 * self.h + X.mean(axis=0)
            return super().forward(X + self.h)

        def backward(self, y):
            super().backward(y)

    assert failed(Carries())[1].ok


def message(report, name):
    return next(f.message for f in report.findings if f.name == name)


def test_a_mean_with_the_gradients_of_a_sum_is_named():
    def spoil(net):
        for name in NAMES:
            setattr(net, f"d{name}", getattr(net, f"d{name}") * len(net.X))

    names, report = failed(Net(spoil=spoil))
    assert names == {"mean-or-sum"}
    assert message(report, "mean-or-sum") == (
        "the loss is a mean over the examples, but dW1, db1, dW2, db2 of a sum"
    )


def test_a_sum_with_the_gradients_of_a_mean_is_named():
    names, report = failed(Summed())
    assert "mean-or-sum" in names
    assert "the loss is a sum over the examples, but dW1" in message(report, "mean-or-sum")


def test_one_gradient_of_a_sum_is_named():
    def spoil(net):
        net.db2 = net.db2 * len(net.X)

    assert "but db2 of a sum" in message(failed(Net(spoil=spoil))[1], "mean-or-sum")


@pytest.mark.parametrize("kind", ["mean", "sum"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_a_loss_and_its_gradients_that_are_alike(kind, l2):
    class Penalised(Net):
        def compute_loss(self, p, y):
            share = super().compute_loss(p, y) * (len(y) if kind == "sum" else 1)
            return share + 0.5 * l2 * np.sum(self.W1**2)

        def backward(self, y):
            super().backward(y)
            if kind == "sum":
                for name in NAMES:
                    setattr(self, f"d{name}", getattr(self, f"d{name}") * len(y))
            self.dW1 = self.dW1 + l2 * self.W1

    names, report = failed(Penalised())
    assert names == set()
    expected = f"the loss is a {kind} over the examples, and so are the gradients"
    assert message(report, "mean-or-sum") == expected


def test_one_example_odd_numbers_and_more_than_now_are_tried():
    report = failed(Net())[1]
    assert message(report, "other-batch-sizes") == "right for 6 examples, and for 1, 3, 4, 7"


def test_a_batch_of_one_that_loses_its_axis_is_found():
    class Squeezes(Net):
        def backward(self, y):
            super().backward(y)
            if len(y) == 1:
                self.db1 = self.db1 * 0

    report = failed(Squeezes())[1]
    assert "wrong for 1 (db1 0 times the slope)" in message(report, "other-batch-sizes")


def test_a_forward_that_takes_rows_to_lie_one_behind_the_other():
    class Reads(Net):
        def forward(self, X):
            flat = np.lib.stride_tricks.as_strided(X, (X.size,), (X.itemsize,))
            return super().forward(flat.reshape(X.shape))

    names, _ = failed(Reads())
    assert "non-contiguous-X" in names


def test_a_backward_that_lets_go_of_its_cache_is_right():
    class Pops(Net):
        def backward(self, y):
            super().backward(y)
            del self.p, self.a1

    names, report = failed(Pops())
    assert report.ok, str(report)
    assert names == set()


def test_a_model_that_works_once_only_is_told():
    class Once(Net):
        def backward(self, y):
            if getattr(self, "done", 0) > 1:
                raise RuntimeError("no more")
            self.done = getattr(self, "done", 0) + 1
            super().backward(y)

    names, report = failed(Once())
    assert "gradients-accumulate" in names
    assert "one more pass fails: RuntimeError: no more" in message(report, "gradients-accumulate")
