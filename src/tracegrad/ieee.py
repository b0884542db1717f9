"""Arithmetic that never raises: where a local gradient is taken at a pole or beyond a domain.

``math`` and Python's floats raise where IEEE 754 has an answer (``1 / 0.0``, ``math.log(0)``).  A rule is evaluated
in ordinary floats first; only if that raises is it evaluated again on :class:`Ieee` numbers and with the functions of
:data:`IEEE`, so that it ends in inf or nan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from tracegrad.primitives import Primitive, namespace, partials


def _sign_bit(x: float) -> float:
    return math.copysign(1.0, x)


def divide(a: float, b: float) -> float:
    """a / b with the results of IEEE 754 at b = 0."""
    if b != 0:
        return a / b
    return math.nan if a == 0 or a != a else math.inf * _sign_bit(a) * _sign_bit(b)


def power(a: float, b: float) -> float:
    """a ** b with the results of C's ``pow`` where Python raises or turns complex."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and math.fmod(b, 2) else math.inf
    except ValueError:
        if a != 0:
            return math.nan
        return math.inf * (_sign_bit(a) if math.fmod(b, 2) else 1.0)


def total(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with inf for overflow and nan outside of its domain."""

    def guarded(*args: Any) -> Any:
        try:
            result = function(*args)
        except (OverflowError, ZeroDivisionError):
            result = math.inf
        except ValueError:
            result = math.nan
        return Ieee(result) if type(result) is float else result

    return guarded


def _log(x: float) -> float:
    return -math.inf if x == 0 else math.log(x)


class Ieee(float):
    """A float whose operators follow IEEE 754 instead of raising."""

    __slots__ = ()


def _install(name: str, function: Callable[[Any, Any], Any]) -> None:
    def method(self: float, other: float) -> Ieee:
        return Ieee(function(float(self), float(other)))

    def reflected(self: float, other: float) -> Ieee:
        return Ieee(function(float(other), float(self)))

    setattr(Ieee, f"__{name}__", method)
    setattr(Ieee, f"__r{name}__", reflected)


for _name, _function in {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": divide,
    "pow": power,
}.items():
    _install(_name, _function)
Ieee.__neg__ = lambda self: Ieee(-float(self))  # type: ignore[method-assign]
Ieee.__abs__ = lambda self: Ieee(abs(float(self)))  # type: ignore[method-assign]


def _total_forward(row: Primitive) -> Callable[..., Any]:
    return total(_log if row.name == "log" else row.forward)


#: the ``m`` of rules on :class:`Ieee` numbers
IEEE = namespace(_total_forward)


def partials_at_pole(row: Primitive, out: float, args: Sequence[Any]) -> list[Any]:
    """The local gradients where :func:`tracegrad.primitives.partials` raises: with inf and nan.

    >>> from tracegrad.primitives import TABLE
    >>> partials_at_pole(TABLE["sqrt"], 0.0, (0.0,))
    [inf]
    """
    return [plain(value) for value in partials(row, IEEE, lift(out), [lift(arg) for arg in args])]


def rule_at_pole(rule: Callable[..., Any], out: Any, *args: Any) -> Any:
    """One rule of a row, where it raises on plain numbers."""
    return plain(rule(IEEE, lift(out), *(lift(arg) for arg in args)))


def lift(number: Any) -> Any:
    """A plain number as :class:`Ieee`; anything else (static data) as it is."""
    if not isinstance(number, Real):
        return number
    try:
        return Ieee(number)
    except OverflowError:
        return Ieee(math.inf if number > 0 else -math.inf)


def plain(number: Any) -> Any:
    """Back to a plain float."""
    return float(number) if type(number) is Ieee else number
