"""The columns that a fold reads: a document, or a graph with its backward pass, as flat sequences.

In: an :class:`~tracegrad.document.Annotated` (:func:`columns_of`), or the columns of a graph, which
:mod:`tracegrad.annotate` hands over without making a row of each node.  Out: :class:`Columns`.

A fold of a million operations shows some dozen nodes; therefore a row is made only when it is asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from tracegrad.document import Annotated, Node, Site, Stage
from tracegrad.graph import Graph
from tracegrad.lazy import LazyRows

#: no stage, no cluster
NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """An op-level document by columns; nodes, stages and clusters are numbered from 0, ``-1`` is none.

    The edges into node *i* are ``starts[i]`` to ``starts[i + 1]`` of ``sources``, ``partials`` and ``flows``.
    ``head`` is the document without nodes, edges and stages; ``node`` and ``stage`` make a row when asked, and
    ``nodes`` some of them, ``stages`` is how many there are.  ``flags`` gives those of flagged nodes.  ``part`` says
    which part of the source made a node, equal for all executions of it, and ``statement`` the same of a stage.
    ``index_of`` gives the number of an id.  ``like`` and ``clusters_like`` have for each node and cluster an earlier
    one that is known to be of the same part and path of calls, else itself.  ``graph`` is the one that the columns are
    those of, where it is at hand.
    """

    head: Annotated
    kinds: Sequence[str]
    values: Sequence[Any]
    adjoints: Sequence[Any]
    starts: Sequence[int]
    sources: Sequence[int]
    partials: Sequence[Any]
    flows: Sequence[Any]
    stage_of: Sequence[int]
    stages: int
    cluster_of: Sequence[int]
    flags: Callable[[], Mapping[int, tuple[str, ...]]]
    node: Callable[[int], Node]
    nodes: Callable[[Iterable[int]], Iterator[Node]]
    part: Callable[[int], Hashable]
    stage: Callable[[int], Stage]
    statement: Callable[[int], Hashable]
    index_of: Callable[[str], int]
    like: Sequence[int]
    clusters_like: Sequence[int]
    graph: Graph | None = None

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def outside(self) -> set[int]:
        """The nodes that the document itself refers to: outputs, and what guards were asked of."""
        ids = [output.node for output in self.head.outputs]
        ids += [operand.get("node") for guard in self.head.guards for operand in guard.operands]
        return {self.index_of(id) for id in ids if id is not None}


def base_name(name: str) -> str:
    """A name without its occurrence.

    >>> base_name("guess#12"), base_name("w[0]")
    ('guess', 'w[0]')
    """
    head, sign, count = name.rpartition("#")
    return head if sign and count.isdecimal() else name


def occurrences(nodes: Sequence[Node], name: str) -> dict[int, Node]:
    """The values that a variable was bound to, by number and in order: ``x``, ``x#2``, ``x#3``."""
    found = {
        1 if base_name(one) == one else int(one.rpartition("#")[2]): node
        for node in nodes
        for one in (node.name, *node.aliases)
        if one is not None and (one == name or base_name(one) == name)
    }
    return dict(sorted(found.items()))


def known_names(nodes: Sequence[Node]) -> list[str]:
    """The variables that have values."""
    every = (one for node in nodes for one in (node.name, *node.aliases) if one is not None)
    return list(dict.fromkeys(map(base_name, every)))


#: names that an error lists
_MOST_NAMES = 30


def unknown(nodes: Sequence[Node], name: str) -> str:
    """What to say of a variable that is not there: those it may have been meant to be, else those there are."""
    known = known_names(nodes)
    near = get_close_matches(name, known)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return f"there are: {', '.join(known[:_MOST_NAMES])}{', …' * (len(known) > _MOST_NAMES)}"


def part(name: str | None, site: Site | None, primitive: str) -> Hashable:
    """Which part of a statement makes a value: the variable it is stored in, else the expression."""
    return (primitive, place(site)) if name is None else base_name(name)


def place(site: Site | None) -> Hashable:
    """Where something stands, for comparison; ``None`` where that is not known."""
    if site is None or site.line is None:
        return None
    return site.file, site.line, site.column, site.end_line, site.end_column


def columns_at_hand(annotated: Annotated) -> Columns | None:
    """The columns that the rows of a document are made from, if they are; their values may be arrays."""
    rows = (annotated.nodes, annotated.edges, annotated.stages)
    first, *others = (one.origin if isinstance(one, LazyRows) else None for one in rows)
    if not isinstance(first, Columns) or any(one is not first for one in others):
        return None
    return dataclasses.replace(first, head=dataclasses.replace(annotated, nodes=(), edges=(), stages=()))


def columns_of(annotated: Annotated) -> Columns:
    """The columns of a document at level ``op``."""
    nodes, edges, stages = annotated.nodes, annotated.edges, annotated.stages
    index = {node.id: position for position, node in enumerate(nodes)}
    stage = {row.id: position for position, row in enumerate(stages)}
    cluster = {row.id: position for position, row in enumerate(annotated.clusters)}
    edges = tuple(sorted(edges, key=lambda edge: (index[edge.target], edge.slot)))
    starts = [0] * (len(nodes) + 1)
    for edge in edges:
        starts[index[edge.target] + 1] += 1
    for position in range(len(nodes)):
        starts[position + 1] += starts[position]
    flags = {position: node.flags for position, node in enumerate(nodes) if node.flags}
    return Columns(
        head=dataclasses.replace(annotated, nodes=(), edges=(), stages=()),
        kinds=[node.kind for node in nodes],
        values=[node.value for node in nodes],
        adjoints=[node.adjoint for node in nodes],
        starts=starts,
        sources=[index[edge.source] for edge in edges],
        partials=[edge.partial for edge in edges],
        flows=[edge.flow for edge in edges],
        stage_of=[NONE if node.stage is None else stage[node.stage] for node in nodes],
        stages=len(stages),
        cluster_of=[NONE if node.cluster is None else cluster[node.cluster] for node in nodes],
        flags=lambda: flags,
        node=nodes.__getitem__,
        nodes=partial(map, nodes.__getitem__),
        part=lambda position: part(nodes[position].name, nodes[position].site, nodes[position].primitive),
        stage=stages.__getitem__,
        statement=lambda position: place(stages[position].site) or stages[position].label,
        index_of=index.__getitem__,
        like=range(len(nodes)),
        clusters_like=range(len(annotated.clusters)),
    )
