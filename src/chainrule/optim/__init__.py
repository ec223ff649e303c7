"""Optimisers and learning-rate schedules, on the flat vector of all parameters."""

from chainrule.hints import module_getattr as _module_getattr
from chainrule.optim.adam import Adam, AdamW
from chainrule.optim.base import OPTIMIZERS, Optimizer
from chainrule.optim.rmsprop import RMSProp
from chainrule.optim.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Schedule,
    Step,
    Warmup,
)
from chainrule.optim.sgd import SGD

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Exponential",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "Schedule",
    "Step",
    "Warmup",
]

__getattr__ = _module_getattr("chainrule.optim", __all__)
