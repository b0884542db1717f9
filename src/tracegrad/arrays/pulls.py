"""Backward instructions on arrays: the hot path of the sweep where nodes hold plain arrays.

In: the row of a tape entry and its pattern of operands.  Out: :data:`ON_ARRAYS`, from the instruction for numbers that
an entry carries to the one for arrays.  They do what :func:`tracegrad.reverse.returned` does, with a flow fitted to its
operand only where it does not fit as it is.  Read :data:`_SETTLE` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Any

import numpy as np

from tracegrad.arrays.elementwise import NUMPY
from tracegrad.arrays.fit import fit
from tracegrad.primitives import PLAIN, Primitive
from tracegrad.provenance import PACKAGE
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
            general = _map(row, row.vjps)
            made: Pull | None = general
            if pattern == "n" and not callable(row.vjps) and len(row.vjps) <= 4:
                made = _short_map(row, general)
        elif pattern == "n" or not row.rules:
            made = None
        else:
            made = compiled(row, pattern, NUMPY, _SETTLE, ndarray=np.ndarray, fit=fit)
        self[pull] = made
        return made


ON_ARRAYS = _OnArrays()

#: a number that a rule on plain numbers needs; one of another class is for the general way
_NUMBER = """\
    {value} = {given}
    if type({value}) is float64:
        {value} = float({value})
    elif type({value}) is not float and type({value}) is not int:
        raise ValueError({value})
"""


class _OnNumbers(dict[Pull, Pull | None]):
    """The instruction for an entry that is one number, Python's or numpy's."""

    def __missing__(self, pull: Pull) -> Pull | None:
        row, pattern = ROW_OF[pull], PATTERN_OF[pull]
        if row.vjps is not None:
            made = ON_ARRAYS[pull]
        elif pattern == "n" or not row.rules:
            made = None
        else:
            made = compiled(row, pattern, PLAIN, read=_NUMBER, float64=np.float64)
        self[pull] = made
        return made


ON_NUMBERS = _OnNumbers()


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


#: an operand of a linear map, which is an array, or the general way has it
_ARRAY = """\
    {name}_value = {name}.value if issubclass(type({name}), Tracer) else {name}
    if type({name}_value) is not ndarray:
        return general(node, upstream)
"""

_FLOW_OF_MAP = """\
    if {name}_value is not {name}:
        {name}_flow = vjp_{name}(upstream, node.value, {values})
"""

_ADD_IF_TRACED = """\
    if {name}_value is not {name}:
        total = {name}.adjoint
        {name}.adjoint = {name}_flow if total is None else total + {name}_flow
"""


def _short_map(row: Primitive, general: Pull) -> Pull:
    """The same where each operand has its own map, and all are arrays."""
    vjps: Any = row.vjps
    slots = "abcd"[: len(vjps)]
    data = [f"data_{number}" for number in range(len(row.params))]
    values = ", ".join([*(f"{name}_value" for name in slots), *data])
    settle = indent(_SETTLE, "    ")
    source = f"def pull(node, upstream):\n    {', '.join([*slots, *data])}, = node.a\n"
    source += "".join(_ARRAY.format(name=name) for name in slots)
    source += "".join((_FLOW_OF_MAP + settle).format(name=name, values=values) for name in slots)
    source += "".join(_ADD_IF_TRACED.format(name=name) for name in slots)
    scope: dict[str, Any] = {"Tracer": Tracer, "fit": fit, "general": general, "ndarray": np.ndarray}
    scope |= {f"vjp_{name}": vjp for name, vjp in zip(slots, vjps, strict=True)}
    exec(compile(source, f"{PACKAGE}/<pull of {row.name} on arrays>", "exec"), scope)
    return scope["pull"]  # type: ignore[no-any-return]


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
