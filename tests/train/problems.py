"""Small problems to train on."""

from __future__ import annotations

import numpy as np

import chainrule as cr


def blobs(n=200, classes=3, width=5, seed=0):
    """Gaussian blobs, one a class: X (n, width), y (n,)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    centres = 3 * rng.standard_normal((classes, width))
    return (centres[y] + rng.standard_normal((n, width))).astype(np.float32), y


def network(spec="5-16-dropout(0.2)-3", **kwargs):
    return cr.Network.from_spec(spec, **kwargs)


class StopAt(cr.Callback):
    """Ends training after so many steps, as a kill would, but in one process."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, training):
        if training.step == self.step:
            training.stop("test")


class KilledError(Exception):
    pass


class KillAfter(cr.Callback):
    """Ends the run as a kill would: at once, with nobody told, when so many steps are done."""

    def __init__(self, step):
        self.step = step

    def on_step_begin(self, training):
        if training.step == self.step:
            raise KilledError


class Clock:
    """Time that passes only where a test says so; it stands in for the module `time`."""

    now = 0.0

    def perf_counter(self):
        return self.now
