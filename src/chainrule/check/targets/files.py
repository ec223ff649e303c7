"""A model in a file, for the shell: `chainrule check FILE.py[:NAME]`."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.atomic import as_path
from chainrule.check.runtime.user_code import no_warnings
from chainrule.check.targets import find_target
from chainrule.check.targets.batch import guess_arguments
from chainrule.check.targets.methods import BACKWARD, FORWARD, GRADIENT
from chainrule.check.targets.roles import roles_of
from chainrule.check.targets.target import Target
from chainrule.check.targets.torch import is_torch
from chainrule.errors import ChainruleError, InputError
from chainrule.nn import Layer, Loss, Network
from chainrule.registry import nearest

__all__ = ["Found", "load_target", "things_in_file"]

_PARAMS = ("params", "parameters", "theta", "weights", "W")
_MAKERS = ("init_params", "initialize_parameters", "init_parameters", "make_params", "init")
_FUNCTIONS = ("loss_and_grads", "loss_and_gradients", "loss_and_grad", "value_and_grad")
_LINES = 6  # of a traceback that are shown


def load_target(
    path: str | Path, name: str | None = None, *, seed: int = 0, loss: Any = None
) -> Target:
    """What can be checked in a Python file. **The file's code is run.**

    Args:
        path: the file; `FILE.py:NAME` names a thing in it too.
        name: an object, class or function in it. Without it the first that can be checked is
            taken: an object, a class, `loss_and_grads` with `params`, a `forward` and a
            `backward`. A class is made with small sizes where its constructor wants some.
        seed: of the random batch; `X`, `y` and `loss` of the file are used where it has them.

    Raises:
        InputError: no such file, it does not import (with its own traceback, shortened), or
            there is nothing in it to check.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.py")
    ...     _ = file.write_text("from chainrule import Network\\nnet = Network.from_spec('4-5-3')")
    ...     load_target(file, "net").kind
    'network'
    """
    problem: Exception | None = None
    for found in things_in_file(path, name, loss=loss):
        if problem is not None and found.is_class:
            break  # what is wrong with the file's object must not be hidden by one of its class
        try:
            with no_warnings():
                return find_target(found.thing, found.X, found.y, found.loss, seed)
        except ChainruleError as error:
            problem = problem or error
    assert problem is not None
    raise problem


@dataclass(frozen=True)
class Found:
    """Something in a file that may be checked, and the data that the file has for it.

    Attributes:
        thing: as `check_gradients` takes it.
        X, y, loss: of the file, None where it has none.
        is_class: whether the thing is an object that was made of a class of the file.
    """

    thing: Any
    X: Any
    y: Any
    loss: Any
    is_class: bool


def things_in_file(path: str | Path, name: str | None = None, *, loss: Any = None) -> list[Found]:
    """What may be checked in a file, the likeliest first. The file is run, and classes are made
    objects of; no forward or backward pass is.

    Args:
        path, name, loss: as `load_target` takes them.

    Raises:
        InputError: no such file, it does not import, or there is nothing in it to check.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.py")
    ...     _ = file.write_text("from chainrule import Network\\nnet = Network.from_spec('4-5-3')")
    ...     [found.thing.spec for found in things_in_file(file)]
    ['4-5-3']
    """
    text = str(as_path(path))
    if name is None and not os.path.exists(text) and ":" in text:
        text, _, name = text.rpartition(":")
    module = _run(Path(text))
    names = vars(module)
    X, y = names.get("X"), names.get("y")
    if loss is None and callable(names.get("loss")) and name != "loss":
        loss = None if _is_model(module) else names["loss"]
    if name is not None:
        if not isinstance(name, str) or name not in names:
            public = [n for n in names if not n.startswith("_")]
            raise InputError(
                f"there is no {name!r} in {text}{nearest(name, public)}; it has {', '.join(public)}"
            )
        things: list[Any] = [_with_params(names[name], names)]
    else:
        things = list(_candidates(module))
    if not things:
        raise InputError(
            f"found nothing to check in {text}: looked for an object or class with forward and "
            f"backward, loss_and_grads with params, or functions forward and backward"
        )
    found, problem = [], None
    for thing in things:
        try:
            found.append(Found(_made(thing), X, y, loss, isinstance(thing, type)))
        except ChainruleError as error:
            problem = problem or error
    if not found and problem is not None:
        raise problem
    return found


class _FromSource(importlib.machinery.SourceFileLoader):
    """Compiles the file at each load and leaves nothing beside it. Cached bytecode goes by the
    file's second and length: a file that was changed quickly would be taken for the old one."""

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _run(path: Path) -> types.ModuleType:
    if not os.path.isfile(path):
        raise InputError(f"there is no file {str(path)!r}")
    name = f"chainrule_checked_{path.stem}"
    if importlib.util.spec_from_file_location(name, path) is None:
        raise InputError(f"{str(path)!r} is not a Python file")
    loader = _FromSource(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    with _importable(module, path):
        try:
            loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise InputError(f"{path} does not import:\n{_short(error, path)}") from error
    return module


@contextlib.contextmanager
def _importable(module: types.ModuleType, path: Path) -> Iterator[None]:
    """While the file runs, its neighbours can be imported, as when it is run as a script."""
    sys.path.insert(0, str(path.parent.absolute()))
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.path.remove(str(path.parent.absolute()))


def _short(error: BaseException, path: Path) -> str:
    """The end of a traceback, from the file on."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [i for i, f in enumerate(frames) if Path(f.filename).name == path.name]
    frames = traceback.StackSummary.from_list(frames[inside[0] :] if inside else [])
    lines = "".join(traceback.format_list(frames[-_LINES // 2 :])).splitlines()
    return "\n".join([*lines, *"".join(traceback.format_exception_only(error)).splitlines()])


def _candidates(module: types.ModuleType) -> Iterator[Any]:
    names = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    here = {k: v for k, v in names.items() if getattr(v, "__module__", None) == module.__name__}
    objects = [v for v in names.values() if isinstance(v, Network) or _is_object(v)]
    yield from (v for v in objects if not _is_helper(v))
    for name in _FUNCTIONS:
        if name in names:
            yield _with_params(names[name], names)
    pair = _pair(names)
    if pair is not None:
        params = _params_of(names)
        if params is not None and _wants_params(pair[0]):
            yield (*pair, params)
        elif _is_model(module):
            yield module
        else:
            yield pair
    classes = [v for v in here.values() if isinstance(v, type) and _has_methods(v)]
    yield from (v for v in classes if not _is_helper(v))
    yield from (v for v in (*objects, *classes) if _is_helper(v))


def _is_object(value: Any) -> bool:
    if isinstance(value, type | types.ModuleType | types.FunctionType):
        return False
    return isinstance(value, Layer | Loss) or is_torch(value) or _has_methods(value)


def _has_methods(value: Any) -> bool:
    forward = any(callable(getattr(value, n, None)) for n in FORWARD)
    backward = any(callable(getattr(value, n, None)) for n in BACKWARD)
    gradient = any(callable(getattr(value, n, None)) for n in GRADIENT[:-1])
    return (forward and backward) or gradient


def _is_helper(value: Any) -> bool:
    """Whether it is part of a model, such as an activation with a `gradient`."""
    methods = (*BACKWARD, *GRADIENT[:-1])
    found = [n for n in methods if callable(getattr(value, n, None))]
    return found in (["gradient"], ["grad"])


def _pair(names: dict[str, Any]) -> tuple[Any, Any] | None:
    forward = next(
        (names[n] for n in FORWARD if isinstance(names.get(n), types.FunctionType)), None
    )
    backward = next(
        (names[n] for n in BACKWARD if isinstance(names.get(n), types.FunctionType)), None
    )
    if forward is None or backward is None:
        return None
    return forward, backward


def _is_model(module: types.ModuleType) -> bool:
    """Whether functions and global arrays make a model of the file itself."""
    pair = _pair(vars(module))
    if pair is None:
        return False
    return any(v.dtype.kind == "f" for k, v in vars(module).items() if _is_array(v) and k != "X")


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "dtype") and hasattr(value, "shape")


def _wants_params(function: Any) -> bool:
    return "params" in roles_of(function, ["X", "y", "params"]).values()


def _params_of(names: dict[str, Any]) -> Any:
    for name in _PARAMS:
        if name in names and not callable(names[name]):
            return names[name]
    for name in _MAKERS:
        if isinstance(names.get(name), types.FunctionType):
            return _call_with_sizes(names[name])
    return None


def _with_params(thing: Any, names: dict[str, Any]) -> Any:
    """A function together with the file's parameters."""
    if not isinstance(thing, types.FunctionType):
        return thing
    params = _params_of(names)
    if params is None:
        raise InputError(
            f"{thing.__name__} needs parameters: looked for {', '.join(_PARAMS)} or a function "
            f"{', '.join(_MAKERS)} in the file"
        )
    return (thing, params)


def _made(thing: Any) -> Any:
    """An object of a class."""
    return _call_with_sizes(thing) if isinstance(thing, type) and not is_torch(thing) else thing


@no_warnings()
def _call_with_sizes(function: Any) -> Any:
    """Call a constructor, with small sizes for what it wants."""
    problem: Exception | None = None
    for arguments in [{}, *guess_arguments(function)]:
        try:
            return function(**arguments)
        except Exception as error:  # somebody's code may raise anything
            problem = error
    raise InputError(
        f"cannot make a {function.__name__} with small sizes ({type(problem).__name__}: "
        f"{problem}); "
        f"put an object of it into the file, such as model = {function.__name__}(…)"
    )
