"""Outputs of a network for any number of rows: by the compiled kernels where they were built."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.checks import check_examples, check_sparse, convert
from chainrule.native import instruction_set, kernels, thread_count
from chainrule.native.arrays import fixed_size, plain
from chainrule.native.blas import find_blas
from chainrule.nn.compiled import layer_records, leading_scale, without_native_form
from chainrule.nn.layers import INFERENCE
from chainrule.sparse import SparseRows, is_sparse

if TYPE_CHECKING:
    from chainrule.nn.network import Network

__all__ = ["Predictor"]

_CHUNK_BYTES = 2**20  # of activations at a time: they stay in the cache
_THREAD_FLOPS = 2e7  # work that is worth starting a thread for
_LARGE = 2**18  # entries of a W that BLAS multiplies better, with threads of its own


class Predictor:
    """`net(X)`. Holds no state but the network's parameters, so any thread may call it."""

    def __init__(self, net: Network) -> None:
        self._net = net
        self._dtype = net.dtype
        self._input_shape = net.input_shape
        self._columns = net.input_shape[0] if len(net.input_shape) == 1 else None
        self._output_shape = net.output_shape
        self._native = _native_predictor(net)
        self._fixed = fixed_size(net.params)
        scale = None if self._native is None else leading_scale(net.layers)
        self._factor = None if scale is None else self._dtype.type(scale.factor)
        sizes = [math.prod(slot.shape) for slot in net.layout.slots if slot.is_weight]
        self._flops = 2.0 * sum(sizes)  # of one row
        self._large = max(sizes, default=0) > _LARGE

    def __call__(self, X: Any) -> np.ndarray:
        """Outputs of checked or unchecked rows, dense or sparse; see `Network.__call__`."""
        if (
            self._native is not None
            and self._factor is None
            and type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == self._dtype
            and X.shape[1] == self._columns
            and (flags := X.flags).c_contiguous
            and flags.aligned
            and len(X)
        ):
            outputs = self._predicted(X)
            if outputs is not None:
                return outputs
        return self._checked(X)

    def _predicted(self, rows: np.ndarray) -> np.ndarray | None:
        """By the kernels; None if a row is not finite. Other threads run meanwhile if it takes
        more than one."""
        outputs = np.empty((len(rows), *self._output_shape), self._dtype)
        threads = self._threads(len(rows))
        kept = fixed_size(rows) if threads > 1 else []
        finite = self._native.predict(rows, outputs, threads)
        del kept
        return outputs if finite else None

    def _threads(self, rows: int) -> int:
        flops = rows * self._flops
        if flops < 2 * _THREAD_FLOPS or self._large:
            return 1
        return min(thread_count(), int(flops / _THREAD_FLOPS))

    def _checked(self, X: object) -> np.ndarray:
        if is_sparse(X):
            return self._sparse(check_sparse(X, self._input_shape))
        examples = check_examples(X, self._input_shape)
        outputs = np.empty((len(examples), *self._output_shape), self._dtype)
        for rows in self._chunks(len(examples)):
            outputs[rows] = self._run(convert(examples[rows], self._dtype, "X", rows.start))
        return outputs

    def _sparse(self, X: SparseRows) -> np.ndarray:
        outputs = np.empty((len(X), *self._output_shape), self._dtype)
        value = plain(convert(X.value, self._dtype, "X.data"))
        if self._native is not None and self._native.first_is_linear:
            if self._factor is not None:
                value = value * self._factor
            self._native.predict_csr(X.with_value(value).arrays, outputs)
            return outputs
        for rows in self._chunks(len(X)):
            x = X.take(np.arange(rows.start, min(rows.stop, len(X))))
            outputs[rows] = self._run(x.astype(self._dtype, copy=False))
        return outputs

    def _chunks(self, n: int) -> Iterator[slice]:
        widest = max(math.prod(shape) for shape in [self._input_shape, *self._net.shapes])
        rows = max(16, _CHUNK_BYTES // (widest * self._dtype.itemsize))
        return (slice(start, start + rows) for start in range(0, n, rows))

    def _run(self, x: np.ndarray) -> np.ndarray:
        """Rows of the right shape and dtype."""
        if self._native is not None:
            rows = plain(x.reshape(len(x), -1))
            outputs = self._predicted(rows if self._factor is None else rows * self._factor)
            if outputs is not None:
                return outputs
        for layer, params in zip(self._net.layers, self._net.views, strict=True):
            x, _ = layer.forward(params, x, INFERENCE)
        return x


def _native_predictor(net: Network) -> Any:
    """The compiled form of a network, None where it has none."""
    if kernels is None or without_native_form(net.layers) is not None:
        return None
    if net.dtype not in (np.float32, np.float64) or len(net.output_shape) != 1:
        return None
    records = layer_records(net.layers, net.input_shape, net.layout, training=False)
    if not records:
        return None
    make = kernels.Predictor32 if net.dtype == np.float32 else kernels.Predictor64
    sizes = [math.prod(slot.shape) for slot in net.layout.slots if slot.is_weight]
    # threadpoolctl, which finds BLAS, is loaded only for networks that need it.
    blas = find_blas() if max(sizes, default=0) > _LARGE else (0, 0, False)
    return make(records, net.params, instruction_set(), blas)
