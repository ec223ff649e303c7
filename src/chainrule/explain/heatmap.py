"""A matrix as a small picture: blue is positive, orange negative, white zero."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

__all__ = ["heatmap", "png"]

_NEGATIVE, _ZERO, _POSITIVE = (0xB3, 0x58, 0x06), (0xFF, 0xFF, 0xFF), (0x21, 0x66, 0xAC)
_STEPS = 127  # shades on either side


def heatmap(matrix: np.ndarray, largest: float | None = None) -> str:
    """A `data:` address of a PNG with one pixel an entry.

    Args:
        matrix: (rows, columns), any real dtype; what is not finite becomes grey.
        largest: the size at which the colour is full; by default that of the largest entry.

    >>> heatmap(np.eye(3))[:22]
    'data:image/png;base64,'
    """
    return "data:image/png;base64," + base64.b64encode(png(matrix, largest)).decode()


def png(matrix: np.ndarray, largest: float | None = None) -> bytes:
    """The PNG itself: 8 bits an entry, a palette of 2 · 127 + 1 shades, and grey."""
    finite = np.isfinite(matrix)
    wide = np.where(finite, matrix, 0).astype(np.float64)
    scale = float(np.abs(wide).max(initial=0)) if largest is None else largest
    shades = np.rint(np.clip(wide / (scale or 1.0), -1, 1) * _STEPS) + _STEPS
    indices = np.where(finite, shades, 2 * _STEPS + 1).astype(np.uint8)
    height, width = indices.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1)  # filter 0 each
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in [
            (b"IHDR", header),
            (b"PLTE", _palette()),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _palette() -> bytes:
    part = np.linspace(0, 1, _STEPS + 1)[:, None]
    negative = (1 - part) * _NEGATIVE + part * np.array(_ZERO)
    positive = (1 - part) * _ZERO + part * np.array(_POSITIVE)
    shades = np.concatenate([negative, positive[1:], [[0x88] * 3]])
    return np.rint(shades).astype(np.uint8).tobytes()
