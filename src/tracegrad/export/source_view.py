"""The user's source with value and gradient beside each line: a line profiler for gradients.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: text for a terminal (:func:`source_text`) or a page
that needs nothing else (:func:`source_html`).  Read :func:`rows` first.

A statement that ran several times shows how often, its last value, and the sum of its gradients; the heat beside a line
is the sum of their magnitudes, relative to that of the hottest.  Where the source is not at hand, what the document
knows of a statement stands in its place.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracegrad.document import Annotated, Node, Stage
from tracegrad.export.numerals import short
from tracegrad.export.text import heading

_BLOCKS = " ▏▎▍▌▋▊▉█"
_BAR = 8
_WIDEST = 72


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
    outputs = {output.node for output in annotated.outputs}
    for stage in annotated.stages:
        place = _place(stage)
        texts.setdefault(place, stage.label)
        for name, node in _variables(stage, nodes, outputs):
            found.setdefault(place, {}).setdefault(name, []).append(node)
    hottest = max((_heat(group) for line in found.values() for group in line.values()), default=0.0) or 1.0
    return [
        row
        for place in sorted(texts, key=lambda place: (place[0], place[1] or 0))
        for row in _line(place, texts[place], found.get(place, {}), hottest, float_format)
    ]


def _place(stage: Stage) -> tuple[str, int | None]:
    return ("", None) if stage.site is None else (stage.site.file or "", stage.site.line)


def _variables(stage: Stage, nodes: dict[str, Node], outputs: set[str | None]) -> Iterator[tuple[str, Node]]:
    """What a statement bound, or its result."""
    members = [nodes[id] for id in stage.nodes]
    named = [node for node in members if node.name is not None]
    for node in named:
        yield str(node.name).partition("#")[0], node
    if not named and members:
        yield "return" if members[-1].id in outputs else "", members[-1]


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
            gradient=short(sum(gradients), float_format) if gradients else "",
            heat=min(1.0, _heat(group) / hottest),
        )


def _heat(group: Sequence[Node]) -> float:
    """The sum of the magnitudes of gradients, of those that have one."""
    sizes = [abs(float(node.adjoint)) for node in group if node.adjoint is not None]
    return sum(size for size in sizes if math.isfinite(size))


# ---- text -------------------------------------------------------------------------------------------


def source_text(annotated: Annotated, *, color: bool = False, float_format: str = ".6g") -> str:
    """The view for a terminal; with ``color``, the hotter a line, the redder.

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
    nodes = {node.id: node for node in annotated.nodes}
    found = [
        Row(
            file="", line=None, text=f"{row.name} (input)", name="", count=1, heat=0.0,
            value=short(nodes[row.node].value, float_format), gradient=short(nodes[row.node].adjoint, float_format),
        )
        for row in annotated.inputs
    ]  # fmt: skip
    found += rows(annotated, float_format=float_format)
    cells = [["line", "source", "", "value", "gradient"], *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_joined(cells[0], widths)]
    file = ""
    for row, own in zip(found, cells[1:], strict=True):
        if row.file != file:
            lines.append(row.file)
            file = row.file
        lines.append(
            _colored(f"{_joined(own, widths)}  {_bar(row.heat)}".rstrip(), row.heat if color else 0.0)
        )
    return "\n".join([heading(annotated, float_format), "", *lines])


def _cells(row: Row) -> list[str]:
    text = row.text if len(row.text) <= _WIDEST else f"{row.text[: _WIDEST - 1]}…"
    many = f"×{row.count}" if row.count > 1 else ""
    named = f"{row.name} " if row.name and not row.text else ""
    return [
        "" if row.line is None else str(row.line),
        text or f"    {named}".rstrip(),
        many,
        row.value,
        row.gradient,
    ]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    line, text, *numbers = cells
    right = [cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True)]
    return "  ".join([line.rjust(max(widths[0], 5)), text.ljust(widths[1]), *right]).rstrip()


def _bar(heat: float) -> str:
    eighths = round(heat * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).rstrip()


def _colored(line: str, heat: float) -> str:
    """A line in one of the reds of the 256 colours of terminals."""
    shades = (None, 224, 217, 210, 203, 196)
    shade = shades[math.ceil(heat * (len(shades) - 1))]
    return line if shade is None else f"\x1b[38;5;{shade}m{line}\x1b[0m"


# ---- a page -----------------------------------------------------------------------------------------

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 14px/1.5 ui-monospace, monospace; margin: 2em }}
table {{ border-collapse: collapse }}
td, th {{ padding: 0 .8em; text-align: right; white-space: pre }}
td:nth-child(2), th:nth-child(2) {{ text-align: left }}
td:nth-child(1), caption {{ opacity: .6 }}
td:nth-child(4) {{ color: light-dark(#1a7f37, #56d364) }}
td:nth-child(5) {{ color: light-dark(#b3261e, #ff8a80) }}
</style>
<h1>{title}</h1>
<table>
<tr><th>line<th>source<th><th>value<th>gradient</tr>
{rows}
</table>
</html>
"""


def source_html(annotated: Annotated, *, float_format: str = ".6g") -> str:
    """The view as a page by itself.

    >>> import tracegrad as tg
    >>> "257" in source_html(tg.trace(lambda x: x + 1.0, 256.0).document)
    True
    """
    lines, file = [], ""
    for row in rows(annotated, float_format=float_format):
        if row.file != file:
            lines.append(f'<tr><td><td colspan="4"><b>{html.escape(row.file)}</b></tr>')
            file = row.file
        cells = "".join(f"<td>{html.escape(cell)}" for cell in _cells(row))
        lines.append(f'<tr style="background: rgb(255 80 60 / {0.6 * row.heat:.2f})">{cells}</tr>')
    return _PAGE.format(title=html.escape(heading(annotated, float_format)), rows="\n".join(lines))
