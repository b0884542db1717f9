"""Checking gradients against differences, order one and two.

In: a function and a point.  Out: a :class:`Report` of derivatives in random directions beside differences of the
function (order 1) and of its gradient (order 2), and, where they do not agree, the operation whose local gradient is to
blame.  Read :func:`check` first.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracegrad.arguments import title_of
from tracegrad.arrays import include
from tracegrad.arrays.fit import dtype_kind, shape_of
from tracegrad.derivatives import vjp
from tracegrad.differences import Difference, derivative_at_zero
from tracegrad.document import Node
from tracegrad.errors import CheckFailed, InputError
from tracegrad.points import direction, half_digits, inner, moved, products, real, weights
from tracegrad.primitives import CONST, INPUT, bind
from tracegrad.reverse import returned
from tracegrad.trace import Trace, trace
from tracegrad.tree import leaves, map_leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A derivative in one direction: by the chain rule, and by differences with the error that these may have."""

    order: int
    direction: int
    chain_rule: float
    difference: float
    tolerance: float
    step: float

    @property
    def error(self) -> float:
        return abs(self.chain_rule - self.difference)

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """An operation whose local gradient (``order`` 1) or its derivative (2) does not agree with differences.

    ``node`` is its row in the document; ``slot`` the operand.
    """

    node: Node
    order: int
    slot: int
    local: float
    difference: float

    def __str__(self) -> str:
        site = self.node.site
        at = "" if site is None else f" at {site.file}:{site.line} in {site.function}: `{site.text}`"
        what = "local gradient" if self.order == 1 else "second derivative"
        return (
            f"{self.node.id} = {self.node.primitive}{at}: its {what} by operand {self.slot} is {self.local:.9g}, "
            f"differences give {self.difference:.9g}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What :func:`check` has found; ``print`` it for a table.

    ``comparisons`` are its lines, ``worst`` the operation to blame where one is.

    >>> import math
    >>> report = check(math.exp, 0.5)
    >>> report.ok, len(report.comparisons), report.worst
    (True, 6, None)
    >>> report.raise_if_wrong() is report
    True
    """

    function: str
    comparisons: tuple[Comparison, ...]
    worst: Suspect | None

    @property
    def ok(self) -> bool:
        """Whether the derivatives agree in all directions."""
        return all(one.ok for one in self.comparisons)

    def raise_if_wrong(self) -> Report:
        """Raise :class:`CheckFailed` with the table if a derivative does not agree; else give the report back."""
        if not self.ok:
            raise CheckFailed(str(self))
        return self

    def __str__(self) -> str:
        rows = [("order", "direction", "chain rule", "differences", "error", "allowed", "")]
        rows += [
            (
                str(one.order), str(one.direction), f"{one.chain_rule:.9g}", f"{one.difference:.9g}",
                f"{one.error:.1e}", f"{one.tolerance:.1e}", "" if one.ok else "wrong",
            )
            for one in self.comparisons
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        verdict = "agrees with differences" if self.ok else "DOES NOT agree with differences"
        return "\n".join([f"gradient of {self.function} {verdict}", *table, *self._blame()])

    def _blame(self) -> Iterator[str]:
        if self.worst is not None:
            yield f"worst: {self.worst}"
        elif not self.ok:
            yield (
                "each operation's own local gradient agrees with differences: either a value was detached, or the "
                "function takes another path, or is not smooth, near this point"
            )


def check(
    fn: Callable[..., Any],
    /,
    *args: Any,
    order: int = 2,
    directions: int = 3,
    seed: int = 0,
    tolerance: float = 1e-6,
    **kwargs: Any,
) -> Report:
    """Compare the derivatives of ``fn`` at a point with differences, in random directions.

    All numbers and arrays among the positional arguments vary, whole ones as reals; a result of several numbers is
    weighed at random.  Order 1 holds the gradient against the function, order 2 the Hessian times the direction against
    the gradient.  ``tolerance`` is relative to the magnitude of the terms; where differences are less exact than that,
    their own error counts, up to a thousandth.  Arrays of single precision are moved in double, and must agree to half
    of their digits.  The same ``seed`` gives the same directions.

    Source: the directional test is that of A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. 2008, section 3.1.

    >>> check(math.sin, 0.7).ok
    True
    >>> print(check(math.exp, 0.0, order=1, directions=1))
    gradient of exp agrees with differences
    order  direction  chain rule ...
    1      0          0.0...
    """
    if order not in (1, 2):
        raise InputError(f"order={order}: the orders that can be checked are 1 and 2")
    include()  # whether an argument is an array is asked before it is traced
    point = [real(leaf) for _, leaf in leaves(list(args))]
    if not point:
        raise InputError(f"{title_of(fn)} was given no number to differentiate by")
    chance = random.Random(seed)
    problem = _Problem(fn, args, kwargs, chance)
    half = half_digits([*point, *problem.result])
    allowed = Tolerance(max(tolerance, half), max(1e-13, 450 * half**2))
    found: list[Comparison] = []
    for number in range(directions):
        along = [direction(chance, leaf) for leaf in point]
        found.append(problem.first(point, along, number, allowed))
        if order == 2:
            other = [direction(chance, leaf) for leaf in point]
            found.append(problem.second(point, along, other, number, allowed))
    failed = min((one.order for one in found if not one.ok), default=None)
    worst = None if failed is None else worst_node(problem.trace(), failed, allowed)
    return Report(function=title_of(fn), comparisons=tuple(found), worst=worst)


class Tolerance(NamedTuple):
    """What two derivatives may differ by: relative to the magnitude of their terms, and at least."""

    relative: float
    absolute: float


class _Problem:
    """The function as one of a list of numbers and arrays, with a number for its result."""

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], chance: random.Random
    ) -> None:
        self._fn, self._args, self._kwargs = fn, list(args), kwargs
        self.result = [leaf for _, leaf in leaves(fn(*args, **kwargs))]
        if not self.result:
            raise InputError(f"{title_of(fn)} returned no number: there is nothing to differentiate")
        single = len(self.result) == 1 and not shape_of(self.result[0])
        self._weights = [1.0] if single else [weights(chance, leaf) for leaf in self.result]

    def value(self, point: Sequence[Any], fn: Callable[..., Any]) -> Any:
        """The function is an argument too: there a trace finds it."""
        numbers = iter(point)
        args = map_leaves(self._args, lambda leaf: next(numbers))
        result = [leaf for _, leaf in leaves(fn(*args, **self._kwargs))]
        total, *others = map(inner, self._weights_of(len(result)), result)
        for other in others:
            total = total + other
        return total

    def _weights_of(self, count: int) -> list[Any]:
        """The weights; those of elements where a trace has them one by one, as numpy has in an array of objects."""
        if count == len(self._weights):
            return self._weights
        return [number for one in self._weights for number in products(one, 1.0)]

    def trace(self) -> Trace:
        t = trace(self._fn, *self._args, **self._kwargs)
        numbers = iter(self._weights_of(len(leaves(t.value))))
        return t.backward(map_leaves(t.value, lambda leaf: next(numbers)))

    def gradient(self, point: Sequence[Any]) -> list[Any]:
        _, pullback = vjp(self.value, list(point), self._fn)
        found: list[Any] = pullback(1.0)[0]
        return found

    def first(self, point: list[Any], along: list[Any], number: int, tolerance: Tolerance) -> Comparison:
        return _compare(
            1, number, _terms(self.gradient(point), along),
            lambda t: float(self.value(moved(point, along, t), self._fn)), tolerance,
        )  # fmt: skip

    def second(
        self, point: list[Any], along: list[Any], other: list[Any], number: int, tolerance: Tolerance
    ) -> Comparison:
        def slope(at: Sequence[Any]) -> Any:
            return math.fsum(map(inner, self.gradient(at), other))

        _, pullback = vjp(slope, list(point))
        return _compare(
            2, number, _terms(pullback(1.0)[0], along),
            lambda t: float(slope(moved(point, along, t))), tolerance,
        )  # fmt: skip


def _terms(gradient: Sequence[Any], along: Sequence[Any]) -> list[float]:
    return [term for one, other in zip(gradient, along, strict=True) for term in products(one, other)]


def _compare(
    order: int, direction: int, terms: Sequence[float], f: Callable[[float], float], tolerance: Tolerance
) -> Comparison:
    """The sum of the terms beside the derivative of ``f``; near a kink only small steps can tell."""
    found = [_compare_at(order, direction, terms, derivative_at_zero(f), tolerance)]
    for scale in SMALLER_STEPS:
        if found[-1].ok:
            return found[-1]
        found.append(_compare_at(order, direction, terms, derivative_at_zero(f, scale), tolerance))
    return found[-1] if found[-1].ok else found[0]


#: tried in turn where larger steps do not agree
SMALLER_STEPS = (1e-3, 1e-6, 1e-9)


def _compare_at(
    order: int, direction: int, terms: Sequence[float], estimate: Difference, tolerance: Tolerance
) -> Comparison:
    total = math.fsum(terms)
    allowed = _allowed(math.fsum(map(abs, terms)), estimate, tolerance)
    return Comparison(
        order=order, direction=direction, chain_rule=total, difference=estimate.value, tolerance=allowed,
        step=estimate.step,
    )  # fmt: skip


def _allowed(magnitude: float, estimate: Difference, tolerance: Tolerance) -> float:
    scale = max(magnitude, abs(estimate.value))
    return max(tolerance.relative * scale, min(10 * estimate.error, 1e-3 * scale), tolerance.absolute)


# ---- who is to blame --------------------------------------------------------------------------------------


def worst_node(t: Trace, order: int, tolerance: Tolerance) -> Suspect | None:
    """The operation of a trace whose local gradient (or its derivative) is farthest from differences of it."""
    worst: tuple[float, Suspect] | None = None
    for index, primitive in enumerate(t.graph.primitives):
        if primitive in (INPUT, CONST) or _has_complex(t.graph, index):
            continue
        for slot, by, terms, estimate in _locals(t, index, order):
            local, magnitude = math.fsum(terms), math.fsum(map(abs, terms))
            badness = abs(local - estimate.value) / _allowed(magnitude, estimate, tolerance)
            if badness > 1 and (worst is None or badness > worst[0]):
                node = t.nodes[index]
                worst = badness, Suspect(
                    node=node, order=order, slot=slot if order == 1 else by, local=local,
                    difference=estimate.value,
                )  # fmt: skip
    return None if worst is None else worst[1]


def _has_complex(graph: Any, index: int) -> bool:
    """Whether a node or an operand of it is complex: what is around it then tells of it."""
    return any(dtype_kind(graph.values[number]) == "c" for number in (index, *graph.operands_of(index)))


def _locals(t: Trace, index: int, order: int) -> Iterator[tuple[int, int, list[float], Difference]]:
    """(slot, slot, terms of the derivative, difference) for the operands of a node that vary.

    The derivative of an array by an array is taken in random directions, and weighed at random.
    """
    graph, chance = t.graph, random.Random(index)
    primitive, out = graph.primitives[index], graph.values[index]
    sources = graph.operands_of(index)
    varies = [slot for slot, source in enumerate(sources) if graph.primitives[source] is not CONST]
    static = graph.params.get(index, ())
    values = [real(graph.values[source]) for source in sources]
    seed = weights(chance, out) if shape_of(out) else 1.0
    along = [direction(chance, value) if shape_of(value) else 1.0 for value in values]

    def weighed(at: Sequence[Any]) -> Any:
        return inner(bind(primitive, *at, *static), seed)

    def local(slot: int, at: Sequence[Any]) -> Any:
        wanted = [slot == other for other in range(len(sources))]
        found = returned(primitive, bind(primitive, *at, *static), [*at, *static], wanted, seed)
        return next(pair[1] for pair in found if pair is not None)

    def sloped(slot: int, at: Sequence[Any]) -> Any:
        return inner(local(slot, at), along[slot])

    for slot in varies:
        if order == 1:
            yield slot, slot, products(local(slot, values), along[slot]), _along(weighed, values, along, slot)
            continue
        second = functools.partial(sloped, slot)
        _, pullback = vjp(second, list(values))
        found = pullback(1.0)[0]
        for by in varies:
            yield slot, by, products(found[by], along[by]), _along(second, values, along, by)


def _along(f: Callable[[list[Any]], Any], values: list[Any], along: list[Any], slot: int) -> Difference:
    """The derivative of ``f`` by one of its arguments, along its direction."""
    only = [v if number == slot else 0.0 * v for number, v in enumerate(along)]
    scale = 1.0 if shape_of(values[slot]) else abs(values[slot]) or 1.0
    return derivative_at_zero(lambda t: float(f(moved(values, only, t))), scale)
