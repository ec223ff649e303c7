"""Which code is the user's own: not Python's, not an installed package's, not ours."""

from __future__ import annotations

import contextlib
import functools
import linecache
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import chainrule

__all__ = ["has_source", "is_lesson", "is_user_file", "is_user_module", "no_warnings"]

_INSTALLED = tuple(
    str(Path(str(place)).resolve())
    for place in (
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        Path(chainrule.__file__).parent,
    )
)


_LESSONS = str(Path(chainrule.__file__).parent / "nn")


def is_user_file(filename: str) -> bool:
    """Whether code of this file is the user's. A cell or a string that was executed is.

    >>> is_user_file("/home/me/model.py"), is_user_file("<stdin>"), is_user_file(Path.__module__)
    (True, True, True)
    >>> import json
    >>> is_user_file(json.__file__)
    False
    """
    return not filename.startswith(("<frozen", *_INSTALLED))


def has_source(filename: str) -> bool:
    """Whether it is the user's, and its text can be read."""
    return is_user_file(filename) and bool(linecache.getlines(filename))


def is_lesson(filename: str) -> bool:
    """Whether it holds layers or losses of ours: backward passes to look at.

    >>> from chainrule.nn.layers import linear
    >>> is_lesson(linear.__file__), is_lesson(chainrule.__file__)
    (True, False)
    """
    return filename.startswith(_LESSONS)


def is_user_module(name: str) -> bool:
    """Whether a module is the user's, by its name in `sys.modules`.

    >>> is_user_module("json"), is_user_module("numpy"), is_user_module("builtins")
    (False, False, False)
    """
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # typed in, executed, or a part of Python itself
        return name.partition(".")[0] not in sys.stdlib_module_names
    return _is_user_path(file)


@functools.cache
def _is_user_path(file: str) -> bool:
    return is_user_file(str(Path(file).resolve()))


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    """Inside, neither Python nor NumPy warns: a check runs code on odd numbers on purpose, and
    which of them a matrix product warns of depends on the processor."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
