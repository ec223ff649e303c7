"""What users of scikit-learn, Keras and PyTorch type first, and what chainrule calls it.

Each table maps a foreign name to one sentence that leads on. An error about an unknown name adds
that sentence, or else the nearest name that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chainrule.errors import InputError
from chainrule.registry import nearest

__all__ = [
    "FIT_HINTS",
    "HISTORY_HINTS",
    "MODULE_HINTS",
    "NETWORK_HINTS",
    "OPTIMIZER_HINTS",
    "PARAMETERS_HINT",
    "missing_attribute",
    "module_getattr",
    "refuse_unknown",
]

_NETWORK = (
    "a network is cr.Network(784, cr.Linear(128), cr.ReLU(), cr.Linear(10)), "
    'or cr.Network.from_spec("784-128-10")'
)
_ESTIMATOR = (
    'make a network, net = cr.Network.from_spec("4-100-3"), then cr.fit(net, X, y), '
    "net.predict(X) and cr.evaluate(net, X, y)"
)
_SOFTMAX = 'use cr.SoftmaxCrossEntropy(), or loss="cross_entropy" in cr.fit'
_BINARY = 'use cr.BinaryCrossEntropy(), or loss="bce" in cr.fit; it takes logits'
PARAMETERS_HINT = (
    "cr.fit hands all parameters to the optimizer: cr.fit(net, X, y, optimizer=cr.Adam())"
)
_ARRAYS = "chainrule takes NumPy arrays, and any list of numbers"
_ACTIVATION = "activations are layers, such as cr.ReLU() in a cr.Network"
_LAYERS = (
    "the layers are cr.Linear, cr.Flatten, cr.Scale, cr.Dropout and the activations; "
    "CONTRIBUTING.md shows how to add one"
)

MODULE_HINTS: Mapping[str, str] = {
    "sequential": _NETWORK,
    "model": _NETWORK,
    "module": _NETWORK,
    "net": _NETWORK,
    "mlp": _NETWORK,
    "mlpclassifier": _ESTIMATOR,
    "mlpregressor": _ESTIMATOR,
    "dense": "use cr.Linear(128); it infers the width of its input",
    "input": "the width of the input is the first argument of cr.Network",
    "layers": _LAYERS,
    "conv2d": _LAYERS,
    "lstm": _LAYERS,
    "batchnorm1d": _LAYERS,
    "batchnormalization": _LAYERS,
    "embedding": _LAYERS,
    "activation": _ACTIVATION,
    "functional": _ACTIVATION,
    "softmax": "cr.nn.softmax(z); as the last layer it is part of cr.SoftmaxCrossEntropy",
    "crossentropyloss": _SOFTMAX,
    "nllloss": _SOFTMAX,
    "categoricalcrossentropy": _SOFTMAX,
    "sparsecategoricalcrossentropy": _SOFTMAX,
    "bceloss": _BINARY,
    "bcewithlogitsloss": _BINARY,
    "mseloss": "use cr.MSE()",
    "meansquarederror": "use cr.MSE()",
    "l1loss": "use cr.MAE()",
    "meanabsoluteerror": "use cr.MAE()",
    "smoothl1loss": "use cr.Huber()",
    "huberloss": "use cr.Huber()",
    "losses": "the losses are cr.SoftmaxCrossEntropy, BinaryCrossEntropy, MSE, MAE and Huber",
    "optimizers": "the optimizers are cr.SGD, cr.RMSProp, cr.Adam and cr.AdamW",
    "load": 'cr.Network.load("net.safetensors") reads a network, cr.data.load("table.csv") data',
    "loadmodel": 'use cr.Network.load("net.safetensors")',
    "save": 'use net.save("net.safetensors")',
    "datasets": 'cr.data.mnist() gives MNIST, cr.data.load("table.csv") a file of yours',
    "mnist": "(X, y), (X_test, y_test) = cr.data.mnist()",
    "traintestsplit": "use (X, y), (X_test, y_test) = cr.data.split(X, y, 0.2)",
    "dataloader": "cr.fit makes the batches: cr.fit(net, X, y, batch_size=64)",
    "tensor": _ARRAYS,
    "fromnumpy": _ARRAYS,
    "array": _ARRAYS,
    "nograd": "net(X) records nothing; cr.backprop(net, X, y) records a step",
    "manualseed": "use seed= of cr.Network and of cr.fit",
    "predict": "use net.predict(X)",
    "compile": 'cr.fit takes both: cr.fit(net, X, y, loss="cross_entropy", optimizer="adam")',
}

NETWORK_HINTS: Mapping[str, str] = {
    "fit": "use cr.fit(net, X, y)",
    "compile": 'cr.fit takes both: cr.fit(net, X, y, loss="cross_entropy", optimizer="adam")',
    "evaluate": "use cr.evaluate(net, X, y)",
    "score": "use cr.evaluate(net, X, y).accuracy, or .r2 for a regression",
    "predictproba": "use net.loss.probabilities(net(X))",
    "predictclasses": "use net.predict(X)",
    "summary": "use print(net)",
    "parameters": f'net.params holds all of them, net["W1"] is one; {PARAMETERS_HINT}',
    "namedparameters": "use {name: net[name] for name in net}",
    "weights": 'net.params holds all of them, net["W1"] is one',
    "getweights": "use [net[name] for name in net]",
    "setweights": "assign to a parameter: net[name] = array",
    "coefs": 'use net["W1"], net["W2"], …',
    "statedict": 'use net.params, or net.save("net.safetensors")',
    "loadstatedict": 'use cr.Network.load("net.safetensors"), or assign to net.params',
    "train": "there is no mode to set: cr.fit(net, X, y) trains, net(X) predicts",
    "eval": "there is no mode to set: cr.fit(net, X, y) trains, net(X) predicts",
    "add": f"all layers are given at once: {_NETWORK}",
    "append": f"all layers are given at once: {_NETWORK}",
    "zerograd": "cr.backprop(net, X, y).grads is a new gradient each time",
    "to": 'net.astype("float64") changes the dtype; computation is on the CPU',
    "cuda": "computation is on the CPU",
    "loadweights": 'use cr.Network.load("net.safetensors")',
    "saveweights": 'use net.save("net.safetensors")',
}

HISTORY_HINTS: Mapping[str, str] = {
    "history": 'index it directly: history["loss"]',
    "losscurve": 'use history["loss"]',
    "epoch": 'use history["epoch"]',
    "plot": "use cr.figures.training_history(history)",
}

_EARLY = "use callbacks=[cr.EarlyStopping(patience=3)]"
_SHUFFLED = "the examples are shuffled anew in each epoch; seed= chooses the order"

FIT_HINTS: Mapping[str, str] = {
    "validationdata": "use validation=(X_val, y_val)",
    "evalset": "use validation=(X_val, y_val)",
    "validationsplit": "split first: (X, y), held_out = cr.data.split(X, y, 0.2), then give "
    "validation=held_out",
    "validationfraction": "split first: (X, y), held_out = cr.data.split(X, y, 0.2), then give "
    "validation=held_out",
    "learningrate": "use lr=",
    "learningrateinit": "use lr=",
    "maxiter": "use epochs=",
    "nepochs": "use epochs=",
    "numepochs": "use epochs=",
    "randomstate": "use seed=",
    "sampleweight": "use weights=, one number for each example",
    "classweight": "use weights=, one number for each example: weights=weight_of_class[y]",
    "criterion": "use loss=",
    "lossfn": "use loss=",
    "solver": "use optimizer=",
    "optim": "use optimizer=",
    "shuffle": _SHUFFLED,
    "metrics": "loss and accuracy are always measured, R² on validation data of a regression",
    "earlystopping": _EARLY,
    "patience": _EARLY,
    "niternochange": _EARLY,
    "momentum": 'name it in the optimizer: optimizer="sgd(0.1, momentum=0.9)"',
    "weightdecay": 'name it in the optimizer: optimizer="adamw(weight_decay=0.01)"',
    "alpha": 'name it in the optimizer: optimizer="adam(l2=0.0001)"',
    "schedule": 'name it in the optimizer: optimizer="adam(0.01, schedule=cosine)"',
    "njobs": "use threads=",
    "workers": "use threads=",
    "device": "training is on the CPU; threads= chooses how many cores it may use",
    "hiddenlayersizes": 'the network has them: cr.Network.from_spec("4-100-3")',
    "activation": 'the network has it: cr.Network.from_spec("4-100(tanh)-3")',
}

OPTIMIZER_HINTS: Mapping[str, str] = {
    "learningrate": "use lr=",
    "learningrateinit": "use lr=",
    "decay": "use schedule= or weight_decay=",
    "clipnorm": "use clip_norm=",
    "beta1": "use beta1=",
    "beta2": "use beta2=",
    "epsilon": "use eps=",
    "betas": "use beta1= and beta2=",
    "params": PARAMETERS_HINT,
}


def _hint(name: str, known: Iterable[str], hints: Mapping[str, str]) -> str:
    """`: use lr=` for a foreign name, `, did you mean 'loss'?` for one that is nearly right."""
    sentence = hints.get(name.lower().replace("_", ""))
    return f": {sentence}" if sentence else nearest(name, known)


def missing_attribute(
    owner: str, name: str, known: Iterable[str], hints: Mapping[str, str]
) -> AttributeError:
    """The error for an attribute that `owner` does not have.

    >>> print(missing_attribute("a Network", "fit", (), NETWORK_HINTS))
    a Network has no 'fit': use cr.fit(net, X, y)
    """
    hint = "" if name.startswith("_") else _hint(name, known, hints)
    return AttributeError(f"{owner} has no {name!r}{hint}", name=name)


def module_getattr(module: str, known: Iterable[str]) -> Callable[[str], Any]:
    """A package's `__getattr__`, called for a name that it does not have."""

    def refuse(name: str) -> Any:
        raise missing_attribute(module, name, known, MODULE_HINTS)

    return refuse


def refuse_unknown(
    function: str, given: Iterable[str], known: Iterable[str], hints: Mapping[str, str]
) -> None:
    """Refuse keyword arguments that a function does not have.

    Raises:
        InputError: for the first of `given`, with what it is called here.

    >>> refuse_unknown("fit", ["learning_rate"], ["lr"], FIT_HINTS)
    Traceback (most recent call last):
        ...
    chainrule.errors.InputError: fit has no argument 'learning_rate': use lr=
    """
    for name in given:
        raise InputError(f"{function} has no argument {name!r}{_hint(name, known, hints)}")
