"""Steps: functions of arrays with whole, truth or text values.  They are plain, and recorded as guards.

In: a function of numpy and a call of it.  Out: its plain result.  Read :func:`guard`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tracegrad.arrays.table import HANDLERS, bare, title
from tracegrad.row import Primitive, bind
from tracegrad.tracer import isinstance_tracer

#: what has no gradient to lose: orders, counts, tests
STEPS = (
    "all", "allclose", "any", "argmax", "argmin", "argpartition", "argsort", "argwhere", "array_equal", "array_equiv",
    "array2string", "array_repr", "array_str", "count_nonzero", "digitize", "flatnonzero", "isclose", "iscomplex",
    "in1d", "isin", "isneginf", "isposinf", "isreal", "lexsort", "nanargmax", "nanargmin", "nonzero", "searchsorted",
)  # fmt: skip

#: what depends on shape and kind alone, and is no guard either
FACTS = (
    "can_cast", "common_type", "diag_indices_from", "iscomplexobj", "isrealobj", "may_share_memory", "min_scalar_type",
    "ndim", "result_type", "shape", "shares_memory", "size", "tril_indices_from", "triu_indices_from",
)  # fmt: skip


@cache
def step(function: Any) -> Primitive:
    """The row of a step; its last operand says how it was called."""
    return Primitive(
        name=title(function), forward=_call_of(function), params=("call",), step=True, symbol=function.__name__,
        python="", c="", numpy="",
    )  # fmt: skip


def _call_of(function: Any) -> Callable[..., Any]:
    def forward(*operands: Any) -> Any:
        args, options = _filled(operands[-1], operands)
        return function(*args, **dict(options))

    return forward


class _Place(int):
    """Stands for an operand in the record of a call."""


def _emptied(value: Any, operands: list[Any]) -> Any:
    if isinstance_tracer(value):
        operands.append(value)
        return _Place(len(operands) - 1)
    if type(value) in (list, tuple):
        return type(value)(_emptied(item, operands) for item in value)
    return value.copy() if type(value) is np.ndarray else value


def _filled(value: Any, operands: Any) -> Any:
    if type(value) is _Place:
        return operands[value]
    if type(value) in (list, tuple):
        return type(value)(_filled(item, operands) for item in value)
    return value


def guard(function: Any, *args: Any, **options: Any) -> Any:
    """Call a function that gives a plain result, and record that it did."""
    operands: list[Any] = []
    call = _emptied((args, tuple(options.items())), operands)
    return bind(step(function), *operands, call) if operands else function(*args, **options)


def _steps(function: Any) -> Callable[..., Any]:
    def serve(*args: Any, **options: Any) -> Any:
        return guard(function, *args, **options)

    return serve


def _fact(function: Any) -> Callable[..., Any]:
    def serve(*args: Any, **options: Any) -> Any:
        return function(*map(bare, args), **{name: bare(option) for name, option in options.items()})

    return serve


for _name in filter(vars(np).__contains__, STEPS):
    HANDLERS[getattr(np, _name)] = _steps(getattr(np, _name))
for _name in FACTS:
    HANDLERS[getattr(np, _name)] = _fact(getattr(np, _name))
