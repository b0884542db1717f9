"""Arrays as sets: which values there are, and which of them two arrays have in common.

In: functions of numpy.  Out: elements taken from the array, each at a place that is a guard: which elements these are
is piecewise constant, and a gradient returns to the element that stands for its equals.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import composed, unsupported

UniqueAllResult = namedtuple("UniqueAllResult", ["values", "indices", "inverse_indices", "counts"])
UniqueCountsResult = namedtuple("UniqueCountsResult", ["values", "counts"])
UniqueInverseResult = namedtuple("UniqueInverseResult", ["values", "inverse_indices"])


@composed(np.unique)
def _unique(
    ar: Any,
    return_index: Any = False,
    return_inverse: Any = False,
    return_counts: Any = False,
    **options: Any,
) -> Any:
    if options.get("axis") is not None:
        raise unsupported("numpy.unique along an axis")
    ar = lift(ar)
    parts = [np.take(np.ravel(ar), guard(_unique_index, ar))]
    wanted = (
        (_unique_index, return_index),
        (_unique_inverse, return_inverse),
        (_unique_counts, return_counts),
    )
    parts += [guard(function, ar) for function, given in wanted if given]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _unique_index(x: Any) -> Any:
    return np.unique(x, return_index=True)[1]


def _unique_inverse(x: Any) -> Any:
    return np.unique(x, return_inverse=True)[1]


def _unique_counts(x: Any) -> Any:
    return np.unique(x, return_counts=True)[1]


def _several(name: str, result: Any) -> None:
    """A function of newer numpy with a named result, whose parts are those of ``np.unique``."""

    @composed(getattr(np, name))
    def serve(x: Any, /) -> Any:
        parts = dict.fromkeys(result._fields)
        return result(**{part: _PARTS[part](lift(x)) for part in parts})


_PARTS: dict[str, Any] = {
    "values": np.unique,
    "indices": lambda x: guard(_unique_index, x),
    "inverse_indices": lambda x: guard(_unique_inverse, x),
    "counts": lambda x: guard(_unique_counts, x),
}

if hasattr(np, "unique_values"):
    _several("unique_all", UniqueAllResult)
    _several("unique_counts", UniqueCountsResult)
    _several("unique_inverse", UniqueInverseResult)

    @composed(np.unique_values)
    def _unique_values(x: Any, /, *, sorted: Any = True) -> Any:
        if sorted is not True:
            raise unsupported("numpy.unique_values in no order")
        return np.unique(x)


@composed(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([np.ravel(lift(ar1)), np.ravel(lift(ar2))]))


@composed(np.intersect1d)
def _intersect1d(ar1: Any, ar2: Any, assume_unique: Any = False, return_indices: Any = False) -> Any:
    ar1, ar2 = lift(ar1), lift(ar2)
    first, second = guard(_common, ar1, ar2, assume_unique)
    found = np.take(np.ravel(ar1), first)
    return (found, first, second) if return_indices else found


def _common(ar1: Any, ar2: Any, assume_unique: Any) -> Any:
    return np.stack(np.intersect1d(ar1, ar2, assume_unique, return_indices=True)[1:])


@composed(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: Any = False) -> Any:
    ar1 = np.ravel(lift(ar1)) if assume_unique else np.unique(ar1)
    return np.take(ar1, guard(_others, ar1, lift(ar2)))


def _others(ar1: Any, ar2: Any) -> Any:
    return np.flatnonzero(~np.isin(ar1, ar2))


@composed(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: Any = False) -> Any:
    parts = [np.ravel(lift(one)) if assume_unique else np.unique(lift(one)) for one in (ar1, ar2)]
    both = np.concatenate(parts)
    return np.take(both, guard(_single, both))


def _single(both: Any) -> Any:
    _, index, counts = np.unique(both, return_index=True, return_counts=True)
    return index[counts == 1]
