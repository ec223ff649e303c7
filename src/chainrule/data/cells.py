"""What a cell of a table says: a number, that a value is missing, or text."""

from __future__ import annotations

import re

__all__ = [
    "DECIMAL_COMMA",
    "GROUPED",
    "MISSING",
    "NUMBER",
    "TRUTH",
    "advice",
    "as_whole",
    "is_number",
    "is_numeric",
]

NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""A decimal number: ASCII digits, a point, an exponent; no spaces, no underscores."""

DECIMAL_COMMA = r"[+-]?([0-9]+,?[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?"
"""The same with a comma for the point."""

GROUPED = r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+"
"""A number with commas that may as well stand between thousands: 1,234."""

_MISSING_WORDS = """
na nan null none ? - n/a #n/a #na <na> n.a. -nan nil -- . * missing
#div/0! #ref! #value! #null! #num!
"""
MISSING = ("", *_MISSING_WORDS.split())
"""What stands for a missing value, in small letters: as pandas, R, Weka, SQL and Excel write it."""

TRUTH = {"false": 0.0, "true": 1.0}
"""Booleans, as Python, R and Excel write them, in small letters."""

_NUMBER, _COMMA = re.compile(NUMBER), re.compile(DECIMAL_COMMA)

_ADVICE = (
    (r'".*"?', "remove the space before its quote"),
    (r"[+-]?\d[\d.,]*\s*%", "it is a percentage: remove the percent signs from that column"),
    (r"[$€£¥]\s*[+-]?\d[\d.,]*|[+-]?\d[\d.,]*\s*[$€£¥]", "remove the currency signs"),
    (r"[+-]?\d+(_\d+)+(\.\d*)?", "remove the underscores"),
    (r"[+-]?\d{1,3}([ '\u00a0\u202f’,]\d{3})+(\.\d+)?", "remove the thousands separators"),
    (r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", "remove the thousands separators"),
    (r"[+-]?\d*,\d+", "write decimals with a point, or pass decimal=','"),
    (r"[−–]\d[\d.,]*", "write the minus sign as -"),
    (r"[+-]?0[xX][0-9a-fA-F]+", "write numbers in base 10"),
    (r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T].*)?", "it is a date: turn dates into numbers"),
    (r"\d{1,2}:\d{2}(:\d{2})?(\.\d+)?", "it is a time: turn times into numbers"),
    (r"[+-]?(inf|infinity)", "it is infinite: remove the row or clip the column"),
)


def is_number(cell: str) -> bool:
    """Whether a cell is a decimal number.

    >>> [is_number(cell) for cell in ("-1.5e3", "1_234", "１２", "nan", " 1")]
    [True, False, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None


def is_numeric(cell: str) -> bool:
    """Whether a cell is a number with a decimal point or a decimal comma."""
    return is_number(cell) or _COMMA.fullmatch(cell) is not None


def as_whole(cell: str) -> int | None:
    """The whole number that a cell writes out in digits, or None.

    >>> as_whole("9007199254740993"), as_whole("1e3")
    (9007199254740993, None)
    """
    digits = cell[1:] if cell[:1] in ("+", "-") else cell
    return int(cell) if digits.isascii() and digits.isdecimal() and len(digits) < 1000 else None


def advice(cell: str) -> str | None:
    """What to do with a cell that was probably meant to be a number; None for other text.

    >>> advice("12%"), advice("red")
    ('it is a percentage: remove the percent signs from that column', None)
    """
    if any(c.isdecimal() and not c.isascii() for c in cell) and not any(map(str.isalpha, cell)):
        return "write its digits as 0 to 9"
    for pattern, text in _ADVICE:
        if re.fullmatch(pattern, cell, re.IGNORECASE):
            return text
    return None
