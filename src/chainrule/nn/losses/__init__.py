"""Losses: value and gradient of one function, from one cache."""

from chainrule.nn.losses.base import LOSSES, ElementwiseLoss, Loss, LossCase, check_weights
from chainrule.nn.losses.cross_entropy import BinaryCrossEntropy, SoftmaxCrossEntropy, softmax
from chainrule.nn.losses.regression import MAE, MSE, Huber

__all__ = [
    "LOSSES",
    "MAE",
    "MSE",
    "BinaryCrossEntropy",
    "ElementwiseLoss",
    "Huber",
    "Loss",
    "LossCase",
    "SoftmaxCrossEntropy",
    "check_weights",
    "softmax",
]
