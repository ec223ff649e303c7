"""Figures: records of real runs in, matplotlib figures out. Wants the extra `figures`.

Every function returns a `matplotlib.figure.Figure`, which has `savefig`; pyplot is not loaded and
matplotlib's settings stay as they are. Numbers that are not finite are hatched, never left out.

>>> from chainrule import Network, backprop
>>> trace = backprop(Network.from_spec("4-5-3"), [[1.0, 2.0, 3.0, 4.0]], [2])
>>> backprop_flow(trace, theme="dark").savefig("/dev/null", format="svg")
"""

try:
    import matplotlib as _matplotlib  # noqa: F401
except ImportError as error:
    from chainrule.errors import MissingExtraError

    raise MissingExtraError("matplotlib", "drawing figures", "figures") from error

from chainrule.figures.catalogue import FIGURES, Entry, check_name, draw
from chainrule.figures.checking import gradient_check
from chainrule.figures.classes import confusion, hidden_by_digit, predictions
from chainrule.figures.compare import Compared, StepCurve, compare_gradients, error_by_step
from chainrule.figures.film import Film
from chainrule.figures.flow import backprop_flow
from chainrule.figures.health import gradient_health
from chainrule.figures.history import training_history
from chainrule.figures.learning_rates import descent, learning_rate
from chainrule.figures.page import report_page
from chainrule.figures.rates import LossSlice, slice_loss, try_rates
from chainrule.figures.run import Examples, TrainedRun
from chainrule.figures.style import render
from chainrule.figures.weights import training_progress, weights

__all__ = [
    "FIGURES",
    "Compared",
    "Entry",
    "Examples",
    "Film",
    "LossSlice",
    "StepCurve",
    "TrainedRun",
    "backprop_flow",
    "check_name",
    "compare_gradients",
    "confusion",
    "descent",
    "draw",
    "error_by_step",
    "gradient_check",
    "gradient_health",
    "hidden_by_digit",
    "learning_rate",
    "predictions",
    "render",
    "report_page",
    "slice_loss",
    "training_history",
    "training_progress",
    "try_rates",
    "weights",
]
