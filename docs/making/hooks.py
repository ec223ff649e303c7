"""MkDocs' hooks: numbers and figures of real runs into the pages, equations as MathML.

A page says `{{ accuracy }}`; `runs.book_values` measures what stands there. Equations are `$…$` and
`$$…$$`; they are converted while the site is built, so that no script has to do it in the browser.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from runs import BOOK, book_values

from chainrule.explain.mathml import to_mathml

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"\{\{ (\w+) \}\}")
EQUATION = re.compile(r'(?:<span class="arithmatex">\\\(|<div class="arithmatex">\n?\\\[)'
                      r"(.*?)(?:\\\)</span>|\\\]\n?</div>)", re.DOTALL)  # fmt: skip
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
SEARCH = '<div class="md-search" data-md-component="search" role="dialog"'
# Pages that GitHub shows too may link to files beside docs/, which are no pages of the site.
OUTSIDE = {"../CONTRIBUTING.md": "how-to/add-a-layer.md"}


def on_files(files: Files, config: Any) -> Files:
    """The figures, which are made for the site and stand in no repository."""
    book_values()
    for path in sorted(BOOK.glob("figures/*.svg")):
        files.append(File.generated(config, f"book/figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill the places; lead links out of docs/ to the page that says the same."""
    values = book_values() | {
        "add_a_layer": section("CONTRIBUTING.md", "Add a layer, in one place")
    }

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise PluginError(f"{page.file.src_uri}: nothing measures {match[0]}")
        return values[match[1]]

    for outside, inside in OUTSIDE.items():
        markdown = markdown.replace(f"]({outside})", f"]({inside})")
    return PLACE.sub(value, markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Equations as MathML; tables in a box that scrolls and can be reached with the keyboard."""
    return TABLE.sub(
        r'<div class="scroll" tabindex="0">\g<0></div>', EQUATION.sub(equation, content)
    )


def on_post_page(output: str, **_: Any) -> str:
    """A name for the search dialog, which Material leaves without one."""
    return output.replace(SEARCH, f'{SEARCH} aria-label="Search"')


def equation(match: re.Match[str]) -> str:
    """One equation; a displayed one scrolls, so it can be reached with the keyboard."""
    latex = html.unescape(match[1]).strip()
    if match[0].startswith("<span"):
        return to_mathml(latex)
    return f'<div class="arithmatex" tabindex="0">{to_mathml(latex, display=True)}</div>'


def section(file: str, heading: str) -> str:
    """What stands under a heading of a page outside docs/."""
    text = (ROOT / file).read_text(encoding="utf-8")
    body = text.partition(f"\n## {heading}\n")[2]
    if not body:
        raise PluginError(f"{file} has no heading {heading!r}")
    return body.partition("\n## ")[0].strip()
