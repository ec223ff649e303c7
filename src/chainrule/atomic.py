"""Files that are replaced as a whole: a reader sees the old file or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from chainrule.errors import InputError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_path", "previous_path", "replace_atomically"]

_PREFIX, _SUFFIX = ".chainrule-", ".tmp"
_MINUTE, _DAY = 60.0, 24 * 60 * 60.0


def as_path(value: object, what: str = "path") -> Path:
    """A path, from a string or anything that `os.fspath` takes.

    Raises:
        InputError: it is neither, or it names no file at all.
    """
    try:
        path = os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        raise InputError(f"{what} must be a string or a Path, got a {type(value).__name__}")
    from pathlib import Path  # slow to import

    return Path(path)


def previous_path(path: str | os.PathLike[str]) -> Path:
    """Where the version before the newest one is kept: `run.previous.safetensors`.

    It lies beside the file that is written, so where `path` is a symbolic link, beside its target.
    """
    target = _target(as_path(path))
    return target.with_name(f"{target.stem}.previous{target.suffix}")


def replace_atomically(
    path: str | os.PathLike[str],
    write: Callable[[BinaryIO], object],
    *,
    keep_previous: bool = False,
) -> None:
    """Write a new file, flush it to disk, then rename it over `path`.

    Any number of processes may write to one path at the same time; each replaces it with a whole
    file. If `path` is a symbolic link, its target is replaced and the link stays.

    Args:
        path: the file.
        write: writes the content into the file that it is given.
        keep_previous: whether the file that is replaced stays on disk, as `previous_path(path)`.

    Raises:
        InputError: `path` is no path.
        StorageError: writing failed; `path` is what it was before and nothing is left over.
    """
    path = as_path(path)
    target = _target(path)
    temporary = _temporary_in(target.parent)
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if keep_previous and target.exists():
            _keep(target, previous_path(target))
        os.replace(temporary, target)
    except OSError as error:
        kept = "the previous file is untouched" if path.exists() else "nothing was left behind"
        raise StorageError(
            f"could not write {str(path)!r}: {error.strerror or error}; {kept}. "
            f"Free some space or choose another folder"
        ) from error
    finally:  # also after Ctrl-C; once renamed it is gone
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(target.parent)
    _remove_abandoned(target.parent)


def _target(path: Path) -> Path:
    """The file behind a symbolic link; any other path as it is."""
    return type(path)(os.path.realpath(path)) if path.is_symlink() else path


def _keep(path: Path, previous: Path) -> None:
    """Give the file at `path` the second name `previous`, so that `path` never disappears."""
    temporary = _temporary_in(path.parent)
    try:
        try:
            os.link(path, temporary)
        except OSError:  # the file system has no hard links
            import shutil

            shutil.copyfile(path, temporary)
        os.replace(temporary, previous)
    finally:  # still there if both are one file already: then the rename does nothing
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system has a way to."""
    with contextlib.suppress(OSError):  # Windows opens no folders, some file systems sync none
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- temporary files ----------------------------------------------------------------------------


def _temporary_in(folder: Path) -> Path:
    """A name that no other writer uses; it says which process of which machine is writing."""
    return folder / f"{_PREFIX}{_machine()}-{os.getpid()}-{os.urandom(6).hex()}{_SUFFIX}"


def _machine() -> str:
    import zlib

    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return f"{zlib.crc32(name.encode()):08x}"


def _remove_abandoned(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                with contextlib.suppress(OSError):  # another process may have removed it
                    if _is_abandoned(entry.name, time.time() - entry.stat().st_mtime):
                        os.unlink(entry)


def _is_abandoned(name: str, age: float) -> bool:
    """Whether nobody writes a temporary file any more that was last changed `age` seconds ago.

    For a minute it is left alone in any case: the writer may be in another container, where a
    process number means something else.
    """
    machine, _, rest = name.removeprefix(_PREFIX).partition("-")
    pid = rest.partition("-")[0]
    ended = machine == _machine() and pid.isdecimal() and not _is_running(int(pid))
    return age > (_MINUTE if ended else _DAY)


def _is_running(pid: int) -> bool:
    """Whether there is such a process; yes where that cannot be found out."""
    if sys.platform == "win32":  # there, os.kill would end the process
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # the process belongs to somebody else
        return True
    return True
