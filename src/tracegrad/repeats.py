"""Loops found in what was recorded without them: blocks of units that are alike, one after the other.

In: the :class:`~tracegrad.units.Units` of a program.  Out: the same as a nest: units, and :class:`Repeat` s of them.
Read :class:`Repeat` first, then :func:`_fits` and :func:`_repeat`.

Blocks that are alike are turns of a loop if :mod:`tracegrad.turns` says so.  One turn is chosen to speak for all; the
roles of its operands are those of all turns, and so its statements, with loops around them, are the program.  A turn
that does not fit, mostly the first or the last, is left outside; what is not exactly the same is not folded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tracegrad.document import Guard
from tracegrad.outline import identity
from tracegrad.turns import Around, Element, Literal, Turns
from tracegrad.units import Units


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeat:
    """A block of units that is done ``turns`` times, in the words of one of the turns.

    ``body``      the units of that turn, number ``at``, with repeats in it
    ``carried``   what it has from earlier turns: node -> (the node of its own in whose place it stands, turns back)
    ``before``    what stands there in the first turn: node -> node from before
    ``after``     what is needed of the last turns: node -> the node of ``body`` or ``carried`` that is it at the end
    ``literals``  literals of the body that vary: literal -> number of its series
    ``series``    the values of such literals, turn by turn
    ``strides``   elements of arguments: input -> by how much each of its indices grows
    ``exposed``   nodes of the body that later turns, or what comes after, need
    ``mixed``     operands that are a float in some turns and a whole number in others
    ``listed``    nodes of the body that what comes after needs of all turns: node -> those of the turns, in order
    """

    turns: int
    at: int
    body: tuple[Item, ...]
    carried: Mapping[int, tuple[int, int]]
    before: Mapping[int, int]
    after: Mapping[int, int]
    literals: Mapping[int, int]
    series: tuple[tuple[Any, ...], ...]
    strides: Mapping[int, tuple[int, ...]]
    exposed: frozenset[int]
    mixed: frozenset[int]
    listed: Mapping[int, tuple[int, ...]]

    def reach(self, node: int) -> int:
        """How many turns back a node of the body is carried."""
        return max((back for own, back in self.carried.values() if own == node), default=0)

    def carries(self, node: int, back: int) -> int:
        """What stands for a node of the body so many turns back; 0: itself."""
        return next((entry for entry, made in self.carried.items() if made == (node, back)), node)


Item: TypeAlias = int | Guard | Repeat


def nest(units: Units, unroll: int) -> tuple[Item, ...]:
    """The units with what is repeated more than ``unroll`` times folded.

    >>> import tracegrad as tg
    >>> from tracegrad.outline import Outline
    >>> def f(x):
    ...     y = x
    ...     for _ in range(100):
    ...         y = y * 0.5 + 1.0
    ...     return y
    >>> (loop,) = nest(Units(Outline(tg.trace(f, 2.0).document)), 4)
    >>> loop.turns, len(loop.body)
    (100, 2)
    """
    return tuple(_items(units, 0, len(units.items), unroll, Around({}, {}, frozenset(), 0)))


def inside(items: Sequence[Item]) -> Iterator[int | Guard]:
    """The units of a nest, each once."""
    for item in items:
        if isinstance(item, Repeat):
            yield from inside(item.body)
        else:
            yield item


def repeats(items: Sequence[Item]) -> Iterator[Repeat]:
    """The loops of a nest, the outer ones first."""
    for item in items:
        if isinstance(item, Repeat):
            yield item
            yield from repeats(item.body)


# ---- candidates ---------------------------------------------------------------------------------------


def _items(units: Units, low: int, high: int, unroll: int, around: Around) -> Iterator[Item]:
    """The units of a range, with its repeats."""
    taken: list[Turns] = []
    stretches = _stretches(units, low, high, unroll)
    while True:
        known = len(units.lists)
        for start, stop, period in stretches:
            for begin, end in list(_free(start, stop, taken)):
                taken += _fits(units, begin, end, period, unroll, around)
        if around.depth or len(units.lists) == known:
            break
    position = low
    for fit in sorted(taken, key=lambda fit: fit.first):
        yield from units.items[position : fit.first]
        yield _repeat(fit)
        position = fit.end
    yield from units.items[position:high]


def _stretches(units: Units, low: int, high: int, unroll: int) -> list[tuple[int, int, int]]:
    """Ranges in which keys come again after a period, the longest first."""
    places: dict[int, list[int]] = defaultdict(list)
    for position in range(low, high):
        places[units.keys[position]].append(position)
    ends: dict[int, int] = {}  # period -> end of the last stretch of it
    found = []
    for first, period in sorted(run for positions in places.values() for run in _runs(positions, unroll)):
        if first >= ends.get(period, 0):
            start, stop = _stretch(units.keys, first, period, low, high)
            ends[period] = stop
            found.append((start, stop, period))
    return sorted(found, key=lambda one: (one[0] - one[1], one[2]))


def _runs(positions: Sequence[int], unroll: int) -> Iterator[tuple[int, int]]:
    """First position and gap of each run of more than ``unroll`` positions at equal gaps."""
    begin = 0
    for i in range(1, len(positions)):
        gap = positions[i] - positions[i - 1]
        if i + 1 == len(positions) or positions[i + 1] - positions[i] != gap:
            if i - begin >= unroll:
                yield positions[begin], gap
            begin = i


def _stretch(keys: Sequence[int], first: int, period: int, low: int, high: int) -> tuple[int, int]:
    start, stop = first, first + period
    while start > low and keys[start - 1] == keys[start - 1 + period]:
        start -= 1
    while stop < high and keys[stop] == keys[stop - period]:
        stop += 1
    return start, stop


def _free(start: int, stop: int, taken: Sequence[Turns]) -> Iterator[tuple[int, int]]:
    """What is left of a range."""
    for fit in sorted(taken, key=lambda fit: fit.first):
        if fit.end > start and fit.first < stop:
            if fit.first > start:
                yield start, fit.first
            start = fit.end
    if start < stop:
        yield start, stop


def _fits(units: Units, start: int, stop: int, period: int, unroll: int, around: Around) -> list[Turns]:
    """The loops in a stretch; where these themselves stand at equal distances, the loop of them."""
    found: list[Turns] = []
    todo = [(start, stop)]
    while todo:
        begin, end = todo.pop()
        turns = (end - begin) // period
        if turns <= max(unroll, 2):
            continue
        fit = _fit(units, begin, end, period, unroll, around)
        if fit is not None:
            _keep_lists(units, fit)
            found.append(fit)
            todo += [(begin, fit.first), (fit.end, end)]
        else:
            middle = begin + turns // 2 * period
            todo += [(begin, middle), (middle, end)]
    found.sort(key=lambda fit: fit.first)
    for first, distance in _runs([fit.first for fit in found], unroll):
        outer = _fit(units, first, stop, distance, unroll, around)
        if outer is not None:
            found = [fit for fit in found if fit.end <= outer.first or fit.first >= outer.end]
            return sorted([*found, outer], key=lambda fit: fit.first)
    return found


def _fit(units: Units, start: int, stop: int, period: int, unroll: int, around: Around) -> Turns | None:
    """The loop around the middle of a stretch, if there is one."""
    start += _head(units, start, stop, period)
    turns = (stop - start) // period
    if turns <= max(unroll, 2):
        return None
    fit = Turns(units, start, period, turns, unroll, around)
    if not around.depth and fit.cut:
        listing = Turns(units, start, period, turns, unroll, around, listing=True)
        longer = listing.found and listing.listed
        if longer and not (fit.found and fit.stop - fit.begin >= listing.stop - listing.begin):
            reps = {listing.node(listing.at, place) for place in listing.listed}
            if reps.issubset(item for item in _repeat(listing).body if isinstance(item, int)):
                return listing
    return fit if fit.found else None


def _keep_lists(units: Units, fit: Turns) -> None:
    """Note the way to each value of which a loop leaves all in a list."""
    for place in fit.listed:
        nodes = [fit.node(turn, place) for turn in range(fit.begin, fit.stop)]
        units.lists.update((node, (f"@{nodes[0]}", (("[", i),))) for i, node in enumerate(nodes))


def _head(units: Units, start: int, stop: int, period: int) -> int:
    """How far into a stretch the block begins, by what stands first in the source."""
    lines = {i: units.lines(i) for i in range(start, min(start + period, stop))}
    lines[start - 1] = lines[start + period - 1]
    heads = [i for i in range(start, start + period) if lines[i] < lines[i - 1]]
    return min(heads, key=lambda i: (lines[i], i), default=start) - start


# ---- the words of one turn ----------------------------------------------------------------------------


def _repeat(turns: Turns) -> Repeat:
    """The loop in the words of the chosen turn."""
    here = turns.position(turns.at, 0)
    carried, before = {}, {}
    for (place, back), node in turns.before.items():
        stand_in = turns.node(turns.at - back, place)
        carried[stand_in] = turns.node(turns.at, place), back
        before[stand_in] = node
    after = _after(turns)
    literals, series = _numbered(turns.series)
    strides = {
        turns.operand(turns.at, place, slot): role.strides
        for (place, slot), role in turns.roles.items()
        if isinstance(role, Element)
    }
    exposed = frozenset(
        {turns.node(turns.at, place) for place in turns.reach} | set(after.values()) - set(carried)
    )
    around = _around_the_body(turns.around, literals, strides, exposed)
    return Repeat(
        turns=turns.stop - turns.begin,
        at=turns.at - turns.begin,
        body=tuple(_items(turns.units, here, here + turns.period, turns.unroll, around)),
        carried=carried,
        before=before,
        after={node: stand_in for node, stand_in in after.items() if node != stand_in},
        literals=literals,
        series=series,
        strides=strides,
        exposed=exposed,
        mixed=frozenset(_mixed(turns)),
        listed={
            turns.node(turns.at, place): tuple(
                turns.node(turn, place) for turn in range(turns.begin, turns.stop)
            )
            for place in sorted(turns.listed)
        },
    )


def _after(turns: Turns) -> dict[int, int]:
    """What is needed outside, and as what it is at hand after the last turn."""
    found = {}
    for turn in range(turns.stop - max(turns.farthest, 1), turns.stop):
        for place in range(turns.period):
            if place not in turns.listed and turns.last_use(turns.position(turn, place)) >= turns.end:
                back = turns.stop - turn
                found[turns.node(turn, place)] = turns.node(turns.at - (back if back > 1 else 0), place)
    return found


def _mixed(turns: Turns) -> Iterator[int]:
    """What is a float in some turns only: made in the block, carried, or from outside."""
    outline, all_turns = turns.outline, range(turns.begin, turns.stop)
    for place in range(turns.period):
        if isinstance(turns.units.items[turns.position(turns.at, place)], int):
            before = {back: node for (at, back), node in turns.before.items() if at == place}
            nodes = [*(turns.node(turn, place) for turn in all_turns), *before.values()]
            if len({type(outline.value(node)) for node in nodes}) > 1:
                yield from (turns.node(turns.at - back, place) for back in (0, *before))
    for (place, slot), role in turns.roles.items():
        if isinstance(role, (Literal, Element)):
            operands = [turns.operand(turn, place, slot) for turn in all_turns]
            if len({type(outline.value(operand)) for operand in operands}) > 1:
                yield turns.operand(turns.at, place, slot)


def _around_the_body(
    above: Around,
    literals: Mapping[int, int],
    strides: Mapping[int, tuple[int, ...]],
    exposed: frozenset[int],
) -> Around:
    first = {number: literal for literal, number in reversed(list(literals.items()))}
    return Around(
        literals={**above.literals, **{literal: first[number] for literal, number in literals.items()}},
        strides={
            **above.strides,
            **{node: (*above.strides.get(node, ()), (above.depth, one)) for node, one in strides.items()},
        },
        exposed=above.exposed | exposed,
        depth=above.depth + 1,
    )


def _numbered(series: Mapping[int, tuple[Any, ...]]) -> tuple[dict[int, int], tuple[tuple[Any, ...], ...]]:
    """The series of each literal by number, equal ones once."""
    known: dict[Any, int] = {}
    literals = {
        code: known.setdefault(tuple(map(identity, values)), len(known)) for code, values in series.items()
    }
    firsts = {number: code for code, number in reversed(list(literals.items()))}
    return literals, tuple(series[firsts[number]] for number in range(len(firsts)))
