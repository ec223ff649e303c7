"""The hand-written models in this folder, collected: each right, and with exactly one mistake.

`right()` and `wrong()` of a model give `(target, X, y)`, the target by `INFO["kind"]`:

    class     an object with forward(X), backward(y); "pairs" says which attribute is whose gradient
    dict      an object with .params, and loss(X, y) -> (loss, grads), or "pairs" as for a class
    layers    an object with forward(X), backward(y) and a list of layer objects
    function  (f, params): f(params, X, y) -> (loss, grads), params a dict, a list or nested
    flat      (f, theta): f(theta, X, y) -> (loss, gradient), theta one vector
    op        (forward, backward): forward(*X) -> (out, cache), backward(dout, cache) -> gradients
              of X, which is the tuple of inputs; y is None

Other keys of INFO: "fault" is the mistake's name (the catalogue's, where it has this mistake;
otherwise a plain description: such a mistake can be found, but not named), "where" the first
wrong parameter on the way back, "wrong" all of them, "tuned" whether the catalogue may be tuned
on it (its rates are reported on the others), "loss" how the loss is got from the model m (none:
the model has no loss, the module has), "layers" the list's name, "entries" the part of a flat
vector that can be wrong, "fixed batch" that no other batch fits, "dtype" where not float64, and
"experiment" what it takes to see a mistake of state: "step twice", "backward twice",
"batch between", "other batch".
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["HELD_OUT", "MODELS", "TUNED", "Entry"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One model of the zoo."""

    name: str
    path: Path
    info: dict[str, Any]
    right: Callable[[], tuple[Any, Any, Any]]
    wrong: Callable[[], tuple[Any, Any, Any]]
    loss: Callable[[Any, Any], float] | None  # loss(out, y), where the model has none itself


def _load(path: Path) -> Entry:
    name = f"check_models_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    given = getattr(module, "loss", None) if "loss" not in module.INFO else None
    return Entry(path.stem, path, module.INFO, module.right, module.wrong, given)


MODELS = tuple(_load(path) for path in sorted(HERE.glob("m[0-9][0-9]_*.py")))
TUNED = tuple(entry for entry in MODELS if entry.info["tuned"])
HELD_OUT = tuple(entry for entry in MODELS if not entry.info["tuned"])
