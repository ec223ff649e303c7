"""Arrays and JSON in one file: round trips, damage, and the version before."""

from __future__ import annotations

import errno
import json
import os
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from chainrule import ChainruleWarning, StorageError
from chainrule.atomic import previous_path
from chainrule.storage import load_tensors, save_tensors


def save(path, value, **options):
    save_tensors(path, "network", {"x": np.full(10, value)}, {"value": value}, **options)


def value_in(path):
    stored = load_tensors(path, "network")
    assert (stored.tensors["x"] == stored.meta["value"]).all()
    return stored.meta["value"]


# --- round trips --------------------------------------------------------------------------------

ARRAYS = {
    "scalar": np.array(5.5),
    "empty": np.zeros((0, 3), np.float32),
    "vector": np.arange(5, dtype=np.int64),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(20.0)[::3],
    "transposed": np.arange(6, dtype=np.uint8).reshape(2, 3).T,
    "half": np.array([1.5, -0.0, np.inf, np.nan], np.float16),
    "bool": np.array([True, False]),
    "bytes": np.arange(256, dtype=np.uint8),
    "name with / and ü": np.ones(1, np.float32),
}


def test_arrays_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "file"
    save_tensors(path, "network", ARRAYS, None)
    stored = load_tensors(path, "network")
    assert stored.meta is None
    loaded = stored.tensors
    assert list(loaded) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert loaded[name].shape == array.shape, name
        assert loaded[name].dtype == array.dtype, name
        assert loaded[name].tobytes() == array.tobytes(), name
        assert loaded[name].flags.writeable
        assert loaded[name].flags.c_contiguous


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(documents)
def test_any_json_comes_back(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "document"
    save_tensors(path, "network", {}, document)
    stored = load_tensors(path, "checkpoint", "network")
    assert (stored.tensors, stored.meta) == ({}, document)


def test_what_was_loaded_does_not_hang_on_the_file(tmp_path):
    path = tmp_path / "file"
    save(path, 1.0)
    tensors = load_tensors(path, "network").tensors
    save(path, 2.0)
    path.unlink()
    tensors["x"][:] += 1
    assert (tensors["x"] == 2.0).all()


def test_other_kinds_are_refused(tmp_path):
    save(tmp_path / "file", 1.0)
    with pytest.raises(StorageError, match=r"is a chainrule network; want a chainrule a or b"):
        load_tensors(tmp_path / "file", "a", "b")


def test_a_document_that_is_no_json_touches_nothing(tmp_path):
    path = tmp_path / "file"
    save(path, 1.0)
    with pytest.raises(TypeError):
        save_tensors(path, "network", {}, {"x": object()})
    assert value_in(path) == 1.0
    assert os.listdir(tmp_path) == ["file"]


def test_the_same_content_makes_the_same_file(tmp_path):
    for name in ("one", "other"):
        save_tensors(tmp_path / name, "network", ARRAYS, {"a": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_what_safetensors_cannot_hold_is_an_error_and_touches_nothing(tmp_path):
    path = tmp_path / "file"
    save(path, 1.0)
    with pytest.raises(StorageError, match=r"could not write '.*file': .*complex128"):
        save_tensors(path, "network", {"x": np.zeros(3, complex)}, {})
    assert value_in(path) == 1.0


# --- damage -------------------------------------------------------------------------------------


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "file"
    save_tensors(path, "network", {"x": np.arange(3.0), "é": np.ones(2)}, {"b": [1.5, "ü"]})
    whole = path.read_bytes()
    for place in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"damaged|not from chainrule"):
            load_tensors(path, "network")


def test_every_cut_and_every_added_byte_is_noticed(tmp_path):
    path = tmp_path / "file"
    save(path, 1.0)
    whole = path.read_bytes()
    for spoilt in [whole[:length] for length in range(len(whole))] + [whole + b"\0", whole * 2]:
        path.write_bytes(spoilt)
        with pytest.raises(StorageError, match="damaged"):
            load_tensors(path, "network")


def test_a_file_without_a_checksum_says_how_to_go_on(tmp_path):
    path = tmp_path / "old.safetensors"
    document = json.dumps({"format": 1, "kind": "network", "meta": {"spec": "2-1"}})
    save_file({"params": np.zeros(3)}, path, metadata={"chainrule": document})
    with pytest.raises(StorageError, match=r"has no checksum: .* Train again, or take the param"):
        load_tensors(path, "network")


def test_a_newer_format_asks_for_an_upgrade(tmp_path, monkeypatch):
    path = tmp_path / "file"
    monkeypatch.setattr("chainrule.storage._FORMAT", 9)
    save(path, 1.0)
    monkeypatch.undo()
    with pytest.raises(StorageError, match=r"has format 9, but .* reads format 2: upgrade"):
        load_tensors(path, "network")


def test_of_a_large_foreign_file_only_the_beginning_is_read(tmp_path):
    path = tmp_path / "huge"
    with open(path, "wb") as file:
        file.truncate(2**40)
    tracemalloc.start()
    with pytest.raises(StorageError, match="not a readable safetensors file"):
        load_tensors(path, "network")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_file_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "file"
    save(path, 1.0)

    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(StorageError, match=r"could not read '.*file': Permission denied"):
        load_tensors(path, "network")


# --- the version before ---------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path):
    """A file that holds 2.0, and the version before it, 1.0."""
    path = tmp_path / "run.safetensors"
    save(path, 1.0, summary="the first")
    save(path, 2.0, keep_previous=True)
    return path


def spoil(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_of_a_damaged_file_the_version_before_is_read_and_that_is_said(two):
    assert value_in(two) == 2.0
    spoil(two)
    with pytest.warns(
        ChainruleWarning,
        match=r"'.*run.safetensors' is truncated or damaged; the version saved before it was read "
        r"instead: '.*run.previous.safetensors' \(the first\). What came after that is lost",
    ):
        stored = load_tensors(two, "network")
    assert stored.meta["value"] == 1.0
    assert stored.path == previous_path(two)


def test_where_both_are_damaged_the_newest_is_named(two):
    spoil(two)
    spoil(previous_path(two))
    with pytest.raises(StorageError, match=r"'.*run.safetensors' is truncated or damaged"):
        load_tensors(two, "network")


def test_where_the_newest_is_gone_the_version_before_is_named(two):
    two.unlink()
    with pytest.raises(StorageError, match=r"no file .*; the version before it is '.*previous"):
        load_tensors(two, "network")


def test_a_file_that_is_not_damaged_but_of_another_kind_is_not_replaced(two):
    save_tensors(two, "checkpoint", {}, {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(StorageError, match="is a chainrule checkpoint; want"):
            load_tensors(two, "network")
