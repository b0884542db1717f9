"""Sums gathered: what the uses in one statement contribute to a gradient, as one expression.

In: the statements of the way back on placeholders.  Out: the same with ``dx = x * dy + x * dy`` for ``dx = x * dy`` and
``dx += x * dy``.  The order of the additions is kept, and with it every bit.  What another statement of the user adds
stays a ``+=`` under that one's name, as in the notes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from tracegrad.expressions import Reals, number_of, total
from tracegrad.statements import Assign, Check, Loop, Statement

#: whether a statement with this target and expression, in so many loops, can be read
Reads = Callable[[str, ast.expr, int], bool]


def gathered(
    statements: Iterable[Statement],
    stage: Callable[[int], object],
    reals: Reals,
    reads: Reads,
    depth: int = 0,
) -> Iterator[Statement]:
    """The statements with sums gathered; ``stage`` tells that of a node."""
    for is_step, run in groupby(statements, lambda one: isinstance(one, (Assign, Check))):
        if not is_step:
            for one in run:
                inner = gathered(one.body, stage, reals, reads, depth + 1) if isinstance(one, Loop) else ()
                yield replace(one, body=tuple(inner)) if isinstance(one, Loop) else one
            continue
        for _, steps in groupby(run, lambda one: stage(one.through)):  # type: ignore[union-attr]
            yield from _in_one_stage(list(steps), reals, reads, depth)


def _in_one_stage(steps: Sequence[Statement], reals: Reals, reads: Reads, depth: int) -> Iterator[Statement]:
    """Each sum stands where its last term stood: nothing reads a gradient before it is whole."""
    found: list[Statement | None] = []
    begun: dict[str, int] = {}  # target -> where the sum stands
    for one in steps:
        if isinstance(one, Assign):
            at = begun.pop(one.target, None)
            merged = None if at is None else _merged(found[at], one, reals, reads, depth)
            if merged is not None and at is not None:
                found[at] = None
                one = merged
            if one.sign == "=" and (at is None or merged is not None):
                begun[one.target] = len(found)
        found.append(one)
    return (one for one in found if one is not None)


def _merged(sum_: Statement | None, term: Assign, reals: Reals, reads: Reads, depth: int) -> Assign | None:
    """The sum with one more term, if it can be read.

    A zero that is added may be of another sign and stays apart; what begins as the gradient of the turn after is
    likely to get its name, and then is added to in place.
    """
    if not isinstance(sum_, Assign) or term.sign != "+=" or number_of(term.expression) == 0:
        return None
    if depth and isinstance(sum_.expression, (ast.Name, ast.IfExp)):
        return None
    expression = total(sum_.expression, term.expression, reals)
    if not reads(term.target, expression, depth):
        return None
    value = None if sum_.value is None or term.value is None else sum_.value + term.value
    return replace(term, sign="=", expression=expression, value=value)
