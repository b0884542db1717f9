"""A document run again on new inputs, without the function it came from.

In: a whole :class:`~tracegrad.document.Annotated` of numbers, of level ``op``.  Out: the numbers of the result
(:func:`replay`).  Every guard is checked: inputs that would take another path than the recorded one are an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracegrad.document import Annotated, Guard, Node
from tracegrad.errors import GuardFailed, InputError, UnsupportedError
from tracegrad.graph import same
from tracegrad.outline import Outline
from tracegrad.primitives import TABLE, Primitive
from tracegrad.structures import Opaque
from tracegrad.tree import some


def replay(annotated: Annotated, inputs: Mapping[str, Any]) -> Any:
    """The result for other inputs, by their names; what is not given stays as it was.

    A result that is one number is that number, others are a dict by the paths of the outputs.  Raises what the function
    would (``math.log(-1.0)``), and :class:`GuardFailed` where it would take another path.

    >>> import tracegrad as tg
    >>> def f(x, y):
    ...     return x * y if x < y else x
    >>> document = tg.trace(f, 2.0, 3.0).document
    >>> replay(document, {"x": 2.5})
    7.5
    >>> replay(document, {"x": 4.0})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tracegrad.errors.GuardFailed: lt(4.0, 3.0) is False for these inputs but was True when the function was traced...
    """
    outline = Outline(annotated)
    if annotated.note is not None:  # a part, which lacks guards
        raise InputError(f"the whole document can be replayed, not a part of it: {annotated.note}")
    given = _given(outline, inputs)
    values: list[Any] = []
    for index, node in enumerate(outline.nodes):
        if node.kind == "op":
            row = _row(outline, index)
            values.append(
                row.forward(*(values[source] for source in outline.sources(index)), *node.params.values())
            )
        else:
            values.append(given.get(index, _number(node)))
        for guard in outline.guards.get(index, ()):
            _check(guard, outline, values)
    results = {out.path: out.value for out in annotated.outputs} | {
        out.path: values[index] for out, index in outline.outputs
    }
    return results[""] if results.keys() == {""} else results


def _given(outline: Outline, inputs: Mapping[str, Any]) -> dict[int, Any]:
    """The new values of inputs, by node; of the class that the recorded operations were for."""
    nodes = dict(outline.inputs)
    found = {}
    for name, value in inputs.items():
        if name not in nodes:
            raise InputError(f"no input {name!r}; there are: {some(nodes)}")
        recorded = type(_number(outline.nodes[nodes[name]]))
        if type(value) is not recorded and not (type(value) is int and recorded is float):
            raise InputError(
                f"{name} = {value!r}: the function was traced with a number of class {recorded.__name__}"
            )
        found[nodes[name]] = recorded(value)
    return found


def _row(outline: Outline, index: int) -> Primitive:
    node, operands = outline.nodes[index], outline.sources(index)
    row = TABLE.get(node.primitive)
    if row is None:
        raise UnsupportedError(
            f"{node.id} = {node.primitive}: this operation is not among those that can be replayed"
        )
    _number(node)
    if not outline.whole or not (row.variadic or len(operands) == len(row.rules)):  # type: ignore[arg-type]
        raise InputError(f"{node.id} lacks operands: the whole document can be replayed, not a part of it")
    return row


def _number(node: Node) -> Any:
    if type(node.value) not in (int, float):
        raise UnsupportedError(f"{node.id} is an array: documents of numbers can be replayed")
    return node.value


def _check(guard: Guard, outline: Outline, values: list[Any]) -> None:
    row = TABLE.get(guard.operation)
    if row is None or any(isinstance(operand.get("value"), Opaque) for operand in guard.operands):
        raise UnsupportedError(
            f"{guard.id} = {guard.operation}: this guard cannot be checked, so nothing is replayed"
        )
    nodes = iter(outline.guarded(guard))
    args = [values[next(nodes)] if "node" in operand else operand["value"] for operand in guard.operands]
    outcome = row.forward(*args)
    if not same(outcome, guard.outcome):
        where = "" if guard.site is None else f" at {guard.site.file}:{guard.site.line} `{guard.site.text}`"
        raise GuardFailed(
            f"{guard.operation}({', '.join(map(repr, args))}) is {outcome!r} for these inputs but was "
            f"{guard.outcome!r} when the function was traced{where}, so the recorded operations do not apply: call the "
            "function with these inputs"
        )
