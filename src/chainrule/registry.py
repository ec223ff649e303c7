"""Names for things: what a layer, loss or optimiser is called on the command line and in files.

A `Registry` maps a name to a frozen dataclass and both ways between an object and its spelling:
`"dropout(0.1)"` <-> `Dropout(rate=0.1)`. The syntax is that of a Python call with literal
arguments; a bare name in an argument stands for itself, a nested call for a nested spelling:
`"warmup(1, then=cosine)"`. Nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import dataclasses
import numbers
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from chainrule.errors import InputError

__all__ = ["Registry", "nearest", "parse_call"]

T = TypeVar("T")
C = TypeVar("C", bound=type)


class Registry(Generic[T]):
    """The known kinds of one thing, for example all layers.

    >>> shapes = Registry("shape")
    >>> @shapes.register("square")
    ... @dataclasses.dataclass(frozen=True)
    ... class Square:
    ...     side: float = 1.0
    >>> shapes.make("square(2.5)")
    Square(side=2.5)
    >>> shapes.spell(Square(side=2.5)), shapes.spell(Square())
    ('square(2.5)', 'square')
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type] = {}
        self._aliases: dict[str, tuple[str, ...]] = {}

    def register(self, name: str, *aliases: str) -> Callable[[C], C]:
        """Class decorator: make a frozen dataclass known under `name`.

        Args:
            name: how it is spelled.
            *aliases: what other libraries call it; `make` accepts these too.
        """

        def add(cls: C) -> C:
            for word in (name, *aliases):
                if self._find(word) is not None:
                    raise ValueError(f"the {self.kind} {word!r} is registered twice")
            self._classes[name] = cls
            self._aliases[name] = aliases
            return cls

        return add

    def _find(self, word: str) -> str | None:
        """The registered name that `word` stands for. Case and underscores do not matter:
        "ReLU" is relu, and "LeakyReLU" leaky_relu."""
        wanted = _folded(word)
        for name in self._classes:
            if wanted in map(_folded, (name, *self._aliases.get(name, ()))):
                return name
        return None

    def __iter__(self) -> Iterable[str]:
        return iter(self._classes)

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def names(self) -> list[str]:
        """All registered names, sorted."""
        return sorted(self._classes)

    def classes(self) -> dict[str, type]:
        """Name -> class, in order of registration."""
        return dict(self._classes)

    def name_of(self, thing: object) -> str:
        """The registered name of an object's class."""
        for name, cls in self._classes.items():
            if type(thing) is cls:
                return name
            if thing is cls:
                raise InputError(f"{cls.__name__} is a class; write {cls.__name__}(…)")
        raise InputError(
            f"{thing!r} is not a registered {self.kind}, nor the name of one; "
            f"known: {', '.join(self.names())}"
        )

    def make(self, spelling: str | T) -> T:
        """The object that a spelling such as `"dropout(0.1)"` stands for; objects pass through.

        Case does not matter, and names that other libraries use are understood: "Adam" is
        "adam", "cross_entropy" is "softmax_cross_entropy".

        Raises:
            InputError: the name is unknown (the nearest one is suggested), the arguments do not
                fit, or `spelling` is a class instead of an object.
        """
        if not isinstance(spelling, str):
            self.name_of(spelling)
            return spelling
        return self.build(spelling, *parse_call(spelling, self.kind))

    def build(self, spelling: str, name: str, args: list[Any], kwargs: dict[str, Any]) -> T:
        """The object of a parsed spelling."""
        found = self._find(name)
        if found is None:
            raise InputError(
                f"unknown {self.kind} {name!r} in {spelling!r}{nearest(name, self._classes)}; "
                f"known: {', '.join(self.names())}"
            )
        cls = self._classes[found]
        try:
            made: T = cls(*args, **kwargs)
        except TypeError as error:
            fields = ", ".join(f.name for f in _fields(cls))
            raise InputError(
                f"cannot make the {self.kind} {spelling!r}: {found} takes ({fields})"
            ) from error
        return made

    def spell(self, thing: T) -> str:
        """The shortest spelling that `make` turns back into an equal object."""
        args: list[str] = []
        positional = True
        for field in _fields(type(thing)):
            value = getattr(thing, field.name)
            positional = positional and not field.kw_only
            if _is_default(field, value):
                positional = False
                continue
            text = _spell_value(value)
            args.append(text if positional else f"{field.name}={text}")
        name = self.name_of(thing)
        return f"{name}({', '.join(args)})" if args else name


def _folded(name: str) -> str:
    return name.lower().replace("_", "")


def nearest(name: object, known: Iterable[str]) -> str:
    """`", did you mean 'relu'?"` for the known name closest to `name`, or an empty string."""
    import difflib  # only errors need it

    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.5)
    return f", did you mean {by_lower[close[0]]!r}?" if close else ""


def parse_call(text: str, kind: str = "name") -> tuple[str, list[Any], dict[str, Any]]:
    """Split `"name(1, x=2)"` into its name, arguments and keyword arguments.

    >>> parse_call("warmup(1, then=cosine(0.1))")
    ('warmup', [1], {'then': 'cosine(0.1)'})
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, [], {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            args = [_value(arg) for arg in node.args]
            kwargs = {str(k.arg): _value(k.value) for k in node.keywords if k.arg}
            if len(kwargs) == len(node.keywords):
                return node.func.id, args, kwargs
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        pass
    raise InputError(f"cannot read the {kind} {text!r}: want 'name' or 'name(value, key=value)'")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name | ast.Call):
        return ast.unparse(node)
    return ast.literal_eval(node)


def _fields(cls: type) -> list[dataclasses.Field[Any]]:
    """In the order of the signature: inherited keyword-only fields come after a class's own."""
    fields = [f for f in dataclasses.fields(cls) if f.init]
    return sorted(fields, key=lambda f: bool(f.kw_only))


def _is_default(field: dataclasses.Field[Any], value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return bool(field.default == value)
    if field.default_factory is not dataclasses.MISSING:
        return bool(field.default_factory() == value)
    return False


def _spell_value(value: object) -> str:
    """Strings that are spellings themselves stand bare; a nested object is spelled by its own
    class (`spelling`), anything else as a Python literal."""
    spelling = getattr(value, "spelling", None)
    if spelling is not None:
        return str(spelling)
    if isinstance(value, str):
        return value
    if isinstance(value, numbers.Number) and hasattr(value, "item"):
        return repr(value.item())  # a NumPy scalar, whose repr is not a literal
    return repr(value)
