"""digamma and polygamma against 50 digits, and the other functions that ``math`` lacks."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import numpy as np
import pytest
from row_samples import mp

from tracegrad.special import ROOT, ROOT_REST, accurate_sum, digamma, polygamma, sign


def positive(dice: random.Random) -> Iterator[float]:
    for _ in range(60):
        yield dice.uniform(0.0, 3.0)
        yield dice.uniform(3.0, 60.0)
        yield 10.0 ** dice.uniform(-300, 300)
        yield ROOT + dice.choice([-1, 1]) * 10.0 ** dice.uniform(-16, -0.5)
    yield from (0.5, 1, 2, 15, math.nextafter(15.0, 0.0), 1e308, ROOT, math.nextafter(ROOT, 2.0))


def negative(dice: random.Random) -> Iterator[float]:
    for _ in range(60):
        yield dice.uniform(-1.0, 0.0)
        yield dice.uniform(-40.0, -1.0)
        yield -(10.0 ** dice.uniform(1, 3))
        yield dice.randrange(-20, 1) + dice.choice([-1, 1]) * 10.0 ** dice.uniform(-13, -1)
        yield -(10.0 ** dice.uniform(-300, -1))


@pytest.mark.parametrize("n", range(5))
def test_polygamma_of_positive_numbers(n: int) -> None:
    for x in positive(random.Random(n)):
        exact = mp.polygamma(n, mp.mpf(x))
        if 1e-300 < abs(exact) < 1e308:
            assert abs(polygamma(n, x) - exact) <= 3e-15 * abs(exact), x


@pytest.mark.parametrize("n", range(5))
def test_polygamma_of_negative_numbers(n: int) -> None:
    for x in negative(random.Random(n)):
        if x == math.floor(x):
            continue
        exact = mp.polygamma(n, mp.mpf(x))
        # near a zero, as accurate as the two terms of the reflection
        size = max(abs(exact), abs(mp.polygamma(n, 1 - mp.mpf(x))))
        if size < 1e308:
            assert abs(polygamma(n, x) - exact) <= 4e-15 * size, x


@pytest.mark.parametrize("n", range(5))
def test_beyond_the_range_of_floats(n: int) -> None:
    assert polygamma(n, 5e-324) == (math.inf if n % 2 else -math.inf)
    assert polygamma(n, -5e-324) == math.inf
    assert polygamma(n, math.inf) == (math.inf if n == 0 else 0.0)
    assert math.isnan(polygamma(n, -math.inf))
    assert math.isnan(polygamma(n, math.nan))
    for pole in (0, 0.0, -0.0, -1, -2.0, -1e300):
        assert math.isnan(polygamma(n, pole))


def test_the_root_of_digamma() -> None:
    exact = mp.findroot(mp.digamma, (mp.mpf("1.46"), mp.mpf("1.47")))
    assert abs(mp.mpf(ROOT) + mp.mpf(ROOT_REST) - exact) < 1e-32
    assert digamma(ROOT) < 0 < digamma(math.nextafter(ROOT, 2.0))


def test_whole_numbers() -> None:
    assert digamma(5) == digamma(5.0)
    assert digamma(10**200) == pytest.approx(200 * math.log(10), rel=1e-15)


def test_sign() -> None:
    assert [sign(x) for x in (-math.inf, -3, -0.0, 0, 5e-324, 7)] == [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]
    assert math.isnan(sign(math.nan))


def test_accurate_sum() -> None:
    assert accurate_sum(1.0, 1e100, 1.0, -1e100) == 2.0
    assert accurate_sum() == 0.0
    assert accurate_sum(np.array([1e16, 0.1]), 1.0, np.array([-1e16, 0.2])).tolist() == [
        1.0,
        math.fsum([0.1, 1.0, 0.2]),
    ]
