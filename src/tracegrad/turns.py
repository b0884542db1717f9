"""Which of some blocks that are alike are the turns of one loop.

In: :class:`~tracegrad.units.Units`, and a stretch of blocks with equal keys.  Out: :class:`Turns`.  Read it first; the
roles before it say what it compares.

Every operand of a block plays one role in all turns:

- it is made in the same turn, at the same place;
- it is *carried*: made so many turns before, at the same place; in the first turns that is something from before;
- it is the same in all turns;
- it is a literal, perhaps another one in each turn;
- it is an element of an argument, or of a list that a loop before has left, the indices of which grow by the same step
  from turn to turn.

The turns around the middle one are taken as far as that holds.  Turns at the ends are left out until what comes before
and after fits as well, to the order in which gradients are added.  With ``listing`` values that are needed after the
loop do not end it: all those of their place are kept in a list.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tracegrad.outline import identity
from tracegrad.units import ALWAYS, Units, Way

#: how many turns back a turn may reach
_FARTHEST = 4


@dataclass(frozen=True, slots=True)
class Around:
    """What the loops around a turn say of its operands, and which of its nodes they need.

    ``literals`` that vary there: literal -> the one that stands for its series; ``strides`` there, loop by loop.
    """

    literals: Mapping[int, int]
    strides: Mapping[int, tuple[Any, ...]]
    exposed: frozenset[int]
    depth: int


# ---- roles --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    """Made at this place of the block, so many turns back (0: in the same one)."""

    place: int
    back: int


@dataclass(frozen=True, slots=True)
class Same:
    """The same node in all turns."""

    node: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal, the same in all turns or another one in each; ``form``: see :meth:`Outline.form`."""

    form: Hashable


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an argument or a list: the way to it in turn 0, by how much each step grows.

    ``around``: the same in the loops around; ``form``: see :meth:`Outline.form`.
    """

    way: Way
    strides: tuple[int, ...]
    around: tuple[Any, ...] | None
    form: Hashable


Role: TypeAlias = Made | Same | Literal | Element


class Turns:
    """Which turns of a stretch are turns of one loop: from ``begin`` to ``stop``, counted from its start."""

    def __init__(
        self,
        units: Units,
        start: int,
        period: int,
        turns: int,
        unroll: int,
        around: Around,
        listing: bool = False,
    ) -> None:
        self.units, self.start, self.period, self.around, self.unroll = units, start, period, around, unroll
        self.outline = units.outline
        middle = (turns - 1) // 2
        self.begin = self.stop = self.at = middle
        self.listing = listing
        #: the places whose values a list keeps, for what comes after the loop
        self.listed: set[int] = set()
        #: whether what comes after ends the loop before its last turn
        self.cut = False
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
            if isinstance(role, Made) and role.back:
                self.reach[role.place] = max(self.reach.get(role.place, 0), role.back)
        self.farthest = max(self.reach.values(), default=0)
        self.found = roles is not None and self._extend(middle, turns) and self._settle()

    @property
    def first(self) -> int:
        """The position of the first unit."""
        return self.position(self.begin, 0)

    @property
    def end(self) -> int:
        return self.position(self.stop, 0)

    def position(self, turn: int, place: int) -> int:
        return self.start + turn * self.period + place

    def node(self, turn: int, place: int) -> int:
        """The operation at a place of a turn."""
        item = self.units.items[self.position(turn, place)]
        assert isinstance(item, int)
        return item

    def operand(self, turn: int, place: int, slot: int) -> int:
        operand = self.units.operands[self.position(turn, place)][slot]
        return self.around.literals.get(operand, operand)

    # ---- what the roles are

    def _roles(self, turn: int) -> dict[tuple[int, int], Role] | None:
        """The roles as this turn and the next show them."""
        found: dict[tuple[int, int], Role] = {}
        for place in range(self.period):
            for slot in range(len(self.units.operands[self.position(turn, place)])):
                role = self._role(turn, self.operand(turn, place, slot), self.operand(turn + 1, place, slot))
                if role is None:
                    return None
                found[place, slot] = role
        return found

    def _role(self, turn: int, one: int, next_one: int) -> Role | None:
        if self._is_literal(one) and self._is_literal(next_one):
            return Literal(self.outline.form(one))
        if one == next_one:
            return Same(one)
        at = self.units.at.get(one)
        if at is None or (at < self.start and one in self.units.lists):
            return self._element(turn, one, next_one)
        made, place = divmod(at - self.start, self.period)
        moves = self.units.at.get(next_one) == at + self.period
        return Made(place, turn - made) if moves and turn - made <= _FARTHEST else None

    def _is_literal(self, operand: int) -> bool:
        """Whether an operand is a literal that the loops around leave as it is."""
        return not self.outline.varies(operand) and operand not in self.around.literals

    def _element(self, turn: int, one: int, next_one: int) -> Element | None:
        here, there = self.units.way(one), self.units.way(next_one)
        if here is None or there is None:
            return None
        strides = _strides(here, there)
        if strides is None:
            return None
        return Element(
            _moved(here, strides, -turn), strides, self.around.strides.get(one), self.outline.form(one)
        )

    # ---- how far they hold

    def _extend(self, middle: int, turns: int) -> bool:
        """As many turns before and after the middle as the roles hold in."""
        holds = self._holding(turns)
        earliest = holds[middle]
        if earliest is None or earliest > middle:
            return False
        while self.begin > earliest:
            found = holds[self.begin - 1]
            if found is None or found > self.begin - 1:
                break
            earliest = max(earliest, found)
            self.begin -= 1
        self.stop = middle + 1
        while self.stop < turns:
            found = holds[self.stop]
            if found is None or found > self.begin:
                break
            self.stop += 1
        return self._enough()

    def _enough(self) -> bool:
        return self.stop - self.begin > max(self.unroll, 2 * self.farthest)

    def _holding(self, turns: int) -> list[int | None]:
        """For each turn the earliest one with which a loop of it can begin; ``None`` if it is of no loop.

        Column by column: an operand of all turns is looked at together, since there may be a million of them.
        """
        found: list[int | None] = [0] * turns
        for (place, slot), role in self.roles.items():
            operands = self._column(place, slot, turns)
            if isinstance(role, Made):
                made = self.units.items[self.start + role.place : self.position(turns, 0) : self.period]
                for turn in range(role.back):
                    _raise(found, turn, turn - role.back + 1)
                if operands[role.back :] != made[: turns - role.back]:
                    for turn in range(role.back, turns):
                        if operands[turn] != made[turn - role.back]:
                            _raise(found, turn, turn - role.back + 1 if role.back else None)
            elif isinstance(role, Same):
                first = (self.units.at.get(role.node, -1) - self.start) // self.period + 1
                for turn, operand in enumerate(operands):
                    if operand != role.node or first > 0:
                        _raise(found, turn, first if operand == role.node else None)
            elif isinstance(role, Literal):
                for turn, operand in enumerate(operands):
                    if not self._is_literal(operand) or self.outline.form(operand) != role.form:
                        found[turn] = None
            else:
                for turn, operand in enumerate(operands):
                    if not self._is_element(role, turn, operand):
                        found[turn] = None
            for turn in self._at_pole(place, slot, role, turns):
                found[turn] = None
        return found

    def _column(self, place: int, slot: int, turns: int) -> list[int]:
        """An operand of the block in all turns."""
        rows = self.units.operands[self.start + place : self.position(turns, 0) : self.period]
        instead = self.around.literals
        found = [row[slot] for row in rows]
        return [instead.get(operand, operand) for operand in found] if instead else found

    def _is_element(self, role: Element, turn: int, operand: int) -> bool:
        there = self.units.way(operand) == _moved(role.way, role.strides, turn)
        alike = self.around.strides.get(operand) == role.around and self.outline.form(operand) == role.form
        return there and alike

    def _at_pole(self, place: int, slot: int, role: Role, turns: int) -> Iterator[int]:
        """The turns in which a local gradient lies at a pole, so that the trace's own stands in its place."""
        if isinstance(role, Literal) or not isinstance(self.units.items[self.start + place], int):
            return
        for turn in range(turns):
            item = self.node(turn, place)
            if item in self.outline.reached and self.outline.at_pole(item, slot):
                yield turn

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
        for turn, latest in enumerate(self._latest_ends(), self.begin):
            limit = min(limit, latest)
            if turn + 1 == limit:
                runs.append((begin, limit))
                begin, limit = limit, self.stop
        return max(runs, key=lambda run: run[1] - run[0])

    def _latest_ends(self) -> list[int]:
        """For each turn where a loop must end, so that what is needed outside of it is at hand."""
        latest = [self.stop] * (self.stop - self.begin)
        for place in range(self.period):
            reach = self.reach.get(place, 0)
            needed = [
                turn
                for turn in range(self.begin, self.stop)
                if self.last_use(self.position(turn, place)) >= self.position(turn + reach + 1, 0)
            ]
            if self.listing and reach <= 1 and needed and needed[0] + max(reach, 1) < self.stop:
                self.listed.add(place)
                continue
            self.cut = self.cut or (bool(needed) and needed[0] + max(reach, 1) < self.stop)
            for turn in needed:
                latest[turn - self.begin] = min(latest[turn - self.begin], turn + max(reach, 1))
        return latest

    def last_use(self, position: int) -> int:
        item = self.units.items[position]
        exposed = isinstance(item, int) and item in self.around.exposed
        return ALWAYS if exposed else self.units.last_use[position]

    def _enter_before(self) -> bool:
        """Whether each carried value is one thing in the first turn, made before."""
        self.before.clear()
        for turn in range(self.begin, self.begin + self.farthest):
            for (place, slot), role in self.roles.items():
                if isinstance(role, Made) and turn - role.back < self.begin:
                    operand = self.operand(turn, place, slot)
                    key = role.place, self.begin - turn + role.back
                    if not self._are_one(self.before.setdefault(key, operand), operand):
                        return False
                    if self.outline.form(operand) != self.outline.form(self.node(turn, role.place)):
                        return False
        return all(self.units.at.get(node, -1) < self.first for node in self.before.values())

    def _are_one(self, node: int, other: int) -> bool:
        """Whether two operands are the same: one node, or equal literals."""
        if node == other or not (self._is_literal(node) and self._is_literal(other)):
            return node == other
        return identity(self.outline.raw(node)) == identity(self.outline.raw(other))

    def _adds_in_order(self) -> bool:
        """Whether the gradient of what comes before gets its terms in the order of the trace.

        The loop adds up what a carried value returns; only then is the sum added to the gradient of what the value
        was before the first turn.  That is the same if the latter has no other terms up to there, or if the sum has
        one term and that is the last.  To a value that is listed the turn before returns what it begins with.
        """
        return all(
            self._adds_last(place, back, node)
            for (place, back), node in self.before.items()
            if self.outline.varies(node)
        )

    def _adds_last(self, place: int, back: int, node: int) -> bool:
        own: list[tuple[int, int]] = []
        others: list[tuple[int, int]] = []
        for position, slot in self.units.users.get(node, ()):
            item = self.units.items[position]
            if position >= self.first and isinstance(item, int) and item in self.outline.reached:
                turn, at = divmod(position - self.start, self.period)
                role = self.roles.get((at, slot)) if turn < self.stop else None
                mine = isinstance(role, Made) and role.place == place
                mine = mine and turn - role.back == self.begin - back  # type: ignore[union-attr]
                (own if mine else others).append((position, -slot))
        if self._is_begun(node):
            others.append((ALWAYS, 0))
        if not others or (place in self.listed and max(own) < min(others)):
            return True  # the sum of a listed value begins with what has returned from after the loop
        return self.reach[place] == 1 and len(own) == 1 and own[0] < min(others)

    def _is_begun(self, node: int) -> bool:
        """Whether something else than units gives a gradient to a node: the seed, or loops around."""
        return node in self.around.exposed or any(node == index for _, index in self.outline.outputs)

    # ---- the turn that speaks for all

    def _choose(self) -> bool:
        """A turn in whose words the roles can be told apart: one operand has one role."""
        last = min(self.stop - 1, self.stop - self.farthest)
        turns = range(self.begin + self.farthest, min(last, self.begin + 2 * _FARTHEST) + 1)
        return any(map(self._tells_apart, turns))

    def _tells_apart(self, turn: int) -> bool:
        self.at = turn
        self.series.clear()
        known: dict[int, Any] = {}
        for (place, slot), role in self.roles.items():
            operand = self.operand(turn, place, slot)
            said: Any = role
            if isinstance(role, Literal):
                operands = [self.operand(other, place, slot) for other in range(self.begin, self.stop)]
                values = tuple(map(self.outline.raw, operands))
                said = tuple(map(identity, values))
                if len(set(said)) > 1:
                    self.series[operand] = values
            if known.setdefault(operand, said) != said:
                return False
        return True


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


def _raise(found: list[int | None], turn: int, earliest: int | None) -> None:
    """Note with which turn a loop of a turn can begin at the earliest."""
    known = found[turn]
    found[turn] = None if known is None or earliest is None else max(known, earliest)
