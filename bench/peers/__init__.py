"""Who is compared: one short file a peer, all with the interface of `bench.peers.base.Peer`."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from importlib.util import find_spec

from bench.peers.base import Peer, Task

__all__ = ["ENTRIES", "PEERS", "VARIANTS", "Entry", "Peer", "Task", "installed", "make"]

CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Entry:
    """Where a peer is found, what must be installed for it, and with how many threads it is tried.

    It is measured with the count that is quickest; None leaves the choice to the library. One
    that `follows` another takes the count of that one, as trying would take it too long.
    """

    title: str
    module: str
    cls: str
    requires: tuple[str, ...] = ()
    imports: str = "chainrule"
    threads: tuple[int | None, ...] = (1, CORES)
    compiles: bool = False
    follows: str | None = None


PEERS = {
    "chainrule": Entry("chainrule", "chainrule", "Chainrule", threads=(None,)),
    "numpy": Entry("NumPy textbook loop", "numpy_loop", "NumpyLoop", imports="numpy"),
    "sklearn": Entry(
        "scikit-learn", "sklearn", "ScikitLearn", ("sklearn",), imports="sklearn.neural_network"
    ),
    "torch": Entry("PyTorch eager", "torch", "Eager", ("torch",), imports="torch"),
    "torch-compiled": Entry(
        "PyTorch compiled",
        "torch",
        "Compiled",
        ("torch",),
        imports="torch",
        compiles=True,
        follows="torch",
    ),
    "jax": Entry("JAX jit + scan", "jax", "Jax", ("jax", "jaxlib"), imports="jax", compiles=True),
}
# The same library asked for something else than what it chooses by itself.
VARIANTS = {
    "chainrule-1": Entry("chainrule, threads=1", "chainrule", "OneThread", threads=(None,)),
    "chainrule-2": Entry("chainrule, threads=2", "chainrule", "TwoThreads", threads=(None,)),
    "chainrule-numpy": Entry(
        'chainrule, engine="numpy"', "chainrule", "NumpyEngine", threads=(None,)
    ),
    "chainrule-saving": Entry(
        "chainrule, LogFile and Checkpoint", "chainrule", "Saving", threads=(None,)
    ),
}
ENTRIES = PEERS | VARIANTS


def installed(names: list[str]) -> list[str]:
    """Those of the peers whose packages are here."""
    return [name for name in names if all(find_spec(module) for module in PEERS[name].requires)]


def make(name: str, task: Task) -> Peer:
    """The peer of this name, for a task; what it needs is imported now."""
    entry = ENTRIES[name]
    module = importlib.import_module(f"bench.peers.{entry.module}")
    peer: Peer = getattr(module, entry.cls)(task)
    return peer
