"""Layers: one class each, with its equations, shapes, forward, backward and sample cases."""

from chainrule.nn.layers.base import (
    INFERENCE,
    LAYERS,
    Activation,
    Case,
    Layer,
    Params,
    Run,
    Shape,
)
from chainrule.nn.layers.dropout import Dropout
from chainrule.nn.layers.elu import ELU, Softplus
from chainrule.nn.layers.flatten import Flatten
from chainrule.nn.layers.gelu import GELU
from chainrule.nn.layers.linear import Linear
from chainrule.nn.layers.relu import LeakyReLU, ReLU
from chainrule.nn.layers.scale import Scale
from chainrule.nn.layers.sigmoid import Sigmoid, SiLU, Tanh

__all__ = [
    "ELU",
    "GELU",
    "INFERENCE",
    "LAYERS",
    "Activation",
    "Case",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Params",
    "ReLU",
    "Run",
    "Scale",
    "Shape",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
]
