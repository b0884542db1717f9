"""The check of gradients: it passes what is right, finds what is wrong, and names the line."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tracegrad as tg
from tracegrad.differences import derivative_at_zero


@pytest.mark.parametrize(("f", "expected"), [
    (math.exp, 1.0), (lambda t: math.sin(3 * t), 3.0), (lambda t: 1 / (1 - t), 1.0), (lambda t: 7.0, 0.0),
    (lambda t: math.sqrt(0.01 + t), 5.0), (lambda t: 1e6 + t, 1.0),
])  # fmt: skip
def test_differences_and_their_own_error(f: Any, expected: float) -> None:
    found = derivative_at_zero(f)
    assert abs(found.value - expected) <= max(30 * found.error, 1e-12)
    assert abs(found.value - expected) < 1e-8


def test_differences_where_large_steps_raise() -> None:
    assert derivative_at_zero(lambda t: math.log(0.01 + t)).value == pytest.approx(100.0, rel=1e-8)


def staged(x: float, y: float) -> float:
    sigx = 1 / (1 + math.exp(-x))
    return (x + sigx) / (sigx + (x + y) ** 2)


@pytest.mark.parametrize(("f", "args"), [
    (math.sin, (0.3,)), (staged, (3, -4)), (lambda xs: [x**2 * xs[0] for x in xs], ([1.0, 2.0, 0.0],)),
    (lambda x: math.floor(x) + x * math.gamma(x), (2.5,)), (lambda p: p["a"] ** p["b"], ({"a": 2.0, "b": 0.5},)),
    (lambda x: abs(x) + max(x, 2.0), (-1.0,)), (lambda x: 5.0, (1.0,)),
])  # fmt: skip
def test_right_gradients_pass(f: Any, args: tuple[Any, ...]) -> None:
    report = tg.check(f, *args)
    assert report.ok, str(report)
    assert report.worst is None
    assert report.raise_if_wrong() is report
    assert [one.order for one in report.comparisons] == [1, 2] * 3


@tg.primitive(partials=lambda out, x: 1.001 * math.cos(x))
def sine(x: float) -> float:
    return math.sin(x)


@tg.primitive(partials=lambda out, x: math.cos(tg.detach(x)))
def sine_once(x: float) -> float:
    return math.sin(x)


def uses_wrong_rule(x: float) -> float:
    y = x * x
    z = sine(y)
    return z + math.exp(x)


def test_a_wrong_rule_is_named_with_its_line() -> None:
    report = tg.check(uses_wrong_rule, 0.7)
    assert not report.ok
    assert all(one.step > 1e-6 for one in report.comparisons)  # what the usual steps say
    worst = report.worst
    assert worst is not None
    assert worst.node.name == "z"
    assert worst.node.site is not None
    assert worst.node.site.line == uses_wrong_rule.__code__.co_firstlineno + 2
    assert worst.local == pytest.approx(1.001 * math.cos(0.49), rel=1e-12)
    assert worst.difference == pytest.approx(math.cos(0.49), rel=1e-9)
    text = str(report)
    assert "DOES NOT agree" in text
    assert "in uses_wrong_rule: `sine(y)`" in text
    with pytest.raises(tg.CheckFailed, match="DOES NOT agree"):
        report.raise_if_wrong()


def test_a_rule_wrong_in_the_second_order_alone() -> None:
    assert tg.check(lambda x: sine_once(x) * x, 0.7, order=1).ok
    report = tg.check(lambda x: sine_once(x) * x, 0.7)
    assert {one.order for one in report.comparisons if not one.ok} == {2}
    assert report.worst is not None
    assert report.worst.order == 2
    assert report.worst.node.primitive == "custom.sine_once"
    assert "its second derivative by operand 0" in str(report)


def test_a_detached_value_is_no_operation_s_fault() -> None:
    report = tg.check(lambda x: tg.detach(x) * x, 3.0)
    assert not report.ok
    assert report.worst is None
    assert "a value was detached" in str(report)


def test_same_seed_same_directions() -> None:
    assert tg.check(staged, 3.0, -4.0) == tg.check(staged, 3.0, -4.0)
    assert tg.check(staged, 3.0, -4.0) != tg.check(staged, 3.0, -4.0, seed=1)
    assert len(tg.check(staged, 3.0, -4.0, order=1, directions=5).comparisons) == 5


def test_keywords_are_passed_on_and_do_not_vary() -> None:
    assert tg.check(lambda x, *, k: x**2 * k, 3.0, k=tg.detach(2.0)).ok


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(tg.InputError, match="order=3"):
        tg.check(math.sin, 1.0, order=3)
    with pytest.raises(tg.InputError, match="no number to differentiate by"):
        tg.check(lambda text: 1.0, "text")
    with pytest.raises(tg.InputError, match="returned no number"):
        tg.check(lambda x: "text", 1.0)


def test_beside_a_kink_small_steps_tell() -> None:
    assert tg.check(abs, 1e-9, order=1).ok
    assert tg.check(lambda x: max(x, 1.0) * 3, 1.0 + 1e-7).ok


def test_a_step_in_the_way_is_found() -> None:
    report = tg.check(lambda x: math.floor(x * 10) + x, 0.5)
    assert not report.ok
    assert report.worst is None


@pytest.mark.parametrize("factor", [1.0001, 0.999, 1.01, -1.0, 0.0])
def test_small_mistakes_are_found(factor: float) -> None:
    wrong = tg.primitive(lambda x: math.exp(x) * x, partials=lambda out, x: factor * (out + math.exp(x)))
    assert not tg.check(wrong, 0.8, order=1).ok
