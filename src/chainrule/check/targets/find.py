"""Which target a thing is: told by what it has."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

from chainrule.check.runtime.user_code import no_warnings
from chainrule.check.targets.attributes import AttributesTarget
from chainrule.check.targets.chain import ChainTarget
from chainrule.check.targets.functions import (
    FunctionTarget,
    ModelFunctionsTarget,
    OperationTarget,
)
from chainrule.check.targets.jax import JaxTarget, is_jax
from chainrule.check.targets.layer import LayerTarget, LossTarget
from chainrule.check.targets.methods import BACKWARD, FORWARD, GRADIENT
from chainrule.check.targets.network import NetworkTarget
from chainrule.check.targets.roles import roles_of
from chainrule.check.targets.target import Target
from chainrule.check.targets.torch import TorchTarget, is_torch
from chainrule.errors import InputError
from chainrule.nn import Layer, Loss, Network

__all__ = ["find_target"]


@no_warnings()
def find_target(
    thing: Any, X: Any = None, y: Any = None, loss: Any = None, seed: int = 0
) -> Target:
    """A `Target` of whatever is to be checked, told by what it has.

    - a `Network`, or one of our layers or losses;
    - an object or module with `forward` and `backward`, or with `loss` and `gradient`;
    - `(loss_and_grads, params)`: a function `f(params, X, y) -> (loss, grads)`;
    - `(forward, backward, params)`: functions over a dict or list of parameters;
    - `(forward, backward)` of one operation, with X its inputs, or a tuple of them;
    - a list of layer objects, called in turn;
    - a torch module, a `torch.autograd.Function`, a JAX `custom_vjp` function.

    Args:
        thing: what is to be checked; a `Target` comes back as it is, with another batch if one is
            given.
        X: the batch; random numbers that it takes by default.
        y: its targets, likewise.
        loss: as `check_gradients` takes it.
        seed: of the random batch.

    Raises:
        InputError: it is none of these (the message says what was looked for), or X, y or the
            loss does not fit.

    >>> from chainrule import ReLU
    >>> find_target(ReLU()).kind
    'layer'
    """
    if isinstance(thing, Target):
        if X is not None:
            thing.use(X, y if y is not None else thing.y)
        return thing
    if isinstance(thing, Network):
        return NetworkTarget(thing, X, y, loss, seed)
    if isinstance(thing, Layer):
        return LayerTarget(thing, X, y, seed)
    if isinstance(thing, Loss):
        return LossTarget(thing, X, y, seed)
    if is_torch(thing):
        return TorchTarget(thing, X, y, loss, seed)
    if is_jax(thing):
        return JaxTarget(thing, X, y, seed)
    if isinstance(thing, tuple) and thing and callable(thing[0]) and not _has_both(thing[0]):
        return _of_functions(thing, X, y, loss, seed)
    if isinstance(thing, list) and thing:
        return ChainTarget(thing, X, y, loss, seed)
    if isinstance(thing, type):
        raise InputError(f"{thing.__name__} is a class; give an object, such as {thing.__name__}()")
    if isinstance(thing, types.FunctionType | types.MethodType):
        raise InputError(
            f"{thing.__name__} is a function; give its parameters too: "
            f"({thing.__name__}, params), or (forward, backward) for one operation"
        )
    names = {*FORWARD, *BACKWARD, *GRADIENT}
    if not any(callable(getattr(thing, name, None)) for name in names - {"__call__"}):
        raise InputError(
            f"do not know how to check a {type(thing).__name__}: looked for forward(X) and "
            f"backward(y), loss and gradient, a Network, layer or loss, (loss_and_grads, params), "
            f"(forward, backward), a torch module or a JAX function"
        )
    return AttributesTarget(thing, X, y, loss, seed)


def _of_functions(thing: tuple[Any, ...], X: Any, y: Any, loss: Any, seed: int) -> Target:
    functions = [part for part in thing if callable(part)]
    rest = [part for part in thing if not callable(part)]
    if len(functions) == 1 and is_jax(functions[0]):
        return JaxTarget(functions[0], rest[0] if rest else X, y, seed)
    if len(functions) == 1 and rest:
        return FunctionTarget(functions[0], rest[0], X, y, seed)
    if len(functions) >= 2:
        forward, backward = functions[:2]
        loss = loss if loss is not None or len(functions) < 3 else functions[2]
        if rest and _takes_params(forward, rest[0]):
            return ModelFunctionsTarget(forward, backward, rest[0], X, y, loss, seed)
        inputs = rest[0] if rest else X
        if inputs is not None:
            return OperationTarget(forward, backward, inputs, seed)
        raise InputError("give X: what forward takes, a tuple if it is more than one thing")
    raise InputError(
        "give (loss_and_grads, params), (forward, backward, params) or (forward, backward), "
        f"got a tuple of {len(functions)} functions and {len(rest)} other things"
    )


def _takes_params(forward: Callable[..., Any], params: Any) -> bool:
    """Whether the parameters are one argument of it, or the entries of a dict some of several."""
    names = set(inspect.signature(forward).parameters)
    if isinstance(params, dict) and {"X", "x"} & (names - set(params)) and names & set(params):
        return True
    return "params" in roles_of(forward, ["X", "y", "params"]).values()


def _has_both(thing: Any) -> bool:
    """Whether it is a layer object, which may be callable too."""
    return callable(getattr(thing, "backward", None))
