"""Time chainrule beside its peers, each in its best form, in one run: `make bench`.

Every workload gives one Markdown table; `--write` puts them, with a figure, into the docs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench import floor, page, report
from bench.peers import PEERS, VARIANTS, installed
from bench.peers.chainrule import variants
from bench.results import Record, Results, machine
from bench.run import run_startup, run_workload, say, write_data
from bench.workloads import WORKLOADS

RESULTS = Path("build/bench.json")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it all still run?")
    parser.add_argument("--workloads", type=words(WORKLOADS), default=list(WORKLOADS),
                        metavar="A,B", help="of " + ", ".join(WORKLOADS))  # fmt: skip
    parser.add_argument("--peers", type=words(PEERS), default=list(PEERS),
                        metavar="A,B", help="of " + ", ".join(PEERS))  # fmt: skip
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE",
                        help="where the raw times go; default %(default)s")  # fmt: skip
    parser.add_argument("--report-only", action="store_true", help="measure nothing, read them")
    parser.add_argument("--write", action="store_true", help="renew the tables in docs/")
    return parser.parse_args()


def words(known: dict[str, object]) -> object:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}; there are {', '.join(known)}")
        return names

    return parse


def measure(wanted: argparse.Namespace) -> Results:
    start, peers = time.perf_counter(), installed(wanted.peers)
    say(f"peers: {', '.join(peers)}; not installed: {set(wanted.peers) - set(peers) or 'none'}")
    limits, records = floor.measure(wanted.quick), []
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder), wanted.workloads, wanted.quick)
        for workload in wanted.workloads:
            records += run(workload, peers, Path(folder), wanted.quick)
            # Written each time, so that a run that is broken off keeps what it has.
            Results(machine(peers), limits, records).write(wanted.results)
            say(f"{workload} done, {time.perf_counter() - start:.0f} s since the start")
        limits = floor.best(limits, floor.measure(wanted.quick))
    return Results(machine(peers), limits, records)


def run(workload: str, peers: list[str], folder: Path, quick: bool) -> list[Record]:
    if workload == "startup":
        return run_startup(peers, folder, quick)
    if workload == "mnist" and "chainrule" in peers:
        peers = [*variants(), *peers]
    if workload in ("long", "tiny") and "chainrule" in peers:
        peers = ["chainrule-saving", *peers]
    return run_workload(workload, sorted(peers, key=[*PEERS, *VARIANTS].index), folder, quick)


def main() -> None:
    wanted = options()
    if wanted.report_only:
        results = Results.read(wanted.results)
    else:
        results = measure(wanted)
        results.write(wanted.results)
    tables = report.markdown(results)
    print(tables)
    if wanted.write:
        page.into_docs(tables, results)


if __name__ == "__main__":
    sys.exit(main())
