"""A report in a notebook. Text and background have the notebook's own colours, light or dark; a
verdict has a sign and a word beside its colour."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from chainrule.check.report.lines import line_table
from chainrule.check.report.records import Cause, Finding, ParameterReport, Results
from chainrule.check.report.text import HEADER, cells

__all__ = ["as_html"]

_ROWS = 40
_SIGNS = {"right": "✓", "at a kink": "∧"}
_STYLE = """
.chainrule-report{font:14px/1.45 system-ui,sans-serif;max-width:62em;color:inherit}
.chainrule-report p{margin:.4em 0}
.chainrule-report .cr-head{font-size:15px;font-weight:600}
.chainrule-report .cr-scroll{overflow-x:auto}
.chainrule-report table{border-collapse:collapse;margin:.6em 0;font-size:13px;border:0}
.chainrule-report th,.chainrule-report td{padding:.3em .8em;border:0;text-align:left;
  border-bottom:1px solid rgba(128,128,128,.35);white-space:nowrap;background:transparent;
  font-variant-numeric:tabular-nums}
.chainrule-report thead th{border-bottom-width:2px;font-weight:600}
.chainrule-report tbody th{font-weight:600;font-family:ui-monospace,monospace}
.chainrule-report .cr-num{text-align:right}
.chainrule-report .cr-badge{display:inline-block;padding:0 .6em;border-radius:1em;color:#fff;
  font-weight:600;font-size:12px}
.chainrule-report .cr-good{background:#0b62a0}
.chainrule-report .cr-bad{background:#a83a00}
.chainrule-report .cr-note{background:#5f5f5f}
.chainrule-report .cr-cause{border-left:4px solid #c24a00;padding:.1em 0 .1em .9em;margin:.8em 0}
.chainrule-report ul{margin:.4em 0;padding-left:1.2em;list-style:none}
.chainrule-report li{margin:.15em 0}
.chainrule-report pre{margin:.4em 0;padding:.4em .7em;background:rgba(128,128,128,.12);
  color:inherit;border-radius:4px;overflow-x:auto;font:13px/1.5 ui-monospace,monospace}
.chainrule-report .cr-minus{background:rgba(200,80,0,.22);display:block}
.chainrule-report .cr-plus{background:rgba(0,110,190,.22);display:block}
.chainrule-report .cr-wrong td{background:rgba(200,80,0,.22)}
.chainrule-report td code{font:13px/1.5 ui-monospace,monospace;color:inherit;background:transparent;
  padding:0}
.chainrule-report .cr-foot{opacity:.8;font-size:13px}
.chainrule-report summary{cursor:pointer}
"""


def as_html(results: Results) -> str:
    """The report as one `<div>` that stands alone."""
    label = f"Gradient check of {results.name}"
    outcome = "" if results.ok else f": {results.summary}"
    rows = list(results.parameters.values())
    failed = results.unexplained + [f for f in results.findings if f.name == "slow"]
    parts = [
        f"<style>{_STYLE}</style>",
        f'<p class="cr-head">{_verdict(results.ok)} {escape(results.subject)}{escape(outcome)}</p>',
        _table(sorted(rows, key=lambda p: p.verdict.ok)[:_ROWS] if len(rows) > _ROWS else rows),
        f"<p>… and {len(rows) - _ROWS} more, all right or less wrong</p>" * (len(rows) > _ROWS),
        _list(_finding(f) for f in failed),
        _list(f"<b>d{escape(p.name)}</b>: {escape(p.note)}" for p in rows[:_ROWS] if p.note),
        line_table(results.lines),
        *(_cause(cause, results) for cause in results.causes[:3]),
        _tests(results.tests),
        f'<p class="cr-foot">{escape(results.method)}, {results.seconds:.2f} s</p>',
    ]
    attributes = f'class="chainrule-report" role="group" aria-label="{escape(label)}"'
    return f"<div {attributes}>{''.join(parts)}</div>"


def _badge(style: str, sign: str, word: str) -> str:
    return (
        f'<span class="cr-badge cr-{style}"><span aria-hidden="true">{sign}</span> '
        f"{escape(word)}</span>"
    )


def _verdict(ok: bool) -> str:
    return _badge("good", "✓", "right") if ok else _badge("bad", "✗", "not right")


def _table(rows: list[ParameterReport]) -> str:
    numbers = {"rel. error", "given", "true"}
    classes = [' class="cr-num"' if name in numbers else "" for name in HEADER]
    head = "".join(f'<th scope="col"{c}>{h}</th>' for h, c in zip(HEADER, classes, strict=True))
    body = "".join(_row(p, classes) for p in rows)
    return (
        f'<div class="cr-scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(p: ParameterReport, classes: list[str]) -> str:
    name, shape, verdict, *rest = cells(p)
    style = "bad" if not p.verdict.ok else "good" if p.verdict.value == "right" else "note"
    badge = _badge(style, _SIGNS.get(p.verdict.value, "✗"), verdict)
    others = "".join(
        f"<td{c}>{escape(text)}</td>" for text, c in zip(rest, classes[3:], strict=True)
    )
    shape = shape.replace("x", " × ")
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(shape)}</td><td>{badge}</td>'
        f"{others}</tr>"
    )


def _finding(finding: Finding) -> str:
    sign, word = ("✓", "passed") if finding.ok else ("✗", "failed")
    return (
        f'<span role="img" aria-label="{word}">{sign}</span> '
        f"<b>{escape(finding.name)}</b>: {escape(finding.message)}"
    )


def _list(items: Iterable[str]) -> str:
    body = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{body}</ul>" if body else ""


def _cause(cause: Cause, results: Results) -> str:
    proof = "proved" if cause.certified else "not proved"
    diff = f"<pre>{''.join(map(_diff_line, cause.diff.splitlines()))}</pre>" if cause.diff else ""
    where = f"first in d{cause.where}" if cause.where in results.parameters else cause.where
    return (
        f'<div class="cr-cause"><p><b>{escape(cause.name)}</b> ({proof}), {escape(where)}. '
        f"{escape(cause.summary)}</p>"
        f"<p>Because {escape(cause.evidence)}.</p>{diff}<p>{escape(cause.fix)}</p></div>"
    )


def _diff_line(line: str) -> str:
    kind = {"-": ' class="cr-minus"', "+": ' class="cr-plus"'}.get(line[:1], "")
    end = "" if kind else "\n"
    return f"<span{kind}>{escape(line)}</span>{end}"


def _tests(findings: list[Finding]) -> str:
    if not findings:
        return ""
    passed = sum(f.ok for f in findings)
    return (
        f"<details><summary>{passed} of {len(findings)} tests of behaviour passed</summary>"
        f"{_list(_finding(f) for f in findings)}</details>"
    )
