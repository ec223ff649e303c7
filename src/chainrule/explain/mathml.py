"""Equations as MathML, which browsers draw by themselves."""

from __future__ import annotations

import re
from functools import cache

from chainrule.errors import MissingExtraError
from chainrule.nn.notation import latex_to_text

__all__ = ["to_mathml"]

_SPACE = '<mspace width="0.2em"/>'
_NOT_RAISED = "(?<!<msup>)(?<!<msub>)(?<!<msubsup>)"  # what follows there is a power or an index


@cache
def to_mathml(latex: str, *, display: bool = False) -> str:
    """LaTeX as a `<math>` element, with its text for whoever cannot see it.

    Raises:
        MissingExtraError: latex2mathml is not installed.

    >>> to_mathml("b_{1}")[:6], to_mathml("b_{1}")[-7:]
    ('<math ', '</math>')
    """
    try:
        from latex2mathml.converter import convert
    except ImportError as error:
        raise MissingExtraError("latex2mathml", "a page with mathematics", "cli") from error
    made: str = convert(latex, display="block" if display else "inline")
    # Names of functions are no operators, which would keep their distance from a bracket; what
    # follows without a bracket does. A prime is one.
    made = re.sub(r"<mo>(max|log|exp|tanh)</mo>", r"<mi>\1</mi>", made)
    made = re.sub(
        rf"{_NOT_RAISED}(<mi>(?:max|log|exp|tanh)</mi>)(?=<m)(?!<mo)", rf"\1{_SPACE}", made
    )
    made = made.replace("<mi>&#x02032;</mi>", "<mo>&#x02032;</mo>")
    text = latex_to_text(latex).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return made.replace("<math ", f'<math aria-label="{text}" ', 1)
