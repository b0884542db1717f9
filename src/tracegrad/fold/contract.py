"""Contraction: groups of operations become their results, each with its own local gradients.

In: :class:`~tracegrad.fold.columns.Columns` and a group for each node.  Out: :class:`Contracted`, the nodes that
remain and the edges between them.  Read :func:`contract` first, then ``_locals``: the local sweep.

A *result* is an operation whose value leaves its group; a group of which nothing leaves keeps its last operation.
The local gradient of a result by an operand is the chain rule within the group: the products of local gradients
along each way from the operand to the result, added up.  Other results of the group are operands too, so that an
adjoint means at every level what it means for the operation, and every flow is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from numbers import Real
from typing import Any

from tracegrad.fold.columns import NONE, Columns
from tracegrad.progress import track
from tracegrad.reverse import product
from tracegrad.structures import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracted:
    """What remains: ``kept`` nodes in order, and edges by target, then slot.

    ``group_of`` is the group of every node of ``columns``; ``results`` counts those of each group.
    """

    columns: Columns
    group_of: Sequence[int]
    kept: list[int]
    results: dict[int, int]
    sources: list[int]
    targets: list[int]
    partials: list[Any]
    flows: list[Any]


def contract(columns: Columns, group_of: Sequence[int]) -> Contracted:
    """Fold each group to its results; nodes of no group stay, constants of a group go."""
    if not _all_foldable(columns):
        group_of = [group if _foldable(columns, node) else NONE for node, group in enumerate(group_of)]
    leaving = _leaving(columns, group_of)
    found = Contracted(
        columns=columns,
        group_of=group_of,
        kept=[i for i, leaves in enumerate(leaving) if leaves],
        results={},
        sources=[],
        targets=[],
        partials=[],
        flows=[],
    )
    for node in track(found.kept, "local gradients", len(found.kept)):
        if group_of[node] == NONE:
            _keep_edges(found, node)
        else:
            found.results[group_of[node]] = found.results.get(group_of[node], 0) + 1
            _fold_edges(found, node, leaving)
    return found


def _all_foldable(columns: Columns) -> bool:
    """Whether all values and all local gradients along which something flows are Python's own numbers."""
    values, partials = set(map(type, columns.values)), set(map(type, columns.partials))
    if not (values <= {float, int} and partials <= {float, int, type(None)}):
        return False
    return list(columns.partials).count(None) == list(columns.flows).count(None)


def _foldable(columns: Columns, node: int) -> bool:
    """Whether local gradients of a node are numbers; those of an operation on arrays are maps, and it stays."""
    if not is_number(columns.values[node]):
        return False
    for edge in range(columns.starts[node], columns.starts[node + 1]):
        if columns.flows[edge] is not None and not is_number(columns.partials[edge]):
            return False
    return True


def is_number(value: Any) -> bool:
    """Whether a value is a single real number."""
    kind = type(value)
    return kind is float or kind is int or issubclass(kind, Real)


def _leaving(columns: Columns, group_of: Sequence[int]) -> bytearray:
    """Which nodes remain."""
    kinds, starts, sources = columns.kinds, columns.starts, columns.sources
    leaving = bytearray(len(columns))
    for node in columns.outside:
        leaving[node] = 1
    last: dict[int, int] = {}
    first = 0
    for node, (group, kind, stop) in enumerate(zip(group_of, kinds, islice(starts, 1, None), strict=True)):
        if group == NONE or kind == "input":
            leaving[node] = 1
        elif kind == "op":
            last[group] = node
        for source in sources[first:stop]:
            if group_of[source] != group:
                leaving[source] = 1
        first = stop
    for node, group in enumerate(group_of):
        if kinds[node] == "const" and group != NONE:
            leaving[node] = 0
        elif leaving[node]:
            last.pop(group, None)
    for node in last.values():
        leaving[node] = 1
    return leaving


def _keep_edges(found: Contracted, node: int) -> None:
    columns = found.columns
    edges = [
        edge
        for edge in range(columns.starts[node], columns.starts[node + 1])
        if columns.kinds[columns.sources[edge]] != "const" or found.group_of[columns.sources[edge]] == NONE
    ]
    found.sources.extend(columns.sources[edge] for edge in edges)
    found.targets.extend([node] * len(edges))
    found.partials.extend(_data(columns.partials[edge]) for edge in edges)
    found.flows.extend(_data(columns.flows[edge]) for edge in edges)


def _data(value: Any) -> Any:
    """What an edge carries, as data: the columns of a graph hold arrays as they are."""
    return value if value is None or type(value) is str or is_number(value) else quantity(value)


def _fold_edges(found: Contracted, node: int, leaving: bytearray) -> None:
    columns = found.columns
    upstream = columns.adjoints[node]
    first_edge, locals_ = _locals(columns, found.group_of, node, leaving)
    for source in sorted(locals_, key=first_edge.__getitem__):
        partial = locals_[source]
        found.sources.append(source)
        found.targets.append(node)
        found.partials.append(partial)
        found.flows.append(_flow(partial, upstream, columns.flows[first_edge[source]]))


def _flow(partial: Any, upstream: Any, within: Any) -> Any:
    """What returns; from where no gradient has arrived (``within`` is 0) none does, whatever the local gradient."""
    nothing = type(upstream) is float and upstream == 0.0 and type(within) is float and within == 0.0
    return within if nothing else product(partial, upstream)


def _locals(
    columns: Columns, group_of: Sequence[int], result: int, leaving: bytearray
) -> tuple[dict[int, int], dict[int, Any]]:
    """The backward pass of one result within its group: local gradients by operand, and each one's first edge."""
    starts, sources, partials = columns.starts, columns.sources, columns.partials
    group = group_of[result]
    inner: dict[int, Any] = {}
    locals_: dict[int, Any] = {}
    first_edge: dict[int, int] = {}
    waiting = [-result]
    while waiting:
        node = -heappop(waiting)
        upstream = inner.get(node)
        for edge in range(starts[node], starts[node + 1]):
            partial = partials[edge]
            if partial is None:
                continue
            source = sources[edge]
            if upstream is None:
                flow = partial
            else:
                is_plain = type(partial) is float is type(upstream)
                flow = partial * upstream if is_plain else product(partial, upstream)
            if group_of[source] == group and not leaving[source]:
                if source in inner:
                    inner[source] = inner[source] + flow
                else:
                    inner[source] = flow
                    heappush(waiting, -source)
            else:
                locals_[source] = locals_[source] + flow if source in locals_ else flow
                first_edge[source] = min(edge, first_edge.get(source, edge))
    return first_edge, locals_
