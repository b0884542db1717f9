"""The primitive table: one row for each operation that a trace can hold.

In: the rows.  Out: :data:`TABLE` (name -> :class:`Primitive`), the namespaces in which rules are evaluated,
and :func:`partials`.  The rows are in the files of ``rows``: to add a primitive, add a row to one of them.

A row's *rule* is its derivative, written once.  It is a plain function ``rule(m, out, *args)`` of the result
and the operands that gives d(out)/d(operand); ``m`` is a namespace with a function for each row.  Because the
rule names neither floats nor tracers, the same formula serves plain numbers (:data:`PLAIN`), numbers at poles
(:mod:`tracegrad.ieee`), traced numbers (higher order), and any other namespace that names these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from tracegrad.row import TABLE, Primitive, bind
from tracegrad.rows.gates import MAX, MIN, SUM, SUM_FROM
from tracegrad.rows.operators import (
    ABS,
    ADD,
    CONST,
    DIV,
    FLOORDIV,
    INPUT,
    LITERAL_POWER,
    MOD,
    MUL,
    NEG,
    POLE,
    POS,
    POWER,
    ROUND,
    SUB,
)  # fmt: skip
from tracegrad.rows.steps import BIT_OPERATORS, COMPARISONS
from tracegrad.spelling import literal, spell

__all__ = [
    "ABS", "ADD", "BIT_OPERATORS", "COMPARISONS", "CONST", "DIV", "FLOORDIV", "INPUT", "LITERAL_POWER", "MAX", "MIN",
    "MOD", "MUL", "NEG", "PLAIN", "POLE", "POS", "POWER", "ROUND", "SUB", "SUM", "SUM_FROM", "TABLE",
    "Primitive", "bind", "literal", "namespace", "partials", "spell",
]  # fmt: skip


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no


def namespace(
    function: Callable[[Primitive], Callable[..., Any]], where: Callable[[Any, Any, Any], Any] = _choose
) -> SimpleNamespace:
    """What rules call ``m``: every row's name, bound to ``function(row)``, and ``where`` for a choice.

    ``sech2`` is spelled out, for no library has it; where it is differentiated in turn, it is the row.
    """
    m = SimpleNamespace(where=where, **{name: function(row) for name, row in TABLE.items()})
    m.sech2 = lambda x: (1.0 / m.cosh(x)) ** 2
    return m


#: the ``m`` of rules on plain numbers
PLAIN = namespace(lambda row: row.forward)


def partials(row: Primitive, m: Any, out: Any, args: Sequence[Any]) -> list[Any]:
    """The local gradients of one application, slot by slot; static trailing operands have none.

    >>> partials(TABLE["mul"], PLAIN, -12.0, (3.0, -4.0))
    [-4.0, 3.0]
    """
    if row.variadic:
        return list(row.rules(m, out, *args))  # type: ignore[operator]
    return [rule(m, out, *args) if callable(rule) else rule for rule in row.rules]  # type: ignore[union-attr]
