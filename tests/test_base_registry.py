"""Names for things, and the way back."""

from __future__ import annotations

import dataclasses
from keyword import iskeyword

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.registry import Registry, nearest, parse_call

THINGS = Registry("thing")


@THINGS.register("plain")
@dataclasses.dataclass(frozen=True)
class Plain:
    pass


@dataclasses.dataclass(frozen=True, kw_only=True)
class Common:
    note: object = None


@THINGS.register("full", "whole", "entire_thing")
@dataclasses.dataclass(frozen=True)
class Full(Common):
    """Keyword-only fields of a base class come after its own."""

    first: object
    second: object = 2
    third: object = ()


@THINGS.register("nest")
@dataclasses.dataclass(frozen=True)
class Nest:
    inner: object = "plain"
    parts: tuple = dataclasses.field(default_factory=lambda: (1, 2))
    hidden: int = dataclasses.field(default=3, init=False)

    @property
    def spelling(self):
        return THINGS.spell(self)


@pytest.mark.parametrize(
    ("thing", "spelling"),
    [
        (Plain(), "plain"),
        (Full(1), "full(1)"),
        (Full(1, 3), "full(1, 3)"),
        (Full(1, 2, 5), "full(1, third=5)"),
        (Full(1, 2, 5, note="x"), "full(1, third=5, note=x)"),
        (Full(-0.5, note=True), "full(-0.5, note=True)"),
        (Full(None, (1, 2)), "full(None, (1, 2))"),
        (Full("cosine(0.1, then=step)"), "full(cosine(0.1, then=step))"),
        (Full(1e-5, 1e300), "full(1e-05, 1e+300)"),
        (Nest(), "nest"),
        (Nest(parts=(2, 1)), "nest(parts=(2, 1))"),
    ],
)
def test_spelling_and_back(thing, spelling):
    assert THINGS.spell(thing) == spelling
    assert THINGS.make(spelling) == thing


def test_a_nested_object_is_spelled_by_itself():
    assert THINGS.spell(Full(Nest(parts=(3,)))) == "full(nest(parts=(3,)))"


@pytest.mark.parametrize("scalar", [np.float64(0.25), np.float32(0.1), np.int64(3), np.uint8(3)])
def test_numpy_scalars_are_spelled_as_plain_numbers(scalar):
    text = THINGS.spell(Full(scalar))
    assert "np" not in text
    assert THINGS.make(text) == Full(scalar)


words = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(lambda s: not iskeyword(s))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(first=values | words, second=values | words, third=values, note=values | words)
def test_any_plain_values_survive_the_round_trip(first, second, third, note):
    thing = Full(first, second, third, note=note)
    assert THINGS.make(THINGS.spell(thing)) == thing


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("relu", ("relu", [], {})),
        (" relu ( ) ", ("relu", [], {})),
        ("f(1, -2.5, x=(1, 2))", ("f", [1, -2.5], {"x": (1, 2)})),
        ("f('a b', b=None)", ("f", ["a b"], {"b": None})),
        ("f(g(1, h=2), k=other)", ("f", ["g(1, h=2)"], {"k": "other"})),
    ],
)
def test_parse_call(text, parsed):
    assert parse_call(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "1", "f(", "f)", "f(1", "a b", "a.b", "a.b(1)", "f(*x)", "f(**x)", "f(1)(2)",
        "f[0]", "f(x=1, x=2)", "f(1+y)", "f(a.b)", "f({[]: 1})", "f(lambda: 1)", "f\0", "f(" * 500,
        "f(x:=1)", "f(1 if 1 else 2)", "'f'", "f;g", "f\ng", "__import__('os').system('true')",
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused(text):
    with pytest.raises(InputError, match=r"(?s)cannot read the widget .* want 'name' or 'name\(v"):
        parse_call(text, "widget")


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused(text):
    try:
        name, args, kwargs = parse_call(text)
    except InputError:
        return
    assert name.isidentifier()
    assert isinstance(args, list)
    assert all(key.isidentifier() for key in kwargs)


@pytest.mark.parametrize(
    ("spelling", "message"),
    [
        (
            "plian",
            r"unknown thing 'plian' in 'plian', did you mean 'plain'\?; known: full, nest, pl",
        ),
        ("PLAINE(1)", r"unknown thing 'PLAINE' in 'PLAINE\(1\)', did you mean 'plain'"),
        ("PLAIN(1)", r"cannot make the thing 'PLAIN\(1\)': plain takes \(\)"),
        ("zzzzz", r"unknown thing 'zzzzz' in 'zzzzz'; known: full, nest, plain"),
        ("plain(1)", r"cannot make the thing 'plain\(1\)': plain takes \(\)"),
        ("full", r"full takes \(first, second, third, note\)"),
        ("full(1, 2, 3, 4)", r"full takes \(first, second, third, note\)"),
        ("full(1, zecond=2)", r"full takes \(first, second, third, note\)"),
        ("nest(hidden=2)", r"nest takes \(inner, parts\)"),
    ],
)
def test_what_cannot_be_made_is_refused(spelling, message):
    with pytest.raises(InputError, match=message):
        THINGS.make(spelling)


def test_objects_pass_through_and_strangers_do_not():
    thing = Full(1)
    assert THINGS.make(thing) is thing
    for stranger in (3, None, object(), int):
        with pytest.raises(InputError, match="is not a registered thing"):
            THINGS.make(stranger)

    class Derived(Plain):
        pass

    with pytest.raises(InputError, match="is not a registered thing"):
        THINGS.name_of(Derived())


def test_a_class_instead_of_an_object_is_refused():
    with pytest.raises(InputError, match=r"^Plain is a class; write Plain\(…\)$"):
        THINGS.make(Plain)


@pytest.mark.parametrize("word", ["full", "Full", "FULL", "whole", "Entire_Thing", "entireThing"])
def test_case_does_not_matter_and_aliases_are_understood(word):
    assert THINGS.make(f"{word}(1)") == Full(1)
    assert THINGS.spell(THINGS.make(f"{word}(1)")) == "full(1)"


def test_an_alias_is_given_once():
    with pytest.raises(ValueError, match="the thing 'whole' is registered twice"):
        THINGS.register("new", "whole")(int)
    assert "new" not in THINGS


def test_it_lists_what_it_knows():
    assert THINGS.names() == ["full", "nest", "plain"]
    assert list(THINGS) == ["plain", "full", "nest"]
    assert list(THINGS.classes().items()) == [("plain", Plain), ("full", Full), ("nest", Nest)]
    assert "full" in THINGS
    assert "empty" not in THINGS
    assert THINGS.name_of(Full(1)) == "full"
    THINGS.classes().clear()
    assert "full" in THINGS


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="the thing 'plain' is registered twice"):
        THINGS.register("plain")(Plain)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("rleu", "'relu'"), ("RELU", "'relu'"), ("dw1", "'dW1'"), ("qqqq", ""), ("", "")],
)
def test_nearest(name, hint):
    known = ["relu", "gelu", "dW1", "tanh"]
    assert nearest(name, known) == (f", did you mean {hint}?" if hint else "")
