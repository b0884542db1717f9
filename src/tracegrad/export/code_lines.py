"""Lines of generated code: calls and values on one line, or with one item a line, as the formatters have them.

In: texts, expressions, and lists and dicts of these.  Out: lines.  Read :func:`wrapped` first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from tracegrad.expressions import key_source, lines, quoted, source

#: no line is longer
WIDTH = 88


def call(function: str, arguments: list[str], width: int) -> list[str]:
    """A call on one line, or with one argument a line."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= width:
        return [line]
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]


def clean(text: str) -> str:
    """A text of the user as one line of a comment or a message."""
    line = "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
    return line if len(line) <= 80 else f"{line[:79]}…"


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)


def one_line(value: Any) -> str:
    if isinstance(value, ast.expr):
        return quoted(value.value) if _is_text(value) else source(value)  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_source(key)}: {one_line(item)}" for key, item in value.items()) + "}"
    items = ", ".join(map(one_line, value))
    return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"


def _is_text(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and isinstance(tree.value, str)


def wrapped(before: str, value: Any, note: str = "", width: int = WIDTH - 4) -> list[str]:
    """A value on one line, or with one item a line."""
    if isinstance(value, ast.expr) and not _is_text(value):
        return lines(before, value, width, note)
    line = f"{before}{one_line(value)}{note}"
    if len(line) <= width or isinstance(value, ast.expr):
        return [line]
    opening, closing = "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else "()"
    items = (
        [wrapped(f"{key_source(key)}: ", item, ",", width - 4) for key, item in value.items()]
        if isinstance(value, dict)
        else [wrapped("", item, ",", width - 4) for item in value]
    )
    inner = [f"    {line}" for item in items for line in item]
    return [f"{before}{opening}", *inner, f"{closing}{note}"]
