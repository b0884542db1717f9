"""Static data and constant arrays as source: shapes, indices, precisions, numbers, arrays that read back equal.

In: a value, in containers perhaps what has an expression already.  Out: expressions.  Read :func:`static` first, then
:func:`literal`.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tracegrad.errors import UnsupportedError
from tracegrad.expressions import constant, name, parse
from tracegrad.scalars import kind_of, plain_by, scalar_source

#: more elements are not written out
_MOST = 1000


def tree_of(value: Any) -> ast.expr:
    """How a sketch, a number or static data is written."""
    tree = getattr(value, "tree", None)
    return tree if isinstance(tree, ast.expr) else static(value)


def static(value: Any) -> ast.expr:
    """Static data as source."""
    if isinstance(value, np.generic):
        if plain_by(kind_of(value)) == "float":
            return parse(scalar_source(value))
        value = value.item()
    if value is None or isinstance(value, (bool, str)) or value is Ellipsis:
        return ast.Constant(value)
    if isinstance(value, (int, float)):
        return constant(value)
    if isinstance(value, complex):
        return _complex(value)
    if isinstance(value, (tuple, list)):
        kind = ast.Tuple if isinstance(value, tuple) else ast.List
        return kind(list(map(tree_of, value)), ast.Load())
    if isinstance(value, slice):
        return ast.Call(name("slice"), [static(one) for one in (value.start, value.stop, value.step)], [])
    if isinstance(value, np.dtype):
        return parse(f"np.{value.name}") if hasattr(np, value.name) else ast.Constant(value.str)
    if isinstance(value, type) and issubclass(value, (np.generic, float, int, bool)):
        return static(np.dtype(value))
    if isinstance(value, np.ndarray):
        return literal(value)
    raise UnsupportedError(f"static data of class {type(value).__name__} cannot be written as source")


def _complex(value: complex) -> ast.expr:
    """A complex number; where it would not read back as it is, by its parts."""
    try:
        if repr(ast.literal_eval(repr(value))) == repr(value):
            return parse(repr(value))
    except ValueError:  # inf and nan are names
        pass
    return ast.Call(name("complex"), [constant(value.real), constant(value.imag)], [])


def literal(array: Any) -> ast.expr:
    """An array as source that reads back equal."""
    if array.size > _MOST:
        raise UnsupportedError(
            f"a constant array of shape {array.shape} is too long for a source file: make it an argument of the "
            "function, and trace it"
        )
    if array.dtype.kind not in "fiubc":
        raise UnsupportedError(f"a constant array of {array.dtype} cannot be written as source")
    usual = {"f": np.float64, "i": np.int64, "b": np.bool_, "c": np.complex128}.get(array.dtype.kind)
    if (
        array.flags.f_contiguous and not array.flags.c_contiguous
    ):  # in which order numpy goes on depends on that
        keywords = [] if array.dtype == usual else [ast.keyword("dtype", static(array.dtype))]
        keywords.append(ast.keyword("order", ast.Constant("F")))
        return ast.Call(parse("np.array"), [_nested(array.tolist())], keywords)
    if array.size and array.dtype == usual:
        run = _as_range(array)
        return run if run is not None else ast.Call(parse("np.array"), [_nested(array.tolist())], [])
    dtype = ast.keyword("dtype", static(array.dtype))
    if not array.size:
        return ast.Call(parse("np.zeros"), [static(array.shape)], [dtype])
    return ast.Call(parse("np.array"), [_nested(array.tolist())], [dtype])


def _as_range(array: Any) -> ast.expr | None:
    """``np.arange(n)`` for the numbers from 0, ``np.zeros(n)`` and the like for equal ones, ``np.eye(n)``."""
    if (
        array.dtype.kind == "i"
        and array.ndim == 1
        and array.size > 1
        and (array == np.arange(array.size)).all()
    ):
        return parse(f"np.arange({array.size})")
    if array.dtype.kind != "f":
        return None
    first = array.flat[0]
    if array.size > 1 and (array.view(np.int64) == first.view(np.int64)).all() and np.isfinite(first):
        shape = static(array.shape[0] if array.ndim == 1 else array.shape)
        usual = {"0.0": "np.zeros", "1.0": "np.ones"}.get(repr(float(first)))
        more = [] if usual else [static(first)]
        return ast.Call(parse(usual or "np.full"), [shape, *more], [])
    if (
        array.ndim == 2
        and array.size > 1
        and len(array) == len(array.T)
        and (array == np.eye(len(array))).all()
    ):
        return parse(f"np.eye({len(array)})")
    return None


def _nested(value: Any) -> ast.expr:
    return ast.List(list(map(_nested, value)), ast.Load()) if isinstance(value, list) else static(value)


def index_of(index: Any) -> ast.expr:
    """What stands in square brackets."""
    if isinstance(index, tuple):
        parts = list(map(index_of, index))
        return (
            parts[0]
            if len(parts) == 1 and not isinstance(parts[0], ast.Tuple)
            else ast.Tuple(parts, ast.Load())
        )
    if isinstance(index, slice):
        ends = (None if one is None else tree_of(one) for one in (index.start, index.stop, index.step))
        return ast.Slice(*ends)
    return tree_of(index)
