"""Levels ``stage`` and ``call``: which operations are one node, and how that node is called.

In: :class:`~tracegrad.fold.columns.Columns`.  Out: the folded :class:`~tracegrad.document.Annotated`.  Read
:func:`stages` and :func:`calls`; both contract groups and differ only in what a group is.

A node of a folded document keeps the id of the operation whose value it has, so that ``n12`` is the same value at
every level.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

from tracegrad.document import Annotated, Cluster, Edge, Node, Stage
from tracegrad.errors import InputError
from tracegrad.flaws import FLAGS
from tracegrad.fold.columns import NONE, Columns, base_name
from tracegrad.fold.contract import Contracted, contract
from tracegrad.quick_rows import changer, maker

DEAD = FLAGS["dead"]

_edge = maker(Edge)
_changed = changer(Node, "primitive", "params", "label", "site", "flags")
_with_nodes = changer(Stage, "nodes")


def stages(columns: Columns) -> Annotated:
    """One node for each result of each statement that was executed."""
    return _rows(contract(columns, columns.stage_of), "stage", frozenset())


def calls(columns: Columns, depth: int = 0, expand: Collection[str] = ()) -> Annotated:
    """One node for each call of a function; within those that stay open, one for each statement.

    Calls nested deeper than ``depth`` are closed, except those of functions named in ``expand`` that stand in an open
    one.
    """
    closed = _closed(columns.head.clusters, depth, expand)
    offset = len(closed)  # groups are calls, then stages
    group_of = [
        closed[cluster]
        if cluster != NONE and closed[cluster] != NONE
        else NONE
        if stage == NONE
        else offset + stage
        for cluster, stage in zip(columns.cluster_of, columns.stage_of, strict=True)
    ]
    found = _rows(contract(columns, group_of), "call", frozenset(closed) - {NONE})
    return dataclasses.replace(found, clusters=_open(found, closed))


def _open(found: Annotated, closed: Sequence[int]) -> tuple[Cluster, ...]:
    """The calls that stay: the open ones, and those around an operation on arrays, which stays by itself."""
    kept = {row.id for row, outermost in zip(found.clusters, closed, strict=True) if outermost == NONE}
    kept |= {node.cluster for node in found.nodes if node.cluster is not None}
    for row in reversed(found.clusters):  # a call stands behind the one around it
        if row.id in kept and row.parent is not None:
            kept.add(row.parent)
    return tuple(row for row in found.clusters if row.id in kept)


def _closed(clusters: Sequence[Cluster], depth: int, expand: Collection[str]) -> list[int]:
    """For each call the outermost closed call that it is a part of."""
    names = {name for row in clusters for name in _names(row)}
    for name in expand:
        if name not in names:
            there = ", ".join(sorted(names)) or "none"
            raise InputError(f"expand: no function {name!r} was called; there are: {there}")
    number = {row.id: index for index, row in enumerate(clusters)}
    closed: list[int] = []
    depths: list[int] = []
    for index, row in enumerate(clusters):
        parent = None if row.parent is None else number[row.parent]
        depths.append(1 if parent is None else depths[parent] + 1)
        if parent is not None and closed[parent] != NONE:
            closed.append(closed[parent])
        else:
            is_open = depths[index] <= depth or not _names(row).isdisjoint(expand)
            closed.append(NONE if is_open else index)
    return closed


def _names(call: Cluster) -> frozenset[str]:
    """What the function of a call is known by; ``__call__`` is also that of any class."""
    name = base_name(call.name)
    return frozenset((name, name.rpartition(".")[2]))


def _rows(found: Contracted, level: str, closed: Collection[int]) -> Annotated:
    """The document of what remains; the groups ``closed`` are calls, the others stages."""
    columns = found.columns
    flags = flags_by_group(found)
    members: dict[int, list[str]] = {}
    stages: dict[int, Stage] = {}
    nodes = []
    for index, row in zip(found.kept, columns.nodes(found.kept), strict=True):
        group, stage = found.group_of[index], columns.stage_of[index]
        if group in closed:
            row = _call_node(row, columns.head.clusters[group], flags.get(group, ()))
        elif stage != NONE and row.stage is not None:
            if stage not in stages:
                stages[stage], members[stage] = columns.stage(stage), []
            members[stage].append(row.id)
            if group != NONE and row.kind == "op":
                row = stage_node(row, stages[stage], found.results[group] > 1, flags.get(group, ()))
        nodes.append(row)
    return dataclasses.replace(
        columns.head,
        level=level,
        nodes=tuple(nodes),
        edges=_edges(found, [node.id for node in nodes]),
        stages=tuple([_with_nodes(stages[stage], tuple(members[stage])) for stage in sorted(members)]),
    )


def flags_by_group(found: Contracted) -> dict[int, tuple[str, ...]]:
    """The flags of all members of each group; but a statement is not dead because a part of it is."""
    flags: dict[int, tuple[str, ...]] = {}
    for node, own in found.columns.flags().items():
        group = found.group_of[node]
        flags[group] = merged(flags.get(group, ()), own)
    return flags


def merged(flags: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """The flags of two nodes that become one; ``dead`` is left to :func:`dead`."""
    return tuple(dict.fromkeys(flag for flag in (*flags, *more) if flag != DEAD))


def dead(rows: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The flag of a node for several that are all dead."""
    return (DEAD,) if all(DEAD in flags for flags in rows) else ()


def stage_node(row: Node, stage: Stage, several: bool, flags: tuple[str, ...]) -> Node:
    """A result as the statement that gives it; one of several as its own part of the statement."""
    label = stage.label
    if several and row.site is not None and row.site.text:
        text = " ".join(row.site.text.split())
        label = text if row.name is None else f"{base_name(row.name)} = {text}"
    site = row.site if several else stage.site
    if DEAD in row.flags:
        flags = (*flags, DEAD)
    return _changed(row, "stage", {}, label, site, flags)


def _call_node(row: Node, cluster: Cluster, flags: tuple[str, ...]) -> Node:
    name = base_name(cluster.name)
    label = f"{name}(...){cluster.name.removeprefix(name)}"
    return dataclasses.replace(
        row, primitive="call", params={}, label=label, site=cluster.site, stage=None, cluster=cluster.parent,
        flags=(*flags, *dead([row.flags])),
    )  # fmt: skip


def _edges(found: Contracted, ids: Sequence[str]) -> tuple[Edge, ...]:
    """The edges of what remains; slots count the operands of each node."""
    id_of = dict(zip(found.kept, ids, strict=True))
    rows: list[Edge] = []
    last, slot = NONE, 0
    for number, (source, target, partial, flow) in enumerate(
        zip(found.sources, found.targets, found.partials, found.flows, strict=True)
    ):
        slot = slot + 1 if target == last else 0
        last = target
        rows.append(_edge(f"e{number}", id_of[source], id_of[target], slot, partial, flow, 1))
    return tuple(rows)
