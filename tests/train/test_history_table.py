"""A history at the prompt is a table of what was measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import blobs

import chainrule as cr
from chainrule.train.history import loss_text

X, Y = blobs(n=50)


def header(history):
    return [name.strip() for name in repr(history).splitlines()[0].split("  ") if name.strip()]


def regression(**options):
    net = cr.Network.from_spec("5-4-1")
    return cr.fit(net, X, X[:, 0], loss="mse", epochs=2, **options)


def test_it_is_a_table_at_the_prompt():
    history = cr.fit(cr.Network.from_spec("5-4-3"), X, Y, epochs=3, validation=(X, Y))
    assert header(history) == [
        "epoch", "loss", "accuracy", "val loss", "val accuracy", "lr", "seconds"
    ]  # fmt: skip
    assert repr(history) == str(history)
    assert len(repr(history).splitlines()) == 2 + 3


def test_what_was_not_measured_has_no_column():
    assert header(regression()) == ["epoch", "loss", "lr", "seconds"]
    without = cr.fit(cr.Network.from_spec("5-4-3"), X, Y, epochs=1)
    assert header(without) == ["epoch", "loss", "accuracy", "lr", "seconds"]


def test_a_regression_has_r2_of_its_validation_data():
    history = regression(validation=(X[:20], X[:20, 0]))
    assert header(history) == ["epoch", "loss", "val loss", "val R²", "lr", "seconds"]
    variance = np.var(X[:20, 0], dtype=np.float64)
    expected = [1 - loss / variance for loss in history["val_loss"]]
    assert history["val_r2"] == pytest.approx(expected, rel=1e-4)
    classes = cr.fit(cr.Network.from_spec("5-3"), X, Y, epochs=1, validation=(X, Y))
    assert classes["val_r2"] == [None]


def test_r2_is_kept_in_files(tmp_path):
    path = tmp_path / "run.safetensors"
    history = regression(validation=(X, X[:, 0]), callbacks=[cr.Checkpoint(path)])
    assert cr.train.read_history(path)["val_r2"] == history["val_r2"]


def test_records_of_before_have_no_r2():
    records = regression().to_json()
    for record in records:
        del record["val_r2"]
    assert cr.History.from_json(records)["val_r2"] == [None, None]


def test_a_narrow_table_leaves_out_the_rate_and_the_seconds():
    history = cr.fit(cr.Network.from_spec("5-4-3"), X, Y, epochs=2, validation=(X, Y))
    wide = max(map(len, history.table().splitlines()))
    assert max(map(len, history.table(wide).splitlines())) == wide
    narrow = history.table(wide - 1)
    assert max(map(len, narrow.splitlines())) < wide
    assert "lr" not in narrow
    assert "seconds" in narrow
    assert "seconds" not in history.table(40)


def test_an_empty_history_says_so():
    assert repr(cr.History()) == "no epoch is complete yet"


@given(st.floats(width=32))
def test_a_loss_of_any_size_keeps_its_width(loss):
    text = loss_text(loss)
    assert len(text) <= 10
    if np.isfinite(loss):
        assert float(text) == pytest.approx(loss, rel=6e-4, abs=6e-5)
