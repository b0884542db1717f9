"""The statement and the call that each operation belongs to.

In: a :class:`~tracegrad.graph.Graph`.  Out: :class:`Places`: a stage and a cluster for each node, as numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from types import CodeType
from typing import NamedTuple

from tracegrad.abridge import Abridged, Growth, abridged
from tracegrad.document import Cluster, Site
from tracegrad.fold.columns import NONE, place
from tracegrad.graph import Graph, Group, Pass
from tracegrad.lazy import LazyRows
from tracegrad.passes import groups_of, occurrence, pass_of
from tracegrad.primitives import CONST, Primitive
from tracegrad.progress import track
from tracegrad.provenance import Call, in_package
from tracegrad.source import INLINE, site, statement, title


class Execution(NamedTuple):
    """What a stage executes: a statement, or what sends the gradient back through one."""

    site: Site
    label: str
    code: CodeType
    #: equal for each execution of the same
    identity: Hashable


#: where a statement begins in its code
_Key = tuple[int | None, int | None]


class _At(NamedTuple):
    """What an instruction belongs to: a statement, its place for comparison, and whether it loops inside of it."""

    execution: Execution
    key: _Key
    looped: bool


class _Clusters:
    """Calls, named stages and backward passes by columns: there may be as many as operations.

    ``numbers`` tells how manieth of its name each is, ``wheres`` where it was opened; a call is its own place.
    """

    __slots__ = ("_count", "kinds", "names", "numbers", "parents", "wheres")

    def __init__(self) -> None:
        self.names: list[str] = []
        self.numbers: list[int] = []
        self.parents: list[int] = []
        self.wheres: list[Site | Call | None] = []
        self.kinds: list[str] = []
        self._count: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def add(self, name: str, parent: int, where: Site | Call | None, kind: str) -> int:
        """Append one and give its number."""
        self._count[name] = number = self._count.get(name, 0) + 1
        self.names.append(name)
        self.numbers.append(number)
        self.parents.append(parent)
        self.wheres.append(where)
        self.kinds.append(kind)
        return len(self.names) - 1


class _Running:
    """A call of the user at work: which statement it is at, since which stage, and where in it."""

    __slots__ = ("at", "call", "cluster", "is_placed", "key", "last", "lasti", "stage")

    def __init__(self, call: Call, at: dict[int, _At]) -> None:
        self.call = call
        self.at = at
        self.cluster: int = NONE
        self.is_placed = False
        self.key: _Key | None = None
        self.lasti = -1
        self.last: Primitive | None = None
        self.stage = NONE


class Places:
    """The stage and the cluster of each node.

    A stage is one execution of a statement in one call, or what sends the gradient back through one.  Within an
    execution instructions go forward, so a step back (outside of comprehensions, which are loops inside of a statement)
    begins the next one, and so does the same operation by the same instruction (``divmod`` is two different ones).
    A constant stands right before the operation that uses it, and belongs to the stage of that.
    """

    def __init__(self, graph: Graph, short: Abridged | None = None) -> None:
        short = abridged(graph) if short is None else short
        self._whole = graph
        self.graph = graph = short.graph
        self.stage_of: list[int] = []
        self.executions: list[Execution] = []
        self._stage_clusters: list[int] = []
        self._clusters = _Clusters()
        self._passes = pass_of(graph)
        self._pass_clusters: dict[int, int] = {}
        self._backward_at: Hashable = None
        self._groups = groups_of(graph)
        self._cluster_numbers: dict[Hashable, int] = {}
        self._cluster_of_call: dict[tuple[Group, ...], dict[Call, int]] = {}
        self._growths: dict[str, Growth] = {}
        self._running: dict[Call, _Running] = {}
        self._resumed: dict[Call | None, tuple[_Running | None, int | None, bool]] = {}
        self._at: dict[int, dict[int, _At]] = {}  # by the identity of code: its hash takes long
        self._sites: dict[tuple[int, int], Site | None] = {}
        self._keys: dict[_Key, _Key] = {}  # each is one object
        self._execute()
        for memory in (self._running, self._resumed, self._cluster_of_call, self._cluster_numbers):
            memory.clear()  # or the collector goes through all that
        self.graph = self._whole
        clusters = [*self._stage_clusters, NONE]  # the last is that of no stage
        self.cluster_of = (
            list(map(clusters.__getitem__, self.stage_of)) if self._clusters else [NONE] * len(self.stage_of)
        )
        self._growth = short.growth(self.cluster_of)
        #: what the stages execute
        self.statements = [at.execution for known in self._at.values() for at in known.values()]
        if short.cuts:
            stages = short.growth(self.stage_of)
            self.stage_of = short.whole(self.stage_of, stages)
            self.cluster_of = short.whole(self.cluster_of, self._growth)
            self.executions = stages.repeated(self.executions)

    def site(self, index: int) -> Site | None:
        """Where the expression of a node stands."""
        call, lasti = self.graph.calls[index], self.graph.lastis[index]
        if call is None or lasti < 0:
            return None
        key = id(call.code), lasti
        if key not in self._sites:
            self._sites[key] = None if in_package(call.code) else site(call.code, lasti)
        return self._sites[key]

    @cached_property
    def members(self) -> list[list[int]]:
        """The nodes of each stage."""
        found: list[list[int]] = [[] for _ in self.executions]
        for index, stage in enumerate(self.stage_of):
            if stage != NONE:
                found[stage].append(index)
        return found

    # ---- stages

    def _execute(self) -> None:
        """Go through the operations, from stage to stage."""
        size = len(self.graph)
        ranges: list[Pass | Group] = [*self.graph.passes, *self.graph.groups]
        bounds = {0, size}.union(*((one.start, one.stop) for one in ranges))
        for start, stop in pairwise(sorted(bounds)):
            if start in self._passes:
                self._go_back(start, stop)
            else:
                self._go_on(start, stop)
        self.stage_of += [NONE] * (size - len(self.stage_of))

    def _columns(self, start: int, stop: int) -> Iterable[tuple[Primitive, Call | None, int]]:
        graph, part = self.graph, slice(start, stop)
        columns = zip(graph.primitives[part], graph.calls[part], graph.lastis[part], strict=True)
        return track(columns, "statements", stop - start)

    def _go_on(self, start: int, stop: int) -> None:
        """Operations that are in the same named stages."""
        stage_of, executions, clusters, resumed = (
            self.stage_of,
            self.executions,
            self._stage_clusters,
            self._resumed,
        )
        constants = start - len(stage_of)  # that wait for the operation which uses them
        last_call: Call | None = None
        running, inside, inline = self._resume(None)
        key: _Key | None = None
        last: Primitive | None = None
        before, stage = -1, NONE
        for primitive, call, now in self._columns(start, stop):
            if primitive is CONST:
                constants += 1
                continue
            if call is not last_call:
                if running is not None:
                    running.key, running.lasti, running.last, running.stage = key, before, last, stage
                last_call = call
                running, inside, inline = resumed.get(call) or self._resume(call)
                if running is not None:
                    key, before, last, stage = running.key, running.lasti, running.last, running.stage
                    at, cluster = running.at, self._cluster_at(running, start)
            if running is None:
                stage_of += [NONE] * (constants + 1)
                constants = 0
                continue
            lasti = now if inside is None else inside
            try:
                execution, its_key, looped = at[lasti]
            except KeyError:
                execution, its_key, looped = self._look(running, lasti)
            free = looped or inline
            if key is not its_key or not (
                lasti > before or free or (lasti == before and primitive is not last)
            ):
                stage, key, before = len(executions), its_key, -1
                executions.append(execution)
                clusters.append(cluster)
            if not free:
                before, last = lasti, primitive
            while constants:
                stage_of.append(stage)
                constants -= 1
            stage_of.append(stage)
        if running is not None:
            running.key, running.lasti, running.last, running.stage = key, before, last, stage

    def _go_back(self, start: int, stop: int) -> None:
        """Operations of a backward pass."""
        for node, (primitive, call, now) in enumerate(self._columns(start, stop), start):
            if primitive is not CONST:
                running, inside, _ = self._resume(call)
                stage = NONE
                if running is not None:
                    at = self._look(running, now if inside is None else inside)
                    stage = self._backward_stage(self._passes[start], running.call, at)
                self.stage_of += [stage] * (node + 1 - len(self.stage_of))

    def _resume(self, call: Call | None) -> tuple[_Running | None, int | None, bool]:
        """The call of the user that is at work in a call; the instruction it is at, unless that is the same call."""
        found = self._resumed.get(call)
        if found is None:
            user, lasti, inline = _statement_call(call, -1)
            if user is None:
                found = None, None, False
            else:
                running = self._running.get(user)
                if running is None:
                    running = self._running[user] = _Running(user, self._at.setdefault(id(user.code), {}))
                found = running, None if user is call else lasti, inline
            self._resumed[call] = found
        return found

    def _look(self, running: _Running, lasti: int) -> _At:
        """What an instruction belongs to, asked of the source once."""
        at = running.at.get(lasti)
        if at is None:
            found = statement(running.call.code, lasti)
            identity = place(found.site) or _label(found.site), False
            execution = Execution(found.site, _label(found.site), running.call.code, identity)
            key = self._keys.setdefault(found.key, found.key)
            at = running.at[lasti] = _At(execution, key, found.looped)
        return at

    def _backward_stage(self, number: int, call: Call, at: _At) -> int:
        """A stage for each statement that a backward pass goes through, in a cluster for the pass."""
        if number not in self._pass_clusters:
            one = self.graph.passes[number]
            asked, _, _ = _statement_call(one.call, one.lasti)
            parent = NONE if asked is None else self._cluster(asked, one.start)
            where = site(one.call.code, one.lasti) if one.call and not in_package(one.call.code) else None
            self._pass_clusters[number] = self._clusters.add("backward", parent, where, "backward")
        key = (number, call, at.key)
        if key != self._backward_at:
            self._backward_at = key
            label = f"backward of {at.execution.label}"
            identity = place(at.execution.site) or label, True
            execution = at.execution._replace(label=label, identity=identity)
            self._new_stage(execution, self._pass_clusters[number])
        return len(self.executions) - 1

    def _new_stage(self, execution: Execution, cluster: int) -> int:
        self.executions.append(execution)
        self._stage_clusters.append(cluster)
        return len(self.executions) - 1

    # ---- clusters

    def clusters(self) -> LazyRows[Cluster]:
        """The calls, named stages and backward passes, in the order they were met."""
        return LazyRows(self._growth.total(len(self._clusters)), self._cluster_row)

    @property
    def clusters_like(self) -> Sequence[int]:
        """For each cluster one that is a call from the same place in the same calls."""
        return self._growth.like(len(self._clusters))

    def _cluster_row(self, number: int) -> Cluster:
        place, cut, turns = self._growth.place(number)
        every = self._clusters
        name, count, parent = every.names[place], every.numbers[place], every.parents[place]
        if self._growth.cuts:
            growth = self._named(name)
            count = growth.whole(count - 1) + 1 + growth.ahead(cut, turns)
            if parent != NONE:
                step = parent - every.parents[self._growth.before(cut, place)] if turns else 0
                parent = self._growth.whole(parent) + turns * step
        where = every.wheres[place]
        return Cluster(
            id=f"c{number}",
            name=occurrence(name, count),
            parent=None if parent == NONE else f"c{parent}",
            site=_called_at(where) if isinstance(where, Call) else where,
            kind=every.kinds[place],
        )

    def _cluster_at(self, running: _Running, index: int) -> int:
        """The cluster of what a call makes; named stages may begin and end during that."""
        if self._groups or not running.is_placed:
            running.cluster, running.is_placed = self._cluster(running.call, index), True
        return running.cluster

    def _cluster(self, call: Call, index: int) -> int:
        """The cluster of a node made in a call, made with those around it when first met.

        The traced function itself has none; a stage that the user has named lies inside of the call it was opened in.
        """
        around = self._groups.get(index, ())
        known = self._cluster_of_call.setdefault(around, {})
        path: list[tuple[Call, Call | None]] = []
        walker: Call | None = call
        while walker is not None and walker not in known:
            parent = _user_parent(walker)
            path.append((walker, parent))
            walker = parent
        for one, parent in reversed(path):
            known[one] = self._innermost(one, parent, around, NONE if parent is None else known[parent])
        return known[call]

    def _innermost(self, call: Call, parent: Call | None, around: tuple[Group, ...], cluster: int) -> int:
        """The cluster of what a call makes itself, given that of the call it was made in."""
        if parent is not None and not any(group.code is call.code for group in around):
            cluster = self._cluster_number((call, cluster), title(call.code), cluster, call)
        for group in around:
            if group.call is call:
                cluster = self._cluster_number(group, group.name, cluster, _opened_at(group, call), "stage")
        return cluster

    def _cluster_number(
        self, key: Hashable, name: str, parent: int, where: Site | Call | None, kind: str = "call"
    ) -> int:
        if key not in self._cluster_numbers:
            self._cluster_numbers[key] = self._clusters.add(name, parent, where, kind)
        return self._cluster_numbers[key]

    def _named(self, name: str) -> Growth:
        """The growth of the number of calls of a function."""
        if name not in self._growths:
            self._growths[name] = self._growth.of(one == name for one in self._clusters.names)
        return self._growths[name]


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
