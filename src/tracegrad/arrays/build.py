"""Arrays made of traced numbers, and static data made plain.

In: nested lists with tracers in them, indices.  Out: :func:`array` is ``np.array`` and makes *one* node of them;
:func:`lift` does so where an operand may be a list; :func:`static` makes indices plain and records guards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.table import gate
from tracegrad.row import Primitive, bind
from tracegrad.tracer import KINDS, isinstance_tracer

_NUMBERS = frozenset({float, int})


def holds_tracer(value: Any) -> bool:
    """Whether a tracer is in a value, or in its lists and tuples, or is an element of an array of objects."""
    if isinstance_tracer(value):
        return True
    if isinstance(value, (list, tuple)):
        return not _NUMBERS.issuperset(map(type, value)) and any(map(holds_tracer, value))
    return type(value) is np.ndarray and value.dtype == object and any(map(isinstance_tracer, value.flat))


def lift(value: Any) -> Any:
    """An operand as a number or an array: lists of tracers become a node, other lists plain arrays."""
    if isinstance(value, (list, tuple)) and not isinstance_tracer(value):
        return array(value)
    return array(value.tolist()) if type(value) is np.ndarray and holds_tracer(value) else value


def array(value: Any, dtype: Any = None) -> Any:
    """``np.array`` of anything: one node if tracers are in it."""
    if isinstance_tracer(value) and type(value) in KINDS:
        return bind(COPY, value, dtype)
    if not holds_tracer(value):
        return np.array(value, dtype=dtype)
    operands: list[Any] = []
    layout = _layout(value.tolist() if type(value) is np.ndarray else value, operands)
    return bind(ARRAY, *operands, layout, dtype)


def as_array(value: Any) -> Any:
    """An operand as an array, a number as one without axes, where numpy would make one of it too."""
    lifted = lift(value)
    return lifted if hasattr(lifted, "ndim") else array(lifted)


def _layout(value: Any, operands: list[Any]) -> Any:
    """The nesting of lists, with the number of an operand in the place of each."""
    if isinstance(value, (list, tuple)) and not isinstance_tracer(value):
        return tuple(_layout(item, operands) for item in value)
    operands.append(value)
    return len(operands) - 1


def _filled(layout: Any, operands: Any) -> Any:
    if isinstance(layout, tuple):
        return [_filled(item, operands) for item in layout]
    return operands[layout]


def _places(layout: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if not isinstance(layout, tuple):
        return [path]
    return [place for i, item in enumerate(layout) for place in _places(item, (*path, i))]


@gate(
    "numpy.array",
    lambda g, out, *args: [g[place] if place else g for place in _places(args[-2])],
    "layout",
    "dtype",
    symbol="array",
    label="element",
)
def ARRAY(*args: Any) -> Any:
    return _array(_filled(args[-2], args), dtype=args[-1])


@gate("numpy.copy", lambda g, out, x, dtype: [g], "dtype", symbol="copy", label="identity")
def COPY(x: Any, dtype: Any) -> Any:
    return _array(x, dtype=dtype)


_array = np.array  # this, not what stands in for it while a trace is open


@gate("numpy.copy", lambda g, out, x, order: [g], "order", symbol="copy", label="identity")
def ORDERED(x: Any, order: Any) -> Any:
    return np.array(x, order=order)


def static(value: Any) -> Any:
    """Static data (an index, an axis, a shape) as plain values; what was traced of it is a guard."""
    if isinstance_tracer(value):
        return bind(INDICES, value) if type(value) in KINDS else value.__index__()
    if type(value) in (list, tuple):
        return type(value)(map(static, value))
    if type(value) is slice:
        return slice(static(value.start), static(value.stop), static(value.step))
    return value.copy("K") if type(value) is np.ndarray else value


INDICES = Primitive(
    name="indices", forward=np.copy, symbol="indices", step=True, python="", c="", numpy="np.asarray({0})"
)
