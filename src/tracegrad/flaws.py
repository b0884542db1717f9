"""What is worth knowing of single nodes: where inf or nan is born, what saturates, kinks, lost digits, dead values.

In: :class:`Sheet`, a computation and its backward pass as columns.  Out: :class:`Flaw` rows, from which come both the
``flags`` of a document (:func:`flags`) and the words of :mod:`tracegrad.diagnose`.  Read :func:`flaws` first.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

from tracegrad.primitives import DIV, LITERAL_POWER, MUL, PLAIN, POWER, TABLE, Primitive, partials
from tracegrad.structures import Array, is_array

#: local gradients below this let nothing through
_FLAT = 1e-6
#: operations that scale, and are not said to saturate
_OPERATORS = frozenset({MUL, DIV, LITERAL_POWER, POWER, TABLE["ldexp"]})
#: digits of 16 that a difference may lose before it is worth saying
_LOST = 8
_TIES = frozenset({TABLE["max"], TABLE["min"]})
_NUMBERS = frozenset({float, int, type(None)})
_SUMS = frozenset({TABLE[name] for name in ("add", "sub", "sum", "sum_from")})


def _is_linear(row: Primitive) -> bool:
    """Whether all local gradients are numbers that let enough through, as those of a sum."""
    rules: Any = row.rules
    return bool(rules) and all(isinstance(rule, float) and abs(rule) >= _FLAT for rule in rules)


#: functions of one operand that may saturate
_SMOOTH = frozenset(
    row
    for row in TABLE.values()
    if not row.variadic
    and not row.step
    and len(row.rules) == 1  # type: ignore[arg-type]
    and row not in _OPERATORS
    and not _is_linear(row)
)
_KINKED = frozenset(row for row in TABLE.values() if row.kink)

#: what a document says of a node, by the kind of flaw
FLAGS = {
    "value": "born here",
    "gradient": "gradient born here",
    "saturated": "saturated",
    "kink": "kink",
    "cancellation": "cancellation",
    "dead": "dead",
}

#: what each flag means
MEANINGS = {
    "nonfinite": "the value or the gradient is inf or nan, or has it in it",
    "born here": "the first inf or nan among the values, of operands that are finite",
    "gradient born here": "the first inf or nan among the gradients comes of a local gradient here",
    "saturated": "the local gradient is nearly 0, hardly any gradient gets through",
    "kink": "the operation is not smooth here, its local gradient is a convention",
    "tie": "the operands are equal, who gets the gradient is a convention",
    "cancellation": "most digits are lost in this difference",
    "dead": "no path leads from here to the result, the gradient is 0",
}


class Flaw(NamedTuple):
    """A flaw of a node, by its number; ``edge`` is that of the edge which shows it, where one does."""

    kind: str
    node: int
    edge: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A computation by columns, as :class:`tracegrad.fold.columns.Columns` has them.

    ``rows`` has the primitive of each node, where that is known.  ``params`` gives the static data of a node, ``named``
    tells whether it has a name; ``outputs`` are the nodes of the result.  In a ``plain`` sheet all values, adjoints,
    local gradients and flows are known to be Python's own numbers.
    """

    kinds: Sequence[str]
    rows: Sequence[Primitive | None]
    values: Sequence[Any]
    adjoints: Sequence[Any]
    starts: Sequence[int]
    sources: Sequence[int]
    partials: Sequence[Any]
    flows: Sequence[Any]
    params: Callable[[int], Sequence[Any]]
    named: Callable[[int], bool]
    outputs: Sequence[int]
    plain: bool = False

    def row(self, index: int) -> Primitive:
        """The primitive of a node that is known to have one."""
        return self.rows[index]  # type: ignore[return-value]

    def edges(self, index: int) -> range:
        return range(self.starts[index], self.starts[index + 1])

    def operands(self, index: int) -> list[Any]:
        """The values that a node was computed from."""
        return [self.values[self.sources[edge]] for edge in self.edges(index)]


#: looks for one kind of flaw among some nodes
Look = Callable[[Sheet, Sequence[int]], Iterator[Flaw]]


def flaws(sheet: Sheet) -> Iterator[Flaw]:
    """All flaws, the most pressing kind first."""
    return _flaws(sheet, nonfinite(sheet.values, sheet.plain), nonfinite(sheet.adjoints, sheet.plain))


def _flaws(sheet: Sheet, values: Sequence[int], adjoints: Sequence[int]) -> Iterator[Flaw]:
    """The same, knowing which values and adjoints are not finite."""
    yield from _births_of_value(sheet, values)
    if adjoints:
        yield from _birth_of_gradient(sheet)
    looks: tuple[tuple[Look, Collection[Primitive | None]], ...] = (
        (_saturated, _SMOOTH),
        (_kinks, _KINKED),
        (_cancelled, _SUMS),
    )
    there = set(sheet.rows)
    sought = [(look, there.intersection(rows)) for look, rows in looks]
    suspected = set[Primitive | None]().union(*(rows for _, rows in sought))
    suspects = list(compress(range(len(sheet.rows)), map(suspected.__contains__, sheet.rows)))
    for look, rows in sought:
        if rows:
            yield from look(sheet, [index for index in suspects if sheet.rows[index] in rows])
    yield from _dead(sheet)


def flags(sheet: Sheet) -> dict[int, tuple[str, ...]]:
    """The flags of those nodes that have any."""
    values, adjoints = nonfinite(sheet.values, sheet.plain), nonfinite(sheet.adjoints, sheet.plain)
    found: dict[int, tuple[str, ...]] = dict.fromkeys(sorted({*values, *adjoints}), ("nonfinite",))
    for flaw in _flaws(sheet, values, adjoints):
        tie = flaw.kind == "kink" and sheet.rows[flaw.node] in _TIES
        flag = "tie" if tie else FLAGS[flaw.kind]
        found[flaw.node] = (*found.get(flaw.node, ()), flag)
    return found


def nonfinite(values: Sequence[Any], plain: bool = False) -> list[int]:
    """Which of some values are not :func:`finite`."""
    if _adds_up(values, plain):
        return []
    suspects = [
        index for index, value in enumerate(values) if type(value) is not float or value - value != 0.0
    ]
    return [index for index in suspects if not finite(values[index])]


def _adds_up(values: Sequence[Any], plain: bool) -> bool:
    """Whether all are numbers, or none, and their sum is finite: then each of them is."""
    try:
        total = sum(filter(None, values)) if plain or _NUMBERS.issuperset(map(type, values)) else math.nan
    except OverflowError:
        return False
    return total - total == 0.0


def finite(value: Any) -> bool:
    """Whether a value has neither inf nor nan in it; what is no number has none."""
    if type(value) is float:
        return value - value == 0.0
    if is_array(value):
        return value.dtype.kind == "b" or bool((value - value == 0).all())
    if isinstance(value, Array):
        every = value.values or tuple(one for one in (value.min, value.max, value.norm) if one is not None)
        return all(map(finite, every))
    return True


# ---- inf and nan ------------------------------------------------------------------------------------


def _births_of_value(sheet: Sheet, bad: Sequence[int]) -> Iterator[Flaw]:
    """Inputs that are not finite, and the first such value of finite operands."""
    for index in bad:
        if sheet.kinds[index] == "input":
            yield Flaw("value", index)
        elif sheet.kinds[index] == "op" and all(map(finite, sheet.operands(index))):
            yield Flaw("value", index)
            return


def _birth_of_gradient(sheet: Sheet) -> Iterator[Flaw]:
    """The first step of the way back from a finite gradient to one that is not."""
    for index in range(len(sheet.kinds) - 1, -1, -1):
        for edge in sheet.edges(index):
            if not finite(sheet.flows[edge]) and finite(sheet.adjoints[index]):
                yield Flaw("gradient", index, edge)
                return


# ---- nothing gets through ---------------------------------------------------------------------------


def _saturated(sheet: Sheet, suspects: Sequence[int]) -> Iterator[Flaw]:
    """Smooth functions with a local gradient of nearly zero, where a gradient arrives."""
    starts, partials_, whole = sheet.starts, sheet.partials, sheet.plain
    flat = [
        index
        for index in suspects
        if (whole or starts[index + 1] - starts[index] == 1)  # a part of a document may lack the operand
        and (type(size := partials_[starts[index]]) is not float or -_FLAT < size < _FLAT)
    ]
    for index in flat:
        row, edges = sheet.row(index), sheet.edges(index)
        size = partials_[edges[0]]
        if not isinstance(size, (int, float)) or not abs(size) < _FLAT or not sheet.adjoints[index]:
            continue
        if size != 0 or not (row.kink or 0.0 in row.rules):  # type: ignore[operator]
            yield Flaw("saturated", index, edges[0])


def _dead(sheet: Sheet) -> Iterator[Flaw]:
    """Inputs and variables that the result does not depend on."""
    if len(list(filter(None, sheet.adjoints))) + sheet.kinds.count("const") == len(sheet.kinds):
        return
    suspects = [
        index
        for index, adjoint in enumerate(sheet.adjoints)
        if adjoint is not None  # a constant has none, and no name
        and (not adjoint if type(adjoint) is float else not _is_number(adjoint) or not adjoint)
        and sheet.named(index)
    ]
    if not suspects:
        return
    reached = bytearray(len(sheet.kinds))
    for index in sheet.outputs:
        reached[index] = 1
    for index in range(len(sheet.kinds) - 1, -1, -1):
        if reached[index]:
            for edge in sheet.edges(index):
                reached[sheet.sources[edge]] = 1
    yield from (Flaw("dead", index) for index in suspects if not reached[index])


# ---- kinks and digits -------------------------------------------------------------------------------


def _kinks(sheet: Sheet, suspects: Sequence[int]) -> Iterator[Flaw]:
    """Operations at a place where the local gradient is a convention."""
    for index in suspects:
        row, values = sheet.row(index), sheet.operands(index)
        if row in _TIES:
            if values.count(sheet.values[index]) > 1:
                yield Flaw("kink", index)
            continue
        if not all(map(_is_float, values)):
            continue
        for slot, edge in enumerate(sheet.edges(index)):
            partial = sheet.partials[edge]
            if not _is_number(partial) or not finite(values[slot]):
                continue
            if not finite(partial) or _is_kink(row, values, sheet.params(index), slot):
                yield Flaw("kink", index, edge)
                break


def _is_kink(row: Primitive, values: Sequence[Any], static: Sequence[Any], slot: int) -> bool:
    """Whether value or slope of an operation differ on both sides of an operand."""
    step = 1e-9 * (abs(float(values[slot])) or 1.0)
    sides = []
    for sign in (-step, step):
        moved = [value + sign * (i == slot) for i, value in enumerate(values)]
        try:
            out = row.forward(*moved, *static)
            sides.append((out, partials(row, PLAIN, out, [*moved, *static])[slot]))
        except (ArithmeticError, ValueError, TypeError):
            return True
    (before, slope_before), (after, slope_after) = sides
    jump = abs(after - before) > 1e-6 * max(1.0, abs(before), abs(slope_before))
    bend = abs(slope_after - slope_before) > 1e-3 * max(1.0, abs(slope_before))
    return bool(jump or bend)


def _cancelled(sheet: Sheet, suspects: Sequence[int]) -> Iterator[Flaw]:
    """Sums and differences of computed numbers that nearly cancel, where a gradient arrives.

    That the difference in a test of convergence cancels is its purpose.
    """
    for index in _nearly_gone(sheet, suspects):
        value = sheet.values[index]
        if not value or not sheet.adjoints[index]:
            continue
        computed = any(sheet.kinds[sheet.sources[edge]] == "op" for edge in sheet.edges(index))
        if computed and digits_lost(value, sheet.operands(index)) >= _LOST:
            yield Flaw("cancellation", index)


def _nearly_gone(sheet: Sheet, suspects: Sequence[int]) -> list[int]:
    """Those that may have lost enough digits, by a rough look at the first of two operands: the other is as large."""
    values, starts, sources = sheet.values, sheet.starts, sheet.sources
    share = 10.0 ** (_LOST - 2)
    return [
        index
        for index in suspects
        if type(value := values[index]) is float
        and not (
            starts[index + 1] - (edge := starts[index]) == 2
            and abs(values[sources[edge]]) < abs(value) * share
        )
    ]


def digits_lost(value: float, operands: Sequence[Any]) -> float:
    """How many digits a sum has lost, by its largest operand."""
    largest = max(map(abs, operands), default=0.0)
    if largest * 10.0**-_LOST < abs(value) or not math.isfinite(largest):
        return 0.0
    return math.log10(largest / abs(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _is_float(value: Any) -> bool:
    """Whether a value is a number that a float can be."""
    return type(value) is float or (isinstance(value, int) and abs(value) <= sys.float_info.max)
