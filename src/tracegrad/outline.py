"""Look-ups in a document of operations, for those who write code or equations from it.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: :class:`Outline`: nodes by number, the operands,
uses and guards of each, which of them anything depends on, and which a gradient returns through.

The literals that guards compare with are numbered on from the nodes, so that "operand" means one thing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from tracegrad.document import Annotated, Edge, Guard, Node, Stage
from tracegrad.errors import InputError, UnsupportedError
from tracegrad.ieee import lift, plain
from tracegrad.primitives import PLAIN, TABLE, Primitive, partials


class Outline:
    """A document, asked by number of node."""

    def __init__(self, annotated: Annotated) -> None:
        if annotated.level != "op":
            raise InputError(
                f"source is written from a document of level 'op', and this is {annotated.level!r}"
            )
        self.annotated = annotated
        self.nodes = tuple(annotated.nodes)  # each is looked at again and again
        self._index = {node.id: index for index, node in enumerate(self.nodes)}
        self.edges: dict[int, list[Edge]] = defaultdict(list)
        self._sources: dict[int, list[int]] = defaultdict(list)
        for edge in annotated.edges:
            target = self._index[edge.target]
            self.edges[target].append(edge)
            self._sources[target].append(self._index[edge.source])
        self._literals: list[Any] = []
        self._asked = {guard.id: self._codes(guard) for guard in annotated.guards}
        #: guards by the last node that they need; -1 where they need none
        self.guards: dict[int, list[Guard]] = defaultdict(list)
        for guard in annotated.guards:
            self.guards[max(self.guarded(guard), default=-1)].append(guard)
        #: the outputs that depend on an input, with their nodes
        self.outputs = [(o, self._index[o.node]) for o in annotated.outputs if o.node is not None]
        self.inputs = [(row.name, self._index[row.node]) for row in annotated.inputs]
        self.live = self._above([index for _, index in self.outputs] + self._all_guarded())
        self._stages = {stage.id: (number, stage) for number, stage in enumerate(annotated.stages, 1)}
        self._clusters = {cluster.id: cluster for cluster in annotated.clusters}
        self._ends = {self.nodes[index].stage: index for index in sorted(self.live)}

    def sources(self, index: int) -> list[int]:
        """The operands of a node, slot by slot."""
        return self._sources.get(index, [])

    def varies(self, index: int) -> bool:
        return index < len(self.nodes) and self.nodes[index].kind != "const"

    def asked(self, guard: Guard) -> list[int]:
        """The operands of a guard, literals among them."""
        return self._asked[guard.id]

    def guarded(self, guard: Guard) -> list[int]:
        """The nodes among the operands of a guard."""
        return [index for index in self._asked[guard.id] if index < len(self.nodes)]

    def value(self, index: int) -> Any:
        """The recorded value of a node or literal."""
        return self.nodes[index].value if index < len(self.nodes) else self._literals[index - len(self.nodes)]

    def _codes(self, guard: Guard) -> list[int]:
        found = []
        for operand in guard.operands:
            if "node" in operand:
                found.append(self._index[operand["node"]])
            else:
                found.append(len(self.nodes) + len(self._literals))
                self._literals.append(operand["value"])
        return found

    @cached_property
    def reached(self) -> set[int]:
        """The operations that a gradient returns through."""
        found = {index for _, index in self.outputs}
        for index in range(len(self.nodes) - 1, -1, -1):
            if index in found:
                found.update(filter(self.varies, self.sources(index)))
        return {index for index in found if self.nodes[index].kind == "op"}

    def _all_guarded(self) -> list[int]:
        return [index for guard in self.annotated.guards for index in self.guarded(guard)]

    def _above(self, nodes: list[int]) -> set[int]:
        """These nodes and all that they are computed from."""
        todo, found = list(nodes), set(nodes)
        while todo:
            for source in self.sources(todo.pop()):
                if source not in found:
                    found.add(source)
                    todo.append(source)
        return found

    @cached_property
    def used_once(self) -> set[int]:
        """The values with one use among what anything depends on: in their own statement, by an output or a guard."""
        uses = Counter(index for _, index in self.outputs) + Counter(self._all_guarded())
        abroad = set()
        for index in self.live:
            for source in self.sources(index):
                uses[source] += 1
                if self.nodes[source].stage != self.nodes[index].stage:
                    abroad.add(source)
        return {index for index, count in uses.items() if count == 1} - abroad

    def stage(self, index: int) -> tuple[int, Stage] | None:
        """The stage of a node and its number, from 1."""
        return self._stages.get(self.nodes[index].stage or "")

    def show_only(self, operations: set[int]) -> None:
        """Number only the stages of these operations, unless they are all that anything depends on."""
        hidden = {index for index in self.live - operations if self.nodes[index].kind == "op"}
        if hidden:
            shown = {self.nodes[index].stage for index in operations}
            stages = [stage for stage in self.annotated.stages if stage.id in shown]
            self._stages = {stage.id: (number, stage) for number, stage in enumerate(stages, 1)}

    def completes(self, index: int) -> bool:
        """Whether a node is the last of its stage."""
        return self.nodes[index].stage is not None and self._ends.get(self.nodes[index].stage) == index

    def last_of_stage(self, index: int) -> int:
        found = self.stage(index)
        return index if found is None or not found[1].nodes else self._index[found[1].nodes[-1]]

    def function(self, index: int) -> str | None:
        """The function of the user that was called where a node was made; of the traced one itself, none."""
        cluster = self._clusters.get(self.nodes[index].cluster or "")
        return None if cluster is None else cluster.name.partition("#")[0]

    def row(self, index: int) -> Primitive:
        """The primitive of a node."""
        return row_of_node(self.nodes[index], self.edges[index])

    def values(self, index: int) -> list[Any]:
        """The recorded operands of a node."""
        return [self.nodes[source].value for source in self.sources(index)]

    def at_pole(self, index: int, slot: int) -> bool:
        """Whether Python's arithmetic raises at a local gradient, where the interpreter goes on with inf or nan."""
        node, row = self.nodes[index], self.row(index)
        try:
            if row.variadic:
                local = partials(row, PLAIN, node.value, self.values(index))[slot]
            else:
                rule = row.rules[slot]  # type: ignore[index]
                arguments = (node.value, *self.values(index), *node.params.values())
                local = rule(PLAIN, *arguments) if callable(rule) else rule
            local * (node.adjoint or 0.0)
        except (ArithmeticError, ValueError):
            return True
        return False

    def local_gradient(self, index: int, slot: int) -> float:
        """The recorded one."""
        return float(plain(lift(self.edges[index][slot].partial)))


def row_of(operation: str) -> Primitive:
    """The row of an operation that can be written in Python."""
    row = TABLE.get(operation)
    if row is None or not row.python:
        raise UnsupportedError(
            f"{operation} has no spelling in plain Python, so that no source can be written; use the functions of math"
        )
    return row


def row_of_node(node: Node, edges: Sequence[Edge]) -> Primitive:
    """The row of a node, which must be a number and have all its operands."""
    if node.shape:
        raise UnsupportedError(
            "source is written for functions of numbers, and this one computes with arrays"
        )
    row = row_of(node.primitive)
    if not all(isinstance(value, (int, float)) for value in node.params.values()):
        raise InputError(f"{node.id}: its static data {dict(node.params)!r} are no numbers")
    whole = [edge.slot for edge in edges] == list(range(len(edges)))
    if not whole or not (row.variadic or len(edges) == len(row.rules)):  # type: ignore[arg-type]
        raise InputError(
            f"{node.id} lacks operands: source is written from the whole document, not from a part of it"
        )
    return row
