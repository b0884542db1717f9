"""Operations on arrays in generated code, with placeholders for values and adjoints.

In: an :class:`~tracegrad.outline.Outline` of a trace in which numpy is at work.  Out: :class:`ArrayCode`, which writes
one operation, what returns through it, a question that was asked, or a constant.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracegrad.array_flows import flows
from tracegrad.array_formula import HELPERS, Sketch, applied, sample
from tracegrad.array_literals import literal, tree_of
from tracegrad.arrays.fit import adjoint_dtype, dtype_kind
from tracegrad.document import Guard
from tracegrad.errors import UnsupportedError
from tracegrad.expressions import name, source
from tracegrad.formula import written
from tracegrad.graph import Literal
from tracegrad.naming import Names
from tracegrad.outline import Outline
from tracegrad.tracer import plain

#: a constant array longer than this has a name and stands by itself
_LONGEST = 40


class ArrayCode:
    """Writes operations on arrays.

    ``varies_here`` tells of a literal whether it is another one in each turn of the loops around.  ``tables`` are the
    arrays that stand by themselves, ``helpers`` functions that are called.
    """

    def __init__(self, outline: Outline, free: Names, varies_here: Callable[[int], bool]) -> None:
        self.outline = outline
        self.free = free
        self.varies_here = varies_here
        self.tables: dict[str, ast.expr] = {}
        self._known: dict[str, str] = {}
        self.helpers: dict[str, str] = {}

    def call(self, index: int) -> ast.expr:
        """The application of an operation."""
        return self._settled(self._attempt(index, self._call, index))

    def _call(self, index: int) -> ast.expr:
        operands = list(map(self._operand, self.outline.sources(index)))
        static = self._static(index, self.outline.given(index))
        return tree_of(applied(self.outline.row(index), [*operands, *static]))

    def _static(self, index: int, static: tuple[Any, ...]) -> tuple[Any, ...]:
        """The static data of an operation; what of an index is another number in each turn has a placeholder."""
        literals = iter(self.outline.positions(index))
        if not self.outline.positions(index):
            return static
        at = static[0]
        parts = [
            self._literal(next(literals), one) if type(one) is int else one
            for one in (at if type(at) is tuple else (at,))
        ]
        return (tuple(parts) if type(at) is tuple else parts[0], *static[1:])

    def _literal(self, literal: int, recorded: Any) -> Any:
        return Sketch(name(f"N_{literal}"), recorded) if self.varies_here(literal) else recorded

    def returned(self, index: int, wanted: Sequence[bool], upstream: ast.expr) -> list[ast.expr | None]:
        """What returns through an operation to each wanted operand."""
        found = self._attempt(index, lambda: list(self._flows(index, wanted, upstream)))
        return [None if tree is None else self._settled(tree) for tree in found]

    def _flows(self, index: int, wanted: Sequence[bool], upstream: ast.expr) -> Any:
        outline = self.outline
        out = Sketch(name(f"N_{index}"), sample(outline.raw(index)))
        args = [self._operand(one, outline.value(one)) for one in outline.sources(index)]
        static = self._static(index, outline.static(index))
        return flows(outline.row(index), out, args, static, wanted, self._adjoint(index, upstream))

    def _adjoint(self, index: int, tree: ast.expr) -> Sketch:
        value, adjoint = self.outline.raw(index), self.outline.adjoint(index)
        if isinstance(value, np.ndarray):
            dtype = getattr(adjoint, "dtype", None) or adjoint_dtype(
                value.dtype
            )  # a seed may be of any precision
            return Sketch(tree, sample(np.broadcast_to(np.ones((), dtype), value.shape)))
        if self.outline.narrow and dtype_kind(value) != "c":
            return self._adjoint_of_number(index, tree)
        return Sketch(tree, np.complex128(1.0) if dtype_kind(value) == "c" else np.float64(1.0))

    def _adjoint_of_number(self, index: int, tree: ast.expr) -> Sketch:
        """The adjoint of a number beside single precision: of the class that the sum of its flows has."""
        kinds = self.outline.classes_of_flows.get(index, set())
        kind = next((one for one in ("float64", "float32", "float16") if one in kinds), None)
        if kind is None:
            return Sketch(tree, 1.0)
        if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
            tree = ast.Call(ast.Attribute(name("np"), kind, ast.Load()), [tree], [])
        return Sketch(tree, getattr(np, kind)(1.0))

    def _operand(self, index: int, constant: Any = None) -> Any:
        """A node for a rule: a constant number as it is, or as it is given here, anything else as a sketch."""
        value = self.outline.raw(index)
        if not self.outline.varies(index):
            known = value if constant is None else constant
            if type(known) in (int, float, bool):
                return self._literal(index, known)
        return Sketch(name(f"N_{index}"), sample(value))

    def _attempt(self, index: int, write: Any, *args: Any) -> Any:
        try:
            return write(*args)
        except UnsupportedError as error:
            raise UnsupportedError(f"{self.outline.nodes[index].primitive}: {error}") from None
        except Exception as error:
            what = self.outline.nodes[index].primitive
            raise UnsupportedError(f"{what} cannot be written as source ({error})") from error

    def question(self, guard: Guard) -> tuple[ast.expr, str]:
        """What a guard asked, and the answer that was recorded."""
        asks = self.outline.asks(guard)
        assert asks is not None
        row, outcome = asks.primitive, plain(asks.outcome)
        operands = [
            self._literal(index, plain(one.value)) if isinstance(one, Literal) else self._operand(one)
            for index, one in zip(self.outline.asked(guard), asks.operands, strict=True)
        ]
        try:
            tree = operands[0].tree if row.name == "indices" else tree_of(row.forward(*operands))
        except Exception as error:
            raise UnsupportedError(f"{row.name} cannot be written as source ({error})") from error
        answer = self.constant(outcome) if isinstance(outcome, np.ndarray) else tree_of(outcome)
        return self._settled(tree), source(answer)

    def constant(self, value: Any) -> ast.expr:
        """A constant: a long array has a name."""
        if not isinstance(value, np.ndarray):
            return ast.parse(written(value), mode="eval").body
        return self._settled(literal(value))

    def one(self, index: int) -> ast.expr:
        """The seed of a result that is one number: an array without axes where it is one."""
        value = self.outline.raw(index)
        if not isinstance(value, np.ndarray):
            return ast.Constant(1.0)
        return literal(np.ones(value.shape, adjoint_dtype(value.dtype)))

    def zeros(self, index: int) -> ast.expr:
        """The gradient by an array on which nothing depends."""
        value = self.outline.raw(index)
        return self._settled(literal(np.zeros(value.shape, adjoint_dtype(value.dtype))))

    def _settled(self, tree: ast.expr) -> ast.expr:
        """With names for long arrays, and the functions noted that are called."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in HELPERS:
                self.helpers[node.id] = HELPERS[node.id]
        settled: ast.expr = _Tables(self).visit(tree)
        return settled

    def table(self, tree: ast.expr) -> ast.expr:
        text = source(tree)
        if len(text) <= _LONGEST:
            return tree
        if text not in self._known:
            own = self._known[text] = self.free.numbered("numbers")
            self.tables[own] = tree
        return name(self._known[text])


class _Tables(ast.NodeTransformer):
    """Takes long arrays out of an expression."""

    def __init__(self, code: ArrayCode) -> None:
        self.code = code

    def visit_Call(self, node: ast.Call) -> ast.AST:
        is_array = isinstance(node.func, ast.Attribute) and node.func.attr == "array"
        if is_array and not any(isinstance(inner, ast.Name) and inner.id != "np" for inner in ast.walk(node)):
            return self.code.table(node)
        return self.generic_visit(node)
