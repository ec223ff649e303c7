"""The runs behind the book: one training, its figures, and every number that the pages say.

They are made once and kept in build/book until the library or this folder changes.
"""

from __future__ import annotations

import hashlib
import html
import json
from functools import cache
from pathlib import Path

import numpy as np
from bugs import bug_values
from pictures import digits
from tables import (
    entry_table,
    forward_table,
    gradient_table,
    history_table,
    percent,
    probability_table,
    scientific,
)

import chainrule as cr
from chainrule.explain import explain, open_entry
from chainrule.figures import FIGURES, Examples, TrainedRun, backprop_flow, render
from chainrule.figures.compare import relative_error
from chainrule.figures.words import describe

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "build" / "book"
NET, LOSS, OPTIMIZER, EPOCHS = "784-128-10", "softmax_cross_entropy", "sgd(0.1)", 10
SHOWN = 7  # the test example whose probabilities are printed


@cache
def book_values() -> dict[str, str]:
    """What stands in the places of the pages, by name. Writes the figures beside it."""
    key = _fingerprint()
    file = BOOK / "values.json"
    if file.exists():
        kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        if kept["fingerprint"] == key:
            return kept
    values = _measure() | {"fingerprint": key}
    BOOK.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values, indent=1, ensure_ascii=False), encoding="utf-8")
    return values


def _fingerprint() -> str:
    """Of everything that the numbers depend on here."""
    sources = [*ROOT.glob("src/chainrule/**/*.py"), *ROOT.glob("src/chainrule/native/src/*")]
    digest = hashlib.sha256()
    for path in sorted([*sources, *Path(__file__).parent.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _measure() -> dict[str, str]:
    (X, y), (X_test, y_test) = cr.data.mnist()
    net = cr.Network.from_spec(NET, seed=0)
    first = cr.backprop(cr.Network.from_spec(NET, seed=0, dtype=np.float64), X[:64], y[:64])
    history = cr.fit(
        net, X, y, loss=LOSS, optimizer=OPTIMIZER, epochs=EPOCHS,
        validation=(X_test, y_test), snapshots={"W1": [0, 5, 10]},
    )  # fmt: skip
    run = TrainedRun(
        NET, net, LOSS, OPTIMIZER, history,
        train=Examples(X, y, "train"), test=Examples(X_test, y_test, "test"), classes=range(10),
    )  # fmt: skip
    values = _of_the_data(X, y, X_test)
    values |= _of_the_first_step(first, X_test[SHOWN], int(y_test[SHOWN]), net)
    values |= _of_the_training(run)
    values |= bug_values(first)
    return values | _figures(run, first)


def _of_the_data(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> dict[str, str]:
    counts = np.bincount(y)
    head = " | ".join(str(digit) for digit in range(10))
    row = " | ".join(f"{count:,}" for count in counts)
    return {
        "train_count": f"{len(X):,}",
        "test_count": f"{len(X_test):,}",
        "pixel_zeros": percent(np.mean(X == 0)),
        "pixel_mean": f"{X.mean():.4f}",
        "class_table": f"| digit | {head} |\n|---|{'--:|' * 10}\n| images | {row} |",
        "guess_accuracy": percent(counts.max() / len(y)),
    }


def _of_the_first_step(
    trace: cr.Trace, x: np.ndarray, label: int, trained: cr.Network
) -> dict[str, str]:
    fresh = cr.Network.from_spec(NET, seed=0)
    values = {
        "forward_table": forward_table(explain(trace)),
        "gradient_table": gradient_table(trace),
        "first_loss": f"{trace.loss:.4f}",
        "log_ten": f"{np.log(10):.4f}",
        "shown_label": str(label),
        "shown_index": str(SHOWN),
        "probability_table": probability_table(
            {"before training": _probabilities(fresh, x), "after": _probabilities(trained, x)}
        ),
        "params": f"{fresh.params.size:,}",
    }
    for row in trace.rows():
        values |= {f"norm_{row.name}": f"{row.norm:.4g}", f"zeros_{row.name}": percent(row.zeros)}
    return values | _of_one_entry(trace)


def _probabilities(net: cr.Network, x: np.ndarray) -> np.ndarray:
    return cr.nn.softmax(net(x[None]))[0]


def _of_one_entry(trace: cr.Trace) -> dict[str, str]:
    """The largest entry of dW1, opened."""
    dW1 = trace["dW1"]
    i, j = np.unravel_index(int(np.abs(dW1).argmax()), dW1.shape)
    entry = open_entry(trace, f"dW1[{i}, {j}]")
    assert entry.numeric is not None
    alone = explain(trace, example=0)["dW2"].alone
    assert alone is not None
    return {
        "entry": entry.place,
        "entry_weight": entry.variable,
        "entry_value": f"{entry.value:.8f}",
        "entry_total": f"{entry.total:.8f}",
        "entry_numeric": f"{entry.numeric:.8f}",
        "entry_difference": scientific(abs(entry.numeric - entry.value)),
        "entry_zero_terms": str(len(entry.terms) - len(entry.contributing)),
        "entry_blocked": str(entry.blocked),
        "entry_table": entry_table(entry),
        "alone_place": f"dW2[{', '.join(map(str, alone.index))}]",
        "alone_value": f"{alone.value[alone.index]:.6f}".replace("-", "−"),
        "alone_part": f"{alone.part:.6f}".replace("-", "−"),
        "alone_total": f"{alone.total:.6f}".replace("-", "−"),
    }


def _of_the_training(run: TrainedRun) -> dict[str, str]:
    last, result = run.history.epochs[-1], run.evaluation
    errors = np.median(run.step_curve.errors, axis=1)
    best = int(np.argmin(errors))
    wrong = int((run.probabilities.argmax(axis=1) != run.labels).sum())
    compared = np.concatenate([relative_error(c.analytical, c.numerical) for c in run.compared])
    sizes = np.abs(np.concatenate([c.analytical for c in run.compared]))
    return {
        "history_table": history_table(run.history),
        "accuracy": percent(result.accuracy),
        "wrong": f"{wrong:,}",
        "train_accuracy": percent(last.accuracy),
        "train_loss": f"{last.loss:.4f}",
        "test_loss": f"{result.loss:.4f}",
        "epochs": str(len(run.history)),
        "steps": f"{len(run.history) * -(-len(run.train.X) // 64):,}",
        "steps_per_epoch": f"{-(-len(run.train.X) // 64):,}",
        "seconds": f"{run.history.seconds:.1f}",
        "engine": run.history.engine,
        "confusion_words": describe(run, "confusion").partition(": ")[2],
        "rates_words": describe(run, "learning_rate").partition(". ")[2],
        "health_words": describe(run, "gradient_health").partition(". ")[2],
        "checked_count": f"{compared.size:,}",
        "checked_worst": scientific(compared.max()),
        "checked_worst_size": scientific(sizes[compared.argmax()]),
        "best_h": scientific(run.step_curve.steps[best]),
        "best_h_error": scientific(errors[best]),
        "large_h": scientific(run.step_curve.steps.max()),
        "large_h_error": scientific(errors[run.step_curve.steps.argmax()]),
        "small_h": scientific(run.step_curve.steps.min()),
        "small_h_error": scientific(errors[run.step_curve.steps.argmin()]),
    }


def _figures(run: TrainedRun, first: cr.Trace) -> dict[str, str]:
    """Every figure as SVG in both themes, and the HTML that shows it.

    The flow is that of the first step, whose numbers chapter 4 follows.
    """
    folder = BOOK / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for theme in ("light", "dark"):
        drawn = {name: entry.draw(run, theme) for name, entry in FIGURES.items()}
        drawn["backprop_flow"] = backprop_flow(first, theme=theme)
        drawn["digits"] = digits(run.examples.X, run.examples.y, theme)
        for name, figure in drawn.items():
            (folder / f"{name}-{theme}.svg").write_bytes(render(figure, "svg"))
    for name, entry in FIGURES.items():
        made[f"figure_{name}"] = _html(name, describe(run, name), entry.caption)
    flow = f"Diagram of {NET} before training, with the size of each gradient on its arrow."
    made["figure_backprop_flow"] = _html("backprop_flow", flow, FIGURES["backprop_flow"].caption)
    words = "The first examples of each digit, as they stand in the training set."
    return made | {"figure_digits": _html("digits", words, words)}


def _html(name: str, words: str, caption: str) -> str:
    alt = html.escape(words, quote=True)
    pictures = "".join(
        f'<img src="figures/{name}-{theme}.svg#only-{theme}" alt="{alt}">'
        for theme in ("light", "dark")
    )
    return (
        f'<figure class="run"><div class="wide" tabindex="0">{pictures}</div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )
