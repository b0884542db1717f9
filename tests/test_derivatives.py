"""Derivatives as functions of functions: structures, nesting, and that no level takes another's for its own."""

from __future__ import annotations

import dataclasses
import itertools
import math
from math import cos, exp, sin
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import pytest

import tracegrad as tg


def nth(f: Any, order: int) -> Any:
    for _ in range(order):
        f = tg.grad(f)
    return f


# ---- perturbation confusion -----------------------------------------------------------------------------


def test_siskind_and_pearlmutter() -> None:
    # d/dx [x * d/dy (x + y)] at x = 1 is 1, not 2
    # Source: J. M. Siskind, B. A. Pearlmutter, Perturbation Confusion and Referential Transparency, 2005
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0) == 1.0


def test_closure_captures_an_outer_tracer() -> None:
    # d/dx [x * d/dy (x * y)] = d/dx x² = 2x
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    # d/dx d/dy (x² y³) at y = x: inner 3 x² y², then 3 (2x y² + 2 x² y) = 12 x³ at y = x
    assert tg.grad(lambda x: tg.grad(lambda y: x**2 * y**3)(x))(2.0) == 12.0 * 2.0**3


def test_three_levels_of_closures() -> None:
    def f(x: float) -> float:
        return tg.grad(lambda y: y * tg.grad(lambda z: x * y * z * z)(y + x))(x * x)

    # inner: 2xyz at z = y + x: 2xy(y + x); times y: 2xy³ + 2x²y²; by y: 6xy² + 4x²y at y = x²: 6x⁵ + 4x⁴
    x = 1.3
    assert tg.grad(f)(x) == pytest.approx(30 * x**4 + 16 * x**3, rel=1e-14)


def test_derivative_of_a_curried_shift_is_the_derivative_operator() -> None:
    # the "amazing bug": applied twice, the operator must not take its own perturbation for the other's
    # Source: O. Manzyuk et al., Perturbation Confusion in Forward Automatic Differentiation of Higher-Order
    # Functions, 2019
    def shift(u: float) -> Any:
        return lambda f: lambda x: f(x + u)

    def derived(f: Any) -> Any:
        return lambda x: tg.grad(lambda u: shift(u)(f)(x))(0.0)

    def pushed(f: Any) -> Any:
        return lambda x: tg.jvp(lambda u: shift(u)(f)(x), (0.0,), (1.0,))[1]

    for operator in (derived, pushed):
        assert operator(operator(sin))(1.0) == pytest.approx(-sin(1.0), rel=1e-15)
    assert derived(pushed(sin))(1.0) == pytest.approx(-sin(1.0), rel=1e-15)
    assert pushed(derived(sin))(1.0) == pytest.approx(-sin(1.0), rel=1e-15)


@pytest.mark.parametrize(("f", "at", "order", "expected"), [
    (sin, 0.7, 4, sin(0.7)), (sin, 0.7, 5, cos(0.7)), (exp, 0.3, 6, exp(0.3)),
    (lambda x: x**5, 2.0, 5, 120.0), (lambda x: x**5, 2.0, 6, 0.0), (lambda x: 1 / x, 2.0, 4, 24 / 2**5),
    (lambda x: math.log(x), 2.0, 5, 24 / 2**5),
])  # fmt: skip
def test_any_order(f: Any, at: float, order: int, expected: float) -> None:
    assert nth(f, order)(at) == pytest.approx(expected, rel=1e-13, abs=1e-13)


def test_cost_of_a_level_is_a_small_factor() -> None:
    # exp's derivative is its result: each order only multiplies by what the chain rule brings
    sizes = [len(tg.trace(nth(lambda x: exp(sin(x)), order), 0.5).graph) for order in range(1, 5)]
    assert sizes[0] <= 5
    assert all(b <= 3 * a + 3 for a, b in itertools.pairwise(sizes)), sizes


def helper(x: float) -> float:
    return x * exp(-x)


@tg.traced
def decorated(x: float) -> float:
    return sin(x) * x


def test_grad_in_loops_helpers_and_decorated_functions() -> None:
    def newton(a: float) -> float:
        x = a
        for _ in range(30):
            x = x - (x * x - a) / tg.grad(lambda y: y * y - a)(x)
        return x

    assert tg.grad(newton)(2.0) == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-14)
    assert nth(newton, 2)(2.0) == pytest.approx(-0.25 * 2.0**-1.5, rel=1e-12)

    def uses(x: float) -> float:
        return tg.grad(helper)(x) + decorated(x) + decorated.grad(x)["x"]

    # helper' = (1 - x) e^-x, and its derivative (x - 2) e^-x
    x = 0.8
    expected = (x - 2) * exp(-x) + cos(x) * x + sin(x) + 2 * cos(x) - x * sin(x)
    assert tg.grad(uses)(x) == pytest.approx(expected, rel=1e-14)
    assert tg.trace(uses, x).gradients["x"] == pytest.approx(expected, rel=1e-14)


def test_trace_inside_of_a_trace_keeps_the_outer_gradient() -> None:
    def f(x: float) -> Any:
        t = tg.trace(lambda y: y**3 * x, x)
        return t.value + t.gradients["y"]

    # x⁴ + 3x³
    assert tg.grad(f)(2.0) == 4 * 8.0 + 9 * 4.0


def test_plain_argument_inside_and_traced_one_outside() -> None:
    assert tg.grad(lambda x: tg.grad(lambda y: y * y)(3.0) * x)(2.0) == 6.0
    assert tg.grad(lambda x: tg.grad(lambda y: 5.0)(x))(2.0) == 0.0


def test_grad_of_a_function_of_the_derivative_operator() -> None:
    def twice(f: Any) -> Any:
        return lambda x: tg.grad(f)(tg.grad(f)(x))

    f = twice(lambda x: x**3)  # 3 (3x²)² = 27 x⁴
    assert tg.grad(f)(1.5) == pytest.approx(108 * 1.5**3, rel=1e-15)


def test_mixed_partials_commute() -> None:
    def f(x: float, y: float) -> float:
        return exp(x * y) * sin(x / y) + x**y

    xy = tg.grad(lambda x, y: tg.grad(f, 1)(x, y), 0)(0.7, 1.3)
    yx = tg.grad(lambda x, y: tg.grad(f, 0)(x, y), 1)(0.7, 1.3)
    reference = autograd.grad(autograd.grad(lambda x, y: anp.exp(x * y) * anp.sin(x / y) + x**y, 0), 1)
    assert xy == pytest.approx(yx, rel=1e-14)
    assert yx == pytest.approx(float(reference(0.7, 1.3)), rel=1e-12)


def test_pullback_inside_of_a_later_trace() -> None:
    value, pullback = tg.vjp(lambda x: x**3, 2.0)
    assert value == 8.0
    assert tg.grad(lambda u: pullback(u)[0] * u)(5.0) == 2 * 12.0 * 5.0
    assert pullback(1.0) == (12.0,)


def test_errors_of_inner_levels_leave_nothing_behind() -> None:
    def f(x: float) -> float:
        with pytest.raises(ZeroDivisionError):
            tg.grad(lambda y: y / (x - x))(x)
        return x * x

    assert tg.grad(f)(3.0) == 6.0


# ---- structures -----------------------------------------------------------------------------------------


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Model:
    rate: float
    weights: list[float]
    name: str = "model"


def test_gradients_have_the_structure_of_their_arguments() -> None:
    def f(p: Point, m: Model, table: dict[str, Any], pair: tuple[float, list[float]]) -> float:
        return p.x * p.y + m.rate * m.weights[1] ** 2 + table["a"] * pair[1][0] + pair[0]

    args = (
        Point(2.0, 3.0), Model(0.5, [1.0, 4.0]), {"a": 7.0, "text": "untouched"}, (1.0, [5.0])
    )  # fmt: skip
    gp, gm, gt, gq = tg.grad(f, (0, 1, 2, 3))(*args)
    assert gp == Point(3.0, 2.0)
    assert (gm.rate, gm.weights) == (16.0, [0.0, 4.0])
    assert gt["a"] == 5.0
    assert gq == (1.0, [7.0])
    assert isinstance(gm, Model)
    assert args[1] == Model(0.5, [1.0, 4.0])


def test_jacobian_is_the_result_with_arguments_in_place_of_its_numbers() -> None:
    def f(p: Point, scale: float) -> dict[str, Any]:
        return {"polar": (p.x * scale, [p.y**2]), "sum": Point(p.x + p.y, scale), "const": 3.0}

    found = tg.jacobian(f, (0, 1))(Point(2.0, 3.0), 10.0)
    assert found == {
        "polar": ((Point(10.0, 0.0), 2.0), [(Point(0.0, 6.0), 0.0)]),
        "sum": Point((Point(1.0, 1.0), 0.0), (Point(0.0, 0.0), 1.0)),
        "const": (Point(0.0, 0.0), 0.0),
    }
    assert tg.jacobian(f)(Point(2.0, 3.0), 10.0)["polar"] == (Point(10.0, 0.0), [Point(0.0, 6.0)])


def test_jacobian_runs_the_function_once() -> None:
    runs = []

    def f(xs: list[float]) -> list[float]:
        runs.append(1)
        return [x * x for x in xs]

    assert tg.jacobian(f)([1.0, 2.0]) == [[2.0, 0.0], [0.0, 4.0]]
    assert len(runs) == 1


def test_hessian_is_argument_in_argument_and_symmetric() -> None:
    def f(p: Point, w: list[float]) -> float:
        return p.x**2 * p.y * w[0] + sin(w[1] * p.x)

    by_p, by_w = tg.hessian(f, (0, 1))(Point(0.5, 2.0), [3.0, 1.5])
    assert isinstance(by_p, Point)
    assert by_p.y == (Point(2 * 0.5 * 3.0, 0.0), [0.25, 0.0])
    assert isinstance(by_p.x[0], Point)
    assert by_p.x[1] == [2 * 0.5 * 2.0, pytest.approx(cos(0.75) - 0.75 * sin(0.75), rel=1e-15)]
    assert [row[0].x for row in by_w] == pytest.approx(by_p.x[1], rel=1e-15)
    assert by_w[1][1][1] == pytest.approx(-0.25 * sin(0.75), rel=1e-15)


def test_jvp_in_structures_and_against_the_jacobian() -> None:
    def f(p: Point, s: float) -> list[float]:
        return [exp(p.x) * s, p.y / s, 4.0]

    primals, tangents = (Point(0.3, 2.0), 1.5), (Point(1.0, -2.0), 0.5)
    value, tangent = tg.jvp(f, primals, tangents)
    assert value == f(*primals)
    rows = tg.jacobian(f, (0, 1))(*primals)
    expected = [row[0].x * 1.0 + row[0].y * -2.0 + row[1] * 0.5 for row in rows]
    assert tangent == pytest.approx(expected, rel=1e-15)
    with pytest.raises(tg.InputError, match="the tangents have"):
        tg.jvp(f, primals, (Point(1.0, 2.0),))


def test_forward_over_reverse_equals_reverse_over_reverse() -> None:
    def f(xs: list[float]) -> float:
        return sin(xs[0] * xs[1]) + xs[2] ** 3 * xs[0]

    at, vector = [0.4, 1.1, -0.7], [1.0, 2.0, -3.0]
    rows = tg.hessian(f)(at)
    expected = [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rows]
    assert tg.hessian_vector_product(f)(at, vector) == pytest.approx(expected, rel=1e-13)
    reverse = tg.grad(lambda xs: sum(a * b for a, b in zip(tg.grad(f)(xs), vector, strict=True)))
    assert reverse(at) == pytest.approx(expected, rel=1e-13)
    nested = tg.jvp(lambda xs: tg.jvp(f, (xs,), (vector,))[1], (at,), (vector,))[1]
    assert nested == pytest.approx(sum(a * b for a, b in zip(expected, vector, strict=True)), rel=1e-13)


def test_hessian_vector_product_of_several_arguments_and_keywords() -> None:
    def f(x: float, p: Point, *, k: float) -> float:
        return x**2 * p.y * k + p.x**3

    hvp = tg.hessian_vector_product(f, (0, 1))
    x, p = hvp(3.0, Point(2.0, 5.0), (1.0, Point(0.5, 0.0)), k=2.0)
    assert x == 2 * 5.0 * 2.0
    assert p == Point(6 * 2.0 * 0.5, 2 * 3.0 * 2.0)
    assert tg.hessian_vector_product(f)(3.0, Point(2.0, 5.0), 1.0, k=2.0) == 20.0


def test_elementwise_grad() -> None:
    assert tg.elementwise_grad(lambda xs: [sin(x) for x in xs])([0.1, 0.2]) == [cos(0.1), cos(0.2)]
    assert tg.elementwise_grad(lambda x: x**2)(3.0) == 6.0
    assert tg.elementwise_grad(lambda x: {"a": x, "b": 2.0})(3.0) == 1.0


def test_keyword_arguments_are_passed_on() -> None:
    def f(x: float, y: float = 2.0, *, k: float, label: str) -> float:
        return x * y * k if label == "product" else 0.0

    assert tg.grad(f)(3.0, k=5.0, label="product") == 10.0
    assert tg.grad(f, (0, 1))(3.0, 4.0, k=5.0, label="product") == (20.0, 15.0)
    assert tg.jacobian(f)(3.0, y=7.0, k=1.0, label="product") == 7.0
    assert tg.grad(f, -1)(3.0, 4.0, k=5.0, label="product") == 15.0


def test_vjp_gives_one_gradient_for_each_argument() -> None:
    value, pullback = tg.vjp(lambda x, text, ys: [x * ys[0], ys[1]], 3.0, "text", (2.0, 5.0))
    assert value == [6.0, 5.0]
    assert pullback([1.0, 10.0]) == (2.0, None, (3.0, 10.0))
    with pytest.raises(tg.InputError, match=r"the seed .* does not fit"):
        pullback([1.0, 2.0, 3.0])


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(tg.InputError, match=r"argnums=2 but .* was given 1 positional"):
        tg.grad(lambda x: x, 2)(1.0)
    with pytest.raises(tg.InputError, match="returned list with 2 numbers"):
        tg.grad(lambda x: [x, x])(1.0)
    with pytest.raises(TypeError):
        tg.grad(lambda x: x, 1.5)(1.0)  # type: ignore[arg-type]


def test_names_and_docs_are_those_of_the_function() -> None:
    for make in (tg.grad, tg.jacobian, tg.hessian, tg.elementwise_grad, tg.hessian_vector_product):
        assert make(helper).__name__ == "helper"


@pytest.mark.parametrize("seed", range(5))
def test_hessians_against_autograd(seed: int) -> None:
    import random

    chance = random.Random(seed)
    at = [chance.uniform(0.5, 1.5) for _ in range(4)]

    def f(xs: Any, m: Any = math) -> Any:
        total = m.exp(-xs[0] * xs[1])
        for a, b in itertools.pairwise(xs):
            total = total + m.sin(a) * b**2 + m.log(a + b) / a
        return m.tanh(total) * m.sqrt(xs[3])

    class Numpy:
        exp, sin, log, tanh, sqrt = anp.exp, anp.sin, anp.log, anp.tanh, anp.sqrt

    reference = autograd.hessian(lambda x: f([x[i] for i in range(4)], Numpy))(anp.array(at))
    for row, expected in zip(tg.hessian(f)(at), reference, strict=True):
        assert row == pytest.approx(list(expected), rel=1e-9, abs=1e-12)


# ---- more ways to nest ----------------------------------------------------------------------------------


def test_detach_is_constant_at_every_order() -> None:
    assert tg.grad(tg.grad(lambda x: x * tg.detach(x)))(3.0) == 0.0
    assert tg.grad(lambda x: tg.grad(lambda y: tg.detach(x) * y)(x) * x)(3.0) == 3.0


def test_arguments_without_numbers_have_gradients_without_numbers() -> None:
    assert tg.grad(lambda x, ys, text: x * 2, (0, 1, 2))(2.0, [], "text") == (2.0, [], None)
    assert tg.jacobian(lambda x, ys: [x, x], (0, 1))(2.0, {"a": None}) == [(1.0, {"a": None})] * 2
    with pytest.raises(tg.InputError, match="no number"):
        tg.grad(lambda text: 1.0)("text")


def test_whole_numbers_beyond_the_floats_lose_no_gradient_in_silence() -> None:
    huge = 10**400
    assert tg.grad(lambda x: x * huge)(2) == math.inf
    assert math.isnan(tg.grad(lambda y: tg.grad(lambda x: x * y)(2))(huge))


def test_generators_and_recursion_of_derivatives() -> None:
    def total(x: float) -> float:
        return sum(tg.grad(lambda y, k=k: y**k * x)(x) for k in range(3))

    assert tg.grad(total)(2.0) == 1 + 4 * 2.0

    def deep(y: float, n: int) -> float:
        return y if n == 0 else tg.grad(lambda z: z * z * y)(deep(y, n - 1))

    # deep(y, n) = 2y deep(y, n - 1) = 2ⁿ yⁿ⁺¹
    assert tg.grad(lambda x: deep(x, 5))(0.9) == pytest.approx(32 * 6 * 0.9**5, rel=1e-14)


def test_gradient_traces_nest_in_gradients() -> None:
    def f(x: float, y: float) -> float:
        return sin(x * y)

    found = tg.grad(lambda x: tg.trace(f, x, 2.0).gradient_trace().value[1]["x"])(0.3)
    assert found == pytest.approx(-4 * sin(0.6), rel=1e-15)


def test_threads_and_tasks_keep_their_own_levels() -> None:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    def third(x: float) -> float:
        found: float = nth(lambda y: sin(y) * y, 3)(x)
        return found

    points = [i / 10 for i in range(20)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(third, points)) == list(map(third, points))

    async def task(x: float) -> float:
        await asyncio.sleep(0)
        return third(x)

    async def tasks() -> list[float]:
        return await asyncio.gather(*map(task, points))

    assert asyncio.run(tasks()) == list(map(third, points))


@pytest.mark.parametrize("derive", [tg.grad, lambda f: lambda x: tg.jvp(f, (x,), (1.0,))[1]])
def test_a_tracer_that_outlives_its_derivative_is_told(derive: Any) -> None:
    kept: list[Any] = []
    derive(lambda x: [kept.append(x), x * x][1])(2.0)
    with pytest.raises(tg.LeakError, match="after its trace ended"):
        derive(lambda y: y * kept[0])(3.0)


def test_frozen_dataclass_with_slots() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Params:
        a: float
        b: list[float]
        name: str = "n"

    found = tg.hessian(lambda p: p.a**2 * p.b[0])(Params(2.0, [3.0]))
    assert found == Params(Params(6.0, [4.0]), [Params(4.0, [0.0])])  # type: ignore[arg-type, list-item]


@pytest.mark.parametrize(("f", "at", "expected"), [
    (lambda x, y: x**y, (0.0, 2.0), [[2.0, 0.0], [0.0, 0.0]]),
    (lambda x, y: max(x, y) ** 2, (1.0, 1.0), [[2.0, 0.0], [0.0, 0.0]]),
    (lambda x, y: math.hypot(x, y), (0.0, 0.0), [[0.0, 0.0], [0.0, 0.0]]),
    (lambda x, y: math.prod([x, y, 3.0]), (0.0, 2.0), [[0.0, 3.0], [3.0, 0.0]]),
    (lambda x, y: abs(x) * y, (0.0, 2.0), [[0.0, 0.0], [0.0, 0.0]]),
])  # fmt: skip
def test_second_derivatives_at_kinks_follow_the_convention(f: Any, at: Any, expected: Any) -> None:
    assert [list(row) for row in tg.hessian(f, (0, 1))(*at)] == expected
