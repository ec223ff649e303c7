"""What may make a gradient differ from the derivative, and is no mistake: then it is not judged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check.script.names import base_name, plain_name
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import Place, loss_values, number_of
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path

__all__ = ["is_penalty", "without_excused"]

_ANEW = "is set anew, not moved by a gradient"
_COPY = "is a copy of another parameter"
_PENALTY = "has the gradient of a penalty that the loss does not include"
_RECOMPUTED = "is updated after others, with values that were computed anew in between"
_MOST_RECOMPUTED = 10
_PENALISED = re.compile(r"reg|lam|penalty|l2(?!_?loss)|decay|norm|ridge|prior", re.IGNORECASE)


def without_excused(tape: Tape, tree: ast.Module, replayer: Replayer, reading: Reading) -> Reading:
    """The reading without wrong gradients that may be meant so. If no wrong one is left, it says
    why the others are not judged."""
    code = _code_of_loss(tree, reading)
    reading = _with_decayed(tape, code, reading)
    excuses = {
        c.name: _excuse(tape, tree, code, replayer, reading, c)
        for c in reading.gradients
        if not c.right
    }
    kept = [c for c in reading.gradients if c.right or not excuses[c.name]]
    doubtful = reading.doubtful and 2 * sum(c.right for c in kept) < len(kept)
    reading = replace(reading, doubtful=doubtful)
    if not any(excuses.values()):
        return reading
    texts: dict[str, list[str]] = {}
    for name, text in excuses.items():
        if text:
            texts.setdefault(text, []).append(name)
    said = "; ".join(f"{', '.join(names)} {text}" for text, names in texts.items())
    if all(c.right for c in kept):
        return replace(reading, problem=f"not judged: {said}")
    return replace(reading, gradients=kept, notes=[*reading.notes, f"Not judged: {said}"])


def _with_decayed(tape: Tape, code: Sequence[str], reading: Reading) -> Reading:
    """Gradients that are right but for `reg * W`, where the code of the loss says nothing of a
    penalty and `reg` is a number of the code, are right: weight decay is written so."""
    known = {
        abs(number_of(leaf))
        for event in (*tape.earlier, *tape.events)
        for path, leaf in event.real_leaves()
        if np.ndim(leaf) == 0 and event.site.kind in ("assign", "argument")
    }
    checked, decayed = [], []
    for c in reading.gradients:
        own = c.right or _has_penalty(code, c)
        factor = 0.0 if own else _penalty(reading, c, c.given.place.value)
        named = any(abs(factor - k * n) <= 1e-4 * factor for n in known for k in (1, 2) if n)
        checked.append(replace(c, factor=1.0, right=True) if factor and named else c)
        decayed += [f"{factor:.4g} · {c.name}"] * (checked[-1] is not c)
    if not decayed:
        return reading
    note = f"The step applies weight decay that the loss does not include: {', '.join(decayed)}."
    return replace(reading, gradients=checked, notes=[*reading.notes, note])


def _excuse(
    tape: Tape,
    tree: ast.Module,
    code: Sequence[str],
    replayer: Replayer,
    reading: Reading,
    checked: Checked,
) -> str:
    if _is_set_anew(tree, checked):
        return _ANEW
    if _is_copy(reading, checked):
        return _COPY
    value = checked.given.place.value
    if is_penalty(reading, checked, value) and not _has_penalty(code, checked):
        return _PENALTY
    return _RECOMPUTED if _is_recomputed(tape, replayer, reading, checked) else ""


def _is_set_anew(tree: ast.Module, checked: Checked) -> bool:
    """Whether the parameter's new value is written without the old one: `mu = resp @ x / N`."""
    update = checked.given.update
    if update is None or checked.given.source is not None:
        return False
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) == update.event.site.line and isinstance(node, ast.Assign):
            target = node.targets[0]
            while isinstance(target, ast.Subscript):
                target = target.value
            own = ast.unparse(target)
            parts = [ast.unparse(n) for n in ast.walk(node.value) if isinstance(n, ast.expr)]
            return isinstance(node.value, ast.BinOp | ast.Call) and own not in parts
    return False


def is_penalty(reading: Reading, checked: Checked, value: np.ndarray) -> bool:
    """Whether the gradient is the derivative and a positive multiple of the parameter's `value`."""
    return _penalty(reading, checked, value) > 0


def _penalty(reading: Reading, checked: Checked, value: np.ndarray) -> float:
    """c > 0, if the gradient is the derivative and c times the parameter's value, or c times those
    of its entries that the step changes; 0 if it is not."""
    gradient = checked.given.value / reading.scale
    if gradient.shape != value.shape or value.size < 2 or not value.any():
        return 0.0
    used = np.where(gradient != 0, value, 0.0)
    return _added(checked, gradient, value) or _added(checked, gradient, used)


def _added(checked: Checked, gradient: np.ndarray, value: np.ndarray) -> float:
    slopes = checked.slopes
    apart = slopes.along(gradient) - slopes.values
    along = slopes.along(value)
    factor = float(apart @ along) / max(float(along @ along), 1e-300)
    left = np.abs(apart - factor * along) - 3 * slopes.errors
    close = left.max() <= 1e-5 * max(np.abs(apart).max(), 1e-3 * np.abs(slopes.values).max())
    return factor if factor > 0 and close else 0.0


def _has_penalty(code: Sequence[str], checked: Checked) -> bool:
    """Whether the code of the loss says something of a penalty on this parameter, or of any."""
    name = rf"\b{re.escape(base_name(checked.name))}\b"
    own = re.compile(rf"{name}[^-+]*\*\*|{name} \* [\w.]*{name}|(norm|square|abs)\([\w.]*{name}")
    return any(_PENALISED.search(text) or own.search(text) for text in code)


def _code_of_loss(tree: ast.Module, reading: Reading) -> list[str]:
    """The statements of the loss, and the functions that these call; nothing for an assumed one."""
    assert reading.loss is not None
    names = {plain_name(reading.loss.name.split("(")[0].split(", ")[0])}
    kinds = ast.FunctionDef | ast.Assign | ast.AugAssign
    nodes = [n for n in ast.walk(tree) if isinstance(n, kinds)]
    found: list[ast.AST] = []
    more = True
    while more and reading.loss.line:
        chosen = [
            n for n in nodes
            if n not in found and (n.lineno == reading.loss.line or _assigned(n) & names)
        ]  # fmt: skip
        for node in chosen:
            calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
            names |= {plain_name(ast.unparse(call)) for call in calls}
        found += chosen
        more = bool(chosen)
    return [ast.unparse(node) for node in found]


def _assigned(node: ast.AST) -> set[str]:
    """The names that a statement gives a value to."""
    if isinstance(node, ast.FunctionDef):
        return {plain_name(node.name)}
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AugAssign) else targets
    return {
        plain_name(ast.unparse(name))
        for target in targets
        for name in (target.elts if isinstance(target, ast.Tuple) else [target])
    }


def _is_copy(reading: Reading, checked: Checked) -> bool:
    """Whether the loss does not depend on it, and it is what another parameter was."""
    value = checked.given.place.value
    return checked.slopes.zero and any(
        c is not checked and np.array_equal(c.given.place.value, value) for c in reading.gradients
    )


def _is_recomputed(tape: Tape, replayer: Replayer, reading: Reading, checked: Checked) -> bool:
    """Whether a value that the loss depends on is computed once more, by another statement, between
    the first update and this gradient."""
    assert reading.loss is not None
    given = checked.given
    updates = [c.given.update for c in reading.gradients if c.given.update is not None]
    own = given.update.first if given.update is not None else 0
    if given.source is not None:
        own = given.source.index
    first = min((u.first for u in updates), default=own)
    places = list(_made_twice(tape, first, own))[:_MOST_RECOMPUTED]
    moves = [[], *([p.move(3, 1e-4 * p.scale)] for p in places)]
    values = loss_values(replayer, [reading.loss], moves)[:, 0] if places else np.zeros(1)
    return bool((values[1:] != values[0]).any())


def _made_twice(tape: Tape, first: int, end: int) -> Iterator[Place]:
    """Values before event `first` whose names get another value between it and event `end`."""
    before = {name: Place(e, path) for e in tape.events[:first] for name, path in _named(e)}
    for event in tape.events[first:end]:
        for name, _ in _named(event):
            if name in before and before[name].event.key[0] != event.key[0]:
                yield before[name]


def _named(event: Event) -> Iterator[tuple[tuple[Any, str], Path]]:
    """What a statement assigns: where, under which name, and the path."""
    if event.site.kind == "assign":
        for path, _ in event.real_leaves():
            yield (event.slot[0], event.name(path)), path
