"""The user's source with value and gradient beside each line: a line profiler for gradients.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: text (:func:`source_text`) or a page that needs
nothing else (:func:`source_html`); :mod:`tracegrad.export.terminal` has colours.  Read :func:`rows` first.

A statement that ran several times shows how often, its last value, and the sum of its gradients; the heat beside a line
is the sum of their magnitudes, relative to that of the hottest.  Where the source is not at hand, what the document
knows of a statement stands in its place.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracegrad.document import Annotated, Node, Stage
from tracegrad.export.numerals import norm, short
from tracegrad.export.text import heading
from tracegrad.fold.lines import total
from tracegrad.structures import Array

_BLOCKS = " ▏▎▍▌▋▊▉█"
_BAR = 8
_HANGING = 2  # characters of a page by which a line that is continued hangs over
_NO_BREAK = "\u00a0"
_WIDEST = 72
_NARROWEST = 16  # characters of source


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variable of one line; of a line without any, the fields but ``text`` are empty.

    ``heat`` is between 0 and 1.
    """

    file: str
    line: int | None
    text: str
    name: str
    count: int
    value: str
    gradient: str
    heat: float


def rows(annotated: Annotated, *, float_format: str = ".6g") -> list[Row]:
    """The lines in order, file by file; several variables of a line have rows of their own, without text."""
    texts: dict[tuple[str, int | None], str] = {(row.file, row.line): row.text for row in annotated.source}
    found: dict[tuple[str, int | None], dict[str, list[Node]]] = {place: {} for place in texts}
    nodes = {node.id: node for node in annotated.nodes}
    outputs = {output.node: f"return{output.path}" for output in reversed(annotated.outputs)}
    for stage in annotated.stages:
        place = _place(stage)
        texts.setdefault(place, stage.label)
        for name, node in _variables(stage, nodes, outputs):
            found.setdefault(place, {}).setdefault(name, []).append(node)
    heats = (_heat(group) for line in found.values() for group in line.values())
    hottest = max((heat for heat in heats if heat < math.inf), default=0.0) or 1.0
    return [
        row
        for place in sorted(texts, key=lambda place: (place[0], place[1] or 0))
        for row in _line(place, texts[place], found.get(place, {}), hottest, float_format)
    ]


def _place(stage: Stage) -> tuple[str, int | None]:
    return ("", None) if stage.site is None else (stage.site.file or "", stage.site.line)


def _variables(
    stage: Stage, nodes: Mapping[str, Node], outputs: Mapping[str | None, str]
) -> Iterator[tuple[str, Node]]:
    """What a statement bound and returned, or its result."""
    members = [nodes[id] for id in stage.nodes]
    bound = [node for node in members if node.name is not None or node.id in outputs]
    for node in bound or members[-1:]:
        yield outputs.get(node.id, "") if node.name is None else node.name.partition("#")[0], node


def _line(
    place: tuple[str, int | None],
    text: str,
    variables: dict[str, list[Node]],
    hottest: float,
    float_format: str,
) -> Iterator[Row]:
    if len(variables) > 1:
        yield from _line(place, text, {}, hottest, float_format)
        text = ""
    for name, group in (variables or {"": []}).items():
        gradients = [node.adjoint for node in group if node.adjoint is not None]
        yield Row(
            file=place[0],
            line=place[1],
            text=text,
            name=name,
            count=len(group),
            value=short(group[-1].value, float_format) if group else "",
            gradient=short(total(gradients), float_format) if gradients else "",
            heat=min(1.0, _heat(group) / hottest),
        )


def _heat(group: Sequence[Node]) -> float:
    """The sum of the magnitudes of gradients, of those that have one; infinite where one is not finite."""
    total = sum(_size(node.adjoint) for node in group if node.adjoint is not None)
    return total if math.isfinite(total) else math.inf


def _size(gradient: Any) -> float:
    """The magnitude of a gradient: the norm of an array."""
    return norm(gradient) if isinstance(gradient, Array) else abs(float(gradient))


# ---- text -------------------------------------------------------------------------------------------


def source_text(annotated: Annotated, *, float_format: str = ".6g", width: int | None = None) -> str:
    """The view as text; for a ``width`` in characters, long lines of source are cut.

    >>> import tracegrad as tg
    >>> def f(x):
    ...     for _ in range(3):
    ...         x = x * x
    ...     return x + 1.0
    >>> print(source_text(tg.trace(f, 2.0).document))
    f(x) = 257
    <BLANKLINE>
     line  source                  value  gradient
           x (input)                   2      1024
    <doctest ...>
        3          x = x * x   ×3    256       289  ████████
        4      return x + 1.0        257         1
    """
    found = rows_of(annotated, float_format=float_format)
    cells = [["line", "source", "", "value", "gradient"], *map(cells_of, found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if width is not None:
        others = max(widths[0], 5) + sum(widths[2:]) + 2 * len(widths) + _BAR
        widths[1] = min(widths[1], max(width - others, _NARROWEST))
    lines = [_joined(cells[0], widths)]
    file = ""
    for row, own in zip(found, cells[1:], strict=True):
        if row.file != file:
            lines.append(row.file)
            file = row.file
        lines.append(f"{_joined(own, widths)}  {bar(row.heat)}".rstrip())
    return "\n".join([heading(annotated, float_format), "", *lines])


def rows_of(annotated: Annotated, *, float_format: str = ".6g") -> list[Row]:
    """Everything that is shown: the inputs, then the lines."""
    return [*_inputs(annotated, float_format), *rows(annotated, float_format=float_format)]


def _inputs(annotated: Annotated, float_format: str) -> Iterator[Row]:
    nodes = {node.id: node for node in annotated.nodes}
    for row in annotated.inputs:
        node = nodes[row.node]
        yield Row(
            file="",
            line=None,
            text=f"{row.name} (input)",
            name="",
            count=1,
            value=short(node.value, float_format),
            gradient="" if node.adjoint is None else short(node.adjoint, float_format),
            heat=0.0,
        )


def cells_of(row: Row, *, widest: int | None = _WIDEST) -> list[str]:
    """Line, source, how often, value and gradient; source longer than the ``widest`` is cut."""
    many = f"×{row.count}" if row.count > 1 else ""
    named = f"{row.name} " if row.name and not row.text else ""
    return [
        "" if row.line is None else str(row.line),
        _cut(row.text, widest) or f"    {named}".rstrip(),
        many,
        row.value,
        row.gradient,
    ]


def _cut(text: str, widest: int | None) -> str:
    return text if widest is None or len(text) <= widest else f"{text[: widest - 1]}…"


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    line, text, *numbers = cells
    right = [cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True)]
    source = _cut(text, widths[1]).ljust(widths[1])
    return "  ".join([line.rjust(max(widths[0], 5)), source, *right]).rstrip()


def bar(heat: float) -> str:
    """The heat in eighths of a character."""
    eighths = round(heat * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).rstrip()


# ---- a page -----------------------------------------------------------------------------------------

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --pad: .6em; --heat: light-dark(#d9480f, #ff8f5a) }}
body {{ font: 14px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; margin: 2em auto; max-width: 70em; padding: 0 1em }}
h1 {{ font-size: 1.3em; overflow-wrap: anywhere }}
table {{ border-collapse: collapse; width: 100% }}
caption {{ text-align: left; padding-bottom: 1em }}
caption, th, td:nth-child(1), td:nth-child(3) {{ color: light-dark(#52606d, #a9b4bf) }}
td, th {{ padding: 0 var(--pad); text-align: right; vertical-align: top; white-space: nowrap }}
td:nth-child(2), th:nth-child(2) {{ text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; width: 100% }}
td:nth-child(2) {{ padding-left: calc(var(--pad) + var(--in, 0) * 1ch); text-indent: calc(var(--in, 0) * -1ch) }}
td.array {{ min-width: 17ch; white-space: normal }}
tr:hover td {{ background: light-dark(#f0f4f8, #24292f) }}
td:nth-child(4) {{ color: light-dark(#00695c, #5fd3bc) }}
td:nth-child(5) {{ color: light-dark(#b83a00, #ffab85) }}
td:nth-child(6) {{ min-width: 6em; text-align: left }}
td:nth-child(6) div {{ background: var(--heat); height: .7em; margin-top: .45em; print-color-adjust: exact }}
@media (max-width: 40em) {{ :root {{ --pad: .25em }} td.array {{ min-width: 12ch }} }}
@media (max-width: 40em) {{ td:nth-child(6), th:nth-child(6) {{ display: none }} }}
</style>
<h1>{title}</h1>
<table>
<caption>Beside each statement its value and its gradient; the bar is |gradient|, compared with the largest.
Of a statement that ran several times, ×n, the last value and the sum of the gradients.</caption>
<thead>
<tr><th scope="col">line<th scope="col">source<th scope="col"><th scope="col">value<th scope="col">gradient<td></tr>
</thead>
{rows}
</table>
</html>
"""


def source_html(annotated: Annotated, *, float_format: str = ".6g") -> str:
    """The view as a page by itself: no script, no link; light and dark, for narrow screens and for paper.

    >>> import tracegrad as tg
    >>> "257" in source_html(tg.trace(lambda x: x + 1.0, 256.0).document)
    True
    """
    lines, file = [], ""
    for row in rows_of(annotated, float_format=float_format):
        if row.file != file:
            lines.append(f'<tr><td><td colspan="5"><b>{html.escape(row.file)}</b></tr>')
            file = row.file
        line, source, many, *numbers = map(html.escape, cells_of(row, widest=None))
        indent = len(row.text) - len(row.text.lstrip()) + _HANGING
        cells = f'<td>{line}<td style="--in: {indent}">{source}<td>{many}{"".join(map(_number, numbers))}'
        stripe = f'<div style="width: {100 * row.heat:.0f}%"></div>' if row.heat >= 0.005 else ""
        lines.append(f"<tr>{cells}<td>{stripe}</tr>")
    return _PAGE.format(title=html.escape(heading(annotated, float_format)), rows="\n".join(lines))


def _number(text: str) -> str:
    """The cell of a number, or of an array, which may take several lines."""
    if " " not in text:
        return f"<td>{text}"
    return '<td class="array">' + re.sub("(?<=norm|mean) ", _NO_BREAK, text)
