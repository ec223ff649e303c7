"""What the argument of somebody's function stands for, told by its name.

`backward(self, X, t, cache)` wants the examples, the targets and what forward kept. The names
are those that people write; an argument of an unknown name takes what is left over, in order.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from chainrule.errors import InputError

__all__ = ["bound", "call", "gradient_of", "returned_names", "roles_of", "simple"]

_NAMES = {
    "X": "x xb xs batchx xbatch input inputs inp data features images samples xtrain a0 examples",
    "y": "y ys yb t target targets label labels ytrue ybatch batchy onehot yonehot truth ytrain "
    "gt actual expected groundtruth ttrue tbatch",
    "out": "p out output outputs ypred yhat pred preds prediction predictions prob probs "
    "probabilities scores logits z a al aout o yp h q",
    "cache": "cache caches ctx memory saved state intermediates store context",
    "upstream": "dout dy dz dldout gradoutput gradoutputs gradout grad upstream dvalues delta "
    "gradient dl dldy dldz outputgradient error da doutput dloss g dlast outgrad dnext",
    "params": "params parameters theta weights p param w model",
    "lr": "lr learningrate eta alpha stepsize",
}
_ROLES: dict[str, list[str]] = {}
for _role, _words in _NAMES.items():
    for _word in _words.split():
        _ROLES.setdefault(_word, []).append(_role)
_DEFINITE = {"t", "target", "targets", "label", "labels", "ytrue", "onehot", "yonehot", "truth",
             "gt", "actual", "expected", "groundtruth", "ttrue"}  # fmt: skip


def simple(name: str) -> str:
    """A name without case and underscores.

    >>> simple("grad_W1")
    'gradw1'
    """
    return name.replace("_", "").lower()


def roles_of(function: Callable[..., Any], available: Sequence[str]) -> dict[str, str | None]:
    """Role of every argument that can be given, None if its name says nothing.

    >>> roles_of(lambda y, t: 0, ["out", "y"])
    {'y': 'out', 't': 'y'}
    """
    roles: dict[str, str | None] = {}
    for name, parameter in _parameters(function).items():
        known = [r for r in _ROLES.get(_stem(name), []) if r in available]
        if known or parameter.default is inspect.Parameter.empty:
            roles[name] = known[0] if known else None
    targets = [name for name, role in roles.items() if role == "y"]
    if len(targets) > 1:
        definite = [n for n in targets if simple(n) in _DEFINITE] or targets[:1]
        for name in targets:
            if name != definite[0]:
                roles[name] = "out" if "out" in available else None
    return roles


def bound(
    function: Callable[..., Any], names: Collection[str], values: Callable[[], Mapping[str, Any]]
) -> Callable[..., Any]:
    """`function` with its arguments of these names taken from `values()` at each call; itself if
    it has none of them.

    >>> bound(lambda X, W1, W2: X + W1 - W2, ["W1", "W2"], lambda: {"W1": 2, "W2": 1})(5)
    6
    """
    own = [name for name in _parameters(function) if name in names]
    if not own:
        return function

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        given = values()
        rest = {name: given[name] for name in own}
        place = inspect.signature(run).bind(*arguments, **named).arguments
        return function(**{**place, **rest})

    signature = inspect.signature(function)
    left = [p for name, p in signature.parameters.items() if name not in own]
    run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
    return run


def call(function: Callable[..., Any], values: Mapping[str, Any], rest: Sequence[str]) -> Any:
    """Call `function` with what its arguments stand for; unknown ones take `rest` in turn.

    Raises:
        InputError: there are more arguments than things to give.
    """
    return function(**_plan(function, values, rest))


def _plan(
    function: Callable[..., Any], values: Mapping[str, Any], rest: Sequence[str]
) -> dict[str, Any]:
    roles = dict(_cached_roles(_Identity(function), tuple(values)))
    left = [r for r in rest if r in values and r not in roles.values()]
    chosen = {}
    for name, role in roles.items():
        if role is None:
            if not left:
                raise InputError(
                    f"{_name(function)} takes {', '.join(roles)}: do not know what to give for "
                    f"{name!r} (known: X, y, out, cache, dout, params, lr)"
                )
            role = left.pop(0)
        chosen[name] = values[role]
    return chosen


class _Identity:
    """A hashable stand-in for a function, bound methods included."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        bound = getattr(function, "__self__", None)
        self.key = (id(getattr(function, "__func__", function)), id(bound))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.key == other.key


@functools.lru_cache(maxsize=64)
def _cached_roles(
    function: _Identity, available: tuple[str, ...]
) -> tuple[tuple[str, str | None], ...]:
    return tuple(roles_of(function.function, available).items())


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise InputError(f"cannot see the arguments of {_name(function)}") from error
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: p for name, p in parameters.items() if p.kind in kinds}


def _stem(name: str) -> str:
    """`a2` -> `a`, `dA2` -> `da`: the layer's number says nothing about the role."""
    plain = simple(name)
    return plain if plain in _ROLES else re.sub(r"\d+$", "", plain)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


# --- names of gradients ---------------------------------------------------------------------------

_PATTERNS = ("d{}", "grad{}", "{}grad", "g{}", "{}gradient", "{}grads", "gradient{}", "grads{}",
             "nabla{}", "dld{}", "djd{}", "ded{}", "dlossd{}", "dcostd{}", "gradof{}",
             "{}g", "delta{}")  # fmt: skip
_SHORT = (("weights", "w"), ("weight", "w"), ("kernel", "w"), ("biases", "b"), ("bias", "b"))
_GROUPS = {"params", "parameters", "weights", "theta", "param", "p", "model"}
_GRADIENTS = ("grads", "gradients", "grad", "gradient", "dparams", "g")


def gradient_of(name: str, candidates: Sequence[str], *, group: bool = False) -> str | None:
    """Which of the candidates is the gradient of `name`, told by the names.

    Args:
        group: `name` holds many parameters, as a dict `params` does.

    >>> gradient_of("W1", ["b1", "db1", "grad_w1"])
    'grad_w1'
    >>> gradient_of("params", ["g", "grads"], group=True)
    'grads'
    """
    known: dict[str, str] = {}
    for candidate in candidates:
        if candidate != name:
            known.setdefault(simple(candidate), candidate)
            known.setdefault(candidate, candidate)
    if f"d{name}" in known:  # dw is not the gradient of W where there is a dW
        return known[f"d{name}"]
    plain = simple(name)
    spellings = [plain]
    for long, short in _SHORT:
        if plain.startswith(long):
            spellings.append(short + plain[len(long) :])
    for spelling in spellings:
        for pattern in _PATTERNS:
            found = known.get(pattern.format(spelling))
            if found is not None:
                return found
    if plain[:1] == "w" and plain[1:].isalpha():  # g_ih for w_ih, where there is no b_ih
        rest = plain[1:]
        if f"b{rest}" not in known and name.lower().startswith("w_"):
            return known.get(f"g{rest}") or known.get(f"d{rest}")
    if group and plain in _GROUPS:
        return next((known[g] for g in _GRADIENTS if g in known), None)
    return None


def returned_names(function: Callable[..., Any]) -> list[str] | None:
    """The names in a function's last `return dx, dW, db`, if its source is at hand; an expression
    that is not a name gives an empty one."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    returns = [
        node.value
        for node in sorted(ast.walk(tree), key=lambda n: getattr(n, "lineno", 0))
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple | ast.List)
    ]
    names = [_name_of(item) for item in returns[-1].elts] if returns else []
    return names if any(names) else None


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
