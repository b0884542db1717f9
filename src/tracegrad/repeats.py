"""Loops found in what was recorded without them: blocks of units that are alike, one after the other.

In: the :class:`~tracegrad.units.Units` of a program.  Out: the same as a nest: units, and :class:`Repeat` s of them.
Read :class:`Repeat` first, then :class:`_Fit`, which decides.

A block is a turn of a loop if every operand in it plays one *role* in all turns:

- it is made in the same turn, at the same place;
- it is *carried*: made so many turns before, at the same place; in the first turns that is something from before;
- it is the same in all turns;
- it is a literal, perhaps another one in each turn;
- it is an element of an argument, the index of which grows by the same step from turn to turn.

One turn is chosen to speak for all; the roles of its operands are those of all turns, and so its statements, with
loops around them, are the program.  A turn that does not fit, mostly the first or the last, is left outside.  What is
not exactly the same, to the order in which gradients are added, is not folded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tracegrad.document import Guard
from tracegrad.units import ALWAYS, Units, Way

#: how many turns back a turn may reach
_FARTHEST = 4


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
    return tuple(_items(units, 0, len(units.items), unroll, _Around({}, {}, frozenset(), 0)))


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


@dataclass(frozen=True, slots=True)
class _Around:
    """What the loops around a turn say of its operands, and which of its nodes they need.

    ``literals`` that vary there: literal -> the one that stands for its series; ``strides`` there, loop by loop.
    """

    literals: Mapping[int, int]
    strides: Mapping[int, tuple[Any, ...]]
    exposed: frozenset[int]
    depth: int


# ---- candidates ---------------------------------------------------------------------------------------


def _items(units: Units, low: int, high: int, unroll: int, around: _Around) -> Iterator[Item]:
    """The units of a range, with its repeats."""
    taken: list[_Fit] = []
    for start, stop, period in _stretches(units, low, high, unroll):
        for begin, end in list(_free(start, stop, taken)):
            taken += _fits(units, begin, end, period, unroll, around)
    position = low
    for fit in sorted(taken, key=lambda fit: fit.first):
        yield from units.items[position : fit.first]
        yield fit.repeat()
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


def _free(start: int, stop: int, taken: Sequence[_Fit]) -> Iterator[tuple[int, int]]:
    """What is left of a range."""
    for fit in sorted(taken, key=lambda fit: fit.first):
        if fit.end > start and fit.first < stop:
            if fit.first > start:
                yield start, fit.first
            start = fit.end
    if start < stop:
        yield start, stop


def _fits(units: Units, start: int, stop: int, period: int, unroll: int, around: _Around) -> list[_Fit]:
    """The loops in a stretch; where these themselves stand at equal distances, the loop of them."""
    found: list[_Fit] = []
    todo = [(start, stop)]
    while todo:
        begin, end = todo.pop()
        turns = (end - begin) // period
        if turns <= max(unroll, 2):
            continue
        fit = _fit(units, begin, end, period, unroll, around)
        if fit is not None:
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


def _fit(units: Units, start: int, stop: int, period: int, unroll: int, around: _Around) -> _Fit | None:
    """The loop around the middle of a stretch, if there is one."""
    start += _head(units, start, stop, period)
    turns = (stop - start) // period
    if turns <= max(unroll, 2):
        return None
    fit = _Fit(units, start, period, turns, unroll, around)
    return fit if fit.found else None


def _head(units: Units, start: int, stop: int, period: int) -> int:
    """How far into a stretch the block begins, by what stands first in the source."""
    lines = units.lines
    heads = [
        i
        for i in range(start, min(start + period, stop))
        if lines[i] < lines[i - 1 if i > start else i - 1 + period]
    ]
    return min(heads, key=lambda i: (lines[i], i), default=start) - start


# ---- roles --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Made:
    """Made at this place of the block, so many turns back (0: in the same one)."""

    place: int
    back: int


@dataclass(frozen=True, slots=True)
class _Same:
    """The same node in all turns."""

    node: int


@dataclass(frozen=True, slots=True)
class _Literal:
    """A literal, the same in all turns or another one in each."""


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of an argument: the way to it in turn 0, by how much each step grows; ``around``: in loops around."""

    way: Way
    strides: tuple[int, ...]
    around: tuple[Any, ...] | None


_Role: TypeAlias = _Made | _Same | _Literal | _Element


class _Fit:
    """Which turns of a stretch are turns of one loop: from ``begin`` to ``stop``, counted from its start."""

    def __init__(
        self, units: Units, start: int, period: int, turns: int, unroll: int, around: _Around
    ) -> None:
        self.units, self.start, self.period, self.around, self.unroll = units, start, period, around, unroll
        self.outline = units.outline
        middle = (turns - 1) // 2
        self.begin = self.stop = self.at = middle
        #: the node from before the first turn, by place and turns back from there
        self.before: dict[tuple[int, int], int] = {}
        #: literals of the chosen turn that vary, and their values
        self.series: dict[int, tuple[Any, ...]] = {}
        roles = self._roles(middle)
        #: the role of each operand of the block, by place and slot
        self.roles = roles or {}
        #: how many turns back each place is reached
        self.reach: dict[int, int] = {}
        for role in self.roles.values():
            if isinstance(role, _Made) and role.back:
                self.reach[role.place] = max(self.reach.get(role.place, 0), role.back)
        self.farthest = max(self.reach.values(), default=0)
        self.found = roles is not None and self._extend(middle, turns) and self._settle()

    @property
    def first(self) -> int:
        """The position of the first unit."""
        return self._position(self.begin, 0)

    @property
    def end(self) -> int:
        return self._position(self.stop, 0)

    def _position(self, turn: int, place: int) -> int:
        return self.start + turn * self.period + place

    def _operand(self, turn: int, place: int, slot: int) -> int:
        operand = self.units.operands[self._position(turn, place)][slot]
        return self.around.literals.get(operand, operand)

    # ---- what the roles are

    def _roles(self, turn: int) -> dict[tuple[int, int], _Role] | None:
        """The roles as this turn and the next show them."""
        found: dict[tuple[int, int], _Role] = {}
        for place in range(self.period):
            for slot in range(len(self.units.operands[self._position(turn, place)])):
                role = self._role(
                    turn, self._operand(turn, place, slot), self._operand(turn + 1, place, slot)
                )
                if role is None:
                    return None
                found[place, slot] = role
        return found

    def _role(self, turn: int, one: int, next_one: int) -> _Role | None:
        if self._is_literal(one) and self._is_literal(next_one):
            return _Literal()
        if one == next_one:
            return _Same(one)
        at = self.units.at.get(one)
        if at is None:
            return self._element(turn, one, next_one)
        made, place = divmod(at - self.start, self.period)
        moves = self.units.at.get(next_one) == at + self.period
        return _Made(place, turn - made) if moves and turn - made <= _FARTHEST else None

    def _is_literal(self, operand: int) -> bool:
        """Whether an operand is a literal that the loops around leave as it is."""
        return not self.outline.varies(operand) and operand not in self.around.literals

    def _element(self, turn: int, one: int, next_one: int) -> _Element | None:
        here, there = self.units.way(one), self.units.way(next_one)
        if here is None or there is None:
            return None
        strides = _strides(here, there)
        if strides is None:
            return None
        return _Element(_moved(here, strides, -turn), strides, self.around.strides.get(one))

    # ---- how far they hold

    def _extend(self, middle: int, turns: int) -> bool:
        """As many turns before and after the middle as the roles hold in."""
        earliest = self._holds(middle)
        if earliest is None or earliest > middle:
            return False
        while self.begin > earliest:
            found = self._holds(self.begin - 1)
            if found is None or found > self.begin - 1:
                break
            earliest = max(earliest, found)
            self.begin -= 1
        self.stop = middle + 1
        while self.stop < turns:
            found = self._holds(self.stop)
            if found is None or found > self.begin:
                break
            self.stop += 1
        return self._enough()

    def _enough(self) -> bool:
        return self.stop - self.begin > max(self.unroll, 2 * self.farthest)

    def _holds(self, turn: int) -> int | None:
        """The earliest turn with which a loop of this one can begin; ``None`` if it is of no loop."""
        earliest = 0
        for (place, slot), role in self.roles.items():
            operand = self._operand(turn, place, slot)
            if isinstance(role, _Made):
                made = turn - role.back
                if self.units.at.get(operand) != self._position(made, role.place):
                    if not role.back:
                        return None
                    earliest = max(earliest, made + 1)
            elif isinstance(role, _Same):
                if operand != role.node:
                    return None
                earliest = max(earliest, (self.units.at.get(operand, -1) - self.start) // self.period + 1)
            elif isinstance(role, _Literal):
                if not self._is_literal(operand):
                    return None
            elif not self._is_element(role, turn, operand):
                return None
            if self._at_pole(self.units.items[self._position(turn, place)], slot, role):
                return None
        return earliest

    def _is_element(self, role: _Element, turn: int, operand: int) -> bool:
        there = self.units.way(operand) == _moved(role.way, role.strides, turn)
        return there and self.around.strides.get(operand) == role.around

    def _at_pole(self, item: Any, slot: int, role: _Role) -> bool:
        """Whether a local gradient lies at a pole, so that the trace's own stands in its place."""
        wanted = item in self.outline.reached if isinstance(item, int) else False
        return wanted and not isinstance(role, _Literal) and self.outline.at_pole(item, slot)

    # ---- the ends

    def _settle(self) -> bool:
        """Leave out turns at the ends until what comes before and after fits as well."""
        self.begin, self.stop = self._longest_needed_by_itself()
        while self._enough():
            if self._enter_before() and self._adds_in_order():
                return self._choose()
            self.begin += 1
        return False

    def _longest_needed_by_itself(self) -> tuple[int, int]:
        """The longest run of turns of which nothing is needed outside that will not be at hand at its end."""
        runs, begin, limit = [], self.begin, self.stop
        for turn in range(self.begin, self.stop):
            limit = min(limit, self._latest_end(turn))
            if turn + 1 == limit:
                runs.append((begin, limit))
                begin, limit = limit, self.stop
        return max(runs, key=lambda run: run[1] - run[0])

    def _latest_end(self, turn: int) -> int:
        """Where a loop must end, so that what is needed outside of this turn is at hand."""
        latest = self.stop
        for place in range(self.period):
            reach = self.reach.get(place, 0)
            if self._last_use(self._position(turn, place)) >= self._position(turn + reach + 1, 0):
                latest = min(latest, turn + max(reach, 1))
        return latest

    def _last_use(self, position: int) -> int:
        item = self.units.items[position]
        exposed = isinstance(item, int) and item in self.around.exposed
        return ALWAYS if exposed else self.units.last_use[position]

    def _enter_before(self) -> bool:
        """Whether each carried value is one thing in the first turn, made before."""
        self.before.clear()
        for turn in range(self.begin, self.begin + self.farthest):
            for (place, slot), role in self.roles.items():
                if isinstance(role, _Made) and turn - role.back < self.begin:
                    operand = self._operand(turn, place, slot)
                    key = role.place, self.begin - turn + role.back
                    if not self._are_one(self.before.setdefault(key, operand), operand):
                        return False
        return all(self.units.at.get(node, -1) < self.first for node in self.before.values())

    def _are_one(self, node: int, other: int) -> bool:
        """Whether two operands are the same: one node, or equal literals."""
        if node == other or not (self._is_literal(node) and self._is_literal(other)):
            return node == other
        return repr(self.outline.value(node)) == repr(self.outline.value(other))

    def _adds_in_order(self) -> bool:
        """Whether the gradient of what comes before gets its terms in the order of the trace.

        The loop adds up what a carried value returns; only then is the sum added to the gradient of what the value
        was before the first turn.  That is the same if the latter has no other terms up to there, or if the sum has
        one term and that is the last.
        """
        return all(
            self._adds_last(place, back, node)
            for (place, back), node in self.before.items()
            if self.outline.varies(node)
        )

    def _adds_last(self, place: int, back: int, node: int) -> bool:
        own, others = [], []
        for position, slot in self.units.users.get(node, ()):
            item = self.units.items[position]
            if position >= self.first and isinstance(item, int) and item in self.outline.reached:
                turn, at = divmod(position - self.start, self.period)
                role = self.roles.get((at, slot)) if turn < self.stop else None
                mine = isinstance(role, _Made) and role.place == place
                mine = mine and turn - role.back == self.begin - back  # type: ignore[union-attr]
                (own if mine else others).append((position, -slot))
        if self._is_begun(node):
            others.append((ALWAYS, 0))
        return not others or (self.reach[place] == 1 and len(own) == 1 and own[0] < min(others))

    def _is_begun(self, node: int) -> bool:
        """Whether something else than units gives a gradient to a node: the seed, or loops around."""
        return node in self.around.exposed or any(node == index for _, index in self.outline.outputs)

    # ---- the turn that speaks for all

    def _choose(self) -> bool:
        """A turn in whose words the roles can be told apart: one operand has one role."""
        last = min(self.stop - 1, self.stop - self.farthest)
        for self.at in range(self.begin + self.farthest, min(last, self.begin + 2 * _FARTHEST) + 1):
            if self._tells_apart():
                return True
        return False

    def _tells_apart(self) -> bool:
        self.series.clear()
        known: dict[int, Any] = {}
        for (place, slot), role in self.roles.items():
            operand = self._operand(self.at, place, slot)
            said: Any = role
            if isinstance(role, _Literal):
                values = tuple(
                    [
                        self.outline.value(self._operand(turn, place, slot))
                        for turn in range(self.begin, self.stop)
                    ]
                )
                said = tuple(map(repr, values))
                if len(set(said)) > 1:
                    self.series[operand] = values
            if known.setdefault(operand, said) != said:
                return False
        return True

    # ---- the loop

    def repeat(self) -> Repeat:
        """The loop in the words of the chosen turn."""
        items, here = self.units.items, self._position(self.at, 0)
        carried, before = {}, {}
        for (place, back), node in self.before.items():
            stand_in = items[self._position(self.at - back, place)]
            carried[stand_in] = items[here + place], back
            before[stand_in] = node
        after = self._after()
        needed = {items[here + place] for place in self.reach} | set(after.values()) - set(carried)
        if self.at == self.stop - 1:
            needed |= {
                item for at, item in enumerate(items[here : self.end], here) if self._last_use(at) >= self.end
            }
        literals, series = _numbered(self.series)
        strides = {
            self._operand(self.at, place, slot): role.strides
            for (place, slot), role in self.roles.items()
            if isinstance(role, _Element)
        }
        around = self._around_the_body(literals, strides, needed)
        return Repeat(
            turns=self.stop - self.begin,
            at=self.at - self.begin,
            body=tuple(_items(self.units, here, here + self.period, self.unroll, around)),
            carried=carried,
            before=before,
            after=after,
            literals=literals,
            series=series,
            strides=strides,
            exposed=frozenset(needed),
            mixed=frozenset(self._mixed()),
        )

    def _mixed(self) -> Iterator[int]:
        for place in range(self.period):
            turns = [self.units.items[self._position(turn, place)] for turn in range(self.begin, self.stop)]
            made = {back: node for (at, back), node in self.before.items() if at == place}
            if isinstance(turns[0], int) and len(set(map(self._type, [*turns, *made.values()]))) > 1:  # type: ignore[arg-type]
                yield turns[self.at - self.begin]  # type: ignore[misc]
                yield from (turns[self.at - self.begin - back] for back in made)  # type: ignore[misc]
        for (place, slot), role in self.roles.items():
            if isinstance(role, (_Literal, _Element)):
                operands = [self._operand(turn, place, slot) for turn in range(self.begin, self.stop)]
                if len(set(map(self._type, operands))) > 1:
                    yield operands[self.at - self.begin]

    def _type(self, operand: int) -> type:
        return type(self.outline.value(operand))

    def _after(self) -> dict[int, int]:
        """What is needed outside, and as what it is at hand after the last turn."""
        found = {}
        for turn in range(self.stop - max(self.farthest, 1), self.stop):
            for place in range(self.period):
                item = self.units.items[self._position(turn, place)]
                if isinstance(item, int) and self._last_use(self.units.at[item]) >= self.end:
                    back = self.stop - turn
                    stands = self._position(self.at - (back if back > 1 else 0), place)
                    found[item] = self.units.items[stands]
        return {node: stand_in for node, stand_in in found.items() if node != stand_in}

    def _around_the_body(
        self, literals: Mapping[int, int], strides: Mapping[int, tuple[int, ...]], needed: set[int]
    ) -> _Around:
        first = {number: literal for literal, number in reversed(literals.items())}
        above = self.around
        return _Around(
            literals={**above.literals, **{literal: first[number] for literal, number in literals.items()}},
            strides={
                **above.strides,
                **{node: (*above.strides.get(node, ()), (above.depth, one)) for node, one in strides.items()},
            },
            exposed=above.exposed | needed,
            depth=above.depth + 1,
        )


def _numbered(series: Mapping[int, tuple[Any, ...]]) -> tuple[dict[int, int], tuple[tuple[Any, ...], ...]]:
    """The series of each literal by number, equal ones once."""
    known: dict[Any, int] = {}
    literals = {
        code: known.setdefault(tuple(map(repr, values)), len(known)) for code, values in series.items()
    }
    firsts = {number: code for code, number in reversed(literals.items())}
    return literals, tuple(series[firsts[number]] for number in range(len(firsts)))


def _strides(here: Way, there: Way) -> tuple[int, ...] | None:
    """By how much each step grows from one way to another; ``None`` if they differ in more than indices.

    >>> _strides(("w", (("[", 2), ("[", 0))), ("w", (("[", 3), ("[", 0))))
    (1, 0)
    """
    if here[0] != there[0] or len(here[1]) != len(there[1]):
        return None
    found = []
    for (sign, key), (other_sign, other) in zip(here[1], there[1], strict=True):
        if sign == other_sign and type(key) is type(other) is int:
            found.append(other - key)
        elif (sign, key) == (other_sign, other):
            found.append(0)
        else:
            return None
    return tuple(found)


def _moved(way: Way, strides: Sequence[int], turns: int) -> Way:
    """The way some turns later."""
    steps = zip(way[1], strides, strict=True)
    return way[0], tuple((sign, key + stride * turns if stride else key) for (sign, key), stride in steps)
