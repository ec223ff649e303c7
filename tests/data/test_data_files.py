"""load: idx, npy and npz, and files that are not what they should be."""

from __future__ import annotations

import contextlib
import gzip
import os
import struct

import numpy as np
import pytest

from chainrule.data import load
from chainrule.data.idx import parse_idx, read_idx
from chainrule.errors import InputError, StorageError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10
LABELS = np.array([4, 2], np.uint8)


def idx_bytes(array, code=8):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def pair(folder, images="train-images-idx3-ubyte", labels="train-labels-idx1-ubyte"):
    for name, array in ((images, IMAGES), (labels, LABELS)):
        content = idx_bytes(array)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder / images


@pytest.mark.parametrize("images_gz", ["", ".gz"])
@pytest.mark.parametrize("labels_gz", ["", ".gz"])
def test_idx_finds_the_labels_beside_it(tmp_path, images_gz, labels_gz):
    path = pair(tmp_path, f"a-images-idx3-ubyte{images_gz}", f"a-labels-idx1-ubyte{labels_gz}")
    data = load(path)
    assert data.X.dtype == np.float32
    np.testing.assert_array_equal(data.X, IMAGES.reshape(2, 12) / np.float32(255))
    assert data.y.tolist() == [1, 0]
    assert data.classes == (2, 4)


def test_idx_with_labels_given(tmp_path):
    path = pair(tmp_path, "x.idx", "whatever")
    assert load(path, tmp_path / "whatever").y.tolist() == [1, 0]
    assert load(path, str(tmp_path / "whatever"), task="regression").y.tolist() == [4, 2]
    assert load(path, tmp_path / "whatever", classes=range(10)).y.tolist() == [4, 2]
    with pytest.raises(InputError, match="cannot tell which labels"):
        load(path)
    with pytest.raises(InputError, match="path of the labels, got 0"):
        load(path, 0)


def test_packaged_mnist_by_path(digits):
    from importlib import resources

    folder = resources.files("chainrule.data").joinpath("mnist")
    data = load(str(folder.joinpath("t10k-images-idx3-ubyte.gz")))
    np.testing.assert_array_equal(data.y, digits[1][1])
    assert data.X.shape == (10000, 784)
    assert data.classes == tuple(range(10))


def test_idx_labels_missing_or_of_another_set(tmp_path):
    path = pair(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(np.zeros(3, np.uint8)))
    with pytest.raises(InputError, match="want one label an image"):
        load(path)
    with pytest.raises(InputError, match="labels, not images"):
        load(labels)
    labels.unlink()
    with pytest.raises(InputError, match="no labels beside"):
        load(path)


@pytest.mark.parametrize(
    ("code", "dtype"), [(9, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
def test_other_types_of_idx(code, dtype):
    array = np.array([[1, -2], [3, 4]], dtype)
    parsed = parse_idx(idx_bytes(array, code), "x")
    np.testing.assert_array_equal(parsed, array)
    assert parsed.dtype == array.dtype


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: it starts with nothing"),
        (b"\x89PNG rest", "not an IDX file: it starts with 89 50 4e 47"),
        (b"\0\0\x0a\x01", "not an IDX file"),
        (b"\0\0\x08\x00", "header of 0 axes"),
        (b"\0\0\x08\x03\0\0", "truncated: its header"),
        (idx_bytes(IMAGES)[:-1], "is truncated: its header promises 24 bytes"),
        (idx_bytes(IMAGES) + b"x", "is damaged: its header promises 24 bytes"),
    ],
)
def test_damaged_idx(tmp_path, content, message):
    path = tmp_path / "a-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=message):
        read_idx(path)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_gzip(tmp_path, damage):
    path = pair(tmp_path, "a-images-idx3-ubyte.gz")
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-9] if damage == "cut" else content[:-8] + bytes(8))
    with pytest.raises(StorageError, match="truncated or damaged"):
        load(path)


def test_npy(tmp_path):
    path = tmp_path / "t.npy"
    np.save(path, np.array([[1.5, 0, 7], [2.5, 1, 9]]))
    assert load(path).X.tolist() == [[1.5, 0], [2.5, 1]]
    assert load(path).classes == (7, 9)
    assert load(path, 0).y.tolist() == [1.5, 2.5]
    assert load(path, -2).X.flags.c_contiguous
    with pytest.raises(InputError, match="from -3 to 2, got 3"):
        load(path, 3)
    with pytest.raises(InputError, match="no column names"):
        load(path, "y")


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((3, 1)), np.array([["a", "b"]])])
def test_npy_of_no_table(tmp_path, array):
    np.save(tmp_path / "t.npy", array)
    with pytest.raises(InputError, match=r"want \(N, d \+ 1\) real numbers"):
        load(tmp_path / "t.npy")


@pytest.mark.parametrize("position", range(10, 90))
def test_npy_with_a_damaged_header(tmp_path, position):
    path = tmp_path / "t.npy"
    np.save(path, np.eye(3))
    content = bytearray(path.read_bytes())
    content[position] = ord("(")
    path.write_bytes(content)
    with contextlib.suppress(InputError, StorageError):  # nothing else may come out
        load(path)


@pytest.mark.parametrize(
    "keys", [("X", "y"), ("x", "Y"), ("data", "target"), ("x_train", "y_train")]
)
def test_npz(tmp_path, keys):
    np.savez(tmp_path / "t.npz", **{keys[0]: IMAGES, keys[1]: np.array(["no", "yes"])})
    data = load(tmp_path / "t.npz")
    np.testing.assert_array_equal(data.X, IMAGES.reshape(2, 12) / np.float32(255))
    assert data.classes == ("no", "yes")


def test_npz_as_keras_has_it(tmp_path):
    x, y = np.eye(3), np.arange(3)[:, None]
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=x, y_train=y, x_test=2 * x[:2], y_test=y[:2])
    assert load(path).X.tolist() == x.tolist()
    assert load(path).y.tolist() == [0, 1, 2]
    test = load(path, part="test", classes=(0, 1, 2))
    assert test.X.tolist() == (2 * x[:2]).tolist()
    assert test.y.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.eye(2)}, "holds a; want X and y"),
        ({"X": np.eye(2), "y": np.eye(2)}, r"y\.argmax\(1\)"),
        ({"X": np.eye(2), "y": np.zeros(3)}, "X has 2 rows and y 3"),
        ({"X": np.zeros(2), "y": np.zeros(2)}, "one example a row"),
        ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, "one example a row"),
        ({"X": np.array([["a"]]), "y": np.zeros(1)}, "must be real numbers"),
        ({"X": np.array([[1, np.nan]]), "y": np.zeros(1)}, r"\[0, 1\] is nan"),
        ({"X": np.array([[1e99]]), "y": np.zeros(1)}, r"as float32\[0, 0\] is inf"),
        ({"X": np.eye(2), "y": np.array([0, np.nan])}, r"y\[1\] is nan"),
    ],
)
def test_npz_of_no_dataset(tmp_path, arrays, message):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "t.npz")


def test_arguments_that_a_format_has_no_use_for(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.arange(2))
    (tmp_path / "t.csv").write_text("1,2\n")
    with pytest.raises(InputError, match="leave target out"):
        load(tmp_path / "t.npz", "y")
    with pytest.raises(InputError, match="no test part"):
        load(tmp_path / "t.npz", part="test")
    with pytest.raises(InputError, match="header= is for"):
        load(tmp_path / "t.npz", header=True)
    with pytest.raises(InputError, match=r"part='test' is for \.npz"):
        load(tmp_path / "t.csv", part="test")
    with pytest.raises(InputError, match="part must be one of"):
        load(tmp_path / "t.csv", part="valid")


def test_pickles_are_never_opened(tmp_path):
    objects = np.array([{}, []], object)
    np.save(tmp_path / "t.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=objects)
    for name in ("t.npy", "t.npz"):
        with pytest.raises(StorageError, match="never opens pickles"):
            load(tmp_path / name)


def test_arrays_that_are_no_arrays(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.arange(2))
    content = (tmp_path / "t.npz").read_bytes()
    for name, part in (("a.npz", content[:100]), ("b.npy", b""), ("c.npz", b"hello")):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(StorageError, match="not a readable NumPy file"):
            load(tmp_path / name)
    (tmp_path / "d.npy").write_bytes(content)
    with pytest.raises(StorageError, match=r"rename it to \.npz"):
        load(tmp_path / "d.npy")
    np.save(tmp_path / "e.npy", np.eye(2))
    with pytest.raises(StorageError, match=r"rename it to \.npy"):
        load((tmp_path / "e.npy").rename(tmp_path / "e.npz"))
    damaged = bytearray(content)
    damaged[150] ^= 255
    (tmp_path / "f.npz").write_bytes(damaged)
    with pytest.raises(StorageError, match="damaged"):
        load(tmp_path / "f.npz")


def test_paths_that_lead_nowhere(tmp_path):
    (tmp_path / "flowers.csv").write_text("1,2\n")
    with pytest.raises(StorageError, match=r"no file .*did you mean 'flowers\.csv'"):
        load(tmp_path / "flower.csv")
    with pytest.raises(StorageError, match="there is no file"):
        load(tmp_path / "no" / "folder.csv")
    with pytest.raises(InputError, match="or give the path of one file in it"):
        load(tmp_path)
    with pytest.raises(InputError, match="path must be a string or a Path, got a int"):
        load(3)


@pytest.mark.parametrize(
    ("name", "hint"), [("t.cvs", r"did you mean '\.csv'"), ("t.xlsx", "known: "), ("t", "known: ")]
)
def test_unknown_ending(tmp_path, name, hint):
    (tmp_path / name).write_text("1,2\n")
    with pytest.raises(InputError, match=hint):
        load(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_unreadable_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,2\n")
    path.chmod(0)
    with pytest.raises(StorageError, match="cannot read"):
        load(path)


def test_an_error_of_the_system_is_reported(tmp_path, monkeypatch):
    path = pair(tmp_path)

    def fail(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("chainrule.data.idx.open_binary", fail)
    with pytest.raises(StorageError, match=r"cannot read .*Input/output error"):
        load(path)


@pytest.mark.parametrize("content", [None, 3, "abc", np.zeros(8, np.uint8)], ids=repr)
def test_idx_wants_bytes(content):
    with pytest.raises(InputError, match="content must be the bytes of a file, got "):
        parse_idx(content, "x")


def test_idx_takes_any_bytes():
    for kind in (bytes, bytearray, memoryview):
        np.testing.assert_array_equal(parse_idx(kind(idx_bytes(IMAGES)), "x"), IMAGES)


@pytest.mark.parametrize("ending", [".csv", ".npz", ".npy", "-images-idx3-ubyte"])
def test_a_folder_and_a_name_that_is_too_long_are_no_files(tmp_path, ending):
    folder = tmp_path / f"folder{ending}"
    folder.mkdir()
    with pytest.raises(InputError, match="a folder of pictures for each class, got none"):
        load(folder)
    with pytest.raises(StorageError, match="there is no file 'xxx"):
        load("x" * 5000 + ending)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.npz", "t.npy", "t-images-idx3-ubyte.gz"])
def test_a_file_cut_or_changed_anywhere_is_read_or_refused_in_words(tmp_path, name):
    X, y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
    if name.endswith(".npz"):
        np.savez_compressed(tmp_path / name, X=X, y=y)
    elif name.endswith(".npy"):
        np.save(tmp_path / name, np.column_stack([X, y]))
    else:
        (tmp_path / "t-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
        text = idx_bytes(IMAGES) if "idx" in name else b"a,b,k\n1,2,x\n3,4,y\n"
        (tmp_path / name).write_bytes(gzip.compress(text, mtime=0))
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole[: rng.integers(len(whole) + 1)] if rng.random() < 0.5 else whole)
        for i in rng.integers(max(1, len(damaged)), size=2) if damaged else []:
            damaged[i] = rng.integers(256)
        (tmp_path / name).write_bytes(damaged)
        with contextlib.suppress(InputError, StorageError):
            load(tmp_path / name)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("ab", "classes must be different labels in a sequence, got 'ab'"),
        (3, "classes must be different labels in a sequence, got 3"),
        ([], r"classes must be different labels in a sequence, got \[\]"),
        ([1, 1], "classes must be different labels"),
        ([[1], [2]], "classes must be numbers or texts, got a list among them"),
    ],
)
def test_bad_classes(tmp_path, classes, message):
    (tmp_path / "t.csv").write_text("1,7\n2,9\n")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "t.csv", classes=classes)


def test_classes_may_be_an_array(tmp_path):
    (tmp_path / "t.csv").write_text("1,7\n2,9\n")
    data = load(tmp_path / "t.csv", classes=np.array([9, 7]))
    assert data.y.tolist() == [1, 0]
    assert data.classes == (9, 7)
    assert all(type(label) is int for label in data.classes)


@pytest.mark.parametrize("column", [0, 1])
def test_a_signalling_nan_is_refused_like_any_other(tmp_path, column):
    """NumPy warns of an invalid value when it converts one: that is no message for users."""
    table = np.zeros((2, 2))
    table.view(np.uint64)[1, column] = 0x7FF0_0000_0000_0001
    np.save(tmp_path / "t.npy", table)
    np.savez(tmp_path / "t.npz", X=table[:, :1], y=table[:, 1])
    for name in ("t.npy", "t.npz"):
        with pytest.raises(InputError, match=r"must be finite, but .* is nan"):
            load(tmp_path / name)


@pytest.mark.parametrize("code", [0x110000, 2**32 - 1, 0xD800])
def test_text_with_characters_that_do_not_exist(tmp_path, code):
    y = np.array(["ä", "b"])
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=y.astype(">U1"))
    assert load(tmp_path / "t.npz").classes == ("b", "ä")
    y.view(np.uint32)[1] = code
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=y)
    with pytest.raises(StorageError, match="holds characters that do not exist"):
        load(tmp_path / "t.npz")
