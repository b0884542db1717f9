"""Arithmetic that never raises: where a local gradient is taken at a pole or beyond a domain.

``math`` and Python's floats raise where IEEE 754 has an answer (``1 / 0.0``, ``math.log(0)``).  A rule is
evaluated in ordinary floats first; only if that raises is it evaluated again on :class:`Ieee` numbers and
with the functions of :data:`IEEE`, so that it ends in inf or nan.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

# names, not attributes of math: these are replaced while a trace is open
from math import copysign, fmod, inf, isfinite, log, nan, pow
from numbers import Real
from typing import Any

from tracegrad.primitives import Primitive, namespace, partials


class Ieee(float):
    """A float whose operators follow IEEE 754 instead of raising."""

    __slots__ = ()


# ---- operators --------------------------------------------------------------------------------------


def divide(a: float, b: float) -> float:
    """a / b, also for b = 0.

    >>> divide(1.0, -0.0), divide(0.0, 0.0)
    (-inf, nan)
    """
    if b != 0:
        return a / b
    return nan if a == 0 or a != a else copysign(inf, a) * copysign(1.0, b)


def floor_divide(a: float, b: float) -> float:
    """a // b, also for b = 0."""
    return a // b if b != 0 else divide(a, b)


def power(a: float, b: float) -> float:
    """a ** b as C's ``pow`` has it, where Python raises or turns complex.

    >>> power(0.0, -0.5), power(-0.0, -3.0), power(-8.0, 0.5), power(-1e200, 3.0)
    (inf, -inf, nan, -inf)
    """
    odd = abs(fmod(b, 2)) == 1 if isfinite(b) else False
    try:
        return pow(a, b)
    except OverflowError:
        return -inf if a < 0 and odd else inf
    except ValueError:
        if a != 0:
            return nan
        return copysign(inf, a) if odd else inf


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": divide,
    "floordiv": floor_divide,
    "pow": power,
}


def _install(name: str, function: Callable[[float, float], float]) -> None:
    def method(self: float, other: float) -> Ieee:
        return Ieee(function(float(self), float(other)))

    def reflected(self: float, other: float) -> Ieee:
        return Ieee(function(float(other), float(self)))

    setattr(Ieee, f"__{name}__", method)
    setattr(Ieee, f"__r{name}__", reflected)


for _name, _function in OPERATORS.items():
    _install(_name, _function)
Ieee.__neg__ = lambda self: Ieee(-float(self))  # type: ignore[method-assign]
Ieee.__abs__ = lambda self: Ieee(abs(float(self)))  # type: ignore[method-assign]

# ---- functions --------------------------------------------------------------------------------------


def _log(x: float) -> float:
    return -inf if x == 0 else log(x)


def total(row: Primitive) -> Callable[..., Any]:
    """A row's function with inf for overflow and nan outside of its domain.

    Among the functions that rules call, those that overflow (exp, cosh, ldexp of 1) are positive, but for
    sinh, which is only called beside a cosh that exists.
    """
    function = _log if row.name == "log" else row.forward
    static = len(row.params)

    def guarded(*args: Any) -> Any:
        if static:
            args = (*args[:-static], *map(_whole, args[-static:]))
        try:
            result = function(*args)
        except (OverflowError, ZeroDivisionError):
            result = inf
        except ValueError:
            result = nan
        return Ieee(result) if isinstance(result, float) else result

    return guarded


def _whole(number: Any) -> Any:
    """Static data as it was before :func:`lift`."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


#: the ``m`` of rules on :class:`Ieee` numbers
IEEE = namespace(total)

# ---- local gradients at poles -----------------------------------------------------------------------


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


def _is_real(number: Any) -> bool:
    return isinstance(number, Real)


def lift(number: Any) -> Any:
    """A plain number as :class:`Ieee`; anything else (static data) as it is.

    A pole at zero is approached from above: ``math.sqrt(-0.0)`` has the slope inf, not -inf.
    """
    if not _is_real(number):
        return number
    try:
        return Ieee(number + 0.0)
    except OverflowError:
        return Ieee(inf if number > 0 else -inf)


def plain(number: Any) -> Any:
    """Back to a plain float."""
    return float(number) if type(number) is Ieee else number
