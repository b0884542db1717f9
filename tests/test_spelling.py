"""Primitives as source text: each spelling is run, and gives the value of the row."""

from __future__ import annotations

import ctypes
import math
import operator
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from row_samples import PARAMS, PYTHON_ONLY, SMOOTH, STEPS, samples, split

import tracegrad.special
from tracegrad.errors import UnsupportedError
from tracegrad.primitives import TABLE, Primitive, literal, spell

NAMES = ["a", "b", "c", "d"]
COMPILER = shutil.which("gcc") or shutil.which("cc")

#: operands at which Python, numpy and C might differ in signs and roundings
CORNERS: dict[str, list[tuple[Any, ...]]] = {
    "mod": [
        (-7.5, 2.0),
        (7.5, -2.0),
        (-6.0, 2.0),
        (-1e-20, 3.0),
        (5.0, math.inf),
        (-5.0, math.inf),
        (0.7, 0.1),
    ],
    "floordiv": [(-7.5, 2.0), (7.5, -2.0), (-6.0, 2.0), (0.7, 0.1), (-0.0, 3.0), (1e300, 3.0), (6.0, 0.1)],
    "fmod": [(-7.5, 2.0), (7.5, -2.0)],
    "remainder": [(5.0, 2.0), (7.0, 2.0), (-7.5, 2.0)],
    "max": [(1.0,), (1.0, math.nan), (math.nan, 1.0), (0.0, -0.0), (-0.0, 0.0), (3.0, 1.0, 3.0)],
    "min": [(1.0,), (1.0, math.nan), (math.nan, 1.0), (0.0, -0.0), (-0.0, 0.0), (3.0, 1.0, 1.0)],
    "sum": [(0.1, 0.2, 0.3), (7.0,)],
    "fsum": [(1e16, 1.0, -1e16), (7.0,)],
    "prod": [(7.0,), (2.0, -3.0)],
    "hypot": [(-3.0,), (3.0, -4.0)],
    "dist": [(-3.0, 4.0)],
    "round_digits": [(2.675, 2), (1.115, 2), (0.5, 0), (1.5, 0), (1234.5, -2), (-0.4, 0), (1e22, 1)],
    "power": [(-2.0, 3.0), (0.0, 0.0), (4.0, -0.5)],
    "literal_power": [(-2.0, 3), (-2.0, -1), (0.0, 0)],
    "frexp_mantissa": [(0.0,), (-12.0,), (5e-324,)],
    "modf_fraction": [(-3.75,), (3.0,)],
    "modf_whole": [(-3.75,), (3.0,)],
    "sign": [(0.0,), (-3.0,)],
    "digamma": [(-0.5,), (1.4616321449683622,), (-3.25,), (1e-5,), (1e10,)],
    "polygamma": [(-0.5, 1), (-3.25, 2), (1e-5, 3), (1e5, 1)],
    "gamma": [(-0.5,)],
    "atan2": [(-3.0, -4.0)],
    "ulp": [(-3.0,)],
    "float": [(-3.0,)],
}


def applications(row: Primitive, count: int) -> Iterator[tuple[Any, ...]]:
    yield from samples(row, count)
    yield from CORNERS.get(row.name, [])


def text(row: Primitive, language: str, args: tuple[Any, ...], names: list[str] = NAMES) -> str:
    """The application of a row to variables, its static data in place."""
    operands, static = split(row, args)
    return spell(row, language, names[: len(operands)], **dict(zip(row.params, static, strict=True)))


def evaluate(source: str, args: tuple[Any, ...]) -> Any:
    scope = {"math": math, "np": np, "operator": operator, "statistics": statistics, "tracegrad": tracegrad}
    return eval(source, scope, dict(zip(NAMES, args, strict=False)))


def close(a: Any, b: Any, tolerance: float = 1e-14) -> bool:
    return (a != a and b != b) or a == b or abs(a - b) <= tolerance * abs(b)


def spelled(language: str) -> Any:
    rows = [row for row in SMOOTH if getattr(row, language)]
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


@spelled("python")
def test_python_gives_the_same_bits(row: Primitive) -> None:
    for args in applications(row, 10):
        assert repr(evaluate(text(row, "python", args), args)) == repr(row.forward(*args)), args


@spelled("python")
def test_python_of_negative_literals(row: Primitive) -> None:
    for args in samples(row, 3):
        operands, _ = split(row, args)
        source = text(row, "python", args, [literal(number, "python") for number in operands])
        assert repr(evaluate(source, ())) == repr(row.forward(*args)), source


@spelled("numpy")
def test_numpy_gives_close_values(row: Primitive) -> None:
    for args in applications(row, 10):
        source = text(row, "numpy", args)
        if "scipy" not in source:
            operands, _ = split(row, args)
            arrays = tuple(np.array([number, number]) for number in operands)
            found = evaluate(source, arrays)
            # a product and a sum instead of a fused one
            tolerance = 1e-12 if row.name == "fma" else 1e-14
            assert close(found[0], row.forward(*args), tolerance), (args, source)
            assert repr(found[0]) == repr(found[1])
            if row.name in {"max", "min", "mod", "floordiv", "round_digits", "fsum"}:
                assert repr(float(found[0])) == repr(float(row.forward(*args))), (args, source)


# ---- C ------------------------------------------------------------------------------------------------


def c_cases() -> list[tuple[Primitive, tuple[Any, ...]]]:
    """One case for each text that C has to compile: row, number of operands, static data."""
    cases: dict[tuple[str, int, Any], tuple[Primitive, tuple[Any, ...]]] = {}
    for row in SMOOTH:
        if row.c:
            for args in applications(row, 1):
                operands, static = split(row, args)
                cases.setdefault((row.name, len(operands), static), (row, args))
    return list(cases.values())


def c_function(name: str, source: str, operands: int) -> str:
    parameters = ", ".join(f"double {name}" for name in NAMES[:operands])
    return f"double {name}({parameters}) {{ return {source}; }}"


@pytest.fixture(scope="module")
def c_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if COMPILER is None:
        pytest.skip("no C compiler")
    lines = ['#include "special.h"']
    for number, (row, args) in enumerate(c_cases()):
        lines.append(c_function(f"f{number}", text(row, "c", args), len(split(row, args)[0])))
    for name, cases in STEPS.items():
        if name in TABLE and TABLE[name].c:
            operands = len(cases[0][0])
            lines.append(c_function(f"step_{name}", text(TABLE[name], "c", cases[0][0]), operands))
    folder: Path = tmp_path_factory.mktemp("c")
    (folder / "rows.c").write_text("\n".join(lines) + "\n")
    headers = Path(tracegrad.special.__file__).parent
    command = [
        COMPILER,
        "-std=c11",
        "-O1",
        "-ffp-contract=off",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-shared",
        "-fPIC",
    ]
    subprocess.run([*command, f"-I{headers}", "rows.c", "-o", "rows.so", "-lm"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "rows.so"))


def c_call(library: ctypes.CDLL, name: str, operands: tuple[Any, ...]) -> float:
    function: Callable[..., float] = getattr(library, name)
    function.restype = ctypes.c_double  # type: ignore[attr-defined]
    function.argtypes = [ctypes.c_double] * len(operands)  # type: ignore[attr-defined]
    return function(*operands)


def test_c_gives_close_values(c_library: ctypes.CDLL) -> None:
    numbers = {
        (row.name, len(split(row, args)[0]), split(row, args)[1]): number
        for number, (row, args) in enumerate(c_cases())
    }
    checked = set()
    for row in SMOOTH:
        if row.c:
            for args in applications(row, 10):
                operands, static = split(row, args)
                found = c_call(c_library, f"f{numbers[row.name, len(operands), static]}", operands)
                assert close(found, row.forward(*args)), (row.name, args)
                if row.name in {"mod", "floordiv", "max", "min", "neg", "round_digits"}:
                    assert repr(found) == repr(float(row.forward(*args))), (row.name, args)
                checked.add(row.name)
    assert {row.name for row in SMOOTH} - checked <= PYTHON_ONLY


def test_c_steps_decide_as_python(c_library: ctypes.CDLL) -> None:
    for name, cases in STEPS.items():
        if name in TABLE and TABLE[name].c:
            for args, expected in cases:
                assert c_call(c_library, f"step_{name}", args) == expected, (name, args)


@pytest.mark.parametrize("language", ["python", "numpy"])
def test_steps_decide_as_the_row(language: str) -> None:
    for name, cases in STEPS.items():
        if name in TABLE and getattr(TABLE[name], language):
            for args, expected in cases:
                assert evaluate(text(TABLE[name], language, args), args) == expected, (name, args)


# ---- the texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "language", "operands", "static", "expected"),
    [
        ("add", "python", ["x", "y"], {}, "x + y"),
        ("mul", "python", ["x + 1", "-2.0"], {}, "(x + 1) * (-2.0)"),
        ("neg", "python", ["-2.0"], {}, "-(-2.0)"),
        ("neg", "python", ["w.rate"], {}, "-w.rate"),
        ("literal_power", "python", ["-x"], {"n": -1}, "(-x) ** -1"),
        ("exp", "python", ["-x"], {}, "math.exp(-x)"),
        ("mul", "python", ["1e-05", "(x)"], {}, "1e-05 * (x)"),
        ("mul", "c", ["(x) + (y)", "2.5"], {}, "((x) + (y)) * 2.5"),
        ("max", "python", ["x"], {}, "max(x, x)"),
        ("max", "python", ["x", "y"], {}, "max(x, y)"),
        ("max", "c", ["x"], {}, "x"),
        (
            "min",
            "numpy",
            ["x", "y", "z"],
            {},
            "tracegrad.special.smaller(tracegrad.special.smaller(x, y), z)",
        ),
        ("prod", "c", ["x", "y + z"], {}, "(x * (y + z))"),
        ("sum_from", "python", ["s", "x", "y"], {}, "sum([x, y], s)"),
        ("dist", "python", ["x", "y", "z", "w"], {}, "math.dist([x, y], [z, w])"),
        ("dist", "c", ["x", "y", "z", "w"], {}, "fabs(hypot(x - z, y - w))"),
        ("round_digits", "python", ["x"], {"digits": 2}, "round(x, 2)"),
        ("erf", "numpy", ["x"], {}, "scipy.special.erf(x)"),
        ("const", "python", [], {"value": math.inf}, "math.inf"),
        ("const", "c", [], {"value": -math.inf}, "-INFINITY"),
    ],
)
def test_text(name: str, language: str, operands: list[str], static: dict[str, Any], expected: str) -> None:
    assert spell(TABLE[name], language, operands, **static) == expected


def test_a_language_without_the_function_says_so() -> None:
    with pytest.raises(UnsupportedError, match="comb cannot be written in c"):
        spell(TABLE["comb"], "c", ["x", "y"])


@pytest.mark.parametrize("number", [0.1, -0.0, 1e-310, 1e300, math.pi, 3, -7, True])
def test_literals_read_back_equal(number: Any) -> None:
    assert repr(eval(literal(number, "python"))) == repr(number)


def test_literals_that_are_no_numbers() -> None:
    assert literal(math.nan, "c") == "NAN"
    assert literal(math.nan, "python") == "math.nan"
    assert literal(-math.inf, "numpy") == "-np.inf"


def test_every_row_with_static_data_is_sampled() -> None:
    assert {row.name for row in SMOOTH if row.params} <= PARAMS.keys()
