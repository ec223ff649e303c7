"""Feed every reader of `chainrule.data` with files changed at random: each must give a dataset or
an error of chainrule, soon, and in little memory.

`python -m bench.mutations --count 100000` does it at length; the tests do a small share of it.
"""

from __future__ import annotations

import argparse
import gzip
import io
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import sparse

from chainrule.data import Limits, load, read_digit
from chainrule.errors import ChainruleError

LIMITS = Limits(bytes=2**26, rows=10**6, columns=10**5, pixels=10**6)
WORDS = """ "" , ; | NA ? 1_234 １２ 1,5 1.5 1e999 nan inf # -- 9007199254740993 True x 12% 0x1F """
TOKENS = [word.encode() for word in WORDS.split()]
TOKENS += [b'"', b"\t", b"\n", b"\r\n", b"\r", b"2024-05-01"]
TOKENS += [b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\xe4", b",,,,,,,,", b'"' * 7, b"1," * 300]
Source = Callable[[np.random.Generator], bytes]


@dataclass
class Result:
    """What came of one reader: files that it read or refused, and what it should not have done."""

    read: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


# --- changes ----------------------------------------------------------------------------------


def mutated(content: bytes, rng: np.random.Generator, text: bool = False) -> bytes:
    """One change at random, or a few: flips, cuts, repeats, large numbers, and tokens in texts."""
    data = bytearray(content)
    for _ in range(rng.geometric(0.6)):
        if not data:
            break
        at = int(rng.integers(len(data)))
        end = at + int(rng.integers(1, 20))
        kind = rng.integers(8 if text else 6)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = rng.integers(256)
        elif kind == 2:
            del data[at : None if rng.random() < 0.3 else end]
        elif kind == 3:
            data[at:at] = data[at:end] * int(rng.integers(1, 4))
        elif kind == 4:
            number = int(rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**16, 255]))
            data[at : at + 4] = struct.pack(rng.choice(["<I", ">I"]), number)
        elif kind == 5:
            data[at:end] = rng.bytes(end - at)
        else:
            data[at:at] = TOKENS[rng.integers(len(TOKENS))]
    return bytes(data)


def packed(content: bytes, rng: np.random.Generator, text: bool = False) -> bytes:
    """A gzip file, changed before or after it was packed."""
    if rng.random() < 0.5:
        return mutated(gzip.compress(content, 1, mtime=0), rng)
    return gzip.compress(mutated(content, rng, text), 1, mtime=0)


def archived(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> bytes:
    """An .npz, changed in one array or as a whole."""
    changed = rng.choice(list(arrays)) if rng.random() < 0.7 else None
    out = io.BytesIO()
    method = zipfile.ZIP_STORED if rng.random() < 0.5 else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, array in arrays.items():
            part = npy(array)
            archive.writestr(f"{name}.npy", mutated(part, rng) if name == changed else part)
    return out.getvalue() if changed else mutated(out.getvalue(), rng)


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def png(content: bytes, rng: np.random.Generator) -> bytes:
    """A PNG with one chunk changed and its checksum made right again, or changed anywhere."""
    if rng.random() < 0.3:
        return mutated(content, rng)
    chunks, at = [], 8
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    i = int(rng.integers(len(chunks)))
    name, body = chunks[i]
    if name == b"IDAT" and rng.random() < 0.5:
        body = zlib.compress(mutated(zlib.decompress(body), rng))
    else:
        body = mutated(body, rng)
    chunks[i] = name, body
    parts = [
        struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks
    ]
    return content[:8] + b"".join(parts)


# --- what is changed --------------------------------------------------------------------------

X = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
TABLES = [
    b"a,b,kind\n1,2.5,x\n3,-4e2,y\n5,6,x\n",
    b"a;b;y\n1,5;2;0\n3,25;4;1\n",
    b'id,text\n1,"two\nlines"\n2,"a ""b"""\n',
    "\ufeff# note\nköln\ty\n1\t2\n3\t4\n".encode(),
    "a,y\n1,2\n3,4\n".encode("utf-16"),
    b",a,y\n0,True,1\n1,False,2\n",
]
SPARSE = sparse.random(6, 9, 0.4, "csr", np.float32, random_state=0)


def idx(array: np.ndarray, code: int = 8) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def picture(kind: str, mode: str = "RGB", side: int = 12) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, kind)
    return out.getvalue()


def sparse_arrays(kind: str) -> dict[str, np.ndarray]:
    matrix = SPARSE.asformat(kind)
    names = ("row", "col") if kind == "coo" else ("indices", "indptr")
    arrays = {name: getattr(matrix, name) for name in (*names, "data")}
    return arrays | {
        "shape": np.array(matrix.shape),
        "format": np.array(kind.encode()),
        "y": np.arange(6) % 2,
    }


def pick(choices: list, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


PICTURES = [("PNG", "RGB"), ("PNG", "P"), ("PNG", "RGBA"), ("PNG", "1"), ("JPEG", "L"),
            ("JPEG", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "L"), ("WEBP", "RGB"),
            ("PPM", "RGB")]  # fmt: skip
ENCODED = [picture(*how) for how in PICTURES]


def any_picture(rng: np.random.Generator) -> bytes:
    content = pick(ENCODED, rng)
    return png(content, rng) if content.startswith(b"\x89PNG") else mutated(content, rng)


SOURCES: dict[str, tuple[str, Source]] = {
    "idx": ("t-images-idx3-ubyte", lambda rng: mutated(idx(X), rng)),
    "idx.gz": ("t-images-idx3-ubyte.gz", lambda rng: packed(idx(X), rng)),
    "npy": ("t.npy", lambda rng: mutated(npy(np.eye(4)), rng)),
    "npz": ("t.npz", lambda rng: archived({"X": X, "y": np.array(["a", "b"])}, rng)),
    "sparse.npz": (
        "t.npz",
        lambda rng: archived(sparse_arrays(pick(["csr", "csc", "coo"], rng)), rng),
    ),
    "csv": ("t.csv", lambda rng: mutated(pick(TABLES, rng), rng, text=True)),
    "csv.gz": ("t.csv.gz", lambda rng: packed(pick(TABLES, rng), rng, text=True)),
    "folder": ("folder", any_picture),
    "digit": ("t.png", any_picture),
}


# --- trying -----------------------------------------------------------------------------------


def attempt(reader: str, count: int, folder: Path, seed: int = 0) -> Result:
    """Feed one reader with `count` changed files."""
    name, source = SOURCES[reader]
    path = prepared(folder, reader, name)
    result, rng = Result(), np.random.default_rng([seed, sorted(SOURCES).index(reader)])
    for i in range(count):
        content = source(rng)
        path.write_bytes(content)
        began = time.perf_counter()
        try:
            use(reader, folder, path)
            result.read += 1
        except ChainruleError:
            result.refused += 1
        except Exception:
            result.failures.append(f"{reader} {i}: {traceback.format_exc()}\n{content!r}")
        result.slowest = max(result.slowest, time.perf_counter() - began)
    return result


def prepared(folder: Path, reader: str, name: str) -> Path:
    """The path to write the changed file to, with what belongs to it beside it."""
    if reader != "folder":
        (folder / "t-labels-idx1-ubyte").write_bytes(idx(np.array([1, 0], np.uint8)))
        return folder / name
    for kind in ("cat", "dog"):
        (folder / name / kind).mkdir(parents=True, exist_ok=True)
        (folder / name / kind / "a.png").write_bytes(ENCODED[0])
    return folder / name / "dog" / "b.png"


def use(reader: str, folder: Path, path: Path) -> None:
    """Read it; what is read must be whole."""
    if reader == "digit":
        assert read_digit(path, LIMITS).shape == (28, 28)
        return
    data = load(folder / "folder" if reader == "folder" else path, limits=LIMITS)
    values = data.X if isinstance(data.X, np.ndarray) else data.X.data
    assert data.X.shape[0] == len(data.y)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.mutations", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", default=",".join(SOURCES), help="of " + ", ".join(SOURCES))
    given = parser.parse_args()
    warnings.simplefilter("error")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for reader in given.readers.split(","):
            before = peak()
            found = attempt(reader, given.count, Path(folder), given.seed)
            bad += len(found.failures)
            print(f"{reader}: {found.read:,} read, {found.refused:,} refused, "
                  f"{len(found.failures)} failures, slowest {found.slowest:.2f} s, peak memory "
                  f"{before:,.0f} → {peak():,.0f} MB", flush=True)  # fmt: skip
            print(*found.failures[:5], sep="\n", end="\n" if found.failures else "")
    return bad


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(bool(main()))
