"""`chainrule info`: what runs here, and how fast it may."""

from __future__ import annotations

import platform
from importlib import metadata

import numpy as np

import chainrule
from chainrule.cli.options import Json
from chainrule.cli.output import print_json, print_pairs, standard_output
from chainrule.native import instruction_set, kernels, thread_count, why_missing
from chainrule.native.blas import find_blas

__all__ = ["info"]

_OPTIONAL = ("scipy", "scikit-learn", "matplotlib", "onnx", "torch", "jax")


def info(json: Json = False) -> None:
    """Show the engine, its instruction set, threads, BLAS, and versions."""
    facts = _facts()
    if json:
        print_json(facts)
    else:
        print_pairs(standard_output(), [(k.replace("_", " "), str(v)) for k, v in facts.items()])


def _facts() -> dict[str, object]:
    engine = "native" if kernels is not None else f"numpy ({why_missing})"
    return {
        "chainrule": chainrule.__version__,
        "engine": engine,
        "instruction_set": instruction_set(),
        "threads": thread_count(),
        "blas": _blas(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: version for name in _OPTIONAL if (version := _version(name))},
    }


def _blas() -> str:
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library["user_api"] == "blas":
            used = "also by the native engine" if find_blas()[0] else "by NumPy only"
            name, version = library["internal_api"], library.get("version") or ""
            return f"{name} {version}, used {used}".replace(" ,", ",")
    return "none that is known"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
