"""chainrule: neural networks whose every gradient you can see, check and trust.

>>> import chainrule as cr
>>> net = cr.Network(4, cr.Linear(8), cr.ReLU(), cr.Linear(3))
>>> print(cr.backprop(net, [[1.0, 2.0, 3.0, 4.0]], [2]).rows()[1].formula)
a1ᵀ dz2
"""

from chainrule import data, nn, optim, train
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
