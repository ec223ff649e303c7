"""A lock that one process holds, and that the system releases when the process ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["locked"]

_HELD = (errno.EACCES, errno.EAGAIN)
_BYTE = 2**20  # Windows locks bytes, not files: one far behind the text, which stays readable


@contextlib.contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs. It is gone afterwards.

    The lock belongs to the process, so one that was killed holds none: what is left of its file
    does not matter. Where the file system has no locks, nothing is locked.

    Args:
        path: the lock file; its folder must exist.
        busy: begins the error if another process holds the lock: "'runs/a' is in use".

    Raises:
        StorageError: another process holds the lock, or the file cannot be made.
    """
    handle = _acquire(path, busy)
    try:
        with contextlib.suppress(OSError):  # a full disk; the number is for people only
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}".encode())
        yield
    finally:
        with contextlib.suppress(OSError):  # while it is held, so that it is removed once
            path.unlink()
        os.close(handle)


def _acquire(path: Path, busy: str) -> int:
    """An open, locked handle of the file that is at `path` now."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(f"could not make {str(path)!r}: {error.strerror}") from error
        try:
            _lock(handle)
        except OSError as error:
            owner = os.read(handle, 20).decode(errors="replace")
            os.close(handle)
            by = f"process {owner}" if owner.isdecimal() else "another process"
            raise StorageError(
                f"{busy} by {by}; wait until that has ended, or stop it first"
            ) from error
        if _is_at(handle, path):
            return handle
        os.close(handle)  # its last holder removed the file between the two lines above


def _lock(handle: int) -> None:
    """Lock an open file.

    Raises:
        OSError: another process has locked it.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file is still the one that has this name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
