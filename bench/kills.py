"""Kill processes that save, and let pairs of them save to one path: nothing may be lost.

    python -m bench.kills --kills 100 --pairs 50

Runs are killed by each signal in turn, at random moments and in the middle of writes, and resumed
each time; each must end with the parameters of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.storage import load_tensors

__all__ = ["kill", "pair"]

SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")

TRAIN = """
import os, signal, sys
import numpy as np
import chainrule as cr
from chainrule import atomic

path, die_at_write, resume, epochs = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4]
writes = 0

def fsync(handle, real=os.fsync):
    global writes
    writes += 1
    if writes == die_at_write:
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)

os.fsync = fsync
y = np.arange(3000) % 3
X = np.random.default_rng(0).normal(y[:, None], 1.0, (3000, 20)).astype("float32")
net = cr.Network.from_spec("20-64-dropout(0.2)-3")
print("ready", flush=True)
cr.fit(net, X, y, epochs=int(epochs), batch_size=16, optimizer="adam", engine="numpy",
       callbacks=[cr.Checkpoint(path, every_steps=20)], resume=path if resume else None)
"""

WRITE = """
import sys
import numpy as np
from chainrule.storage import save_tensors

for value in range(int(sys.argv[2]), int(sys.argv[2]) + 20):
    x = np.full(200_000, float(value))
    save_tensors(sys.argv[1], "network", {"x": x}, {"value": value}, keep_previous=True)
"""


def _start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_as_in_a_terminal,
    )  # fmt: skip


def _as_in_a_terminal() -> None:
    """Whatever `nohup` or a shell in the background has ignored."""
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def kill(folder: Path, count: int, epochs: int) -> dict[str, int]:
    """Kill a run so often while it trains, resuming it each time; count what went wrong.

    A run that reaches its end is compared with one that nobody disturbed, and the next is begun.
    """
    path, whole, rng = folder / "killed", folder / "whole", random.Random(0)
    _start(TRAIN, whole, 0, 0, epochs).communicate()
    names = ("started", "killed", "finished", "unreadable", "steps lost", "other parameters")
    found = dict.fromkeys(names, 0)
    step = 0
    while found["killed"] < count:
        killed = _run_and_kill(path, found["started"], epochs, rng)
        found["started"] += 1
        found["killed"] += killed
        if killed:
            step = _look(path, step, found)
        else:
            _compare(path, whole, found)
            step = 0
    _start(TRAIN, path, 0, int(path.exists()), epochs).communicate()
    _compare(path, whole, found)
    return found


def _run_and_kill(path: Path, i: int, epochs: int, rng: random.Random) -> bool:
    """Whether the signal, or the kill within a write, came before the run's end."""
    in_write = rng.randrange(1, 12) if i % 3 == 0 else 0
    process = _start(TRAIN, path, in_write, int(path.exists()), epochs)
    assert process.stdout is not None
    process.stdout.readline()
    if not in_write:
        time.sleep(rng.uniform(0.0, 0.4))
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(getattr(signal, SIGNALS[i % 4]))
    process.communicate()
    return process.returncode != 0


def _look(path: Path, step: int, found: dict[str, int]) -> int:
    """The step that was saved last; it must not be an earlier one than before."""
    if not path.exists():
        return step
    try:
        done = int(cr.train.read_settings(path)["step"])
    except Exception as error:
        print(f"unreadable after kill {found['killed']}: {error}")
        found["unreadable"] += 1
        return step
    found["steps lost"] += done < step
    return done


def _compare(path: Path, whole: Path, found: dict[str, int]) -> None:
    """Compare a run that ended with the undisturbed one, and delete it."""
    same = np.array_equal(cr.Network.load(path).params, cr.Network.load(whole).params)
    found["finished"] += 1
    found["other parameters"] += not same
    for file in path.parent.glob("killed*"):
        file.unlink()


def pair(folder: Path, count: int) -> dict[str, int]:
    """Let so many pairs of processes save to one path, and read it all the time."""
    path, found = folder / "shared", {"reads": 0, "unreadable": 0, "lost": 0, "failed writers": 0}
    for _ in range(count):
        writers = [_start(WRITE, path, first) for first in (1_000, 2_000)]
        while any(writer.poll() is None for writer in writers):
            if path.exists():
                found["reads"] += 1
                found["unreadable"] += _value(path) is None
        for writer in writers:
            writer.communicate()
            found["failed writers"] += writer.returncode != 0
        found["lost"] += _value(path) not in (1_019, 2_019)
    found["left over"] = sum(name.suffix == ".tmp" for name in folder.iterdir())
    return found


def _value(path: Path) -> int | None:
    try:
        stored = load_tensors(path, "network")
    except cr.StorageError as error:
        print(error)
        return None
    value = int(stored.meta["value"])
    return value if (stored.tensors["x"] == value).all() else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=120)
    arguments = parser.parse_args()
    warnings.simplefilter("error")  # falling back to the version before would be one
    with tempfile.TemporaryDirectory() as folder:
        print("kills:", kill(Path(folder), arguments.kills, arguments.epochs))
        print("pairs of writers:", pair(Path(folder), arguments.pairs))


if __name__ == "__main__":
    main()
