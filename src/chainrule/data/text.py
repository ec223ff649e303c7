"""The text of a table: unpacked, decoded to UTF-8, and refused where it is no text."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, BinaryIO

from chainrule.data.files import read_at_most
from chainrule.data.limits import Limits
from chainrule.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Text", "read_head"]

_HEAD = 2**16
_LONGEST_LINE = 2**24
_MARKS = (  # the longer ones first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


class Text:
    """The beginning of a file of text, and the way to the rest of it."""

    def __init__(self, head: bytes, path: Path, encoding: str | None, limits: Limits) -> None:
        self._bytes, self._path, self._limits = head, path, limits
        self._codec, self.encoding = _codec(head, encoding)
        self.head = self._decoded(head, final=False)
        if "\0" in self.head:
            raise InputError(
                f"{str(path)!r} is not text: it holds zero bytes; save the table as CSV in UTF-8"
            )

    def rest(self, stream: BinaryIO) -> bytearray:
        """The whole text in UTF-8, without a mark at its beginning.

        Raises:
            InputError: it is not in its encoding.
            StorageError: it is larger than the limits allow.
        """
        content = read_at_most(stream, self._path, self._limits, self._bytes)
        if self._codec in ("utf-8", "utf-8-sig"):
            _check_utf8(content, str(self._path))
            start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
            del content[:start]
            return content
        self._limits.check("bytes", 6 * len(content), str(self._path), "needs")
        return bytearray(self._decoded(content, final=True).encode("utf-8", "replace"))

    def _decoded(self, content: bytes | bytearray, *, final: bool) -> str:
        try:
            return codecs.getincrementaldecoder(self._codec)().decode(content, final)
        except UnicodeError as error:
            raise _not_in(self.encoding, str(self._path), content, error) from error


def read_head(stream: BinaryIO, path: Path, encoding: str | None, limits: Limits) -> Text:
    """The first lines of a file: enough to see what table it is.

    Raises:
        InputError: it is not text, or not in its encoding.
    """
    head = stream.read(_HEAD)
    text = Text(head, path, encoding, limits)
    while "\n" not in text.head and "\r" not in text.head and len(head) < _LONGEST_LINE:
        more = stream.read(len(head))
        if not more:
            return text
        head += more
        text = Text(head, path, encoding, limits)
    if len(head) >= _LONGEST_LINE:
        raise InputError(
            f"{str(path)!r} is no table: its first line has {len(head):,} bytes or more"
        )
    return text


def _codec(head: bytes, encoding: str | None) -> tuple[str, str]:
    """The codec, and what to call it."""
    if encoding is not None:
        name = codecs.lookup(encoding).name
        return ("utf-8-sig" if name == "utf-8" else name), encoding
    for mark, codec, name in _MARKS:
        if head.startswith(mark):
            return codec, name
    return "utf-8", "UTF-8"


def _check_utf8(content: bytearray, source: str) -> None:
    """Refuse what is not UTF-8, a chunk at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    for start in range(0, max(1, len(view)), _LONGEST_LINE):
        chunk = view[start : start + _LONGEST_LINE]
        try:
            decoder.decode(chunk, start + _LONGEST_LINE >= len(view))
        except UnicodeError as error:
            raise _not_in("UTF-8", source, content, error, start) from error


def _not_in(
    encoding: str, source: str, content: bytes | bytearray, error: UnicodeError, start: int = 0
) -> InputError:
    place = ""
    if isinstance(error, UnicodeDecodeError):
        at = start + error.start
        line = content.count(b"\n", 0, at) + 1
        place = f" (line {line}, byte {content[at : at + 1].hex()})"
    return InputError(
        f"{source!r} is not {encoding} text{place}; save it as UTF-8, or pass its "
        f"encoding= (--encoding): 'cp1252' is what Excel writes in Western Europe"
    )
