"""From an instruction to the user's words: file, line and columns, expression, variable, statement.

In: a code object and the offset of an instruction (``frame.f_lasti``).  Out: :func:`site`, :func:`stored_name`,
:func:`statement`.  Bytecode answers where it can, for it is there without a source file and cannot be out of date;
the syntax tree is asked for statements, and for names that bytecode does not tell.  What neither knows is ``None``.
"""

from __future__ import annotations

import ast
import builtins
import dis
import linecache
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
from tracegrad.provenance import in_library, in_package

#: code that runs as a part of the statement it is written in, though Python gives it a frame of its own
INLINE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOADS = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")

#: (line, column, end line, end column) with columns in bytes of UTF-8, as Python counts them
Span = tuple[int, int, int, int]


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
    lines = linecache.getlines(code.co_filename)
    return Site(
        file=relative(code.co_filename),
        line=line,
        end_line=end_line,
        column=_characters(lines, line, column),
        end_column=_characters(lines, end_line, end_column),
        function=_function(code),
        text=_text(lines, span),
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


def _text(lines: list[str], span: Span) -> str | None:
    line, column, end_line, end_column = span
    if not 1 <= line <= end_line <= len(lines):
        return None
    chosen = [text.encode() for text in lines[line - 1 : end_line]]
    chosen[-1] = chosen[-1][:end_column]
    chosen[0] = chosen[0][column:]
    return b"".join(chosen).decode(errors="replace")


# ---- the variable -----------------------------------------------------------------------------------


@remembered
def _instructions(code: CodeType) -> tuple[dict[int, int], list[dis.Instruction]]:
    """The instructions of a code object, and the index of each by its offset.

    A warm function of Python 3.11 calls what is written in C from PRECALL, a cold one from the CALL that follows; while
    it calls what is written in Python it may be at one of the caches behind the instruction.
    """
    indices: dict[int, int] = {}
    found: list[dis.Instruction] = []
    everything = list(dis.get_instructions(code))
    ends = [*(instruction.offset for instruction in everything[1:]), len(code.co_code)]
    for instruction, end in zip(everything, ends, strict=True):
        if instruction.opname not in _SILENT:
            indices.update(dict.fromkeys(range(instruction.offset, end, 2), len(found)))
            if instruction.opname != "PRECALL":
                found.append(instruction)
    return indices, found


_SILENT = frozenset({"CACHE", "NOP", "EXTENDED_ARG", "NOT_TAKEN"})


def _after(code: CodeType, lasti: int, count: int) -> list[dis.Instruction]:
    indices, instructions = _instructions(code)
    index = indices.get(lasti)
    return [] if index is None else instructions[index + 1 : index + 1 + count]


@remembered
def stored_name(code: CodeType, lasti: int) -> str | None:
    """The variable, attribute or item that the result of an instruction is stored in at once."""
    return _stored_by_bytecode(_after(code, lasti, 4)) or _stored_by_source(code, lasti)


def _stored_by_bytecode(after: list[dis.Instruction]) -> str | None:
    names = [instruction.opname for instruction in after]
    if names[:1] == ["COPY"]:
        return _stored_by_bytecode(after[1:])
    if names and names[0].startswith(_STORES):
        argval = after[0].argval
        return argval[0] if isinstance(argval, tuple) else str(argval)
    if len(names) > 1 and names[0] in _LOADS and names[1] == "STORE_ATTR":
        return f"{after[0].argval}.{after[1].argval}"
    if len(names) > 2 and names[0] in _LOADS and names[1] in (*_LOADS, "LOAD_CONST", "LOAD_SMALL_INT"):
        key = after[1].argval
        shown = key if names[1] in _LOADS else repr(key)
        return f"{after[0].argval}[{shown}]" if names[2] == "STORE_SUBSCR" else None
    return None


def unpacked_names(code: CodeType, lasti: int) -> list[str | None]:
    """The variables that the result of an instruction is unpacked into at once; empty where it is not."""
    after = _after(code, lasti, 1)
    if not after or after[0].opname != "UNPACK_SEQUENCE":
        return []
    names: list[str | None] = []
    for instruction in _after(code, lasti, 1 + int(after[0].argval))[1:]:
        if not instruction.opname.startswith(_STORES):
            break
        names += instruction.argval if isinstance(instruction.argval, tuple) else [str(instruction.argval)]
    return names[: int(after[0].argval)]


def formats(frame: FrameType) -> bool:
    """Whether a frame is at a ``%`` operator: there, only the formatting of text asks a number for its float."""
    indices, instructions = _instructions(frame.f_code)
    index = indices.get(frame.f_lasti)
    if index is None or instructions[index].opname != "BINARY_OP":
        return False
    return instructions[index].argrepr in ("%", "%=")


def looks_up(frame: FrameType) -> bool:
    """Whether a frame takes something from a mapping by a key: ``d[x]``, ``d[x] = y``, ``d.get(x)``."""
    indices, instructions = _instructions(frame.f_code)
    index = indices.get(frame.f_lasti)
    if index is None:
        return False
    if instructions[index].opname.endswith("_SUBSCR"):
        return True
    before = instructions[max(0, index - 6) : index]
    methods = [i.argval for i in before if i.opname in ("LOAD_METHOD", "LOAD_ATTR")]
    return instructions[index].opname.startswith("CALL") and not _LOOK_UPS.isdisjoint(methods)


_LOOK_UPS = frozenset({"get", "setdefault", "pop", "__getitem__", "__setitem__"})


def calls(frame: FrameType, function: Callable[..., Any]) -> bool:
    """Whether what a frame calls is this function itself, and not something compiled that calls it in turn.

    The function is known by its value, or as an attribute by its name.
    """
    code, lasti = frame.f_code, frame.f_lasti
    indices, instructions = _instructions(code)
    index, span = indices.get(lasti), _span(code, lasti)
    if index is None or span is None or not instructions[index].opname.startswith("CALL"):
        return False
    for before in reversed(instructions[:index]):
        start = _span(code, before.offset)
        if start is not None and start[:2] == span[:2] and before.opname != "PUSH_NULL":
            if before.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                return bool(before.argval == function.__name__)
            found: Any = frame.f_locals.get(before.argval, frame.f_globals.get(before.argval))
            return before.opname.startswith(_LOADS) and found is function
    return False


def returns(code: CodeType, lasti: int) -> bool:
    """Whether the result of an instruction is what the function returns."""
    return [instruction.opname for instruction in _after(code, lasti, 1)] == ["RETURN_VALUE"]


def calls_builtin(code: CodeType, lasti: int) -> bool:
    """Whether an instruction calls a builtin such as ``map``, as far as the text tells: what that calls in turn
    returns to it and not to the caller."""
    span = _span(code, lasti)
    text = None if span is None else _text(linecache.getlines(code.co_filename), span)
    called = (text or "").partition("(")[0].rpartition(".")[2].strip()
    return called == "reduce" or hasattr(builtins, called)


def _stored_by_source(code: CodeType, lasti: int) -> str | None:
    span = _span(code, lasti)
    return None if span is None else _targets(code.co_filename).get(span)


@lru_cache(maxsize=128)
def _targets(filename: str) -> dict[Span, str]:
    """What each assigned expression of a file is assigned to."""
    tree = _tree(filename)
    found: dict[Span, str] = {}
    for node in ast.walk(tree) if tree is not None else ():
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
    tree = _tree(code.co_filename) if span is not None else None
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


@lru_cache(maxsize=128)
def _tree(filename: str) -> ast.Module | None:
    lines = linecache.getlines(filename)
    try:
        return ast.parse("".join(lines)) if lines else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
