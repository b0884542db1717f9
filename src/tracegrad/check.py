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
from typing import Any

from tracegrad.arguments import title_of
from tracegrad.arrays.fit import shape_of
from tracegrad.derivatives import vjp
from tracegrad.differences import Difference, derivative_at_zero
from tracegrad.document import Node
from tracegrad.errors import CheckFailed, InputError
from tracegrad.primitives import CONST, INPUT, bind
from tracegrad.reverse import local_gradients
from tracegrad.trace import Trace, trace
from tracegrad.tracer import plain
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

    All numbers among the positional arguments vary, whole ones as reals; a result of several numbers is weighed at
    random.  Order 1 holds the gradient against the function, order 2 the Hessian times the direction against the
    gradient.  ``tolerance`` is relative to the magnitude of the terms; where differences are less exact than that,
    their own error counts, up to a thousandth.  The same ``seed`` gives the same directions.

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
    for path, leaf in leaves(list(args)):
        if shape_of(leaf):
            raise InputError(
                f"{title_of(fn)} was given an array at {path}, and only numbers are checked: wrap it in a function of "
                "a list, as in tg.check(lambda xs: f(np.array(xs)), xs)"
            )
    point = [float(plain(leaf)) for _, leaf in leaves(list(args))]
    if not point:
        raise InputError(f"{title_of(fn)} was given no number to differentiate by")
    chance = random.Random(seed)
    problem = _Problem(fn, args, kwargs, chance)
    found: list[Comparison] = []
    for direction in range(directions):
        along = _direction(chance, point)
        found.append(problem.first(point, along, direction, tolerance))
        if order == 2:
            found.append(problem.second(point, along, _direction(chance, point), direction, tolerance))
    failed = min((one.order for one in found if not one.ok), default=None)
    worst = None if failed is None else worst_node(trace(fn, *args, **kwargs), failed, tolerance)
    return Report(function=title_of(fn), comparisons=tuple(found), worst=worst)


def _direction(chance: random.Random, point: Sequence[float]) -> list[float]:
    """A random direction, each entry to the scale of its number."""
    return [chance.choice((-1.0, 1.0)) * chance.uniform(0.5, 1.0) * max(abs(x), 0.1) for x in point]


class _Problem:
    """The function as one of a list of numbers, with a number for its result."""

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], chance: random.Random
    ) -> None:
        self._fn, self._args, self._kwargs = fn, list(args), kwargs
        count = len(leaves(fn(*args, **kwargs)))
        if not count:
            raise InputError(f"{title_of(fn)} returned no number: there is nothing to differentiate")
        self._weights = [1.0] if count == 1 else [chance.uniform(0.5, 1.0) for _ in range(count)]

    def value(self, point: Sequence[Any], fn: Callable[..., Any]) -> Any:
        """The function is an argument too: there a trace finds it."""
        numbers = iter(point)
        args = map_leaves(self._args, lambda leaf: next(numbers))
        result = [leaf for _, leaf in leaves(fn(*args, **self._kwargs))]
        total = self._weights[0] * result[0]
        for weight, leaf in zip(self._weights[1:], result[1:], strict=True):
            total = total + weight * leaf
        return total

    def gradient(self, point: Sequence[Any]) -> list[Any]:
        _, pullback = vjp(self.value, list(point), self._fn)
        found: list[Any] = pullback(1.0)[0]
        return found

    def first(self, point: list[float], along: list[float], direction: int, tolerance: float) -> Comparison:
        terms = [a * b for a, b in zip(self.gradient(point), along, strict=True)]
        return _compare(
            1, direction, terms, lambda t: float(self.value(_moved(point, along, t), self._fn)), tolerance
        )

    def second(
        self, point: list[float], along: list[float], other: list[float], direction: int, tolerance: float
    ) -> Comparison:
        def slope(at: Sequence[Any]) -> Any:
            return math.fsum(a * b for a, b in zip(self.gradient(at), other, strict=True))

        _, pullback = vjp(slope, list(point))
        terms = [a * b for a, b in zip(pullback(1.0)[0], along, strict=True)]
        return _compare(2, direction, terms, lambda t: float(slope(_moved(point, along, t))), tolerance)


def _moved(point: Sequence[float], along: Sequence[float], t: float) -> list[float]:
    return [x + t * v for x, v in zip(point, along, strict=True)]


def _compare(
    order: int, direction: int, terms: Sequence[float], f: Callable[[float], float], tolerance: float
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
    order: int, direction: int, terms: Sequence[float], estimate: Difference, tolerance: float
) -> Comparison:
    total = math.fsum(terms)
    allowed = _allowed(math.fsum(map(abs, terms)), estimate, tolerance)
    return Comparison(
        order=order, direction=direction, chain_rule=total, difference=estimate.value, tolerance=allowed,
        step=estimate.step,
    )  # fmt: skip


def _allowed(magnitude: float, estimate: Difference, tolerance: float) -> float:
    scale = max(magnitude, abs(estimate.value))
    return max(tolerance * scale, min(10 * estimate.error, 1e-3 * scale), 1e-13)


# ---- who is to blame --------------------------------------------------------------------------------------


def worst_node(t: Trace, order: int, tolerance: float = 1e-6) -> Suspect | None:
    """The operation of a trace whose local gradient (or its derivative) is farthest from differences of it."""
    worst: tuple[float, Suspect] | None = None
    for index, primitive in enumerate(t.graph.primitives):
        if primitive in (INPUT, CONST):
            continue
        for slot, by, local, estimate in _locals(t, index, order):
            badness = abs(local - estimate.value) / _allowed(abs(local), estimate, tolerance)
            if badness > 1 and (worst is None or badness > worst[0]):
                node = t.nodes[index]
                worst = badness, Suspect(
                    node=node, order=order, slot=slot if order == 1 else by, local=local,
                    difference=estimate.value,
                )  # fmt: skip
    return None if worst is None else worst[1]


def _locals(t: Trace, index: int, order: int) -> Iterator[tuple[int, int, float, Difference]]:
    """(slot, slot, derivative, difference) for the operands of a node that vary."""
    graph = t.graph
    primitive = graph.primitives[index]
    sources = graph.operands_of(index)
    varies = [slot for slot, source in enumerate(sources) if graph.primitives[source] is not CONST]
    static = graph.params.get(index, ())
    values = [float(graph.values[source]) for source in sources]

    def local(slot: int, at: Sequence[Any]) -> Any:
        out = bind(primitive, *at, *static)
        wanted = [slot == other for other in range(len(sources))]
        return local_gradients(primitive, out, [*at, *static], wanted)[slot]

    for slot in varies:
        if order == 1:
            moved = _shifting(lambda at: float(bind(primitive, *at, *static)), values, slot)
            yield slot, slot, local(slot, values), derivative_at_zero(moved, abs(values[slot]) or 1.0)
            continue
        _, pullback = vjp(functools.partial(local, slot), list(values))
        found = pullback(1.0)[0]
        for by in varies:
            moved = _shifting(functools.partial(local, slot), values, by)
            yield slot, by, found[by], derivative_at_zero(moved, abs(values[by]) or 1.0)


def _shifting(f: Callable[[list[float]], float], values: list[float], slot: int) -> Callable[[float], float]:
    return lambda t: f([*values[:slot], values[slot] + t, *values[slot + 1 :]])
