"""What a run found, as Markdown: one table a workload."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

from bench.peers import ENTRIES
from bench.results import Record, Results
from bench.workloads import WORKLOADS

__all__ = ["markdown", "ratio"]

TITLES = {name: entry.title for name, entry in ENTRIES.items()}
SCALES = {"s": 1.0, "ms": 1e3, "µs": 1e6}


def markdown(results: Results) -> str:
    parts = [limits(results)]
    for workload, title in WORKLOADS.items():
        if records := results.of(workload):
            table = TABLES.get(workload, training)(results, records)
            parts += [f"### {title}", table, *notes(records)]
    return "\n\n".join(parts) + "\n"


def limits(results: Results) -> str:
    floor = results.floor
    sgemm = ", ".join(
        f"{rate / 1e9:.0f} Gflop/s with {n} thread{'s' * (n > 1)}"
        for n, rate in floor.sgemm.items()
    )
    return (
        f"Measured on {results.machine}. Limits measured in the same run: NumPy's sgemm {sgemm}; "
        f"memory {floor.stream / 1e9:.0f} GB/s; cache, one thread, {floor.cached / 1e9:.0f} GB/s."
    )


def training(results: Results, records: list[Record]) -> str:
    """Time, its spread, memory and score of everybody, and how near the limit that is."""
    scale = scale_of(records)
    head = ["who", f"{scale}/{records[0].unit}", "lowest–highest", "× chainrule", "of the limit",
            "peak MB", "accuracy, mean (lowest)", "runs", "threads", "to compile"]  # fmt: skip
    rows = []
    for r in records:
        if r.median is None:
            rows.append([TITLES[r.peer], *"–" * (len(head) - 1)])
            continue
        share = results.floor.seconds(r.flops, r.bytes) / r.median
        rows.append([
            TITLES[r.peer],
            number(r.median, scale),
            f"{number(min(r.seconds), scale)}–{number(max(r.seconds), scale)}",
            times(ratio(r, records)),
            percent(share),
            f"{r.peak_mb:.0f}",
            accuracy(r),
            str(len(r.seconds)),
            str(r.threads or "own choice"),
            f"{r.compile_seconds:.1f} s" if r.compile_seconds else "",
        ])  # fmt: skip
    return "\n\n".join([table(head, rows), *long_run(records)])


def scale_of(records: list[Record]) -> str:
    """The unit in which the quickest has a digit before the point, or nearly."""
    if records[0].unit == "step":
        return "µs"
    quickest = min((r.median for r in records if r.median is not None), default=1.0)
    return "s" if quickest > 0.01 else "ms" if quickest > 1e-3 else "µs"


def accuracy(r: Record) -> str:
    return f"{statistics.mean(r.accuracy):.2%} ({min(r.accuracy):.2%})"


def long_run(records: list[Record]) -> list[str]:
    """The textbook run as a whole, which is what one waits for."""
    return [
        f"{TITLES[r.peer]}: 10 epochs take {10 * r.median:.2f} s, and give {accuracy(r)} "
        f"over the seeds 0 to {len(r.accuracy) - 1}."
        for r in records
        if r.workload == "mnist" and r.peer == "chainrule" and r.median is not None
    ]


def sweep(results: Results, records: list[Record]) -> str:
    peers = unique(r.peer for r in records)
    head = ["hidden × batch", *(f"{TITLES[p]}" for p in peers),
            "best peer / chainrule", "chainrule, of sgemm peak"]  # fmt: skip
    rows = []
    for case in unique(r.case for r in records):
        found = {r.peer: r for r in records if r.case == case}
        name = case.replace(" ", "\N{NO-BREAK SPACE}")
        row = [name, *(cell(found[peer], "ms") for peer in peers)]
        ours = found.get("chainrule")
        others = [r.median for r in found.values() if r.peer != "chainrule" and r.median]
        if ours and ours.median:
            peak = max(results.floor.sgemm.values())
            row += [times(min(others) / ours.median) if others else ""]
            row += [percent(ours.flops / ours.median / peak)]
        rows.append(row)
    return "ms a step, medians.\n\n" + table(head, rows)


def predict(results: Results, records: list[Record]) -> str:
    cases = unique(r.case for r in records)
    head = ["who", *(f"{case}, µs{extra}" for case in cases for extra in ("", ", × chainrule"))]
    rows = []
    for peer in unique(r.peer for r in records):
        row = [TITLES[peer]]
        for r in (r for r in records if r.peer == peer):
            row += [cell(r, "µs"), times(ratio(r, [q for q in records if q.case == r.case]))]
        rows.append(row)
    one, many = (next(r for r in records if r.case == case) for case in (cases[0], cases[-1]))
    floor = results.floor
    weights = 4 * one.flops / 2  # every weight is used once
    alone = max(one.flops / floor.sgemm[1], weights / floor.cached)
    bulk = floor.seconds(many.flops, many.bytes)
    rows.append(["the arithmetic alone", number(alone, "µs"), "", number(bulk, "µs"), ""])
    return table(head, rows)


def startup(results: Results, records: list[Record]) -> str:
    kinds = unique(r.case for r in records)
    head = ["who", *(f"{kind}, s" for kind in kinds)]
    rows = []
    for peer in unique(r.peer for r in records):
        found = {r.case: r for r in records if r.peer == peer}
        rows.append([
            TITLES[peer], *(cell(found[kind], "s") if kind in found else "" for kind in kinds)
        ])  # fmt: skip
    return table(head, rows)


TABLES: dict[str, Callable[[Results, list[Record]], str]] = {
    "sweep": sweep,
    "predict": predict,
    "startup": startup,
}


def notes(records: list[Record]) -> list[str]:
    """Why something is missing."""
    found = unique(f"{TITLES[r.peer]}: {r.note}" for r in records if r.note)
    return ["\n".join(f"- {note}" for note in found)] if found else []


def ratio(r: Record, records: list[Record]) -> float | None:
    """How many times as long as chainrule."""
    ours = next((q.median for q in records if q.peer == "chainrule"), None)
    return r.median / ours if r.median and ours else None


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(r: Record, scale: str) -> str:
    return "–" if r.median is None else number(r.median, scale)


def number(seconds: float, scale: str) -> str:
    """Three significant digits, without an exponent."""
    value = seconds * SCALES[scale]
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def percent(share: float) -> str:
    return f"{share:.{0 if share >= 0.1 else 1}%}"


def times(value: float | None) -> str:
    return "" if value is None else number(value, "s")


def unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
