"""Bombs: small files that promise or unpack to much are refused before memory is taken."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from chainrule.data import Limits, load, read_digit
from chainrule.errors import InputError, StorageError

MIB = 2**20


def idx_header(*shape, code=8):
    return struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape)


def npy_header(shape, dtype="|u1"):
    out = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue()


def png(width, height, rows=b""):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def zeros(count):
    """A gzip file of so many MiB of zeros: 1 kB for each."""
    return gzip.compress(bytes(MIB), mtime=0) * count


def npz(path, name, header, count):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(f"{name}.npy", "w") as member:
            member.write(header)
            for _ in range(count):
                member.write(bytes(MIB))
        archive.writestr("y.npy", npy_header((2,)) + bytes(2))


@pytest.fixture
def refused(tmp_path):
    """Reading takes less than 8 MiB and ends in an error that is returned."""

    def refused(name, error=StorageError, **options):
        tracemalloc.start()
        try:
            with pytest.raises(error) as caught:
                (read_digit if name.endswith(".png") else load)(tmp_path / name, **options)
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()
        return str(caught.value)

    return refused


def test_an_idx_file_that_unpacks_to_more_than_its_header_promises(tmp_path, refused):
    header = gzip.compress(idx_header(100, 10, 10), mtime=0)
    (tmp_path / "t-images-idx3-ubyte.gz").write_bytes(header + zeros(100))
    message = refused("t-images-idx3-ubyte.gz", target=tmp_path / "t-images-idx3-ubyte.gz")
    assert "is damaged: its header promises 10,000 bytes" in message
    assert "it has more" in message


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_an_idx_header_that_promises_too_much(tmp_path, refused, ending):
    content = idx_header(2**20, 2**9, 2**9)
    name = f"t-images-idx3-ubyte{ending}"
    (tmp_path / name).write_bytes(gzip.compress(content) if ending else content)
    message = refused(name, target=tmp_path / name)
    assert "needs 1,374,389,534,720 bytes, more than the limit of 2,147,483,648" in message
    assert "limits=Limits(bytes=2000000000000), or with CHAINRULE_MAX_BYTES" in message


def test_an_npy_header_that_promises_what_the_file_does_not_have(tmp_path, refused):
    (tmp_path / "t.npy").write_bytes(npy_header((300_000, 1000), "<f8") + bytes(1000))
    assert "promises 2,400,000,000 bytes for shape (300000, 1000), it has 1,000" in refused("t.npy")


def test_an_npz_that_keeps_a_promise_of_too_much(tmp_path, refused):
    npz(tmp_path / "t.npz", "X", npy_header((300, MIB // 2)), 150)
    message = refused("t.npz", limits=Limits(bytes=100 * MIB))
    assert "needs 786,432,000 bytes, more than the limit of 104,857,600" in message
    npz(tmp_path / "t.npz", "X", npy_header((2, MIB // 2)), 150)
    assert "its header promises 1,048,576 bytes" in refused("t.npz")


def test_an_npz_whose_directory_lies_about_sizes(tmp_path, refused):
    npz(tmp_path / "t.npz", "X", npy_header((2, MIB // 2)), 1)
    content = (tmp_path / "t.npz").read_bytes()
    size = struct.pack("<I", MIB + len(npy_header((2, MIB // 2))))
    assert size in content
    (tmp_path / "t.npz").write_bytes(content.replace(size, struct.pack("<I", 2**31 - 1)))
    assert "its header promises 1,048,576 bytes" in refused("t.npz")


def test_a_packed_table_of_zeros_is_refused_by_its_beginning(tmp_path, refused):
    (tmp_path / "t.csv.gz").write_bytes(zeros(100))
    assert "it holds zero bytes" in refused("t.csv.gz", InputError)


def test_a_packed_table_that_is_too_large_is_not_unpacked_further(tmp_path, refused):
    rows = b"1,2,0\n" * 20_000
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(rows, mtime=0) * 100)
    message = refused("t.csv.gz", limits=Limits(bytes=2 * MIB))
    assert "unpacks to at least" in message
    assert "more than the limit of 2,097,152" in message


@pytest.mark.parametrize(
    ("what", "text"),
    [("rows", "1,0\n" * 50), ("columns", ",".join("1" * 50) + "\n"), ("bytes", "1,0\n" * 50)],
)
def test_every_limit_of_a_table(tmp_path, what, text):
    (tmp_path / "t.csv").write_text(text)
    assert len(load(tmp_path / "t.csv").y) in (1, 50)
    with pytest.raises(StorageError, match=rf"{what}, more than the limit of 49; .*{what}=\d+\)"):
        load(tmp_path / "t.csv", limits=Limits(**{what: 49}))


def test_lines_without_end(tmp_path, refused):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"7" * MIB, mtime=0) * 17)
    with pytest.raises(InputError, match="its first line has 16,777,216 bytes or more"):
        load(tmp_path / "t.csv.gz")
    (tmp_path / "t.csv").write_text("1," * 200_000 + "\n")
    message = refused("t.csv", limits=Limits(columns=100_000))
    assert "has 200,001 columns, more than the limit of 100,000" in message


def test_pictures_by_their_headers(tmp_path, refused):
    (tmp_path / "t.png").write_bytes(png(13_000, 13_000, bytes(100)))
    message = refused("t.png")
    assert "has 169,000,000 pixels, more than the limit of 100,000,000" in message
    assert "limits=Limits(pixels=200000000), or with CHAINRULE_MAX_PIXELS" in message
    (tmp_path / "t.png").write_bytes(png(2**30, 2**30))
    refused("t.png", InputError)
    (tmp_path / "t.png").write_bytes(png(20, 30, b"".join(b"\0" + bytes(20) for _ in range(30))))
    assert "has 600 pixels" in refused("t.png", limits=Limits(pixels=599))
    with pytest.raises(InputError, match="no ink"):
        read_digit(tmp_path / "t.png", Limits(pixels=600))


def test_limits_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("1,0\n2,1\n3,0\n")
    monkeypatch.setenv("CHAINRULE_MAX_ROWS", "2")
    with pytest.raises(StorageError, match="has 3 rows, more than the limit of 2"):
        load(tmp_path / "t.csv")
    assert len(load(tmp_path / "t.csv", limits=Limits(rows=3)).y) == 3
    monkeypatch.setenv("CHAINRULE_MAX_ROWS", "many")
    with pytest.raises(InputError, match="CHAINRULE_MAX_ROWS must be a whole number"):
        load(tmp_path / "t.csv")


def test_bad_limits(tmp_path):
    (tmp_path / "t.csv").write_text("1,0\n")
    for value in (0, -1, 1.5, "5", True):
        with pytest.raises(InputError, match="Limits: rows must be a whole number"):
            Limits(rows=value)
    with pytest.raises(InputError, match="load: limits must be a Limits"):
        load(tmp_path / "t.csv", limits=5)


PEAK = """
import resource, sys
from chainrule.data import Limits, load
from chainrule.errors import ChainruleError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load(sys.argv[1], limits=Limits(bytes=int(sys.argv[2])))
    print("read")
except ChainruleError:
    print("refused")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_a_table_is_read_in_the_memory_that_the_limit_says(tmp_path):
    """All of it, Arrow's too, which tracemalloc does not see. The limit is the least that works."""
    path, row = tmp_path / "t.csv", ",".join(["0.123"] * 50 + ["1"]) + "\n"
    path.write_text(row * 20_000)
    needed = 2 * path.stat().st_size + 12 * 51 * 20_001
    for limit, outcome in ((needed, "read"), (needed - 1, "refused")):
        command = [sys.executable, "-c", PEAK, str(path), str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        said, peak = done.stdout.split()
        assert said == outcome
        assert int(peak) < limit + 40 * MIB  # Arrow itself takes some 30
