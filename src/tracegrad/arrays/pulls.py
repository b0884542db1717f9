"""Backward instructions on arrays: the hot path of the sweep where nodes hold plain arrays.

In: the row of a tape entry and its pattern of operands.  Out: :data:`ON_ARRAYS`, from the instruction for numbers that
an entry carries to the one for arrays.  They do what :func:`tracegrad.reverse.returned` does, with a flow fitted to its
operand only where it does not fit as it is.  Read :data:`_SETTLE` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tracegrad.arrays.elementwise import NUMPY
from tracegrad.arrays.fit import fit
from tracegrad.primitives import Primitive
from tracegrad.pulls import PATTERN_OF, ROW_OF, Pull, compiled
from tracegrad.tracer import Tracer, operands

#: a flow that has not the shape and precision of its operand is brought to it
_SETTLE = """\
    like = {name}.value
    flow = {name}_flow
    if type(like) is not ndarray or type(flow) is not ndarray or flow.shape != like.shape:
        {name}_flow = fit(flow, like)
    elif flow.dtype is not like.dtype:
        {name}_flow = fit(flow, like)
"""


class _OnArrays(dict[Pull, Pull | None]):
    """Made when first asked for; ``None`` where the general way serves."""

    def __missing__(self, pull: Pull) -> Pull | None:
        row, pattern = ROW_OF[pull], PATTERN_OF[pull]
        if row.vjps is not None:
            made: Pull | None = _map(row, row.vjps)
        elif pattern == "n" or not row.rules:
            made = None
        else:
            made = compiled(row, pattern, NUMPY, _SETTLE, ndarray=np.ndarray, fit=fit)
        self[pull] = made
        return made


ON_ARRAYS = _OnArrays()


def _map(row: Primitive, vjps: Any) -> Pull:
    """The instruction of a row whose derivative is a linear map."""
    count = -len(row.params) or None

    def pull(node: Any, upstream: Any) -> None:
        args = operands(node)
        varying, values = _read(args[:count])
        values += args[len(values) :]
        flows = _flows(vjps, varying, upstream, node.value, values)
        for arg, flow in zip(varying, flows, strict=True):
            if arg is not None:
                total = arg.adjoint
                arg.adjoint = flow if total is None else total + flow

    return pull


def _read(args: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The entries among operands, ``None`` for a constant, and what all are worth: plain numbers with a shape."""
    varying = [arg if issubclass(type(arg), Tracer) else None for arg in args]
    values = [arg if entry is None else arg.value for arg, entry in zip(args, varying, strict=True)]
    return varying, [np.float64(value) if type(value) in (float, int) else value for value in values]


def _flows(vjps: Any, varying: Sequence[Any], upstream: Any, out: Any, values: Sequence[Any]) -> list[Any]:
    if callable(vjps):
        found = vjps(upstream, out, *values)
    else:
        found = [
            None if entry is None else vjp(upstream, out, *values)
            for vjp, entry in zip(vjps, varying, strict=True)
        ]
    return [
        None if entry is None else _fitted(flow, entry.value)
        for flow, entry in zip(found, varying, strict=True)
    ]


def _fitted(flow: Any, like: Any) -> Any:
    arrays = type(like) is np.ndarray and type(flow) is np.ndarray
    return flow if arrays and flow.shape == like.shape and flow.dtype is like.dtype else fit(flow, like)
