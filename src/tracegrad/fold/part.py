"""A part of a document: what leads to a value, what is near it, what carries the largest gradients.

In: an :class:`~tracegrad.document.Annotated` at any level.  Out: a smaller one.  Read :func:`part`.

What is left out is not lost: the flows on edges to uses that are not shown are the ``hidden`` term of a node, so that
its gradient is still the sum of what one sees.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracegrad.document import Annotated, Edge, Node
from tracegrad.errors import InputError
from tracegrad.fold.columns import occurrences, unknown
from tracegrad.fold.lines import total

#: steps around a focus
RADIUS = 2


def part(
    annotated: Annotated,
    *,
    focus: str | None = None,
    radius: int = RADIUS,
    upstream_of: str | None = None,
    downstream_of: str | None = None,
    top: int | None = None,
    hide_zero: bool = False,
    hide_constants: bool = False,
) -> Annotated:
    """Give what passes all the filters; a name is a variable (the last value of it), ``x#2``, an input or an id.

    ``focus`` keeps what is at most ``radius`` edges away, ``upstream_of`` what a value was computed from,
    ``downstream_of`` what was computed from it, ``top`` as many nodes with the largest flows, ``hide_zero`` leaves out
    what has gradient 0 and ``hide_constants`` the constants.

    >>> import tracegrad as tg
    >>> def f(x):
    ...     y = x * x
    ...     z = y + x
    ...     return z
    >>> shown = part(tg.trace(f, 3.0).document, upstream_of="y")
    >>> [(node.name, node.adjoint, node.hidden) for node in shown.nodes]
    [('x', 7.0, 1.0), ('y', 1.0, 1.0)]
    """
    for option, number, least in (("radius", radius, 0), ("top", top, 1)):
        if number is not None and number < least:
            raise InputError(f"{option}={number!r}: there is nothing to show; write {least} or more")
    uses = _neighbours((edge.source, edge.target) for edge in annotated.edges)
    operands = _neighbours((edge.target, edge.source) for edge in annotated.edges)
    kept = {node.id for node in annotated.nodes}
    if focus is not None:
        kept &= _reached(find(annotated, focus).id, (uses, operands), radius)
    if upstream_of is not None:
        kept &= _reached(find(annotated, upstream_of).id, (operands,))
    if downstream_of is not None:
        kept &= _reached(find(annotated, downstream_of).id, (uses,))
    if hide_zero:
        kept -= {node.id for node in annotated.nodes if node.kind != "const" and not _size(node.adjoint)}
    if top is not None:
        kept &= _largest(annotated, kept, top)
    idle = {
        node.id for node in annotated.nodes if node.kind == "const" and kept.isdisjoint(uses.get(node.id, ()))
    }
    if hide_constants:
        idle |= {node.id for node in annotated.nodes if node.kind == "const"}
    kept -= idle
    largest = ", those with the largest flows" if top is not None else ""
    return annotated if len(kept) == len(annotated.nodes) else _shown(annotated, kept, largest)


def find(annotated: Annotated, name: str) -> Node:
    """The node of an exact id or occurrence (``x#2``), else the last one bound to a variable.

    The plain ``x`` is the last one too, as it is for ``t["x"]``.
    """
    exact = [node for node in annotated.nodes if node.id == name]
    found = exact or list(occurrences(annotated.nodes, name).values())
    if found:
        return found[-1]
    raise InputError(f"no variable {name!r} in this document; {unknown(annotated.nodes, name)}")


def _neighbours(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return found


def _reached(start: str, ways: Iterable[Mapping[str, list[str]]], radius: int | None = None) -> set[str]:
    """The nodes that are reached from one, within so many steps."""
    found = front = {start}
    steps = 0
    while front and (radius is None or steps < radius):
        front = {other for node in front for way in ways for other in way.get(node, ())} - found
        found = found | front
        steps += 1
    return found


def _largest(annotated: Annotated, among: set[str], count: int) -> set[str]:
    """The ends of the edges with the largest flows, until there are enough nodes; outputs come first."""
    found = dict.fromkeys(output.node for output in annotated.outputs if output.node in among)
    edges = [
        edge for edge in annotated.edges if _size(edge.flow) and edge.source in among and edge.target in among
    ]
    for edge in sorted(edges, key=_by_size):
        found |= dict.fromkeys((edge.target, edge.source))
        if len(found) >= count:
            break
    constants = {node.id for node in annotated.nodes if node.kind == "const"}
    return {*list(found)[:count], *constants}


def _by_size(edge: Edge) -> float:
    size = _size(edge.flow)
    return float("-inf") if size != size else -size  # nan is what one looks for


def _size(value: Any) -> float:
    """The magnitude of a number, or of the largest one in an array."""
    if value is None:
        return 0.0
    size = abs(value)
    return size.max() if getattr(size, "shape", ()) else size  # type: ignore[no-any-return]


def _shown(annotated: Annotated, kept: set[str], which: str) -> Annotated:
    edges = [edge for edge in annotated.edges if edge.source in kept and edge.target in kept]
    hidden: dict[str, list[Any]] = {}
    for edge in annotated.edges:
        if edge.source in kept and edge.target not in kept and edge.flow is not None:
            hidden.setdefault(edge.source, []).append(edge.flow)
    nodes = [_with_hidden(node, hidden.get(node.id, [])) for node in annotated.nodes if node.id in kept]
    stages = (
        dataclasses.replace(stage, nodes=tuple(id for id in stage.nodes if id in kept))
        for stage in annotated.stages
    )
    return dataclasses.replace(
        annotated,
        inputs=tuple(row for row in annotated.inputs if row.node in kept),
        outputs=tuple(row for row in annotated.outputs if row.node is None or row.node in kept),
        nodes=tuple(nodes),
        edges=tuple(dataclasses.replace(edge, id=f"e{number}") for number, edge in enumerate(edges)),
        stages=tuple(stage for stage in stages if stage.nodes),
        guards=tuple(row for row in annotated.guards if kept.issuperset(_nodes(row.operands))),
        note="; ".join(
            filter(None, (annotated.note, f"{len(nodes):,} of {len(annotated.nodes):,} nodes shown{which}"))
        ),
    )


def _nodes(operands: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (operand["node"] for operand in operands if "node" in operand)


def _with_hidden(node: Node, flows: list[Any]) -> Node:
    if not flows:
        return node
    before = [] if node.hidden is None else [node.hidden]
    return dataclasses.replace(node, hidden=total([*before, *flows]))
