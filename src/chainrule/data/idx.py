"""The IDX format: how MNIST and its relatives are published.

Two zero bytes, one byte for the type, one for the number of axes, each axis as a big-endian
32-bit number, then the data in C order (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from chainrule.checks import describe
from chainrule.data.files import AnyPath, existing_file, open_binary, reading
from chainrule.data.limits import Limits
from chainrule.errors import InputError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_idx_name", "labels_beside", "parse_idx", "read_idx"]

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 8
_LONGEST_HEADER = 4 + 4 * 255
_CHUNK = 2**20


def parse_idx(content: bytes, source: str) -> np.ndarray:
    """The array in the bytes of an IDX file: a read-only view where the byte order allows it.

    Args:
        content: the file, unpacked.
        source: what to call it in an error.

    Returns:
        An array of the type and of any shape (n, …) that the header names, at least one axis.

    Raises:
        InputError: `content` is no bytes.
        StorageError: no IDX file (wrong magic number), truncated, or with bytes left over.

    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]), "three labels")
    array([5, 0, 4], dtype=uint8)
    """
    if not isinstance(content, bytes | bytearray | memoryview):
        raise InputError(f"content must be the bytes of a file, got {describe(content)}")
    dtype, shape, start = _header(bytes(content[:_LONGEST_HEADER]), source)
    wanted, got = math.prod(shape) * dtype.itemsize, len(content) - start
    if wanted != got:
        raise _wrong_length(source, shape, wanted, f"{got:,}", short=got < wanted)
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_idx(path: AnyPath, limits: Limits | None = None) -> np.ndarray:
    """The array in an IDX file, plain or gzip. No more of the file is unpacked than its header
    promises, and nothing if that is more than `limits` allow.

    Raises:
        StorageError: there is no such file, it cannot be read, it is damaged or too large.
    """
    limits = limits or Limits()
    file, source = existing_file(path), str(path)
    with reading(file), open_binary(file) as stream:
        head = stream.read(4)
        head += stream.read(4 * head[3]) if len(head) == 4 else b""
        dtype, shape, _ = _header(head, source)
        limits.check_array(shape, dtype.itemsize, source)
        wanted = math.prod(shape) * dtype.itemsize
        content = np.empty(wanted, np.uint8)
        got = _fill(stream, content)
        if got < wanted or stream.read(1):
            raise _wrong_length(
                source, shape, wanted, f"{got:,}" if got < wanted else "more", short=got < wanted
            )
    array = content.view(dtype).reshape(shape)
    if dtype.isnative or dtype.itemsize == 1:
        return array
    return array.byteswap(inplace=True).view(dtype.newbyteorder("="))


def _fill(stream: BinaryIO, content: np.ndarray) -> int:
    """Read into an array of bytes until it is full or the stream ends; how many were read."""
    view, got = content.data, 0
    while got < len(view):
        chunk = stream.read(min(_CHUNK, len(view) - got))
        if not chunk:
            break
        view[got : got + len(chunk)] = chunk
        got += len(chunk)
    return got


def _header(head: bytes, source: str) -> tuple[np.dtype, tuple[int, ...], int]:
    """Type and shape of the array, and where it begins."""
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
        raise StorageError(
            f"{source!r} is not an IDX file: it starts with {head[:4].hex(' ') or 'nothing'}, "
            f"want 00 00, a type from 08 to 0e and the number of axes (MNIST: 00 00 08 03)"
        )
    axes = head[3]
    start = 4 + 4 * axes
    if not axes or len(head) < start:
        raise StorageError(f"{source!r} is truncated: its header of {axes} axes is incomplete")
    if axes > _MOST_AXES:
        raise StorageError(f"{source!r} has {axes} axes, want at most {_MOST_AXES}")
    return np.dtype(_TYPES[head[2]]), struct.unpack(f">{axes}I", head[4:start]), start


def _wrong_length(
    source: str, shape: tuple[int, ...], wanted: int, got: str, *, short: bool
) -> StorageError:
    return StorageError(
        f"{source!r} is {'truncated' if short else 'damaged'}: its header promises {wanted:,} "
        f"bytes for shape {shape}, it has {got}; get it again from its source"
    )


def is_idx_name(name: str) -> bool:
    """Whether a file is called as IDX files are.

    >>> is_idx_name("train-images-idx3-ubyte.gz"), is_idx_name("a.idx"), is_idx_name("idx.csv")
    (True, True, False)
    """
    return re.search(r"(idx\d-ubyte|\.idx\d?)(\.gz)?$", name.lower()) is not None


def labels_beside(images: Path) -> Path:
    """The file of labels that belongs to a file of images, by MNIST's convention of names.

    Raises:
        InputError: the name has no `images` in it, or no such file is there.
    """
    if "images" not in images.name:
        raise InputError(
            f"cannot tell which labels belong to {images.name!r}: "
            f"pass their path as target=, or name the files …-images-idx3-ubyte, "
            f"…-labels-idx1-ubyte"
        )
    name = images.name.replace("images", "labels").replace("idx3", "idx1").removesuffix(".gz")
    candidates = [images.with_name(name + ending) for ending in (".gz", "")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise InputError(
        f"no labels beside {str(images)!r}: looked for {candidates[0].name!r} and "
        f"{candidates[1].name!r}; put one there or pass its path as target="
    )
