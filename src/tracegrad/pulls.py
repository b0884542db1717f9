"""Backward instructions: for each row and pattern of operands, a function that sends a gradient back.

In: a row of the primitive table.  Out: :func:`pull_for`, whose result ``pull(node, upstream)`` adds
``local gradient * upstream`` to the adjoint of each traced operand of a tape entry.  Its source is put together from
the row's rules: a constant or a bare operand stands there as it is, any other rule is called: for ``x * y`` it reads::

    def pull(node, upstream):
        a = node.a_
        b = node.b_
        a_flow = b.value_ * upstream
        b_flow = a.value_ * upstream
        total = a.adjoint_
        a.adjoint_ = a_flow if total is None else total + a_flow
        total = b.adjoint_
        b.adjoint_ = b_flow if total is None else total + b_flow

A pattern is ``v`` or ``vc`` or ``cv`` or ``vv`` (what each operand is: traced value or constant), or ``n`` where all
operands are in one tuple.  A rule that raises has changed no adjoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracegrad.primitives import PLAIN, Primitive, partials
from tracegrad.provenance import PACKAGE
from tracegrad.row import FIRST, OUT, SECOND

Pull = Callable[[Any, Any], None]

#: the row that a backward instruction belongs to
ROW_OF: dict[Pull, Primitive] = {}

#: the pattern of operands that it is for
PATTERN_OF: dict[Pull, str] = {}

_PULLS: dict[tuple[Primitive, str], Pull] = {}

_HEAD = "def pull(node, upstream):\n"
_OPERAND = "    {name} = node.{name}_\n"
_FLOW = "    {name}_flow = {flow}\n"
_ADD = """\
    total = {name}.adjoint_
    {name}.adjoint_ = {name}_flow if total is None else total + {name}_flow
"""


def pull_for(row: Primitive, pattern: str) -> Pull:
    """The backward instruction of a row for a pattern of operands."""
    found = _PULLS.get((row, pattern))
    if found is None:
        found = _PULLS[row, pattern] = compiled(row, pattern, PLAIN) if pattern != "n" else _many(row)
        ROW_OF[found] = row
        PATTERN_OF[found] = pattern
    return found


def compiled(row: Primitive, pattern: str, m: Any, settle: str = "", read: str = "", **names: Any) -> Pull:
    """The instruction for one or two operands, with rules in the namespace ``m``.

    ``settle`` is the source of what is done to a flow before it is added, ``read`` of what gives ``out`` and the
    operands as the rules are to have them, with ``names`` in both.
    """
    kinds = dict(zip("ab", pattern, strict=False))
    texts = [f"{name}.value_" if kind == "v" else name for name, kind in kinds.items()]
    out = "node.value_"
    rules = dict(zip("ab", (row.first, row.second), strict=True))
    source = _HEAD + "".join(_OPERAND.format(name=name) for name in kinds)
    if read:
        given = dict(zip((*(f"{name}_value" for name in kinds), "out"), (*texts, out), strict=True))
        source += "".join(read.format(value=value, given=text) for value, text in given.items())
        *texts, out = given
    flows = {
        name: _flow(f"rule_{name}", rules[name], out, texts) for name, kind in kinds.items() if kind == "v"
    }
    source += "".join(
        _FLOW.format(name=name, flow=flow) + settle.format(name=name) for name, flow in flows.items()
    )
    source += "".join(_ADD.format(name=name) for name in flows)
    scope: dict[str, Any] = {"m": m, "rule_a": row.first, "rule_b": row.second, **names}
    exec(compile(source, f"{PACKAGE}/<pull of {row.name}>", "exec"), scope)
    pull: Pull = scope["pull"]
    return pull


def _flow(called: str, rule: Any, out: str, operands: list[str]) -> str:
    """The source of local gradient times upstream gradient, as short as the rule allows."""
    if isinstance(rule, float):
        return {1.0: "upstream", -1.0: "-upstream"}.get(rule, f"{rule!r} * upstream")
    bare = {OUT: out, FIRST: operands[0], SECOND: operands[-1]}
    return (
        f"{bare[rule]} * upstream"
        if rule in bare
        else f"{called}(m, {out}, {', '.join(operands)}) * upstream"
    )


def _refuse(node: Any) -> None:
    """A linear map, of arrays or of numbers in their place, is for the general way: see :mod:`tracegrad.reverse`."""
    raise ValueError(node.row_)


def _many(row: Primitive) -> Pull:
    """The backward instruction for operands in a tuple; a new function for each row."""

    if row.vjps is not None:
        return lambda node, upstream: _refuse(node)
    rules: Any = row.rules
    if not rules:
        return lambda node, upstream: None  # an input, where the gradient has arrived

    def pull(node: Any, upstream: Any) -> None:
        kind = type(node)
        values = [arg.value_ if type(arg) is kind else arg for arg in node.a_]
        found = (
            rules(PLAIN, node.value_, *values) if row.variadic else partials(row, PLAIN, node.value_, values)
        )
        # all products before the first sum: one that overflows must leave no adjoint changed
        flows = [
            (arg, local * upstream) for arg, local in zip(node.a_, found, strict=False) if type(arg) is kind
        ]
        for arg, flow in flows:
            total = arg.adjoint_
            arg.adjoint_ = flow if total is None else total + flow

    return pull
