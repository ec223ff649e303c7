"""Files with something wrong in them, made from files that are right.

A damaged file has flipped bits, or is cut or overwritten. A forged file has the checksum that it
should have, over a document or arrays that make no sense.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.storage import load_tensors, save_tensors

__all__ = ["damaged", "forge_document", "forged"]

VALUES: list[Any] = [
    None, True, -1, 0, 1, 3, 10**9, -(2**63), 2**64, 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "x", "1000000-1000000", "9" * 400 + "-2", "5-6-3", "5-" + "relu-" * 50 + "3",
    "float16", "longdouble", "adam", "sgd(", [], [[]], [1, [2, [3]]], {}, {"a": 1}, {"": {}},
    "é\0\ud7ff", "x" * 5000,
]  # fmt: skip


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """A file that a disk, or a program that was killed, has spoilt."""
    data, place = bytearray(whole), rng.randrange(len(whole))
    kind = rng.choice(
        ["flip", "flip", "flip", "flips", "cut", "zeros", "doubled", "lost", "longer"]
    )
    if kind == "flip":
        data[place] ^= 1 << rng.randrange(8)
    elif kind == "flips":
        for _ in range(rng.randrange(2, 9)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del data[place:]
    elif kind == "zeros":
        data[place:] = bytes(len(data) - place)
    elif kind == "doubled":
        data[place:place] = data[place : place + rng.randrange(1, 100)]
    elif kind == "lost":
        del data[place : place + rng.randrange(1, 100)]
    else:
        data += bytes(rng.randrange(1, 100))
    return bytes(data)


def forged(path: Path, target: Path, rng: random.Random) -> str:
    """Write a file with a right checksum and something wrong in it; returns what that is."""
    stored = load_tensors(path, "network", "checkpoint")
    kind = "network" if path.name == "network" else "checkpoint"
    how = rng.choice(["meta", "meta", "meta", "tensors", "header"])
    if how == "header":
        return _forge_header(path.read_bytes(), target, rng)
    what = (
        forge_document(stored.meta, rng) if how == "meta" else _forge_tensors(stored.tensors, rng)
    )
    save_tensors(target, kind, stored.tensors, stored.meta)
    return what


def forge_document(meta: Any, rng: random.Random) -> str:
    """Change or remove one field of a JSON document, however deep; returns what was done."""
    holder, key = rng.choice(list(_places(meta)))
    if rng.random() < 0.2:
        holder.pop(key)
        return f"{key} removed"
    if rng.random() < 0.2 and type(holder[key]) is int:
        holder[key] += rng.choice([-1, 1])
    else:
        holder[key] = rng.choice(VALUES)
    return f"{key} = {str(holder[key])[:40]}"


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys = document if isinstance(document, dict) else range(len(document))
    for key in keys:
        yield document, key
        if isinstance(document[key], dict | list):
            yield from _places(document[key])


def _forge_tensors(tensors: dict[str, np.ndarray], rng: random.Random) -> str:
    name = rng.choice(list(tensors))
    array = tensors.pop(name)
    how = rng.choice(["removed", "renamed", "shape", "dtype", "values", "more", "many"])
    if how == "renamed":
        name = rng.choice(["state/", "state/w", "snapshot/W1", "snapshot/W1/x", "snapshot/W9/0",
                           "snapshot/W1/-1", "callback/a", "callback/EarlyStopping-0/best_epoch",
                           "callback/a/b/c", "", "é"])  # fmt: skip
        tensors[name] = array
    elif how == "shape":
        shape = rng.choice([(-1, 1), (1, -1), (1, 1, -1)])
        tensors[name] = array.reshape(shape) if rng.random() < 0.5 else array.ravel()[:-1]
    elif how == "dtype":
        tensors[name] = array.astype(rng.choice(["f2", "f8", "i8", "u1", "?", "c8"]))
    elif how == "values":
        tensors[name] = np.full_like(array, rng.choice([np.nan, np.inf, 1e38, -1.0]))
    elif how == "more":
        tensors |= {name: array, "state/more": array, "snapshot/W1/7": array}
    elif how == "many":
        tensors |= {f"callback/a-{i}/x": np.zeros(1) for i in range(200)} | {name: array}
    return f"{name} {how}"


def _forge_header(whole: bytes, target: Path, rng: random.Random) -> str:
    """The header itself: types that NumPy lacks, shapes that overflow, deep and broken JSON."""
    size = 8 + int.from_bytes(whole[:8], "little")
    header, rest = json.loads(whole[8:size]), whole[size:]
    documents = header["__metadata__"]
    how = rng.choice(["dtype", "shape", "offsets", "document", "deep", "field", "metadata"])
    part = header[rng.choice([name for name in header if name != "__metadata__"])]
    if how == "dtype":
        part["dtype"] = rng.choice(["BF16", "F8_E4M3", "F8_E5M2", "F4", "C64", "", "x", 3, None])
    elif how == "shape":
        part["shape"] = rng.choice([[2**63], [2**32, 2**32], [-1], [0], "x", [0.5], [10**30], []])
    elif how == "offsets":
        part["data_offsets"] = rng.choice([[0, 2**63], [4, 0], [-8, 8], [0], "x", [0, 0]])
    elif how == "metadata":
        documents[rng.choice(["a", "format"])] = rng.choice(["", "x" * 1000])
    else:
        document = json.loads(documents["chainrule"])
        if how == "field":
            document[rng.choice(["format", "kind", "meta", "summary"])] = rng.choice(VALUES)
        text = json.dumps(document)
        if how == "deep":
            text = text[:-1] + ', "x": ' + "[" * 10**5 + "]" * 10**5 + "}"
        elif how == "document":
            text = text[:60] + rng.choice(["", "]", '"', "NaN", "\\u0000", "1" * 5000, "{"])
        documents["chainrule"] = text
    text = json.dumps(header)
    target.write_bytes(_sealed(len(text).to_bytes(8, "little") + text.encode() + rest))
    return how


def _sealed(data: bytes) -> bytes:
    """The bytes with the checksum that they should have."""
    opening = b'{\\"checksum\\": \\"'
    place = data.find(opening)
    if place < 0:
        return data
    start, end = place + len(opening), place + len(opening) + 32
    digest = hashlib.blake2b(data[:start] + data[end:], digest_size=16)
    return data[:start] + digest.hexdigest().encode() + data[end:]
