"""The table of doors in the README, line by line: traced, guard, plain, or the error it names."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import tracegrad as tg

README = Path(__file__).parent.parent / "README.md"

MODULES = [
    "array", "bisect", "cmath", "colorsys", "copy", "ctypes", "datetime", "decimal", "fractions", "functools",
    "itertools", "json", "math", "numbers", "numpy", "operator", "pickle", "statistics", "struct",
]  # fmt: skip

#: a function of ``math`` where no search can find it
KEPT = ContextVar("kept", default=math.sqrt)
NAMESPACE: dict[str, Any] = {name: importlib.import_module(name) for name in MODULES}


def doors() -> Iterator[Any]:
    table = (
        README.read_text(encoding="utf-8")
        .partition("| code | outcome |\n|---|---|\n")[2]
        .partition("\n\n")[0]
    )
    for line in table.splitlines():
        codes, outcome = line.strip("| ").rsplit(" | ", 1)
        for code in re.findall(r"`([^`]+)`", codes):
            yield pytest.param(code, outcome, id=code)


def function(code: str) -> tuple[Callable[[Any], Any], Any]:
    """A plain function of one number, and where to call it: an int for ``n``, a float for ``x``."""
    name = "n" if re.search(r"\bn\b", code) else "x"
    scope = dict(NAMESPACE, kept=KEPT)
    exec(f"def door({name}):\n    return {code}", scope)
    return scope["door"], 2 if name == "n" else 1.5


def test_the_table_is_there() -> None:
    assert len(list(doors())) > 60


@pytest.mark.parametrize(("code", "outcome"), list(doors()))
def test_door(code: str, outcome: str) -> None:
    door, at = function(code)
    if outcome.startswith("error: "):
        with pytest.raises((tg.TracegradError, TypeError), match=outcome.removeprefix("error: ")):
            tg.trace(door, at)
        return
    t = tg.trace(door, at)
    plain = door(at)
    assert t.value == plain or outcome == "plain"
    if outcome == "traced":
        slope = (door(at + 1e-6) - door(at - 1e-6)) / 2e-6
        assert t.gradients["x"] == pytest.approx(slope, rel=1e-6)
        assert t.graph.outputs[0].node is not None
    else:
        recorded = tg.trace(lambda x: (door(x), x)[1], at).guards
        assert bool(recorded) == (outcome == "guard")
