"""Files on disk: safetensors with JSON metadata, written atomically, never pickled.

A chainrule file is one safetensors file whose header carries a JSON document. One file and one
rename, so a reader sees the old state or the new one and nothing between.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from chainrule.errors import InputError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_path", "load_tensors", "replace_atomically", "save_tensors"]

_KEY = "chainrule"
_FORMAT = 1


def as_path(value: object, what: str = "path") -> Path:
    """A path, from text or anything that `os.fspath` takes.

    Raises:
        InputError: it is neither, or names no file at all.
    """
    try:
        path = os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        raise InputError(f"{what} must be a string or a Path, got a {type(value).__name__}")
    from pathlib import Path  # slow to import

    return Path(path)


def save_tensors(
    path: str | os.PathLike[str], kind: str, tensors: Mapping[str, np.ndarray], meta: Any
) -> None:
    """Write arrays and a JSON document to one file, atomically.

    Args:
        path: the file; an older one is replaced only when the new one is safely on disk.
        kind: what the file is, `"network"` or `"checkpoint"`; `load_tensors` asks for it back.
        tensors: name -> array, any NumPy dtype that safetensors knows.
        meta: anything that `json` can write.

    Raises:
        InputError: `path` is no path.
        StorageError: the disk is full or the folder cannot be written; `path` is unchanged.
    """
    from safetensors.numpy import save

    document = json.dumps({"format": _FORMAT, "kind": kind, "meta": meta})
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    data = save(contiguous, metadata={_KEY: document})
    replace_atomically(path, lambda file: file.write(data))


def load_tensors(path: str | os.PathLike[str], *kinds: str) -> tuple[dict[str, np.ndarray], Any]:
    """Read a file of `save_tensors` of one of `kinds`: its arrays (fresh, writable) and its JSON.

    Raises:
        InputError: `path` is no path.
        StorageError: there is no such file, it is truncated, or it is not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    path = as_path(path)
    if not os.path.isfile(path):  # a name that is too long is no file, and no error
        raise StorageError(f"there is no file {str(path)!r}")
    try:
        with safe_open(path, framework="np") as file:
            meta = _read_document(file.metadata() or {}, path, kinds)
            tensors = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OverflowError) as error:
        raise StorageError(
            f"{str(path)!r} is not a readable safetensors file: it is truncated, damaged or of "
            f"another kind ({error}). chainrule never opens pickles"
        ) from error
    return tensors, meta


def _read_document(metadata: Mapping[str, str], path: Path, kinds: tuple[str, ...]) -> Any:
    document = json.loads(metadata.get(_KEY, "null"))
    ours = isinstance(document, dict) and {"format", "kind", "meta"} <= set(document)
    if not ours or document["kind"] not in kinds:
        found = f"a chainrule {document['kind']}" if ours else "not from chainrule"
        raise StorageError(f"{str(path)!r} is {found}; want a chainrule {' or '.join(kinds)}")
    if document["format"] > _FORMAT:
        raise StorageError(
            f"{str(path)!r} has format {document['format']}, newer than this chainrule reads "
            f"({_FORMAT}): upgrade chainrule"
        )
    return document["meta"]


def replace_atomically(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside `path`, flush it to disk, then rename it over `path`.

    Raises:
        InputError: `path` is no path.
        StorageError: writing failed; `path` is what it was before and nothing is left over.
    """
    path = as_path(path)
    # A fixed name: what a killed process left behind is overwritten by the next save.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        kept = "the previous file is untouched" if path.exists() else "nothing was left behind"
        raise StorageError(
            f"could not write {str(path)!r}: {error.strerror or error}; {kept}. "
            f"Free some space or choose another folder"
        ) from error
    finally:  # also after Ctrl-C; once renamed it is gone
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system has a way to."""
    with contextlib.suppress(OSError):  # Windows opens no folders, some file systems sync none
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
