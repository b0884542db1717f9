"""Emitted source of numbers that are not Python's own: scalars of numpy of any class, fractions, subclasses."""

from __future__ import annotations

import enum
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from test_python import assert_formatted, functions

import tracegrad as tg
from tracegrad.tree import leaves, map_leaves

SINGLE, HALF, DOUBLE, THIRD = np.float32(0.1), np.float16(0.1), np.float64(0.1), Fraction(1, 3)


class Warm(float):
    def __repr__(self) -> str:
        return "warm"

    __str__ = __repr__


class Level(enum.IntEnum):
    HIGH = 3


def bits(structure: Any) -> list[Any]:
    """The numbers of a structure with their classes, to the last bit."""
    return [(type(leaf), repr(leaf)) for _, leaf in leaves(structure)]


def as_float(number: Any) -> Any:
    """Numpy's doubles are Python's."""
    return float(number) if type(number) is np.float64 else number


def times_single(x):
    return x * SINGLE + x


def two_precisions(x):
    return math.exp(x * HALF) + SINGLE * x


def smaller(x):
    return x if x < SINGLE else x % SINGLE + max(x, SINGLE)


def in_a_loop(x):
    for i in range(10):
        x = x * SINGLE + np.float32(i)
    return x


def doubles_in_a_loop(x):
    for c in np.linspace(0.1, 2.3, 9):
        x = x * c
    return x


def doubles_among_plain_in_a_loop(x):
    for i in range(9):
        x = x * (np.float64(i + 0.5) if i % 2 else i + 0.25)
    return x


def powers(x):
    return x ** np.float64(2) + x ** np.float32(1.5) + DOUBLE**x + 2**x


def divided(x):
    return (x * np.float64(0.0) + 1) / (x * np.float64(0.0))


def of_two(x, y):
    return x * y + y**2 / x - abs(-x) * y


def wrapped_around(x):
    return x + np.uint8(200)


def whole(x):
    return x * np.int64(3) + True * x + Level.HIGH * x


def fraction(x):
    y = max(x * THIRD, THIRD)
    return y * 2 + x**THIRD if x > THIRD else x


def warm(x):
    return x * Warm(20.5)


def large(x):
    return x * (2**60 + 1) + 2**70


ONE = [
    times_single, two_precisions, smaller, in_a_loop, doubles_in_a_loop, doubles_among_plain_in_a_loop, powers,
    wrapped_around, whole, fraction, warm, large,
]  # fmt: skip
NUMBERS = [2.0, 3, np.float32(1.1), np.float16(1.1), np.float64(1.1), np.int64(3), 0.05, Fraction(4, 7)]
CASES = [
    *((function, (x,)) for function in ONE for x in NUMBERS),
    *((of_two, (x, y)) for x in NUMBERS for y in NUMBERS),
    (divided, (1.0,)),
    (divided, (np.float32(1.0),)),
    (warm, (Warm(2.5),)),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as those of the plain functions
@pytest.mark.parametrize("level", ["stage", "op"])
@pytest.mark.parametrize(("function", "args"), CASES, ids=lambda part: getattr(part, "__name__", repr(part)))
def test_the_same_numbers(function: Any, args: tuple[Any, ...], level: str) -> None:
    try:
        plain = function(*args)
    except (TypeError, OverflowError):
        pytest.skip("Python does not compute this")
    t = tg.trace(function, *args)
    assert bits(t.value) == bits(plain)
    alone, backward = functions(t.to_python(level=level))
    value, gradients = backward(*args)
    assert bits(alone(*args)) == bits(value) == bits(plain)
    assert bits(map_leaves(gradients, as_float)) == bits(map_leaves(t.gradients, as_float))
    t.graph.lint()
    assert bits(t.graph.replay(args)[-1]) == bits(t.graph.values[-1])


def test_constants_keep_their_class() -> None:
    text = tg.trace(times_single, 2.0).to_python()
    assert "import numpy as np\n" in text
    assert "    return x * np.float32(0.1) + x  # (1)\n" in text
    text = tg.trace(in_a_loop, 2.0).to_python()
    assert "c_values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], dtype=np.float32)" in text
    assert "    for c in c_values:\n        x_2 = x_2 * np.float32(0.1) + c  # (2)\n" in text


def test_doubles_beside_doubles_are_plain_numbers() -> None:
    def f(x):
        return ((x - np.float64(0.5)) * np.float64(2.0)).sum()

    assert "    return np.sum((x - 0.5) * 2.0)  # (1)\n" in tg.trace(f, np.array([1.0, 2.0])).to_python()


def test_a_double_among_singles_makes_doubles() -> None:
    def f(x):
        return (x * np.float64(0.1)).sum()

    x = np.array([1.1, 2.3], np.float32)
    t = tg.trace(f, x)
    value, gradients = functions(t.to_python())[1](x)
    assert (value.dtype, value) == (t.value.dtype, t.value)
    assert gradients["x"].tobytes() == t.gradients["x"].tobytes()


def test_a_loaded_document_keeps_the_classes(tmp_path: Any) -> None:
    t = tg.trace(times_single, np.float32(1.1))
    t.save(str(tmp_path / "f.json"))
    loaded = tg.load(str(tmp_path / "f.json"))
    assert loaded.to_python() == t.to_python()


def test_formatters_leave_the_source_as_it_is(tmp_path: Any) -> None:
    for number, function in enumerate(ONE):
        text = tg.trace(function, 2.0).to_python()
        (tmp_path / f"f{number}.py").write_text(text)
    assert_formatted(tmp_path)


def same(function: Any, *args: Any) -> str:
    """The source of a function, run here: with the numbers of the trace."""
    t = tg.trace(function, *args)
    if len(leaves(t.value)) > 1:
        t = t.backward(map_leaves(t.value, lambda _: 1.0))
    text = t.to_python()
    value, gradients = functions(text)[1](*args)
    assert bits(map_leaves(value, as_float)) == bits(map_leaves(t.value, as_float))
    assert bits(map_leaves(gradients, as_float)) == bits(map_leaves(t.gradients, as_float))
    return text


def test_a_result_that_is_a_constant_keeps_its_class() -> None:
    text = same(lambda x: (SINGLE, THIRD, np.int64(2), 3, x), 2.0)
    assert "return (np.float32(0.1), fractions.Fraction(1, 3), np.int64(2), 3, x)" in text


def test_singles_tell_doubles_from_plain_floats() -> None:
    def f(x, single):
        for _ in range(9):
            x = DOUBLE - x
            x = x + single * 0.5
        return x

    t = tg.trace(f, 0.1, np.float32(0.3))
    value, _ = functions(t.to_python())[1](0.1, np.float32(0.3))
    assert bits(value) == bits(t.value)


def test_literals_of_questions_in_a_loop_where_numpy_is_at_work() -> None:
    def f(x, a):
        for c in [0.3, 0.2, 0.4, 0.5, 0.6, 0.1]:
            if x > c:
                x = x * 1.5
        return x * a.sum()

    assert "for c in (0.3, 0.2, 0.4, 0.5, 0.6, 0.1):\n        _require(x > c, True" in same(
        f, 1.0, np.ones(2)
    )


def test_a_number_that_turns_complex() -> None:
    def f(x):
        return abs(x**0.5) + (x**0.5).imag

    assert "complex(x, 0.0)" in same(f, -2.5)


def test_a_question_of_numpy_among_plain_numbers() -> None:
    same(lambda x: x * 2 if DOUBLE < x else x, 2.0)  # noqa: SIM300


@tg.primitive(partials=lambda out, x: 2.0)
def doubled(x):
    return 2 * x


@tg.custom_gradient(lambda g, out, x: -g)
def turned(x):
    return x * 2


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: doubled(x) * x, 2.0),
        (lambda x: turned(x) * x, 2.0),
        (lambda x: turned(x).sum(), np.ones(2)),
        (lambda x: doubled(x).sum(), np.ones(2)),
    ],
)
@pytest.mark.parametrize("suffix", ["to_python", "to_markdown"])
def test_a_primitive_of_the_user_is_refused_with_advice(function: Any, x: Any, suffix: str) -> None:
    t = tg.trace(function, x)
    with pytest.raises(
        tg.UnsupportedError, match=r"(doubled|turned) is a primitive of yours .*\.__wrapped__"
    ):
        getattr(t, suffix)()


def test_the_plain_function_of_a_primitive_is_written() -> None:
    assert "    turned = x * 2  # (1)\n" in same(lambda x: turned.__wrapped__(x) * x, 2.0)


def test_equations_have_numbers_without_their_classes() -> None:
    text = tg.trace(times_single, np.float32(1.5)).to_markdown()
    assert r"x \cdot 0.1 + x = 1.5 \cdot 0.1 + 1.5 = 1.65" in text
    assert "float32" not in text
    assert r"\frac{1}{3}" in tg.trace(lambda x: x * THIRD, 2).to_markdown()
