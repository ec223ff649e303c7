"""Running the user's file: as a script, seeded, without windows, prompts or pauses."""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import socket
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from chainrule.check.script.optimisers import STEP, one_evaluation
from chainrule.check.script.syntax import HOOK

__all__ = ["Execute", "HookLike", "isolated", "of_file", "run_code", "silent"]

_DRAWING = ("matplotlib", "seaborn", "plotly", "pylab", "IPython", "mpl_toolkits", "tqdm")


class HookLike(Protocol):
    """What instrumented code calls with every value: it gives the value back, or another one."""

    def __call__(self, site: str, value: Any, owner: Any = ..., key: Any = ...) -> Any:
        """The event at a site."""

    def repeat(self) -> None:
        """The same code runs once more: from here on its events have the keys that they had."""


Execute = Callable[[Any, HookLike], None]
"""Runs a version of the user's code with a hook: the compiled file, or what stands for it."""


_seed = 0  # added to every seed that user code gives: other numbers, and the same every time


def of_file(filename: str, seed: int = 0) -> Execute:
    """Executes versions of a file, with `seed` added to every seed in them."""
    return functools.partial(run_code, filename=filename, seed=seed)


def run_code(code: types.CodeType, hook: HookLike, filename: str, seed: int = 0) -> None:
    """Execute a compiled file as `__main__`, with a hook for its events.

    Whatever the file raises passes through, `SystemExit` included.
    """
    global _seed
    _seed = seed
    module = types.ModuleType("__main__")
    module.__file__ = filename
    module.__dict__[HOOK] = hook
    module.__dict__[STEP] = one_evaluation(hook)
    sys.modules["__main__"] = module
    random.seed(0)
    np.random.seed(0)
    names = dict(vars(builtins))
    try:
        exec(code, module.__dict__)
    finally:  # what the analysis itself needs
        vars(builtins).update(names)
        np.seterr(all="ignore")


@contextlib.contextmanager
def isolated(filename: str) -> Iterator[None]:
    """Inside, in a process of its own, user code finds no keyboard, no window and no clock to wait
    for, prints nowhere, and draws the same random numbers every time."""
    os.environ["MPLBACKEND"] = "Agg"
    folder = os.path.dirname(os.path.abspath(filename))
    sys.argv, sys.path[:0] = [filename], [folder]
    socket.setdefaulttimeout(2.0)
    _quiet_prompts()
    _seed_generators()
    sys.meta_path.append(_Drawings())
    with silent():
        yield


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Inside, in a process of its own, nothing is printed or read, and BLAS has one thread."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdin, sys.stdout, sys.stderr = (open(os.devnull, mode) for mode in "rww")  # noqa: SIM115
    with warnings.catch_warnings(), np.errstate(all="ignore"), _one_thread():
        warnings.simplefilter("ignore")
        yield


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


def _quiet_prompts() -> None:
    names: Any = builtins
    names.input = lambda *_: ""
    clock: Any = time
    clock.sleep = lambda *_: None


def _seed_generators() -> None:
    """Generators that would be seeded by the system are seeded with 0."""
    default_rng, seed, python_seed = np.random.default_rng, np.random.seed, random.seed

    @functools.wraps(default_rng)
    def seeded_rng(seed: Any = None) -> Any:
        return default_rng(_moved(seed))

    class SeededState(np.random.RandomState):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(_moved(seed))

    numpy_random: Any = np.random
    numpy_random.default_rng, numpy_random.RandomState = seeded_rng, SeededState
    numpy_random.seed = lambda value=None: seed(_moved(value))
    python_random: Any = random
    python_random.seed = lambda value=None, *_: python_seed(_moved(value))


def _moved(seed: Any) -> Any:
    """The seed of this run: what user code gives, 0 for None, plus the run's own."""
    if seed is None:
        return _seed
    return int(seed) + _seed if isinstance(seed, int | np.integer) else seed


class _Drawings(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """What only draws or shows progress, where it is not installed: it may be left out."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.split(".")[0] not in _DRAWING:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _Stub(types.ModuleType):
    """A module of which every name is a function that does nothing."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _passed_on if name in ("tqdm", "trange") else _Nothing()


def _passed_on(items: Any = (), *_: Any, **__: Any) -> Any:
    return range(items) if isinstance(items, int) else items


class _Nothing:
    """Takes every call, attribute and index, and is nothing."""

    def __call__(self, *_: Any, **__: Any) -> _Nothing:
        return self

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _: object) -> _Nothing:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter((self, self))

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        return None
