"""Targets of training and evaluation: as numbers, or as text with the classes that it names."""

from __future__ import annotations

import numpy as np

from chainrule.errors import InputError
from chainrule.labels import Label, class_indices, text_labels
from chainrule.nn import Loss, Network

__all__ = ["as_targets", "learned_classes"]


def learned_classes(y: object, net: Network, loss: Loss) -> tuple[Label, ...] | None:
    """The classes of training targets: those of the network if it has any, else, of text, all
    different labels in alphabetical order; None for numbers.

    Raises:
        InputError: text for a loss without classes, or another number of classes than outputs.
    """
    labels = text_labels(y, "y")
    if net.classes is not None or labels is None:
        return net.classes
    if not loss.classifies:
        raise InputError(
            f"y holds text, such as {str(labels[0])!r}, but the loss {loss.spelling} compares "
            f"numbers; use 'softmax_cross_entropy' for classes"
        )
    classes = tuple(np.unique(labels).tolist())
    wanted = 2 if net.output_shape == (1,) else net.output_shape[-1]
    if len(classes) != wanted:
        shown = ", ".join(map(repr, classes[:5])) + (", …" if len(classes) > 5 else "")
        raise InputError(
            f"y has {len(classes)} classes ({shown}), but the network has outputs for {wanted}; "
            f"its last layer must have one output for each class"
        )
    return classes


def as_targets(
    y: object,
    n: int,
    net: Network,
    loss: Loss,
    classes: tuple[Label, ...] | None,
    name: str = "y",
) -> np.ndarray:
    """`Loss.check_targets` of n examples; text becomes the index of its class first.

    Raises:
        InputError: also text that is none of the `classes`, or no classes are known.
    """
    labels = text_labels(y, name)
    if labels is None:
        return loss.check_targets(y, n, net.output_shape, net.dtype)
    if classes is None or not loss.classifies:
        raise InputError(
            f"{name} holds text, such as {str(labels[0])!r}, but the network knows no classes: "
            f"train it on text labels, or set net.classes to what its outputs are called"
        )
    codes = class_indices(labels, classes, name)
    return loss.check_targets(codes, n, net.output_shape, net.dtype)
