""".npy and .npz files: headers first, then what they promise. Pickles are never opened."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.files import reading
from chainrule.data.limits import Limits
from chainrule.errors import StorageError

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

__all__ = ["Archive", "open_archive", "read_array_file"]

_KINDS = "fiubUS"  # real numbers and text
_STORED, _DEFLATED = 0, 8  # how NumPy packs the members of an .npz


class Archive:
    """The arrays of an .npz, read one at a time."""

    def __init__(self, file: zipfile.ZipFile, path: Path, limits: Limits) -> None:
        self._file, self._path, self._limits = file, path, limits
        self._members = {info.filename.removesuffix(".npy"): info for info in file.infolist()}
        self._bytes = 0

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return list(self._members)

    def read(self, name: str) -> np.ndarray:
        """An array of numbers or text.

        Raises:
            StorageError: it is damaged, holds Python objects, or asks for too much memory.
        """
        info, source = self._members[name], f"{self._path}: {name}"
        if info.compress_type not in (_STORED, _DEFLATED):
            raise StorageError(f"{source!r} is packed in a way that NumPy does not use")
        with _damage(source):
            with self._file.open(info) as stream:
                self._bytes += _promised(stream, info.file_size, source, self._limits)
            self._limits.check("bytes", self._bytes, str(self._path), "needs")
            with self._file.open(info) as stream:
                return _array(stream)


@contextlib.contextmanager
def open_archive(path: Path, limits: Limits) -> Iterator[Archive]:
    """An .npz file, open for as long as the context lasts.

    Raises:
        StorageError: it cannot be read, or is no .npz.
    """
    import zipfile  # takes longer than most of chainrule

    with reading(path), open(path, "rb") as file:
        if file.read(6) == b"\x93NUMPY":
            raise StorageError(f"{str(path)!r} holds one array, not several; rename it to .npy")
        with _damage(str(path)):
            archive = zipfile.ZipFile(file)
        with archive:
            yield Archive(archive, path, limits)


def read_array_file(path: Path, limits: Limits) -> np.ndarray:
    """The array of numbers or text in an .npy file.

    Raises:
        StorageError: it cannot be read, is damaged, holds Python objects or several arrays, or
            asks for too much memory.
    """
    with reading(path), open(path, "rb") as file:
        if file.read(2) == b"PK":
            raise StorageError(f"{str(path)!r} holds several arrays; rename it to .npz")
        size = file.seek(0, 2)
        file.seek(0)
        with _damage(str(path)):
            _promised(file, size, str(path), limits)
            file.seek(0)
            return _array(file)


def _promised(stream: Any, size: int, source: str, limits: Limits) -> int:
    """Bytes of the array that the header of an .npy file promises; checked against the size of
    the whole file and the limits."""
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"version {version} of the format is for structured arrays")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd spellings in the header of a damaged file
        shape, _, dtype = read_header(stream)
    if dtype.hasobject or dtype.kind not in _KINDS:
        raise ValueError(f"it holds {dtype}, want numbers or text")
    if any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"its header has the shape {shape}")
    wanted = math.prod(shape) * dtype.itemsize
    got = size - stream.tell()
    if wanted != got:
        raise ValueError(f"its header promises {wanted:,} bytes for shape {shape}, it has {got:,}")
    limits.check_array(shape, dtype.itemsize, source)
    return wanted


def _array(stream: Any) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.lib.format.read_array(stream, allow_pickle=False)
    assert isinstance(array, np.ndarray)
    if array.dtype.kind == "U":
        _check_characters(array)
    return array


def _check_characters(array: np.ndarray) -> None:
    """Refuse what Python cannot make text of: NumPy hands on any number as a character."""
    codes = np.frombuffer(array.tobytes(), np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any():
        raise ValueError("it holds characters that do not exist")


@contextlib.contextmanager
def _damage(source: str) -> Iterator[None]:
    """What NumPy and zipfile raise for damaged files, as a `StorageError`: by trial on files with
    bytes changed at random."""
    import struct
    import tokenize
    import zipfile
    import zlib

    try:
        yield
    except StorageError:
        raise
    except (
        *(ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError),
        *(RuntimeError, EOFError, MemoryError, OverflowError, RecursionError),
        *(struct.error, zlib.error, tokenize.TokenError, zipfile.BadZipFile),
    ) as error:
        raise StorageError(
            f"{source!r} is not a readable NumPy file: it is truncated, damaged, of another "
            f"kind, or holds Python objects ({error}). chainrule never opens pickles; save "
            f"numbers or text"
        ) from error
