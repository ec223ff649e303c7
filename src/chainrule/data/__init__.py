"""Data: MNIST, readers for common files, splits, batches, and digits from photographs."""

from chainrule.data.batches import batch_slices, batches, epoch_order
from chainrule.data.dataset import Dataset
from chainrule.data.digits import mnist
from chainrule.data.images import read_digit
from chainrule.data.limits import Limits
from chainrule.data.readers import load
from chainrule.data.reading import Reading
from chainrule.data.splits import split

__all__ = [
    "Dataset",
    "Limits",
    "Reading",
    "batch_slices",
    "batches",
    "epoch_order",
    "load",
    "mnist",
    "read_digit",
    "split",
]
