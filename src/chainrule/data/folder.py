"""A folder of pictures, one folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.dataset import Dataset, encode_target
from chainrule.data.digits import scale_pixels
from chainrule.data.files import reading
from chainrule.data.limits import Limits
from chainrule.data.pictures import open_picture
from chainrule.errors import InputError, StorageError
from chainrule.labels import Label

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

__all__ = ["has_parts", "read_folder"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_IGNORED = {"thumbs.db", "desktop.ini"}  # and what begins with a dot
_GREY = {"1", "L", "LA", "La"}
_DEEP = ("I", "F")  # modes with more than 8 bits a channel begin so
_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # EXIF: how the camera was held


def has_parts(path: Path) -> bool:
    """Whether a folder has the folders train/ and test/, each with a folder for each class."""
    return all(os.path.isdir(path / part) for part in ("train", "test"))


def read_folder(
    path: Path, task: str, classes: Sequence[Label] | None, part: str, limits: Limits
) -> Dataset:
    """The pictures in the folders of a folder, whose names are the classes.

    All must have the same size. They are grey if all are stored so, else red, green and blue,
    (height, width, 3) flattened in C order (GIF and WebP store colours); transparency lies on
    white.

    Raises:
        InputError: no pictures, another kind of file among them, or pictures of different sizes.
        StorageError: they would take more memory than the limits allow.
        MissingExtraError: Pillow is not installed.
    """
    source = str(path)
    if has_parts(path):
        path = path / part
    elif part == "test":
        raise InputError(f"{source!r} has no folders train/ and test/, and no test part")
    files = _files(path)
    limits.check("rows", len(files), source)
    size, channels = _size(files, limits)
    shape = (len(files), size[1] * size[0] * channels)
    limits.check_array(shape, 0, source)
    X = np.empty(shape, np.float32)
    for row, file in zip(X, files, strict=True):
        with reading(file), open_picture(file, str(file), limits) as picture:
            pixels = _pixels(picture, "L" if channels == 1 else "RGB")
        if pixels.size != row.size:
            raise StorageError(f"{str(file)!r} has changed while it was read")
        row[:] = scale_pixels(pixels.ravel())
    names = [file.parent.name for file in files]
    task = "classification" if task == "auto" else task
    y, found = encode_target(names, task, classes, lambda i: f"the folder of {str(files[i])!r}")
    return Dataset(X, y, found, None, str(path))


def _files(path: Path) -> list[Path]:
    """The pictures of all classes, class by class, by name."""
    folders, loose = _listed(path)
    if loose or not folders:
        inside = f"{loose[0].name!r} outside of them" if loose else "none"
        raise InputError(
            f"{str(path)!r} must hold a folder of pictures for each class, got {inside}; or give "
            f"the path of one file in it"
        )
    files: list[Path] = []
    for folder in folders:
        deeper, found = _listed(folder)
        others = [*deeper, *(file for file in found if file.suffix.lower() not in _ENDINGS)]
        if others or not found:
            got = f"{others[0].name!r}" if others else "none"
            raise InputError(
                f"{str(folder)!r} must hold pictures ({', '.join(_ENDINGS)}) and nothing else, "
                f"got {got}"
            )
        files += found
    return files


def _listed(path: Path) -> tuple[list[Path], list[Path]]:
    """Folders and files in a folder, by name."""
    with reading(path):
        names = sorted(os.listdir(path))
    paths = [path / n for n in names if not n.startswith(".") and n.lower() not in _IGNORED]
    return [p for p in paths if os.path.isdir(p)], [p for p in paths if not os.path.isdir(p)]


def _size(files: list[Path], limits: Limits) -> tuple[tuple[int, int], int]:
    """The (width, height) of all pictures and their channels, by their headers."""
    size, grey = None, True
    for file in files:
        with reading(file), open_picture(file, str(file), limits) as picture:
            if picture.mode.startswith(_DEEP):
                raise InputError(
                    f"{str(file)!r} has more than 8 bits a channel (mode {picture.mode}); save it "
                    f"with 8"
                )
            turned = picture.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
            found = (picture.height, picture.width) if turned else picture.size
            grey = grey and picture.mode in _GREY
        if size is not None and found != size:
            raise InputError(
                f"{str(file)!r} has {found[0]}×{found[1]} pixels, but {str(files[0])!r} "
                f"{size[0]}×{size[1]}: all must have the same size; resize them first, as with "
                f"Pillow's ImageOps.fit(picture, ({size[0]}, {size[1]}))"
            )
        size = found
    assert size is not None
    return size, 1 if grey else 3


def _pixels(picture: Image.Image, mode: str) -> np.ndarray:
    """uint8 (height, width) or (height, width, 3)."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(picture.convert(mode))
