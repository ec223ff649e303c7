"""A handwritten digit from any picture, prepared as MNIST's are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from chainrule.data.files import existing_file
from chainrule.data.limits import Limits
from chainrule.data.pictures import open_picture
from chainrule.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["read_digit"]

SIDE, BOX, CENTRE = 28, 20, 14
_WORKING_SIDE = 800  # larger pictures are reduced to this first
_LEAST_CONTRAST = 0.1  # of ink against its background, of the range from black to white


def read_digit(path: str | os.PathLike[str] | BinaryIO, limits: Limits | None = None) -> np.ndarray:
    """One handwritten digit as MNIST has it: float32 (28, 28), in [0, 1], ink bright on 0.

    PNG, JPEG, BMP, GIF, TIFF, WebP or PPM of any size: scan, photograph, drawing; dark on bright
    or bright on dark, which the border decides. Transparency lies on white. The background's level
    and a linear gradient of light are taken away, the ink's contrast is stretched, the ink's
    bounding box is scaled to 20 pixels on its longer side, and its centre of mass is put at
    (14, 14): what http://yann.lecun.com/exdb/mnist/ describes.

    Args:
        path: the picture's path, or an open binary file.
        limits: on its pixels; by default those of `Limits()`.

    Raises:
        InputError: no picture, a damaged one, or one without ink in it.
        StorageError: there is no such file, or it has more pixels than the limit.
        MissingExtraError: Pillow is not installed.

    >>> import io
    >>> from PIL import Image, ImageDraw
    >>> picture, file = Image.new("L", (200, 120), "white"), io.BytesIO()
    >>> ImageDraw.Draw(picture).line([(150, 20), (130, 100)], fill="black", width=8)
    >>> picture.save(file, "PNG")
    >>> digit = read_digit(file)
    >>> digit.shape, digit.dtype, int(digit.any(axis=1).sum())
    ((28, 28), dtype('float32'), 20)
    """
    is_path = isinstance(path, str | os.PathLike) or not hasattr(path, "read")
    source = existing_file(path) if is_path else path  # type: ignore[arg-type]
    name = str(path) if is_path else "the picture"
    for grey in _grey_levels(source, name, limits or Limits()):
        ink = _ink(grey)
        if ink is not None:
            return _centred(_scaled_to_box(_cropped(ink)))
    raise InputError(
        f"{name!r} has no ink in it: all its pixels are nearly alike; want one digit, dark on "
        f"bright or bright on dark, with space around it"
    )


def _grey_levels(source: Any, name: str, limits: Limits) -> list[np.ndarray]:
    """The picture as float32 (h, w) in [0, 1]; if it is transparent, on white and on black."""
    with open_picture(source, name, limits) as opened:
        from PIL import Image, ImageOps

        picture = ImageOps.exif_transpose(opened)
        if 0 in picture.size:
            raise InputError(f"{name!r} has no pixels: its size is {picture.size}")
        if not picture.has_transparency_data:
            return [_array(picture)]
        rgba = picture.convert("RGBA")
        backgrounds = (Image.new("RGBA", rgba.size, colour) for colour in ("white", "black"))
        return [_array(Image.alpha_composite(background, rgba)) for background in backgrounds]


def _array(picture: Image.Image) -> np.ndarray:
    """Grey levels, float32 in [0, 1], of at most `_WORKING_SIDE` pixels a side."""
    from PIL import Image

    step = max(picture.size) // (2 * _WORKING_SIDE)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):  # 16 bits, or floats
        values = np.asarray(picture, np.float32)
        grey = Image.fromarray(values / (1 if values.max() <= 1 else 65535))
    else:
        levels = picture.convert("L")
        levels = levels.reduce(step) if step > 1 else levels  # before it is four times as large
        grey = Image.fromarray(np.asarray(levels, np.float32) / 255)
    grey.thumbnail((_WORKING_SIDE, _WORKING_SIDE), Image.Resampling.BOX)
    return np.clip(np.asarray(grey), 0, 1)


def _ink(grey: np.ndarray) -> np.ndarray | None:
    """How much ink each pixel has, float32 (h, w) in [0, 1]; None if there is no ink."""
    residual = grey - _background(grey)
    brighter, darker = float(residual.max()), float(-residual.min())
    if max(brighter, darker) < _LEAST_CONTRAST:
        return None
    ink = np.maximum(residual if brighter > darker else -residual, 0)
    threshold = _otsu(ink)
    paper, strokes = ink[ink <= threshold], ink[ink > threshold]
    low = min(float(np.quantile(paper, 0.95)), threshold / 2) if paper.size else 0.0
    high = max(float(np.quantile(strokes, 0.75)), low + 1e-6)
    return np.clip((ink - low) / (high - low), 0, 1).astype(np.float32)


def _background(grey: np.ndarray) -> np.ndarray:
    """A plane of grey through the border, fitted again without what sticks out of it."""
    h, w = grey.shape
    rows, columns = np.mgrid[:h, :w].astype(np.float32)
    edge = max(1, min(h, w) // 40)
    frame = np.ones((h, w), bool)
    frame[edge : h - edge, edge : w - edge] = False
    levels = grey[frame]
    design = np.stack([np.ones_like(levels), rows[frame] / h, columns[frame] / w], 1)
    near = np.abs(levels - np.median(levels)) <= 0.25
    plane = np.array([np.median(levels), 0, 0])
    for _ in range(2):
        if near.sum() > frame.sum() / 2:
            plane = np.linalg.lstsq(design[near], levels[near], rcond=None)[0]
        errors = np.abs(design @ plane - levels)
        near = errors <= max(0.02, 3 * float(np.median(errors)))
    return plane[0] + plane[1] * rows / h + plane[2] * columns / w


def _otsu(ink: np.ndarray) -> float:
    """The level that parts ink from paper best (Otsu 1979: largest variance between the two)."""
    counts, edges = np.histogram(ink, 256)
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = ink.size - below
    sums = np.cumsum(counts * middle)
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return float(edges[1:-1][int(np.argmax(between))])


def _cropped(ink: np.ndarray) -> np.ndarray:
    """The part of the picture that holds the ink, without specks if it is large."""
    from PIL import Image, ImageFilter

    mask = ink > 0.15
    size = max(ink.shape) // 150 * 2 + 1
    if size > 1:
        smooth = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MedianFilter(size))
        clean = np.asarray(smooth) > 0
        if clean.sum() > 0.7 * mask.sum():  # else the strokes themselves are that thin
            mask = clean
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled_to_box(ink: np.ndarray) -> np.ndarray:
    """The ink scaled, with its aspect kept, to 20 pixels on its longer side."""
    from PIL import Image

    longer = max(ink.shape)
    height, width = (max(1, round(side * BOX / longer)) for side in ink.shape)
    method = Image.Resampling.BOX if longer >= 2 * BOX else Image.Resampling.BICUBIC
    scaled = Image.fromarray(ink).resize((width, height), method)
    return np.clip(np.asarray(scaled), 0, 1)


def _centred(ink: np.ndarray) -> np.ndarray:
    """The ink in a field of 28×28, its centre of mass as near to (14, 14) as whole steps go."""
    digit = np.zeros((SIDE, SIDE), np.float32)
    mass = float(ink.sum())
    top, left = (
        min(
            max(0, round(CENTRE - float(ink.sum(1 - axis) @ np.arange(ink.shape[axis])) / mass)),
            SIDE - ink.shape[axis],
        )
        for axis in (0, 1)
    )
    digit[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return digit
