"""chainrule: neural networks whose every gradient you can see, check and trust.

>>> import chainrule as cr
>>> net = cr.Network(4, cr.Linear(8), cr.ReLU(), cr.Linear(3))
>>> print(cr.backprop(net, [[1.0, 2.0, 3.0, 4.0]], [2]).rows()[1].formula)
a1ᵀ dz2

`chainrule.explain`, `chainrule.check`, `chainrule.check_gradients` and `chainrule.figures` are
loaded when they are first used.
"""

from typing import TYPE_CHECKING, Any

from chainrule import data, nn, optim, train
from chainrule import hints as _hints
from chainrule.errors import (
    ChainruleError,
    ChainruleWarning,
    InputError,
    MissingExtraError,
    NonFiniteError,
    StorageError,
    UnknownNameError,
)
from chainrule.nn import (
    ELU,
    GELU,
    MAE,
    MSE,
    BinaryCrossEntropy,
    Dropout,
    Flatten,
    Huber,
    LeakyReLU,
    Linear,
    Network,
    ReLU,
    Run,
    Scale,
    Sigmoid,
    SiLU,
    SoftmaxCrossEntropy,
    Softplus,
    Tanh,
    Trace,
    TwoLayerNet,
    backprop,
    gradient_check,
)
from chainrule.optim import SGD, Adam, AdamW, RMSProp
from chainrule.train import (
    Callback,
    Checkpoint,
    EarlyStopping,
    Evaluation,
    History,
    LogFile,
    ProgressBar,
    evaluate,
    fit,
)

if TYPE_CHECKING:
    from chainrule import check as check
    from chainrule import explain as explain
    from chainrule import figures as figures
    from chainrule.check import check_gradients as check_gradients

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "GELU",
    "MAE",
    "MSE",
    "SGD",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "Callback",
    "ChainruleError",
    "ChainruleWarning",
    "Checkpoint",
    "Dropout",
    "EarlyStopping",
    "Evaluation",
    "Flatten",
    "History",
    "Huber",
    "InputError",
    "LeakyReLU",
    "Linear",
    "LogFile",
    "MissingExtraError",
    "Network",
    "NonFiniteError",
    "ProgressBar",
    "RMSProp",
    "ReLU",
    "Run",
    "Scale",
    "SiLU",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "Softplus",
    "StorageError",
    "Tanh",
    "Trace",
    "TwoLayerNet",
    "UnknownNameError",
    "__version__",
    "backprop",
    "data",
    "evaluate",
    "fit",
    "gradient_check",
    "nn",
    "optim",
    "train",
]

_LOADED_LATER = ("check", "check_gradients", "explain", "figures")


def __dir__() -> list[str]:
    """What users call: the plumbing is importable, but not listed."""
    return sorted([*__all__, *_LOADED_LATER])


def __getattr__(name: str) -> Any:
    """Load a package at its first use; say what a name of another library is called here."""
    import importlib

    if name == "check_gradients":
        return importlib.import_module("chainrule.check").check_gradients
    if name in _LOADED_LATER:
        return importlib.import_module(f"chainrule.{name}")
    raise _hints.missing_attribute("chainrule", name, __dir__(), _hints.MODULE_HINTS)
