"""The lock of a folder: one holder at a time, and none that is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from chainrule import StorageError
from chainrule.lock import locked

BUSY = "'runs/a' is in use"

HOLD = """
    import sys, time
    from pathlib import Path
    from chainrule.lock import locked

    with locked(Path(sys.argv[1]), "busy"):
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


@pytest.fixture
def holder(path):
    """Another process that holds the lock."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_it_is_held_and_then_gone(path):
    for _ in range(2):
        with locked(path, BUSY):
            assert path.read_text() == str(os.getpid())
        assert not path.exists()


def test_the_process_that_holds_it_is_named(path, holder):
    message = (
        f"^'runs/a' is in use by process {holder.pid}; wait until that has ended, or stop it first$"
    )
    with pytest.raises(StorageError, match=message), locked(path, BUSY):
        raise AssertionError
    assert path.exists()


def test_one_process_does_not_take_it_twice(path):
    with locked(path, BUSY):
        with pytest.raises(StorageError, match="in use"), locked(path, BUSY):
            raise AssertionError
        assert path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_dead_process_holds_nothing(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=60)
    assert path.exists()
    with locked(path, BUSY):
        assert path.read_text() == str(os.getpid())
    assert not path.exists()


def test_an_error_inside_releases_it(path):
    with pytest.raises(KeyboardInterrupt), locked(path, BUSY):
        raise KeyboardInterrupt
    assert not path.exists()
    with locked(path, BUSY):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="no fcntl")
def test_a_file_that_its_last_holder_removed_meanwhile_is_not_taken_for_the_lock(path, monkeypatch):
    import fcntl

    real, removed = fcntl.flock, []

    def flock(handle, how):
        if not removed:
            removed.append(path.unlink())
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(path, BUSY):
        assert removed
        with pytest.raises(StorageError, match="in use"), locked(path, BUSY):
            raise AssertionError


@pytest.mark.skipif(sys.platform == "win32", reason="no fcntl")
def test_where_the_file_system_has_no_locks_nothing_is_locked(path, monkeypatch):
    import errno
    import fcntl

    def flock(handle, how):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(path, BUSY), locked(path, BUSY):
        pass


def test_a_file_that_cannot_be_made_is_an_error(tmp_path):
    path = tmp_path / "no" / "lock"
    with pytest.raises(StorageError, match=r"could not make '.*lock': No s"), locked(path, BUSY):
        raise AssertionError
