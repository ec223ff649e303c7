"""The packaged MNIST: its bytes, its arrays, its card."""

from __future__ import annotations

import gzip
import hashlib
from importlib import resources

import numpy as np
import pytest

import chainrule.data
from chainrule.data import mnist

FOLDER = resources.files("chainrule.data").joinpath("mnist")
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def test_exports_are_exact_and_sorted():
    names = chainrule.data.__all__
    assert names == sorted(names)
    assert all(callable(getattr(chainrule.data, name)) for name in names)


@pytest.mark.parametrize("name", MD5)
def test_packaged_files_are_the_originals(name):
    content = gzip.decompress(FOLDER.joinpath(name + ".gz").read_bytes())
    assert hashlib.md5(content).hexdigest() == MD5[name]
    assert MD5[name] in FOLDER.joinpath("README.md").read_text()


def test_licence_names_and_attributes():
    text = FOLDER.joinpath("LICENSE").read_text()
    for part in ("CC BY-SA 3.0", "https://creativecommons.org/licenses/by-sa/3.0/", "Yann LeCun"):
        assert part in text
    assert "Corinna Cortes" in text
    assert "Christopher J.C. Burges" in text


def test_default_arrays():
    (X_train, y_train), (X_test, y_test) = mnist()
    assert X_train.shape == (60000, 784)
    assert X_test.shape == (10000, 784)
    for X, y in ((X_train, y_train), (X_test, y_test)):
        assert X.dtype == np.float32
        assert y.dtype == np.int64
        assert y.shape == (len(X),)
        assert X.flags.c_contiguous
        assert X.flags.writeable
        assert y.flags.writeable
        assert (X.min(), X.max()) == (0, 1)
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert isinstance(chainrule.data.mnist, type(mnist))  # not the folder of that name


def test_scaling_is_division_by_255(digits):
    (pixels, _), _ = digits
    (X, _), _ = mnist()
    np.testing.assert_array_equal(X[:500], pixels[:500] / np.float32(255))


def test_raw_and_square():
    (X, _), (X_test, _) = mnist(flat=False, scaled=False)
    assert X.shape == (60000, 28, 28)
    assert X_test.shape == (10000, 28, 28)
    assert X.dtype == np.uint8
    assert X.flags.writeable


def test_the_card_says_what_is_measured(digits):
    card = FOLDER.joinpath("README.md").read_text()
    for (X, y), label in zip(digits, ("train", "test"), strict=True):
        counts = " | ".join(f"{n:,}" for n in np.bincount(y))
        assert f"| {label} | {counts} |" in card
        assert f"{100 * np.mean(X == 0):.2f} % ({label})" in card
    pixels = digits[0][0]
    assert f"{pixels.mean() / 255:.4f}, standard deviation {pixels.std() / 255:.4f}" in card
