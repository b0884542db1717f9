"""Functions of the ``statistics`` module that go by exact fractions or compiled code, and so would ask for digits."""

from __future__ import annotations

import importlib
import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

from tracegrad.row import POSITIVE, REAL, gate_row, row


def _statistics(name: str) -> Callable[..., Any]:
    """A function of :mod:`statistics`, imported when first used: it takes its time."""

    def forward(*args: Any) -> Any:
        return getattr(importlib.import_module("statistics"), name)(args)

    return forward


def _deviations(args: tuple[Any, ...]) -> list[Any]:
    mean = reduce(operator.add, args) / len(args)
    return [arg - mean for arg in args]


def _moments(name: str, rule: Callable[[Any, Any, int], Any], kink: str = "") -> None:
    """A row whose local gradient is ``rule(deviation from the mean, out, n)``."""
    gate_row(
        name,
        _statistics(name),
        lambda m, out, *args: [rule(d, out, len(args)) for d in _deviations(args)],
        domain=((0.0, 1.0), (2.0, 3.0), (5.0, 7.0)),
        kink=kink,
        python=f"statistics.{name}([{{args}}])",
        c="",
        numpy="",
    )


gate_row(
    "mean",
    _statistics("mean"),
    lambda m, out, *args: [1.0 / len(args)] * len(args),
    domain=(REAL, REAL, REAL),
    python="statistics.mean([{args}])",
    c="",
    numpy="",
)
_moments("variance", lambda d, out, n: 2.0 * d / (n - 1))
_moments("pvariance", lambda d, out, n: 2.0 * d / n)
_moments("stdev", lambda d, out, n: d / ((n - 1) * out) if out != 0 else 0.0, "0 where all are equal")
_moments("pstdev", lambda d, out, n: d / (n * out) if out != 0 else 0.0, "0 where all are equal")
gate_row(
    "harmonic_mean",
    _statistics("harmonic_mean"),
    lambda m, out, *args: [out / x * (out / x) / len(args) for x in args],
    domain=(POSITIVE, POSITIVE, POSITIVE),
    python="statistics.harmonic_mean([{args}])",
    c="",
    numpy="",
)


def _inverse_normal(p: Any, mu: Any, sigma: Any) -> Any:
    return importlib.import_module("statistics").NormalDist(mu, sigma).inv_cdf(p)


row(
    "normal_inv_cdf",
    _inverse_normal,
    lambda m, out, p, mu, sigma: sigma * math.sqrt(2 * math.pi) * m.exp(((out - mu) / sigma) ** 2 / 2),
    1.0,
    lambda m, out, p, mu, sigma: (out - mu) / sigma,
    domain=((0.05, 0.95), REAL, POSITIVE),
    symbol="Φ⁻¹",
    python="statistics.NormalDist({1}, {2}).inv_cdf({0})",
    c="",
    numpy="",
)
