"""Local gradients at zeros, infinities, ties, poles and ends of domains: the conventions, written out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from row_samples import local_gradients

import tracegrad
from tracegrad.ieee import IEEE, Ieee, lift, partials_at_pole, plain
from tracegrad.primitives import TABLE, bind

INF, NAN = math.inf, math.nan
TINY = 5e-324
E_TWO = 2.0 / math.sqrt(math.pi)

#: row, operands and static data, local gradients
EXPECTED: list[tuple[str, tuple[Any, ...], list[float]]] = [
    # operators
    ("add", (INF, -INF), [1.0, 1.0]),
    ("sub", (NAN, 0.0), [1.0, -1.0]),
    ("mul", (0.0, INF), [INF, 0.0]),
    ("mul", (-0.0, 3.0), [3.0, -0.0]),
    ("mul", (NAN, 2.0), [2.0, NAN]),
    ("div", (0.0, 2.0), [0.5, -0.0]),
    ("div", (1.0, INF), [0.0, -0.0]),
    ("div", (1.0, -INF), [-0.0, -0.0]),
    ("div", (INF, 2.0), [0.5, -INF]),
    ("div", (1.0, 1e-310), [INF, -INF]),
    ("floordiv", (7.0, 2.0), [0.0, 0.0]),
    ("floordiv", (6.0, 2.0), [0.0, 0.0]),
    ("mod", (6.0, 2.0), [1.0, -3.0]),
    ("mod", (-7.0, 2.0), [1.0, 4.0]),
    ("mod", (7.0, -2.0), [1.0, 4.0]),
    ("mod", (1.0, INF), [1.0, -0.0]),
    ("mod", (-1.0, INF), [1.0, 1.0]),
    ("neg", (-0.0,), [-1.0]),
    ("pos", (NAN,), [1.0]),
    ("abs", (0.0,), [0.0]),
    ("abs", (-0.0,), [0.0]),
    ("abs", (-INF,), [-1.0]),
    ("abs", (NAN,), [NAN]),
    ("fabs", (0,), [0.0]),
    ("fabs", (-TINY,), [-1.0]),
    ("round_digits", (0.25, 1), [0.0]),
    # powers: d/dx at zero is 0 for y > 1, 1 for y = 1, inf below; d/dy at zero is 0
    ("power", (0.0, 3.0), [0.0, 0.0]),
    ("power", (0.0, 2.0), [0.0, 0.0]),
    ("power", (0.0, 1.5), [0.0, 0.0]),
    ("power", (0.0, 1.0), [1.0, 0.0]),
    ("power", (0.0, 0.5), [INF, 0.0]),
    ("power", (-0.0, 0.5), [INF, 0.0]),
    ("power", (0.0, 0.0), [0.0, 0.0]),
    ("power", (0, 2), [0.0, 0.0]),
    ("power", (0, 0), [0.0, 0.0]),
    ("power", (2.0, 0.0), [0.0, math.log(2.0)]),
    ("power", (1.0, INF), [INF, 0.0]),
    ("power", (-2.0, 3.0), [12.0, NAN]),
    ("power", (-2.0, -1.0), [-0.25, NAN]),
    ("power", (INF, 2.0), [INF, INF]),
    ("power", (1e-200, -1.0), [-INF, 1e200 * math.log(1e-200)]),
    ("pow", (0.0, 3.0), [0.0, 0.0]),
    ("pow", (0.0, 0.5), [INF, 0.0]),
    ("pow", (0.0, 0.0), [0.0, 0.0]),
    ("pow", (-2.0, 2.0), [-4.0, NAN]),
    ("literal_power", (0.0, 0), [0.0]),
    ("literal_power", (0.0, 1), [1.0]),
    ("literal_power", (0.0, 2), [0.0]),
    ("literal_power", (0, 2), [0.0]),
    ("literal_power", (-0.0, 2), [-0.0]),
    ("literal_power", (0.0, 0.5), [INF]),
    ("literal_power", (-0.0, 0.5), [INF]),
    ("literal_power", (0, 0.5), [INF]),
    ("literal_power", (0.0, 1.5), [0.0]),
    ("literal_power", (-3.0, 0), [0.0]),
    ("literal_power", (-3.0, 1), [1.0]),
    ("literal_power", (-3.0, 2), [-6.0]),
    ("literal_power", (-2.0, -1), [-0.25]),
    ("literal_power", (-2.0, 3.0), [12.0]),
    ("literal_power", (INF, -1), [-0.0]),
    ("literal_power", (NAN, 0), [0.0]),
    ("literal_power", (NAN, 2), [NAN]),
    ("literal_power", (-1e-200, -1), [-INF]),
    # gates of several operands
    ("max", (1.0, 1.0), [1.0, 0.0]),
    ("max", (0.0, 2.0, 2.0), [0.0, 1.0, 0.0]),
    ("max", (1, 1.0), [1.0, 0.0]),
    ("max", (-0.0, 0.0), [1.0, 0.0]),
    ("max", (NAN, 1.0), [1.0, 0.0]),
    ("max", (1.0, NAN), [1.0, 0.0]),
    ("max", (3.0,), [1.0]),
    ("min", (1.0, 1.0), [1.0, 0.0]),
    ("min", (NAN, 1.0), [1.0, 0.0]),
    ("min", (INF, -INF), [0.0, 1.0]),
    ("fmax", (NAN, 1.0), [0.0, 1.0]),
    ("fmin", (2.0, 2.0), [1.0, 0.0]),
    ("sum", (INF, 1.0), [1.0, 1.0]),
    ("sum_from", (NAN, 1.0), [1.0, 1.0]),
    ("fsum", (INF, 1.0), [1.0, 1.0]),
    ("prod", (0.0, 2.0, 3.0), [6.0, 0.0, 0.0]),
    ("prod", (2.0, 0.0, 3.0), [0.0, 6.0, 0.0]),
    ("prod", (0.0, 0.0, 3.0), [0.0, 0.0, 0.0]),
    ("prod", (5.0,), [1.0]),
    ("stdev", (2.0, 2.0), [0.0, 0.0]),
    ("pstdev", (2.0, 2.0, 2.0), [0.0, 0.0, 0.0]),
    ("hypot", (0.0, 0.0), [0.0, 0.0]),
    ("hypot", (-0.0,), [0.0]),
    ("hypot", (-3.0,), [-1.0]),
    ("hypot", (3.0, INF), [0.0, NAN]),
    ("dist", (1.0, 2.0, 1.0, 2.0), [0.0, 0.0, 0.0, 0.0]),
    ("sumprod", (0.0, 1.0, 2.0, INF), [2.0, INF, 0.0, 1.0]),
    ("mean", (INF, 1.0), [0.5, 0.5]),
    ("variance", (2.0, 2.0), [0.0, 0.0]),
    ("stdev", (2.0, 2.0), [0.0, 0.0]),
    ("pstdev", (2.0, 2.0, 2.0), [0.0, 0.0, 0.0]),
    ("pstdev", (7.0,), [0.0]),
    # functions at the ends of their domains
    ("exp", (-INF,), [0.0]),
    ("exp", (INF,), [INF]),
    ("exp", (NAN,), [NAN]),
    ("exp2", (-INF,), [0.0]),
    ("expm1", (-INF,), [0.0]),
    ("log", (INF,), [0.0]),
    ("log", (TINY,), [INF]),
    ("log2", (INF,), [0.0]),
    ("log10", (INF,), [0.0]),
    ("log1p", (INF,), [0.0]),
    ("sqrt", (0.0,), [INF]),
    ("sqrt", (-0.0,), [INF]),
    ("sqrt", (0,), [INF]),
    ("sqrt", (INF,), [0.0]),
    ("cbrt", (0.0,), [INF]),
    ("cbrt", (-0.0,), [INF]),
    ("cbrt", (-8.0,), [1.0 / 12.0]),
    ("sin", (0.0,), [1.0]),
    ("cos", (0.0,), [-0.0]),
    ("tan", (-0.0,), [1.0]),
    ("asin", (1.0,), [INF]),
    ("asin", (-1.0,), [INF]),
    ("acos", (1.0,), [-INF]),
    ("acos", (-1,), [-INF]),
    ("atan", (INF,), [0.0]),
    ("atan", (-INF,), [0.0]),
    ("atan2", (0.0, 0.0), [NAN, NAN]),
    ("atan2", (-0.0, -0.0), [NAN, NAN]),
    ("atan2", (0.0, 2.0), [0.5, -0.0]),
    ("atan2", (0.0, -2.0), [-0.5, -0.0]),
    ("atan2", (2.0, 0.0), [0.0, -0.5]),
    ("sinh", (INF,), [INF]),
    ("cosh", (-INF,), [-INF]),
    ("tanh", (INF,), [0.0]),
    ("tanh", (-INF,), [0.0]),
    ("tanh", (1000.0,), [0.0]),
    ("tanh", (0.0,), [1.0]),
    ("asinh", (INF,), [0.0]),
    ("acosh", (1.0,), [INF]),
    ("acosh", (INF,), [0.0]),
    ("erf", (INF,), [0.0]),
    ("erf", (0.0,), [E_TWO]),
    ("erf", (1e200,), [0.0]),
    ("erfc", (-INF,), [-0.0]),
    ("gamma", (INF,), [INF]),
    ("lgamma", (INF,), [INF]),
    ("lgamma", (-INF,), [NAN]),
    ("digamma", (0.0,), [NAN]),
    ("polygamma", (-2.0, 1), [NAN]),
    ("degrees", (NAN,), [math.degrees(1.0)]),
    # kinked functions, and those that take a float to pieces
    ("sign", (0.0,), [0.0]),
    ("copysign", (2.0, -3.0), [-1.0, 0.0]),
    ("copysign", (-2.0, -3.0), [1.0, 0.0]),
    ("copysign", (-2.0, 0.0), [-1.0, 0.0]),
    ("copysign", (0.0, -0.0), [-1.0, 0.0]),
    ("copysign", (-0.0, -0.0), [1.0, 0.0]),
    ("fmod", (6.0, 2.0), [1.0, -3.0]),
    ("fmod", (-7.0, 2.0), [1.0, 3.0]),
    ("fmod", (7.0, -2.0), [1.0, 3.0]),
    ("fmod", (1.0, INF), [1.0, 0.0]),
    ("fmod", (0.7, 0.1), [1.0, -6.0]),
    ("fmod", (1e300, 1e-300), [1.0, -INF]),
    ("remainder", (5.0, 2.0), [1.0, -2.0]),
    ("remainder", (7.0, 2.0), [1.0, -4.0]),
    ("remainder", (-7.0, 2.0), [1.0, 4.0]),
    ("nextafter", (1.0, INF), [1.0, 0.0]),
    ("nextafter_steps", (1.0, 1.0, 4), [1.0, 0.0]),
    ("ulp", (0.0,), [0.0]),
    ("fma", (0.0, 2.0, INF), [2.0, 0.0, 1.0]),
    ("ldexp", (0.0, 3), [8.0]),
    ("ldexp", (TINY, 1100), [INF]),
    ("ldexp", (1.0, -2000), [0.0]),
    ("frexp_mantissa", (0.0,), [1.0]),
    ("frexp_mantissa", (INF,), [1.0]),
    ("frexp_mantissa", (8.0,), [1.0 / 16.0]),
    ("frexp_mantissa", (TINY,), [INF]),
    ("modf_fraction", (3.0,), [1.0]),
    ("modf_fraction", (INF,), [1.0]),
    ("modf_whole", (3.0,), [0.0]),
]  # fmt: skip

#: what the plain function refuses; a rule alone still has an answer
BEYOND: list[tuple[str, tuple[Any, ...], float, list[float]]] = [
    ("div", (1.0, 0.0), INF, [INF, -INF]),
    ("div", (0.0, 0.0), NAN, [INF, NAN]),
    ("log", (0.0,), -INF, [INF]),
    ("log1p", (-1.0,), -INF, [INF]),
    ("atanh", (1.0,), INF, [INF]),
    ("acosh", (0.5,), NAN, [NAN]),
    ("asin", (2.0,), NAN, [NAN]),
    ("cosh", (1000.0,), INF, [INF]),
    ("sinh", (1000.0,), INF, [INF]),
    ("expm1", (1000.0,), INF, [INF]),
    ("power", (0.0, -1.0), INF, [-INF, -INF]),
    ("literal_power", (0.0, -1.0), INF, [-INF]),
    ("mod", (1.0, 0.0), NAN, [1.0, -INF]),
]


def existing(cases: list[Any]) -> Any:
    """The cases of rows that this Python has, with readable ids."""
    return [pytest.param(*case, id=f"{case[0]}{case[1]}") for case in cases if case[0] in TABLE]


def texts(numbers: list[Any]) -> list[str]:
    """Numbers for comparison: nan equals nan, and 0.0 is not -0.0."""
    return [repr(float(number)) for number in numbers]


@pytest.mark.parametrize(("name", "args", "expected"), existing(EXPECTED))
def test_convention(name: str, args: tuple[Any, ...], expected: list[float]) -> None:
    row = TABLE[name]
    assert texts(local_gradients(row, args)) == texts(expected)


@pytest.mark.parametrize(("name", "args", "expected"), existing(EXPECTED))
def test_convention_through_the_interpreter(name: str, args: tuple[Any, ...], expected: list[float]) -> None:
    row = TABLE[name]
    operands, static = args[: len(expected)], args[len(expected) :]
    for slot, partial in enumerate(expected):
        found = tracegrad.grad(lambda *xs: bind(row, *xs, *static), argnums=slot)(*operands)
        assert texts([found]) == texts([partial])


@pytest.mark.parametrize(("name", "args", "out", "expected"), existing(BEYOND))
def test_rules_where_the_plain_function_raises(
    name: str, args: tuple[Any, ...], out: float, expected: list[float]
) -> None:
    with pytest.raises((ArithmeticError, ValueError)):
        TABLE[name].forward(*args)
    assert texts(partials_at_pole(TABLE[name], out, args)) == texts(expected)


def test_every_row_with_a_kink_is_in_the_table_of_conventions() -> None:
    shown = {name for name, *_ in EXPECTED + BEYOND}
    unexpressed = {row.name for row in TABLE.values() if row.kink} - shown
    assert unexpressed <= {"log_base", "pole"}


# ---- arithmetic that never raises -----------------------------------------------------------------------


def test_ieee_operators() -> None:
    one, zero = Ieee(1.0), Ieee(0.0)
    assert [one / zero, -one / zero, one // zero] == [INF, -INF, INF]
    assert math.isnan(zero / zero)
    assert [1 / zero, 2 - one, 2 + one, 3 * one, 2**one] == [INF, 1.0, 3.0, 3.0, 2.0]
    assert Ieee(1e200) ** 2 == INF
    assert Ieee(-1e200) ** 3 == -INF
    assert type(one + 1) is type(-one) is type(abs(one)) is type(1 / one) is Ieee


def test_ieee_functions() -> None:
    assert IEEE.exp(Ieee(1000.0)) == INF
    assert IEEE.log(Ieee(0.0)) == -INF
    assert math.isnan(IEEE.sqrt(Ieee(-1.0)))
    assert IEEE.ldexp(Ieee(1.0), Ieee(3.0)) == 8.0
    assert type(IEEE.cos(Ieee(0.0))) is Ieee


def test_lift_and_back() -> None:
    assert lift(10**400) == INF
    assert lift(-(10**400)) == -INF
    assert lift("text") == "text"
    assert math.copysign(1.0, lift(-0.0)) == 1.0
    assert type(plain(lift(2))) is float
    assert plain("text") == "text"


@pytest.mark.parametrize("x", [-1e308, -745.0, 711.0, 1e16, math.inf])
def test_where_tanh_saturates_its_derivatives_of_every_order_are_zero(x: float) -> None:
    f = math.tanh
    for _ in range(4):
        f = tracegrad.grad(f)
        assert f(x) == 0.0
