"""How often the check finds a mistake, names it, or cries wolf: `make bench-diagnosis`.

The catalogue's mistakes are put into black boxes of five architectures; hand-written models come
from `tests/check_models`, where those marked "tuned" were used in building the diagnosis, and the
others were not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.check import check_gradients
from chainrule.errors import ChainruleError
from chainrule.faults import FAULTS, applicable, inject

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "check_models"))

ARCHITECTURES = (
    ("8-6-4", "softmax_cross_entropy", 0.0),
    ("7-5(tanh)-5(tanh)-3", "softmax_cross_entropy", 0.01),
    ("6-5(sigmoid)-2", "mse", 0.0),
    ("5-8-6-4-3", "mse", 0.0),
    ("4-6(tanh)-1", "binary_cross_entropy", 0.0),
)
ROWS = 9


def batch(spec: str, loss: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    inputs, outputs = int(spec.split("-")[0]), int(spec.split("-")[-1])
    X = rng.standard_normal((ROWS, inputs))
    if loss == "softmax_cross_entropy":
        return X, rng.integers(outputs, size=ROWS)
    if loss == "binary_cross_entropy":
        return X, rng.integers(2, size=(ROWS, outputs)).astype(float)
    return X, rng.standard_normal((ROWS, outputs))


def outcome(target: Any, X: Any, y: Any, loss: Any = None) -> tuple[bool, str]:
    """Whether something was found wrong, and what it was called."""
    try:
        report = check_gradients(target, X, y, loss=loss)
    except ChainruleError as error:
        # A pass that breaks off was noticed; a model that was not understood was not checked.
        return "failed:" in str(error), f"could not check: {error}"[:70]
    return not report.ok, report.causes[0].name if report.causes else "unknown"


def catalogue() -> Iterable[tuple[str, str, bool, str]]:
    for spec, loss, l2 in ARCHITECTURES:
        X, y = batch(spec, loss)
        for fault in applicable(spec, loss, l2, ROWS):
            if fault.kind in ("gradient", "state"):
                model = inject(spec, fault.name, loss=loss, l2=l2)
                rng = np.random.default_rng(6)
                for name in (n for n in model.net if n[0] == "b"):
                    model.net[name] = 0.1 * rng.standard_normal(model.net[name].shape)
                yield spec, fault.name, *outcome(model, X, y)


def zoo(models: Iterable[Any]) -> Iterable[tuple[str, str, bool, str]]:
    for model in models:
        yield model.name, model.info["fault"], *outcome(*model.wrong(), model.loss)


def report(title: str, results: Iterable[tuple[str, str, bool, str]]) -> None:
    rows = list(results)
    nameable = [row for row in rows if row[1] in FAULTS]
    found = sum(row[2] for row in rows)
    named = sum(row[3] == row[1] for row in nameable)
    print(f"| {title} | {found} of {len(rows)} | {named} of {len(nameable)} |")
    for where, fault, was_found, said in rows:
        if not was_found or (fault in FAULTS and said != fault):
            print(f"  {where}: {fault}: {said if was_found else 'not found'}", file=sys.stderr)


def main() -> None:
    from styles import right_variants
    from zoo import FROZEN, HELD_OUT, MODELS, TUNED

    start = time.perf_counter()
    print("| mistakes in | found | named exactly, of those in the catalogue |\n|---|---|---|")
    report("the catalogue's own, five architectures", catalogue())
    report("hand-written models, tuned on", zoo(TUNED))
    report("hand-written models, held out first", zoo(HELD_OUT))
    report("one-line mistakes in eighteen more", zoo(FROZEN))
    each = {m.path: m for m in MODELS}.values()
    right = [(m.path.stem, *m.right(), m.loss) for m in each]
    right += [(*case, None) for case in right_variants()]
    said = [(name, *outcome(target, X, y, loss)) for name, target, X, y, loss in right]
    alarms = [name for name, wrong, words in said if wrong or words.startswith("could not")]
    print(f"\n{len(right)} right implementations, {len(alarms)} alarms or not checked:")
    print(f"  {', '.join(alarms)}")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
