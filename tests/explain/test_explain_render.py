"""The five ways to show a derivation: well-formed, complete, and with the trace's numbers."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from nets import FIVE_LAYERS, random_trace, traced
from PIL import Image
from rich.console import Console

from chainrule.errors import MissingExtraError
from chainrule.explain import explain, open_entry, render, summary_latex, summary_text
from chainrule.explain.heatmap import heatmap, png
from chainrule.explain.latex import escape
from chainrule.explain.mathml import to_mathml
from chainrule.explain.origins import origins
from chainrule.explain.table import columns, conclusion, exact, rows
from chainrule.explain.text import to_rich, to_text
from chainrule.nn.notation import latex_to_text


def opened(trace):
    """The derivation of a trace with one entry of every tensor opened."""
    names = [
        name + (f"[{','.join('0' * trace[name].ndim)}]" if trace[name].ndim else "")
        for name in origins(trace)
    ]
    return explain(trace).opening(names)


SHOWN = [
    pytest.param(opened(traced("6-5-3", n=9)), id="textbook"),
    pytest.param(opened(traced(FIVE_LAYERS, n=70)), id="five layers"),
    pytest.param(opened(traced("2x3-flatten-4(leaky_relu)-2", "huber(0.3)", n=1)), id="one row"),
    pytest.param(opened(traced("4-elu(0.5)-2", "mae", weighted=True)), id="weighted"),
    *(pytest.param(opened(random_trace(seed)), id=f"random {seed}") for seed in range(4)),
]
each_derivation = pytest.mark.parametrize("derivation", SHOWN)


def as_float(text):
    return float(text.replace("−", "-"))


# --- text ---------------------------------------------------------------------------------------


@each_derivation
@pytest.mark.parametrize("width", [80, 100])
def test_text_fits_the_width(derivation, width):
    for line in to_text(derivation, width).splitlines():
        assert len(line) <= width, line
        assert line == line.rstrip()


@each_derivation
def test_rich_says_what_the_text_says(derivation):
    coloured = to_rich(derivation, 80)
    assert [line.rstrip() for line in coloured.plain.splitlines()] == to_text(
        derivation
    ).splitlines()
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
    console.print(coloured)
    assert "\x1b[1m── 1 ──" in console.file.getvalue()


def test_the_forward_pass_and_the_way_back_stand_at_the_top():
    text = to_text(explain(traced("6-5-3", n=9)))
    assert "forward      X → z1 → a1 → z2 → a2 → loss" in text
    assert "backward     loss → dz2 → da1 → dz1 → dX" in text


# --- the table of an entry ----------------------------------------------------------------------


@each_derivation
def test_the_table_of_an_entry_adds_up(derivation):
    for entry in derivation.entries:
        header = columns(entry)
        table = rows(entry)
        assert {len(row) for row in table} == {len(header)}
        if "product" in header:
            products = [as_float(row[header.index("product")]) for row in table]
            size = sum(map(abs, products)) or 1.0
            assert sum(products) == pytest.approx(entry.value, abs=1e-9 * size)
        said = dict(conclusion(entry))
        assert as_float(said[f"{entry.place} in the trace"]) == pytest.approx(entry.value, 1e-9)
        if len(entry.terms) > 1:
            assert as_float(said["sum of the terms"]) == pytest.approx(entry.total, rel=1e-9)


def test_what_is_too_long_is_summed_up():
    entry = open_entry(traced("80-3", n=2), "z1[0, 1]")
    short, long = rows(entry, 10), rows(entry)
    assert short[:10] == long[:10]
    assert short[10][0] == "71 more"
    assert as_float(short[10][-1]) == pytest.approx(sum(as_float(r[-1]) for r in long[10:]))
    sizes = [abs(as_float(row[-1])) for row in long]
    assert sizes == sorted(sizes, reverse=True)


def test_zeros_are_counted_and_explained():
    trace = traced("6-5-3", n=9)
    said = dict(conclusion(open_entry(trace, "dW1[0, 1]")))
    blocked = int(np.sum(trace["z1"][:, 1] <= 0))
    assert said["terms"] == f"9, {blocked} of them exactly 0 ({blocked} blocked by the activation)"


def test_exact_shows_ten_digits():
    for value in (math.pi * 1e-7, -math.e, 1 / 3e20, 12345678.901234):
        assert as_float(exact(value)) == pytest.approx(value, rel=1e-9)


# --- Markdown -----------------------------------------------------------------------------------


@each_derivation
def test_markdown_is_well_formed(derivation):
    text = render(derivation, "md")
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert [f for f in fences if f != "```"] == ["```mermaid"] + ["```math"] * (
        len(derivation.steps) + len(derivation.entries)
    )
    assert len(fences) == 2 * len([f for f in fences if f != "```"])
    outside = re.sub(r"(?ms)^```.*?^```", "", text)
    assert outside.count("$`") == outside.count("`$")
    assert "$" not in re.sub(r"\$`[^`]*`\$", "", outside)
    for table in re.findall(r"(?m)(?:^\|.*\n)+", outside):
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1
        assert set(lines[1]) <= set("|:- ")


def test_the_mermaid_diagram_has_every_layer_and_every_gradient():
    trace = traced(FIVE_LAYERS)
    diagram = re.search(r"(?s)```mermaid\n(.*?)```", render(explain(trace), "md"))[1]
    forward = re.findall(r'(\w+) -->\|"(.*?)"\| (\w+)', diagram)
    back = re.findall(r'(\w+) -\.->\|"(.*?)"\| (\w+)', diagram)
    names = trace.net.tensor_names
    assert forward == [
        *((a, layer.spelling, b) for a, layer, b in zip(names, trace.net.layers, names[1:],
                                                        strict=False)),
        (names[-1], "softmax_cross_entropy", "loss"),
    ]  # fmt: skip
    assert back[0] == ("loss", f"d{names[-1]}", names[-1])
    assert [b for _, _, b in back] == list(reversed(names))


# --- HTML ---------------------------------------------------------------------------------------

VOID = {"meta", "link", "img", "br", "mspace"}


class Balance(HTMLParser):
    """Every tag is closed by its own; ids and links are collected."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.sources = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" else []
        self.sources += [v for k, v in attrs if k in ("src", "href") and tag != "a"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@each_derivation
def test_html_breaks_no_line_before_a_comma(derivation):
    page = render(derivation, "html")
    assert '</span>, <span class="whole">' not in page
    assert ',</span> <span class="whole">' in page


@each_derivation
def test_html_is_well_formed_and_alone(derivation):
    page = render(derivation, "html")
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert {link.removeprefix("#") for link in parser.links} <= set(parser.ids)
    assert all(source.startswith("data:") for source in parser.sources)
    assert "<script" not in page
    assert set(re.findall(r"https?://[^\"' ]+", page)) <= {"http://www.w3.org/1998/Math/MathML"}
    assert page.count("<article") == len(derivation.steps) + len(derivation.entries)


@each_derivation
def test_mathml_is_well_formed_xml(derivation):
    equations = re.findall(r"(?s)<math.*?</math>", render(derivation, "html"))
    assert len(equations) > 3 * len(derivation.steps)
    for equation in equations:
        root = ElementTree.fromstring(html.unescape(equation) if "&nbsp;" in equation else equation)
        assert root.tag == "{http://www.w3.org/1998/Math/MathML}math"
        assert "".join(root.itertext()).strip()
        assert "\\" not in "".join(root.itertext())


@pytest.mark.parametrize("latex", [r"1 - \tanh^2(z)", r"\log_{2} x", r"\max_{c}^2 z"])
def test_a_power_and_an_index_of_a_function_have_nothing_between(latex):
    children = {"msup": 2, "msub": 2, "msubsup": 3}
    made = ElementTree.fromstring(to_mathml(latex))
    found = [(e.tag.rpartition("}")[2], len(e)) for e in made.iter()]
    scripts = [(tag, count) for tag, count in found if tag in children]
    assert scripts
    assert all(count == children[tag] for tag, count in scripts)


def test_mathml_has_its_text_for_whoever_cannot_see_it():
    made = ElementTree.fromstring(to_mathml(r"dW_{1} = X^\top \, dz_{1}"))
    assert made.get("aria-label") == "dW1 = Xᵀ dz1"
    assert ElementTree.fromstring(to_mathml('z < "1"')).get("aria-label") == 'z < "1"'


def test_without_latex2mathml_the_install_line_is_said(monkeypatch):
    to_mathml.cache_clear()
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'chainrule\[cli\]'"):
        to_mathml("a")


def test_the_page_has_the_windows_numbers():
    derivation = explain(traced("6-5-3", n=9))
    page = render(derivation, "html")
    for step in derivation:
        article = re.search(rf'(?s)<article class="step[^"]*" id="step-{step.number}".*?</article>',
                            page)[0]  # fmt: skip
        if step.value.ndim != 2:
            continue
        columns = [int(j) for j in re.findall(r'<th scope="col"[^>]*>(\d+)</th>', article)]
        for index, cells in re.findall(r'<th scope="row">\[(\d+), ·\]</th>(.*?)</tr>', article):
            shown = re.findall(r"<td[^>]*>([^<]*)</td>", cells)
            for j, cell in zip(columns, shown, strict=True):
                assert as_float(cell) == pytest.approx(step.value[int(index), j], rel=1e-3)


# --- pictures -----------------------------------------------------------------------------------


def colours(matrix, **how):
    return np.array(Image.open(io.BytesIO(png(np.array(matrix), **how))).convert("RGB"))


def test_a_heatmap_is_blue_above_zero_orange_below_and_white_at_it():
    picture = colours([[1.0, 0.0, -1.0], [0.5, np.nan, -2.0]])
    assert picture.shape == (2, 3, 3)
    assert picture[0, 1].tolist() == [255, 255, 255]
    assert picture[1, 2].tolist() == [0xB3, 0x58, 0x06]  # the largest: full colour
    assert picture[1, 1].tolist() == [0x88] * 3
    half = colours([[1.0, -1.0]], largest=2.0)
    assert (half[0, 0] > [0x21, 0x66, 0xAC]).all()
    assert colours([[3.0]]).tolist() == [[[0x21, 0x66, 0xAC]]]
    assert colours([[0.0]]).tolist() == [[[255, 255, 255]]]


def test_a_heatmap_is_an_address_of_its_own():
    kind, _, data = heatmap(np.eye(2)).partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == png(np.eye(2))


# --- LaTeX --------------------------------------------------------------------------------------


@each_derivation
def test_latex_is_balanced(derivation):
    text = render(derivation, "tex")
    bare = re.sub(r"\\[\\{}$%&#_]", "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    assert all(line.count("$") % 2 == 0 for line in bare.splitlines())
    assert text.count("\\[\n") == text.count("\n\\]")


@each_derivation
def test_latex_needs_no_letters_that_pdflatex_lacks(derivation):
    """Beyond Latin letters every sign has become a command."""
    assert {c for c in render(derivation, "tex") if ord(c) > 0x17F} == set()


@each_derivation
def test_rows_of_a_latex_table_have_as_many_cells_as_it_has_columns(derivation):
    text = render(derivation, "tex")
    tables = re.findall(r"(?s)\\begin\{(?:tabular|longtable)\}\{(\w+)\}(.*?)\\end", text)
    assert len(tables) > 5
    for spec, body in tables:
        for line in re.sub(r"\\&", "", body).splitlines():
            if line.endswith(r"\\"):
                assert line.count("&") == len(spec) - 1


def test_escaping():
    assert escape("50 % of {a_b} & c\\d") == r"50 \% of \{a\_b\} \& c\textbackslash{}d"


# --- the summary --------------------------------------------------------------------------------


@each_derivation
def test_the_summary_as_text_and_as_latex_has_every_gradient(derivation):
    trace = derivation.trace
    text, latex = summary_text(trace).splitlines()[2:], summary_latex(trace).splitlines()[4:-2]
    assert len(text) == len(latex) == len(trace.rows())
    for row, line, tex in zip(trace.rows(), text, latex, strict=True):
        assert line.split()[0] == row.name
        assert f"{row.norm:.4g}" in line
        assert line.endswith(f"{100 * row.zeros:.1f} %")
        shape = r" \times ".join(map(str, row.shape))
        assert f"${row.latex}$ & ${shape}$" in tex
        assert row.formula == latex_to_text(row.latex)


# --- JSON ---------------------------------------------------------------------------------------


@each_derivation
def test_json_has_every_number_with_all_its_digits(derivation):
    document = json.loads(render(derivation, "json"))
    trace = derivation.trace
    assert document["value"] == trace.loss
    for step, shown in zip(derivation, document["steps"], strict=True):
        np.testing.assert_array_equal(np.array(shown["values"]), trace[step.name])
        np.testing.assert_array_equal(np.array(shown["alone"]["value"]), step.alone.value)
        assert shown["equation"]["latex"] == step.equation
        assert shown["statistics"]["norm"] == step.statistics.norm
    for entry, shown in zip(derivation.entries, document["entries"], strict=True):
        assert shown["value"] == entry.value
        assert math.fsum(term["value"] for term in shown["terms"]) == entry.total
        assert shown["numeric"] == entry.numeric


def test_json_leaves_out_what_is_too_large_and_has_no_nan():
    trace = traced("6-5-3", n=9)
    trace["dW1"][0, 0] = np.nan
    document = json.loads(render(explain(trace), "json"))
    step = next(s for s in document["steps"] if s["name"] == "dW1")
    assert step["values"][0][0] is None
    wide = explain(traced("300-20-3", n=2))
    steps = {s["name"]: s for s in json.loads(render(wide, "json"))["steps"]}
    assert steps["dW1"]["values"] is None
    assert steps["dW1"]["statistics"]["largest"] == wide.trace["dW1"].max()
