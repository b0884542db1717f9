"""From an instruction to the user's words: file, line and columns, expression, variable, statement.

In: a code object and the offset of an instruction (``frame.f_lasti``).  Out: :func:`site`, :func:`statement`,
:func:`assigned`.  Bytecode answers where it can, for it is there without a source file and cannot be out of date;
the syntax tree is asked for statements, and for names that bytecode does not tell.  What neither knows is ``None``.
"""

from __future__ import annotations

import ast
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tracegrad.by_code import remembered
from tracegrad.document import Site
from tracegrad.instructions import at, is_item, is_load
from tracegrad.provenance import in_library, in_package
from tracegrad.texts import Span, Text, text_of

#: code that runs as a part of the statement it is written in, though Python gives it a frame of its own
INLINE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


# ---- where ------------------------------------------------------------------------------------------


@remembered
def site(code: CodeType, lasti: int) -> Site:
    """Place and text of the expression that an instruction computes."""
    return _site(code, _span(code, lasti), _line(code, lasti))


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


def _function(code: CodeType) -> str:
    """The function that code belongs to; some Pythons give a comprehension code of its own, others do not."""
    return _INLINE_PART.sub("", code.co_qualname)


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
    return list(code.co_positions())


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
    return len(lines[line - 1].encode()[:column].decode(errors="replace"))


# ---- what an instruction does ------------------------------------------------------------------------


def formats(frame: FrameType) -> bool:
    """Whether a frame is at a ``%`` operator: there, only the formatting of text asks a number for its float."""
    found = at(frame.f_code, frame.f_lasti)
    if found is None:
        return False
    instructions, index = found
    return instructions[index].opname == "BINARY_OP" and instructions[index].argrepr in ("%", "%=")


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
    code, lasti = frame.f_code, frame.f_lasti
    at_work, span = at(code, lasti), _span(code, lasti)
    if at_work is None or span is None or not at_work[0][at_work[1]].opname.startswith("CALL"):
        return False
    for before in reversed(at_work[0][: at_work[1]]):
        start = _span(code, before.offset)
        if start is not None and start[:2] == span[:2] and before.opname != "PUSH_NULL":
            if before.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                return bool(before.argval == function.__name__)
            found: Any = frame.f_locals.get(before.argval, frame.f_globals.get(before.argval))
            return is_load(before) and found is function
    return False


# ---- what the text tells ----------------------------------------------------------------------------


def called_text(code: CodeType, lasti: int) -> str | None:
    """The last name of what the expression of an instruction calls: ``exp`` of ``math.exp(x)``."""
    text = site(code, lasti).text
    return None if text is None else text.partition("(")[0].rpartition(".")[2].strip()


def assigned(code: CodeType, lasti: int) -> str | None:
    """The variable, attribute or item that the expression of an instruction is assigned to."""
    span, text = _span(code, lasti), text_of(code)
    return None if span is None or text is None else _targets(text).get(span)


@lru_cache(maxsize=128)
def _targets(text: Text) -> dict[Span, str]:
    """What each assigned expression of a file is assigned to."""
    found: dict[Span, str] = {}
    for node in ast.walk(text.tree) if text.tree is not None else ():
        if isinstance(node, ast.Assign):
            for target in reversed(node.targets):
                _pair(target, node.value, found)
        elif isinstance(node, ast.AugAssign):
            found[_span_of(node)] = ast.unparse(node.target)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            _pair(node.target, node.value, found)
    return found


def _pair(target: ast.expr, value: ast.expr, found: dict[Span, str]) -> None:
    if isinstance(target, (ast.Tuple, ast.List)):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            for one, its in zip(target.elts, value.elts, strict=True):
                _pair(one, its, found)
    elif isinstance(value, ast.IfExp):
        _pair(target, value.body, found)
        _pair(target, value.orelse, found)
    elif not isinstance(target, ast.Starred):
        found[_span_of(value)] = ast.unparse(target)


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
    """The statement that an instruction belongs to: of a compound one the header, else its line if unknown."""
    span = _span(code, lasti)
    text = text_of(code) if span is not None else None
    tree = None if text is None else text.tree
    node, looped = _innermost(tree, span) if tree is not None and span is not None else (None, False)
    where = None if node is None else _header(node)
    return Statement(_site(code, where, _line(code, lasti)), looped)


def _innermost(tree: ast.AST, span: Span) -> tuple[ast.stmt | ast.expr | None, bool]:
    """The smallest statement (or body of a lambda) around a span, and whether a comprehension lies between."""
    found: ast.stmt | ast.expr | None = None
    looped = False
    candidates = [tree]
    while candidates:
        node = candidates.pop()
        if hasattr(node, "lineno"):
            if not _contains(_span_of(node), span):
                continue
            candidates.clear()
        if isinstance(node, ast.stmt):
            found, looped = node, False
        elif isinstance(node, ast.Lambda) and _contains(_span_of(node.body), span):
            found, looped = node.body, False
        looped = looped or isinstance(node, _COMPREHENSIONS)
        candidates.extend(_children(node, span))
    return found, looped


def _children(node: ast.AST, span: Span) -> Iterator[ast.AST]:
    """The children of a node that may contain a span: of the statements in a block, only the last to begin before."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            index = bisect_right(value, span[:2], key=lambda one: (one.lineno, one.col_offset)) - 1
            yield from value[max(index, 0) : index + 1]
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, ast.AST))


def _contains(outer: Span, inner: Span) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _span_of(node: ast.AST) -> Span:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _header(node: ast.stmt | ast.expr) -> Span:
    """The span of a statement without the block it governs."""
    line, column, end_line, end_column = _span_of(node)
    if isinstance(node, (ast.For, ast.AsyncFor)):
        end_line, end_column = _span_of(node.iter)[2:]
    elif isinstance(node, (ast.While, ast.If)):
        end_line, end_column = _span_of(node.test)[2:]
    elif isinstance(node, ast.Match):
        end_line, end_column = _span_of(node.subject)[2:]
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        end_line, end_column = _span_of(node.items[-1].context_expr)[2:]
    return line, column, end_line, end_column
