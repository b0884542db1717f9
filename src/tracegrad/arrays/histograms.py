"""Histograms: how many elements fall where is a guard; the weight of what falls there has a gradient.

In: functions of numpy.  Out: the rows :data:`BINCOUNT` and :data:`WEIGHTS`, and compositions.  Counts change in jumps
with what is counted, so that its gradient is 0; edges that numpy makes of the smallest and the largest element depend
on these two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import holds_tracer, lift, static
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import bare, composed, row, unsupported
from tracegrad.row import Primitive, bind
from tracegrad.tracer import isinstance_tracer


@row(np.bincount, lambda g, out, weights, x, minlength: g[x], maps=("at the number's place",))
def BINCOUNT(weights: Any, x: Any, minlength: Any = 0) -> Any:
    return np.bincount(x, weights, minlength)


@composed(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    x = static(lift(x))
    return (
        guard(np.bincount, x, weights, minlength)
        if weights is None
        else bind(BINCOUNT, lift(weights), x, minlength)
    )


def _weights_back(g: Any, out: Any, weights: Any, sample: Any, bins: Any, range: Any) -> Any:
    """For each sample the upstream gradient of its bin, 0 for one that is in none."""
    sample = plain_array(sample)
    edges = bins if sample.ndim > 1 else [np.histogram_bin_edges(sample, bins, range)]
    places, inside = _bins(np.atleast_2d(sample), edges)
    return np.where(inside, g[places], 0.0)


def _bins(sample: Any, edges: Any) -> Any:
    """The bin of each sample along each axis, and whether it is in one; the last edge belongs to the last bin."""
    inside, places = np.ones(sample.shape[1], bool), []
    for values, ends in zip(sample, edges, strict=True):
        place = np.searchsorted(ends, values, side="right") - 1
        place = np.where(values == ends[-1], len(ends) - 2, place)
        inside = inside & (place >= 0) & (place < len(ends) - 1)
        places.append(np.clip(place, 0, len(ends) - 2))
    return tuple(places), inside


def _by_weights(weights: Any, sample: Any, bins: Any, range: Any) -> Any:
    if sample.ndim == 1:
        return np.histogram(sample, bins, range, weights=weights)[0]
    return np.histogramdd(sample.T, bins, weights=weights)[0]


WEIGHTS = Primitive(
    name="numpy.histogram", forward=_by_weights,
    vjps=(_weights_back, lambda g, out, weights, sample, bins, range: np.zeros_like(sample)),
    params=("bins", "range"), symbol="histogram", maps=("of its bin", "0"), variadic=True, python="", c="", numpy="",
)  # fmt: skip


def _fixed(value: Any) -> Any:
    """Edges as plain numbers; that they were these is a guard."""
    return guard(_numbers, value) if holds_tracer(value) else value


def _numbers(value: Any) -> Any:
    return np.array(value)


def _edges(a: Any, bins: Any, range: Any) -> Any:
    """The edges of the bins: those given, or from the smallest to the largest element."""
    if isinstance(bins, str):
        raise unsupported("numpy.histogram with a rule for its bins")
    if np.ndim(bare(bins)):
        return lift(bins) if holds_tracer(bins) else np.asarray(bins)
    if range is not None or a.size == 0:
        return np.histogram_bin_edges(plain_array(a), static(bins), _fixed(range))
    first, last = np.min(a), np.max(a)
    if first == last:
        first, last = first - 0.5, last + 0.5
    kind = np.result_type(first.dtype, last.dtype, a.dtype)
    return np.linspace(
        first, last, static(bins) + 1, dtype=kind if kind.kind == "f" else np.result_type(kind, float)
    )


@composed(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    return _edges(lift(a), bins, range)


@composed(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    a = np.ravel(lift(a))
    edges = _edges(a, bins, range)
    call = static(bins) if not np.ndim(bare(bins)) else _fixed(edges), _fixed(range)
    counts: Any = (
        guard(_counts, a, *call) if weights is None else bind(WEIGHTS, np.ravel(lift(weights)), a, *call)
    )
    if density:
        return counts / np.diff(edges).astype(float) / counts.sum(), edges
    return counts, edges


def _counts(a: Any, bins: Any, range: Any) -> Any:
    return np.histogram(a, bins, range)[0]


@composed(np.histogramdd)
def _histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    if isinstance(sample, (list, tuple)) and not isinstance_tracer(sample):
        sample = np.stack([lift(one) for one in sample], axis=1)
    sample = lift(sample)
    count = sample.shape[1]
    wanted = [bins] * count if not np.ndim(bare(bins)) and not isinstance(bins, (list, tuple)) else bins
    ranges = [None] * count if range is None else range
    edges = [_edges(sample[:, k], one, ranges[k]) for k, one in enumerate(wanted)]
    plain = tuple(map(_fixed, edges))
    if weights is None:
        counts = guard(_counts_of_many, sample, plain)
    else:
        counts = bind(WEIGHTS, lift(weights), np.transpose(sample), plain, None)
    if density:
        total = counts.sum()
        for k, ends in enumerate(edges):
            shape = [-1 if axis == k else 1 for axis, _ in enumerate(edges)]
            counts = counts / np.reshape(np.diff(ends), shape)
        counts = counts / total
    return counts, edges


def _counts_of_many(sample: Any, edges: Any) -> Any:
    return np.histogramdd(sample, edges)[0]


@composed(np.histogram2d)
def _histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    if np.ndim(bare(bins)) == 1 and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, edges = np.histogramdd(np.stack([lift(x), lift(y)], axis=1), bins, range, density, weights)
    return counts, *edges
