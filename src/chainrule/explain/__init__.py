"""The derivation in words and numbers: every step of backpropagation, and any entry opened."""

from chainrule.explain.axes import Shaped
from chainrule.explain.derivation import Alone, Derivation, Step, explain
from chainrule.explain.entry import Entry, open_entry
from chainrule.explain.statistics import Statistics
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
]
