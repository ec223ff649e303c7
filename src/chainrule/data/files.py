"""Opening files of data: plain or gzip alike, and one kind of error when that fails."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from chainrule.atomic import as_path
from chainrule.data.limits import Limits
from chainrule.errors import StorageError
from chainrule.registry import nearest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["existing_file", "is_gzip", "open_binary", "read_at_most", "reading"]

AnyPath = str | os.PathLike[str]


_CHUNK = 2**20


def existing_file(path: AnyPath, folders: bool = False) -> Path:
    """`path` as a Path, if there is such a file, or a folder where `folders` are wanted.

    Raises:
        InputError: `path` is no path at all.
        StorageError: there is no such file (a similar one in that folder is suggested), or it
            is a folder.

    >>> existing_file("/no/such/folder")
    Traceback (most recent call last):
    chainrule.errors.StorageError: there is no file '/no/such/folder'
    """
    found = as_path(path)
    if os.path.isdir(found) and not folders:  # a name that is too long is no folder, and no error
        raise StorageError(f"{str(path)!r} is a folder; give the path of one file in it")
    if not os.path.exists(found):
        try:
            siblings = os.listdir(found.parent)
        except OSError:
            siblings = []
        raise StorageError(f"there is no file {str(path)!r}{nearest(found.name, siblings)}")
    return found


def is_gzip(path: Path) -> bool:
    """Whether the file starts as gzip files do, whatever its name says."""
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_binary(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked on the way if it is gzip. Use inside `reading(path)`."""
    return cast(BinaryIO, gzip.open(path, "rb")) if is_gzip(path) else open(path, "rb")


def read_at_most(stream: BinaryIO, path: Path, limits: Limits, head: bytes = b"") -> bytearray:
    """`head` and all that is left of a stream.

    Raises:
        StorageError: together they have more bytes than the limit; no more than that was read.
    """
    content = bytearray(head)
    while chunk := stream.read(_CHUNK):
        content += chunk
        limits.check("bytes", len(content), str(path), "unpacks to at least")
    return content


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the system says about an unreadable file into a `StorageError`."""
    try:
        yield
    except StorageError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StorageError(
            f"{str(path)!r} is truncated or damaged ({error}); get it again from its source"
        ) from error
    except OSError as error:
        raise StorageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
