"""The functions of ``cmath``, once the user's code has loaded it: ``cmath.exp(1j * x).real``.

In: traced numbers, real and complex.  Out: rows, and :func:`patches`, for ``cmath`` asks no tracer.  A real number is
made complex first, as ``cmath`` does it: its derivative may be complex where that of the real function does not exist.
"""

from __future__ import annotations

import cmath
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tracegrad.arrays.complex_numbers import as_complex
from tracegrad.arrays.complexes import ANGLE, INVERSE, is_complex
from tracegrad.arrays.stand_ins import patches_by
from tracegrad.primitives import TABLE, bind
from tracegrad.row import Primitive, Rule


def _like(name: str, row: str) -> Primitive:
    return replace(
        TABLE[row],
        name=f"cmath.{name}",
        forward=getattr(cmath, name),
        complex=True,
        python="",
        c="",
        numpy="",
    )


def _row(name: str, *rules: Rule) -> Primitive:
    return Primitive(
        name=f"cmath.{name}", forward=getattr(cmath, name), rules=rules, symbol=name, complex=True, python="", c="",
        numpy="",
    )  # fmt: skip


_ROWS = {
    **{name: _like(name, name) for name in (
        "exp", "log10", "sqrt", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "atanh",
    )},
    **{name.replace("arc", "a"): _row(name.replace("arc", "a"), rule) for name, rule in INVERSE.items()},
}  # fmt: skip
_RECT = _row(
    "rect", lambda m, out, r, phi: np.exp(1j * np.asarray(phi)), lambda m, out, r, phi: 1j * np.asarray(out)
)
_LOG = _like("log", "log")
_PHASE = replace(
    ANGLE, name="cmath.phase", forward=cmath.phase, rules=(lambda m, out, z: -1j / z,), params=()
)


def _log(z: Any, base: Any = None, /) -> Any:
    found = bind(_LOG, as_complex(z))
    return found if base is None else found / bind(_LOG, as_complex(base))


def _apply(row: Primitive, z: Any, /) -> Any:
    return bind(row, as_complex(z))


def _phase(z: Any, /) -> Any:
    return bind(_PHASE, z) if is_complex(z) else bind(TABLE["atan2"], 0.0, z)


def _polar(z: Any, /) -> Any:
    return abs(z), _phase(z)


def _step(name: str) -> Callable[..., Any]:
    row = Primitive(
        name=f"cmath.{name}", forward=getattr(cmath, name), step=True, symbol=name, python="", c="", numpy=""
    )
    return lambda *args: bind(row, *args)


_SERVED: dict[str, Callable[..., Any]] = {
    **{name: functools.partial(_apply, row) for name, row in _ROWS.items()},
    "rect": functools.partial(bind, _RECT),
    "log": _log,
    "phase": _phase,
    "polar": _polar,
    **{name: _step(name) for name in ("isfinite", "isinf", "isnan")},
}


def patches() -> Any:
    """The stand-ins of ``cmath``, as :func:`tracegrad.arrays.stand_ins.patches` gives them."""
    return patches_by(cmath, _SERVED)
