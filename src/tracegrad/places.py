"""The statement and the call that each operation belongs to.

In: a :class:`~tracegrad.graph.Graph`.  Out: :class:`Places`: a stage and a cluster for each node, as numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from types import CodeType
from typing import Any

from tracegrad.document import Cluster, Site
from tracegrad.fold.columns import NONE, place
from tracegrad.graph import Graph, Group
from tracegrad.passes import groups_of, pass_of
from tracegrad.primitives import CONST, INPUT, Primitive
from tracegrad.provenance import Call, in_package
from tracegrad.source import INLINE, site, statement

_BEFORE: tuple[int, Primitive | None] = (-1, None)


class Places:
    """The stage and the cluster of each node.

    A stage is one execution of a statement in one call, or what sends the gradient back through one.  Within an
    execution instructions go forward, so a step back (outside of comprehensions, which are loops inside of a statement)
    begins the next one, and so does the same operation by the same instruction (``divmod`` is two different ones).
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.stage_of = [NONE] * len(graph)
        self.cluster_of = [NONE] * len(graph)
        self.members: list[list[int]] = []
        self.sites: list[Site] = []
        self.labels: list[str] = []
        self.stage_clusters: list[int] = []
        self.clusters: list[Cluster] = []
        self.spans: dict[tuple[str, Site], CodeType] = {}
        self._statements: dict[tuple[Call | None, int], tuple[Call | None, int, bool]] = {}
        self._passes = pass_of(graph)
        self._pass_clusters: dict[int, int] = {}
        self._backward_at: Any = None
        self._groups = groups_of(graph)
        self._cluster_numbers: dict[Any, int] = {}
        self._cluster_of_call: dict[tuple[Call, tuple[Group, ...]], int] = {}
        self._cluster_names: Counter[str] = Counter()
        self._running: dict[Call, tuple[Any, tuple[int, Primitive | None], int]] = {}
        for index, primitive in enumerate(graph.primitives):
            if primitive not in (INPUT, CONST):
                self._place(index)

    def site(self, index: int) -> Site | None:
        """Where the expression of a node stands."""
        call = self.graph.calls[index]
        if call is None or self.graph.lastis[index] < 0 or in_package(call.code):
            return None
        return site(call.code, self.graph.lastis[index])

    def statement(self, stage: int) -> Hashable:
        """The statement of a stage, equal for each of its executions."""
        where = self.sites[stage]
        kind = self.labels[stage] != _label(where)  # backward through a statement is another one
        return (place(where) or self.labels[stage], kind)

    def _place(self, index: int) -> None:
        where = self.graph.calls[index], self.graph.lastis[index]
        found = self._statements.get(where)
        if found is None:
            found = self._statements[where] = _statement_call(*where)
        call, lasti, inline = found
        if call is None:
            return
        if index in self._passes:
            stage = self._backward_stage(self._passes[index], call, lasti)
        else:
            cluster = self._cluster(call, index)
            stage = self._stage(call, (lasti, self.graph.primitives[index]), inline, cluster)
        constants = [node for node in self.graph.operands_of(index) if self.graph.primitives[node] is CONST]
        for node in (*constants, index):
            self.stage_of[node] = stage
            self.members[stage].append(node)
            self.cluster_of[node] = self.stage_clusters[stage]

    # ---- stages

    def _stage(self, call: Call, now: tuple[int, Primitive], inline: bool, cluster: int) -> int:
        found = statement(call.code, now[0])
        free = inline or found.looped
        key, last, number = self._running.get(call, (None, _BEFORE, -1))
        if key != found.key or (not free and (now[0] < last[0] or now == last)):
            number = self._new_stage(found.site, cluster, call.code, _label(found.site))
            last = _BEFORE
        self._running[call] = (found.key, last if free else now, number)
        return number

    def _backward_stage(self, number: int, call: Call, lasti: int) -> int:
        """A stage for each statement that a backward pass goes through, in a cluster for the pass."""
        if number not in self._pass_clusters:
            one = self.graph.passes[number]
            asked, _, _ = _statement_call(one.call, one.lasti)
            parent = NONE if asked is None else self._cluster(asked, one.start)
            where = site(one.call.code, one.lasti) if one.call and not in_package(one.call.code) else None
            self._pass_clusters[number] = self._new_cluster("backward", parent, where, "backward")
        found = statement(call.code, lasti)
        key = (number, call, found.key)
        if key != self._backward_at:
            self._backward_at = key
            label = f"backward of {_label(found.site)}"
            self._new_stage(found.site, self._pass_clusters[number], call.code, label)
        return len(self.members) - 1

    def _new_stage(self, where: Site, cluster: int, code: CodeType, label: str) -> int:
        self.members.append([])
        self.sites.append(where)
        self.labels.append(label)
        self.stage_clusters.append(cluster)
        self.spans[code.co_filename, where] = code
        return len(self.members) - 1

    # ---- clusters

    def _cluster(self, call: Call, index: int) -> int:
        """The cluster of a node made in a call, made with those around it when first met.

        The traced function itself has none; a stage that the user has named lies inside of the call it was opened in.
        """
        around = self._groups.get(index, ())
        known = (call, around)
        if known not in self._cluster_of_call:
            self._cluster_of_call[known] = self._innermost(call, around)
        return self._cluster_of_call[known]

    def _innermost(self, call: Call, around: tuple[Group, ...]) -> int:
        parent = NONE
        for one in reversed(_user_calls(call)):
            is_stage = any(group.code is one.code for group in around)
            if _user_parent(one) is not None and not is_stage:
                parent = self._cluster_number((one, parent), one.code.co_name, parent, _called_at(one))
            for group in around:
                if group.call is one:
                    parent = self._cluster_number(group, group.name, parent, _opened_at(group, one), "stage")
        return parent

    def _cluster_number(
        self, key: Any, name: str, parent: int, where: Site | None, kind: str = "call"
    ) -> int:
        if key not in self._cluster_numbers:
            self._cluster_numbers[key] = self._new_cluster(name, parent, where, kind)
        return self._cluster_numbers[key]

    def _new_cluster(self, name: str, parent: int, where: Site | None, kind: str) -> int:
        self._cluster_names[name] += 1
        count = self._cluster_names[name]
        number = len(self.clusters)
        self.clusters.append(
            Cluster(
                id=f"c{number}",
                name=name if count == 1 else f"{name}#{count}",
                parent=None if parent == NONE else f"c{parent}",
                site=where,
                kind=kind,
            )
        )
        return number


def _label(where: Site) -> str:
    return f"line {where.line}" if where.text is None else " ".join(where.text.split())


def _opened_at(group: Group, call: Call) -> Site:
    """Where a named stage begins: at the head of its ``with``, or where the function that is one was called."""
    if group.code is None:
        return statement(call.code, group.lasti).site
    return site(call.code, group.lasti)


def _called_at(call: Call) -> Site | None:
    """Where a call was made."""
    parent = call.parent
    return None if parent is None or in_package(parent.code) else site(parent.code, call.lasti)


def _user_calls(call: Call) -> list[Call]:
    """A call of the user and those around it, outwards."""
    found = []
    walker: Call | None = call
    while walker is not None:
        found.append(walker)
        walker = _user_parent(walker)
    return found


def _statement_call(call: Call | None, lasti: int) -> tuple[Call | None, int, bool]:
    """The call of the user whose statement is at work, its instruction, and whether that loops inside of itself."""
    inline = False
    walker = call
    while walker is not None and (walker.code.co_name in INLINE or in_package(walker.code)):
        inline = inline or walker.code.co_name in INLINE
        lasti = walker.lasti
        walker = walker.parent
    return walker, lasti, inline


def _user_parent(call: Call) -> Call | None:
    return _statement_call(call.parent, call.lasti)[0]
