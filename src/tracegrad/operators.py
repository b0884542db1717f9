"""The operators of tracers in their general form, generated from the primitive table.

In: rows.  Out: the operators of :class:`~tracegrad.tracer.Tracer`, each a call of ``bind``; :mod:`tracegrad.fast` has
those of the hot path.
"""

from __future__ import annotations

from typing import Any

from tracegrad.primitives import (
    ABS,
    ADD,
    BIT_OPERATORS,
    COMPARISONS,
    DIV,
    FLOORDIV,
    MOD,
    MUL,
    NEG,
    POS,
    SUB,
    TABLE,
    Primitive,
    bind,
)
from tracegrad.tracer import Tracer, declined, is_comparable, is_operand

BINARY = {"add": ADD, "sub": SUB, "mul": MUL, "truediv": DIV, "floordiv": FLOORDIV, "mod": MOD}
UNARY = {"neg": NEG, "pos": POS, "abs": ABS}


def _generic_operators() -> None:
    """The operators of :class:`Tracer`, each a call of ``bind``."""

    def binary(row: Primitive) -> tuple[Any, Any]:
        return (
            lambda self, other: (
                bind(row, self, other) if is_operand(row, other) else declined(row, self, other)
            ),
            lambda self, other: (
                bind(row, other, self) if is_operand(row, other) else declined(row, other, self)
            ),
        )

    def comparison(row: Primitive) -> Any:
        return lambda self, other: bind(row, self, other) if is_comparable(row, other) else NotImplemented

    for name, row in BINARY.items():
        forward, reflected = binary(row)
        setattr(Tracer, f"__{name}__", forward)
        setattr(Tracer, f"__r{name}__", reflected)
    for name in COMPARISONS:
        setattr(Tracer, f"__{name}__", comparison(TABLE[name]))
    for name, row in UNARY.items():
        setattr(Tracer, f"__{name}__", lambda self, row=row: bind(row, self))
    for name in BIT_OPERATORS:
        forward, reflected = binary(TABLE[name])
        setattr(Tracer, f"__{name.rstrip('_')}__", forward)
        setattr(Tracer, f"__r{name.rstrip('_')}__", reflected)


_generic_operators()
