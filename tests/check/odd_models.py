"""Models that keep their state in odd places, written as people write them.

Each function gives a `Case`: what is checked, and a function that shows all that must be the same
afterwards. Their gradients are right.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import functools
import io
import itertools
import queue
import random
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from chainrule.check.runtime.state import LARGE

CASES: dict[str, Callable[[], Case]] = {}


@dataclasses.dataclass
class Case:
    """What is checked, what to look at afterwards, the error or the findings that are due, and
    targets other than the usual ones."""

    model: Any
    look: Callable[[], Any]
    error: str | None = None
    findings: set[str] = dataclasses.field(default_factory=set)
    y: Any = None


def odd(make: Callable[[], Case]) -> Callable[[], Case]:
    CASES[make.__name__.replace("_", " ")] = make
    return make


X = np.random.default_rng(1).normal(size=(6, 4))
Y = np.random.default_rng(2).normal(size=(6, 3))


def weights() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4, 3))


class Line:
    """A linear layer and the squared error; `note` is called at every forward pass."""

    def __init__(self):
        self.W, self.b = weights(), np.zeros(3)

    def note(self):
        pass

    def forward(self, X):
        self.note()
        self.X, self.out = X, X @ self.W + self.b
        return self.out

    def loss(self, out, y):
        return np.mean((out - y) ** 2)

    def backward(self, y):
        d = 2 * (self.out - y) / y.size
        self.dW, self.db = self.X.T @ d, d.sum(axis=0)


def picture(thing: Any, seen: set[int] | None = None) -> Any:
    """Identities and contents of a thing, to be compared; knows nothing of how a check works."""
    seen = seen or set()
    if id(thing) in seen or isinstance(thing, type | types.FunctionType | types.ModuleType):
        return id(thing)
    seen = seen | {id(thing)}
    if isinstance(thing, np.ndarray):
        inside = [picture(v, seen) for v in thing.flat] if thing.dtype == object else None
        return (
            id(thing), thing.tobytes(), thing.shape, thing.strides, thing.flags.writeable, inside
        )  # fmt: skip
    if isinstance(thing, dict):
        return id(thing), [(k, picture(v, seen)) for k, v in thing.items()]
    if isinstance(thing, list | tuple | collections.deque):
        return id(thing), [picture(v, seen) for v in thing]
    if isinstance(thing, set):
        return id(thing), sorted(map(repr, thing))
    if isinstance(thing, bytearray | array.array):
        return id(thing), bytes(thing)
    if isinstance(thing, np.random.Generator):
        return id(thing), repr(thing.bit_generator.state)
    if hasattr(thing, "__dict__"):
        return id(thing), picture(vars(thing), seen)
    return id(thing), repr(thing)


def position(iterator: Any) -> Any:
    """Where an iterator is, without moving it."""
    return id(iterator), repr(iterator.__reduce__())


# --- global variables -------------------------------------------------------------------------

calls = 0
history: list[float] = []
noise = np.random.default_rng(5)
settings = types.SimpleNamespace(passes=0, seen=[])
running_mean = np.zeros(4)
LAST_OUT: Any


@odd
def a_global_counter():
    class Model(Line):
        def note(self):
            global calls
            calls += 1

    return Case(Model(), lambda: calls)


@odd
def a_global_list():
    class Model(Line):
        def note(self):
            history.append(1.0)

    return Case(Model(), lambda: picture(history))


@odd
def a_global_array_in_place():
    class Model(Line):
        def note(self):
            running_mean[:] += 1

    return Case(Model(), lambda: picture(running_mean))


@odd
def a_global_array_that_is_bound_anew():
    class Model(Line):
        def note(self):
            global running_mean
            running_mean = running_mean + 1

    return Case(Model(), lambda: picture(running_mean))


@odd
def a_global_variable_that_the_pass_makes():
    class Model(Line):
        def backward(self, y):
            global LAST_OUT
            LAST_OUT = self.out
            super().backward(y)

    return Case(Model(), lambda: "LAST_OUT" in globals())


@odd
def a_global_found_through_a_helper():
    def helper():
        settings.passes += 1
        settings.seen.append(settings.passes)

    class Model(Line):
        note = staticmethod(helper)

    return Case(Model(), lambda: picture(settings))


@odd
def globals_by_name():
    class Model(Line):
        def note(self):
            globals()["calls"] = globals()["calls"] + 1

    return Case(Model(), lambda: calls)


@odd
def a_seeded_global_generator():
    class Model(Line):
        def forward(self, X):
            return super().forward(X + 0.1 * noise.normal(size=X.shape))

    return Case(Model(), lambda: picture(noise))


@odd
def functions_with_a_global_generator():
    def f(params, X, y):
        e = (X + 0.1 * noise.normal(size=X.shape)) @ params["W"] - y
        history.append(float(np.mean(e**2)))
        noisy = X + 0.0
        noisy[:] = (X.T @ e).mean()
        return np.mean((X @ params["W"] - y) ** 2), {"W": 2 * X.T @ (X @ params["W"] - y) / y.size}

    params = {"W": weights()}
    return Case((f, params), lambda: (picture(noise), picture(history), picture(params)))


@odd
def an_attribute_of_the_module():
    module = types.ModuleType("users_config")
    module.steps = 0

    class Model(Line):
        def note(self):
            module.steps += 1
            module.last = "forward"

    return Case(Model(), lambda: {**vars(module), "__builtins__": 0})


# --- classes ----------------------------------------------------------------------------------


@odd
def a_class_attribute():
    class Model(Line):
        passes = 0

        def note(self):
            Model.passes += 1

    return Case(Model(), lambda: Model.passes)


@odd
def an_attribute_that_the_class_gets():
    class Model(Line):
        def note(self):
            type(self).cache = self.W.sum()

    return Case(Model(), lambda: "cache" in vars(Model))


@odd
def weights_on_the_class():
    class Model(Line):
        W = weights()
        b = np.zeros(3)

        def __init__(self):
            pass

    return Case(Model(), lambda: (picture(Model.W), picture(Model.b)))


@odd
def a_list_on_the_base_class():
    class Base(Line):
        log: ClassVar[list[int]] = []

    class Model(Base):
        def note(self):
            self.log.append(len(self.log))

    return Case(Model(), lambda: picture(Base.log))


@odd
def a_counter_of_a_class_method():
    class Counter:
        count = 0

        @classmethod
        def step(cls):
            cls.count += 1

    class Model(Line):
        def note(self):
            Counter.step()

    return Case(Model(), lambda: Counter.count)


@odd
def an_object_that_changes_its_class():
    class Model(Line):
        def backward(self, y):
            super().backward(y)
            self.__class__ = Trained

    class Trained(Model):
        pass

    model = Model()
    return Case(model, lambda: type(model))


@odd
def attributes_that_are_one_dictionary():
    class Model(Line):
        def __init__(self):
            super().__init__()
            self.state = {"steps": 0}

        def note(self):
            self.__dict__ = {**self.__dict__, "steps": 1}

    model = Model()
    return Case(model, lambda: picture(vars(model)))


@odd
def slots():
    class Model:
        __slots__ = ("W", "X", "__cache", "dW", "out")

        def __init__(self):
            self.W = weights()

        def forward(self, X):
            self.X, self.out = X, X @ self.W
            self.__cache = self.out
            return self.out

        loss = Line.loss

        def backward(self, y):
            self.dW = self.X.T @ (2 * (self.__cache - y) / y.size)

    model = Model()
    return Case(model, lambda: [hasattr(model, n) for n in ("X", "_Model__cache", "dW", "out")])


@odd
def a_frozen_dataclass_with_slots():
    @dataclasses.dataclass(frozen=True, slots=True)
    class Layer:
        W: np.ndarray
        cache: dict[str, Any]

    class Model(Line):
        def __init__(self):
            self.layer = Layer(weights(), {})
            self.grads: dict[str, Any] = {}

        def forward(self, X):
            self.layer.cache["X"] = X
            self.out = X @ self.layer.W
            return self.out

        def backward(self, y):
            self.dlayer = None
            d = 2 * (self.out - y) / y.size
            return {"W": self.layer.cache["X"].T @ d}

    model = Model()
    return Case(model, lambda: (picture(model.layer.W), picture(model.layer.cache)))


@odd
def a_property_that_computes_once():
    class Model(Line):
        @functools.cached_property
        def scale(self):
            return float(np.abs(self.W).max())

        def note(self):
            self.used = self.scale

    model = Model()
    return Case(model, lambda: picture(vars(model)))


@odd
def a_property_that_counts():
    class Model(Line):
        reads = 0

        @property
        def width(self):
            self.reads += 1
            return 3

        def note(self):
            assert self.width == 3

    model = Model()
    return Case(model, lambda: picture(vars(model)))


# --- containers -------------------------------------------------------------------------------


def holding(thing: Any, change: Callable[[Any], None], look: Callable[[Any], Any] = picture):
    class Model(Line):
        def __init__(self):
            super().__init__()
            self.thing = thing

        def note(self):
            change(self.thing)

    return Case(Model(), lambda: look(thing))


@odd
def a_deque():
    return holding(collections.deque([1, 2, 3], maxlen=3), lambda d: d.append(d[-1] + 1))


@odd
def a_set():
    return holding({1, 2}, lambda s: (s.add(len(s) + 1), s.discard(1)))


@odd
def a_bytearray():
    return holding(bytearray(b"abc"), lambda b: b.extend(b"d"))


@odd
def an_array_of_the_standard_library():
    return holding(array.array("d", [1.0, 2.0]), lambda a: (a.append(3.0), a.__setitem__(0, 9.0)))


@odd
def an_ordered_dictionary():
    d = collections.OrderedDict(a=1, b=2)
    return holding(d, lambda d: (d.move_to_end("a"), d.update(c=3)))


@odd
def a_counter_of_collections():
    return holding(collections.Counter("ab"), lambda c: c.update("bc"))


@odd
def a_defaultdict():
    return holding(collections.defaultdict(list, a=[1]), lambda d: (d["a"].append(2), d["b"]))


@odd
def a_dictionary_whose_order_changes():
    return holding({"a": 1, "b": 2}, lambda d: d.update(a=d.pop("a")))


@odd
def a_queue():
    q: queue.Queue[int] = queue.Queue()
    q.put(1)
    return holding(q, lambda q: q.put(2), lambda q: list(q.queue))


@odd
def a_list_in_an_array_of_objects():
    cells = np.array([[1], [2, 3], None], dtype=object)

    def change(cells):
        cells[0].append(5)
        cells[2] = "new"

    return holding(cells, change)


@odd
def an_array_inside_a_tuple():
    pair = (np.zeros(2), [0])

    def change(pair):
        pair[0][:] += 1
        pair[1].append(1)

    return holding(pair, change)


@odd
def a_list_subclass_with_attributes():
    class Log(list):
        total = 0

    log = Log([1])

    def change(log):
        log.append(2)
        log.total += 2

    return holding(log, change, lambda log: (list(log), vars(log)))


@odd
def a_buffer_of_bytes():
    return holding(io.BytesIO(b"abc"), lambda f: f.write(b"z"), lambda f: (f.getvalue(), f.tell()))


@odd
def a_local_of_the_thread():
    local = threading.local()
    local.count = 0

    def change(local):
        local.count += 1
        local.new = 1

    return holding(local, change, lambda local: dict(vars(local)))


@odd
def a_weak_reference():
    class Statistics:
        count = 0
        seen: list[int]

    statistics = Statistics()
    statistics.seen = []

    def change(reference):
        reference().count += 1
        reference().seen.append(1)

    case = holding(weakref.ref(statistics), change)
    return dataclasses.replace(case, look=lambda: picture(statistics))


@odd
def a_weak_dictionary():
    class Key:
        pass

    key = Key()
    caches = weakref.WeakKeyDictionary({key: [1]})
    return holding(caches, lambda d: d[key].append(2), lambda d: [picture(v) for v in d.values()])


# --- functions --------------------------------------------------------------------------------


@odd
def a_default_argument():
    class Model(Line):
        def forward(self, X, cache=[]):  # noqa: B006
            cache.append(X.shape)
            return super().forward(X)

    return Case(Model(), lambda: picture(Model.forward.__defaults__))


@odd
def default_arguments_that_are_replaced():
    class Model(Line):
        def note(self, *, step=1):
            Model.note.__kwdefaults__ = {"step": step + 1}

    return Case(Model(), lambda: picture(Model.note.__kwdefaults__))


@odd
def an_attribute_of_a_function():
    def helper():
        helper.calls = getattr(helper, "calls", 0) + 1

    class Model(Line):
        note = staticmethod(helper)

    return Case(Model(), lambda: dict(vars(helper)))


@odd
def a_closure():
    count = 0

    def step():
        nonlocal count
        count += 1

    class Model(Line):
        note = staticmethod(step)

    return Case(Model(), lambda: count)


@odd
def a_partial_function():
    log: list[int] = []
    cell = np.zeros(1)

    def step(log, *, cell):
        log.append(1)
        cell += 1

    case = holding(functools.partial(step, log, cell=cell), lambda p: p())
    return dataclasses.replace(case, look=lambda: (picture(log), picture(cell)))


@odd
def forward_and_backward_as_functions():
    cache: dict[str, Any] = {"old": 1}
    params = {"W": weights()}

    def forward(X, params):
        cache["X"], cache["out"] = X, X @ params["W"]
        return cache["out"]

    def backward(params, y):
        return {"W": cache["X"].T @ (2 * (cache["out"] - y) / y.size)}

    def loss(out, y):
        return np.mean((out - y) ** 2)

    look = lambda: (picture(cache), picture(params))  # noqa: E731
    return Case((forward, backward, loss, params), look)


# --- randomness -------------------------------------------------------------------------------


@odd
def a_bare_bit_generator():
    bits = np.random.PCG64(3)
    return holding(bits, lambda bits: bits.random_raw(), lambda bits: repr(bits.state))


@odd
def a_bound_method_of_a_generator():
    rng = np.random.default_rng(3)
    draw = rng.random

    class Model(Line):
        def forward(self, X):
            return super().forward(X + draw(X.shape))

    return Case(Model(), lambda: picture(rng))


@odd
def the_global_generators():
    def change(_):
        np.random.normal()
        random.random()

    return holding(None, change, lambda _: (repr(np.random.get_state()), random.getstate()))


@odd
def generators_of_the_old_kind():
    pair = (np.random.RandomState(1), random.Random(2))

    def change(pair):
        pair[0].normal()
        pair[1].random()

    return holding(pair, change, lambda p: (repr(p[0].get_state()), p[1].getstate()))


# --- iterators --------------------------------------------------------------------------------


@odd
def a_count():
    return holding(itertools.count(5), next, position)


@odd
def a_cycle_of_learning_rates():
    return holding(itertools.cycle([0.1, 0.2]), next, position)


@odd
def batches_that_are_zipped():
    inner = iter(range(100_000))
    return holding(zip(inner, itertools.count(), strict=False), next, lambda _: position(inner))


@odd
def the_next_of_an_iterator():
    inner = iter(list(range(100_000)))
    case = holding(inner.__next__, lambda method: method())
    return dataclasses.replace(case, look=lambda: position(inner))


@odd
def an_iterator_that_ends():
    inner = iter([1, 2, 3])
    return holding(inner, lambda it: next(it, None), position)


@odd
def a_generator():
    stream = (i for i in range(100_000))
    case = holding(stream, next, lambda g: dict(g.gi_frame.f_locals))
    return dataclasses.replace(case, error="a generator, which could not be given back")


# --- arrays -----------------------------------------------------------------------------------


@odd
def read_only_weights():
    model = Line()
    model.W.flags.writeable = False
    return Case(model, lambda: picture(model.W))


@odd
def weights_in_memory_that_nobody_can_write():
    model = Line()
    model.W = np.frombuffer(weights().tobytes()).reshape(4, 3)
    return Case(model, lambda: picture(model.W), "W of Line is read-only")


@odd
def a_flag_that_the_pass_sets():
    class Model(Line):
        def backward(self, y):
            super().backward(y)
            self.b.flags.writeable = False
            self.steps.flags.writeable = False

    model = Model()
    model.steps = np.zeros(2)
    return Case(model, lambda: picture(model.steps) + picture(model.b))


@odd
def views_of_one_buffer():
    class Model(Line):
        def __init__(self):
            self.flat = np.append(weights().ravel(), np.zeros(3))
            self.W, self.b = self.flat[:12].reshape(4, 3), self.flat[12:]
            self.reversed = self.flat[::-1]

        def backward(self, y):
            super().backward(y)
            self.flat -= 0.1 * np.concatenate([self.dW.ravel(), self.db])

    model = Model()
    shared = lambda: np.shares_memory(model.W, model.reversed)  # noqa: E731
    return Case(model, lambda: (picture(model), shared()), findings={"parameters-unchanged"})


@odd
def an_array_over_a_bytearray():
    raw = bytearray(weights().tobytes())

    class Model(Line):
        def __init__(self):
            self.W, self.b = np.frombuffer(raw).reshape(4, 3), np.zeros(3)
            self.raw = raw

    model = Model()
    return Case(model, lambda: (picture(raw), picture(model)))


@odd
def an_array_that_is_resized_in_place():
    class Model(Line):
        def note(self):
            self.log.resize(len(self.log) + 1, refcheck=False)
            self.log[-1] = 1

    model = Model()
    model.log = np.zeros(2)
    return Case(model, lambda: picture(model.log))


@odd
def an_array_that_is_resized_with_a_check_of_references():
    class Model(Line):
        def note(self):
            self.log.resize(len(self.log) + 1)

    model = Model()
    model.log = np.zeros(2)
    return Case(model, lambda: picture(model.log), "assign a new array, or pass refcheck=False")


@odd
def an_array_of_another_shape_afterwards():
    class Model(Line):
        def note(self):
            self.table.shape = (self.table.size,)

    model = Model()
    model.table = np.arange(6.0).reshape(2, 3)
    return Case(model, lambda: picture(model.table))


@odd
def an_update_in_place_in_the_forward_pass():
    class Model(Line):
        def forward(self, X):
            out = super().forward(X)
            self.W *= 0.9
            return out

    model = Model()
    return Case(model, lambda: picture(model), findings={"parameters-unchanged"})


@odd
def targets_that_the_pass_writes_into():
    class Model(Line):
        def loss(self, out, y):
            return np.mean((out - y) ** 2)

        def backward(self, y):
            super().backward(y)
            y[0] = 0

    y = Y.copy()
    return Case(Model(), lambda: picture(y), findings={"inputs-unchanged"}, y=y)


@odd
def not_a_number_with_a_payload():
    model = Line()
    model.mask = np.array([0x7FF8000000000123, 0xFFF8000000000042], np.uint64).view(np.float64)
    return Case(model, lambda: picture(model))


@odd
def an_attribute_that_is_deleted():
    class Model(Line):
        def note(self):
            if hasattr(self, "temporary"):
                del self.temporary

    model = Model()
    model.temporary = [1]
    model.last = 2
    return Case(model, lambda: picture(vars(model)))


@odd
def an_iterator_of_its_own():
    class Batches:
        def __init__(self):
            self.i = 0

        def __iter__(self):
            return self

        def __next__(self):
            self.i += 1
            return self.i

    return holding(Batches(), next)


@odd
def a_global_table_found_by_a_class():
    class Registry:
        def add(self):
            history.append(2.0)

    return holding(Registry(), lambda r: r.add(), lambda _: picture(history))


@odd
def a_large_array_that_is_read():
    model = Line()
    model.data = np.zeros(LARGE // 8 + 1)
    return Case(model, lambda: picture(model.data))


@odd
def a_large_array_that_is_written():
    class Model(Line):
        def note(self):
            self.data[0] += 1

    model = Model()
    model.data = np.zeros(LARGE // 8 + 1)
    return Case(model, lambda: picture(model.data))


@odd
def large_weights_that_the_pass_updates():
    class Table:
        def __init__(self):
            self.W = np.zeros((LARGE // 64 + 1, 8))

        def forward(self, X):
            self.rows = np.arange(len(X))
            self.X, self.out = X, (self.W[self.rows] * X[:, :1]).sum(axis=1)
            return self.out

        def loss(self, out, y):
            return np.mean((out - y[:, 0]) ** 2)

        def backward(self, y):
            d = 2 * (self.out - y[:, 0]) / len(y)
            self.dW = np.zeros_like(self.W)
            self.dW[self.rows] = d[:, None] * self.X[:, :1]
            self.W -= 0.1 * self.dW

    model = Table()
    return Case(model, lambda: picture(model), findings={"parameters-unchanged"})
