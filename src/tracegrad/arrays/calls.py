"""Functions of numpy, methods and items in their usual form: the hot path of what is no operator.

In: rows with one traced array.  Out: :data:`~tracegrad.ufuncs.SHORT`, from a function of numpy to what records it in
line, and the ``[]`` of :class:`~tracegrad.arrays.tracer.ArrayTracer`.  The usual form is a traced array with static
data that nobody can change: numbers, ``None``, tuples of whole numbers.  Any other call gets the answer ``None`` and
goes the general way.  Read :data:`_ROWS` and :func:`_made` first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tracegrad.arrays.build import ARRAY
from tracegrad.arrays.elementwise import CLIP, WHERE
from tracegrad.arrays.fast import BINARY, REFLECTED, SELF, compiled, pulls_of
from tracegrad.arrays.indexing import DIAGONAL, GETITEM
from tracegrad.arrays.memory import is_stale
from tracegrad.arrays.products import DOT
from tracegrad.arrays.reductions import CUMPROD, CUMSUM, MAX, MEAN, MIN, NORM, PROD, SORT, STD, SUM, VAR
from tracegrad.arrays.shapes import BROADCAST_TO, CONCATENATE, RESHAPE, TRANSPOSE
from tracegrad.arrays.tracer import ArrayTracer, entry
from tracegrad.copies import copied
from tracegrad.primitives import Primitive
from tracegrad.pulls import pull_for
from tracegrad.tracer import NOTHING, ScalarTracer, record
from tracegrad.ufuncs import SHORT

#: function of numpy -> its row, its parameters (by position, then by keyword only), and what it comes to on a plain
#: array: the same operation without the ways to it
_ROWS: dict[Any, tuple[Primitive, str, str]] = {
    np.sum: (
        SUM,
        "axis=None, dtype=None, *more, keepdims=False",
        "add(array, axis, dtype, None, keepdims)",
    ),
    np.mean: (
        MEAN,
        "axis=None, dtype=None, *more, keepdims=False",
        "array.mean(axis, dtype, None, keepdims=keepdims)",
    ),
    np.prod: (PROD, "axis=None, *more, keepdims=False", "multiply(array, axis, None, None, keepdims)"),
    np.max: (MAX, "axis=None, *more, keepdims=False", "maximum(array, axis, None, None, keepdims)"),
    np.min: (MIN, "axis=None, *more, keepdims=False", "minimum(array, axis, None, None, keepdims)"),
    np.var: (
        VAR,
        "axis=None, *more, ddof=0, keepdims=False, where=None",
        "array.var(axis, None, None, ddof, keepdims=keepdims)",
    ),
    np.std: (
        STD,
        "axis=None, *more, ddof=0, keepdims=False, where=None",
        "array.std(axis, None, None, ddof, keepdims=keepdims)",
    ),
    np.cumsum: (CUMSUM, "axis=None, *more", "array.cumsum(axis)"),
    np.cumprod: (CUMPROD, "axis=None, *more", "array.cumprod(axis)"),
    np.sort: (SORT, "axis=-1, *more", "forward(array, axis)"),
    np.diagonal: (DIAGONAL, "offset=0, axis1=0, axis2=1, *more", "array.diagonal(offset, axis1, axis2)"),
    np.reshape: (RESHAPE, "shape=NOTHING, order='C', *more", "array.reshape(shape)"),
    np.transpose: (TRANSPOSE, "axes=None, *more", "array.transpose(axes)"),
    np.linalg.norm: (
        NORM,
        "ord=None, axis=None, keepdims=False, *more",
        "forward(array, ord, axis, keepdims)",
    ),
    np.clip: (CLIP, "a_min=NOTHING, a_max=NOTHING, *more", "array.clip(a_min, a_max)"),
    np.broadcast_to: (BROADCAST_TO, "shape=NOTHING, *more", "forward(array, shape)"),
}

#: a call is short if no argument is left over and all static data is of the usual form
_CALL = (
    """
def {name}(self=NOTHING, /, {parameters}, **rest):
    if more or rest or {unusual_data}:
        return None
"""
    + SELF
    + """
    value = {compute}
"""
)

_ITEM = (
    """
def {name}(self, index):
    kind = type(index)
    if kind is ndarray:
        if index.dtype.kind not in "iub":
            return {otherwise}
        index = index.copy("K")
    elif kind not in PLAIN and not is_fixed_index(index):
        return {otherwise}
"""
    + SELF
    + """
    value = array[index]
"""
)

#: classes of static data that nobody can change
_PLAIN = frozenset({int, bool, type(None)})
_PLAIN_INDEX = frozenset({int, type(None), type(Ellipsis), np.int64, np.int32})
_INTEGERS = frozenset({int})
_ENDS = frozenset({int, type(None)})


def _is_fixed(value: Any) -> bool:
    """Whether this is a tuple of whole numbers."""
    return type(value) is tuple and _INTEGERS.issuperset(map(type, value))


def _is_fixed_index(index: Any) -> bool:
    """Whether this is a slice between whole numbers, or a tuple of these and of other plain parts."""
    if type(index) is slice:
        return _ENDS.issuperset((type(index.start), type(index.stop), type(index.step)))
    if type(index) is not tuple:
        return False
    for part in index:
        if type(part) not in _PLAIN_INDEX and (type(part) is not slice or not _is_fixed_index(part)):
            return False
    return True


def _made(row: Primitive, parameters: str, compute: str, depth: int = 2) -> Callable[..., Any]:
    """The short way of a row, called ``depth`` frames above the user's."""
    data = re.findall(r"(\w+)=", parameters)
    names = {
        "PLAIN": _PLAIN, "add": np.add.reduce, "forward": row.forward, "is_fixed": _is_fixed,
        "maximum": np.maximum.reduce, "minimum": np.minimum.reduce, "multiply": np.multiply.reduce,
        "pull": pull_for(row, "n"), "record": record, "row": row,
    }  # fmt: skip
    operands = f"(self, {', '.join(data)})"
    made: Callable[..., Any] = compiled(
        _CALL,
        "function",
        names,
        parameters=parameters,
        unusual_data=" or ".join(_UNUSUAL.get(name, _UNUSUAL_DATA).format(name) for name in data),
        compute=compute,
        a=operands,
        otherwise="None",
        unusual=f"record(self.tape_, row, value, {operands})",
        depth=depth,
    )
    return made


_NO_NUMBER = "type({0}) is not float and type({0}) is not int"
_UNUSUAL_DATA = "type({0}) not in PLAIN and not is_fixed({0})"
_UNUSUAL = {
    "order": "order != 'C'",
    "ord": "ord is not None",
    "where": "where is not None",
    "a_min": _NO_NUMBER,
    "a_max": _NO_NUMBER,
}


def _of_two(row: Primitive) -> Callable[..., Any]:
    """The short way of a function of two arrays, one of them traced at least."""
    fields: dict[str, Any] = {"otherwise": "None", "unusual": "None", "depth": 3}
    names = {"forward": row.forward, **pulls_of(row)}
    forward = compiled(
        BINARY, "function", names, compute="forward(array, operand)", a="(self, other)", **fields
    )
    reflected = compiled(
        REFLECTED, "function", names, compute="forward(operand, array)", a="(other, self)", **fields
    )

    def function(*operands: Any, **options: Any) -> Any:
        if options or len(operands) != 2:
            return None
        a, b = operands
        if not (getattr(a, "ndim", 0) and getattr(b, "ndim", 0)):
            return None
        if type(a) is ArrayTracer:
            return forward(a, b)
        return reflected(b, a) if type(b) is ArrayTracer else None

    return function


def _as_other(function: Any, row: Any, data_of: Callable[..., Any]) -> Callable[..., Any]:
    """The short way of a function that comes to that of a row, with the data that follow from a plain array, if any."""
    short = _made(*_ROWS[row], depth=3)

    def made(self: Any = NOTHING, /, *args: Any, **options: Any) -> Any:
        if type(self) is not ArrayTracer or not all(map(_is_plain, (*args, *options.values()))):
            return None
        data = data_of(self.value_, *args, **options) if type(self.value_) is np.ndarray else None
        return None if data is None else short(self, data)

    return made


def _shape_by(function: Any) -> Callable[..., Any]:
    def shape(array: Any, *args: Any, **options: Any) -> Any:
        return function(array, *args, **options).shape

    return shape


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or _is_fixed(value)


def _swapped(array: Any, axis1: Any, axis2: Any) -> Any:
    order = list(range(array.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return tuple(order)


def _joined(arrays: Any = NOTHING, axis: Any = 0, *more: Any, **rest: Any) -> Any:
    if more or rest or type(arrays) not in _LISTS or type(axis) not in _PLAIN:
        return None
    return _several(CONCATENATE, arrays, (axis,), _ARRAYS)


def _chosen(condition: Any = NOTHING, x: Any = NOTHING, y: Any = NOTHING, *more: Any, **rest: Any) -> Any:
    if more or rest or type(condition) is not np.ndarray or condition.dtype.kind != "b":
        return None
    return _several(WHERE, (x, y), (condition.copy("K"),), _ANY)


def array_of(items: Any) -> Any:
    """``np.array`` of a list of numbers some of which are traced."""
    return _several(ARRAY, items, (tuple(range(len(items))), None), _FLOATS)


_LISTS = frozenset({list, tuple})
_FLOATS = frozenset({float, int, np.float64})
_ARRAYS = frozenset({np.ndarray})
_ANY = frozenset({np.ndarray, np.float64, float, int})


def _several(row: Primitive, arrays: Any, data: tuple[Any, ...], worth: frozenset[type]) -> Any:
    """The short way with several operands: traced values of one tape and constants, ``worth`` one of some classes."""
    tape, values, kept = None, [], []
    for one in arrays:
        kind = type(one)
        value = one
        if kind is ArrayTracer or kind is ScalarTracer:
            value = one.value_
            if tape is None:
                tape = one.tape_
            elif tape is not one.tape_:
                return None
            kind = type(value)
        elif kind is np.ndarray:
            if one.dtype.kind not in "fiub":
                return None
            one = copied(one)  # numpy computes with the original, whose layout decides on the last bit
        if kind not in worth:
            return None
        values.append(value)
        kept.append(one)
    if tape is None or tape.complex or (tape.stale and any(is_stale(tape, value) for value in values)):
        return None
    return entry(tape, row, pull_for(row, "n"), row.forward(*values, *data), (*kept, *data), NOTHING)


def _install() -> None:
    for function, (row, parameters, compute) in _ROWS.items():
        SHORT[function] = _made(row, parameters, compute)
    for function in (np.squeeze, np.expand_dims, np.atleast_1d, np.atleast_2d, np.atleast_3d):
        SHORT[function] = _as_other(function, np.reshape, _shape_by(function))
    SHORT[np.ravel] = _as_other(
        np.ravel, np.reshape, lambda array: (-1,) if array.flags.c_contiguous else None
    )
    SHORT[np.swapaxes] = _as_other(np.swapaxes, np.transpose, _swapped)
    SHORT[np.amax], SHORT[np.amin] = SHORT[np.max], SHORT[np.min]
    SHORT[np.concatenate], SHORT[np.where] = _joined, _chosen
    SHORT[np.dot] = _of_two(DOT)
    names = {
        "PLAIN": _PLAIN_INDEX, "general": ArrayTracer.__getitem__, "is_fixed_index": _is_fixed_index,
        "pull": pull_for(GETITEM, "n"), "record": record, "row": GETITEM,
    }  # fmt: skip
    item = compiled(
        _ITEM,
        "__getitem__",
        names,
        a="(self, index)",
        otherwise="general(self, index)",
        unusual="record(self.tape_, row, value, (self, index))",
    )
    ArrayTracer.__getitem__ = item  # type: ignore[method-assign]


_install()
