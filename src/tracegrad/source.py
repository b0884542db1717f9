"""From an instruction to the user's words: file, line and columns, expression, variable, statement.

In: a code object and the offset of an instruction (``frame.f_lasti``).  Out: :func:`site`, :func:`statement`,
:func:`assigned`.  Bytecode answers where it can, for it is there without a source file and cannot be out of date;
the syntax tree is asked for statements, and for names that bytecode does not tell.  What neither knows is ``None``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tracegrad.blocks import Block, Span
from tracegrad.by_code import remembered
from tracegrad.document import Site
from tracegrad.instructions import CALLS, Instruction, at, is_item, is_load, read
from tracegrad.provenance import in_library, in_package
from tracegrad.texts import text_of

#: code that runs as a part of the statement it is written in, though Python gives it a frame of its own
INLINE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


# ---- where ------------------------------------------------------------------------------------------


@remembered
def site(code: CodeType, lasti: int) -> Site:
    """Place and text of the expression that an instruction computes."""
    span = _span(code, lasti)
    return _site(code, span, _line(code, lasti) if span is None else None)


@remembered
def _site(code: CodeType, span: Span | None, line: int | None) -> Site:
    """The place of a span of text; of a line, where no more is known."""
    if span is None:
        return Site(
            file=relative(code.co_filename), line=line, end_line=line, column=None, end_column=None,
            function=_function(code), text=None,
        )  # fmt: skip
    line, column, end_line, end_column = span
    text = text_of(code)
    lines = [] if text is None else text.lines
    return Site(
        file=relative(code.co_filename),
        line=line,
        end_line=end_line,
        column=_characters(lines, line, column),
        end_column=_characters(lines, end_line, end_column),
        function=_function(code),
        text=None if text is None else text.part(span),
    )


_INLINE_PART = re.compile(r"(\.<locals>)?\.<(listcomp|setcomp|dictcomp|genexpr)>")


_SPECIAL_METHOD = re.compile(r"\w+\.__\w+__$")


def _function(code: CodeType) -> str:
    """The function that code belongs to; some Pythons give a comprehension code of its own, others do not."""
    return _INLINE_PART.sub("", code.co_qualname)


@lru_cache(maxsize=1024)
def title(code: CodeType) -> str:
    """What a call of a function is known by: its name, and the class too where that of the method is Python's own.

    >>> class Neuron:
    ...     def __call__(self, x): ...
    ...     def react(self, x): ...
    >>> title(Neuron.__call__.__code__), title(Neuron.react.__code__)
    ('Neuron.__call__', 'react')
    """
    special = _SPECIAL_METHOD.search(_function(code))
    return code.co_name if special is None else special[0]


@lru_cache(maxsize=1024)
def relative(filename: str) -> str:
    """A file's path from the working directory or the import path, whichever is nearer; never an absolute one.

    >>> relative("<stdin>")
    '<stdin>'
    """
    if filename.startswith("<"):
        return filename
    path = Path(filename)
    bases = [Path.cwd(), *(Path(entry).absolute() for entry in sys.path)]
    shorter = [path.relative_to(base).as_posix() for base in bases if path.is_relative_to(base)]
    return min(shorter, key=len, default=path.name)


def describe(frame: FrameType) -> str:
    """What a frame is doing, for a message: ``at model.py:12 in helper: `math.exp(x)` ``.

    Of a frame in a library, also what called it from outside.
    """
    where = site(frame.f_code, frame.f_lasti)
    text = f": `{' '.join(where.text.split())}`" if where.text else ""
    here = f"at {where.file}:{where.line} in {where.function}{text}"
    caller: FrameType | None = frame
    while caller is not None and (in_library(caller.f_code) or in_package(caller.f_code)):
        caller = caller.f_back
    return here if caller is None or caller is frame else f"{here}, called {describe(caller)}"


@remembered
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    found = list(code.co_positions())
    if sys.version_info < (3, 13):  # where a loop takes its next value these give the statement with its body
        instructions = read(code)[1]
        for iterable, iterator, one in zip(instructions, instructions[1:], instructions[2:], strict=False):
            if one.opname == "FOR_ITER" and iterator.opname == "GET_ITER" and not iterator.is_target:
                found[one.offset // 2] = found[iterable.offset // 2]
    return found


def _span(code: CodeType, lasti: int) -> Span | None:
    positions = _positions(code)
    if not 0 <= lasti // 2 < len(positions):
        return None
    line, end_line, column, end_column = positions[lasti // 2]
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return line, column, end_line, end_column


def _line(code: CodeType, lasti: int) -> int | None:
    positions = _positions(code)
    return positions[lasti // 2][0] if 0 <= lasti // 2 < len(positions) else None


def _characters(lines: list[str], line: int, column: int) -> int:
    """A column in characters; where the line is not at hand, in bytes (the same for ASCII)."""
    if not 1 <= line <= len(lines):
        return column
    text = lines[line - 1]
    return min(column, len(text)) if text.isascii() else len(text.encode()[:column].decode(errors="replace"))


# ---- what an instruction does ------------------------------------------------------------------------


def formats(frame: FrameType) -> bool:
    """Whether a frame is at a ``%`` operator: there, only the formatting of text asks a number for its float."""
    found = at(frame.f_code, frame.f_lasti)
    if found is None:
        return False
    instructions, index = found
    return instructions[index].opname == "BINARY_OP" and instructions[index].argrepr in ("%", "%=")


def asks_for(frame: FrameType, name: str) -> bool:
    """Whether a frame is at ``x.name``, and not at a call of something compiled that asks for this attribute."""
    found = at(frame.f_code, frame.f_lasti)
    one = None if found is None else found[0][found[1]]
    return one is not None and one.opname in ("LOAD_ATTR", "LOAD_METHOD") and one.argval == name


def looks_up(frame: FrameType) -> bool:
    """Whether a frame takes something from a mapping by a key: ``d[x]``, ``d[x] = y``, ``d.get(x)``."""
    found = at(frame.f_code, frame.f_lasti)
    if found is None:
        return False
    instructions, index = found
    if is_item(instructions[index]) or instructions[index].opname.endswith("_SUBSCR"):
        return True
    before = instructions[max(0, index - 6) : index]
    methods = [i.argval for i in before if i.opname in ("LOAD_METHOD", "LOAD_ATTR")]
    return instructions[index].opname.startswith("CALL") and not _LOOK_UPS.isdisjoint(methods)


_LOOK_UPS = frozenset({"get", "setdefault", "pop", "__getitem__", "__setitem__"})


def tells_time(frame: FrameType) -> bool:
    """Whether a frame calls what takes a time, which may be a float where other compiled code wants a whole number."""
    found = at(frame.f_code, frame.f_lasti)
    if found is None or not found[0][found[1]].opname.startswith("CALL"):
        return False
    return any(i.argval in _TIMES for i in found[0][max(0, found[1] - 12) : found[1]])


_TIMES = frozenset({
    "acquire", "ctime", "fromtimestamp", "gmtime", "join", "localtime", "select", "settimeout", "sleep",
    "utcfromtimestamp", "wait",
})  # fmt: skip


def calls(frame: FrameType, function: Callable[..., Any]) -> bool:
    """Whether what a frame calls is this function itself, and not something compiled that calls it in turn.

    The function is known by its value, or as an attribute by its name.
    """
    one = _called(frame.f_code, frame.f_lasti)
    if one is None:
        return False
    if not is_load(one):
        return bool(one.argval == function.__name__)
    return frame.f_locals.get(one.argval, frame.f_globals.get(one.argval)) is function


def called_name(code: CodeType, lasti: int) -> str | None:
    """The last name of what an instruction calls, whatever its arguments: ``exp`` of ``math.exp(x if x else y)``."""
    one = _called(code, lasti)
    return None if one is None else str(one.argval)


def _called(code: CodeType, lasti: int) -> Instruction | None:
    """The instruction that gives what another one calls, as columns tell: where the call begins, that begins."""
    at_work, span = at(code, lasti), _span(code, lasti)
    if at_work is None or span is None or at_work[0][at_work[1]].opname not in CALLS:
        return None
    for before in reversed(at_work[0][: at_work[1]]):
        part = _span(code, before.offset)
        if part is not None and part[:2] == span[:2] and part != span and before.opname != "PUSH_NULL":
            return before if is_load(before) or before.opname in ("LOAD_ATTR", "LOAD_METHOD") else None
    return None


# ---- what the text tells ----------------------------------------------------------------------------


def assigned(code: CodeType, lasti: int) -> str | None:
    """The variable, attribute or item that the expression of an instruction is assigned to."""
    span = _span(code, lasti)
    block = None if span is None else _block(code, span)
    return None if span is None or block is None else block.targets.get(span)


# ---- the statement ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the user: its place, its text, and whether the instruction asked for is in a loop inside it."""

    site: Site
    looped: bool

    @property
    def key(self) -> tuple[int | None, int | None]:
        return self.site.line, self.site.column


@remembered
def statement(code: CodeType, lasti: int) -> Statement:
    """The statement that an instruction belongs to: of a compound one the header, else its line if unknown.

    In a lambda it is the body of that.
    """
    span = _span(code, lasti)
    block = None if span is None else _block(code, span)
    where, looped = (None, False) if span is None or block is None else block.at(span)
    return Statement(_site(code, where, _line(code, lasti) if where is None else None), looped)


def _block(code: CodeType, span: Span) -> Block | None:
    """The smallest statement around a span."""
    text = text_of(code)
    return None if text is None or text.blocks is None else text.blocks.around(span)
