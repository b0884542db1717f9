"""Backward instructions on arrays: the hot path of the sweep where nodes hold plain arrays.

In: the row of a tape entry and its pattern of operands.  Out: :data:`ON_ARRAYS`, from the instruction for numbers that
an entry carries to the one for arrays.  They do what :func:`tracegrad.reverse.returned` does, with a flow fitted to its
operand only where it does not fit as it is.  Read :data:`_SETTLE` first.
"""

from __future__ import annotations

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
    like = {name}.value_
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
            if pattern == "n" and not callable(row.vjps):
                made = _several(row, row.vjps, _ARRAY, "{rule}(upstream, node.value_, {values})", general)
        elif not row.rules or callable(row.rules):
            made = None
        elif pattern == "n":
            made = _several(row, row.rules, _ANY, "{rule}(m, node.value_, {values}) * upstream")
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
        given = args[:count]
        values = [arg.value_ if issubclass(type(arg), Tracer) else arg for arg in given]
        # plain numbers get a shape, which maps ask for
        values = [np.float64(value) if type(value) in (float, int) else value for value in values]
        values += args[len(values) :]
        if type(upstream) is float and type(node.value_) is np.ndarray:
            upstream = np.array(upstream)  # of an array without axes, which rules take elements of
        if callable(vjps):
            found = vjps(upstream, node.value_, *values)
        else:
            found = [
                vjp(upstream, node.value_, *values) if issubclass(type(arg), Tracer) else None
                for vjp, arg in zip(vjps, given, strict=True)
            ]
        flows = [
            (arg, _fitted(flow, arg.value_))
            for arg, flow in zip(given, found, strict=True)
            if issubclass(type(arg), Tracer)
        ]
        for arg, flow in flows:
            total = arg.adjoint_
            arg.adjoint_ = flow if total is None else total + flow

    return pull


_ANY = """\
    {name}_value = {name}.value_ if issubclass(type({name}), Tracer) else {name}
"""

#: an operand of a linear map, which is an array, or the general way has it
_ARRAY = (
    _ANY
    + """\
    if type({name}_value) is not ndarray:
        return general(node, upstream)
"""
)

_FLOW_IF_TRACED = """\
    if {name}_value is not {name}:
        {name}_flow = {flow}
"""

_ADD_IF_TRACED = """\
    if {name}_value is not {name}:
        total = {name}.adjoint_
        {name}.adjoint_ = {name}_flow if total is None else total + {name}_flow
"""


def _several(row: Primitive, rules: Any, read: str, flow: str, general: Pull | None = None) -> Pull:
    """The instruction for operands in a tuple, with a rule for each: a local gradient or a map."""
    names = [f"operand_{number}" for number in range(len(rules))]
    data = [f"data_{number}" for number in range(len(row.params))]
    values = ", ".join([*(f"{name}_value" for name in names), *data])
    flows = [
        flow.format(rule=f"rule_{name}", values=values) if callable(rule) else f"{rule!r} * upstream"
        for name, rule in zip(names, rules, strict=True)
    ]
    settled = _FLOW_IF_TRACED + indent(_SETTLE, "    ")
    source = f"def pull(node, upstream):\n    {', '.join([*names, *data])}, = node.a_\n"
    source += "".join(read.format(name=name) for name in names)
    source += "".join(settled.format(name=name, flow=one) for name, one in zip(names, flows, strict=True))
    source += "".join(_ADD_IF_TRACED.format(name=name) for name in names)
    scope: dict[str, Any] = {
        "Tracer": Tracer, "fit": fit, "general": general, "m": NUMPY, "ndarray": np.ndarray,
    }  # fmt: skip
    scope |= {f"rule_{name}": rule for name, rule in zip(names, rules, strict=True)}
    exec(compile(source, f"{PACKAGE}/<pull of {row.name} on arrays>", "exec"), scope)
    return scope["pull"]  # type: ignore[no-any-return]


def _fitted(flow: Any, like: Any) -> Any:
    arrays = type(like) is np.ndarray and type(flow) is np.ndarray
    return flow if arrays and flow.shape == like.shape and flow.dtype is like.dtype else fit(flow, like)
