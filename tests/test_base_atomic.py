"""Files that are replaced as a whole: full disks, kills, several writers, links."""

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

from chainrule import InputError, StorageError
from chainrule.atomic import as_path, previous_path, replace_atomically
from chainrule.storage import load_tensors, save_tensors


def save(path, value, size=10, **options):
    tensors = {"x": np.full(size, value, np.float64)}
    save_tensors(path, "network", tensors, {"value": value}, **options)


def value_in(path):
    stored = load_tensors(path, "network")
    assert (stored.tensors["x"] == stored.meta["value"]).all()
    return stored.meta["value"]


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
        from chainrule.atomic import replace_atomically

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


# --- several writers, and what they leave ---------------------------------------------------------

WRITER = """
    import sys
    import numpy as np
    from chainrule.storage import save_tensors

    for value in range(int(sys.argv[2]), int(sys.argv[2]) + 20):
        x = np.full(50_000, value, float)
        save_tensors(sys.argv[1], "network", {"x": x}, {"value": value}, keep_previous=True)
"""


def test_two_writers_of_one_path_disturb_neither_each_other_nor_a_reader(tmp_path):
    path = tmp_path / "file"
    save(path, 0)
    writers = [run(WRITER, path, first) for first in (1_000, 2_000)]
    while any(writer.poll() is None for writer in writers):
        value_in(path)
        if previous_path(path).exists():
            value_in(previous_path(path))
    for writer in writers:
        writer.stdout.close()
        assert writer.returncode == 0
    assert value_in(path) in (1_019, 2_019)
    assert sorted(os.listdir(tmp_path)) == ["file", "file.previous"]


def temporaries(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".tmp"))


def test_what_a_killed_writer_has_left_is_removed_by_the_next_save(tmp_path):
    code = """
        import os, signal, sys
        from chainrule.atomic import replace_atomically

        replace_atomically(sys.argv[1], lambda file: os.kill(os.getpid(), signal.SIGKILL))
    """
    with run(code, tmp_path / "file") as process:
        process.wait(timeout=60)
    (left,) = temporaries(tmp_path)
    save(tmp_path / "other", 1.0)
    assert temporaries(tmp_path) == [left]  # for a minute
    os.utime(tmp_path / left, (time.time() - 61,) * 2)
    save(tmp_path / "other", 1.0)
    assert os.listdir(tmp_path) == ["other"]


def test_what_somebody_is_still_writing_stays(tmp_path):
    def write(file):
        (mine,) = temporaries(tmp_path)
        save(tmp_path / "other", 1.0)
        assert temporaries(tmp_path) == [mine]

    replace_atomically(tmp_path / "file", write)
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_what_a_writer_of_another_machine_has_left_stays_for_a_day(tmp_path):
    left = tmp_path / ".chainrule-00000000-1-0123456789ab.tmp"
    left.write_bytes(b"half")
    save(tmp_path / "file", 1.0)
    assert left.exists()
    os.utime(left, (time.time() - 2 * 86_400,) * 2)
    save(tmp_path / "file", 2.0)
    assert not left.exists()


def test_other_hidden_files_are_not_touched(tmp_path):
    for name in (".chainrule-notes", "x.tmp", ".chainrule-a.tmp"):
        (tmp_path / name).write_bytes(b"mine")
    save(tmp_path / "file", 1.0)
    assert len(os.listdir(tmp_path)) == 4


# --- links, and the version before ----------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path, there):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "target.safetensors", tmp_path / "link"
    link.symlink_to(Path("real", target.name))
    if there:
        save(target, 1.0)
    save(link, 2.0, keep_previous=True)
    assert link.is_symlink()
    assert value_in(link) == value_in(target) == 2.0
    assert previous_path(link) == previous_path(target)
    assert previous_path(link).exists() == there
    assert not temporaries(tmp_path)
    assert not temporaries(tmp_path / "real")


def test_the_version_before_is_kept_if_that_is_wanted(tmp_path):
    path = tmp_path / "run.safetensors"
    previous = tmp_path / "run.previous.safetensors"
    assert previous_path(path) == previous
    save(path, 1.0, keep_previous=True)
    assert not previous.exists()
    save(path, 2.0, keep_previous=True)
    save(path, 3.0, keep_previous=True)
    assert (value_in(path), value_in(previous)) == (3.0, 2.0)
    save(path, 4.0)
    assert (value_in(path), value_in(previous)) == (4.0, 2.0)


def test_without_hard_links_the_version_before_is_copied(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", link)
    test_the_version_before_is_kept_if_that_is_wanted(tmp_path)


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path, monkeypatch):
    """Then both names are of one file, and the next save must still part them."""
    path, real = tmp_path / "file", os.replace

    def replace(source, target):
        if Path(target) == path:
            raise KeyboardInterrupt
        real(source, target)

    save(path, 1.0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            save(path, 2.0, keep_previous=True)
    assert value_in(path) == value_in(previous_path(path)) == 1.0
    save(path, 3.0, keep_previous=True)
    assert (value_in(path), value_in(previous_path(path))) == (3.0, 1.0)
    assert not temporaries(tmp_path)


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [None, 3, b"a.csv", np.zeros(2), "", "a\0b", ["a"]], ids=repr)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError, match="file must be a string or a Path, got "):
        as_path(path, "file")


def test_paths_are_paths():
    assert as_path("a/b.csv") == as_path(Path("a", "b.csv")) == Path("a", "b.csv")
