"""The derivation in words and numbers: every step of backpropagation, and any entry opened.

>>> import chainrule as cr
>>> from chainrule.explain import explain
>>> net = cr.Network.from_spec("2-3-2")
>>> print(render(explain(net, [[1.0, 2.0]], [0]).only("dW2")).splitlines()[5])
chain rule   ∂L/∂W2 = ∂L/∂z2 · ∂z2/∂W2,  ∂z2/∂W2 = a1
"""

from chainrule.explain.axes import Shaped
from chainrule.explain.derivation import Alone, Derivation, Step, explain
from chainrule.explain.entry import Entry, open_entry, parse_entry
from chainrule.explain.render import render
from chainrule.explain.statistics import Statistics
from chainrule.explain.summary import summary_latex, summary_text
from chainrule.explain.terms import Factor, Term

__all__ = [
    "Alone",
    "Derivation",
    "Entry",
    "Factor",
    "Shaped",
    "Statistics",
    "Step",
    "Term",
    "explain",
    "open_entry",
    "parse_entry",
    "render",
    "summary_latex",
    "summary_text",
]
