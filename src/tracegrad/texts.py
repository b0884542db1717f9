"""The source of a code object, where it is still the source that the code was made of.

In: a code object.  Out: :func:`text_of`, the lines and the syntax tree of its file; ``None`` where they are not at
hand.  Read :func:`is_of` first.

A file may have been edited since it was loaded, and :mod:`linecache` may still have what it was before the code was
loaded again.  Text of another version is worse than none; so variables, numbers and operators that the instructions
name have to stand where the instructions say.
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cached_property
from types import CodeType

from tracegrad.blocks import Blocks, Span
from tracegrad.by_code import remembered
from tracegrad.instructions import Instruction, is_load, read


class Text:
    """One version of a file: its lines, and what they say."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    @cached_property
    def tree(self) -> ast.Module | None:
        try:
            return ast.parse("".join(self.lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def blocks(self) -> Blocks | None:
        """The statements, where they can be read."""
        return None if self.tree is None else Blocks(self.tree)

    def part(self, span: Span) -> str | None:
        """What stands in a span."""
        line, column, end_line, end_column = span
        if not 1 <= line <= end_line <= len(self.lines):
            return None
        if line == end_line and self.lines[line - 1].isascii():
            return self.lines[line - 1][column:end_column]
        chosen = [text.encode() for text in self.lines[line - 1 : end_line]]
        chosen[-1] = chosen[-1][:end_column]
        chosen[0] = chosen[0][column:]
        return b"".join(chosen).decode(errors="replace")


_VERSIONS: dict[str, Text] = {}

#: what files have been found to hold, while :func:`looked_at_once` lasts
_SEEN: ContextVar[dict[str, Text | None] | None] = ContextVar("tracegrad texts", default=None)


@contextmanager
def looked_at_once() -> Iterator[None]:
    """A context in which each file is looked at once, however many instructions are asked about."""
    token = _SEEN.set({})
    try:
        yield
    finally:
        _SEEN.reset(token)


def text_of(code: CodeType) -> Text | None:
    """The text that a code object was made of."""
    text = _present(code.co_filename) or _typed_in(code)
    return text if text is not None and is_of(code, text) else None


def is_there(filename: str) -> bool:
    """Whether a file has a text, of whatever version."""
    return _present(filename) is not None


def _present(filename: str) -> Text | None:
    """The text that a file has now."""
    seen = _SEEN.get()
    if seen is None:
        return _looked_up(filename)
    if filename not in seen:
        seen[filename] = _looked_up(filename)
    return seen[filename]


def _looked_up(filename: str) -> Text | None:
    linecache.checkcache(filename)
    return _version(filename, linecache.getlines(filename))


def _typed_in(code: CodeType) -> Text | None:
    """What was typed in for a code object, which Python 3.14 keeps by the code and not by a file's name."""
    lines_of = getattr(linecache, "_getlines_from_code", None)
    return None if lines_of is None else _version(code.co_filename, lines_of(code))


def _version(filename: str, lines: list[str]) -> Text | None:
    if not lines:
        return None
    known = _VERSIONS.get(filename)
    if known is None or known.lines is not lines:
        known = _VERSIONS[filename] = Text(lines)
    return known


@remembered
def is_of(code: CodeType, text: Text) -> bool:
    """Whether variables, attributes, numbers and operators stand where the instructions of a code object have them."""
    _, instructions = read(code)
    positions = list(code.co_positions())
    return all(_agrees(one, positions[one.offset // 2], text) for one in instructions)


def _agrees(
    one: Instruction, position: tuple[int | None, int | None, int | None, int | None], text: Text
) -> bool:
    line, end_line, column, end_column = position
    if line is None or end_line is None or column is None or end_column is None or line != end_line:
        return True
    if not 1 <= line <= len(text.lines):
        return False
    if sys.version_info < (3, 12) and ('f"' in text.lines[line - 1] or "f'" in text.lines[line - 1]):
        return True  # that Python does not know where in such a text an expression stands
    part = text.part((line, column, end_line, end_column)) or ""
    if not part:
        return column == end_column
    if part.startswith(("assert", "super(")):
        return True  # pytest puts code of its own there, and super() takes what is not written
    if is_load(one) and one.argrepr:  # of two at once it is not known where they stand
        return _is_name(str(one.argval), part)
    if one.opname in ("LOAD_ATTR", "LOAD_METHOD"):
        return _is_name(str(one.argval), part.rpartition(".")[2].strip(" )"))
    if one.opname == "BINARY_OP":
        return one.argrepr in part or one.argrepr == "[]"
    return one.opname != "LOAD_CONST" or _is_constant(one.argval, part)


def _is_name(name: str, part: str) -> bool:
    """Whether a name is written so, or in what is: the instruction that hands a variable to a lambda spans it all.

    What Python or pytest has made up is written nowhere; what is private to a class (``__x``) has its name before it.
    """
    if not name.isidentifier() or (name.startswith("__") and name.endswith("__")):
        return True
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", part))
    return any(name == word or (word.startswith("__") and name.endswith(word)) for word in words)


def _is_constant(value: object, part: str) -> bool:
    """Whether a number is written so; other constants are not looked at."""
    if type(value) not in (int, float):
        return True
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        written = ast.literal_eval(part)
        return type(written) not in (int, float) or bool(written == value)
    return True
