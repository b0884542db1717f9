"""The source view in a terminal: highlighted, fitted to its width, the hotter a line, the redder its gradient.

In: an :class:`~tracegrad.document.Annotated`.  Out: what rich prints.  Read :func:`source_table`.

Rich knows what a terminal can show: colours, its width, letters of double width.  Without it the text of
:mod:`tracegrad.export.source_view` is printed, its source cut to the width of the terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tracegrad.document import Annotated
from tracegrad.errors import MissingExtra
from tracegrad.export.source_view import Row, bar, cells_of, rows_of, source_text
from tracegrad.export.text import heading

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_NARROW = 76  # columns, below which the source needs those of the bar
_HEAT = ("", "orange3", "dark_orange", "red1")  # told apart on dark and on light ground


def print_source(annotated: Annotated, color: bool | None = None, *, float_format: str = ".6g") -> None:
    """Print the source view to where ``print`` does; by default with colours if that is a terminal.

    ``color=True`` asks for them anywhere, ``color=False`` for the plain text.
    """
    seen = sys.stdout.isatty()
    if color and not installed():
        raise MissingExtra("pip install rich")
    if color is False or not (color or seen):
        print(source_text(annotated, float_format=float_format))
    elif installed():
        _print(annotated, color, float_format)
    else:
        columns = shutil.get_terminal_size().columns
        print(source_text(annotated, float_format=float_format, width=columns))


def installed() -> bool:
    """Whether rich is."""
    return find_spec("rich") is not None


def _print(annotated: Annotated, color: bool | None, float_format: str) -> None:
    from rich.console import Console
    from rich.text import Text

    plain = color is None and os.environ.get("NO_COLOR")
    console = Console(
        file=sys.stdout,
        force_terminal=color,
        color_system=None if plain else "auto",
        no_color=False if color else None,
    )
    console.print(Text(heading(annotated, float_format), style="bold"), end="\n\n")
    console.print(source_table(annotated, console, float_format=float_format))


def source_table(annotated: Annotated, console: Console, *, float_format: str = ".6g") -> Table:
    """The source view as a table of rich's; what is too wide for the console is wrapped under its own indent."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    found = rows_of(annotated, float_format=float_format)
    narrow = console.width < _NARROW
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("line", justify="right", style="dim", no_wrap=True)
    table.add_column("source", min_width=console.width // 4, overflow="fold")
    repeated = any(row.count > 1 for row in found)
    if repeated:
        table.add_column("", justify="right", style="dim", no_wrap=True)
    table.add_column("value", justify="right", style="cyan", no_wrap=True)
    table.add_column("gradient", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("", no_wrap=True)
    file = ""
    for row, code in zip(found, _highlighted(found), strict=True):
        if row.file != file:
            file = row.file
            table.add_row("", Text(file, style="dim italic"))
        line, text, many, *numbers = cells_of(row, widest=None)
        indent = len(text) - len(text.lstrip())
        source = Padding(code[indent:] if row.text else Text(text.strip()), (0, 0, 0, indent))
        value, gradient = (Text(_stacked(number, console.width)) for number in numbers)
        gradient.stylize(_HEAT[round(row.heat * (len(_HEAT) - 1))])
        heat = () if narrow else (Text(bar(row.heat), style=_HEAT[-1]),)
        table.add_row(line, source, *([many] if repeated else ()), value, gradient, *heat)
    return table


def _stacked(number: str, width: int) -> str:
    """An array that would take more than its share of the width, on several lines."""
    return number.replace(", ", ",\n") if len(number) > width // 6 else number


def _highlighted(rows: Sequence[Row]) -> Iterator[Text]:
    """The text of each row in the colours of Python; the lines of a file together, for what spans several."""
    from rich.syntax import Syntax
    from rich.text import Text

    python = Syntax("", "python", theme="ansi_dark", background_color="default")
    for file in dict.fromkeys(row.file for row in rows):
        texts = [row.text.replace("\n", " ") for row in rows if row.file == file]
        lines: Sequence[Text] = ()
        if file:  # else inputs, and statements without source
            lines = python.highlight("\n".join(texts)).split("\n", allow_blank=True)[: len(texts)]
        yield from lines if [line.plain for line in lines] == texts else map(Text, texts)
