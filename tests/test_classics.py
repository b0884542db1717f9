"""Classical truths: derivatives with a closed form, or from 50 digits of mpmath, to 1e-12."""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import pytest

import tracegrad as tg

EXACT = 1e-12


def approx(expected: Any) -> Any:
    return pytest.approx(expected, rel=EXACT, abs=1e-300)


def fifty_digits(f: Callable[..., Any], at: Sequence[float], orders: Sequence[int]) -> float:
    """A partial derivative from mpmath's differences at 60 digits; ``f`` takes a namespace and numbers."""
    with mpmath.workdps(60):
        return float(mpmath.diff(lambda *xs: f(mpmath, *xs), tuple(map(mpmath.mpf, at)), tuple(orders)))


def mixed(f: Callable[..., Any], at: Sequence[float], orders: Sequence[int]) -> float:
    """The same partial derivative, by nesting ``grad``."""
    derived: Any = functools.partial(f, math)
    for slot, order in enumerate(orders):
        for _ in range(order):
            derived = tg.grad(derived, slot)
    found: float = derived(*at)
    return found


# ---- Black-Scholes: the Greeks ----------------------------------------------------------------------------
# Source of the closed forms: E. G. Haug, The Complete Guide to Option Pricing Formulas, 2nd ed. 2007, chapter 2


def normal_cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def call_price(spot: float, strike: float, rate: float, volatility: float, years: float) -> float:
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    return spot * normal_cdf(d1) - strike * math.exp(-rate * years) * normal_cdf(d1 - spread)


OPTION = (100.0, 105.0, 0.03, 0.2, 0.5)
OPTIONS = [OPTION, (80.0, 100.0, 0.01, 0.35, 2.0), (120.0, 100.0, 0.05, 0.15, 0.25)]


def closed_greeks(s: float, k: float, r: float, v: float, t: float) -> dict[str, float]:
    root = math.sqrt(t)
    d1 = (math.log(s / k) + (r + v * v / 2) * t) / (v * root)
    d2 = d1 - v * root
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    present = k * math.exp(-r * t)
    vega = s * density * root
    return {
        "delta": normal_cdf(d1), "vega": vega, "rho": t * present * normal_cdf(d2),
        "theta": -(s * density * v / (2 * root) + r * present * normal_cdf(d2)),
        "gamma": density / (s * v * root), "vanna": -density * d2 / v, "volga": vega * d1 * d2 / v,
        "speed": -(density / (s * v * root)) / s * (d1 / (v * root) + 1),
    }  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_black_scholes_greeks(option: tuple[float, ...]) -> None:
    greeks = closed_greeks(*option)
    spot, _, rate, volatility, years = tg.grad(call_price, range(5))(*option)
    assert spot == approx(greeks["delta"])
    assert volatility == approx(greeks["vega"])
    assert rate == approx(greeks["rho"])
    assert -years == approx(greeks["theta"])
    rows = tg.hessian(call_price, (0, 3))(*option)
    assert rows[0][0] == approx(greeks["gamma"])
    assert rows[0][1] == approx(greeks["vanna"])
    assert rows[1][0] == approx(greeks["vanna"])
    assert rows[1][1] == approx(greeks["volga"])
    assert tg.grad(tg.grad(tg.grad(call_price)))(*option) == approx(greeks["speed"])


def test_put_call_parity_of_derivatives() -> None:
    def put_price(s: float, k: float, r: float, v: float, t: float) -> float:
        return call_price(s, k, r, v, t) - s + k * math.exp(-r * t)

    call, put = (tg.grad(price)(*OPTION) for price in (call_price, put_price))
    assert call - put == approx(1.0)


# ---- Rosenbrock and Speelpenning --------------------------------------------------------------------------


def rosenbrock(xs: Sequence[float]) -> float:
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(xs))


def test_rosenbrock() -> None:
    # Source: scipy.optimize.rosen_der and rosen_hess state these closed forms
    xs = [1.3, 0.7, 0.8, 1.9, 1.2]
    n = len(xs)
    gradient = [0.0] * n
    rows = [[0.0] * n for _ in range(n)]
    for i, (a, b) in enumerate(itertools.pairwise(xs)):
        gradient[i] += -400 * a * (b - a * a) - 2 * (1 - a)
        gradient[i + 1] += 200 * (b - a * a)
        rows[i][i] += 1200 * a * a - 400 * b + 2
        rows[i][i + 1] += -400 * a
        rows[i + 1][i] += -400 * a
        rows[i + 1][i + 1] += 200
    assert tg.grad(rosenbrock)(xs) == approx(gradient)
    for found, row in zip(tg.hessian(rosenbrock)(xs), rows, strict=True):
        assert found == approx(row)
    vector = [1.0, -2.0, 0.5, 3.0, -1.0]
    expected = [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rows]
    assert tg.hessian_vector_product(rosenbrock)(xs, vector) == approx(expected)
    assert tg.grad(rosenbrock)([1.0] * 5) == [0.0] * 5


@pytest.mark.parametrize("product", [math.prod, lambda xs: functools.reduce(lambda a, b: a * b, xs)])
def test_speelpenning(product: Any) -> None:
    # Source: B. Speelpenning, Compiling Fast Partial Derivatives, 1980: the product of all the variables
    chance = random.Random(5)
    xs = [chance.uniform(0.5, 2.0) for _ in range(8)]
    without = [math.prod(xs[:i] + xs[i + 1 :]) for i in range(8)]
    assert tg.grad(product)(xs) == approx(without)
    for i, row in enumerate(tg.hessian(product)(xs)):
        expected = [0.0 if i == j else without[i] / xs[j] for j in range(8)]
        assert row == pytest.approx(expected, rel=EXACT, abs=1e-13)
    assert tg.grad(product)([0.0, 2.0, 3.0]) == [6.0, 0.0, 0.0]


# ---- Helmholtz energy ------------------------------------------------------------------------------------


def helmholtz(
    x: Sequence[float], b: Sequence[float], a: Sequence[Sequence[float]], temperature: float
) -> float:
    """The free energy of a mixed fluid by Peng and Robinson's equation, without constants."""
    bx = sum(bi * xi for bi, xi in zip(b, x, strict=True))
    logs = sum(xi * math.log(xi / (1 - bx)) for xi in x)
    square = sum(x[i] * a[i][j] * x[j] for i in range(len(x)) for j in range(len(x)))
    root = math.sqrt(2)
    return temperature * logs - square / (2 * root * bx) * math.log(
        (1 + (1 + root) * bx) / (1 + (1 - root) * bx)
    )


def closed_helmholtz_gradient(x: Any, b: Any, a: Any, temperature: float) -> list[float]:
    n, root = len(x), math.sqrt(2)
    bx = sum(bi * xi for bi, xi in zip(b, x, strict=True))
    ax = [sum(a[i][j] * x[j] for j in range(n)) for i in range(n)]
    square = sum(xi * axi for xi, axi in zip(x, ax, strict=True))
    up, down = 1 + (1 + root) * bx, 1 + (1 - root) * bx
    logarithm = math.log(up / down)
    d_bx = temperature * sum(x) / (1 - bx) + square / (2 * root * bx**2) * logarithm
    d_bx -= square / (2 * root * bx) * ((1 + root) / up - (1 - root) / down)
    return [
        temperature * (math.log(x[i] / (1 - bx)) + 1) - 2 * ax[i] / (2 * root * bx) * logarithm + b[i] * d_bx
        for i in range(n)
    ]


def test_helmholtz_energy() -> None:
    # Source of the problem: A. Griewank, On Automatic Differentiation, 1989, section 5
    n = 5
    chance = random.Random(2)
    x = [chance.uniform(0.1, 0.3) for _ in range(n)]
    b = [chance.uniform(0.1, 0.4) for _ in range(n)]
    a = [[1.0 / (i + j + 1) for j in range(n)] for i in range(n)]
    found = tg.grad(helmholtz)(x, b, a, 1.4)
    assert found == approx(closed_helmholtz_gradient(x, b, a, 1.4))
    rows = tg.jacobian(closed_helmholtz_gradient)(x, b, a, 1.4)
    for row, expected in zip(tg.hessian(helmholtz)(x, b, a, 1.4), rows, strict=True):
        assert row == approx(expected)


# ---- a Gaussian mixture, bundle adjustment ---------------------------------------------------------------


def mixture(p: dict[str, Any], points: Sequence[float]) -> float:
    """Minus the log-likelihood of points under a mixture of normal distributions, weights as a softmax."""
    total = 0.0
    for point in points:
        terms = [
            w - math.log(s) - ((point - m) / s) ** 2 / 2
            for w, m, s in zip(p["weights"], p["means"], p["spreads"], strict=True)
        ]
        top = max(terms)
        total = total - (top + math.log(sum(math.exp(term - top) for term in terms)))
    return total + len(points) * math.log(sum(math.exp(w) for w in p["weights"]))


def test_gaussian_mixture() -> None:
    # closed form by responsibilities: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 9.2
    points = [-1.2, 0.3, 0.9, 2.5]
    p = {"weights": [0.2, -0.3], "means": [-0.5, 1.5], "spreads": [0.8, 1.1]}
    found = tg.grad(mixture)(p, points)
    norm = sum(map(math.exp, p["weights"]))
    expected: dict[str, list[float]] = {name: [0.0, 0.0] for name in p}
    for point in points:
        scores = [
            math.exp(w) / s * math.exp(-(((point - m) / s) ** 2) / 2)
            for w, m, s in zip(p["weights"], p["means"], p["spreads"], strict=True)
        ]
        for k, score in enumerate(scores):
            share, m, s = score / sum(scores), p["means"][k], p["spreads"][k]
            expected["weights"][k] += math.exp(p["weights"][k]) / norm - share
            expected["means"][k] -= share * (point - m) / s**2
            expected["spreads"][k] -= share * ((point - m) ** 2 / s**3 - 1 / s)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=EXACT, abs=1e-14)


def reproject(
    camera: dict[str, Any], point: Sequence[float], pixel: Sequence[float], w: float
) -> list[float]:
    """The weighed error of a pixel: rotation by an axis and angle, pinhole, radial distortion.

    Source: F. Srajer et al., A Benchmark of Selected Algorithmic Differentiation Tools, 2018, section 4.2.
    """
    v, shifted = camera["rotation"], [a - b for a, b in zip(point, camera["center"], strict=True)]
    angle = math.sqrt(sum(x * x for x in v))
    axis = [x / angle for x in v]
    across = [
        axis[1] * shifted[2] - axis[2] * shifted[1],
        axis[2] * shifted[0] - axis[0] * shifted[2],
        axis[0] * shifted[1] - axis[1] * shifted[0],
    ]
    along = sum(a * b for a, b in zip(axis, shifted, strict=True)) * (1 - math.cos(angle))
    x, y, z = (
        s * math.cos(angle) + c * math.sin(angle) + a * along
        for s, c, a in zip(shifted, across, axis, strict=True)
    )
    x, y = x / z, y / z
    radius = x * x + y * y
    bent = 1 + camera["bend"][0] * radius + camera["bend"][1] * radius**2
    return [
        w * (camera["focus"] * bent * c + o - p) for c, o, p in zip((x, y), (0.1, -0.2), pixel, strict=True)
    ]


def test_bundle_adjustment_jacobian() -> None:
    camera = {"rotation": [0.3, -0.2, 0.5], "center": [0.1, 0.2, -4.0], "focus": 1.7, "bend": [0.05, -0.02]}
    point, pixel, w = [0.4, -0.6, 1.2], [0.2, 0.3], 0.9

    def flat(m: Any, xs: Sequence[Any], row: int) -> Any:
        fresh = {"rotation": xs[0:3], "center": xs[3:6], "focus": xs[6], "bend": xs[7:9]}
        v, shifted = fresh["rotation"], [a - b for a, b in zip(xs[9:12], fresh["center"], strict=True)]
        angle = m.sqrt(sum(x * x for x in v))
        k = [x / angle for x in v]
        turned = [
            [
                m.cos(angle) * (i == j) + (1 - m.cos(angle)) * k[i] * k[j]
                + m.sin(angle) * sum(_levi_civita(i, n, j) * k[n] for n in range(3))
                for j in range(3)
            ]
            for i in range(3)
        ]  # fmt: skip
        x, y, z = (sum(t * s for t, s in zip(line, shifted, strict=True)) for line in turned)
        radius = (x * x + y * y) / z**2
        bent = 1 + fresh["bend"][0] * radius + fresh["bend"][1] * radius**2
        return xs[12] * (fresh["focus"] * bent * (x, y)[row] / z + (0.1, -0.2)[row] - pixel[row])

    at = [*camera["rotation"], *camera["center"], camera["focus"], *camera["bend"], *point, w]
    rows = tg.jacobian(reproject, (0, 1, 3))(camera, point, pixel, w)
    for number, (by_camera, by_point, by_weight) in enumerate(rows):
        found = [
            *by_camera["rotation"], *by_camera["center"], by_camera["focus"], *by_camera["bend"], *by_point, by_weight
        ]  # fmt: skip
        for slot, value in enumerate(found):
            orders = [int(slot == other) for other in range(len(at))]
            expected = fifty_digits(lambda m, *xs, row=number: flat(m, xs, row), at, orders)
            assert value == pytest.approx(expected, rel=EXACT, abs=1e-13)


def _levi_civita(i: int, j: int, k: int) -> int:
    return (i - j) * (j - k) * (k - i) // 2


# ---- an orbit by Runge and Kutta -------------------------------------------------------------------------


def kepler(state: Sequence[Any], mu: Any) -> list[Any]:
    x, y, u, v = state
    cube = (x * x + y * y) ** 1.5
    return [u, v, -mu * x / cube, -mu * y / cube]


def orbit(state: Sequence[Any], mu: Any, steps: int = 8, h: float = 0.05) -> list[Any]:
    def moved(by: Sequence[Any], factor: float) -> list[Any]:
        return [s + factor * b for s, b in zip(state, by, strict=True)]

    for _ in range(steps):
        k1 = kepler(state, mu)
        k2 = kepler(moved(k1, h / 2), mu)
        k3 = kepler(moved(k2, h / 2), mu)
        k4 = kepler(moved(k3, h), mu)
        state = [
            s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
        ]
    return list(state)


def test_orbit_sensitivities() -> None:
    start = [1.0, 0.1, -0.2, 1.1]
    rows = tg.jacobian(orbit, (0, 1))(start, 1.0)
    for number, (by_start, by_mu) in enumerate(rows):
        for slot, value in enumerate([*by_start, by_mu]):
            orders = [int(slot == other) for other in range(5)]
            expected = fifty_digits(
                lambda m, *xs, row=number: orbit(xs[:4], xs[4])[row], [*start, 1.0], orders
            )
            assert value == approx(expected)
    value, tangent = tg.jvp(orbit, (start, 1.0), ([0.0, 0.0, 1.0, 0.0], 0.5))
    assert value == orbit(start, 1.0)
    assert tangent == approx([row[0][2] + 0.5 * row[1] for row in rows])


def test_second_order_sensitivity_of_an_orbit() -> None:
    found = tg.grad(tg.grad(lambda mu: orbit([1.0, 0.1, -0.2, 1.1], mu, steps=3)[0]))(1.0)
    expected = fifty_digits(lambda m, mu: orbit([1.0, 0.1, -0.2, 1.1], mu, steps=3)[0], [1.0], [2])
    assert found == approx(expected)


# ---- mixed partial derivatives of higher order -----------------------------------------------------------


def planck(m: Any, wave: Any, temperature: Any) -> Any:
    return 1 / (wave**5 * (m.exp(1 / (wave * temperature)) - 1))


def waves(m: Any, x: Any, y: Any) -> Any:
    return m.sin(x * y) * m.exp(-x * x) + m.atan(y / x) * m.log(1 + x * y)


@pytest.mark.parametrize("f", [planck, waves])
@pytest.mark.parametrize("orders", [(1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (1, 2), (3, 1), (2, 2)])
def test_mixed_partials_to_order_four(f: Any, orders: tuple[int, int]) -> None:
    at = (0.8, 1.3)
    assert mixed(f, at, orders) == pytest.approx(fifty_digits(f, at, orders), rel=1e-11)
