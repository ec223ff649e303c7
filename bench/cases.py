"""How often `chainrule check FILE` is right on files as people have them: `make bench-diagnosis`.

Every file of `tests/check_cases` is checked as it is, wrong and right. The rates are those of the
cases that were used while the check was written, and of those that were held out.
"""

from __future__ import annotations

import ast
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chainrule.check.script import FileReport, check_file
from chainrule.errors import InputError

CASES = Path(__file__).parent.parent / "tests" / "check_cases"


def main() -> None:
    """Print a line a file, and the rates."""
    known = json.loads((CASES / "cases.json").read_text())
    chosen = [name for name in known if not sys.argv[1:] or name.startswith(tuple(sys.argv[1:]))]
    for held_out in (False, True):
        names = [name for name in chosen if known[name]["held_out"] is held_out]
        if names:
            print("held out" if held_out else "tuned on")
            _print_rates(names, known)


def _print_rates(names: list[str], known: dict) -> None:
    rates: Counter[str] = Counter()
    seconds: list[float] = []
    for name in names:
        for path in sorted(CASES.glob(f"*/{name}.*")):
            start = time.perf_counter()
            report = _report(path)
            seconds.append(time.perf_counter() - start)
            _count(rates, path, report, set(known[name]["lines"]))
            print(f"  {path.parent.name:3} {name:28} {_said(report)}")
    files = Counter(path.parent.name for name in names for path in CASES.glob(f"*/{name}.*"))
    print(f"  wrong files called wrong: {rates['found']} of {files['bug']}")
    print(f"  first wrong line marked:  {rates['line']} of {files['bug']}")
    print(f"  mistake proved:           {rates['proved']} of {files['bug']}")
    print(f"  right files called right: {rates['right']} of {files['ok']}")
    print(f"  right files called wrong: {rates['alarms']} of {files['ok']}")
    print(f"  seconds: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}")


def _report(path: Path) -> FileReport | InputError:
    try:
        return check_file(str(path), seconds=60)
    except InputError as error:
        return error


def _count(
    rates: Counter[str], path: Path, report: FileReport | InputError, lines: set[int]
) -> None:
    if isinstance(report, InputError):
        return
    if path.parent.name == "ok":
        rates["right"] += report.verdict == "right"
        rates["alarms"] += report.verdict == "wrong"
        return
    rates["found"] += report.verdict == "wrong"
    rates["line"] += bool(lines & _whole_statements(path, report.first_wrong))
    rates["proved"] += bool(report.mistakes) and all(m.proved for m in report.mistakes)


def _whole_statements(path: Path, starts: Sequence[int]) -> set[int]:
    """The lines of the statements without a body that begin in these lines."""
    if path.suffix != ".py":
        return set(starts)
    ends = {
        node.lineno: node.end_lineno or node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.stmt) and not hasattr(node, "body")
    }
    return {line for start in starts for line in range(start, ends.get(start, start) + 1)}


def _said(report: FileReport | InputError) -> str:
    if isinstance(report, InputError):
        return str(report).splitlines()[0][:90]
    names = ", ".join(
        f"{m.line}: {m.name}{'' if m.proved else ' (not proved)'}" for m in report.mistakes
    )
    where = ", ".join(map(str, report.first_wrong))
    return f"{report.verdict:7} {report.seconds:5.1f} s  {names or where or report.problem[:80]}"


if __name__ == "__main__":
    main()
