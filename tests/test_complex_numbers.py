"""Complex numbers of Python's in functions of real ones: values bit for bit, derivatives of order 1 and 2."""

from __future__ import annotations

import cmath
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tracegrad as tg


def changed_in_place(x: float, y: float) -> float:
    z = 1j * x
    first = z
    z += y
    z *= 2j
    z /= 1 + x
    z -= first
    z **= 2
    return abs(z) + first.imag


def quadratic(x: float, y: float) -> float:
    root = cmath.sqrt(x * x - 4 * y)
    return abs((-x + root) / 2) + ((-x - root) / 2).imag


def orbit(x: float, y: float) -> float:
    z, c = 0, complex(x / 4, y / 4)
    for _ in range(5):
        z = z * z + c
    return abs(z)


def transform(x: float, y: float) -> float:
    return abs(1 + sum((x if k % 2 else y) * cmath.exp(-2j * math.pi * k / 8) for k in range(8))) ** 2


def horner(x: float, y: float) -> float:
    z, value = cmath.rect(y, x), 0j
    for coefficient in (1.0, -2.0, 0.5):
        value = value * z + coefficient
    return value.real * value.imag


def kinds(x: float, y: float) -> float:
    z = 1j * x
    assert type(z) is complex
    assert isinstance(z, complex)
    assert f"{z:.1f}" == "0.0+0.7j"
    return x if z and z != 0 and not cmath.isnan(z) else y


def trigonometry(x: float, y: float) -> float:
    z = complex(x, y)
    found = cmath.sin(z) * cmath.cos(z) + cmath.tan(z) - cmath.sinh(z) / cmath.cosh(z) + cmath.tanh(z)
    found += cmath.asin(z) + cmath.acos(z) - cmath.atan(z) + cmath.asinh(z) + cmath.acosh(z) - cmath.atanh(z)
    return found.imag


PROGRAMS: dict[str, Callable[[float, float], Any]] = {
    "products": lambda x, y: ((x + 1j * y) * (y - 2j)).imag,
    "quotients": lambda x, y: ((x + 1j * y) / (y - 2j) / (x * 1j + y)).imag + abs(1 / (x - 1j * y)),
    "powers": lambda x, y: abs((x + 1j * y) ** y) + abs(x ** (1j * y + 2)) + ((2 + 1j) ** (x * 1j)).real,
    "powers of negative numbers": lambda x, y: ((-x) ** y).imag + abs((-y) ** 0.5) + ((-2) ** x).real,
    "conjugate": lambda x, y: ((x + 1j * y).conjugate() * (x * 1j + 2)).real,
    "signs": lambda x, y: (3 - (x + 1j * y) - x).imag + (-(x + 1j * y)).real,
    "parts": lambda x, y: abs(complex(x, y)) + complex(imag=x).imag + complex(y).real,
    "logarithms": lambda x, y: (
        cmath.log(complex(x, y)).imag + cmath.log(complex(x, y), 10).real + cmath.log(2, 1j * x).real
        + cmath.log10(1j * y).real + cmath.log(-x).real
    ),
    "polar": lambda x, y: cmath.polar(complex(x, y)),
    "phase": lambda x, y: cmath.phase(x - 1j * y) + cmath.phase(-x),
    "beyond the real ones": lambda x, y: cmath.asin(x + 2).imag + cmath.acosh(-y).real + cmath.sqrt(-x).imag,
    "with numpy": lambda x, y: (np.array([1.0, 2.0]) * (x + 1j * y)).imag.sum() + np.exp(1j * x).real,
    "arrays of them": lambda x, y: np.abs(np.array([x + 1j, y * 1j, 2])).sum(),
    "from numpy": lambda x, y: abs(complex(np.asarray(x) * 1j) / (y + 1j)),
    **{f.__name__: f for f in (changed_in_place, quadratic, orbit, transform, horner, kinds, trigonometry)},
}  # fmt: skip


def slope(f: Callable[..., float], x: float, y: float) -> float:
    """Along (1, 2), by central differences with one step of Richardson's."""

    def central(h: float) -> float:
        return (f(x + h, y + 2 * h) - f(x - h, y - 2 * h)) / (2 * h)

    return (4 * central(5e-4) - central(1e-3)) / 3


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    program, x, y = PROGRAMS[name], 0.7, 1.3
    plain, found = program(x, y), tg.trace(program, x, y).value
    assert type(found) is type(plain)
    assert found == plain

    def number(x: Any, y: Any) -> Any:
        value = program(x, y)
        return value[0] + 3 * value[1] if isinstance(value, tuple) else value

    def along(x: Any, y: Any) -> Any:
        by_x, by_y = tg.grad(number, (0, 1))(x, y)
        return by_x + 2 * by_y

    assert along(x, y) == pytest.approx(slope(number, x, y), rel=1e-8, abs=1e-9)
    by_x, by_y = tg.grad(along, (0, 1))(x, y)
    assert by_x + 2 * by_y == pytest.approx(slope(along, x, y), rel=1e-6, abs=1e-7)
    assert tg.jvp(number, (x, y), (1.0, 2.0))[1] == pytest.approx(along(x, y), rel=1e-12)


def test_documents_of_them() -> None:
    t = tg.trace(transform, 0.7, 1.3)
    t.graph.lint()
    assert t.graph.replay([0.7, 1.3])[-1] == t.value
    assert "cmath.exp" in t.to_json()


COMPLEX = ("complex(x)", "complex(1, x)", "x * 1j", "1j - x", "cmath.exp(x)", "(-x) ** 0.5")


def test_without_numpy_they_are_refused() -> None:
    """At the line, by ``grad`` and ``trace`` alike, in a trace inside of another, and though the user catches it."""
    program = f"""
import cmath, sys, tracegrad as tg

def careless(f):
    def g(x):
        try:
            f(x)
        except Exception:
            return 2.0 * x
        return 3.0 * x
    return g

for code in {COMPLEX}:
    f = eval("lambda x: " + code)
    for run in (tg.trace, lambda f, x: tg.grad(f)(x), lambda f, x: tg.grad(tg.grad(f))(x)):
        for function in (f, careless(f)):
            try:
                run(function, 0.5)
            except tg.TraceError as error:
                assert "import numpy" in str(error) and " in <lambda>" in str(error), error
            else:
                raise AssertionError(code)
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("code", COMPLEX)
def test_a_complex_result_is_refused(code: str) -> None:
    function = eval(f"lambda x: {code}", {"cmath": cmath})
    assert type(function(0.5)) is complex
    with pytest.raises(tg.UnsupportedError, match="returned complex numbers"):
        tg.grad(function)(0.5)


def test_what_python_refuses_is_refused() -> None:
    for code in (
        "(1j * x) < 2",
        "(1j * x) // 2",
        "float(1j * x)",
        "math.exp(1j * x)",
        "round(1j * x)",
        "max(1j, x)",
    ):
        function = eval(f"lambda x: {code}", {"math": math})
        with pytest.raises(TypeError):
            function(0.7)
        with pytest.raises((TypeError, tg.TracegradError)):
            tg.trace(function, 0.7)
