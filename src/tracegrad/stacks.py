"""What a loop leaves for its way back: the values of each turn, on a stack.

In: statements forward and backward, the loops among them with equal numbers.  Out: the same, with ``stack.append(...)``
in the one and ``for ... in reversed(stack)`` in the other.  Read :func:`stacked` first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tracegrad.expressions import name, parse
from tracegrad.naming import Names
from tracegrad.statements import Loop, Move, Push, Stack, Statement, defined, each, needed


def stacked(
    forward: Sequence[Statement], backward: Sequence[Statement], free: Names
) -> tuple[list[Statement], list[Statement]]:
    """Both with their stacks."""
    stacks = _Stacks({one.number: one for one in each(forward) if isinstance(one, Loop)}, free)
    back = list(stacks.popped(backward))
    return list(stacks.pushed(forward)), back


class _Stacks:
    def __init__(self, loops: dict[int, Loop], free: Names) -> None:
        self.loops = loops
        self.free = free
        self.pushes: dict[int, Push] = {}

    def popped(self, backward: Iterable[Statement]) -> Iterator[Statement]:
        """The way back: each loop takes what it needs from a stack, if it needs anything."""
        for one in backward:
            if isinstance(one, Loop):
                yield self._from_stack(replace(one, body=tuple(self.popped(one.body))))
            else:
                yield one

    def _from_stack(self, back: Loop) -> Loop:
        there = self.loops[back.number]
        wanted = needed(back.body)
        values = tuple(value for value in dict.fromkeys(self._values(there)) if value in wanted)
        if not values:
            return replace(back, iterable=parse(f"range({back.turns})"))
        if values == there.targets and len(values) == 1:
            return replace(back, targets=values, iterable=_reversed(there.iterable))
        stack = self.free.numbered("stack")
        self.pushes[back.number] = Push(stack=stack, values=values)
        return replace(back, targets=values, iterable=_reversed(name(stack)))

    def _values(self, loop: Loop) -> Iterator[str]:
        """What gets a value in a turn: what it begins with before what it makes."""
        yield from loop.targets
        if loop.body and isinstance(loop.body[-1], Move):
            yield from loop.body[-1].targets
        for one in each(loop.body):
            yield from sorted(defined(one))
            if isinstance(one, Loop) and one.number in self.pushes:
                yield self.pushes[one.number].stack

    def pushed(self, forward: Iterable[Statement]) -> Iterator[Statement]:
        """The way there: a stack is begun before its loop, and gets the values as soon as all are made."""
        for one in forward:
            if not isinstance(one, Loop):
                yield one
                continue
            body = list(self.pushed(one.body))
            push = self.pushes.get(one.number)
            if push is not None:
                yield Stack(name=push.stack)
                body.insert(_when_made(body, set(push.values)), push)
            yield replace(one, body=tuple(body))


def _when_made(body: Sequence[Statement], values: set[str]) -> int:
    """After which statement of a turn all values are made; what the last one moves is for the next turn."""
    turn = body[:-1] if isinstance(body[-1], Move) else body
    made = [i for i, one in enumerate(turn, 1) if any(values & defined(inner) for inner in each([one]))]
    return max(made, default=0)


def _reversed(tree: ast.expr) -> ast.expr:
    return ast.Call(name("reversed"), [tree], [])
