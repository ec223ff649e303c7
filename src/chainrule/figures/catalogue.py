"""Every figure of a run by its name: what draws it, what it shows, and how to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from chainrule.errors import InputError
from chainrule.figures.checking import gradient_check
from chainrule.figures.classes import confusion, hidden_by_digit, predictions
from chainrule.figures.flow import backprop_flow
from chainrule.figures.health import gradient_health
from chainrule.figures.history import training_history
from chainrule.figures.learning_rates import descent, learning_rate
from chainrule.figures.run import TrainedRun
from chainrule.figures.weights import training_progress, weights
from chainrule.registry import nearest

__all__ = ["FIGURES", "Entry", "check_name", "draw"]


@dataclass(frozen=True)
class Entry:
    """One figure of a run.

    Attributes:
        title: a heading.
        caption: how to read it.
        draw: makes it, in a theme.

    >>> FIGURES["training_history"].title
    'Loss and accuracy by epoch'
    """

    title: str
    caption: str
    draw: Callable[[TrainedRun, str], Figure]


def draw(run: TrainedRun, name: str, theme: str = "light") -> Figure:
    """The named figure of a run.

    Raises:
        InputError: there is no such figure, or it makes no sense for this run; it says why.

    >>> import numpy as np
    >>> from chainrule import Network, fit
    >>> net = Network.from_spec("4-5-2")
    >>> history = fit(net, np.eye(4), [0, 1, 0, 1], epochs=2)
    >>> run = TrainedRun("demo", net, "softmax_cross_entropy", "sgd(0.1)", history)
    >>> len(draw(run, "training_history").axes) > 0
    True
    """
    check_name(name)
    return FIGURES[name].draw(run, theme)


def check_name(name: str) -> None:
    """Refuse what is not the name of a figure.

    Raises:
        InputError: the nearest name is suggested.

    >>> check_name("weights")
    >>> check_name("wieghts")
    Traceback (most recent call last):
        ...
    chainrule.errors.InputError: there is no figure 'wieghts'...
    """
    if not isinstance(name, str) or name not in FIGURES:
        raise InputError(
            f"there is no figure {name!r}{nearest(name, FIGURES)}; there are {', '.join(FIGURES)}"
        )


def _training_history(run: TrainedRun, theme: str) -> Figure:
    return training_history(run.history, validation=run.validation, theme=theme)


def _backprop_flow(run: TrainedRun, theme: str) -> Figure:
    return backprop_flow(run.trace, theme=theme)


def _training_progress(run: TrainedRun, theme: str) -> Figure:
    return training_progress(run.snapshots, input_shape=run.net.input_shape, theme=theme)


def _weights(view: str) -> Callable[[TrainedRun, str], Figure]:
    def draw_view(run: TrainedRun, theme: str) -> Figure:
        update = run.update if view == "update" else None
        return weights(run.trace, view, update=update, theme=theme)

    return draw_view


def _predictions(run: TrainedRun, theme: str) -> Figure:
    return predictions(
        run.tested.X, run.labels, run.probabilities, classes=run.class_names, theme=theme
    )


def _hidden_by_digit(run: TrainedRun, theme: str) -> Figure:
    name, values, labels = run.hidden
    return hidden_by_digit(values, labels, classes=run.class_names, name=name, theme=theme)


def _confusion(run: TrainedRun, theme: str) -> Figure:
    run.check_classifies()
    assert run.evaluation.confusion is not None
    return confusion(run.evaluation.confusion, classes=run.class_names, theme=theme)


def _gradient_health(run: TrainedRun, theme: str) -> Figure:
    return gradient_health(run.history, run.net, theme=theme)


def _gradient_check(run: TrainedRun, theme: str) -> Figure:
    return gradient_check(
        run.compared, run.step_curve, input_shape=run.net.input_shape, theme=theme
    )


def _learning_rate(run: TrainedRun, theme: str) -> Figure:
    return learning_rate(run.rates, theme=theme)


def _descent(run: TrainedRun, theme: str) -> Figure:
    return descent(run.slice, theme=theme)


FIGURES: dict[str, Entry] = {
    "training_history": Entry(
        "Loss and accuracy by epoch",
        "Solid: on the examples that it learned from, as they were met. Dashed: on others, after "
        "each epoch. Where the dashed loss rises while the solid one falls, it learns by heart.",
        _training_history,
    ),
    "backprop_flow": Entry(
        "Forward and backward",
        "Down the left side the forward pass, up the right side the gradients of one batch, "
        "between them what each layer computes. The thicker an arrow, the larger the gradient.",
        _backprop_flow,
    ),
    "training_progress": Entry(
        "From noise to detectors",
        "The weights into the same hidden units as training went on, on one scale. Blue: more "
        "input here excites the unit. Orange: it inhibits it.",
        _training_progress,
    ),
    "weights": Entry(
        "What the hidden units look for",
        "The weights into every hidden unit, one tile each, on one scale.",
        _weights("W"),
    ),
    "weights_gradient": Entry(
        "The gradient of these weights",
        "The slope of the loss along every weight, for one batch. A unit that was silent for the "
        "whole batch has none.",
        _weights("dW"),
    ),
    "weights_update": Entry(
        "What the next step would change",
        "What the optimiser would add to the weights after this batch: downhill, so of the "
        "opposite sign of the gradient, scaled by the learning rate.",
        _weights("update"),
    ),
    "predictions": Entry(
        "Right and wrong",
        "Test examples and the probabilities that the network gives them. Blue: the true class. "
        "Orange: another that it preferred.",
        _predictions,
    ),
    "hidden_by_digit": Entry(
        "Which unit fires for which class",
        "Mean activation of every hidden unit over the test examples of each class, of ten "
        "thousand at most.",
        _hidden_by_digit,
    ),
    "confusion": Entry(
        "What is taken for what",
        "A row a true class, a column a predicted one. Blue on the diagonal is right, orange off "
        "it is wrong; the darker, the larger the share of the row.",
        _confusion,
    ),
    "gradient_health": Entry(
        "Does every layer learn?",
        "The size of each layer's gradient, the share of its weights that a step changes (dotted: "
        "a thousandth, which is healthy), and the units that let no gradient back.",
        _gradient_health,
    ),
    "gradient_check": Entry(
        "Are the gradients right?",
        "Backpropagation beside measured slopes of the loss, in float64. On the diagonal they "
        "agree. The V: large steps h err because the loss is curved, small ones by rounding.",
        _gradient_check,
    ),
    "learning_rate": Entry(
        "Too small, good, too large",
        "Short trainings from the same start at three learning rates.",
        _learning_rate,
    ),
    "descent": Entry(
        "Downhill on two weights",
        "The loss as a function of two weights of the last layer, and gradient descent on it from "
        "the network's own starting point (star).",
        _descent,
    ),
}
"""All that can be drawn of a run, by name: title, caption, and `draw(run, theme) -> Figure`."""
