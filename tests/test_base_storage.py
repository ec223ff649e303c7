"""Files that are whole or not there: full disks, kills, and round trips."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import InputError, StorageError
from chainrule.storage import as_path, load_tensors, replace_atomically, save_tensors


def save(path, value, size=10):
    save_tensors(path, "network", {"x": np.full(size, value, np.float64)}, {"value": value})


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
    assert set(loaded) == set(ARRAYS)
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


# --- failing writes -----------------------------------------------------------------------------


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_keeps_the_previous_file(tmp_path, monkeypatch, function):
    path = tmp_path / "file"
    save(path, 1.0)
    with monkeypatch.context() as patched:
        patched.setattr(os, function, full_disk)
        with pytest.raises(
            StorageError,
            match=r"could not write '.*file': No space left on device; the previous file is unto",
        ):
            save(path, 2.0)
    assert value_in(path) == 1.0
    assert os.listdir(tmp_path) == ["file"]
    save(path, 3.0)
    assert value_in(path) == 3.0


def test_a_full_disk_leaves_nothing_where_nothing_was(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StorageError, match=r"nothing was left behind. Free some space"):
        save(tmp_path / "file", 2.0)
    assert os.listdir(tmp_path) == []


def test_an_interrupted_write_leaves_nothing_behind(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_atomically(path, write)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_synced_does_not_make_the_save_fail(tmp_path, monkeypatch):
    """By then the new file is in place: saying that nothing happened would be wrong."""
    real, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.EINVAL, "not supported")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    save(tmp_path / "file", 2.0)
    assert len(calls) == 2
    assert value_in(tmp_path / "file") == 2.0


def test_the_file_is_synced_before_the_rename_and_the_folder_after(tmp_path, monkeypatch):
    events = []
    real = os.fsync, os.replace

    def fsync(handle):
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        real[0](handle)

    def replace(source, target):
        events.append("rename")
        assert os.path.dirname(source) == os.path.dirname(target)  # else it is no rename
        real[1](source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    save(tmp_path / "file", 1.0)
    assert events == ["file", "rename", "folder"]


def test_a_missing_folder_and_a_folder_in_the_way_are_named(tmp_path):
    with pytest.raises(StorageError, match=r"could not write '.*/no/file': No such file or direc"):
        save(tmp_path / "no" / "file", 1.0)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"could not write '.*/folder': Is a directory"):
        save(tmp_path / "folder", 1.0)
    assert os.listdir(tmp_path) == ["folder"]


def test_a_leftover_of_a_killed_process_is_overwritten(tmp_path):
    (tmp_path / ".file.tmp").write_bytes(b"x" * 10_000)
    save(tmp_path / "file", 4.0)
    assert value_in(tmp_path / "file") == 4.0
    assert os.listdir(tmp_path) == ["file"]


def run(code, *args, **kwargs):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **kwargs)


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_real_write_that_does_not_fit_keeps_the_previous_file(tmp_path):
    path = tmp_path / "file"
    save(path, 1.0)
    code = """
        import resource, signal, sys
        import numpy as np
        from chainrule import StorageError
        from chainrule.storage import save_tensors

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            save_tensors(sys.argv[1], "network", {"x": np.zeros(100_000)}, {})
        except StorageError as error:
            print(error)
    """
    with run(code, path) as process:
        message, _ = process.communicate(timeout=60)
    assert "File too large; the previous file is untouched" in message
    assert value_in(path) == 1.0
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_in_the_middle_of_a_write_the_old_file_is_readable(tmp_path):
    """The process tells when it has written half, and is killed there."""
    path = tmp_path / "file"
    save(path, 1.0)
    code = """
        import sys, time
        from chainrule.storage import replace_atomically

        def write(file):
            file.write(b"half of it")
            file.flush()
            print("half", flush=True)
            time.sleep(60)

        replace_atomically(sys.argv[1], write)
    """
    with run(code, path) as process:
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    assert value_in(path) == 1.0
    save(path, 2.0)
    assert value_in(path) == 2.0
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_anywhere_the_file_is_one_of_those_saved(tmp_path):
    path = tmp_path / "file"
    code = """
        import sys
        import numpy as np
        from chainrule.storage import save_tensors

        for value in range(10**9):
            x = np.full(200_000, value, float)
            save_tensors(sys.argv[1], "network", {"x": x}, {"value": value})
            if value == 0:
                print("started", flush=True)
    """
    for delay in (0.0, 0.013, 0.037):
        with run(code, path) as process:
            assert process.stdout.readline() == "started\n"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)
        assert value_in(path) >= 0


@pytest.mark.parametrize("path", [None, 3, b"a.csv", np.zeros(2), "", "a\0b", ["a"]], ids=repr)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError, match="file must be a string or a Path, got "):
        as_path(path, "file")


def test_paths_are_paths():
    assert as_path("a/b.csv") == as_path(Path("a", "b.csv")) == Path("a", "b.csv")
