"""Names joined: two variables of which one is a copy of the other become one, where no value is lost by it.

In: the statements of functions with :class:`~tracegrad.statements.Move` s.  Out: new names, under which most moves
vanish, so that a loop says ``x = x / 2`` and not ``x_next = x / 2`` and then ``x = x_next``.

Two variables can be one unless one gets a value while the other is needed later (that is what compilers call
interference; see G. J. Chaitin, Register allocation and spilling via graph coloring, 1982).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracegrad.statements import Loop, Statement, copies, defined, used


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The names that are there at its begin, its statements, and the names needed at its end."""

    given: frozenset[str]
    statements: Sequence[Statement]
    results: frozenset[str]


def joined(functions: Sequence[Function], stems: Mapping[str, str], fixed: frozenset[str]) -> dict[str, str]:
    """New names for the variables that become others.

    ``stems`` are the user's variables that names were made of, two of which stay apart; ``fixed`` names must stay.

    >>> from tracegrad.expressions import name, parse
    >>> from tracegrad.statements import Move
    >>> halve = Move(targets=("x_next",), sources=(parse("x / 2"),))
    >>> turn = Move(targets=("x",), sources=(name("x_next"),))
    >>> loop = Loop(targets=(), iterable=parse("range(5)"), body=(halve, turn), turns=5, at=0, number=0)
    >>> joined([Function(given=frozenset("x"), statements=[loop], results=frozenset("x"))], {}, frozenset("x"))
    {'x_next': 'x'}
    """
    pairs = [pair for function in functions for pair in _pairs(function.statements)]
    conflicts = _Conflicts({name for pair in pairs for name in pair})
    for function in functions:
        conflicts.enter(function)
    group_of: dict[str, list[str]] = {}
    for target, other in pairs:
        one, two = group_of.get(target, [target]), group_of.get(other, [other])
        if one is not two and _can_be_one([*one, *two], conflicts, stems, fixed):
            group = [*one, *two]
            group_of.update(dict.fromkeys(group, group))
    return {name: best for name, group in group_of.items() if (best := _best(group, stems, fixed)) != name}


def _pairs(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """Target and source of each copy, those in loops first."""
    statements = list(statements)
    for one in statements:
        if isinstance(one, Loop):
            yield from _pairs(one.body)
    for one in statements:
        yield from copies(one).items()


def _can_be_one(
    group: Sequence[str], conflicts: _Conflicts, stems: Mapping[str, str], fixed: frozenset[str]
) -> bool:
    named = {stems[name] for name in group if stems.get(name)}
    return len(named) <= 1 and len(fixed.intersection(group)) <= 1 and not conflicts.among(group)


def _best(group: Sequence[str], stems: Mapping[str, str], fixed: frozenset[str]) -> str:
    return min(group, key=lambda name: (name not in fixed, not stems.get(name), len(name), name))


class _Conflicts:
    """Which names get a value while another one is needed later."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.found: dict[str, set[str]] = defaultdict(set)

    def among(self, group: Sequence[str]) -> bool:
        return any(self.found[name].intersection(group) for name in group)

    def enter(self, function: Function) -> None:
        """Find the conflicts of a function, from its end to its begin."""
        live = self._before(function.statements, function.results & self.names)
        for name in function.given & self.names:
            self._gets(name, live)

    def _before(self, statements: Sequence[Statement], live: frozenset[str]) -> frozenset[str]:
        """What is needed before statements, where ``live`` is needed after them."""
        for one in reversed(statements):
            live = self._before_loop(one, live) if isinstance(one, Loop) else self._before_one(one, live)
        return live

    def _before_one(self, one: Statement, live: frozenset[str]) -> frozenset[str]:
        own = defined(one) & self.names
        originals = copies(one)
        for name in own:
            self._gets(name, (live - {originals.get(name, name)}) | own)
        return (live - own) | (used(one) & self.names)

    def _before_loop(self, loop: Loop, live: frozenset[str]) -> frozenset[str]:
        """The same for a loop, which has one turn at least."""
        targets = frozenset(loop.targets) & self.names
        end = live
        while True:
            start = self._before(loop.body, end)
            around = live | (start - targets)
            if around == end:
                break
            end = around
        for name in targets:
            self._gets(name, start | targets)
        return (start - targets) | (used(loop) & self.names)

    def _gets(self, name: str, live: Iterable[str]) -> None:
        for other in live:
            if other != name:
                self.found[name].add(other)
                self.found[other].add(name)
