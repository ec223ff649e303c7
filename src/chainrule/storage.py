"""Arrays and a JSON document in one safetensors file, with a checksum over all of it.

The document is in the header's metadata under "chainrule". Its first field is the checksum:
BLAKE2b of every byte of the file but its own. It is verified before anything is interpreted, so
what a damaged file would mean never matters.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.atomic import as_path, previous_path, replace_atomically
from chainrule.errors import ChainruleWarning, StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Stored", "load_tensors", "save_tensors"]

_KEY = "chainrule"
_FORMAT = 2
_DIGEST = 16  # bytes
_BLANK = "0" * (2 * _DIGEST)
_OPENING = b'{\\"checksum\\": \\"'  # as the header, which is JSON too, quotes it
_FIRST = 128  # bytes of a file: they hold the checksum


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        path: the file that was read: the one asked for, or the version before it.
        tensors: name -> array, fresh and writable, in the order of the names.
        meta: the JSON document.
        summary: what state this is.
    """

    path: Path
    tensors: dict[str, np.ndarray]
    meta: Any
    summary: str


class _DamagedError(StorageError):
    """The file is not, or no longer, what `save_tensors` writes."""


def save_tensors(
    path: str | os.PathLike[str],
    kind: str,
    tensors: Mapping[str, np.ndarray],
    meta: Any,
    *,
    summary: str = "",
    keep_previous: bool = False,
) -> None:
    """Write arrays and a JSON document to one file, atomically.

    Args:
        path: the file; an older one is replaced only when the new one is safely on disk.
        kind: what the file is, `"network"` or `"checkpoint"`; `load_tensors` asks for it back.
        tensors: name -> array, any NumPy dtype that safetensors knows.
        meta: anything that `json` can write.
        summary: what state this is, such as "epoch 3 of 10", for the warning of `load_tensors`.
        keep_previous: see `replace_atomically`; `load_tensors` falls back to that version.

    Raises:
        InputError: `path` is no path.
        StorageError: the disk is full, the folder cannot be written, or safetensors cannot hold
            these arrays; `path` is unchanged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save

    fields = {"format": _FORMAT, "kind": kind, "summary": summary, "meta": meta}
    document = json.dumps({"checksum": _BLANK, **fields})
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    try:
        data = save(contiguous, metadata={_KEY: document})
    except SafetensorError as error:
        raise StorageError(f"could not write {str(path)!r}: {error}") from error
    start, end = _place_of_checksum(data)
    parts = (data[:start], _checksum(data), memoryview(data)[end:])
    replace_atomically(path, lambda file: file.writelines(parts), keep_previous=keep_previous)


def load_tensors(path: str | os.PathLike[str], *kinds: str) -> Stored:
    """Read a file of `save_tensors` of one of `kinds`.

    If it is damaged and the version before it was kept, that one is read, with a warning. Reading
    takes at most three times the memory of the file's size, and JSON takes up to 30 times its own.

    Raises:
        InputError: `path` is no path.
        StorageError: there is no such file, it is damaged, or it is not one of ours.
    """
    path = as_path(path)
    try:
        return _load(path, kinds)
    except _DamagedError as damage:
        previous = previous_path(path)
        try:
            stored = _load(previous, kinds)
        except StorageError:
            raise StorageError(str(damage)) from damage.__cause__
    state = f" ({stored.summary})" if stored.summary else ""
    warnings.warn(
        f"{str(path)!r} is truncated or damaged; the version saved before it was read instead: "
        f"{str(previous)!r}{state}. What came after that is lost",
        ChainruleWarning,
        stacklevel=3,
    )
    return stored


def _load(path: Path, kinds: tuple[str, ...]) -> Stored:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = _read(path, kinds)
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        document = json.loads(header["__metadata__"][_KEY])
        _check_kind(document, path, kinds)
        tensors = dict(sorted(load(data).items()))  # safetensors gives them in any order
        return Stored(path, tensors, document["meta"], str(document["summary"]))
    except (
        SafetensorError,
        ValueError,
        OverflowError,
        RecursionError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:  # the checksum is right, so somebody wrote this on purpose
        raise StorageError(
            f"{str(path)!r} was not written by chainrule: it holds what chainrule does not write "
            f"({type(error).__name__}: {error})"
        ) from error


def _check_kind(document: Any, path: Path, kinds: tuple[str, ...]) -> None:
    if document["format"] != _FORMAT:
        raise StorageError(
            f"{str(path)!r} has format {document['format']!r}, but this chainrule reads format "
            f"{_FORMAT}: upgrade chainrule"
        )
    if document["kind"] not in kinds:
        wanted = " or ".join(kinds)
        raise StorageError(
            f"{str(path)!r} is a chainrule {document['kind']}; want a chainrule {wanted}"
        )


# --- the checksum -------------------------------------------------------------------------------


def _read(path: Path, kinds: tuple[str, ...]) -> bytes:
    """The bytes of one of our files, undamaged."""
    if not os.path.isfile(path):  # a name that is too long is no file, and no error
        previous = previous_path(path)
        hint = f"; the version before it is {str(previous)!r}" if previous.is_file() else ""
        raise StorageError(f"there is no file {str(path)!r}{hint}")
    try:
        with open(path, "rb") as file:
            data = file.read(_FIRST)
            if _OPENING in data:  # a large foreign file is not read any further
                file.seek(0)
                data = file.read()
    except OSError as error:
        raise StorageError(f"could not read {str(path)!r}: {error.strerror or error}") from error
    if _OPENING not in data[:_FIRST]:
        raise _not_ours(path, kinds)
    start, end = _place_of_checksum(data)
    if data[start:end] != _checksum(data):
        raise _DamagedError(
            f"{str(path)!r} is truncated or damaged: its content does not match its checksum"
        )
    return data


def _place_of_checksum(data: bytes) -> tuple[int, int]:
    start = data.index(_OPENING, 0, _FIRST) + len(_OPENING)
    return start, start + len(_BLANK)


def _checksum(data: bytes) -> bytes:
    """The checksum, in hexadecimal, of all bytes but its own."""
    import hashlib  # slow to import

    start, end = _place_of_checksum(data)
    digest = hashlib.blake2b(data[:start], digest_size=_DIGEST)
    digest.update(memoryview(data)[end:])
    return digest.hexdigest().encode()


def _not_ours(path: Path, kinds: tuple[str, ...]) -> _DamagedError:
    """What a file is that has no checksum."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, ValueError, OverflowError) as error:
        return _DamagedError(
            f"{str(path)!r} is not a readable safetensors file: it is truncated, damaged or of "
            f"another kind ({error}). chainrule never opens pickles"
        )
    if _KEY not in metadata:
        wanted = " or ".join(kinds)
        return _DamagedError(f"{str(path)!r} is not from chainrule; want a chainrule {wanted}")
    return _DamagedError(
        f"{str(path)!r} has no checksum: it is damaged, or an early version of chainrule wrote it. "
        f"Train again, or take the parameters out of it: "
        f"net.params = safetensors.numpy.load_file({str(path)!r})['params']"
    )
