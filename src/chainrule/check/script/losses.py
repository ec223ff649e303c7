"""Which loss does the code minimise? What it computes itself, or would compute if it were called,
or, where there is none, one of the usual losses of its output and its targets."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from chainrule.check.script.gradients import Given, value_of_object
from chainrule.check.script.names import (
    base_name,
    gradient_of,
    holds_gradient,
    is_backward,
    is_loss,
    is_target,
    loss_rank,
    plain_name,
)
from chainrule.check.script.replay import Look, Replayer, direction, leaf_look
from chainrule.check.script.slopes import Loss, Place, loss_values, number_of
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path, leaf_at

__all__ = [
    "applied_losses", "assumed_losses", "called_losses", "computed_losses", "dependence",
    "graph_losses", "outputs_of", "scalar_losses", "upstream_losses",
]  # fmt: skip

_MOST_LOOKS = 1500
_MOST_OUTPUTS = 5


def computed_losses(tape: Tape, end: int, start: int = 0) -> list[Loss]:
    """Numbers under the name of a loss, the surest name first: the last ones before event `end`,
    or the first ones after event `start`."""
    found: dict[tuple[str, Path], Loss] = {}
    for event in reversed(tape.events[start:]) if start else tape.events[:end]:
        if event.site.kind in ("add", "argument", "loop"):
            continue
        for path, leaf in event.real_leaves():
            name = event.name(path)
            if np.size(leaf) == 1 and is_loss(name):
                found[event.key[0], path] = Loss(
                    name, event.site.line, [leaf_look(event.key, path)],
                    lambda seen: number_of(seen[0]), index=event.index,
                )  # fmt: skip
    return sorted(found.values(), key=lambda loss: (loss_rank(loss.name), -loss.index))


def dependence(
    replayer: Replayer, places: Sequence[Place], losses: Sequence[Loss]
) -> tuple[np.ndarray, np.ndarray]:
    """(places, losses) whether the loss changes when the place is moved; and the losses' values."""
    moves = [[], *([place.move(7, 1e-2 * place.scale)] for place in places)]
    table = loss_values(replayer, losses, moves)
    with np.errstate(all="ignore"):
        return (table[1:] != table[0]) & np.isfinite(table[1:]), table[0]


def scalar_losses(tape: Tape, end: int) -> list[Loss]:
    """What functions return, where that is one number, whatever they are called."""
    return [
        Loss(
            f"the value of {event.site.name}", event.site.line, [leaf_look(event.key)],
            lambda seen: number_of(seen[0]), index=event.index,
        )  # fmt: skip
        for event in tape.events[:end]
        if event.site.kind == "return" and () in event.leaves
        if np.size(event.leaves[()]) == 1 and np.asarray(event.leaves[()]).dtype.kind == "f"
    ][-8:]


def graph_losses(tape: Tape) -> list[Loss]:
    """For graphs of objects: the value of the one whose gradient was set to 1 first."""
    for event in tape.events:
        for path, leaf in event.real_leaves():
            if holds_gradient(event.site.name) and np.size(leaf) == 1 and float(leaf) == 1.0:
                place = value_of_object(tape, event, path)
                if place is not None and place.value.size == 1:
                    look = leaf_look(place.event.key, place.path)
                    return [
                        Loss(
                            "the value that backward() starts from", place.event.site.line, [look],
                            lambda seen: number_of(seen[0]), index=place.event.index,
                        )  # fmt: skip
                    ]
    return []


def upstream_losses(tape: Tape, givens: Sequence[Given]) -> list[Loss]:
    """For a backward pass that takes the gradient of its output: `Σ upstream · output`, which has
    that gradient."""
    found = []
    functions = {g.source.site.function for g in givens if g.source is not None}
    for event in tape.events:
        if event.site.kind != "argument":
            continue
        if event.site.function not in functions and not is_backward(event.site.function):
            continue
        for path, upstream in event.real_leaves():
            output = _output_for(tape, event, path, upstream)
            if output is not None and not path:
                found.append(_upstream(event, np.asarray(upstream), *output))
    return found


def _output_for(
    tape: Tape, entry: Event, path: Path, upstream: Any
) -> tuple[Event, Path] | None:
    """The output that an argument is the gradient of: by its name, or the value itself."""
    of = gradient_of(entry.name(path)) or set(_UPSTREAM & {entry.name(path).lower()})
    for event in reversed(tape.events[: entry.index]):
        if event.site.kind not in ("assign", "return") or event.site.function == entry.site.function:
            continue
        for place, leaf in event.real_leaves():
            name = event.name(place)
            if (gradient_of(name) or base_name(name) in _UPSTREAM) and (
                event.identity[place] == entry.identity[path]
            ):
                continue  # the upstream gradient itself
            same_shape = np.shape(leaf) == np.shape(upstream)
            if same_shape and (
                plain_name(event.name(place)) in of
                or event.identity[place] == entry.identity[path]
                or (of and event.site.kind == "return")
            ):
                return event, place
    return None


_UPSTREAM = {"grad", "delta", "error", "upstream", "gradient", "grads", "g", "dout", "d"}


def _upstream(entry: Event, upstream: np.ndarray, output: Event, path: Path) -> Loss:
    name = f"Σ {entry.site.name} · {output.name(path)}"
    return Loss(
        name, 0, [leaf_look(output.key, path)],
        lambda seen: float(np.sum(np.asarray(seen[0]) * upstream)), index=output.index,
        upstream=Place(entry),
    )  # fmt: skip


# --- the code's own function, called where it is not ----------------------------------------------


@dataclass(frozen=True)
class _Function:
    """A function of the file that has the name of a loss, or belongs to a class that has."""

    node: ast.FunctionDef
    around: str

    @property
    def method(self) -> bool:
        """Whether its first argument is an object."""
        arguments = self.node.args.args
        return bool(arguments) and arguments[0].arg in ("self", "cls")

    @property
    def needed(self) -> list[str]:
        """Arguments without a default."""
        names = [a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args)]
        return names[int(self.method) : len(names) - len(self.node.args.defaults) or None]

    def call(self, frame: FrameType, arguments: Sequence[Any]) -> Any:
        """Call it as code in that frame could."""
        if not self.around:
            return frame.f_globals[self.node.name](*arguments)
        owner = frame.f_locals.get("self")
        kind = frame.f_globals[self.around]
        if self.method and not isinstance(owner, kind):
            owner = kind()
        return getattr(owner if self.method else kind, self.node.name)(*arguments)


def _loss_functions(tree: ast.Module) -> Iterator[_Function]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and is_loss(node.name):
            yield _Function(node, "")
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and (
                    is_loss(part.name)
                    or (is_loss(node.name) and part.name in ("fn", "forward", "calculate", "__call__"))
                ):
                    yield _Function(part, node.name)


def called_losses(tape: Tape, tree: ast.Module, end: int) -> list[Loss]:
    """A loss function of the file, called in a frame that has all its arguments by their names."""
    found = []
    for function in _loss_functions(tree):
        for entry in _entries(tape, end):
            names = {e.site.name for e in tape.events[: entry.index + 1] if e.frame == entry.frame}
            inside = entry.site.function == function.node.name
            if function.needed and not inside and set(function.needed) <= names:
                found.append(_called(function, entry))
                break
    return found


def _entries(tape: Tape, end: int) -> Iterator[Event]:
    """The last argument of each call of a function, the latest call first."""
    last: dict[int, Event] = {}
    for event in tape.events[:end]:
        if event.site.kind == "argument":
            last[event.frame] = event
    yield from sorted(last.values(), key=lambda e: -e.index)


def _called(function: _Function, entry: Event) -> Loss:
    def read(frame: FrameType, value: Any) -> Any:
        return function.call(frame, [frame.f_locals[name] for name in function.needed])

    name = f"{function.node.name}({', '.join(function.needed)})"
    return Loss(
        name, function.node.lineno, [Look(entry.key, read)], lambda seen: number_of(seen[0]),
        index=entry.index,
    )  # fmt: skip


def applied_losses(
    tape: Tape,
    tree: ast.Module,
    outputs: Sequence[Sequence[tuple[Event, Path]]],
    dependent: Collection[tuple[str, Path]],
    end: int,
) -> list[Loss]:
    """A loss function of the file, applied to an output and its targets."""
    found = []
    for function in _loss_functions(tree):
        if len(function.needed) != 2:
            continue
        target_first = is_target(function.needed[0]) and not is_target(function.needed[1])
        for output in outputs:
            for name, target in _targets(tape, output, dependent, end):
                found.append(_applied(function, target_first, output, name, target))
    return found


def _applied(
    function: _Function,
    target_first: bool,
    output: Sequence[tuple[Event, Path]],
    name: str,
    target: Sequence[np.ndarray],
) -> Loss:
    def look(event: Event, path: Path, y: np.ndarray) -> Look:
        def read(frame: FrameType, value: Any) -> Any:
            a = leaf_at(value, path)
            return function.call(frame, (y, a) if target_first else (a, y))

        return Look(event.key, read)

    out = output[0][0].name(output[0][1])
    around = f"{function.around}." if function.around else ""
    text = f"{around}{function.node.name}({f'{name}, {out}' if target_first else f'{out}, {name}'})"
    looks = [look(*one, y) for one, y in zip(output, target, strict=True)]
    return Loss(
        text + _count(output), function.node.lineno, looks,
        lambda seen: float(sum(number_of(v) for v in seen)), index=output[-1][0].index,
    )  # fmt: skip


# --- losses that are assumed ----------------------------------------------------------------------


def outputs_of(
    tape: Tape, replayer: Replayer, places: Sequence[Place], end: int
) -> tuple[list[list[tuple[Event, Path]]], set[tuple[str, Path]]]:
    """Values that depend on every parameter, the earliest first: the network's output and what is
    computed from it. Each is the list of its occurrences, one an example if they come one by one.
    Also the sites of all values that depend on any parameter: no targets."""
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
        if "[" in event.site.name and event.site.kind == "assign" and size_of(event) == 1:
            continue  # an entry of an array
        if any(_moves_along(row[i], plain[i], p) for row, p in zip(rows, places, strict=True)):
            continue  # the parameter itself, updated
        if all(_differs(row[i], plain[i]) for row in rows):
            chosen.setdefault((event.key[0], path), []).append((event, path))
    dependent = {
        (event.key[0], path)
        for i, (event, path) in enumerate(looked)
        if any(_differs(row[i], plain[i]) for row in rows)
    }
    return list(chosen.values())[:_MOST_OUTPUTS], dependent


def _moves_along(moved: Any, plain: Any, place: Place) -> bool:
    if np.shape(moved) != place.value.shape or plain is None or place.value.size < 2:
        return False
    change = (np.asarray(moved) - np.asarray(plain)).ravel()
    delta = direction(place.value.shape, 7).ravel()
    size = float(np.linalg.norm(change) * np.linalg.norm(delta))
    return size > 0 and float(change @ delta) / size > 0.9


def size_of(event: Event) -> int:
    """The number of entries of a plain value; 0 for a tuple, list or dict."""
    return int(np.size(event.leaves[()])) if () in event.leaves else 0


def _is_alias(event: Event, path: Path, place: Place) -> bool:
    """Whether a value is the parameter itself, under another name or copied."""
    leaf = event.leaves[path]
    return np.shape(leaf) == place.value.shape and np.array_equal(leaf, place.value)


def _differs(a: Any, b: Any) -> bool:
    return a is not None and b is not None and not np.array_equal(a, b)


def assumed_losses(
    tape: Tape,
    outputs: Sequence[Sequence[tuple[Event, Path]]],
    dependent: Collection[tuple[str, Path]],
    end: int,
) -> list[Loss]:
    """The usual losses of each output and each array that may be its targets."""
    found = []
    for output in outputs:
        for named, target in _targets(tape, output, dependent, end):
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
            return float(
                sum(function(np.asarray(a), y) for a, y in zip(seen, target, strict=True))
            )

    looks = [leaf_look(event.key, path) for event, path in output]
    return Loss(
        name.format(a=out) + _count(output), 0, looks, value, assumed=True, index=output[-1][0].index
    )


def _count(output: Sequence[tuple[Event, Path]]) -> str:
    return f", summed over {len(output)} examples" if len(output) > 1 else ""


def _targets(
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


def _beside(
    tape: Tape, output: Event, site: str, path: Path, end: int, indexed: bool
) -> Any:
    """The target's value that was last seen before an output, or first after it; `indexed`: the
    row of it that the innermost loop is at."""
    before = [e for e in tape.events[: output.index] if e.key[0] == site and path in e.leaves]
    after = [e for e in tape.events[output.index : end] if e.key[0] == site and path in e.leaves]
    if not before and not after:
        return None
    value = before[-1].leaves[path] if before else after[0].leaves[path]
    if not indexed:
        return value
    for event in reversed(tape.events[: output.index]):
        i = event.leaves.get(())
        if event.site.name.startswith("_"):
            continue
        if event.site.kind == "loop" and isinstance(i, int) and event.frame == output.frame:
            return value[i] if 0 <= i < len(value) else None
    return None


def _fitting(
    output: Sequence[tuple[Event, Path]], target: Sequence[np.ndarray]
) -> Iterator[tuple[str, Callable[[np.ndarray, np.ndarray], float]]]:
    a = np.asarray(output[0][0].leaves[output[0][1]])
    y = target[0]
    if y.shape == a.shape:
        yield "½Σ({a} − {y})²", lambda a, y: 0.5 * float(np.sum((a - y) ** 2))
        inside = bool(((a > 0) & (a < 1)).all()) and bool(((y >= 0) & (y <= 1)).all())
        if inside:
            yield "binary cross-entropy of {a}", _binary
            yield "−Σ {y} log {a}", lambda a, y: -float(np.sum(y * np.log(a)))
        elif bool(((y >= 0) & (y <= 1)).all()):
            yield "binary cross-entropy of logits {a}", _binary_logits
        for axis in range(a.ndim):
            if np.allclose(y.sum(axis=axis), 1) and a.shape[axis] > 1 and not inside:
                yield "softmax cross-entropy of logits {a}", _softmax(axis)
    elif y.dtype.kind in "iu" and a.ndim:
        for axis in range(a.ndim):
            rest = a.size // a.shape[axis]
            if y.size == rest and y.max() < a.shape[axis] and y.min() >= 0:
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
