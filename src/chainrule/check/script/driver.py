"""Calls for files that only define things: data that fit, and the few lines that use them.

The lines are added below the user's text and run with it, so everything else, from the measured
slopes to the verdict on every line, works as for a script. The report shows them.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.check.script.names import is_loss, is_target

__all__ = ["MARK", "drivers"]

MARK = "# --- added for the check: data that fit, and calls ---"

_FORWARD = ("forward", "forward_prop", "forward_pass", "forwardprop", "fprop", "fwd", "call",
            "forward_propagation", "feedforward", "feed_forward", "__call__")  # fmt: skip
_BACKWARD = ("backward", "back_prop", "backprop", "backward_pass", "backward_prop", "bprop", "bwd",
             "backward_propagation", "backpropagation", "back_propagation", "gradient",
             "grad")  # fmt: skip
_NUMBERS = {
    "reg": 0.3, "lam": 0.3, "lambda": 0.3, "l2": 0.3, "alpha": 0.3, "eps": 1e-5, "epsilon": 1e-5,
    "lr": 0.1, "eta": 0.1, "momentum": 0.9, "margin": 1.0, "delta": 1.0, "tau": 0.7, "beta1": 0.9,
}  # fmt: skip
_WHOLE = {
    "stride": 2, "pad": 1, "padding": 1, "kernel_size": 2, "pool_size": 2, "size": 2, "k": 2,
    "filter_size": 2, "pool": 2, "window": 2, "f": 2,
}  # fmt: skip
_ROWS = ("(7, 5)", "(7,)", "(2, 7, 5)", "(8, 6, 3)", "(2, 3, 8, 6)", "(2, 8, 6, 3)", "(5, 7)",
         "(9, 2)", "(9, 3)", "(7, 1)")  # fmt: skip
_RANDOM = "_rng.normal(size={})"
_MOST = 120


def drivers(tree: ast.Module, data: str = "") -> Iterator[str]:
    """Programs that may use what a file defines, the likeliest first; `data`: a .npz file of
    arrays that are used for the arguments of their names."""
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    made = itertools.chain(_pairs(functions), _objects(tree), _with_loss(functions))
    for text in itertools.islice(made, _MOST):
        yield "import numpy as np\n_rng = np.random.default_rng(0)\n" + _with_data(text, data)


def _with_data(text: str, data: str) -> str:
    """A program in which arrays of a file take the place of random ones."""
    if not data:
        return text
    with np.load(data) as arrays:
        names = arrays.files
    lines = []
    for line in text.splitlines():
        name, equals, _ = line.partition(" = ")
        lines.append(f"{name} = _data[{name!r}]" if equals and name in names else line)
    return "\n".join([f"_data = np.load({data!r})", *lines, ""])


# --- forward and backward functions ---------------------------------------------------------------


def _pairs(functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """`out, cache = x_forward(x, w, b)` and `grads = x_backward(dout, cache)`."""
    for name, forward in functions.items():
        for word in _FORWARD:
            if word not in name:
                continue
            for other in _BACKWARD:
                backward = functions.get(name.replace(word, other))
                if backward is not None and backward is not forward:
                    yield from _pair(forward, backward)


def _pair(forward: ast.FunctionDef, backward: ast.FunctionDef) -> Iterator[str]:
    names, back = _arguments(forward), _arguments(backward)
    results = _returned(backward) or [f"d{n}" for n in names]
    for data in _data(names):
        lines = [*data, f"_out = {forward.name}({', '.join(names)})"]
        lines.append("_out, cache = _out if isinstance(_out, tuple) else (_out, None)")
        lines.append("dout = _rng.normal(size=np.shape(_out))")
        given = ["dout" if i == 0 else ("cache" if i == 1 and len(back) == 2 else n)
                 for i, n in enumerate(back)]  # fmt: skip
        lines.append(f"{', '.join(results)} = {backward.name}({', '.join(given)})")
        yield "\n".join(lines) + "\n"


# --- objects --------------------------------------------------------------------------------------


def _objects(tree: ast.Module) -> Iterator[str]:
    """`layer = Layer(…)`, `out = layer.forward(x)`, `dx = layer.backward(dout)`."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
        forward = next((methods[n] for n in _FORWARD if n in methods), None)
        backward = next((methods[n] for n in _BACKWARD if n in methods), None)
        if forward is None or backward is None:
            continue
        names = _arguments(forward)
        more = len(_arguments(backward))
        for made, data in itertools.product(_constructors(methods.get("__init__")), _data(names)):
            lines = [f"layer = {node.name}({made})", *data]
            lines.append(f"_out = layer.{forward.name}({', '.join(names)})")
            lines.append("dout = _rng.normal(size=np.shape(_out))")
            result = f"d{names[0]}" if names else "_result"
            lines.append(f"{result} = layer.{backward.name}({'dout' if more else ''})")
            yield "\n".join(lines) + "\n"


def _constructors(init: ast.FunctionDef | None) -> list[str]:
    names = _arguments(init) if init is not None else []
    if not names:
        return [""]
    sizes = itertools.cycle((5, 4, 3))
    values = [str(_WHOLE.get(n, _NUMBERS.get(n)) or next(sizes)) for n in names]
    return [", ".join(values)]


# --- functions that return the loss and its gradients ---------------------------------------------


def _with_loss(functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """`loss, dW = svm_loss(W, X, y, reg)`."""
    for name, function in functions.items():
        results = _returned(function)
        if len(results) < 2 or not (is_loss(name) or is_loss(results[0])):
            continue
        names = _arguments(function)
        for data in _data(names, with_classes=True):
            lines = [*data, f"{', '.join(results)} = {name}({', '.join(names)})"]
            yield "\n".join(lines) + "\n"


# --- data -----------------------------------------------------------------------------------------


def _data(names: Sequence[str], *, with_classes: bool = False) -> Iterator[list[str]]:
    """Assignments of arrays that may fit together, widths and lengths all different."""
    for rows in _ROWS:
        for parameters in ("(5, 4)", "(5,)", "(4, 5)", "(1, 5)", "(5, 1)"):
            lines = []
            for i, name in enumerate(names):
                lines.append(f"{name} = {_value(name, i, rows, parameters, with_classes)}")
            yield lines


def _value(name: str, place: int, rows: str, parameters: str, with_classes: bool) -> str:
    word = name.lower()
    if word in _NUMBERS:
        return repr(_NUMBERS[word])
    if word in _WHOLE:
        return repr(_WHOLE[word])
    if is_target(name) and place:
        return "np.arange(7) % 4" if with_classes else "np.arange(7) % 5"
    if word.startswith("b") and len(word) <= 2:
        return _RANDOM.format("(4,)") if parameters == "(5, 4)" else _RANDOM.format(parameters)
    if word in (
        "x",
        "inputs",
        "input",
        "images",
        "image",
        "scores",
        "z",
        "a",
        "h",
        "data",
        "feats",
    ):
        return _RANDOM.format(rows)
    if place == 0 and not word.startswith(("w", "theta")):
        return _RANDOM.format(rows)
    return _RANDOM.format(parameters)


def _arguments(function: ast.FunctionDef) -> list[str]:
    """Names of the arguments that have no default, without `self`."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    if function.args.defaults:
        names = names[: -len(function.args.defaults)]
    return [n for n in names if n not in ("self", "cls", "ctx")]


def _returned(function: ast.FunctionDef) -> list[str]:
    """Names of what the function's last `return` returns, if they are names."""
    for node in reversed(list(ast.walk(function))):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            names = [e.id for e in node.value.elts if isinstance(e, ast.Name)]
            return names if len(names) == len(node.value.elts) else []
    return []
