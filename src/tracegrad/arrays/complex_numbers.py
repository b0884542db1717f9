"""Python's own complex numbers in a trace: ``abs(1j * x + 2)``.

In: operations on traced numbers that give a complex one.  Out: :class:`ComplexTracer`.  The derivative is that of
:mod:`tracegrad.arrays.complexes`, and the value in the trace one of numpy's; but what is computed with it is computed
by Python, whose quotients and powers differ from numpy's in the last bit.

So numpy must be loaded: without it a complex number is refused.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tracegrad.arrays.complexes import CONJUGATE, is_complex, row_of_complex
from tracegrad.arrays.tracer import ArrayTracer
from tracegrad.class_stand_ins import COMPLEX
from tracegrad.primitives import bind
from tracegrad.row import Primitive
from tracegrad.tape import innermost
from tracegrad.tracer import COMPLEX_NUMBERS, KINDS, Tracer, isinstance_tracer, noted, record

_become_class = object.__dict__["__class__"].__set__  # ``__class__`` of a tracer answers as the number


class ComplexTracer(ArrayTracer):
    """A tracer of a complex number of Python's."""

    __slots__ = ()

    def _tracegrad_bind_(self, row: Any, args: tuple[Any, ...]) -> Any:
        if any(map(_is_of_numpy, args)):
            return ArrayTracer._tracegrad_bind_(self, row, args)
        if row.step:
            return Tracer._tracegrad_bind_(self, _of_python(row, row.forward), args)
        tape = innermost([arg.tape_ for arg in args if isinstance_tracer(arg)])
        values = [_value(arg) if isinstance_tracer(arg) and arg.tape_ is tape else arg for arg in args]
        return record(tape, _of_python(row_of_complex(row, args), row.forward), bind(row, *values), args)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return complex

    __hash__ = Tracer.__hash__

    def conjugate(self) -> Any:
        return bind(CONJUGATE_OF_NUMBER, self)


CONJUGATE_OF_NUMBER = replace(CONJUGATE, name="conjugate", forward=lambda z: z.conjugate())


def _is_of_numpy(arg: Any) -> bool:
    """Whether an operand is an array, or a complex number of numpy's."""
    kind = type(arg)
    return kind in KINDS and kind is not ComplexTracer


def _value(tracer: Any) -> Any:
    return complex(tracer.value_) if type(tracer.value_) is np.complex128 else tracer.value_


def _of_python(row: Primitive, forward: Any) -> Primitive:
    """A row whose operation is Python's, on numbers of which the complex ones are kept as numpy's."""
    return row if row in _MADE else _made(row, forward)


@functools.cache
def _made(row: Primitive, forward: Any) -> Primitive:
    def by_python(*args: Any) -> Any:
        found = forward(*(complex(arg) if type(arg) is np.complex128 else arg for arg in args))
        return np.complex128(found) if type(found) is complex else found

    made = replace(row, forward=by_python, rules=_POWER_RULES if row.name == "power" else row.rules)
    _MADE.add(made)
    return made


_MADE: set[Primitive] = set()
#: without the kinks of real powers, which are told by order
_POWER_RULES = (lambda m, out, x, y: y * x ** (y - 1), lambda m, out, x, y: out * m.log(x))


def _recorded(tape: Any, row: Primitive, value: Any, args: tuple[Any, ...]) -> Any:
    if row.name in ("power", "literal_power") and not any(map(is_complex, args)):
        args = (as_complex(args[0]), *args[1:])  # of a negative number, whose logarithm is complex too
    if isinstance_tracer(value):
        return noted(tape, row, value, args)
    row = _of_python(row, row.forward)
    node = noted(tape, row, np.complex128(value), args)
    _become_class(node, ComplexTracer)
    return node


def _in_place(operation: Callable[[Any, Any], Any]) -> Any:
    """Numbers do not change: ``z += 1`` binds the name to another one."""
    return lambda self, other: operation(self, other)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(ComplexTracer, f"__i{_name}__", _in_place(getattr(operator, _name)))

KINDS[ComplexTracer] = ComplexTracer
COMPLEX_NUMBERS[ComplexTracer] = _recorded


def as_complex(x: Any) -> Any:
    """A number, traced or not, as a complex one."""
    if not isinstance_tracer(x):
        return complex(x)
    return x if is_complex(x) else bind(COMPLEX, x, 0.0)
