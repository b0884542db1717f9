"""Who holds what while a function runs: the operations gone through in the order of time.

In: a graph :class:`~tracegrad.abridge.Abridged`.  Out: :func:`timeline`, the variable that each value was stored in,
and those that were bound to it later.  Read :meth:`Timeline.follow` first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import compress, count, pairwise
from operator import eq
from typing import NamedTuple

from tracegrad.abridge import Abridged, outermost
from tracegrad.bindings import result_sights, unpacks
from tracegrad.passes import adjoint_names, occurrence, pass_of
from tracegrad.primitives import CONST, Primitive
from tracegrad.progress import track
from tracegrad.provenance import Call, in_package
from tracegrad.sightings import Facts, Seen, Stored, facts_of, outwards, own_place

#: functions that take the very values of their arguments, however many there are
_GATES = frozenset({"hypot", "max", "min"})


def timeline(short: Abridged) -> Timeline:
    """The whole way through a graph."""
    try:
        found = Timeline(short)
        found.follow()
    except _Several:
        found = Timeline(short, several=True)
        found.follow()
    found.see_results()
    found.number()
    found.name_adjoints()
    return found


#: of an operation alone in its instruction: the variable of its own call that it is stored in, if that is all, what
#: notes that, and the offsets of it; the position and the variable of its own call that is seen with it, if that is
#: all; all that is seen, and all that it is stored in
_Alone = tuple[
    str | None, Callable[[int], None], tuple[int, int], int, str | None, tuple[Seen, ...], tuple[Stored, ...]
]


class _Frame:
    """A call at work: what its variables hold, and what is known of its instructions (as of all calls of its shape).

    ``meanwhile`` has the offsets between which the value that a variable will be is there, and the variable is still
    the old one.
    """

    __slots__ = ("alone", "holds", "meanwhile", "shape")

    def __init__(self, shape: int, alone: dict[int, _Alone]) -> None:
        self.shape = shape
        self.alone = alone
        self.holds: dict[str, int] = {}
        self.meanwhile: dict[str, tuple[int, int]] = {}


class _Stop(NamedTuple):
    """Nodes that are not followed one by one: those of one instruction, else those of a backward pass."""

    start: int
    stop: int
    group: list[int]


class _Several(Exception):
    """An instruction has made several operations; few functions have such."""


class Timeline:
    """Who holds what, from the first operation to the last; ``several`` may be by one instruction."""

    def __init__(self, short: Abridged, *, several: bool = False) -> None:
        graph = self.graph = short.graph
        self._several = several
        #: what a node is called, unless that is the one variable that its instruction stores in: the variable, and the
        #: how manieth value bound to it this is
        self._names: dict[int, tuple[str, int]] = {node: (name, 1) for node, name in graph.names.items()}
        self.aliases: dict[int, dict[str, int]] = {}
        #: for each variable the nodes at which it was bound, and at that time the how manieth value this was
        self._bound: dict[str, list[int]] = {}
        self._numbers: dict[str, dict[int, int]] = {}
        self._alone_of: dict[Call | None, dict[int, _Alone]] = {}
        for node, name in graph.names.items():
            self._bound.setdefault(name, []).append(node)
        #: the count as it was one turn before each gap and at it
        self.counts: list[dict[str, int]] = []
        self._marks = [mark for cut in short.cuts for mark in (cut.at - cut.period, cut.at)]
        #: the value bound last, where that was one from before
        self._old: dict[str, tuple[int, int]] = {}
        self.top = outermost(graph)
        self._operands = graph.operands.tolist()
        self._facts: dict[tuple[int, int, int], Facts] = {}  # the same for every turn of a loop
        self._alone: dict[int, dict[int, _Alone]] = {}
        self._shape_numbers: dict[tuple[int, int, int], int] = {}
        self._frames: dict[Call | None, _Frame] = {None: _Frame(0, {})}
        self._frame(self.top).holds.update((name, node) for node, name in graph.names.items())

    def follow(self) -> None:
        """Go through the operations, but those of backward passes, one by one.

        Those that one instruction made (``divmod``, ``math.modf``) come together: nobody sees their operands, and each
        result is stored in a variable of its own.
        """
        done = 0
        for start, stop, group in self._stops():
            if start >= done:
                self._follow(done, start)
                if group:
                    self._take(group)
                done = stop
            if start == stop:
                self.counts.append(self._count())
        self._follow(done, len(self.graph))

    def _stops(self) -> list[_Stop]:
        """Where not to go on one by one; at the marks the names are counted."""
        found = [
            _Stop(group[0], group[-1] + 1, group) for group in (self._together() if self._several else ())
        ]
        found += [_Stop(one.start, one.stop, []) for one in self.graph.passes if one.start < one.stop]
        found += [_Stop(mark, mark, []) for mark in self._marks]
        return sorted(found, key=lambda one: (one.start, len(one.group), one.stop))

    def _together(self) -> Iterator[list[int]]:
        """Operations by one instruction, where there are several."""
        calls, lastis, passes = self.graph.calls, self.graph.lastis, pass_of(self.graph)
        nodes = [node for node, lasti in enumerate(lastis) if lasti >= 0]
        places = list(map(lastis.__getitem__, nodes))
        again = map(eq, places, places[1:])
        group: list[int] = []
        for before, node in compress(pairwise(nodes), again):
            call = calls[node]
            if call is None or call is not calls[before] or passes.get(before) != passes.get(node):
                continue
            if not group or group[-1] != before:
                if len(group) > 1:
                    yield group
                group = [before]
            if self._is_sibling(group, node, call):
                group.append(node)
            else:
                if len(group) > 1:
                    yield group
                group = [node]
        if len(group) > 1:
            yield group

    def _is_sibling(self, group: list[int], node: int, call: Call) -> bool:
        """Whether an operation by the same instruction belongs to those before it."""
        graph = self.graph
        if graph.primitives[group[-1]] is not graph.primitives[node]:
            return True
        room = 0 if in_package(call.code) else unpacks(call.code, graph.lastis[node])
        return len(group) < room

    def _check_alone(self, node: int, call: Call | None) -> None:
        """Raise where an operation belongs to the one before it, which is by the same instruction."""
        before = node - 1
        while self.graph.lastis[before] < 0:  # constants of this one
            before -= 1
        if call is not None and self._is_sibling([before], node, call):
            raise _Several

    def _follow(self, start: int, stop: int) -> None:
        """Operations of which each is alone: first they take their operands, then they are stored."""
        graph, part, operands = self.graph, slice(start, stop), self._operands
        primitives, frames = graph.primitives, self._frames
        last_call: Call | None = None
        last_lasti = -1
        frame = self._frame(None)
        alone, holds, meanwhile = frame.alone, frame.holds, frame.meanwhile
        columns = zip(
            range(start, stop), graph.calls[part], graph.lastis[part], graph.starts[part], strict=True
        )
        for node, call, lasti, first in track(columns, "names", stop - start):
            if lasti < 0:  # a constant
                continue
            if call is not last_call:
                last_call, frame = call, frames.get(call) or self._frame(call)
                alone, holds, meanwhile = frame.alone, frame.holds, frame.meanwhile
            elif lasti == last_lasti and not self._several:
                self._check_alone(node, call)
            last_lasti = lasti
            try:
                text, note, offsets, position, variable, seen, stored = alone[lasti]
            except KeyError:
                text, note, offsets, position, variable, seen, stored = self._look(call, lasti)
            if variable is not None:
                operand = operands[first + position]
                if holds.get(variable) != operand and primitives[operand] is not CONST:
                    self.see(node, call, lasti)
                seen = ()
            for position, hops, variable, _ in seen:
                operand = operands[first + position]
                held = self._frame(outwards(call, hops)).holds if hops else holds
                if held.get(variable) != operand and primitives[operand] is not CONST:
                    self.see(node, call, lasti)
                    break
            if text is not None:  # what ``store`` does, in line
                holds[text] = node
                note(node)
                meanwhile[text] = offsets
            elif stored:
                self.store(node, call, stored)

    def _look(self, call: Call | None, lasti: int) -> _Alone:
        """What is known of an instruction that makes one operation."""
        facts = self._known(call, lasti, 1)
        stored = facts.stored[0] if facts.stored else ()
        hops, text, begin, end = stored[0] if len(stored) == 1 else (1, "", 0, 0)
        note = self._bound.setdefault(text, []).append
        position, outside, seen, _ = facts.seen[0] if len(facts.seen) == 1 else (0, 1, "", 0)
        variable = None if outside else seen
        found = None if hops else text, note, (begin, end), position, variable, facts.seen, stored
        self._frame(call).alone[lasti] = found
        # an operation may have fewer operands than the call by which it is made has arguments: none lies behind the end
        size = len(self.graph.operands) + 1 + max((position for position, *_ in facts.seen), default=0)
        self._operands += [-1] * (size - len(self._operands))
        return found

    def _take(self, group: list[int]) -> None:
        """The operations of one instruction."""
        call, lasti = self.graph.calls[group[0]], self.graph.lastis[group[0]]
        for node, stored in zip(group, self._known(call, lasti, len(group)).stored, strict=False):
            self.store(node, call, stored)

    def store(self, node: int, call: Call | None, stored: tuple[Stored, ...]) -> None:
        """An operation is the value of these variables now."""
        for hops, text, start, stop in stored:
            frame = self._frame(outwards(call, hops))
            self.bind(node, frame, text, node, at_once=True)
            frame.meanwhile[text] = start, stop

    def bind(self, node: int, frame: _Frame, text: str, now: int, *, at_once: bool = False) -> None:
        """From now on this variable is this value; now is when the operation with this number is made."""
        frame.holds[text] = node
        bound = self._bound.setdefault(text, [])
        number, latest = self._old.get(text, (0, None))
        if node == (latest if number == len(bound) else bound[-1]):
            return
        bound.append(now)
        if not at_once:
            self._old[text] = len(bound), node
        if at_once and node not in self._names:
            self._names[node] = text, len(bound)
        else:
            self.aliases.setdefault(node, {})[text] = len(bound)

    def see(self, node: int, call: Call | None, lasti: int) -> None:
        """Operands that an operation has taken from variables."""
        graph, facts = self.graph, self._known(call, lasti, 1)
        start = graph.starts[node]
        count = graph.starts[node + 1] - start
        if facts.called is not None and not _takes_arguments(graph.primitives[node], count, facts.called):
            return
        for position, hops, text, offset in facts.seen:
            if position < count:
                operand, frame = graph.operands[start + position], self._frame(outwards(call, hops))
                if frame.holds.get(text) != operand and graph.primitives[operand] is not CONST:
                    since, until = frame.meanwhile.get(text, (0, 0))
                    if not since < offset < until:  # in x, y = y + 1, x + 1 the second x is the old one
                        self.bind(operand, frame, text, node)

    def see_results(self) -> None:
        """What the traced function has returned from variables."""
        if self.top is None:
            return
        nodes = {output.path: output.node for output in self.graph.outputs}
        for path, text in result_sights(self.top.code):
            place = own_place(self.top, text, self.top)
            node = nodes.get(path)
            if place is not None and node is not None:
                frame = self._frame(place[0])
                if frame.holds.get(place[1]) != node:
                    self.bind(node, frame, place[1], len(self.graph))

    def name_adjoints(self) -> None:
        """Call the adjoints after the values whose they are."""
        if self.graph.adjoints:
            called = {
                node: occurrence(*name)
                for node in range(len(self.graph))
                if (name := self.name(node)) is not None
            }
            found = adjoint_names(self.graph, called, Counter(self._count()))
            self._names.update((node, (name, 1)) for node, name in found.items())

    def number(self) -> None:
        """Number the values of each variable; a name is at hand after that."""
        self._numbers = {text: dict(zip(nodes, count(1))) for text, nodes in self._bound.items()}
        self._alone_of = {call: frame.alone for call, frame in self._frames.items()}
        self._frames.clear()  # or the collector goes through all that

    def name(self, node: int) -> tuple[str, int] | None:
        """The variable that a node is called after, and the how manieth value bound to it this is."""
        found = self._names.get(node)
        if found is not None:
            return found
        known = self._alone_of.get(self.graph.calls[node])
        alone = None if known is None else known.get(self.graph.lastis[node])
        if alone is None or alone[0] is None:
            return None
        number = self._numbers[alone[0]].get(node)
        return None if number is None else (alone[0], number)

    def _count(self) -> dict[str, int]:
        """How many values each variable was bound to by now."""
        return {text: len(nodes) for text, nodes in self._bound.items()}

    def _known(self, call: Call | None, lasti: int, siblings: int) -> Facts:
        key = self._frame(call).shape, lasti, siblings
        found = self._facts.get(key)
        if found is None:
            found = self._facts[key] = facts_of(call, lasti, siblings, self.top)
        return found

    def _frame(self, call: Call | None) -> _Frame:
        """The frame of a call; its shape is that of calls of one function from one place in calls of one shape."""
        found = self._frames.get(call)
        around = []
        while found is None:
            around.append(call)
            call = None if call is None else call.parent
            found = self._frames.get(call)
        for one in reversed(around):
            if one is not None:
                key = (id(one.code), one.lasti, found.shape)
                shape = self._shape_numbers.setdefault(key, len(self._shape_numbers) + 1)
                found = self._frames[one] = _Frame(shape, self._alone.setdefault(shape, {}))
        return found


def _takes_arguments(primitive: Primitive, count: int, called: tuple[str, int]) -> bool:
    """Whether the operands are the arguments of the call, one by one.

    They are not those of ``list(map(exp, x))``, which calls ``exp`` too, nor those of ``max(x)``.
    """
    return called == (primitive.name, count) and (
        not primitive.variadic or (primitive.name in _GATES and count > 1)
    )
