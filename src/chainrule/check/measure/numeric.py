"""Slopes of a loss, measured: by the complex step where the code takes complex numbers, else by
central differences.

The complex step `Im L(w + i h v) / h` with h = 1e-20 subtracts nothing, so it errs by rounding
alone (Squire & Trapp 1998). Code that takes the absolute value of a complex number gives a wrong
answer without a word, so the step is believed only where it agrees with a central difference.

Elsewhere central differences `(L(w + h v) − L(w − h v)) / 2h` are taken, see `measure.ladder`.
"""

from __future__ import annotations

import contextlib
import copy
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.measure.ladder import RATIO, Ladder, Slope, two_sided
from chainrule.check.targets.target import CannotRecastError, Move, Target

__all__ = ["Move", "Prober", "random_direction"]

_COMPLEX_STEP = 1e-20
_AGREE = 1e-9
_CLEAR = 1e-6  # relative: a difference with less error than this can confirm
_WORSE = 10.0  # times the usual error: then the usual step does not suit this direction


class Prober:
    """Measures slopes of a target's loss at its parameters of now.

    Attributes:
        seconds: what one loss takes, at best.
        eps: precision that the loss is computed in.
        complex_step: whether the current session uses it.
        kinks: parameters along which the slopes to both sides differ, as far as that was seen.
        proofs: the directions along which it was tried whether a parameter can.
    """

    def __init__(
        self, target: Target, seed: int = 0, *, trust_complex: bool = True, brief: bool = False
    ) -> None:
        """With `brief` as few losses as can be are spent on getting to know the target."""
        self.target = target
        self.rng = np.random.default_rng(seed)
        self.trust_complex = trust_complex
        self.complex_step = False
        self.proofs: dict[str, np.ndarray] = {}
        self.used: set[str] = set()
        self.seconds = np.inf
        self.base = self._value((), 0.0)
        self.scale = {
            name: float(np.abs(value).max(initial=0.0)) or 1.0
            for name, value in target.parameters().items()
        }
        self.eps = self._precision([] if brief else list(self.scale)[:2])
        self.level = abs(self.base) if brief else self._level()
        self._noise = 2 * self.eps * abs(self.base)
        self._rungs: dict[tuple[Any, ...], tuple[int, float]] = {}
        self.kinks: set[str] = set()
        self._trusted: dict[str, list[str]] = {}  # name -> what goes complex with it

    @property
    def method(self) -> str:
        """In words, what was used so far."""
        return " and ".join(sorted(self.used)) or "central differences"

    def on_another_batch(self) -> Prober:
        """A prober for the target's batch of now that goes by what was learnt on this one: which
        steps suit a parameter, and where the complex step is to be trusted."""
        other = copy.copy(self)
        other.base = other._value((), 0.0)
        other.trust_complex = False  # nothing is tried anew
        other._noise = max(self._noise, 2 * self.eps * abs(other.base))
        if self.eps > 1e-12:  # with few digits no step suits two batches
            other._rungs = {}
        return other

    def floor(self, name: str) -> float:
        """Slopes below this are rounding: the loss has so many digits only."""
        return 50 * self.eps * self.level / max(1.0, self.scale[name])

    # --- values -------------------------------------------------------------------------------

    def _values(self, moves: Sequence[Move], steps: Sequence[float]) -> list[float]:
        start = time.perf_counter()
        losses = self.target.losses_along(moves, steps)
        self.seconds = min(self.seconds, (time.perf_counter() - start) / len(steps))
        return [float(np.real(loss)) for loss in losses]

    def _value(self, moves: Sequence[Move], t: float) -> float:
        return self._values(moves, [t])[0]

    def _precision(self, tried: Sequence[str]) -> float:
        """float32's if the loss is one in spite of float64 parameters, or a parameter is."""
        kinds = {v.dtype for v in self.target.parameters().values() if v.dtype.kind == "f"}
        eps = max((float(np.finfo(kind).eps) for kind in kinds), default=2.0**-52)
        values = [self.base]
        for name in tried if _is_single(self.base) else ():
            step = self.scale[name] * 1e-2
            values.append(self._value([(name, ..., 1.0)], step))
        single = all(_is_single(v) for v in values)
        return max(eps, 2.0**-23) if single and len({*values}) > bool(tried) else eps

    def _level(self) -> float:
        """The size of the numbers that the loss is made of: its own, or, where it is next to 0
        as for a perfect fit, what it is some way off."""
        away = [self._value([(name, ..., 1.0)], self.scale[name]) for name in list(self.scale)[:2]]
        reached = max([abs(v) for v in away if np.isfinite(v)], default=0.0)
        return reached if abs(self.base) < 1e-12 * reached else abs(self.base)

    # --- complex step -------------------------------------------------------------------------

    @contextlib.contextmanager
    def session(self, name: str) -> Iterator[None]:
        """Inside, slopes along `name` are complex steps if that is to be trusted."""
        stack = None
        if name in self._trusted:
            stack = self._as_complex(self._trusted[name])
        elif self.trust_complex:
            stack = self._enter_complex(name)
        self.complex_step = stack is not None
        self.used.add("complex step" if stack else "central differences")
        try:
            yield
        finally:
            self.complex_step = False
            if stack is not None:
                stack.close()

    def distrust(self, name: str) -> None:
        """From now on slopes along `name` are central differences."""
        self._trusted.pop(name, None)
        self.proofs.pop(name, None)

    def _as_complex(self, names: list[str]) -> contextlib.ExitStack:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.target.as_complex(names))
            return stack.pop_all()

    def _enter_complex(self, name: str) -> contextlib.ExitStack | None:
        """The session in which `name` may go complex steps, once they have proved themselves."""
        parameters = self.target.parameters()
        if parameters[name].dtype != np.float64 or self.eps > 1e-12:
            return None
        v = random_direction(self.rng, parameters[name].shape)
        self.proofs[name] = v
        moves = [(name, ..., v)]
        for names in ([name], [n for n, p in parameters.items() if p.dtype.kind == "f"]):
            try:
                with self._as_complex(names) as stack:
                    value = self._complex_slope(moves)
                    if value is not None and self._agrees(moves, value):
                        self._trusted[name] = names
                        return stack.pop_all()
            except CannotRecastError:
                return None
            except Exception:  # code that does not take complex numbers
                continue
        return None

    def _agrees(self, moves: Sequence[Move], value: float) -> bool:
        """Whether central differences give this slope: a few of them, or all that can be told. At
        a kink it is one of many, and `kinks` remembers that."""
        few = self._ladder(moves, range(6, 10)).best()
        size = abs(value) + abs(few.value)
        if few.error <= _CLEAR * size and abs(few.value - value) <= 10 * few.error + _AGREE * size:
            return True
        measured = self.refined(moves, value, real=True)
        slack = 10 * measured.error + _AGREE * max(abs(value), abs(measured.value))
        self.kinks |= {name for name, _, _ in moves if measured.kink}
        return measured.low - slack <= value <= measured.high + slack

    def _complex_slope(self, moves: Sequence[Move]) -> float | None:
        """`Im L(w + i h v) / h`, or None if the code lost the imaginary part."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            (value,) = self.target.losses_along(moves, [1j * _COMPLEX_STEP])
        return value.imag / _COMPLEX_STEP if isinstance(value, complex) else None

    # --- slopes -------------------------------------------------------------------------------

    def slope(self, moves: Sequence[Move]) -> Slope:
        """The slope along a direction, at the usual effort."""
        if self.complex_step:
            value = self._complex_slope(moves)
            if value is not None:
                return Slope.smooth(value, 1e-13 * abs(value))
        return self._central(moves)

    def quick(self, name: str, index: tuple[int, ...]) -> float:
        """The slope along one entry, at the least effort: one or two losses."""
        moves = [(name, index, 1.0)]
        if self.complex_step:
            return self.slope(moves).value
        key = self._key(moves)
        if key not in self._rungs:
            return self._central(moves).value
        h = self._step(moves, self._rungs[key][0] + 1)
        above, below = self._values(moves, [h, -h])
        return (above - below) / (2 * h)

    def brief(self, moves: Sequence[Move], expected: float, *, finer: bool = False) -> Slope:
        """The slope from four losses; with `finer` steps, both one-sided ones if they differ."""
        rung = (2 if self.eps > 1e-12 else 5) + 2 * finer
        ladder = self._ladder(moves, range(rung, rung + 2))
        best = ladder.best()
        return ladder.one_sided(1, best, expected) if finer else best

    def together(self, moves: Sequence[Move], expected: float) -> Slope:
        """The slope along several parameters at once, on the target's batch of now, whichever it
        is: from one complex loss or four real ones."""
        names = [name for name, _, _ in moves]
        if all(name in self._trusted for name in names):
            complex_ones = sorted({other for name in names for other in self._trusted[name]})
            with self._as_complex(complex_ones):
                value = self._complex_slope(moves)
            if value is not None:
                return Slope.smooth(value, 1e-13 * abs(value))
        return self.on_another_batch().brief(moves, expected)

    def refined(self, moves: Sequence[Move], expected: float, *, real: bool = False) -> Slope:
        """The slope with all effort, and both one-sided ones if that explains why it is not
        what was `expected`."""
        if self.complex_step and not real:
            right, left = self._complex_slope(moves), self._complex_slope(_reversed(moves))
            if right is not None and left is not None:
                return two_sided(right, -left, 1e-13 * abs(right), expected)
        ladder = self._ladder(moves)
        best = ladder.best()
        missing = abs(expected - best.value)
        if missing <= 5 * best.error:
            return best
        fine = ladder.finest(missing / 4)
        if fine is None:
            return best
        return ladder.one_sided(fine, best, expected)

    def _central(self, moves: Sequence[Move]) -> Slope:
        key = self._key(moves)
        largest = _largest(moves)
        if key in self._rungs:
            j, usual = self._rungs[key]
            slope = self._ladder(moves, range(j, j + 2)).best()
            if slope.error <= _WORSE * usual * largest:
                return slope
        ladder = self._ladder(moves)
        slope = ladder.best()
        rung = self._usual_rungs()[ladder.best_rung]
        self._rungs.setdefault(key, (rung, slope.error / largest))
        self._noise = max(self._noise, ladder.noise)
        return slope

    def _ladder(self, moves: Sequence[Move], rungs: Sequence[int] | None = None) -> Ladder:
        rungs = self._usual_rungs() if rungs is None else rungs
        steps = [self._step(moves, j) for j in rungs]
        losses = np.array(self._values(moves, [*steps, *(-h for h in steps)]))
        above, below = np.split(losses, 2)
        noise = self._noise if len(steps) < 4 else 2 * self.eps * abs(self.base)
        return Ladder(np.array(steps), above, below, self.base, noise)

    def _usual_rungs(self) -> range:
        """Steps from a quarter of the parameter's size down; few of them if a loss takes long."""
        if self.eps > 1e-12:
            return range(6)
        return range(14) if self.seconds < 2e-3 else range(3, 9)

    def _step(self, moves: Sequence[Move], rung: int) -> float:
        size = max([self.scale[name] for name, _, _ in moves])
        return float(size / _largest(moves) * RATIO ** -(rung + 1))

    def _key(self, moves: Sequence[Move]) -> tuple[Any, ...]:
        """Directions of one parameter with as many entries, roughly, want the same step."""
        sizes = [int(np.log2(max(1, int(np.count_nonzero(v))))) // 3 for _, _, v in moves]
        return (*(name for name, _, _ in moves), *sizes)


def random_direction(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Entries between 0.5 and 1.5 in size, of either sign: gradients that add up to 0, as those
    of a softmax's bias do, would hide from ones."""
    v = rng.uniform(-1.0, 1.0, size=shape)
    v += np.copysign(0.5, v)
    return v


def _is_single(value: float) -> bool:
    """Whether single precision holds it exactly."""
    return bool(np.isfinite(value)) and float(np.float32(value)) == value


def _largest(moves: Sequence[Move]) -> float:
    return max([float(np.abs(v).max()) for _, _, v in moves], default=0.0) or 1.0


def _reversed(moves: Sequence[Move]) -> list[Move]:
    return [(name, index, -v) for name, index, v in moves]
