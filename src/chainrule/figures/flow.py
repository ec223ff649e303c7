"""`backprop_flow`: the forward and the backward pass as one diagram."""

from __future__ import annotations

import math
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from chainrule.figures.style import Theme, canvas, scientific
from chainrule.nn import Trace
from chainrule.nn.notation import fill_text
from chainrule.nn.trace import prediction_name

__all__ = ["backprop_flow", "root_mean_square"]

# Inches: a figure is 7 wide, and as high as the network is deep.
_WIDTH = 7.0
_FORWARD, _BACKWARD = 0.85, 5.7
_BOX = (1.5, 0.44)
_LINE = 0.23
_GAP = 0.2  # above and below a layer's lines
_WRAP = 40
_THINNEST, _THICKEST = 0.8, 5.0


def backprop_flow(trace: Trace, *, theme: str = "light") -> Figure:
    """The network of a recorded step: down the left side the forward pass, up the right side the
    backward pass, between them what each layer computes and the gradients of its parameters.

    Each backward arrow says how large the gradient is that it brings, as its root mean square, so
    that layers of different sizes compare; its thickness is the logarithm of that.

    >>> from chainrule import Network, backprop
    >>> figure = backprop_flow(backprop(Network.from_spec("4-5-3"), np.eye(4), [0, 1, 2, 0]))
    >>> texts = [text.get_text() for text in figure.axes[0].texts]
    >>> [text for text in texts if text.endswith("(4, 5)")]
    ['z1  (4, 5)', 'dz1  (4, 5)', 'a1  (4, 5)', 'da1  (4, 5)']
    """
    net = trace.net
    names = net.tensor_names
    captions = [_captions(trace, i) for i in range(len(net.layers))]
    steps = [2 * _GAP + _LINE * max(1, sum(map(len, c))) for c in captions]
    loss_step = 2 * _GAP + 2 * _LINE
    height = 0.55 + (len(names) + 1) * _BOX[1] + sum(steps) + loss_step + 0.35
    rms = {name: root_mean_square(trace[f"d{name}"]) for name in names if f"d{name}" in trace}
    width_of = _Scale(list(rms.values()))
    with canvas(_WIDTH, height, theme) as (figure, look):
        figure.set_layout_engine("none")  # everything has its place, in inches
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
        axes.axis("off")
        _heading(axes, look)
        y = 0.55
        for i, name in enumerate(names):
            _box(axes, _FORWARD, y, name, trace[name].shape, look.positive, look)
            _gradient_box(axes, y, name, trace, look)
            gap = steps[i] if i < len(steps) else loss_step
            _arrow(axes, _FORWARD, y + _BOX[1], y + _BOX[1] + gap, look.positive, 1.2)
            if name in rms:
                _backward_arrow(axes, y + _BOX[1], gap, name, rms[name], width_of, look)
            if i < len(captions):
                _write(axes, y + _BOX[1] + gap / 2, *captions[i], look)
            y += _BOX[1] + gap
        _loss_boxes(axes, y, trace, look)
        _write(axes, y - loss_step / 2, *_loss_captions(trace), look)
        note = "rms: root mean square of the entries of a gradient"
        axes.text(_WIDTH / 2, height - 0.17, note, ha="center", va="center", color=look.muted)
    return figure


def root_mean_square(values: np.ndarray) -> float:
    """`√mean(v²)`: a norm that does not grow with the number of entries."""
    with np.errstate(all="ignore"):
        return math.sqrt(float(np.mean(np.square(values, dtype=np.float64))))


def _captions(trace: Trace, i: int) -> tuple[list[str], list[str]]:
    """What is written beside layer i: its forward equation; its parameters' gradients."""
    net, layer = trace.net, trace.net.layers[i]
    names = {"x": net.tensor_names[i], "y": net.tensor_names[i + 1]}
    names |= {local: f"{local}{net.indices[i]}" for local in net.views[i]}
    names |= {f"d{key}": f"d{name}" for key, name in names.items()}
    forward = f"{names['y']} = {fill_text(layer.equations.forward, names)}"
    backward = []
    for local, value in net.views[i].items():
        name = f"d{names[local]}"
        formula = fill_text(layer.equations.gradients[local], names)
        size = scientific(root_mean_square(trace[name]), 1)
        backward += _wrap(f"{name} = {formula}   {_shape(value.shape)}   rms {size}")
    return _wrap(forward), backward


def _loss_captions(trace: Trace) -> tuple[list[str], list[str]]:
    last = trace.net.tensor_names[-1]
    loss = trace.loss_function
    names = {"z": last, "p": prediction_name(trace.net, loss)}
    forward = _wrap(f"loss = {fill_text(loss.equations.forward, names)}")[:2]
    return forward, _wrap(f"d{last} = {fill_text(loss.equations.gradients['z'], names)}")[:2]


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text.replace("-", "−"), _WRAP, break_long_words=True)


def _heading(axes: Axes, look: Theme) -> None:
    for x, text, color in (
        (_FORWARD, "forward ↓", look.positive),
        (_BACKWARD, "backward ↑", look.negative),
    ):
        axes.text(x, 0.28, text, ha="center", va="center", size=13, weight="bold", color=color)


def _box(
    axes: Axes, x: float, y: float, name: str, shape: tuple[int, ...], color: str, look: Theme
) -> None:
    _frame(axes, x, y, f"{name}  {_shape(shape)}", color, look)


def _frame(axes: Axes, x: float, y: float, text: str, color: str, look: Theme) -> None:
    width, height = _BOX
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=look.box,
            edgecolor=color,
            linewidth=1.2,
        )
    )
    lines = text if len(text) <= 16 else text.replace("  ", "\n", 1)
    axes.text(x, y + height / 2, lines, ha="center", va="center", linespacing=0.95)


def _gradient_box(axes: Axes, y: float, name: str, trace: Trace, look: Theme) -> None:
    if f"d{name}" in trace:
        shape = trace[f"d{name}"].shape
        _box(axes, _BACKWARD, y, f"d{name}", shape, look.negative, look)
    else:
        axes.text(_BACKWARD, y + _BOX[1] / 2, f"d{name} is not needed", ha="center", va="center",
                  color=look.muted)  # fmt: skip


def _loss_boxes(axes: Axes, y: float, trace: Trace, look: Theme) -> None:
    _frame(axes, _FORWARD, y, f"loss  {trace.loss:.4g}", look.positive, look)
    _frame(axes, _BACKWARD, y, "dloss  1", look.negative, look)
    axes.add_patch(
        FancyArrowPatch(
            (_FORWARD + _BOX[0] / 2, y + _BOX[1] / 2),
            (_BACKWARD - _BOX[0] / 2, y + _BOX[1] / 2),
            arrowstyle="-|>",
            mutation_scale=11,
            color=look.muted,
            shrinkA=3,
            shrinkB=3,
        )
    )


def _arrow(
    axes: Axes, x: float, start: float, end: float, color: str, width: float, dashes: str = "-"
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (x, start),
            (x, end),
            arrowstyle=f"-|>,head_length={0.3 + 0.06 * width},head_width={0.15 + 0.06 * width}",
            mutation_scale=14,
            color=color,
            linewidth=width,
            shrinkA=2,
            shrinkB=2,
            linestyle=dashes,
        )
    )


def _backward_arrow(
    axes: Axes, top: float, gap: float, name: str, rms: float, width_of: _Scale, look: Theme
) -> None:
    """Up to the box of a gradient, as thick as that is large; dotted if it is not finite."""
    finite = math.isfinite(rms)
    _arrow(axes, _BACKWARD, top + gap, top, look.negative, width_of(rms), "-" if finite else ":")
    text = f"rms {scientific(rms, 1)}" if finite else "not finite"
    axes.text(_BACKWARD + 0.18, top + gap / 2, text, va="center", color=look.negative,
              weight="normal" if finite else "bold")  # fmt: skip


class _Scale:
    """Thickness of an arrow: the logarithm of the size, between the smallest and the largest."""

    def __init__(self, sizes: list[float]) -> None:
        logs = [math.log10(s) for s in sizes if s > 0 and math.isfinite(s)]
        self.low, self.high = (min(logs), max(logs)) if logs else (0.0, 0.0)

    def __call__(self, size: float) -> float:
        if not (size > 0 and math.isfinite(size)):
            return _THINNEST
        share = (math.log10(size) - self.low) / max(self.high - self.low, 1.0)
        return _THINNEST + (_THICKEST - _THINNEST) * share


def _write(axes: Axes, y: float, forward: list[str], backward: list[str], look: Theme) -> None:
    """A layer's lines, centred between the two columns."""
    lines = [(text, look.positive) for text in forward]
    lines += [(text, look.negative) for text in backward]
    x = (_FORWARD + _BACKWARD) / 2
    for i, (text, color) in enumerate(lines):
        offset = (i - (len(lines) - 1) / 2) * _LINE
        axes.text(x, y + offset, text, ha="center", va="center", color=color)


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
