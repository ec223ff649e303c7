"""Pictures through Pillow: the header first, then the pixels that it promises."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chainrule.data.limits import Limits
from chainrule.errors import ChainruleError, InputError, MissingExtraError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FORMATS", "open_picture"]

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM")
"""What is read; Pillow knows more, and calls other programs for some of them."""


@contextlib.contextmanager
def open_picture(source: Any, name: str, limits: Limits) -> Iterator[Image.Image]:
    """A picture of a size within the limits, not decoded yet; errors that decoding it in the
    context leads to are reported too.

    Args:
        source: path or open binary file.
        name: what to call it in errors.
        limits: on its pixels.

    Raises:
        InputError: no picture, or a damaged one.
        StorageError: it has more pixels than the limit.
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise MissingExtraError("pillow", "reading pictures", "cli") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata, and of sizes: see the limit
            Image.init()  # so that all formats are known
            known = [name for name in FORMATS if name in Image.OPEN]
            with Image.open(source, formats=known) as picture:
                limits.check("pixels", picture.width * picture.height, name)
                yield picture
    except ChainruleError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"{name!r} is not a picture in a format that chainrule reads "
            f"({', '.join(FORMATS)}); save it as PNG"
        ) from error
    except (
        Image.DecompressionBombError,
        *(OSError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, EOFError),
        *(RuntimeError, MemoryError, OverflowError, AssertionError, struct.error, zlib.error),
    ) as error:
        raise InputError(f"{name!r} cannot be read as a picture: {error}") from error
