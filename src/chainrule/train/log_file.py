"""A log of the epochs, for other programs to read."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from chainrule.atomic import as_path, replace_atomically
from chainrule.errors import InputError, StorageError
from chainrule.train.callbacks import Callback
from chainrule.train.history import EpochRecord
from chainrule.train.spacing import Spacing

if TYPE_CHECKING:
    from chainrule.train.training import Training

__all__ = ["LogFile"]

_APPENDING = 1 / 50  # of the time that writing may take


class LogFile(Callback):
    """One row an epoch in a file: CSV, or JSON lines, by the file's ending.

    When training begins, or is resumed, the file is written anew from the history; after each
    epoch a row is appended, or after some epochs their rows, if they take a millisecond or less.
    So it never holds half a row, nor an epoch twice. Where an epoch has no statistics, their
    cells are empty.

    Args:
        path: the file; its folder must exist.

    Raises:
        InputError: the path ends neither in .csv nor in .jsonl.
        StorageError: in training, if the file cannot be written; the rows before stay.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network, fit
    >>> X, y, net = [[0.0, 1.0], [1.0, 0.0]], [0, 1], Network.from_spec("2-3-2")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "log.csv")
    ...     _ = fit(net, X, y, epochs=3, callbacks=[LogFile(path)])
    ...     len(path.read_text().splitlines())  # a header, and three epochs
    4
    """

    _file: BinaryIO | None = None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(path)
        if self.path.suffix not in (".csv", ".jsonl"):
            raise InputError(f"a log file ends in .csv or .jsonl, got {str(path)!r}")

    def on_train_begin(self, training: Training) -> None:
        self._columns: list[str] = []
        self._appending = Spacing(_APPENDING)
        rows = "".join(map(self._row, training.history.epochs))
        replace_atomically(self.path, lambda file: file.write(rows.encode()))
        self._rows: list[str] = []
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  (`close` closes it)

    def on_epoch_end(self, training: Training) -> None:
        """Append the epoch, or keep it for a moment if epochs are quick.

        Raises:
            StorageError: the file cannot be written.
        """
        self._rows.append(self._row(training.history.epochs[-1]))
        if self._appending.due:
            with self._appending.action():
                self._append()

    def on_train_end(self, training: Training) -> None:
        """Append what was kept.

        Raises:
            StorageError: the file cannot be written.
        """
        self._append()

    def close(self, training: Training) -> None:
        """Append what was kept, and close the file.

        Raises:
            StorageError: the file cannot be written.
        """
        if self._file is not None:
            try:
                self._append()  # if training failed
            finally:
                self._file.close()
                self._file = None

    def _append(self) -> None:
        assert self._file is not None
        data, self._rows = "".join(self._rows).encode(), []
        end = self._file.tell()
        try:
            while data:  # a disk that fills up takes a part, and then refuses the rest
                data = data[self._file.write(data) :]
        except OSError as error:
            self._file.truncate(end)
            raise StorageError(
                f"could not write {str(self.path)!r}: {error.strerror or error}; it holds "
                f"epochs before this one. Free some space or choose another folder"
            ) from error

    def _row(self, record: EpochRecord) -> str:
        """The line of one epoch; in CSV, before the first one a header."""
        document = record.to_json()
        return self._csv(document) if self.path.suffix == ".csv" else json.dumps(document) + "\n"

    def _csv(self, document: dict[str, Any]) -> str:
        cells, text = _flat(document), io.StringIO()
        write_header = not self._columns
        self._columns = self._columns or list(cells)  # the first epoch is always measured
        writer = csv.DictWriter(text, self._columns, lineterminator="\n")
        if write_header:
            writer.writeheader()
        writer.writerow(cells)
        return text.getvalue()


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """`grad_norm: {W1: …}` as a column `grad_norm.W1`."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": v for name, v in value.items()}
        else:
            flat[key] = value
    return flat
