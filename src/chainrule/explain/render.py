"""One name for the five ways to show a derivation."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.checks import check_choice, check_kind
from chainrule.explain.derivation import Derivation
from chainrule.explain.document import to_json
from chainrule.explain.html import to_html
from chainrule.explain.latex import to_latex
from chainrule.explain.markdown import to_markdown
from chainrule.explain.text import to_text

__all__ = ["render"]

_RENDERERS: dict[str, Callable[[Derivation], str]] = {
    "text": to_text,
    "md": to_markdown,
    "html": to_html,
    "tex": to_latex,
    "json": to_json,
}


def render(derivation: Derivation, format: str = "text") -> str:  # noqa: A002
    """The derivation as `text` (80 columns), `md`, `html`, `tex` or `json`.

    Raises:
        InputError: another format, or no derivation.
        MissingExtraError: `html` without latex2mathml (`pip install 'chainrule[cli]'`).

    >>> from chainrule.explain import explain
    >>> from chainrule.nn import Network
    >>> derivation = explain(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> render(derivation, "md").splitlines()[0]
    '# Backpropagation, step by step'
    """
    check_kind(derivation, Derivation, "derivation", "from explain(net, X, y)")
    check_choice(format, "format", tuple(_RENDERERS))
    return _RENDERERS[format](derivation)
