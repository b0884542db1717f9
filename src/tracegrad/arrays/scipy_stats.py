"""The normal distribution of ``scipy.stats``: ``norm.cdf(d1)``, ``norm(mu, sigma).logpdf(x)``.

In: scipy, once the user's code has loaded it.  Out: rows, and :func:`patches`: the methods of the distribution's class,
which frozen distributions lead to as well.  Each row has three operands: the argument, the mean and the deviation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from tracegrad.arrays.build import holds_tracer, lift
from tracegrad.arrays.fresh import settled
from tracegrad.arrays.mapped import Attributes
from tracegrad.row import Primitive, Rule, bind

_NORMAL: Any = type(stats.norm)


def _density(z: Any) -> Any:
    return np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)


def _of_z(slope: Callable[[Any, Any], Any]) -> tuple[Rule, ...]:
    """The rules of a function of z = (x - mean) / deviation, by its slope there."""
    return (
        lambda m, out, x, mean, deviation: slope(out, (x - mean) / deviation) / deviation,
        lambda m, out, x, mean, deviation: -slope(out, (x - mean) / deviation) / deviation,
        lambda m, out, x, mean, deviation: (
            -slope(out, (x - mean) / deviation) * (x - mean) / (deviation * deviation)
        ),
    )


def _of_p(sign: float) -> tuple[Rule, ...]:
    """The rules of a quantile, which is mean + deviation z(p)."""
    return (
        lambda m, out, p, mean, deviation: sign * deviation / _density((out - mean) / deviation),
        1.0,
        lambda m, out, p, mean, deviation: (out - mean) / deviation,
    )


_RULES: dict[str, tuple[Rule, ...]] = {
    "logpdf": (
        lambda m, out, x, mean, deviation: (mean - x) / (deviation * deviation),
        lambda m, out, x, mean, deviation: (x - mean) / (deviation * deviation),
        lambda m, out, x, mean, deviation: (((x - mean) / deviation) ** 2 - 1.0) / deviation,
    ),
    "pdf": (
        lambda m, out, x, mean, deviation: out * (mean - x) / (deviation * deviation),
        lambda m, out, x, mean, deviation: out * (x - mean) / (deviation * deviation),
        lambda m, out, x, mean, deviation: out * (((x - mean) / deviation) ** 2 - 1.0) / deviation,
    ),
    "cdf": _of_z(lambda out, z: _density(z)),
    "sf": _of_z(lambda out, z: -_density(z)),
    "logcdf": _of_z(lambda out, z: np.exp(-z * z / 2.0 - out) / math.sqrt(2.0 * math.pi)),
    "logsf": _of_z(lambda out, z: -np.exp(-z * z / 2.0 - out) / math.sqrt(2.0 * math.pi)),
    "ppf": _of_p(1.0),
    "isf": _of_p(-1.0),
}


def _method(name: str) -> Callable[..., Any]:
    original = getattr(_NORMAL, name)
    row = Primitive(
        name=f"scipy.stats.norm.{name}", forward=lambda x, loc, scale: original(stats.norm, x, loc, scale),
        rules=_RULES[name], symbol=f"norm.{name}", python="", c="", numpy="",
    )  # fmt: skip

    def method(self: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        operands = settled((x, *args, *kwds.values()))
        if not holds_tracer(operands):
            return original(
                self, *operands[: len(args) + 1], **dict(zip(kwds, operands[len(args) + 1 :], strict=True))
            )
        parts = {"loc": 0.0, "scale": 1.0} | dict(zip(("loc", "scale"), args, strict=False)) | kwds
        return bind(row, *map(lift, settled((x, parts["loc"], parts["scale"]))))

    method.__name__, method.__doc__ = name, original.__doc__
    return method


def patches() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """As :func:`tracegrad.arrays.stand_ins.patches` has them."""
    originals = {name: vars(_NORMAL).get(name, Attributes.INHERITED) for name in _RULES}
    return Attributes(_NORMAL), {name: _method(name) for name in _RULES}, originals
