"""Run folders: `runs/<name>/` with settings, checkpoint and history, and how to find one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule import __version__
from chainrule.atomic import previous_path, replace_atomically
from chainrule.cli.output import command, display_path
from chainrule.cli.settings import Settings
from chainrule.cli.sources import Source
from chainrule.errors import InputError, StorageError
from chainrule.labels import Label, as_labels
from chainrule.lock import locked
from chainrule.registry import nearest

__all__ = [
    "Run",
    "check_name",
    "claim",
    "find_run",
    "free_name",
    "has_runs",
    "locked_folder",
    "name_of_net",
    "names_run",
    "new_folder",
]

_SETTINGS, _CHECKPOINT, _HISTORY = "run.json", "checkpoint.safetensors", "history.jsonl"
_HIDDEN = ".chainrule-"  # begins the names of the lock and of files that are being written
_LOCK = f"{_HIDDEN}lock"
_LARGEST = 2**24  # bytes of a run.json that is read
_FORMAT = 1


@dataclass(frozen=True)
class Run:
    """What one training left on disk.

    Attributes:
        checkpoint: its last state.
        settings, classes: what it was asked to do, and what its classes are called; None for a
            checkpoint that lies outside a run folder.
        columns: what the columns of X are called, where the data say it.
        chainrule: the version that trained it.
    """

    checkpoint: Path
    settings: Settings | None = None
    classes: tuple[Label, ...] | None = None
    columns: tuple[str, ...] | None = None
    chainrule: str = __version__

    @property
    def folder(self) -> Path:
        return self.checkpoint.parent

    @property
    def history(self) -> Path:
        """One JSON line an epoch, for other programs to read."""
        return self.folder / _HISTORY

    @property
    def film(self) -> Path:
        """The animation of its weights, where one was asked for."""
        return self.folder / "weights.gif"

    @property
    def path(self) -> str:
        """What to type to name it."""
        return display_path(self.checkpoint if self.settings is None else self.folder)

    @classmethod
    def in_folder(cls, folder: Path, settings: Settings, source: Source) -> Run:
        """A run on `source` that is to be written to `folder`."""
        return cls(folder / _CHECKPOINT, settings, source.classes, source.train.columns)

    def begin(self) -> None:
        """Write the settings, over an older run if there is one."""
        for path in (self.checkpoint, previous_path(self.checkpoint), self.history):
            path.unlink(missing_ok=True)
        self.save_settings()

    def save_settings(self) -> None:
        """Write `run.json`."""
        assert self.settings is not None
        document = {
            "format": _FORMAT,
            "chainrule": self.chainrule,
            "settings": dataclasses.asdict(self.settings),
            "classes": self.classes,
            "columns": self.columns,
        }
        text = json.dumps(document, indent=2) + "\n"
        replace_atomically(self.folder / _SETTINGS, lambda file: file.write(text.encode()))

    def check_checkpoint(self) -> None:
        """Refuse a run that was killed before its first save."""
        if not self.checkpoint.is_file():
            raise StorageError(
                f"{self.path!r} has no {_CHECKPOINT}: it stopped before anything was saved; "
                f"train it again with --force"
            )


# --- making one -------------------------------------------------------------------------------


def name_of_net(net: str) -> str:
    """What the folder of a run of this net is called.

    >>> name_of_net("784-256(gelu)-dropout(0.1)-10")
    '784-256_gelu-dropout_0.1-10'
    """
    return re.sub(r"[^\w.-]+", "_", net.replace(")", ""))[:80]


def free_name(runs: Path, net: str) -> str:
    """A name for a run of this net that no folder has: the net, then with -2, -3, …

    >>> free_name(Path("/no/such/folder"), "784-256(gelu)-dropout(0.1)-10")
    '784-256_gelu-dropout_0.1-10'
    """
    base = name_of_net(net)
    names = (base if i == 1 else f"{base}-{i}" for i in range(1, 10**6))
    return next(name for name in names if not (runs / name).exists())


def check_name(runs: Path, name: str, *, force: bool) -> None:
    """Refuse a name that is none, or is taken; `force` gives up a run, but nothing else.

    Raises:
        InputError: what is in the way, and what to do.
    """
    if not name or name in (".", "..") or name.startswith("-") or set(name) & set("/\\\0"):
        raise InputError(
            f"--name must be the name of one folder, without slashes, got {name!r}; "
            f"--runs chooses the folder that it is in"
        )
    folder = runs / name
    if not folder.exists() and not folder.is_symlink():
        return
    shown = display_path(folder)
    empty = folder.is_dir() and all(p.name.startswith(_HIDDEN) for p in folder.iterdir())
    if not (folder / _SETTINGS).is_file() and not empty:
        raise InputError(f"{shown!r} exists and is no run of chainrule; choose another --name")
    if not force:
        raise InputError(f"{shown!r} exists; choose another --name, or replace it with --force")


def claim(folder: Path, option: str = "--runs or --name") -> bool:
    """Make a folder to write to; False if it was there. `option` chooses another.

    Raises:
        StorageError: it cannot be made or written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        if folder.is_dir():
            return False
        raise StorageError(
            f"cannot make the folder {display_path(folder)!r}: {error.strerror}; "
            f"choose another with {option}"
        ) from error
    return True


@contextlib.contextmanager
def new_folder(runs: Path, name: str | None, net: str) -> Iterator[Path]:
    """The folder of a new run, locked while the block runs: `name`, or without one a new folder.

    A failure before anything is saved leaves no folder that was not there before.

    Raises:
        StorageError: the folder cannot be made, or another process trains in it.
    """
    first = not runs.exists()
    folder, made = _claim_new(runs, net) if name is None else (runs / name, claim(runs / name))
    try:
        with locked_folder(folder):
            try:
                yield folder
            except BaseException:
                if made and not (folder / _CHECKPOINT).exists():
                    for left in (_SETTINGS, _HISTORY):
                        (folder / left).unlink(missing_ok=True)
                raise
    except BaseException:
        if made:
            with contextlib.suppress(OSError):  # it stays if something was saved
                folder.rmdir()
                if first:
                    runs.rmdir()
        raise


def _claim_new(runs: Path, net: str) -> tuple[Path, bool]:
    """A folder that no other process has made."""
    while True:
        folder = runs / free_name(runs, net)
        if claim(folder):
            return folder, True


def locked_folder(folder: Path) -> AbstractContextManager[None]:
    """Keeps other processes from training in a run's folder.

    Raises:
        StorageError: another process trains in it.
    """
    return locked(folder / _LOCK, f"{display_path(folder)!r} is being trained")


# --- finding one ------------------------------------------------------------------------------


def find_run(wanted: str | None, runs: Path) -> Run:
    """The run that a person means: a folder, its name in `runs`, a checkpoint; None: the latest.

    Raises:
        StorageError: there is no such run; the nearest name is suggested.
    """
    if wanted is None:
        return _latest(runs)
    for path in (Path(wanted), runs / wanted):
        if (path / _SETTINGS).is_file():
            return _read(path)
    path = Path(wanted)
    if path.is_file():
        return _of_file(path)
    if path.is_dir():
        raise StorageError(f"{wanted!r} is a folder, but no run: it has no {_SETTINGS}")
    names = _names(runs)
    known = f"runs in {display_path(runs)!r}: {_listed(names)}" if names else _none(runs)
    raise StorageError(f"there is no run {wanted!r}{nearest(Path(wanted).name, names)}; {known}")


def names_run(word: str, runs: Path) -> bool:
    """Whether a word on the command line is a run: its folder, its name in `runs`, or its file."""
    folder = any((path / _SETTINGS).is_file() for path in (Path(word), runs / word))
    return folder or (word.endswith(".safetensors") and Path(word).is_file())


def has_runs(runs: Path) -> bool:
    """Whether there is a latest run."""
    return bool(_names(runs))


def _of_file(path: Path) -> Run:
    if path.name in (_SETTINGS, _CHECKPOINT, _HISTORY) and (path.parent / _SETTINGS).is_file():
        return _read(path.parent)
    if path.suffix != ".safetensors":
        raise StorageError(
            f"{str(path)!r} is no run; want the name or folder of a run, or a checkpoint "
            f"(.safetensors)"
        )
    return Run(path)


def _latest(runs: Path) -> Run:
    names = _names(runs)
    if not names:
        raise StorageError(_none(runs))
    return _read(runs / names[0])


def _names(runs: Path) -> list[str]:
    """The runs in a folder, the latest first."""
    try:
        found = [path for path in runs.iterdir() if (path / _SETTINGS).is_file()]
    except OSError:
        return []
    return [path.name for path in sorted(found, key=_last_change, reverse=True)]


def _last_change(folder: Path) -> tuple[int, str]:
    """When a run was last trained."""
    times = [
        os.stat(folder / name).st_mtime_ns
        for name in (_SETTINGS, _CHECKPOINT)
        if (folder / name).exists()
    ]
    return max(times, default=0), folder.name


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _none(runs: Path) -> str:
    return f"there are no runs in {display_path(runs)!r}; make one with: {command('train')}"


def _read(folder: Path) -> Run:
    path = folder / _SETTINGS
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"more than {_LARGEST:,} bytes")
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] > _FORMAT:
            raise StorageError(
                f"{str(path)!r} was written by chainrule {document['chainrule']}, which is "
                f"newer: upgrade chainrule"
            )
        settings = Settings.from_json(document["settings"])
        classes, columns = document["classes"], document.get("columns")
        return Run(
            folder / _CHECKPOINT,
            settings,
            None if classes is None else tuple(as_labels(classes)),
            None if columns is None else tuple(map(str, columns)),
            str(document["chainrule"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise StorageError(
            f"{str(path)!r} is damaged, or not written by chainrule ({error})"
        ) from error
