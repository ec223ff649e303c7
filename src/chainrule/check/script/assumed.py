"""The usual losses of an output and its targets, for files that compute none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.script.names import is_target
from chainrule.check.script.replay import Replayer, direction, leaf_look
from chainrule.check.script.slopes import Loss, Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path, differs

__all__ = ["assumed_losses", "count_text", "outputs_of", "targets_of"]

_MOST_LOOKS = 1500
_MOST_OUTPUTS = 5


def outputs_of(
    tape: Tape, replayer: Replayer, places: Sequence[Place], end: int
) -> tuple[list[list[tuple[Event, Path]]], set[tuple[str, Path]]]:
    """The first values that depend on every parameter, the latest of them first: the network's
    output, and what is computed from it. Each is the list of its occurrences, one an example if
    they come one by one. Also the sites of all values that depend on any parameter: no targets."""
    looked = [
        (event, path)
        for event in tape.events[:end]
        if event.site.kind not in ("add", "inner")
        for path, leaf in event.real_leaves()
        if np.size(leaf) <= 50_000
    ][:_MOST_LOOKS]
    looks = [leaf_look(event.key, path) for event, path in looked]
    plain = replayer.read(looks)[0]
    rows = replayer.read(looks, [[place.move(7, 1e-2 * place.scale)] for place in places])
    chosen: dict[tuple[str, Path], list[tuple[Event, Path]]] = {}
    for i, (event, path) in enumerate(looked):
        if event.site.name.startswith("self.") and event.site.function == "__init__":
            continue  # a node of a graph
        if event.site.kind in ("argument", "loop"):
            continue
        if any(_is_alias(event, path, place) for place in places):
            continue
        if "[" in event.site.name and event.site.kind == "assign" and _size_of(event) == 1:
            continue  # an entry of an array
        if event.site.kind == "after" and any(
            _moves_along(row[i], plain[i], p) for row, p in zip(rows, places, strict=True)
        ):
            continue  # the parameter itself, updated
        if all(differs(row[i], plain[i]) for row in rows):
            chosen.setdefault((event.key[0], path), []).append((event, path))
    dependent = {
        (event.key[0], path)
        for i, (event, path) in enumerate(looked)
        if any(differs(row[i], plain[i]) for row in rows)
    }
    return list(chosen.values())[:_MOST_OUTPUTS][::-1], dependent


def _moves_along(moved: Any, plain: Any, place: Place) -> bool:
    if np.shape(moved) != place.value.shape or plain is None or place.value.size < 2:
        return False
    change = (np.asarray(moved) - np.asarray(plain)).ravel()
    delta = direction(place.value.shape, 7).ravel()
    size = float(np.linalg.norm(change) * np.linalg.norm(delta))
    return size > 0 and float(change @ delta) / size > 0.9


def _size_of(event: Event) -> int:
    """The number of entries of a plain value; 0 for a tuple, list or dict."""
    return int(np.size(event.leaves[()])) if () in event.leaves else 0


def _is_alias(event: Event, path: Path, place: Place) -> bool:
    """Whether a value is the parameter itself, under another name or copied."""
    leaf = event.leaves[path]
    return np.shape(leaf) == place.value.shape and np.array_equal(leaf, place.value)


def assumed_losses(
    tape: Tape,
    outputs: Sequence[Sequence[tuple[Event, Path]]],
    dependent: Collection[tuple[str, Path]],
    end: int,
) -> list[Loss]:
    """The usual losses of each output and each array that may be its targets."""
    found = []
    for output in outputs:
        for named, target in targets_of(tape, output, dependent, end):
            for name, function in _fitting(output, target):
                found.append(_assumed(name.replace("{y}", named), function, output, target))
    return found


def _assumed(
    name: str,
    function: Callable[[np.ndarray, np.ndarray], float],
    output: Sequence[tuple[Event, Path]],
    target: Sequence[np.ndarray],
) -> Loss:
    out = output[0][0].name(output[0][1])

    def value(seen: Sequence[Any]) -> float:
        with np.errstate(all="ignore"):
            return float(sum(function(np.asarray(a), y) for a, y in zip(seen, target, strict=True)))

    looks = [leaf_look(event.key, path) for event, path in output]
    return Loss(
        name.format(a=out) + count_text(output),
        0,
        looks,
        value,
        assumed=True,
        index=output[-1][0].index,
    )


def count_text(output: Sequence[tuple[Event, Path]]) -> str:
    """ ", summed over 8 examples", if there are more values than one."""
    return f", summed over {len(output)} examples" if len(output) > 1 else ""


def targets_of(
    tape: Tape,
    output: Sequence[tuple[Event, Path]],
    dependent: Collection[tuple[str, Path]],
    end: int,
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Arrays with the name of targets: the name, and the value beside each output."""
    shape = np.shape(output[0][0].leaves[output[0][1]])
    sites: dict[tuple[str, Path], int] = {}
    rows: dict[tuple[str, Path], int] = {}
    for event in tape.events[:end]:
        for path, leaf in event.leaves.items():
            if (event.key[0], path) in dependent or not isinstance(leaf, np.ndarray | float | int):
                continue
            named = is_target(event.name(path))
            if named and _fits(leaf, shape):
                sites.setdefault((event.key[0], path), event.index)
            if named and np.ndim(leaf) and _fits(np.asarray(leaf)[0], shape):
                rows.setdefault((event.key[0], path), event.index)
    seen: list[list[np.ndarray]] = []
    for indexed, places in ((False, sites), (True, rows)):
        for site, path in sorted(places, key=lambda s: places[s])[:4]:
            found = [_beside(tape, event, site, path, end, indexed) for event, _ in output]
            values = [np.asarray(v) for v in found if v is not None]
            known = len(values) == len(output) and not any(
                all(np.array_equal(a, b) for a, b in zip(values, other, strict=True))
                for other in seen
            )
            if known:
                seen.append(values)
                event = next(e for e in tape.events if e.key[0] == site)
                yield event.name(path) + ("[i]" if indexed else ""), values


def _fits(leaf: Any, shape: tuple[int, ...]) -> bool:
    """Whether it may be a target: of the output's shape, or whole numbers for its classes."""
    if np.shape(leaf) == shape:
        return True
    whole = np.asarray(leaf).dtype.kind in "iu"
    return whole and (np.shape(leaf) in ((), (1,)) or np.shape(leaf) in [(n,) for n in shape])


def _beside(tape: Tape, output: Event, site: str, path: Path, end: int, indexed: bool) -> Any:
    """The target's value that was last seen before an output, or first after it; `indexed`: the
    row of it that the innermost loop is at."""
    before = [e for e in tape.events[: output.index] if e.key[0] == site and path in e.leaves]
    after = [e for e in tape.events[output.index : end] if e.key[0] == site and path in e.leaves]
    if not before and not after:
        return None
    value = before[-1].leaves[path] if before else after[0].leaves[path]
    if not indexed:
        return value
    loops = [
        e for e in reversed(tape.events[: output.index])
        if e.site.kind == "loop" and not e.site.name.startswith("_")
        and isinstance(e.leaves.get(()), int)
    ]  # fmt: skip
    own = [e for e in loops if e.frame == output.frame] or loops  # or of a caller
    i = own[0].leaves[()] if own else -1
    return value[i] if 0 <= i < len(value) else None


def _fitting(
    output: Sequence[tuple[Event, Path]], target: Sequence[np.ndarray]
) -> Iterator[tuple[str, Callable[[np.ndarray, np.ndarray], float]]]:
    a = np.asarray(output[0][0].leaves[output[0][1]])
    y = target[0]
    if y.shape == a.shape:
        inside = bool(((a > 0) & (a < 1)).all()) and bool(((y >= 0) & (y <= 1)).all())
        if inside:
            yield "binary cross-entropy of {a}", _binary
        yield "½Σ({a} − {y})²", lambda a, y: 0.5 * float(np.sum((a - y) ** 2))
        if inside:
            yield "−Σ {y} log {a}", lambda a, y: -float(np.sum(y * np.log(a)))
        elif bool(((y >= 0) & (y <= 1)).all()):
            yield "binary cross-entropy of logits {a}", _binary_logits
        for axis in range(a.ndim):
            if np.allclose(y.sum(axis=axis), 1) and a.shape[axis] > 1 and not inside:
                yield "softmax cross-entropy of logits {a}", _softmax(axis)
    elif y.dtype.kind in "iu" and a.ndim:
        largest = max((int(t.max()) for t in target if t.size), default=-1)
        for axis in range(a.ndim):
            rest = a.size // a.shape[axis]
            if y.size == rest and largest < a.shape[axis] and y.min() >= 0:
                positive = bool((a > 0).all()) and np.allclose(a.sum(axis=axis), 1)
                if positive:
                    yield "−Σ log {a}[{y}]", _chosen(axis)
                else:
                    yield "softmax cross-entropy of logits {a}", _softmax_chosen(axis)


def _binary(a: np.ndarray, y: np.ndarray) -> float:
    return -float(np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)))


def _binary_logits(z: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(np.logaddexp(0, z) - y * z))


def _log_softmax(z: np.ndarray, axis: int) -> np.ndarray:
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _softmax(axis: int) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda z, y: -float(np.sum(y * _log_softmax(z, axis)))


def _picked(a: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    flat = np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis])
    return flat[np.arange(len(flat)), y.reshape(-1)]


def _chosen(axis: int) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda a, y: -float(np.sum(np.log(_picked(a, y, axis))))


def _softmax_chosen(axis: int) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda z, y: -float(np.sum(_picked(_log_softmax(z, axis), y, axis)))
