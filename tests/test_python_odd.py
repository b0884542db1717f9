"""Emitted source of odd functions: names that collide, results of any form, constants at the ends of the numbers."""

from __future__ import annotations

import inspect
import math
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from programs import load
from test_python import assert_formatted, bits, functions, seeded

import tracegrad as tg

Point = namedtuple("Point", "x y")


@dataclass
class Rates:
    growth: float
    rest: list[float]


#: sources of functions ``f``, with the arguments of a call
SOURCES: list[tuple[str, tuple[Any, ...]]] = [
    ("def f(dx, x, dy):\n    y = dx * x\n    dx = y + dy\n    return dx * y", (1.5, 2.5, 0.5)),
    (
        "def f(range, zip, reversed):\n    for _ in [1] * 9:\n        range = range * zip + reversed\n    return range",
        (1.5, 0.5, 0.25),
    ),
    (
        "def f(sum, len, list):\n    math_ = sum * len\n    print = math_ + list\n    return max(print, math_)",
        (1.5, 0.5, 0.25),
    ),
    ("def f(f_backward, f_):\n    f = f_backward * f_\n    return f * f_backward", (1.5, 0.5)),
    (
        "def f(value, seed, stack):\n    for i in range(8):\n        value = m.sin(value) * seed + stack\n"
        "    return value, stack * seed",
        (1.5, 0.5, 0.1),
    ),
    (
        "def f(k, c, w):\n    for i in range(8):\n        k = m.sin(k) * w[i] + c * i\n    return k",
        (1.5, 0.5, [0.1 * i for i in range(8)]),
    ),
    (
        "def f(x, x_values, dx_values, each):\n    s = []\n    for i in range(8):\n        x = x * x_values\n"
        "        s.append(x)\n    return sum(s) * dx_values + each",
        (1.5, 0.5, 0.3, 2.0),
    ),
    ("def f(x_2, x):\n    x = x * x_2\n    x = x * x_2\n    x_3 = x + x_2\n    return x_3 * x", (1.5, 0.5)),
    (
        "def f(N_0, D_0, L_0):\n    N_1 = N_0 * D_0\n    D_1 = max(N_1, L_0)\n    return D_1 * N_0",
        (1.5, 0.5, 2.0),
    ),
    (
        "def f(_power_dx, _require, _max_partials):\n"
        "    return max(_power_dx ** _require, _max_partials) if _power_dx > 0 else _require",
        (1.5, 0.5, 2.0),
    ),
    ("def f(recorded_seeds):\n    return [recorded_seeds * i for i in range(30)]", (1.5,)),
    ("def f(x):\n    return 1.0", (1.5,)),
    ("def f(x, y, z):\n    return y", (1.5, 2.5, 3.5)),
    ("def f(x, y):\n    return x, (x, [y, 3.0]), {'a': x * y, 'b': None, 3: 'text'}, y", (1.5, 2.5)),
    ("def f(x):\n    return x * m.nan + m.inf", (1.5,)),
    ("def f(x):\n    return x * m.inf - m.inf", (1.5,)),
    ("def f(x):\n    return x * (10**400) // 7", (3,)),
    ("def f(x):\n    return x * (10**40) - x", (3,)),
    ("def f(x):\n    return x * -0.0", (3.0,)),
    ("def f(x):\n    return -x", (0.0,)),
    ("def f(x):\n    return -(-x) - -x", (-0.0,)),
    ("def f(x, y):\n    return min(x, y) + max(y, x) + abs(x - y)", (2.0, 2.0)),
    ("def f(x, y):\n    return min(x, y, 2.0) * max(y, x, -1.0)", (2.0, 2.0)),
    ("def f(flag, x):\n    return x * x if flag else -x", (True, 2.0)),
    (
        "def f(x, n):\n    t = x\n    for i in range(n):\n        if t > 1:\n            t = t / 2\n"
        "        t = t + 0.3 * x\n    return t",
        (1.5, 9),
    ),
    ("def f(x):\n    t = x\n    while t < 100:\n        t = t * 1.5 + x\n    return t", (1.5,)),
    ("def f(x):\n    a, *b = [x * i for i in range(1, 5)]\n    return a * b[0] + b[-1]", (1.5,)),
    ("def f(x):\n    return sum(x**i for i in range(12))", (1.5,)),
    ("def f(x, /, y):\n    return x * y", (1.0, 2.0)),
    ("def f(x, **options):\n    return x * 2", (1.0,)),
    ("def f(p):\n    return [p.y, p.x * p.y, p]", (Point(1.5, 2.5),)),
    ("def f(d, x):\n    d.growth = d.growth * x\n    return d", (Rates(1.5, [2.5, 3.5]), 0.5)),
    (
        "def f(t):\n    return {k: v * v for k, v in t.items()}",
        ({"a b": 1.5, "class": 2.5, 3: 1.0, (1, 2): 4.0},),
    ),
    ("def f(t):\n    return t[0][0]['q'].x * t[1]", ([[{"q": Point(1.5, 2.5)}], 3.0],)),
    ("def f(x):\n    return (x * x,)", (1.5,)),
    ("def f(x):\n    return (x > 1, x * x, True, None, 'a\"b\\\\')", (1.5,)),
    ("def f(x, y):\n    return divmod(x, y)", (7.5, 2.0)),
    ("def f(x, y):\n    return x // y + x % y + x**y", (7, 2)),
    ("def f(n):\n    return n * n + 1", (10**30,)),
    ("def f(x, b):\n    return x * b", (2.0, True)),
    ("def f(λ, µ, ﬁ):\n    ñ = λ * ﬁ\n    return ñ * µ + λ", (1.5, 0.5, 2.0)),
]


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


@pytest.mark.parametrize("level", ["stage", "op"])
@pytest.mark.parametrize(
    "number", range(len(SOURCES)), ids=lambda number: SOURCES[number][0].splitlines()[0][4:]
)
def test_the_same_numbers(number: int, level: str, emitted: Path) -> None:
    text, args = SOURCES[number]
    f = load(text, math)
    t = seeded(tg.trace(f, *args))
    source = t.to_python(level=level)
    (emitted / f"m{number}_{level}.py").write_text(source, encoding="utf-8")
    forward, backward = functions(source)
    bound = inspect.signature(f).bind(*args).arguments
    given = [
        bound[root]
        for root in dict.fromkeys(row.name.partition("[")[0].partition(".")[0] for row in t.inputs)
    ]
    expected = t.value, t.gradients
    if "growth" in text:  # a result that is the argument itself, which is as it was
        given[0] = Rates(1.5, [2.5, 3.5])
    assert bits(forward(*given)) == bits(expected[0])
    assert bits(backward(*given)) == bits(expected)


def test_formatters_and_linters_leave_it_as_it_is(emitted: Path) -> None:
    for number, (text, args) in enumerate(SOURCES):
        seeded(tg.trace(load(text, math), *args)).save(emitted / f"m{number}_stage.py")
    assert_formatted(emitted)
