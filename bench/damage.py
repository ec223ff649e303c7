"""Damaged and forged files: none may be read in silence, and none may do more than be refused.

    python -m bench.damage --damaged 10000 --forged 100000

Damaged files have flipped bits, are cut or overwritten; each must be refused. Forged files have a
right checksum over a document or arrays that make no sense. They may be read or refused with one
of chainrule's errors; any other exception is a fault, and so is a refusal that changes something.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from bench.forgery import damaged, forge_document, forged
from chainrule.cli.runs import find_run

__all__ = ["Outcome", "damage", "forge", "forge_runs"]

SPEC = "5-6(tanh)-dropout(0.2)-3"
OPTIONS: dict[str, Any] = {"batch_size": 8, "optimizer": "adam(0.01)"}


@dataclass
class Outcome:
    """What became of some files.

    Attributes:
        read, refused: how many.
        faults: what else happened, with how to make it again.
        slowest: seconds that one file took at most.
    """

    read: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def data() -> tuple[np.ndarray, np.ndarray]:
    """Thirty examples of three classes."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    return rng.normal(y[:, None], 1.0, (30, 5)).astype(np.float32), y


class _Kill(cr.Callback):
    every = 6

    def on_step_end(self, training: cr.Training) -> None:
        raise RuntimeError("killed here")


def examples(folder: Path) -> dict[str, Path]:
    """A network, a checkpoint between two epochs, and one in the middle of an epoch."""
    paths = {name: folder / name for name in ("network", "finished", "unfinished")}
    cr.Network.from_spec(SPEC).save(paths["network"])
    _fit(callbacks=[cr.EarlyStopping("loss"), cr.Checkpoint(paths["finished"])])
    with contextlib.suppress(RuntimeError):
        _fit(callbacks=[cr.Checkpoint(paths["unfinished"], every_steps=6), _Kill()])
    return paths


def _fit(**options: Any) -> None:
    net, (X, y) = cr.Network.from_spec(SPEC), data()
    cr.fit(net, X, y, epochs=2, snapshots={"W1": [0, 1]}, **OPTIONS, **options)


# --- readers ------------------------------------------------------------------------------------


def read_each(path: Path) -> bool:
    """Read a file in every way; whether any succeeded.

    Raises:
        AssertionError: a resume that was refused has changed something.
        Exception: a reader raised what is no error of chainrule.
    """
    readers: list[Callable[[Path], object]] = [
        cr.Network.load,
        cr.train.read_history,
        cr.train.read_settings,
        cr.train.read_optimizer_state,
        _resume,
    ]
    return sum(_succeeds(reader, path) for reader in readers) > 0


def _succeeds(reader: Callable[[Path], object], path: Path) -> bool:
    try:
        reader(path)
    except cr.ChainruleError:
        return False
    return True


def _resume(path: Path) -> None:
    X, y = data()
    net, stopping = cr.Network.from_spec(SPEC), cr.EarlyStopping("loss")
    params, state = net.params.copy(), repr(vars(stopping))
    callbacks: list[cr.Callback] = [stopping, _Began()]
    try:
        cr.fit(net, X, y, epochs=3, callbacks=callbacks, resume=path, **OPTIONS)
    except cr.StorageError:
        assert np.array_equal(net.params, params), "a refusal changed the network"
        assert repr(vars(stopping)) == state, "a refusal changed a callback"
        raise


class _Began(cr.Callback):
    def on_train_end(self, training: cr.Training) -> None:
        assert training.epoch <= training.epochs
        assert len(training.history) == training.epoch


def read_run(path: Path) -> bool:
    """Read the `run.json` of a folder."""
    return _succeeds(lambda path: find_run(str(path.parent), path.parent), path)


# --- measuring ----------------------------------------------------------------------------------


def measure(
    count: int, make: Callable[[int], str], path: Path, read: Callable[[Path], bool] = read_each
) -> Outcome:
    """Make and read so many files."""
    outcome = Outcome()
    for seed in range(count):
        what = make(seed)
        start = time.perf_counter()
        try:
            if read(path):
                outcome.read += 1
            else:
                outcome.refused += 1
        except Exception as error:
            outcome.faults.append(f"seed {seed}, {what}: {type(error).__name__}: {error}")
        outcome.slowest = max(outcome.slowest, time.perf_counter() - start)
    return outcome


def damage(folder: Path, count: int) -> Outcome:
    """Read so many damaged files."""
    wholes, path = [p.read_bytes() for p in examples(folder).values()], folder / "damaged"

    def make(seed: int) -> str:
        rng = random.Random(seed)
        whole = rng.choice(wholes)
        spoilt = damaged(whole, rng)
        while spoilt == whole:
            spoilt = damaged(whole, rng)
        path.write_bytes(spoilt)
        return "damaged"

    return measure(count, make, path)


def forge(folder: Path, count: int) -> Outcome:
    """Read so many forged files."""
    originals, path = list(examples(folder).values()), folder / "forged"

    def make(seed: int) -> str:
        rng = random.Random(seed)
        return forged(rng.choice(originals), path, rng)

    return measure(count, make, path)


def forge_runs(folder: Path, count: int) -> Outcome:
    """Read so many forged `run.json`."""
    path = folder / "run.json"
    settings: dict[str, Any] = {
        "net": SPEC, "loss": "mse", "optimizer": "sgd", "batch_size": 8, "epochs": 3, "seed": 0,
        "data": "a.csv", "target": None, "test_data": None, "holdout": 0.2, "patience": None,
        "save_every": None, "animate": False, "engine": "auto", "threads": None,
    }  # fmt: skip
    document = {"format": 1, "chainrule": "0", "settings": settings, "classes": ["a", "b"]}

    def make(seed: int) -> str:
        rng = random.Random(seed)
        changed = json.loads(json.dumps(document))
        what = forge_document(changed, rng)
        text = json.dumps(changed).encode()
        path.write_bytes(text if rng.random() < 0.7 else damaged(text, rng))
        return what

    return measure(count, make, path, read_run)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.damage", description=__doc__)
    parser.add_argument("--damaged", type=int, default=1_000)
    parser.add_argument("--forged", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, outcome in (
            ("damaged files", damage(folder, arguments.damaged)),
            ("forged files", forge(folder, arguments.forged)),
            ("forged run.json", forge_runs(folder, arguments.forged)),
        ):
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{what}: {outcome.read:,} read, {outcome.refused:,} refused, "
                f"{len(outcome.faults):,} faults; slowest {outcome.slowest:.2f} s; "
                f"peak memory of the process so far {memory} MiB"
            )
            for fault in outcome.faults[:20]:
                print(f"  {fault[:300]}")


if __name__ == "__main__":
    main()
