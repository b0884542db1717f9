"""Linear algebra that is composed: norms of matrices, condition numbers, chains of products, tensor equations.

In: functions of ``numpy.linalg``.  Out: compositions of the rows in :mod:`tracegrad.arrays.linalg` and
:mod:`tracegrad.arrays.reductions`, of the same values bit for bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift, static
from tracegrad.arrays.reductions import NORM
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import axis_of, composed, unsupported
from tracegrad.row import bind

LA = np.linalg


@composed(LA.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    x = lift(x)
    matrix = (isinstance(axis, tuple) and len(axis) == 2) or (
        axis is None and x.ndim == 2 and ord is not None
    )
    if matrix and ord not in (None, "fro", "f"):
        return _matrix_norm(x, ord, (0, 1) if axis is None else axis, keepdims)
    if ord == 0:
        return guard(LA.norm, x, ord, axis, keepdims)
    return bind(NORM, x, ord, axis, keepdims)


def _matrix_norm(x: Any, ord: Any, axes: Any, keepdims: Any) -> Any:
    """The largest or smallest sum of a column or a row, or a norm of the singular values."""
    row, column = (axis_of(axis, x.ndim) for axis in axes)
    if ord in (2, -2, "nuc"):
        values = LA.svd(np.moveaxis(x, (row, column), (-2, -1)), compute_uv=False)
        reduce = np.sum if ord == "nuc" else np.max if ord == 2 else np.min
        found = reduce(values, axis=-1)
    elif ord in (1, -1, np.inf, -np.inf):
        along, across = (row, column) if abs(ord) == 1 else (column, row)
        sums = np.sum(np.abs(x), axis=along)
        found = (np.max if ord > 0 else np.min)(sums, axis=across - (across > along))
    else:
        raise ValueError("Invalid norm order for matrices.")
    return np.expand_dims(found, (row, column)) if keepdims else found


if hasattr(LA, "vector_norm"):

    @composed(LA.matrix_norm)
    def _matrix_norm_of(x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Any:
        return LA.norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)

    @composed(LA.vector_norm)
    def _vector_norm(x: Any, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
        x = lift(x)
        if isinstance(axis, tuple) or (axis is None and keepdims):
            raise unsupported("numpy.linalg.vector_norm along several axes")
        if axis is None:
            x, axis = np.ravel(x), 0
        return LA.norm(x, ord=ord, axis=axis, keepdims=keepdims)

    @composed(LA.svdvals)
    def _svdvals(x: Any, /) -> Any:
        return LA.svd(x, compute_uv=False)

    @composed(LA.trace)
    def _trace(x: Any, /, *, offset: Any = 0, dtype: Any = None) -> Any:
        return np.trace(x, offset, -2, -1)

    @composed(LA.diagonal)
    def _diagonal(x: Any, /, *, offset: Any = 0) -> Any:
        return np.diagonal(x, offset, -2, -1)

    @composed(LA.cross)
    def _cross(x1: Any, x2: Any, /, *, axis: Any = -1) -> Any:
        if axis not in (-1, x1.ndim - 1):
            raise unsupported("numpy.linalg.cross along another axis than the last")
        return np.cross(x1, x2)

    @composed(LA.vecdot)
    def _vecdot(x1: Any, x2: Any, /, *, axis: Any = -1) -> Any:
        return np.vecdot(np.moveaxis(lift(x1), axis, -1), np.moveaxis(lift(x2), axis, -1))


@composed(LA.cond)
def _cond(x: Any, p: Any = None) -> Any:
    x = lift(x)
    if p in (None, 2, -2):
        values = LA.svd(x, compute_uv=False)
        ends = values[..., 0], values[..., -1]
        return ends[1] / ends[0] if p == -2 else ends[0] / ends[1]
    return LA.norm(x, ord=p, axis=(-2, -1)) * LA.norm(LA.inv(x), ord=p, axis=(-2, -1))


@composed(LA.matrix_rank)
def _matrix_rank(A: Any, tol: Any = None, hermitian: Any = False, **options: Any) -> Any:
    return guard(LA.matrix_rank, A, tol, hermitian, **options)


@composed(LA.multi_dot)
def _multi_dot(arrays: Any) -> Any:
    arrays = list(map(lift, arrays))
    if len(arrays) > 3:
        raise unsupported("numpy.linalg.multi_dot of more than three factors")
    if len(arrays) == 2:
        return np.dot(*arrays)
    a, b, c = arrays
    left, right = a.ndim == 1, c.ndim == 1
    a, c = np.atleast_2d(a), c[:, None] if right else c
    (m, k), (_, n) = a.shape, c.shape
    ahead, behind = m * k * b.shape[1] + m * b.shape[1] * n, k * b.shape[1] * n + m * k * n
    found = np.dot(np.dot(a, b), c) if ahead < behind else np.dot(a, np.dot(b, c))
    return found[0, 0] if left and right else np.ravel(found) if left or right else found


@composed(LA.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = lift(a), lift(b)
    if axes is not None:
        raise unsupported("numpy.linalg.tensorsolve with axes")
    shape = a.shape[b.ndim - a.ndim :] if a.ndim > b.ndim else ()
    flat = LA.solve(np.reshape(a, (-1, math.prod(shape))), np.ravel(b))
    return np.reshape(flat, shape)


@composed(LA.tensorinv)
def _tensorinv(a: Any, ind: Any = 2) -> Any:
    a, ind = lift(a), static(ind)
    shape = a.shape[ind:] + a.shape[:ind]
    return np.reshape(LA.inv(np.reshape(a, (math.prod(a.shape[:ind]), -1))), shape)
