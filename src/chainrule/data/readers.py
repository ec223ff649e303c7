"""`load`: a dataset from a file, whatever its format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from chainrule.checks import check_choice, check_kind
from chainrule.data.arrays import as_features, read_npy, read_npz
from chainrule.data.dataset import Dataset, check_task, encode_target
from chainrule.data.files import AnyPath, existing_file
from chainrule.data.folder import read_folder
from chainrule.data.idx import is_idx_name, labels_beside, read_idx
from chainrule.data.limits import Limits
from chainrule.data.reading import TableOptions
from chainrule.data.table import read_table
from chainrule.errors import InputError
from chainrule.labels import Label
from chainrule.registry import nearest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load"]

_FOLDER = "folder"
_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".npz", ".npy")


def load(
    path: AnyPath,
    target: int | str | os.PathLike[str] | None = None,
    *,
    task: str = "auto",
    part: str = "train",
    classes: Sequence[Label] | None = None,
    header: bool | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str] | None = None,
    limits: Limits | None = None,
) -> Dataset:
    """Read examples and targets from a file, whose name decides the format, or a folder.

    | name | content | `target` |
    |---|---|---|
    | .csv .tsv (.gz) | one example a line | name or index of a column, default the last |
    | .npy | 2-D array | index of a column, default the last |
    | .npz | X, y; data, target; or x_train, y_train, x_test, y_test | not used |
    | .npz of scipy.sparse | X, and y if you added it | path of an .npy, default its own y |
    | …-images-idx3-ubyte (.gz) | images | path of the labels, default the file beside it |
    | a folder | a folder of pictures for each class, or these in train/ and test/ | not used |

    Features become float32 (N, d), of scipy.sparse a CSR matrix. uint8 arrays (idx, npz, npy) and
    pictures are pixels and scaled to [0, 1]; all other numbers keep their values. Targets are
    classes if any is text, or if all are whole numbers of at most 100 different values: then y is
    int64 indices into `classes`, in ascending order. Otherwise y is float32.

    A table's separator, column names, decimals and types are decided from its content, and
    `reading` of the result says what was decided. What can be read in two ways is refused, and so
    are missing values and features that are no numbers (True and False become 1 and 0).

    Args:
        path: the file or folder.
        target: what the table above says; an index may be negative.
        task: "classification" or "regression" overrides the rule for targets.
        part: "test" reads x_test and y_test of an .npz, or the folder test/; other files have one
            part, "train".
        classes: the `classes` of the training set, when you load a test set from its own file,
            so that the same label gets the same index.
        header: whether the first line of a table holds names; None: it does if no cell of it is
            a number.
        separator: the character between a table's cells; None: a comma, semicolon, tab or bar,
            whichever makes the most cells numbers.
        decimal: "." or ","; None: a comma where numbers have one and nothing contradicts it.
        encoding: of a table's text, such as "cp1252"; None: UTF-8, or UTF-16 if it starts so.
        missing: the words that stand for a missing value; capitals do not matter, and an empty
            cell always does. None: NA, NaN, null, None, ?, -, #N/A and the like.
        limits: on memory, rows, columns and pixels; by default those of `Limits()`.

    Raises:
        InputError: an argument or the content does not fit: the message names line and column,
            or the array.
        StorageError: the file is missing, unreadable, truncated or damaged, or asks for more than
            `limits` allow.
        MissingExtraError: a package that reads such files is not installed: pyarrow for tables,
            Pillow for pictures, SciPy for sparse matrices.

    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp(), "flowers.csv")
    >>> _ = path.write_text("length,width,kind\\n5.1,3.5,lily\\n4.9,3.0,rose\\n")
    >>> data = load(path, target="kind")
    >>> data.X.tolist(), data.y, data.classes
    ([[5.099999904632568, 3.5], [4.900000095367432, 3.0]], array([0, 1]), ('lily', 'rose'))
    >>> X, y = data
    """
    classes = check_task(task, classes)
    check_choice(part, "load: part", ("train", "test"))
    options = TableOptions(separator, header, decimal, encoding, missing)
    limits = limits or Limits()
    check_kind(limits, Limits, "load: limits", "such as Limits(rows=10**6)")
    file = existing_file(path, folders=True)
    ending = _FOLDER if os.path.isdir(file) else _ending(file)
    if part == "test" and ending not in (".npz", _FOLDER):
        raise InputError(
            f"part='test' is for .npz files and folders, got {str(file)!r}: load the file of the "
            f"test set by its own path"
        )
    is_table = ending.startswith((".csv", ".tsv"))
    if options != TableOptions() and not is_table:
        given = [f.name for f in fields(options) if getattr(options, f.name) is not None]
        raise InputError(f"{given[0]}= is for .csv and .tsv, got it for {str(file)!r}")
    if ending == _FOLDER:
        if target is not None:
            raise InputError(f"the folders in {str(file)!r} name the classes, so leave target out")
        return read_folder(file, task, classes, part, limits)
    if ending == ".npz":
        if isinstance(target, int | np.integer):
            raise InputError(f"for a sparse .npz target is the path of an .npy, got {target!r}")
        return read_npz(file, target, task, classes, part, limits)
    if ending == "idx":
        return _read_images(file, target, task, classes, limits)
    if isinstance(target, os.PathLike):
        raise InputError(f"target must be a column's name or index, got the path {target!r}")
    if ending == ".npy":
        return read_npy(file, target, task, classes, limits)
    return _read_table(file, target, task, classes, options, limits)


def _ending(path: Path) -> str:
    """The format of a file, by its name."""
    name = path.name.lower()
    if is_idx_name(name):
        return "idx"
    for ending in _ENDINGS:
        if name.endswith(ending):
            return ending
    suffix = "".join(path.suffixes[-2:]) if name.endswith(".gz") else path.suffix
    raise InputError(
        f"cannot tell the format of {str(path)!r} from its ending "
        f"{suffix!r}{nearest(suffix, _ENDINGS)}; known: {', '.join(_ENDINGS)} and "
        f"…-idx3-ubyte(.gz); rename the file if it is one of them"
    )


def _read_table(
    path: Path,
    target: int | str | None,
    task: str,
    classes: Sequence[Label] | None,
    options: TableOptions,
    limits: Limits,
) -> Dataset:
    labels = task == "classification" or classes is not None
    table = read_table(path, target, options, limits, labels=labels)

    def place(i: int) -> str:
        return f"{str(path)!r}, {table.place(i)}, {table.target_name}"

    y, found = encode_target(table.targets, task, classes, place)
    return Dataset(table.X, y, found, table.names, str(path), table.reading)


def _read_images(
    path: Path,
    target: int | str | os.PathLike[str] | None,
    task: str,
    classes: Sequence[Label] | None,
    limits: Limits,
) -> Dataset:
    images = read_idx(path, limits)
    if images.ndim < 2:
        raise InputError(
            f"{str(path)!r} holds shape {images.shape}: labels, not images; give "
            f"the path of the images (…-images-idx3-ubyte)"
        )
    if isinstance(target, int | np.integer):
        raise InputError(f"for idx images target is the path of the labels, got {target!r}")
    labels_path = labels_beside(path) if target is None else existing_file(target)
    labels = read_idx(labels_path, limits)
    if labels.shape != (len(images),):
        raise InputError(
            f"{str(path)!r} holds {len(images):,} images, but {str(labels_path)!r} "
            f"has shape {labels.shape}: want one label an image"
        )
    if task == "auto":
        task = "classification"
    y, found = encode_target(labels, task, classes, lambda i: f"{str(labels_path)!r}[{i}]")
    return Dataset(as_features(images, repr(str(path))), y, found, None, str(path))
