"""The corpus: other people's functions, traced without an edit, and how their gradients are known.

Each file of ``entries`` holds the functions of one package (``PACKAGE``) in ``ENTRIES``.  An entry is right when its
value is that of the plain call, bit for bit, and each gradient agrees with extrapolated central differences of the
plain function, or with a closed form where the entry gives one.
"""

from __future__ import annotations

import importlib
import inspect
import math
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tracegrad as tg

RELATIVE = 1e-6
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """A function, its arguments, and optionally its gradients in closed form (one for each number, in order)."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    exact: Callable[..., list[float]] | None = None
    step: float = 0.02
    #: why this cannot be traced, where it cannot: then an error of tracegrad, in words, is what is expected
    beyond: str = ""
    package: str = ""

    def __str__(self) -> str:
        return f"{self.package}: {self.name}"


@dataclass(frozen=True)
class Verdict:
    """What became of an entry: ``right``, ``wrong``, ``error`` or ``beyond``, and why."""

    outcome: str
    detail: str = ""


def packages() -> list[str]:
    """The names of the files of entries."""
    return sorted(path.stem for path in (HERE / "entries").glob("[!_]*.py"))


def entries_of(file: str) -> list[Entry]:
    """The entries of a file; raises ImportError where its package is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated packages
        module = importlib.import_module(f"entries.{file}")
    return [Entry(**{**vars(entry), "package": module.PACKAGE}) for entry in module.ENTRIES]


def judge(entry: Entry) -> Verdict:
    """Trace an entry and compare."""
    try:
        plain = entry.function(*entry.args)
        expected = reference(entry)
    except Exception as error:
        return Verdict("error", f"of the plain function: {type(error).__name__}: {error}")
    try:
        trace = tg.trace(entry.function, *entry.args)
        gradients = list(numbers([trace.gradients[name] for name in given(entry)]))
    except tg.TracegradError as error:
        return Verdict("beyond" if entry.beyond else "error", f"{type(error).__name__}: {error}")
    except Exception as error:  # the verdict is the report
        return Verdict("error", f"{type(error).__name__}: {error}")
    if not same_bits(trace.value, plain):
        return Verdict("wrong", f"value {trace.value!r}, plain call {plain!r}")
    if len(gradients) != len(expected):
        return Verdict("wrong", f"{len(gradients)} gradients for {len(expected)} numbers")
    for index, (found, (wanted, slack)) in enumerate(zip(gradients, expected, strict=True)):
        if not abs(found - wanted) <= RELATIVE * abs(wanted) + slack:
            return Verdict(
                "wrong", f"gradient {index} is {found!r}, reference {wanted!r} (slack {slack:.1e})"
            )
    return Verdict("right")


def given(entry: Entry) -> list[str]:
    """The parameters that the entry has arguments for; numbers among the defaults have gradients, too."""
    return [
        name
        for name, value in inspect.signature(entry.function).bind(*entry.args).arguments.items()
        if any(True for _ in numbers(value))
    ]


def reference(entry: Entry) -> list[tuple[float, float]]:
    """The gradient by each number, with the absolute error to allow for."""
    if entry.exact is not None:
        return [(wanted, 1e-12) for wanted in entry.exact(*entry.args)]
    values = list(numbers(entry.args))
    return [by_differences(entry, values, index) for index in range(len(values))]


def by_differences(entry: Entry, values: list[Any], index: int) -> tuple[float, float]:
    """Central differences with halved steps, extrapolated by Richardson; the best row by Ridders' estimate."""
    x = float(values[index])

    def at(moved: float) -> float:
        point = [*values[:index], moved, *values[index + 1 :]]
        return float(entry.function(*with_numbers(entry.args, iter(point))))

    step = entry.step * (abs(x) if x else 1.0)
    row: list[float] = []
    best, error = math.nan, math.inf
    for _ in range(10):
        up, down = x + step, x - step
        previous, row = row, [(at(up) - at(down)) / (up - down)]
        for order, old in enumerate(previous, start=1):
            row.append(row[-1] + (row[-1] - old) / (4**order - 1))
            change = max(abs(row[-1] - row[-2]), abs(row[-1] - old))
            if change < error:
                best, error = row[-1], change
        step /= 2
    magnitude = abs(float(entry.function(*entry.args)))
    noise = 1e-11 * max(magnitude, 1e-3) / max(abs(x), 1e-3)
    if not error <= RELATIVE * abs(best) + noise:
        raise ValueError(
            f"{entry}: the differences by number {index} are no reference: {best!r} ± {error:.1e}"
        )
    return best, noise


def numbers(structure: Any) -> Iterator[Any]:
    """The numbers in nested lists, tuples and dictionaries, in order."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        for item in structure:
            yield from numbers(item)
    elif isinstance(structure, (int, float)) and not isinstance(structure, bool):
        yield structure


def with_numbers(structure: Any, values: Iterator[Any]) -> Any:
    """The same structure with other numbers."""
    if isinstance(structure, dict):
        return {key: with_numbers(item, values) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure)(with_numbers(item, values) for item in structure)
    if isinstance(structure, (int, float)) and not isinstance(structure, bool):
        return next(values)
    return structure


def same_bits(a: Any, b: Any) -> bool:
    """Whether two numbers are of one class and of one value, to the last bit and the sign of zero."""
    if type(a) is not type(b):
        return False
    return a == b if isinstance(a, int) else struct.pack("d", a) == struct.pack("d", b)
