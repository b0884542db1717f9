"""Ranges of nodes: backward passes and what adjoints are called, and the stages that the user has named.

In: a :class:`~tracegrad.graph.Graph`.  Out: :func:`pass_of` and :func:`adjoint_names`; :func:`groups_of`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tracegrad.graph import Graph, Group


def occurrence(text: str, number: int) -> str:
    """The name of the value that a variable was bound to at that time."""
    return text if number == 1 else f"{text}#{number}"


def pass_of(graph: Graph) -> dict[int, int]:
    """The number of the backward pass that a node belongs to, for each that belongs to one."""
    return {index: number for number, one in enumerate(graph.passes) for index in range(one.start, one.stop)}


def groups_of(graph: Graph) -> dict[int, tuple[Group, ...]]:
    """The stages that the user has named around a node, from the outermost in, for each that has some."""
    found: dict[int, tuple[Group, ...]] = {}
    for group in graph.groups:
        for index in range(group.start, group.stop):
            found[index] = (*found.get(index, ()), group)
    return found


def adjoint_names(graph: Graph, names: Mapping[int, str], bound: Counter[str]) -> dict[int, str]:
    """``dx`` for the node that is the adjoint of the value ``x``; of several values, the last one's.

    ``bound`` counts how often each name is in use, and goes on counting: the second ``dx`` is ``dx#2``.
    """
    found: dict[int, str] = {}
    taken = pass_of(graph)
    for value, adjoint in graph.adjoints:
        name = names.get(value) or found.get(value)
        if name is not None and adjoint not in found and adjoint in taken:
            name = f"d{name}"
            bound[name] += 1
            found[adjoint] = occurrence(name, bound[name])
    return found


def adjoints_called(graph: Graph, names: Mapping[int, str], name: str) -> Iterator[int]:
    """The nodes that are the adjoint of a value, where ``name`` is ``d`` and the value's name.

    A value that is just added to another hands its gradient on: one node is then the adjoint of both.
    """
    for value, adjoint in graph.adjoints:
        of = names.get(value)
        if of is not None and name in (f"d{of}", f"d{of.partition('#')[0]}"):
            yield adjoint
