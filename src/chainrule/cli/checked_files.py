"""Files that `chainrule check` runs as they are: one of them, or all in a folder."""

from __future__ import annotations

import os
import textwrap
import zipfile
from dataclasses import dataclass
from json import dumps
from pathlib import Path

from chainrule.check.script import Choices, FileReport, check_file
from chainrule.check.script.choices import UNSETTLED
from chainrule.check.script.record import as_document
from chainrule.check.script.sources import code_files
from chainrule.errors import InputError
from chainrule.tables import text_table

__all__ = ["FileCheck", "make_choices"]


def make_choices(
    loss: str | None, params: str | None, step: int | None, data: str | None
) -> Choices:
    """What the options settle.

    Raises:
        InputError: `--data` is no .npz file, or `--params` names nothing.
    """
    if data is not None and not zipfile.is_zipfile(data):
        raise InputError(
            f"--data must be a .npz file, as np.savez writes it, with the arrays by the names of "
            f"the arguments, got {data!r}"
        )
    names = tuple(filter(None, map(str.strip, (params or "").split(","))))
    if params is not None and not names:
        raise InputError(f"--params must be names with commas between them, got {params!r}")
    return Choices(loss or "", names, step or 0, os.path.abspath(data) if data else "")


@dataclass(frozen=True)
class FileCheck:
    """How files are checked: for how many seconds at most, and what the user settled."""

    seconds: float
    choices: Choices

    def step(self, target: str) -> FileReport | None:
        """The report on a file that takes a training step or computes gradients when it is run.

        None for one that only defines things, and for FILE:NAME. With options that settle how a
        file is read, it is always reported on.

        Raises:
            InputError: such options, for FILE:NAME.
        """
        is_file = target == "-" or Path(target).is_file()
        if self.choices != UNSETTLED and not is_file:
            raise InputError(
                "--loss, --params, --step and --data are for a file that is run as it is, "
                f"got {target!r}"
            )
        if not is_file or not hasattr(os, "fork"):
            return None
        whole = target == "-" or self.choices != UNSETTLED
        report = self._check(target, drive=whole)
        return report if report.gradients or report.mistakes or whole else None

    def partly(self, target: str) -> FileReport | None:
        """The report on a file that updates parameters when it is run, of which nothing can be
        said: what was seen, and what would settle it."""
        if not hasattr(os, "fork") or not Path(target).is_file():
            return None
        report = self._check(target, drive=False)
        return report if report.found else None

    def calls(self, target: str) -> FileReport | None:
        """The report on a file whose functions or classes are called with data that fit."""
        if not hasattr(os, "fork") or not Path(target).is_file():
            return None
        report = self._check(target, drive=True)
        return report if report.gradients else None

    def check_folder(self, folder: Path, json: bool) -> int:
        """Print one row a file; the worst exit code."""
        reports = [(path, self._report_or_error(str(path))) for path in code_files(folder)]
        if json:
            documents = {
                str(path): {"error": str(r)} if isinstance(r, InputError) else as_document(r)
                for path, r in reports
            }
            print(dumps(documents, indent=2, ensure_ascii=False))
        else:
            rows = [[str(path.relative_to(folder)), *_summary(report)] for path, report in reports]
            print(text_table(["file", "verdict", "line", "mistake"], rows, "<<><"))
        codes = {2 if isinstance(r, InputError) else r.exit_code for _, r in reports}
        return 1 if 1 in codes else max(codes)

    def _report_or_error(self, path: str) -> FileReport | InputError:
        try:
            return self._check(path, drive=True)
        except InputError as error:
            return error

    def _check(self, path: str, drive: bool) -> FileReport:
        return check_file(path, seconds=self.seconds, drive=drive, choices=self.choices)


def _summary(report: FileReport | InputError) -> list[str]:
    if isinstance(report, InputError):
        return ["not checked", "", textwrap.shorten(str(report), 60)]
    lines = ", ".join(map(str, report.first_wrong))
    names = ", ".join(dict.fromkeys(m.name for m in report.mistakes))
    verdict = "not checked" if report.verdict == "unsure" else report.verdict
    return [verdict, lines, names or textwrap.shorten(report.problem, 60)]
