"""What the reference says of every public name: an example, shapes, errors, the source."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest

from chainrule.errors import ChainruleError
from chainrule.nn import INITIALIZERS, LAYERS, LOSSES
from chainrule.optim import OPTIMIZERS, SCHEDULES

PAGES = sorted((Path(__file__).parents[1] / "docs" / "reference").glob("*.md"))
# `(N, …)`, `(out,)`; a vector, a tensor of any shape, or one shaped as another
SHAPE = re.compile(
    r"\((?:[^\W\d]|\d|\*)[^()]*,[^()]*\)|\bflat vectors?\b|\bany shape\b|\bof the shape of\b"
)
# `He et al. (2015`, `Kingma & Ba 2015`
SOURCE = re.compile(r"\b[A-Z]\w+(?:(?:, | & | et al\.)(?:[A-Z]\w+)?)* \(?(?:1[78]|19|20)\d\d\b")
# Nobody's idea in particular.
COMMON = {"Flatten", "Scale", "Zeros", "Constant"}
# Theirs is every argument that arrays come in by, whatever its annotation.
DATA = {"X", "y", "weights"}
SPECIAL = {"__call__", "__getitem__", "__setitem__"}
CHECKS = re.compile(
    r"(?:check|as|settle)_\w+|make_generator|from_spec|rectangular|convert|existing_file"
)


def documented():
    for page in PAGES:
        for path in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE):
            module, _, name = path.rpartition(".")
            thing = getattr(importlib.import_module(module), name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield path, thing


def public_methods(cls):
    """(name, function, docstring) of what a class itself adds or overrides."""
    for name, member in vars(cls).items():
        if name.startswith("_") and name not in SPECIAL:
            continue
        function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "func", member))
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function):
            yield name, function, inspect.getdoc(getattr(cls, name)) or ""


def callables():
    """Every documented function and public method, with the docstring that it has or inherits."""
    for path, thing in documented():
        if inspect.isfunction(thing):
            yield pytest.param(thing, inspect.getdoc(thing), id=path)
        else:
            for name, function, doc in public_methods(thing):
                yield pytest.param(function, doc, id=f"{path}.{name}")


def section(doc, *titles):
    """The entries of a docstring's sections: name -> text."""
    found = {}
    for title in titles:
        for block in re.findall(rf"^{title}:\n((?: {{4}}.*\n?|\n(?= {{4}}))+)", doc, re.MULTILINE):
            for entry in re.split(r"\n(?= {4}\S)", block):
                name, _, text = entry.strip().partition(":")
                found[name.strip("* ")] = text
    return found


def kinds(*registries):
    for registry in registries:
        for cls in registry._classes.values():
            if cls.__module__.startswith("chainrule.") and cls.__name__ not in COMMON:
                yield pytest.param(cls, id=f"{registry.kind}-{cls.__name__}")


def made(cls):
    needed = [f for f in dataclasses.fields(cls) if f.default is f.default_factory]
    return cls(*[1 for _ in needed])


THINGS = [pytest.param(thing, id=path) for path, thing in documented()]
FUNCTIONS = [p for p in THINGS if inspect.isfunction(p.values[0])]
CLASSES = [p for p in THINGS if inspect.isclass(p.values[0])]
CALLABLES = list(callables())


@pytest.mark.parametrize("thing", THINGS)
def test_it_has_an_example(thing):
    assert ">>> " in thing.__doc__


@pytest.mark.parametrize("thing", THINGS)
def test_every_entry_is_of_one_name(thing):
    # The page takes what follows a comma for the type.
    doc = inspect.getdoc(thing)
    for name in section(doc, "Args", "Attributes", "Raises"):
        assert re.fullmatch(r"\w+", name)


# --- shapes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_array_that_it_takes_has_a_shape_in_its_own_entry(function):
    told = section(inspect.getdoc(function), "Args")
    for name, parameter in inspect.signature(function).parameters.items():
        annotation = str(parameter.annotation)
        if "ndarray" in annotation or (name in DATA and "object" in annotation):
            assert SHAPE.search(told.get(name, "")), name


@pytest.mark.parametrize("cls", CLASSES)
def test_every_array_of_a_record_has_a_shape_in_its_own_entry(cls):
    told = section(inspect.getdoc(cls), "Attributes", "Args")
    for name, annotation in inspect.get_annotations(cls).items():
        if re.match(r"np\.ndarray", str(annotation)) and not name.startswith("_"):
            assert SHAPE.search(told.get(name, "")), name


@pytest.mark.parametrize(("function", "doc"), CALLABLES)
def test_what_takes_or_gives_arrays_tells_their_shapes(function, doc):
    if "ndarray" in str(inspect.signature(function)):
        assert SHAPE.search(doc)


@pytest.mark.parametrize("cls", list(kinds(LAYERS, LOSSES)))
def test_layers_and_losses_tell_what_they_take(cls):
    assert SHAPE.search(cls.__doc__)


# --- errors -------------------------------------------------------------------------------------


@cache
def definitions(module):
    """Functions of a module by name, methods as `Class.name`."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            found |= {f"{node.name}.{n.name}": n for n in methods}
    return found


def errors_of(module, name, seen=None):
    """Names of the errors that a function raises, itself or by what it calls in its module; those
    of the checks that it hands its arguments to are `InputError`s."""
    seen = set() if seen is None else seen
    node = definitions(module).get(name)
    if node is None or name in seen:
        return set()
    seen.add(name)
    found, owner = set(), name.rpartition(".")[0]
    for part in reached(node):
        if isinstance(part, ast.Raise) and isinstance(part.exc, ast.Call):
            found.add(ast.unparse(part.exc.func))
        if isinstance(part, ast.Call):
            called = ast.unparse(part.func)
            if CHECKS.fullmatch(called.rpartition(".")[2]):
                found.add("InputError")
            own = called.startswith("self._")
            found |= errors_of(module, f"{owner}.{called[5:]}" if own else called, seen)
    return found & {cls.__name__ for cls in family(ChainruleError)}


def reached(node):
    """All below a node but what stands in a `try` that catches input errors."""
    caught = isinstance(node, ast.Try) and any(
        "InputError" in ast.unparse(handler.type) for handler in node.handlers if handler.type
    )
    for child in ast.iter_child_nodes(node):
        if not (caught and child in node.body):
            yield child
            yield from reached(child)


def family(cls):
    return {cls}.union(*(family(sub) for sub in cls.__subclasses__()))


def told_errors(doc):
    """Names of the errors in `Raises:`, and of those that they are kinds of."""
    named = {cls.__name__: cls for cls in family(ChainruleError)}
    told = [named[name] for name in section(doc, "Raises") if name in named]
    return {base.__name__ for cls in told for base in cls.__mro__}


@pytest.mark.parametrize(("function", "doc"), CALLABLES)
def test_it_tells_every_error_that_it_raises(function, doc):
    assert errors_of(function.__module__, function.__qualname__) <= told_errors(doc)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_class_tells_every_error_of_its_making(cls):
    makers = [f"{cls.__name__}.{name}" for name in ("__init__", "__post_init__")]
    raised = set().union(*(errors_of(cls.__module__, maker) for maker in makers))
    assert raised <= told_errors(inspect.getdoc(cls))


# --- how it is written --------------------------------------------------------------------------


@pytest.mark.parametrize(("_function", "doc"), CALLABLES)
def test_a_result_is_one_row_of_its_table(_function, doc):
    """The reference makes a row of every unindented line, and two cells around a first colon."""
    for block in re.findall(r"^Returns:\n((?: {4}.*\n?)+)", doc, re.MULTILINE):
        first, *rest = block.rstrip().splitlines()
        assert all(line.startswith(" " * 8) for line in rest)
        assert not re.match(r" {4}[^`(]*: ", first)


# --- sources ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", list(kinds(LAYERS, LOSSES)))
def test_the_equations_have_a_source(cls):
    assert SOURCE.search(made(cls).equations.source)


@pytest.mark.parametrize("cls", list(kinds(INITIALIZERS, OPTIMIZERS, SCHEDULES)))
def test_the_method_has_a_source(cls):
    assert SOURCE.search(cls.__doc__)
