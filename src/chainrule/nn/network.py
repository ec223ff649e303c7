"""Network: a chain of layers over one flat vector of parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from chainrule.checks import as_array, first_non_finite, make_generator, shape_text
from chainrule.errors import InputError, StorageError
from chainrule.hints import NETWORK_HINTS, missing_attribute
from chainrule.labels import Label, as_labels
from chainrule.nn.build import (
    as_layer,
    floating,
    infer_shapes,
    initial_params,
    input_shape,
    running_index,
    tensor_names,
)
from chainrule.nn.inference import Predictor
from chainrule.nn.initializers import Initializer
from chainrule.nn.layers import INFERENCE, Layer, Params, Run, Shape
from chainrule.nn.losses import LOSSES, Loss
from chainrule.nn.parameters import Layout, aligned_zeros
from chainrule.nn.spec import parse_spec, write_spec
from chainrule.registry import nearest
from chainrule.storage import load_tensors, save_tensors
from chainrule.tables import text_table

__all__ = ["Network"]


class Network:
    """A chain of layers, `X → z1 → a1 → z2 → …`, and its parameters.

    Args:
        inputs: width of a row of X, or the shape of one example, such as (28, 28).
        *layers: `Layer` objects or their spellings ("relu", "dropout(0.1)"). Input widths are
            inferred.
        seed: of the initial weights.
        dtype: float32 to train, float64 to check. The network computes in it throughout; X is
            converted on entry.
        init: initialiser of every weight matrix that does not name its own; by default what
            suits the activation that follows.

    Raises:
        InputError: no layers, one that cannot take what the one before gives (the message names
            it), or `inputs`, `seed`, `dtype` or `init` out of range.

    Row = example: X is (batch, inputs), W is (in, out), `z = x W + b`.

    >>> from chainrule.nn import Linear, ReLU
    >>> net = Network(784, Linear(128), ReLU(), Linear(10))
    >>> net.params.shape, net["W1"].shape, net.output_shape
    ((101770,), (784, 128), (10,))
    >>> net["b2"][:] = 1.0   # views: writing changes the network
    >>> net(np.zeros((3, 784)))[0, :3]
    array([1., 1., 1.], dtype=float32)
    """

    _classes: tuple[Label, ...] | None = None
    loss: Loss | None = None
    """What the network was last trained on: it decides what `predict` makes of the outputs."""

    def __init__(
        self,
        inputs: int | Shape,
        *layers: Layer | str,
        seed: int = 0,
        dtype: Any = np.float32,
        init: str | Initializer | None = None,
    ) -> None:
        self._lay_out(inputs, layers)
        self._dtype = floating(dtype)
        rng = make_generator(seed)
        self._bind(initial_params(self.input_shape, self.shapes, self.layers, rng, init))

    def _lay_out(self, inputs: int | Shape, layers: Sequence[Layer | str]) -> None:
        """Everything but the parameters; nothing of their size is allocated."""
        self.input_shape = input_shape(inputs)
        self.layers: tuple[Layer, ...] = tuple(as_layer(layer) for layer in layers)
        if not self.layers:
            raise InputError(
                "a Network needs at least one layer: Network(784, Linear(10)), or by widths "
                'Network.from_spec("784-128-10")'
            )
        self.shapes = infer_shapes(self.input_shape, self.layers)
        into = [self.input_shape, *self.shapes]
        param_shapes = [layer.param_shapes(into[i]) for i, layer in enumerate(self.layers)]
        self.indices = tuple(running_index(param_shapes))
        self._lowest_trained = self.indices.index(1) if 1 in self.indices else len(self.layers)
        self.tensor_names = ("X", *tensor_names(self.layers, self.indices))
        self.layout = Layout.of(param_shapes, self.indices)

    @classmethod
    def from_spec(cls, spec: str, **kwargs: Any) -> Network:
        """A network from one line (see `chainrule.nn.spec`).

        Args:
            spec: such as "784-128(tanh)-10"; ReLU follows a width unless it is the last.
            **kwargs: of `Network`: seed, dtype, init.

        Raises:
            InputError: it cannot be read, or the layers do not fit; the message says where.

        >>> Network.from_spec("784-256(gelu)-128(tanh)-dropout(0.1)-10").spec
        '784-256(gelu)-128(tanh)-dropout(0.1)-10'
        """
        input_shape, layers = parse_spec(spec)
        return cls(input_shape, *layers, **kwargs)

    # --- parameters ---------------------------------------------------------------------------

    @property
    def params(self) -> np.ndarray:
        """All parameters, one flat vector (params,). Writing into it changes the network, and so
        does assigning another one.

        Raises:
            InputError: what is assigned has another shape or holds no real numbers.
        """
        return self._params

    @params.setter
    def params(self, values: np.ndarray) -> None:
        values = as_array(values, "params")
        if values.shape != self._params.shape:
            raise InputError(f"params must have shape {self._params.shape}, got {values.shape}")
        self._params[:] = values

    @property
    def dtype(self) -> np.dtype:
        """What the network computes in."""
        return self._dtype

    @property
    def output_shape(self) -> Shape:
        """Shape of one row of the output."""
        return self.shapes[-1]

    @property
    def classes(self) -> tuple[Label, ...] | None:
        """What the classes are called, by the index of their output; None if that is not known.
        `fit` with text labels sets it, files keep it, and it may be assigned.

        Raises:
            InputError: what is assigned are not different labels, one for each output (two for a
                single output).

        >>> net = Network.from_spec("4-8-2")
        >>> net.classes = ["cat", "dog"]
        >>> net.classes
        ('cat', 'dog')
        """
        return self._classes

    @classes.setter
    def classes(self, classes: Sequence[Label] | None) -> None:
        labels = None if classes is None else tuple(as_labels(classes))
        wanted = 2 if self.output_shape == (1,) else self.output_shape[-1]
        if labels is not None and len(labels) != wanted:
            raise InputError(
                f"classes must be {wanted} labels for a network with output shape "
                f"{self.output_shape}, got {len(labels)}"
            )
        self._classes = labels

    @property
    def views(self) -> Sequence[Params]:
        """For each layer its parameters under its own names, as its `forward` takes them: of a
        linear layer W, (in, out), and b, (out,)."""
        return self._views

    def __getitem__(self, name: str) -> np.ndarray:
        """The named parameter, a view into `params`: W (in, out), b (out,).

        Raises:
            InputError: there is no such parameter; the nearest is suggested.
        """
        self._check_name(name)
        return self.layout.view(self._params, name)

    def __setitem__(self, name: str, value: np.ndarray) -> None:
        """Copy `value`, of its shape, W (in, out), b (out,), into the named parameter.

        Raises:
            InputError: there is no such parameter, or `value` has another shape or holds no real
                numbers.
        """
        view = self[name]
        value = as_array(value, name)
        if value.shape != view.shape:
            raise InputError(f"{name} must have shape {view.shape}, got {value.shape}")
        view[...] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self.layout.names)

    def __contains__(self, name: object) -> bool:
        return name in self.layout

    def _check_name(self, name: str) -> None:
        if name not in self.layout:
            names = self.layout.names
            raise InputError(
                f"there is no parameter {name!r}{nearest(name, names)}; "
                f"this network has {', '.join(names) or 'none'}"
            )

    def _bind(self, params: np.ndarray) -> None:
        """Take a copy of `params` as this network's own."""
        self._params = aligned_zeros(params.size, self._dtype)
        self._params[:] = params
        self._predictor: Predictor | None = None
        self._views = self.layout.views_by_layer(self._params, len(self.layers))

    # --- running ------------------------------------------------------------------------------

    def __call__(self, X: object) -> np.ndarray:
        """Outputs (logits) for any number of rows, in memory bounded but for the result.

        Args:
            X: (N, *input_shape), any real dtype, finite; scipy.sparse too.

        Returns:
            (N, *output_shape) in the network's dtype.

        Raises:
            InputError: X has another shape, is empty, or holds a NaN or infinity.
        """
        if self._predictor is None:
            self._predictor = Predictor(self)
        return self._predictor(X)

    def predict(self, X: object) -> np.ndarray:
        """The answer to each row, by the loss that the network was trained on.

        Args:
            X: as for a call.

        Returns:
            class indices for a classifier, or the labels where it was trained on text labels, and
                the outputs for a regression; (N,) for one answer a row, else (N, outputs).

        Raises:
            InputError: the network has not been trained by `fit`, or X does not fit.

        >>> from chainrule import fit
        >>> net = Network.from_spec("2-8-2")
        >>> history = fit(net, [[0.0, 1.0], [1.0, 0.0]], [1, 0], epochs=100)
        >>> net.predict([[0.1, 0.9], [0.8, 0.2]])
        array([1, 0])
        """
        if self.loss is None:
            raise InputError(
                "the network has not been trained, so it is unknown what its outputs mean: train "
                "it with cr.fit, or set net.loss; net(X) gives the outputs themselves"
            )
        answers = self.loss.predict(self(X))
        answers = answers[:, 0] if answers.shape[1:] == (1,) else answers
        if self._classes is not None and self.loss.classifies and answers.ndim == 1:
            return np.array(self._classes)[answers]
        return answers

    def forward(
        self,
        x: np.ndarray,
        run: Run = INFERENCE,
        record: Callable[[str, np.ndarray], None] | None = None,
    ) -> tuple[np.ndarray, list[Any]]:
        """Output and each layer's cache.

        Args:
            x: (N, *input_shape) in the network's dtype; it is not checked.
            run: for training or not, and where random numbers come from.
            record: called with the name and value of every tensor: X, z1, a1, …

        Returns:
            The output, (N, *output_shape), and what `backward` takes as `caches`.

        Raises:
            InputError: a training pass through dropout without a generator.
        """
        caches = []
        if record:
            record("X", x)
        names = self.tensor_names[1:]
        for layer, params, name in zip(self.layers, self._views, names, strict=True):
            x, cache = layer.forward(params, x, run)
            caches.append(cache)
            if record:
                record(name, x)
        return x, caches

    def backward(
        self,
        caches: Sequence[Any],
        dy: np.ndarray,
        out: Sequence[Params],
        *,
        need_dx: bool = False,
        record: Callable[[str, np.ndarray], None] | None = None,
    ) -> np.ndarray | None:
        """The chain rule, from the last layer to the first.

        Args:
            caches: from `forward`.
            dy: (N, *output_shape), gradient of the loss with respect to the output.
            out: where each layer's gradients are written, such as
                `net.layout.views_by_layer(vector, len(net.layers))`.
            need_dx: whether the gradient with respect to X is wanted; it costs a product.
            record: called with the name and value of every gradient but `dy`'s own.

        Returns:
            dX, (N, *input_shape), or None if it was not wanted; nothing is computed below the
                lowest layer that has parameters.
        """
        lowest = 0 if need_dx else self._lowest_trained
        dx: np.ndarray | None = dy
        for i in range(len(self.layers) - 1, lowest - 1, -1):
            assert dx is not None
            dx, grads = self.layers[i].backward(
                self._views[i], caches[i], dx, need_dx=i > lowest or need_dx, out=out[i]
            )
            if record:
                for local, gradient in grads.items():
                    record(f"d{local}{self.indices[i]}", gradient)
                if dx is not None:
                    record(f"d{self.tensor_names[i]}", dx)
        return dx

    # --- copies and files ---------------------------------------------------------------------

    def copy(self) -> Network:
        """The same network with parameters of its own."""
        return self.astype(self._dtype)

    def astype(self, dtype: Any) -> Network:
        """A copy that computes in another dtype, for example float64 to check gradients.

        Raises:
            InputError: `dtype` is not floating.
        """
        other = object.__new__(Network)
        other.__dict__.update(self.__dict__)
        other._dtype = floating(dtype)
        other._bind(self._params)
        return other

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a safetensors file, atomically.

        Raises:
            InputError: `path` is no path.
            StorageError: the file cannot be written; what was there is untouched.
        """
        loss = None if self.loss is None else self.loss.spelling
        meta = {"spec": self.spec, "classes": self._classes, "loss": loss}
        save_tensors(path, "network", {"params": self._params}, meta)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, allow_non_finite: bool = False) -> Network:
        """A network from a file of `save`, or from a checkpoint.

        Of a damaged checkpoint the version before it is loaded, with a `ChainruleWarning`.

        Args:
            path: the file.
            allow_non_finite: load parameters with NaN or infinity in them too.

        Raises:
            InputError: `path` is no path.
            StorageError: there is no such file, it is damaged or not one of ours, or a parameter
                is not finite.
        """
        stored = load_tensors(path, "network", "checkpoint")
        try:
            net = cls._from_parts(stored.meta["spec"], stored.tensors["params"])
            net.classes = stored.meta.get("classes")
            if stored.meta.get("loss") is not None:
                net.loss = LOSSES.make(stored.meta["loss"])
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(
                f"{str(stored.path)!r} holds no network that can be built: {error}"
            ) from error
        bad = first_non_finite(net.params)
        if bad is not None and not allow_non_finite:
            raise StorageError(
                f"{str(stored.path)!r} holds a network that is of no use: "
                f"{net.layout.entry(bad[0])} is {net.params[bad]}. To load it all the same: "
                f"Network.load({str(path)!r}, allow_non_finite=True)"
            )
        return net

    @classmethod
    def _from_parts(cls, spec: str, params: np.ndarray) -> Network:
        """The network of a spec with these parameters."""
        net = object.__new__(cls)
        net._lay_out(*parse_spec(spec))
        net._dtype = floating(params.dtype)
        if params.shape != (net.layout.size,):
            raise InputError(
                f"{spec} has {net.layout.size:,} parameters, but the file has an array of shape "
                f"{params.shape}"
            )
        net._bind(params)
        return net

    def __getstate__(self) -> dict[str, Any]:
        """For `pickle` and `copy.deepcopy`, which would make the views copies of their own."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_views", "_predictor")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind(self._params)

    # --- words --------------------------------------------------------------------------------

    if not TYPE_CHECKING:  # a type checker finds unknown names by itself

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute("a Network", name, dir(type(self)), NETWORK_HINTS)

    @property
    def spec(self) -> str:
        """The network in one line; `Network.from_spec` reads it back."""
        return write_spec(self.input_shape, self.layers)

    def __repr__(self) -> str:
        parts = ", ".join(repr(layer) for layer in self.layers)
        inputs = self.input_shape[0] if len(self.input_shape) == 1 else self.input_shape
        return f"Network({inputs}, {parts})"

    def __str__(self) -> str:
        return self.table()

    def table(self, width: int | None = None) -> str:
        """The layers, their outputs and parameters as text; without the shapes of the parameters
        where that is wider than `width`."""
        rows = [["X", "input", shape_text(self.input_shape), "", ""]]
        for i, layer in enumerate(self.layers):
            local = self._views[i].items()
            shapes = ", ".join(f"{k}{self.indices[i]} {_tuple_text(v.shape)}" for k, v in local)
            count = sum(v.size for _, v in local)
            output = shape_text(self.shapes[i])
            rows.append([self.tensor_names[i + 1], layer.spelling, output, f"{count:,}", shapes])
        rows.append(["", "total", "", f"{self.layout.size:,}", str(self._dtype)])
        header = ["tensor", "layer", "output", "parameters", ""]
        return text_table(header, rows, "<<>><", footer=True, width=width, spare=("",))


def _tuple_text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
