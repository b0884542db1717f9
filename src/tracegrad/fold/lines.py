"""Level ``line``: loops folded, one node for each statement however often it was executed.

In: :class:`~tracegrad.fold.columns.Columns`.  Out: the folded :class:`~tracegrad.document.Annotated`.  Read
:func:`lines`: statements are contracted to their results first, then equal results become one *line*.

Two results are equal if they come from the same part of the same statement, reached by the same path of calls.
Recursion folds as a loop does: a path that comes back to a call it has made before is the path to that call.  Many
inputs of one container (``w[0]``, ``w[1]`` ...) are one line as well.

A line has the *sum* of the adjoints of its values, which is the derivative of the output by a shift of them all, and
an edge between lines the sum of its flows.  So "adjoint = seeds + flows" holds as it does for each value.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from tracegrad.document import Annotated, Cluster, Edge, Folded, Guard, Input, Node, Output, Spread, Stage
from tracegrad.fold.columns import NONE, Columns, base_name, place
from tracegrad.fold.contract import Contracted, contract, is_number
from tracegrad.fold.groups import dead, flags_by_group, merged, stage_node
from tracegrad.progress import track

#: numbers of one container up to which each is shown by itself
FEW = 4

_INDEX = re.compile(r"\[[^\[\]]*\]")


def lines(columns: Columns) -> Annotated:
    """One node for each part of a statement and path of calls."""
    found = _Lines(contract(columns, columns.stage_of))
    return dataclasses.replace(
        columns.head,
        level="line",
        inputs=found.inputs(),
        outputs=found.outputs(),
        nodes=tuple(found.nodes),
        edges=found.edges(),
        stages=found.stages(),
        clusters=tuple(found.paths.rows),
        guards=found.guards(),
    )


class _Paths:
    """The path of calls that each call ends, as one row for all calls with the same path."""

    def __init__(self, clusters: Sequence[Cluster], like: Sequence[int]) -> None:
        self.rows: list[Cluster] = []
        self.path_of: list[int] = []
        self._parents: list[int] = []
        self._known: dict[Hashable, int] = {}
        number: dict[str, int] = {}
        for index, first in enumerate(like):
            if first < index:
                self.path_of.append(self.path_of[first])
            else:
                row = clusters[index]
                number[row.id] = index
                parent = NONE if row.parent is None else self.path_of[number[row.parent]]
                self.path_of.append(self._path(row, parent))
        counts = Counter(self.path_of)
        self.rows = [dataclasses.replace(row, count=counts[path]) for path, row in enumerate(self.rows)]

    def id(self, path: int) -> str | None:
        return None if path == NONE else self.rows[path].id

    def _path(self, row: Cluster, parent: int) -> int:
        call = base_name(row.name), place(row.site)
        path = self._known.get((parent, call))
        if path is None:
            path = self._known[parent, call] = self._known_above(call, parent)
            if path == len(self.rows):
                self.rows.append(dataclasses.replace(row, name=call[0], parent=self.id(parent)))
                self._parents.append(parent)
        return path

    def _known_above(self, call: Hashable, path: int) -> int:
        """The same call further up (recursion), else the number of a new path."""
        while path != NONE:
            row = self.rows[path]
            if (row.name, place(row.site)) == call:
                return path
            path = self._parents[path]
        return len(self.rows)


class _Lines:
    """The lines of a contracted document, and the rows made of them."""

    def __init__(self, found: Contracted) -> None:
        self.found = found
        self.columns = found.columns
        self.paths = _Paths(found.columns.head.clusters, found.columns.clusters_like)
        self.line_of = [NONE] * len(found.columns)
        self.members: list[list[int]] = []
        self._gather()
        self.flags = self._flags()
        self.nodes = [self._node(line, members) for line, members in enumerate(self.members)]

    def _gather(self) -> None:
        numbers: dict[Hashable, int] = {}
        inputs = self._input_keys()
        line_of, like, values = self.line_of, self.columns.like, self.columns.values
        for index in track(self.found.kept, "lines", len(self.found.kept)):
            line = line_of[like[index]] if type(values[index]) is float else NONE
            if line == NONE:
                line = numbers.setdefault(inputs.get(index) or self._key(index), len(numbers))
                if line == len(self.members):
                    self.members.append([])
            self.members[line].append(index)
            line_of[index] = line

    def _key(self, index: int) -> Hashable:
        if not is_number(self.columns.values[index]):
            return index  # arrays have no spread; each stays by itself
        columns, stage, cluster = self.columns, self.columns.stage_of[index], self.columns.cluster_of[index]
        path = NONE if cluster == NONE else self.paths.path_of[cluster]
        statement = None if stage == NONE else columns.statement(stage)
        return path, columns.kinds[index], statement, columns.part(index)

    def _input_keys(self) -> dict[int, Hashable]:
        patterns = {
            self.columns.index_of(row.node): (row.name, pattern(row.name)) for row in self.columns.head.inputs
        }
        many = _many(shape for _, shape in patterns.values())
        return {
            index: ("input", shape if shape in many else name) for index, (name, shape) in patterns.items()
        }

    def _flags(self) -> dict[int, tuple[str, ...]]:
        by_group, all_flags = flags_by_group(self.found), self.columns.flags()
        flags: dict[int, tuple[str, ...]] = {}
        for index in self.found.kept if all_flags else ():
            line, group = self.line_of[index], self.found.group_of[index]
            own = all_flags.get(index, ()) if group == NONE else by_group.get(group, ())
            if own:
                flags[line] = merged(flags.get(line, ()), own)
        return flags

    # ---- rows

    def _node(self, line: int, members: list[int]) -> Node:
        columns, first = self.columns, members[0]
        row, stage, cluster = columns.node(first), columns.stage_of[first], columns.cluster_of[first]
        if self.found.group_of[first] != NONE and row.kind == "op":
            row = stage_node(row, columns.stage(stage), self.found.results[stage] > 1, ())
        name, label = row.name, row.label
        if row.kind == "input" and len(members) > 1:
            name = label = pattern(row.label)
        alone = len(members) == 1  # as an array always is
        values = [columns.values[index] for index in members]
        adjoints = None if row.kind == "const" else [columns.adjoints[index] for index in members]
        return dataclasses.replace(
            row,
            name=None if name is None else base_name(name),
            label=label,
            value=row.value if alone else values[-1],
            adjoint=row.adjoint if alone else None if adjoints is None else total(adjoints),
            dtype=row.dtype if alone else columns.node(members[-1]).dtype,
            cluster=self.paths.id(NONE if cluster == NONE else self.paths.path_of[cluster]),
            flags=(
                *self.flags.get(line, ()),
                *dead(columns.flags().get(index, ()) for index in members),
            ),
            folded=None
            if alone
            else Folded(
                count=len(members),
                values=spread(values),
                adjoints=None if adjoints is None else spread(adjoints),
            ),
        )

    def edges(self) -> tuple[Edge, ...]:
        """One edge for all uses of one line by another, in the order of their targets and first uses."""
        found = self.found
        uses: dict[int, list[int]] = {}
        many = len(self.members)
        line_of = self.line_of
        for number, (source, target) in enumerate(
            track(zip(found.sources, found.targets, strict=True), "edges", len(found.sources))
        ):
            use = line_of[target] * many + line_of[source]
            if use in uses:
                uses[use].append(number)
            else:
                uses[use] = [number]
        rows: list[Edge] = []
        slots: Counter[int] = Counter()
        for use, numbers in sorted(uses.items(), key=lambda item: item[0] // many):
            target, source = divmod(use, many)
            flows = [found.flows[number] for number in numbers]
            rows.append(
                Edge(
                    id=f"e{len(rows)}",
                    source=self.nodes[source].id,
                    target=self.nodes[target].id,
                    slot=slots[target],
                    partial=found.partials[numbers[0]]
                    if len(self.members[target]) == len(numbers) == 1
                    else None,
                    flow=None if flows[0] is None else total(flows),
                    count=len(numbers),
                )
            )
            slots[target] += 1
        return tuple(rows)

    def stages(self) -> tuple[Stage, ...]:
        """One row for each statement and path of calls: that of its first execution."""
        lines: dict[int, list[Node]] = {}
        for node, members in zip(self.nodes, self.members, strict=True):
            if node.stage is not None:
                lines.setdefault(self.columns.stage_of[members[0]], []).append(node)
        return tuple(
            dataclasses.replace(
                self.columns.stage(number),
                name=lines[number][-1].name,
                nodes=tuple(node.id for node in lines[number]),
                cluster=lines[number][-1].cluster,
            )
            for number in sorted(lines)
        )

    def inputs(self) -> tuple[Input, ...]:
        """One row for each line of inputs."""
        ids = dict.fromkeys(self._line_id(row.node) for row in self.columns.head.inputs)
        names = {node.id: node.label for node in self.nodes}
        return tuple(Input(name=names[id], node=id) for id in ids)

    def outputs(self) -> tuple[Output, ...]:
        """Many outputs of one container that end one line become one, with the sum of their seeds."""
        rows = self.columns.head.outputs
        many = _many(pattern(row.path) for row in rows)
        folded: dict[tuple[str, str | None], list[Output]] = {}
        for row in rows:
            shape = pattern(row.path)
            node = None if row.node is None else self._line_id(row.node)
            folded.setdefault((shape if shape in many else row.path, node), []).append(row)
        return tuple(
            dataclasses.replace(group[-1], path=path, node=node, seed=_seed(group))
            for (path, node), group in folded.items()
        )

    def guards(self) -> tuple[Guard, ...]:
        """The first of those that asked the same at the same place and got the same answer."""
        rows: dict[Hashable, Guard] = {}
        for row in self.columns.head.guards:
            operands = tuple(
                {"node": self._line_id(operand["node"])} if "node" in operand else operand
                for operand in row.operands
            )
            asked = tuple(operand.get("node") for operand in operands)
            key = row.operation, place(row.site), asked, repr(row.outcome)
            rows.setdefault(key, dataclasses.replace(row, operands=operands))
        return tuple(rows.values())

    def _line_id(self, id: str) -> str:
        return self.nodes[self.line_of[self.columns.index_of(id)]].id


# ---- words and numbers ----------------------------------------------------------------------------------


def pattern(path: str) -> str:
    """A path with its indices left open.

    >>> pattern("w[0][12]"), pattern("rate")
    ('w[…][…]', 'rate')
    """
    return _INDEX.sub("[…]", path)


def _seed(rows: Sequence[Output]) -> Any:
    """The seed of outputs taken together."""
    seeds = [row.seed for row in rows if row.seed is not None]
    return total(seeds) if seeds else None


def _many(shapes: Iterable[str]) -> set[str]:
    return {shape for shape, count in Counter(shapes).items() if count > FEW}


def total(numbers: Sequence[Any]) -> Any:
    """The sum, rounded once where that can be; a single number as it is.

    >>> total([1e16, 1.0, -1e16]), total([float("inf"), 1.0])
    (1.0, inf)
    """
    if len(numbers) == 1:
        return numbers[0]
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError, TypeError):  # infinities of both signs, beyond the floats, no floats
        return sum(numbers[1:], numbers[0])


def spread(numbers: Sequence[Any]) -> Spread:
    """First, last, least, greatest and mean.

    >>> spread([1.0, 4.0, 1.0])
    Spread(first=1.0, last=1.0, min=1.0, max=4.0, mean=2.0)
    """
    try:
        mean = total(numbers) / len(numbers)
    except OverflowError:
        mean = sum(numbers) // len(numbers)
    return Spread(first=numbers[0], last=numbers[-1], min=min(numbers), max=max(numbers), mean=mean)
