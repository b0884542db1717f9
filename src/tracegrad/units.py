"""What a program does, one thing after the other: operations and guards as columns, alike ones with equal keys.

In: an :class:`~tracegrad.outline.Outline`.  Out: :class:`Units`, in which :mod:`tracegrad.repeats` looks for loops.

Two units are alike if they come from the same place of the source, by the same path of calls, and do the same.  What
they are done *to* is not in the key: that is for the search to compare.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

from tracegrad.document import Guard, Site
from tracegrad.fold.columns import NONE, base_name, place
from tracegrad.naming import steps_of
from tracegrad.outline import Outline

#: a use by the result, or by something of which only that it comes later is known
ALWAYS = 1 << 60

#: a parameter, and the steps from there
Way: TypeAlias = tuple[str, tuple[tuple[str, Any], ...]]


class Units:
    """The live operations and the guards in order.

    ``items`` are numbers of nodes, or guards; ``operands`` theirs, and ``keys`` numbers that are equal for what is
    alike.  ``at`` is the position of a node, ``last_use`` by position that of the last unit that needs it, ``users``
    by operand the positions and slots that need it.
    """

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.items: list[int | Guard] = list(outline.guards[-1])
        for index in sorted(outline.live):
            if outline.kinds[index] == "op":
                self.items.append(index)
            self.items.extend(outline.guards.get(index, ()))
        self.at = {item: position for position, item in enumerate(self.items) if isinstance(item, int)}
        self.operands = [
            [*outline.sources(item), *outline.positions(item)]
            if isinstance(item, int)
            else outline.asked(item)
            for item in self.items
        ]
        self.users: dict[int, list[tuple[int, int]]] = {}
        self.last_use = [0] * len(self.items)
        self._enter_uses()
        self._paths: dict[str | None, tuple[int, tuple[int, ...]]] = {None: (0, ())}
        self._enter_paths()
        known: dict[Hashable, int] = {}
        self.keys = [known.setdefault(self._key(item), len(known)) for item in self.items]
        self._ways: dict[int, Way | None] = {}
        #: values that loops found so far leave in a list: node -> the way to it
        self.lists: dict[int, Way] = {}
        self._names = {index: name for name, index in outline.inputs}

    def _enter_uses(self) -> None:
        for position, operands in enumerate(self.operands):
            for slot, operand in enumerate(operands):
                self.users.setdefault(operand, []).append((position, slot))
                if operand in self.at:
                    self.last_use[self.at[operand]] = position
        for _, index in self.outline.outputs:
            if index in self.at:
                self.last_use[self.at[index]] = ALWAYS

    def _enter_paths(self) -> None:
        """Number and lines of the path of calls that each call ends; equal paths have equal numbers."""
        numbers: dict[Hashable, int] = {}
        for cluster in self.outline.annotated.clusters:
            parent, above = self._paths[cluster.parent]
            number = numbers.setdefault(
                (parent, base_name(cluster.name), place(cluster.site)), len(numbers) + 1
            )
            self._paths[cluster.id] = number, (*above, *_line(cluster.site))

    def _key(self, item: int | Guard) -> Hashable:
        if isinstance(item, Guard):
            return "guard", item.operation, repr(item.outcome), place(item.site), len(item.operands)
        outline = self.outline
        return (
            outline.operation(item),
            len(outline.sources(item)),
            outline.place(item),
            self._path(item)[0],
            item in outline.reached,
        )

    def _path(self, index: int) -> tuple[int, tuple[int, ...]]:
        """Number and lines of the path of calls of a node."""
        at = self.outline.columns.cluster_of[index]
        return self._paths[None if at == NONE else self.outline.annotated.clusters[at].id]

    def lines(self, position: int) -> tuple[int, ...]:
        """Where in the source a unit stands: the lines of the calls before its own."""
        item = self.items[position]
        if isinstance(item, Guard):
            calls = [
                self._path(index)[1]
                for index in self.outline.guarded(item)
                if _same_function(self.outline.nodes[index].site, item.site)
            ]
            return (*(calls[-1] if calls else ()), *_line(item.site))
        stage = self.outline.stage(item)
        line = _line(self.outline.nodes[item].site if stage is None else stage[1].site)
        return (*self._path(item)[1], *line)

    def way(self, index: int) -> Way | None:
        """The way to an input that lies in an argument, or to a value that a loop leaves in a list."""
        if index in self.lists:
            return self.lists[index]
        if index not in self._ways:
            name = self._names.get(index)
            found = None if name is None else steps_of(name)
            self._ways[index] = None if found is None else (found[0], tuple(found[1]))
        return self._ways[index]


def _line(site: Site | None) -> tuple[int, ...]:
    return () if site is None or site.line is None else (site.line,)


def _same_function(site: Site | None, other: Site | None) -> bool:
    return site is not None and other is not None and site.function == other.function
