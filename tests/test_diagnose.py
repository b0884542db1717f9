"""Findings: each kind where it is, with its place, and none where there is nothing to find."""

from __future__ import annotations

import math

import pytest
from test_python import recorded

import tracegrad as tg
from tracegrad.demo import f as staged


def found(function, *args):
    return [(finding.kind, finding.words) for finding in tg.trace(function, *args).diagnose()]


def test_nothing_to_find() -> None:
    assert tg.trace(staged, 3, -4).diagnose() == []


def test_where_a_value_stops_being_finite() -> None:
    def f(x):
        y = x * 1e200
        z = y * y
        return z - z

    first, *_ = tg.trace(f, 1e10).diagnose()
    assert str(first).endswith("`y * y`: inf is born here: × of y = 1e+210, y = 1e+210")
    assert f"test_diagnose.py:{f.__code__.co_firstlineno + 2} " in str(first)


def test_where_a_gradient_stops_being_finite() -> None:
    assert found(lambda x: 2 * math.sqrt(x) + x, 0.0) == [
        ("gradient", "the gradient becomes inf here: the local gradient of √ by x = 0 is inf"),
        ("kink", "at a kink or a step of √; the convention: inf at 0"),
    ]


def test_saturated() -> None:
    assert found(math.tanh, 12.0) == [
        ("saturated", "flat: the local gradient of tanh is 1.51e-10, hardly any gradient gets through")
    ]
    assert found(math.tanh, 1.0) == []


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (abs, (0.0,)),
        (lambda x, y: max(x, y), (2.0, 2.0)),
        (lambda x: x // 1.0, (3.0,)),
        (lambda x: round(x, 1), (0.25,)),
        (math.hypot, (0.0, 0.0)),
        (math.acos, (1.0,)),
    ],
)
def test_kinks_name_the_convention(function, args) -> None:
    assert "kink" in [kind for kind, _ in found(function, *args)]


@pytest.mark.parametrize("function", [abs, math.sqrt, lambda x: x // 1.0, lambda x: max(x, 2.0), math.acos])
def test_no_kink_elsewhere(function) -> None:
    assert found(function, 0.6) == []


def test_cancellation() -> None:
    def f(x):
        return (1e10 + math.sin(x)) - 1e10

    [(kind, words)] = found(f, 1e-4)
    assert kind == "cancellation"
    assert words.endswith("with 14 of 16 digits lost")


def test_dead_inputs_and_those_that_only_decide() -> None:
    assert found(lambda x, y: x if y > 1 else -x, 2.0, 3.0) == [
        ("dead", "y = 3 only decides which branch is taken: its gradient is 0")
    ]
    assert found(lambda x, y: x, 2.0, 3.0) == [("dead", "y = 3 has no path to the result: its gradient is 0")]


def test_lines_of_a_loop_are_counted() -> None:
    def f(x):
        for _ in range(3):
            x = x + abs(0.0 * x)
        return x

    [finding] = [finding for finding in tg.trace(f, 1.0).diagnose() if finding.kind == "kink"]
    assert finding.count == 3
    assert str(finding).endswith("(×3)")


@pytest.mark.parametrize("name", ["signs", "gamma_functions", "names_of_modules", "pieces", "whole_number"])
def test_ordinary_functions_are_left_in_peace(name: str) -> None:
    assert recorded(name)[0].diagnose() == []
