"""Backward instructions on columns: what :mod:`tracegrad.pulls` does on a tape, with each edge written down.

In: a graph of plain numbers, and the columns to fill.  Out: :func:`pulls_on`, whose ``pull(node, upstream)`` writes
local gradient and flow of each operand that varies and adds the flow to the operand's adjoint.  Read :data:`_HEAD`
and :func:`_source`: for ``x * y`` the instruction reads::

    def pull(node, upstream):
        edge = starts[node]
        a = operands[edge]
        x = values[a]
        b = operands[edge + 1]
        y = values[b]
        if varies[a]:
            a_local = y
            a_flow = a_local * upstream
        if varies[b]:
            b_local = x
            b_flow = b_local * upstream
        if varies[a]:
            locals_[edge] = a_local
            flows[edge] = a_flow
            total = adjoints[a]
            adjoints[a] = a_flow if total is None else total + a_flow
        if varies[b]:
            ...

A rule that raises has written nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tracegrad.graph import Graph
from tracegrad.primitives import CONST, PLAIN, Primitive
from tracegrad.provenance import PACKAGE
from tracegrad.row import FIRST, OUT, SECOND

Pull = Callable[[int, Any], None]

_HEAD = """\
def bind(starts, operands, values, params, varies, adjoints, locals_, flows):
    def pull(node, upstream):
        edge = starts[node]
"""
_OPERAND = """\
        {name} = operands[edge + {slot}]
        {value} = values[{name}]
"""
_FLOW = """\
        if varies[{name}]:
            {name}_local = {local}
            {name}_flow = {flow}
"""
_WRITE = """\
        if varies[{name}]:
            locals_[edge + {slot}] = {name}_local
            flows[edge + {slot}] = {name}_flow
            total = adjoints[{name}]
            adjoints[{name}] = {name}_flow if total is None else total + {name}_flow
"""
_TAIL = "    return pull\n"


def pulls_on(
    graph: Graph, adjoints: list[Any], locals_: list[Any], flows: list[Any]
) -> dict[Primitive, Pull]:
    """The instruction of each row in a graph that has one: with one or two operands and a local gradient by each."""
    varies = bytearray([primitive is not CONST for primitive in graph.primitives])
    starts, operands = graph.starts.tolist(), graph.operands.tolist()
    return {
        row: _bound(row)(starts, operands, graph.values, graph.params, varies, adjoints, locals_, flows)
        for row in set(graph.primitives)
        if row.vjps is None and not row.variadic and len(row.rules) <= 2  # type: ignore[arg-type]
    }


@lru_cache(maxsize=1024)
def _bound(row: Primitive) -> Callable[..., Pull]:
    rules: Any = row.rules
    scope: dict[str, Any] = {"m": PLAIN} | {
        f"rule_{name}": rule for name, rule in zip("ab", rules, strict=False)
    }
    exec(compile(_source(row), f"{PACKAGE}/<column pull of {row.name}>", "exec"), scope)
    bound: Callable[..., Pull] = scope["bind"]
    return bound


def _source(row: Primitive) -> str:
    names = "ab"[: len(row.rules)]  # type: ignore[arg-type]
    fields = [
        {"name": name, "slot": str(slot), "value": "xy"[slot], **_formula(row, name, slot)}
        for slot, name in enumerate(names)
    ]
    return (
        _HEAD
        + "".join(template.format(**one) for template in (_OPERAND, _FLOW, _WRITE) for one in fields)
        + ("" if fields else "        pass\n")
        + _TAIL
    )


def _formula(row: Primitive, name: str, slot: int) -> dict[str, str]:
    """The source of a local gradient and of its product with the upstream gradient, as short as the rule allows."""
    rule = (row.first, row.second)[slot]
    if isinstance(rule, float):
        flow = {1.0: "upstream", -1.0: "-upstream"}.get(rule, f"{rule!r} * upstream")
        return {"local": repr(rule), "flow": flow}
    operands = ["x", "y"][: len(row.rules)]  # type: ignore[arg-type]
    static = [f"params[node][{index}]" for index in range(len(row.params))]
    bare = {OUT: "values[node]", FIRST: "x", SECOND: (operands + static)[-1]}
    local = bare[rule] if rule in bare else f"rule_{name}(m, values[node], {', '.join(operands + static)})"
    return {"local": local, "flow": f"{name}_local * upstream"}
