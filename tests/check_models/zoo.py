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

Models from m41 on are one right file, and a list MISTAKES of one-line changes to it: the mistake's
name, the text, what stands there instead, and the parameters whose gradient is wrong then. So the
wrong code reads as its author would have written it. Each mistake is an entry of its own.
"""

from __future__ import annotations

import importlib.util
import linecache
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FROZEN", "HELD_OUT", "MODELS", "TUNED", "Entry"]

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

    @property
    def number(self) -> int:
        return int(self.path.name[1:3])


def _load(path: Path) -> Iterator[Entry]:
    module = _module(f"check_models_{path.stem}", path.read_text(), str(path))
    given = getattr(module, "loss", None) if "loss" not in module.INFO else None
    if hasattr(module, "wrong"):
        yield Entry(path.stem, path, module.INFO, module.right, module.wrong, given)
        return
    for fault, text, instead, wrong in module.MISTAKES:
        info = module.INFO | {"fault": fault, "where": wrong[-1], "wrong": wrong}
        broken = _with_mistake(path, fault, text, instead)
        yield Entry(f"{path.stem}-{fault}", path, info, module.right, broken.right, given)


def _with_mistake(path: Path, fault: str, text: str, instead: str) -> types.ModuleType:
    head, code = path.read_text().split("\n]\n", 1)  # MISTAKES itself ends here
    if code.count(text) != 1:
        raise ValueError(f"{path.name}: {text!r} stands in the code {code.count(text)} times")
    source = f"{head}\n]\n{code.replace(text, instead)}"
    name = f"check_models_{path.stem}_{fault}"
    return _module(name, source, f"{path}-{fault}")


def _module(name: str, source: str, filename: str) -> types.ModuleType:
    """A module of this source, which tracebacks and `inspect` can show, file or not."""
    spec = importlib.util.spec_from_loader(name, loader=None, origin=filename)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = filename
    sys.modules[name] = module
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), module.__dict__)
    return module


MODELS = tuple(e for path in sorted(HERE.glob("m[0-9][0-9]_*.py")) for e in _load(path))
TUNED = tuple(entry for entry in MODELS if entry.info["tuned"])
HELD_OUT = tuple(entry for entry in MODELS if not entry.info["tuned"] and entry.number <= 40)
FROZEN = tuple(entry for entry in MODELS if entry.number > 40)
"""Written before the diagnosis could repair code, and tried on it once it was done."""
