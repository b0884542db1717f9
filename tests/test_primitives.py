"""The primitive table, walked row by row: values, local gradients, second order, and the walk's completeness."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from row_samples import (
    LEAVES,
    MATHEMATICS,
    PYTHON_ONLY,
    SMOOTH,
    STEPS,
    TAKEN_APART,
    exact_partial,
    local_gradients,
    mp,
    plain_function,
    samples,
    split,
)

import tracegrad
from tracegrad.primitives import PLAIN, TABLE, Primitive, bind, partials

each_row = pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)


def same(a: Any, b: Any) -> bool:
    """Equal to the bit: 1 is not 1.0, 0.0 is not -0.0, nan is nan."""
    return type(a) is type(b) and repr(a) == repr(b)


# ---- the walk ---------------------------------------------------------------------------------------


def test_every_row_is_walked() -> None:
    walked = {row.name for row in SMOOTH}
    assert walked <= MATHEMATICS.keys()
    assert walked | (STEPS.keys() & TABLE.keys()) | LEAVES == TABLE.keys()


def test_every_function_of_math_has_a_row() -> None:
    functions = {name for name, value in vars(math).items() if callable(value) and not name.startswith("_")}
    rows = set(TABLE)
    missing = {name for name in functions if not TAKEN_APART.get(name, {name}) <= rows}
    assert not missing


@each_row
def test_rows_are_complete(row: Primitive) -> None:
    assert row.symbol
    assert row.python
    assert bool(row.c) is bool(row.numpy) is (row.name not in PYTHON_ONLY)
    assert row.domain
    assert all(low < high for low, high in row.domain)
    if not row.variadic:
        assert len(row.rules) == len(row.domain)  # type: ignore[arg-type]
        assert all(callable(rule) or type(rule) is float for rule in row.rules)  # type: ignore[union-attr]


@each_row
def test_value_is_that_of_the_plain_function(row: Primitive) -> None:
    function = plain_function(row)
    for args in samples(row, 40):
        value = bind(row, *args)
        if row.name in {"digamma", "polygamma"}:
            assert value == pytest.approx(function(*args), rel=1e-14)
        else:
            assert same(value, function(*args)), args


@each_row
def test_partials_against_50_digits(row: Primitive) -> None:
    for args in samples(row, 12 if row.params else 30):
        found = local_gradients(row, args)
        numbers, _ = split(row, args)
        assert len(found) == len(numbers)
        for slot, partial in enumerate(found):
            exact = exact_partial(row, args, slot)
            assert abs(partial - exact) <= 1e-13 * abs(exact), (args, slot)


def applied(row: Primitive, static: tuple[Any, ...]) -> Callable[..., Any]:
    return lambda *numbers: bind(row, *numbers, *static)


@each_row
def test_second_order_against_50_digits(row: Primitive) -> None:
    for args in samples(row, 3):
        numbers, static = split(row, args)
        function = applied(row, static)
        for i in range(len(numbers)):
            for j in range(len(numbers)):
                found = tracegrad.grad(tracegrad.grad(function, argnums=i), argnums=j)(*numbers)
                exact = exact_partial(row, args, i, j)
                assert abs(found - exact) <= 1e-12 * max(abs(exact), 1e-3), (args, i, j)


def richardson(function: Callable[[float], float], x: float, h: float) -> float:
    """The derivative from differences: the error of order h² and h⁴ is extrapolated away."""

    def central(h: float) -> float:
        return (function(x + h) - function(x - h)) / ((x + h) - (x - h))

    coarse, middle, fine = central(h), central(h / 2), central(h / 4)
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    return (16 * second - first) / 15


def along(function: Callable[..., Any], at: tuple[float, ...], slot: int) -> Callable[[float], Any]:
    """The function as one of the operand in ``slot``, the others as they are."""
    return lambda x: function(*at[:slot], x, *at[slot + 1 :])


@each_row
def test_orders_one_and_two_against_differences(row: Primitive) -> None:
    for args in samples(row, 4, margin=0.02):
        numbers, static = split(row, args)
        function = applied(row, static)
        for i, x in enumerate(numbers):
            # a small part of the domain, and of the distance to a pole at zero
            h = min(0.01 * (row.domain[i][1] - row.domain[i][0]), 0.05 * abs(x))

            slope = richardson(along(function, numbers, i), x, h)
            assert tracegrad.grad(function, argnums=i)(*numbers) == pytest.approx(slope, rel=1e-6, abs=1e-6)
            first = tracegrad.grad(function, argnums=0)
            curvature = richardson(along(first, numbers, i), x, h)
            second = tracegrad.grad(first, argnums=i)(*numbers)
            assert second == pytest.approx(curvature, rel=1e-6, abs=1e-6), (args, i)


@pytest.mark.parametrize("name", [name for name in STEPS if name in TABLE])
def test_steps_give_plain_results(name: str) -> None:
    row = TABLE[name]
    assert row.step
    assert row.rules == ()
    for args, expected in STEPS[name]:
        assert same(bind(row, *args), expected)


def test_isclose_has_the_tolerances_of_math() -> None:
    assert bind(TABLE["isclose"], 1.0, 1.0 + 5e-10) is math.isclose(1.0, 1.0 + 5e-10) is True
    assert bind(TABLE["isclose"], 1.0, 1.0 + 2e-9) is math.isclose(1.0, 1.0 + 2e-9) is False


def test_leaves() -> None:
    for name in ("input", "const"):
        assert same(bind(TABLE[name], 3), 3)
        assert TABLE[name].rules == ()
    pole = TABLE["pole"]
    assert same(bind(pole, 1.0, 2.0, math.inf), math.inf)
    assert all(map(math.isnan, partials(pole, PLAIN, math.inf, (1.0, 2.0, math.inf))))
    assert len(partials(pole, PLAIN, math.inf, (1.0, 2.0, math.inf))) == 2


def test_bind_asks_the_class_of_an_argument() -> None:
    class Recorder:
        def _tracegrad_bind_(self, row: Primitive, args: tuple[Any, ...]) -> Any:
            return row.name, args

    recorder = Recorder()
    assert bind(TABLE["add"], 1.0, recorder) == ("add", (1.0, recorder))


# ---- whole numbers, fractions, truth values -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "value", "gradients"),
    [
        ("add", (3, 4), 7, [1.0, 1.0]),
        ("mul", (3, 4), 12, [4, 3]),
        ("div", (6, 4), 1.5, [0.25, -0.375]),
        ("floordiv", (7, 2), 3, [0.0, 0.0]),
        ("mod", (-7, 3), 2, [1.0, 3]),
        ("power", (3, 2), 9, [6, 9 * math.log(3)]),
        ("power", (2, -1), 0.5, [-0.25, 0.5 * math.log(2)]),
        ("literal_power", (3, 2), 9, [6]),
        ("literal_power", (-3, 2), 9, [-6]),
        ("literal_power", (2, -1), 0.5, [-0.25]),
        ("literal_power", (2.0, Fraction(1, 2)), 2.0**0.5, [0.5 * 2.0**-0.5]),
        ("literal_power", (2.0, True), 2.0, [1.0]),
        ("mul", (2.0, Fraction(1, 2)), 1.0, [Fraction(1, 2), 2.0]),
        ("mul", (True, 2.0), 2.0, [2.0, True]),
        ("sum", (1, 2, 3), 6, [1.0, 1.0, 1.0]),
        ("sum_from", (1, 2, 3), 6, [1.0, 1.0, 1.0]),
        ("prod", (2, 3, 4), 24, [12.0, 8.0, 6.0]),
        ("max", (1, 2), 2, [0.0, 1.0]),
        ("abs", (-3,), 3, [-1.0]),
        ("float", (-3,), -3.0, [1.0]),
        ("round_digits", (15, -1), 20, [0.0]),
        ("pow", (3, 2), 9.0, [6, 9.0 * math.log(3)]),
        ("sqrt", (4,), 2.0, [0.25]),
        ("gamma", (3,), 2.0, [2.0 * 0.9227843350984671]),
    ],
)
def test_numbers_of_other_kinds(name: str, args: Any, value: Any, gradients: list[Any]) -> None:
    assert same(bind(TABLE[name], *args), value)
    assert local_gradients(TABLE[name], args)[: len(gradients)] == pytest.approx(
        list(map(float, gradients)), rel=1e-15
    )


HUGE = 10**400


def same_size(a: Any, b: Any) -> bool:
    """Equal, or close where both are floats."""
    return a == b or (type(a) is type(b) is float and math.isclose(a, b, rel_tol=1e-15))


@pytest.mark.parametrize(
    ("name", "args", "gradients"),
    [
        ("add", (HUGE, 1), [1.0, 1.0]),
        ("mul", (HUGE, 3), [3, HUGE]),
        ("div", (HUGE, HUGE // 10), [0.0, 0.0]),
        ("div", (1, HUGE), [0.0, 0.0]),
        ("mod", (HUGE, 7), [1.0, -(HUGE // 7)]),
        ("literal_power", (10, 400), [400 * 10**399]),
        ("literal_power", (HUGE, 2), [2 * HUGE]),
        ("power", (10, 400), [400 * 10**399, math.inf]),
        ("log", (HUGE,), [0.0]),
        ("log2", (HUGE,), [0.0]),
        ("log10", (HUGE,), [0.0]),
        ("log_base", (HUGE, 10), [0.0, -400 / 10 / math.log(10)]),
        ("abs", (-HUGE,), [-1.0]),
        ("max", (HUGE, 1), [1.0, 0.0]),
        ("sum", (HUGE, 1), [1.0, 1.0]),
        ("prod", (HUGE, 2), [2.0, math.inf]),
        ("atan", (10**200,), [0.0]),
        ("erf", (10**200,), [0.0]),
        ("lgamma", (10**200,), [200 * math.log(10)]),
    ],
)
def test_huge_whole_numbers(name: str, args: Any, gradients: list[Any]) -> None:
    found = local_gradients(TABLE[name], args)
    for partial, expected in zip(found, gradients, strict=True):
        assert same_size(partial, expected)


# ---- far from one ---------------------------------------------------------------------------------------

EXTREMES: dict[str, list[tuple[Any, ...]]] = {
    "div": [(1e-250, 1e-200), (1e200, 1e-100), (1e-200, 1e100), (3e300, 7e300)],
    "power": [(1e-200, 1.5), (1e200, 1.5), (1e-100, -2.0), (1.0 + 2e-16, 1e17)],
    "literal_power": [
        (1e-150, 2),
        (1e150, 2),
        (1e-100, -2),
        (-1e100, 3),
        (-2.0, -1),
        (-2.5, 3.0),
        (-1e-300, 2),
    ],
    "pow": [(1e-200, 1.5), (1e200, 1.5)],
    "exp": [(-700.0,), (700.0,)],
    "expm1": [(-700.0,), (-40.0,), (1e-300,), (700.0,)],
    "log": [(1e-300,), (1e300,)],
    "log2": [(1e-300,), (1e307,)],
    "log10": [(1e-300,), (1e307,)],
    "log1p": [(-1.0 + 2e-16,), (1e-300,), (1e300,)],
    "log_base": [(1e307, 10.0), (1e-300, 2.0), (5.0, 1.0 + 1e-10)],
    "sqrt": [(1e-300,), (1e300,)],
    "cbrt": [(1e-300,), (-1e-300,), (1e300,), (-1e300,)],
    "sin": [(1e15,), (1e-300,)],
    "tan": [(1.5707963267948966,), (1e-300,)],
    "asin": [(1.0 - 1e-15,), (-1.0 + 1e-15,), (1e-300,)],
    "acos": [(1.0 - 1e-15,), (-1.0 + 1e-15,)],
    "atan": [(1e150,), (1e-300,)],
    "atan2": [(1e-300, 1e-300), (1e300, 1e300), (1e-150, 1e100), (-3.0, -4.0), (0.0, -2.0)],
    "sinh": [(700.0,), (-700.0,)],
    "tanh": [(20.0,), (-300.0,), (340.0,), (1e-300,)],
    "asinh": [(1e300,), (-1e300,), (1e-300,)],
    "acosh": [(1.0 + 1e-15,), (1e300,)],
    "atanh": [(1.0 - 1e-15,), (-1.0 + 1e-15,)],
    "erf": [(1e-300,), (10.0,), (-20.0,)],
    "erfc": [(10.0,), (20.0,), (-20.0,)],
    "gamma": [(1e-300,), (170.0,), (-0.5,), (-3.25,), (-100.3,)],
    "digamma": [(1e-300,), (1e300,), (-0.25,), (-20.75,)],
    "hypot": [(1e300, 1e300, 1e300), (1e-300, -1e-300, 1e-300), (1e300, 1.0, -1.0)],
    "dist": [(1e300, 0.0, 0.0, 1e300), (1e-300, 0.0, 0.0, 1e-300)],
    "prod": [(1e-200, 1e-200, 1e300), (1e200, 1e200, 1e-300), (0.0, 3.0, 4.0)],
    "mod": [(1e300, 3.0), (7.0, 1e300)],
    "fma": [(1e-300, 1e300, 1.0)],
}


@pytest.mark.parametrize("name", [name for name in EXTREMES if name in TABLE])
def test_partials_far_from_one(name: str) -> None:
    row = TABLE[name]
    for args in EXTREMES[name]:
        for slot, partial in enumerate(local_gradients(row, args)):
            exact = closed_form(row, args, slot)
            if exact is not None:
                assert abs(partial - exact) <= 2e-13 * abs(exact) + 1e-310, (args, slot, partial, exact)


def closed_form(row: Primitive, args: tuple[Any, ...], slot: int) -> Any:
    """The exact derivative at operands of any size, where differences at 50 digits would cancel."""
    x, *rest = map(mp.mpf, args)
    y = rest[0] if rest else None
    square = x * x
    forms: dict[str, Callable[[], Any]] = {
        "div": lambda: (1 / y, -x / y**2)[slot],
        "power": lambda: (y * x ** (y - 1), x**y * mp.log(x))[slot],
        "literal_power": lambda: y * x ** (y - 1),
        "pow": lambda: (y * x ** (y - 1), x**y * mp.log(x))[slot],
        "exp": lambda: mp.exp(x),
        "expm1": lambda: mp.exp(x),
        "log": lambda: 1 / x,
        "log2": lambda: 1 / x / mp.log(2),
        "log10": lambda: 1 / x / mp.log(10),
        "log1p": lambda: 1 / (1 + x),
        "log_base": lambda: (1 / x / mp.log(y), -mp.log(x) / mp.log(y) ** 2 / y)[slot],
        "sqrt": lambda: 1 / (2 * mp.sqrt(x)),
        "cbrt": lambda: 1 / (3 * mp.cbrt(square)),
        "sin": lambda: mp.cos(x),
        "tan": lambda: 1 / mp.cos(x) ** 2,
        "asin": lambda: 1 / mp.sqrt(1 - square),
        "acos": lambda: -1 / mp.sqrt(1 - square),
        "atan": lambda: 1 / (1 + square),
        "atan2": lambda: (y / (square + y * y), -x / (square + y * y))[slot],
        "sinh": lambda: mp.cosh(x),
        "tanh": lambda: 1 / mp.cosh(x) ** 2,
        "asinh": lambda: 1 / mp.sqrt(1 + square),
        "acosh": lambda: 1 / mp.sqrt(square - 1),
        "atanh": lambda: 1 / (1 - square),
        "erf": lambda: 2 / mp.sqrt(mp.pi) * mp.exp(-square),
        "erfc": lambda: -2 / mp.sqrt(mp.pi) * mp.exp(-square),
        "gamma": lambda: mp.gamma(x) * mp.digamma(x),
        "digamma": lambda: mp.polygamma(1, x),
        "hypot": lambda: mp.mpf(args[slot]) / mp.sqrt(sum(mp.mpf(arg) ** 2 for arg in args)),
        "dist": lambda: (1, -1)[slot // 2] * (mp.mpf(args[slot % 2]) - mp.mpf(args[slot % 2 + 2])) / mp.sqrt(
            sum((mp.mpf(args[i]) - mp.mpf(args[i + 2])) ** 2 for i in range(2))
        ),
        "prod": lambda: mp.fprod(arg for i, arg in enumerate(args) if i != slot),
        "mod": lambda: (1, -mp.floor(x / y))[slot],
        "fma": lambda: (y, x, 1)[slot],
    }  # fmt: skip
    exact = forms[row.name]()
    return exact if abs(exact) < 1.7e308 else None
