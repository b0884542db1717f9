"""Graphs without the turns of loops in which nothing is new, and what is said of them said of the whole again.

In: a :class:`~tracegrad.graph.Graph`.  Out: :class:`Abridged`, a short graph and its :class:`Cut`; and
:class:`Growth`, which turns a number counted in the short graph into that of the whole.  Read :func:`abridged` first.

A long trace is mostly loops whose turns are all alike: the same operations by the same instructions, in the same calls
or in fresh ones of the same kind, and each operand is either the same value every turn or lies as far back as in the
turn before.  What names and statements depend on (who holds what, where a call is) is settled by the last turns alone
then, so whatever goes by nodes is the same in each turn, and whatever is counted grows by the same number.  So it is
enough to look at some turns: those until nothing is new, one that speaks for the rest (the *template*), those that its
values are still used in, and the last ones, which what follows may use.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from tracegrad.bindings import result_sights, unpacks
from tracegrad.graph import Graph
from tracegrad.primitives import CONST
from tracegrad.provenance import Call, in_package

T = TypeVar("T")

#: turns that an operand may lie back
REACH = 2
#: the turn that speaks for the rest, counted from 0, and the turns kept at the end
TEMPLATE = REACH + 2
LAST = REACH + 2
#: nodes that are worth leaving out; a loop has to be this part of a graph at least
LEAST = 2000
SHARE = 64
#: lengths of a turn that are tried at a place, and nodes of one that is always short enough
_TRIES = 16
_SHORT = 64


class Cut(NamedTuple):
    """Turns of a loop of which the short graph has only some.

    From node ``template`` on, which is node ``short`` of the short graph, there is a turn of ``period`` nodes, and
    ``turns`` more that are as it is.  The short graph has :data:`REACH` of these, then there is the gap, and the last
    of them, whose statements may have begun before it.
    """

    template: int
    short: int
    period: int
    turns: int

    @property
    def lacking(self) -> int:
        """The turns that are left out."""
        return self.turns - REACH - 1

    @property
    def gap(self) -> range:
        """The nodes that are left out."""
        return range(self.stop - self.period * (self.lacking + 1), self.stop - self.period)

    @property
    def at(self) -> int:
        """The node of the short graph behind the gap."""
        return self.short + self.period * (REACH + 1)

    @property
    def first(self) -> int:
        """The first node that goes by the template."""
        return self.template + self.period

    @property
    def stop(self) -> int:
        """The first node that does not go by the template any more."""
        return self.template + self.period * (self.turns + 1)

    @property
    def after(self) -> int:
        """The same in the short graph."""
        return self.at + self.period


class Growth:
    """A counter in the short graph, and what it comes to in the whole one.

    ``marks`` are the numbers that it has counted before each gap, ``steps`` by how much each turn there goes on.
    """

    __slots__ = ("_gains", "_marks", "_steps", "cuts")

    def __init__(self, cuts: Sequence[Cut], marks: Sequence[int], steps: Sequence[int]) -> None:
        self.cuts, self._marks, self._steps = cuts, marks, steps
        self._gains = [0]
        for cut, step in zip(cuts, steps, strict=True):
            self._gains.append(self._gains[-1] + cut.lacking * step)

    def of(self, chosen: Iterable[bool]) -> Growth:
        """The growth of the number of those that are chosen."""
        count = [0, *accumulate(chosen)]
        marks = [count[mark] for mark in self._marks]
        steps = [
            count[mark] - count[mark - step] for mark, step in zip(self._marks, self._steps, strict=True)
        ]
        return Growth(self.cuts, marks, steps)

    def whole(self, number: int) -> int:
        """What has the number in the short graph, counted from 0, has this one in the whole."""
        return number + self._gains[bisect_right(self._marks, number)]

    def ahead(self, cut: int, turns: int) -> int:
        """By how much the counter goes on in so many turns."""
        return turns * self._steps[cut]

    def total(self, number: int) -> int:
        """How many the whole graph has of what the short one has so many."""
        return number + self._gains[-1]

    def repeated(self, rows: list[T]) -> list[T]:
        """Rows of what is counted, those of each gap as in the turn before it."""
        found: list[T] = []
        done = 0
        for cut, mark, step in zip(self.cuts, self._marks, self._steps, strict=True):
            found += rows[done:mark]
            found += rows[mark - step : mark] * cut.lacking
            done = mark
        return found + rows[done:]

    def like(self, total: int) -> Sequence[int]:
        """For each of the whole one that is of the same kind, given how many the short graph has."""
        return list(map(self.whole, self.repeated(list(range(total))))) if self.cuts else range(total)

    def place(self, number: int) -> tuple[int, int, int]:
        """Which number of the short graph speaks for one of the whole: (number, cut, turns from there to here)."""
        for cut in range(len(self.cuts) - 1, -1, -1):
            beyond = number - self._marks[cut] - self._gains[cut]
            if beyond >= self._gains[cut + 1] - self._gains[cut]:
                return number - self._gains[cut + 1], -1, 0
            if beyond >= 0:
                turns, position = divmod(beyond, self._steps[cut])
                return self._marks[cut] - self._steps[cut] + position, cut, turns + 1
        return number, -1, 0

    def before(self, cut: int, number: int) -> int:
        """The same in the turn before."""
        return number - self._steps[cut]


@dataclass(frozen=True, slots=True)
class Abridged:
    """A short graph, and what was cut out of the whole one."""

    graph: Graph
    cuts: tuple[Cut, ...]

    def place(self, index: int) -> tuple[int, int, int]:
        """Which node of the short graph speaks for one of the whole: (node, cut, turns from there to here).

        The cut is -1 for a node that the short graph has itself, and that does not go by a template.
        """
        number = bisect_right(self.cuts, index, key=_first) - 1
        if number < 0:
            return index, -1, 0
        cut = self.cuts[number]
        if index < cut.stop:
            turns, position = divmod(index - cut.template, cut.period)
            return cut.short + position, number, turns
        return index - cut.stop + cut.after, -1, 0

    @property
    def like(self) -> Sequence[int]:
        """For each node of the whole graph one that is of the same kind: that of the template, else itself."""
        found: list[int] = []
        size = len(self.graph) + sum(cut.lacking * cut.period for cut in self.cuts)
        for cut in self.cuts:
            found += range(len(found), cut.first)
            found += list(range(cut.template, cut.first)) * cut.turns
        return [*found, *range(len(found), size)] if self.cuts else range(size)

    def growth(self, column: Sequence[int]) -> Growth:
        """The growth of what is counted up in a column with a number for each node of the short graph."""
        marks = [max(column[: cut.at], default=-1) + 1 for cut in self.cuts]
        before = [max(column[: cut.at - cut.period], default=-1) + 1 for cut in self.cuts]
        return Growth(self.cuts, marks, [mark - one for mark, one in zip(marks, before, strict=True)])

    def whole(self, column: Sequence[int], growth: Growth) -> list[int]:
        """A column of numbers that are counted up, one for each node of the short graph, as one of the whole graph.

        Within a loop a node has the same number in each turn, or one that goes up with the turns.
        """
        found: list[int] = []
        done = 0
        for cut in self.cuts:
            following = cut.short + cut.period
            found.extend(map(growth.whole, column[done:following]))
            block = [0] * (cut.period * cut.turns)
            for position in range(cut.period):
                number = column[cut.short + position]
                step = column[following + position] - number
                begin = growth.whole(number) + step
                block[position :: cut.period] = (
                    range(begin, begin + step * cut.turns, step) if step else [begin] * cut.turns
                )
            found += block
            done = cut.after
        found.extend(map(growth.whole, column[done:]))
        return found


_first: Callable[[Cut], int] = attrgetter("first")


def abridged(graph: Graph) -> Abridged:
    """The graph without the turns of its loops in which nothing is new.

    >>> import tracegrad as tg
    >>> def f(x):
    ...     for _ in range(10_000):
    ...         x = x + 1.0
    ...     return x
    >>> found = abridged(tg.trace(f, 0.5).graph)
    >>> len(found.graph), found.cuts
    (29, (Cut(template=14, short=14, period=2, turns=9989),))
    """
    if len(graph) < LEAST or graph.passes or graph.groups or graph.adjoints:
        return Abridged(graph, ())
    cuts: list[Cut] = []
    lacking = 0
    for start, period, turns in _loops(graph):
        template = start + period * TEMPLATE
        cut = Cut(template, template - lacking, period, turns - TEMPLATE - LAST)
        if _is_left(graph, cut, start + period * turns):
            cuts.append(cut)
            lacking += cut.lacking * period
    return Abridged(_short(graph, cuts), tuple(cuts)) if cuts else Abridged(graph, ())


def outermost(graph: Graph) -> Call | None:
    """The call of the traced function itself."""
    found = None
    walker = next((call for call in graph.calls if call is not None), None)
    while walker is not None:
        if not in_package(walker.code):
            found = walker
        walker = walker.parent
    return found


def _is_left(graph: Graph, cut: Cut, stop: int) -> bool:
    """Whether what follows a loop leaves the values of its turns alone, but for those of the last ones."""
    top, ours = outermost(graph), range(cut.first, cut.stop)
    returned = {path for path, _ in result_sights(top.code)} if top is not None else set()
    if any(output.node in ours and output.path in returned for output in graph.outputs):
        return False
    first, last = cut.first, cut.stop
    return not any(first <= operand < last for operand in graph.operands[graph.starts[stop] :])


def _short(graph: Graph, cuts: Sequence[Cut]) -> Graph:
    """The graph without the turns that the cuts leave out; outputs among them are left out too."""
    short = Graph(names=dict(graph.names))
    starts, operands = [0], array("q")
    gaps: list[range] = []
    done = 0
    for gap in [*(cut.gap for cut in cuts), range(len(graph), len(graph))]:
        kept = slice(done, gap.start)
        short.primitives += graph.primitives[kept]
        short.values += graph.values[kept]
        short.calls += graph.calls[kept]
        short.lastis += graph.lastis[kept]
        edges = graph.operands[graph.starts[done] : graph.starts[gap.start]]
        operands.extend([_moved(edge, gaps) for edge in edges] if gaps else edges)
        back = graph.starts[done] - starts[-1]
        starts.extend([start - back for start in graph.starts[done + 1 : gap.start + 1]])
        gaps.append(gap)
        done = gap.stop
    short.starts, short.operands = array("q", starts), operands
    short.outputs = [
        output if output.node is None else replace(output, node=_moved(output.node, gaps))
        for output in graph.outputs
        if not any(output.node in gap for gap in gaps)
    ]
    return short


def _moved(node: int, gaps: Sequence[range]) -> int:
    """A node of the whole graph as one of the short one; in place of one in a gap, the same of the turns before it."""
    return node - sum(len(gap) for gap in gaps if node >= gap.start)


# ---- loops ------------------------------------------------------------------------------------------


def _loops(graph: Graph) -> Iterator[tuple[int, int, int]]:
    """(first node, nodes of a turn, turns) of the loops whose turns are all alike and that are large enough."""
    size, least = len(graph), max(LEAST, len(graph) // SHARE)
    step = max(1, least // 4)
    inputs = next((node for node, lasti in enumerate(graph.lastis) if lasti >= 0), size)
    index = inputs // step * step
    while index < size - least:
        found = _loop_at(graph, index, least)
        if found is None:
            index += step
        else:
            yield found
            start, period, turns = found
            index = start + period * turns


def _loop_at(graph: Graph, index: int, least: int) -> tuple[int, int, int] | None:
    primitives, lastis, calls = graph.primitives, graph.lastis, graph.calls
    while index < len(graph) and lastis[index] < 0:
        index += 1
    following = index
    for _ in range(_TRIES):
        try:
            following = lastis.index(lastis[index], following + 1, index + max(least // 2, _SHORT))
        except (ValueError, IndexError):
            return None
        period = following - index
        if following + period > len(graph):
            return None
        if primitives[following - 1] is not primitives[following + period - 1] or (
            primitives[index:following] != primitives[following : following + period]
        ):
            continue
        start = next((i for i in range(index, following) if calls[i] is calls[i + period]), None)
        if start is not None:
            start += REACH * period  # what comes before the loop may be an operand of the first turns
            turns = _turns(graph, start, period)
            if turns * period >= least and turns > TEMPLATE + REACH + 1 + LAST:
                return start, period, turns
    return None


def _turns(graph: Graph, start: int, period: int) -> int:
    """How many turns from a node on are alike."""
    if start + 2 * period >= len(graph) or _divides(graph, start, period):
        return 0
    steps = _steps(graph, start, period)
    if steps is None:
        return 0
    alike = min(_alike(graph.primitives, start, period), _alike(graph.lastis, start, period))
    turns = alike // period + 1
    if turns > 2 and _same_calls(graph.calls, start, period, turns):
        return min(turns, _same_operands(graph, start, period, turns, steps))
    return 0


def _steps(graph: Graph, start: int, period: int) -> list[int] | None:
    """By how much each operand goes on from a turn to the next; ``None`` if there can be no more than two alike."""
    first, last = graph.starts[start], graph.starts[start + period]
    found = []
    for begin, following in zip(
        graph.operands[first:last], graph.operands[last : 2 * last - first], strict=False
    ):
        step = following - begin
        if step not in (0, period) or (begin >= start if step == 0 else begin < start - REACH * period):
            return None  # neither the same value every turn nor one that lies as far back, and not too far
        found.append(step)
    return found


def _alike(column: Sequence[Any], start: int, period: int) -> int:
    """How many entries of a column from one on are equal to what stands a period further on."""
    at, size, grows = start, 64, True
    while size:
        stop = at + size
        if stop + period <= len(column) and column[at:stop] == column[at + period : stop + period]:
            at, size = stop, size * (2 if grows else 1)
        else:
            grows = False
        if not grows:
            size //= 2
    return at - start


def _same_operands(graph: Graph, start: int, period: int, turns: int, steps: Sequence[int]) -> int:
    """In how many turns each operand goes on by its step."""
    first, edges = graph.starts[start], len(steps)
    reach = start - REACH * period
    every = array("q", range(reach, start + period * turns))
    for position, step in enumerate(steps, first):
        column = graph.operands[position : first + edges * turns : edges]
        ideal = every[column[0] - reach :: period][:turns] if step else column[:1] * turns
        if column != ideal:
            turns = next(
                turn for turn, pair in enumerate(zip(column, ideal, strict=True)) if pair[0] != pair[1]
            )
            if turns < 2:
                return 0
    return turns


def _same_calls(calls: Sequence[Call | None], start: int, period: int, turns: int) -> bool:
    """Whether the turns run in the same calls, or each in fresh ones of the same kind."""
    stop = start + period * turns
    if calls[start:stop].count(calls[start]) == stop - start:
        return calls[start] is not None
    known: dict[int, list[Any]] = {}
    fresh: list[list[Any]] = []
    for position in range(period):
        column: list[Any] = calls[start + position : stop : period]  # type: ignore[assignment]
        while True:
            one = column[0]
            if one is None:
                return False
            if id(one) in known:
                if known[id(one)] != column:
                    return False
                break
            known[id(one)] = column
            if column.count(one) == turns:
                break
            if (
                None in column
                or len(set(map(_lasti, column))) > 1
                or len(set(map(id, map(_code, column)))) > 1
            ):
                return False
            fresh.append(column)
            column = list(map(_parent, column))
    if not fresh:
        return True
    ours = set().union(*fresh)
    return len(ours) == len(fresh) * turns and ours.isdisjoint(_at_work([*calls[:start], *calls[stop:]]))


def _at_work(calls: Sequence[Call | None]) -> set[Call | None]:
    """Some calls and those around them."""
    found, new = set(), set(calls)
    while new:
        found |= new
        new = {call.parent for call in new if call is not None} - found
    return found


_code, _lasti, _parent = map(attrgetter, ("code", "lasti", "parent"))


def _divides(graph: Graph, start: int, period: int) -> bool:
    """Whether the operations of one instruction (``a, b = w``) lie in two turns."""
    nodes = [node for node in range(start, start + period) if graph.primitives[node] is not CONST]
    if not nodes:
        return False
    first, last = nodes[0], nodes[-1]
    one = graph.calls[first]
    if one is not graph.calls[last] or graph.lastis[first] != graph.lastis[last] or one is None:
        return False
    return graph.primitives[first] is not graph.primitives[last] or unpacks(one.code, graph.lastis[first]) > 0
