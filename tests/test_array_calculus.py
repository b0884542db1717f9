"""Derivatives of functions of arrays: forward mode, Hessian products, the check, nesting, classical truths."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from array_cases import CASES, Case

import tracegrad as tg
from tracegrad.export.json import from_json, to_json
from tracegrad.export.numerals import lines, strip

by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

#: of two elements: its second derivative is 0, the sum of large terms that cancel
CANCELS = {"std({'axis': 0})", "nanstd {'axis': 0}"}


def weighed(case: Case) -> tuple[Callable[..., Any], Any]:
    """The case as a function with one number, and the weights of its result."""
    weights = np.random.default_rng(99).uniform(0.5, 1.5, np.shape(case.function(*case.args)))
    return (lambda *args: np.sum(case.function(*args) * weights)), weights


def directions_of(args: tuple[Any, ...]) -> tuple[Any, ...]:
    rng = np.random.default_rng(5)
    return tuple(rng.normal(size=np.shape(arg)) for arg in args)


def gradients(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = tg.grad(function, tuple(range(len(args))))(*args)
    return found


def inner(left: tuple[Any, ...], right: tuple[Any, ...]) -> Any:
    return sum(np.sum(one * other) for one, other in zip(left, right, strict=True))


# ---- every row ----------------------------------------------------------------------------------------


@by_name
def test_forward_equals_reverse(case: Case) -> None:
    function, weights = weighed(case)
    directions = directions_of(case.args)
    value, tangent = tg.jvp(lambda *args: case.function(*args), case.args, directions)
    assert np.asarray(value).tobytes() == np.asarray(case.function(*case.args)).tobytes()
    assert np.shape(tangent) == np.shape(value)
    expected = inner(gradients(function, case.args), directions)
    np.testing.assert_allclose(np.sum(tangent * weights), expected, rtol=1e-10, atol=1e-10)


@by_name
def test_hessian_products_of_both_modes(case: Case) -> None:
    function, _ = weighed(case)
    directions = directions_of(case.args)
    numbers = tuple(range(len(case.args)))
    over_reverse = tg.hessian_vector_product(function, numbers)(*case.args, directions)
    twice = gradients(lambda *args: inner(gradients(function, args), directions), case.args)
    backward = gradients(lambda *args: tg.jvp(function, args, directions)[1], case.args)
    for one, other, third in zip(over_reverse, twice, backward, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(third, other, rtol=1e-8, atol=1e-8)
    _, forward = tg.jvp(
        lambda *args: tg.jvp(function, args, directions)[1], case.args, directions
    )  # fmt: skip
    np.testing.assert_allclose(forward, inner(twice, directions), rtol=1e-7, atol=1e-7)


@by_name
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_check_passes_every_row(case: Case, kind: type) -> None:
    order = 1 if case.name in CANCELS else 2
    args = tuple(kind(arg) for arg in case.args)
    report = tg.check(lambda *args: case.function(*args), *args, order=order, directions=1)
    assert report.ok, str(report)


@by_name
def test_tangents_have_the_precision_of_arrays(case: Case) -> None:
    args = tuple(np.float32(arg) for arg in case.args)
    directions = tuple(np.float32(one) for one in directions_of(args))
    value, tangent = tg.jvp(lambda *args: case.function(*args), args, directions)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        assert tangent.dtype == value.dtype


# ---- forward mode ---------------------------------------------------------------------------------------


def test_tangents_are_arrays_of_their_own() -> None:
    v, t = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, tangent = tg.jvp(lambda v: v, (v,), (t,))
    tangent[0] = value[0] = 9.0
    assert v[0] == 1.0
    assert t[0] == 3.0
    _, (moved, still) = tg.jvp(lambda v: (v + np.zeros((3, 2)), np.ones(2)), (v,), (t,))
    assert moved.tolist() == [[3.0, 4.0]] * 3
    assert still.tolist() == [0.0, 0.0]
    _, one = tg.jvp(lambda v, w: w * 2, (v, 5.0), (t, 1.0))
    assert one == 2.0


def test_columns_of_the_jacobian() -> None:
    def f(x: Any, m: Any) -> Any:
        return np.tanh(m @ x) / x[::-1].sum()

    x, m = np.array([0.3, -0.2, 0.9]), np.arange(12.0).reshape(4, 3) / 10
    columns = [tg.jvp(lambda x: f(x, m), (x,), (unit,))[1] for unit in np.eye(3)]
    np.testing.assert_allclose(np.stack(columns, axis=-1), tg.jacobian(f)(x, m), rtol=1e-14)


def test_tangents_that_do_not_fit_are_told() -> None:
    v = np.ones(3)
    with pytest.raises(tg.InputError, match=r"tangent of \[0\] has shape \(2,\).* array of shape \(3,\)"):
        tg.jvp(lambda v: v * v, (v,), (np.ones(2),))
    with pytest.raises(tg.InputError, match="the tangents have"):
        tg.jvp(lambda v: v * v, (v,), ([1.0, 0.0, 0.0],))


# ---- the check --------------------------------------------------------------------------------------------


@tg.custom_gradient(lambda g, out, x, w: (g @ w.T, 1.01 * (x.T @ g)))
def wrong_product(x: Any, w: Any) -> Any:
    return x @ w


def layer(x: Any, w: Any) -> Any:
    h = np.tanh(x)
    y = wrong_product(h, w)
    return {"y": y, "norm": np.sqrt((y**2).sum())}


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_wrong_rule_on_arrays_is_named_with_its_line(kind: type) -> None:
    report = tg.check(layer, np.linspace(-1, 1, 6, dtype=kind).reshape(2, 3), np.ones((3, 2), kind) / 2)
    assert not report.ok
    worst = report.worst
    assert worst is not None
    assert (worst.node.primitive, worst.slot, worst.node.name) == ("custom.wrong_product", 1, "y")
    assert worst.node.site is not None
    assert worst.node.site.line == layer.__code__.co_firstlineno + 2
    assert worst.local / worst.difference == pytest.approx(1.01, rel=1e-4)
    assert "`wrong_product(h, w)`" in str(report)


def test_a_rule_on_arrays_wrong_in_the_second_order_alone() -> None:
    once = tg.custom_gradient(lambda g, out, x: g * np.cos(tg.detach(x)))(lambda x: np.sin(x))
    x = np.array([0.3, 0.4])
    assert tg.check(lambda x: once(x) * x, x, order=1).ok
    report = tg.check(lambda x: once(x) * x, x)
    assert {one.order for one in report.comparisons if not one.ok} == {2}
    assert report.worst is not None
    assert report.worst.order == 2
    assert report.worst.node.primitive == "custom.<lambda>"


def test_check_of_structures_and_whole_numbers() -> None:
    def f(p: Any, n: Any) -> Any:
        return [p["w"] @ p["b"] + n, (p["b"] ** 2).sum() * n]

    assert tg.check(f, {"w": np.ones((2, 3)), "b": np.arange(3)}, 2).ok


# ---- primitives of the user -----------------------------------------------------------------------------


def test_a_vjp_on_arrays_is_a_map() -> None:
    @tg.primitive(vjp=lambda g, out, x: np.sum(g) * np.ones_like(x), check_at=(np.array([1.0, 2.0]),))
    def total(x: Any) -> Any:
        return np.sum(x) * np.ones(2)

    x, w = np.array([1.0, 5.0]), np.array([2.0, 3.0])
    assert tg.grad(lambda x: (total(x) * w).sum())(x).tolist() == [5.0, 5.0]
    assert tg.jvp(total, (x,), (w,))[1].tolist() == [5.0, 5.0]
    assert tg.hessian(lambda x: (total(x) ** 2).sum())(x).tolist() == [[4.0, 4.0]] * 2


def test_several_results_of_a_vjp_on_arrays() -> None:
    @tg.primitive(vjp=lambda g, out, x: g["double"] * 2 + g["norm"] * x / out["norm"])
    def parts(x: Any) -> Any:
        return {"double": 2 * x, "norm": np.sqrt((x**2).sum())}

    def f(x: Any) -> Any:
        found = parts(x)
        return found["double"].sum() * found["norm"]

    def plain(x: Any) -> Any:
        return (2 * x).sum() * np.sqrt((x**2).sum())

    x = np.array([3.0, 4.0])
    np.testing.assert_allclose(tg.grad(f)(x), tg.grad(plain)(x), rtol=1e-15)
    np.testing.assert_allclose(tg.hessian(f)(x), tg.hessian(plain)(x), rtol=1e-14)
    assert tg.check(f, x).ok


def test_partials_that_are_a_matrix_are_refused() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    rotated = tg.primitive(lambda x: matrix @ x, partials=lambda out, x: matrix)
    with pytest.raises(tg.UnsupportedError, match=r"partials .* shape \(2, 2\) .* shape \(2,\).* write vjp="):
        tg.grad(lambda x: rotated(x).sum())(np.ones(2))
    square = tg.primitive(lambda x: x * x, partials=lambda out, x: 2 * x)
    assert tg.grad(lambda x: square(x).sum())(np.array([1.0, 3.0])).tolist() == [2.0, 6.0]
    norm = tg.primitive(lambda x: np.sqrt((x**2).sum()), partials=lambda out, x: x / out)
    assert tg.grad(norm)(np.array([3.0, 4.0])).tolist() == [0.6, 0.8]


# ---- nesting ----------------------------------------------------------------------------------------------


def test_no_perturbation_is_confused() -> None:
    x = np.array([1.0, 2.0])
    ones = np.ones(2)
    # d/dx sum(x * d/dy sum(x + y)) = 1, and not 2
    assert tg.grad(lambda x: (x * tg.grad(lambda y: (x + y).sum())(ones)).sum())(x).tolist() == [1.0, 1.0]
    # d/dx sum(x * d/dy sum(x y)) = 2 x
    assert tg.grad(lambda x: (x * tg.grad(lambda y: (x * y).sum())(ones)).sum())(x).tolist() == [2.0, 4.0]
    forward = tg.jvp(
        lambda x: x * tg.jvp(lambda y: x + y, (ones,), (ones,))[1], (x,), (ones,)
    )[1]  # fmt: skip
    assert forward.tolist() == [1.0, 1.0]
    mixed = tg.grad(lambda x: (x * tg.jvp(lambda y: x * y * y, (ones,), (ones,))[1]).sum())(x)
    assert mixed.tolist() == [4.0, 8.0]
    assert tg.jvp(lambda x: x * tg.grad(lambda y: (x * y).sum())(ones), (x,), (ones,))[1].tolist() == [
        2.0,
        4.0,
    ]


def test_an_inner_derivative_at_a_point_that_moves() -> None:
    def f(x: Any) -> Any:
        return tg.grad(lambda y: (y**3 * x).sum())(x * 2).sum()  # 3 (2x)² x = 12 x³

    assert tg.grad(f)(np.array([1.0, 2.0])).tolist() == [36.0, 144.0]
    assert tg.hessian(f)(np.array([1.0, 2.0])).tolist() == [[72.0, 0.0], [0.0, 144.0]]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_any_order_on_arrays(order: int) -> None:
    def f(x: Any) -> Any:
        return (np.exp(2 * x)).sum()

    derived = f
    for _ in range(order):
        derived = (lambda g: lambda x: tg.grad(g)(x).sum())(derived)
    x = np.array([0.1, 0.2])
    np.testing.assert_allclose(derived(x), 2.0**order * np.exp(2 * x).sum(), rtol=1e-14)


def test_all_ways_to_a_hessian_agree() -> None:
    def f(x: Any) -> Any:
        return np.log(np.exp(x @ M).sum()) * x[0] ** 2

    M = np.arange(9.0).reshape(3, 3) / 10
    x = np.array([0.2, -0.4, 0.1])
    expected = tg.hessian(f)(x)
    assert np.array_equal(expected.shape, (3, 3))
    np.testing.assert_allclose(expected, expected.T, rtol=1e-13)
    np.testing.assert_allclose(tg.jacobian(tg.jacobian(f))(x), expected, rtol=1e-13)
    np.testing.assert_allclose(tg.jacobian(tg.grad(f))(x), expected, rtol=1e-13)
    rows = [tg.hessian_vector_product(f)(x, unit) for unit in np.eye(3)]
    np.testing.assert_allclose(np.stack(rows), expected, rtol=1e-13)
    third = tg.jacobian(tg.hessian(f))(x)
    assert third.shape == (3, 3, 3)
    np.testing.assert_allclose(third, np.transpose(third, (2, 0, 1)), rtol=1e-11, atol=1e-13)


class Point(NamedTuple):
    xy: Any
    weight: float


@dataclasses.dataclass
class Model:
    w: Any
    bias: float
    name: str = "model"


def test_structures_of_arrays() -> None:
    def f(model: Model, points: list[Point], *, scale: float = 1.0) -> Any:
        return sum(p.weight * np.tanh(model.w @ p.xy + model.bias).sum() for p in points) * scale

    model = Model(np.arange(6.0).reshape(3, 2) / 5, 0.5)
    points = [Point(np.array([1.0, 2.0]), 0.5), Point(np.array([0.5, -1.0]), 2.0)]
    by_model, by_points = tg.grad(f, (0, 1))(model, points, scale=2.0)
    assert isinstance(by_model, Model)
    assert by_model.name == "model"
    assert by_model.w.shape == (3, 2)
    assert [type(one) for one in by_points] == [Point, Point]
    assert tg.check(f, model, points, scale=tg.detach(2.0)).ok
    value, tangent = tg.jvp(f, (model, points), (by_model, by_points))
    assert value == f(model, points)
    squares = (by_model.w**2).sum() + by_model.bias**2
    squares += sum((one.xy**2).sum() + one.weight**2 for one in by_points)
    assert tangent == pytest.approx(squares / 2, rel=1e-13)
    product = tg.hessian_vector_product(f, (0, 1))(model, points, (by_model, by_points))
    twice = tg.grad(lambda m, p: tg.jvp(f, (m, p), (by_model, by_points))[1], (0, 1))(model, points)
    np.testing.assert_allclose(product[0].w, twice[0].w, rtol=1e-13)
    np.testing.assert_allclose(product[1][1].xy, twice[1][1].xy, rtol=1e-13)


# ---- classical truths -------------------------------------------------------------------------------------


def mixture(xp: Any, alphas: Any, means: Any, icf: Any, x: Any) -> Any:
    """Minus the log-likelihood of a Gaussian mixture with triangular inverse covariances (the ADBench objective)."""
    d = x.shape[1]
    rows, columns = np.tril_indices(d, -1)
    place = np.zeros((d, d, len(rows)))
    place[rows, columns, np.arange(len(rows))] = 1.0
    eye = np.eye(d)
    terms = []
    for k in range(len(alphas)):
        lower = xp.dot(place, icf[k, d:]) + eye * xp.exp(icf[k, :d])
        centred = xp.dot(x - means[k], lower.T)
        terms.append(alphas[k] + xp.sum(icf[k, :d]) - 0.5 * xp.sum(centred**2, axis=1))
    stacked = xp.stack(terms)
    top = xp.max(stacked, axis=0)
    inner = xp.log(xp.sum(xp.exp(stacked - top), axis=0)) + top
    return xp.sum(inner) - len(x) * xp.log(xp.sum(xp.exp(alphas)))


def evidence(xp: Any, theta: Any, x: Any, y: Any) -> Any:
    """Minus the log marginal likelihood of a Gaussian process (Rasmussen and Williams, equation 2.30)."""
    squares = (x[:, None] - x[None, :]) ** 2
    kernel = xp.exp(theta[0] - 0.5 * squares * xp.exp(-2 * theta[1])) + xp.exp(theta[2]) * np.eye(len(x))
    lower = xp.linalg.cholesky(kernel)
    solved = xp.linalg.solve(lower, y)
    by_factor = 0.5 * xp.sum(solved**2) + xp.sum(xp.log(xp.diag(lower)))
    by_matrix = 0.5 * xp.dot(y, xp.linalg.solve(kernel, y)) + 0.5 * xp.linalg.slogdet(kernel)[1]
    return 0.5 * (by_factor + by_matrix) + 0.5 * len(x) * math.log(2 * math.pi)


def reprojection(xp: Any, camera: Any, points: Any, weights: Any) -> Any:
    """Errors of projected points, with a rotation vector and radial distortion: one camera of a bundle adjustment."""
    rotation, centre, f, x0, k = camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:11]
    angle = xp.sqrt(xp.sum(rotation**2))
    axis = rotation / angle
    shifted = points - centre
    turned = (
        shifted * xp.cos(angle)
        + xp.cross(axis + np.zeros(shifted.shape), shifted) * xp.sin(angle)
        + axis * (xp.dot(shifted, axis) * (1 - xp.cos(angle)))[:, None]
    )
    flat = turned[:, :2] / turned[:, 2:]
    squares = xp.sum(flat**2, axis=1, keepdims=True)
    return (flat * (1 + k[0] * squares + k[1] * squares**2) * f + x0) * weights[:, None]


RNG = np.random.default_rng(11)
MIXTURE = (
    RNG.normal(size=3),
    RNG.normal(size=(3, 4)),
    RNG.normal(size=(3, 10)) / 3,
    RNG.normal(size=(20, 4)),
)
PROCESS = (np.array([0.2, -0.3, -1.5]), np.linspace(0, 3, 12), RNG.normal(size=12))
BUNDLE = (
    RNG.normal(size=11) / 5 + 0.1,
    RNG.normal(size=(6, 3)) + np.array([0, 0, 5]),
    RNG.uniform(0.5, 1, 6),
)
OBJECTIVES = {"mixture": (mixture, MIXTURE, (0, 1, 2)), "evidence": (evidence, PROCESS, (0, 1, 2))}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_against_autograd_and_differences(name: str) -> None:
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    objective, args, numbers = OBJECTIVES[name]
    directions = directions_of(args[: len(numbers)])

    def own(*args: Any) -> Any:
        return objective(np, *args)

    def other(*args: Any) -> Any:
        return objective(anp, *args)

    found = tg.grad(own, numbers)(*args)
    for one, expected in zip(found, autograd.grad(other, numbers)(*args), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-10, atol=1e-10)
    product = tg.hessian_vector_product(own, numbers)(*args, directions)
    for number in numbers:
        expected = autograd.grad(
            lambda *args: sum(
                anp.sum(g * d) for g, d in zip(autograd.grad(other, numbers)(*args), directions, strict=True)
            ),
            number,
        )(*args)
        np.testing.assert_allclose(product[number], expected, rtol=1e-9, atol=1e-9)
    assert tg.check(own, *args).ok
    assert tg.check(own, *map(np.float32, args)).ok


def test_reprojection_errors_and_their_jacobian() -> None:
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    found = tg.jacobian(lambda *args: reprojection(np, *args), (0, 1, 2))(*BUNDLE)
    assert [part.shape for part in found] == [(6, 2, 11), (6, 2, 6, 3), (6, 2, 6)]
    for number, one in enumerate(found[:1] + found[2:]):
        expected = autograd.jacobian(lambda *args: reprojection(anp, *args), (0, 2)[number])(*BUNDLE)
        np.testing.assert_allclose(one, expected, rtol=1e-10, atol=1e-10)
    # a point has to do with its own error alone
    others = found[1] * (1 - np.eye(6))[:, None, :, None]
    assert not others.any()
    direction = directions_of(BUNDLE)
    _, tangent = tg.jvp(lambda *args: reprojection(np, *args), BUNDLE, direction)
    by_rows = sum(
        np.tensordot(part, one, np.ndim(one)) for part, one in zip(found, direction, strict=True)
    )  # fmt: skip
    np.testing.assert_allclose(tangent, by_rows, rtol=1e-12, atol=1e-13)
    assert tg.check(lambda *args: reprojection(np, *args), *BUNDLE).ok


def test_ridge_regression_has_its_closed_form() -> None:
    x, y, lam = RNG.normal(size=(8, 3)), RNG.normal(size=8), 0.7

    def loss(w: Any) -> Any:
        return ((x @ w - y) ** 2).sum() + lam * (w @ w)

    w = RNG.normal(size=3)
    np.testing.assert_allclose(tg.grad(loss)(w), 2 * x.T @ (x @ w - y) + 2 * lam * w, rtol=1e-12)
    np.testing.assert_allclose(tg.hessian(loss)(w), 2 * x.T @ x + 2 * lam * np.eye(3), rtol=1e-12, atol=1e-13)
    newton = w - np.linalg.solve(tg.hessian(loss)(w), tg.grad(loss)(w))
    np.testing.assert_allclose(newton, np.linalg.solve(x.T @ x + lam * np.eye(3), x.T @ y), rtol=1e-12)


# ---- numbers in the place of arrays ---------------------------------------------------------------------


@pytest.mark.parametrize("function", [
    np.sum, np.mean, np.prod, np.max, np.min, lambda x: np.reshape(x, (1,))[0], lambda x: np.dot(x, 3.0),
    lambda x: np.sum(x, keepdims=True), lambda x: np.concatenate([np.array([x]), [x * x]]).sum(),
    np.ravel, np.atleast_2d,
    lambda x: np.broadcast_to(x, (2, 2)), lambda x: np.sum(np.float64(2) * x) * np.max(x), np.var, np.copy,
    lambda x: np.stack([x, x * x]), lambda x: np.append(x, [x]), lambda x: np.outer(x, x), lambda x: np.inner(x, x),
    lambda x: np.transpose(x) * x, lambda x: np.squeeze(x) ** 3, lambda x: np.sort(np.array([x, -x])),
    lambda x: np.kron(x, np.ones(2)), lambda x: np.kron(np.ones((2, 1)), x), lambda x: np.tensordot(x, x, 0),
    lambda x: np.tensordot(x, np.ones(3), 0), lambda x: np.tensordot(np.ones((3, 2)), x, 0),
])  # fmt: skip
@pytest.mark.parametrize("kind", [float, np.float64])
def test_a_number_is_as_good_as_an_array(function: Any, kind: type) -> None:
    plain = function(kind(1.3))
    t = tg.trace(lambda x: function(x), kind(1.3))
    assert type(t.value) is type(plain)
    assert np.array_equal(t.value, plain)
    report = tg.check(lambda x: function(x) * x, kind(1.3), directions=1)
    assert report.ok, str(report)
    _, tangent = tg.jvp(lambda x: function(x), (kind(1.3),), (1.0,))
    np.testing.assert_allclose(tangent, tg.jacobian(lambda x: function(x))(kind(1.3)), rtol=1e-14)


# ---- the hot path -----------------------------------------------------------------------------------------


@by_name
def test_compiled_instructions_give_the_bits_of_the_general_ones(case: Case) -> None:
    def function(*args: Any) -> Any:
        return np.sum(case.function(*args) * 1.5)

    t = tg.trace(lambda *args: function(*args), *case.args)
    t.graph.lint()  # once there is a graph, gradients are those of its steps
    (stepped,) = t.gradients.values()
    swept = gradients(function, case.args)
    for one, other in zip(stepped, swept, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def composed_and_in_line(a: Any, b: Any) -> Any:
    wide = np.kron(a, b)
    return np.sum(b @ a + wide[0] / a)


def test_what_is_recorded_in_line_stands_at_the_user_s_line() -> None:
    t = tg.trace(composed_and_in_line, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    first = composed_and_in_line.__code__.co_firstlineno
    lines = {node.primitive: {one.site.line - first for one in t.nodes if one.primitive == node.primitive}
             for node in t.nodes if node.kind == "op"}  # fmt: skip
    assert lines == {
        "numpy.reshape": {1}, "mul": {1}, "getitem": {2}, "numpy.matmul": {2}, "div": {2}, "add": {2}, "numpy.sum": {2}
    }  # fmt: skip


def test_what_is_no_usual_operand_goes_the_general_way() -> None:
    x = np.array([1.0, 2.0])
    with pytest.raises(tg.UnsupportedError, match="complex"):
        tg.grad(lambda x: (x * np.array([1j, 2.0])).sum())(x)
    with pytest.raises(tg.UnsupportedError, match="shares its memory"):
        tg.grad(assigned)(x)
    kept: list[Any] = []
    tg.grad(lambda x: kept.append(x) or x.sum())(x)
    with pytest.raises(tg.LeakError, match="after its trace ended"):
        kept[0] * 2.0
    with pytest.raises(tg.LeakError, match="after its trace ended"):
        np.sin(kept[0])
    with pytest.raises(TypeError, match="unsupported operand"):
        tg.grad(lambda x: x - "text")(x)
    with pytest.raises(ValueError, match="could not be broadcast"):
        tg.grad(lambda x: (x * np.ones(3)).sum())(x)


def assigned(x: Any) -> Any:
    y = x * 1
    view = y[:1]
    y[0] = x[1]
    return (view * 2).sum()


def test_constants_are_kept_as_they_were() -> None:
    def f(x: Any) -> Any:
        scale = np.array([2.0, 3.0])
        y = x * scale
        z = scale * x
        scale[:] = 7.0
        return (y * z).sum()

    assert tg.grad(f)(np.ones(2)).tolist() == [8.0, 18.0]
    buffer = np.array([2.0, 3.0])

    def g(x: Any) -> Any:
        y = np.multiply(buffer, x) + buffer @ x
        buffer[:] = 7.0
        return y.sum()

    assert tg.grad(g)(np.ones(2)).tolist() == [6.0, 9.0]


# ---- what documents and pictures show ---------------------------------------------------------------------


def large(w: Any, x: Any) -> Any:
    h = x @ w
    return (h * h).sum()


def test_large_arrays_are_shown_by_shape_range_norm_and_a_strip() -> None:
    x = np.linspace(-1, 1, 120 * 2).reshape(120, 2)
    t = tg.trace(large, np.array([[1.0], [2.0]]), x)
    shown = t["x"].value
    assert (shown.shape, shown.dtype, shown.values) == ((120, 2), "float64", None)
    assert shown.norm == pytest.approx(np.linalg.norm(x), rel=1e-14)
    np.testing.assert_allclose(shown.strip, x.reshape(12, 20).mean(axis=1), rtol=1e-13)
    assert from_json(to_json(t.document)) == t.document
    dot = t.to_dot()
    assert r"x\n120×2 float64\n-1 … 1\nnorm 8.982, mean" in dot
    assert "▁▂▂▃▄▄▅▅▆▇▇█" in dot
    assert r"w\n2×1 float64\n1\n2\n∂ [" in dot
    for picture in (dot, t.to_svg()):
        assert "Aᵀ G" in picture
        assert "▁▂▂▃▄▄▅▅▆▇▇█" in picture
    assert len(t.to_png()) > 1000


def test_strips_of_arrays_that_are_not_finite_or_huge() -> None:
    x = np.full(240, 1e200)
    x[:20], x[20] = np.nan, np.inf
    shown = tg.trace(lambda x: (x * 2.0).sum(), x)["x"].value
    assert strip(shown) == "××▅▅▅▅▅▅▅▅▅▅"
    assert math.isnan(shown.norm)
    huge = tg.trace(lambda x: (x * 2.0).sum(), np.full(400, 1e200))["x"].value
    assert huge.norm == pytest.approx(2e201)
    few = tg.trace(lambda x: (x * 2.0).sum(), np.array([np.nan, 1.0, 2.0, 3.0, 4.0]))["x"].value
    assert lines(few) == ["5 float64", "nan … nan", "norm nan, mean nan", "×▁▃▆█"]


KEPT = np.ones((80, 80))


@tg.custom_gradient(lambda g, out, x: KEPT)
def keeps_its_gradient(x: Any) -> Any:
    return x.sum()


@pytest.mark.parametrize("function", [
    lambda x, y: (x + y).sum(), lambda x, y: ((x * 2.0) + y)[3].sum(), lambda x, y: (x @ y).sum(),
    lambda x, y: (x.T + y.T).sum() + x.sum(), lambda x, y: (x * y + x).sum(), lambda x, y: (x - x + y).sum(),
    lambda x, y: keeps_its_gradient(x) + y.sum(), lambda x, y: np.concatenate([x, y]).sum(), lambda x, y: x.mean(),
])  # fmt: skip
def test_large_gradients_are_arrays_of_their_own(function: Any) -> None:
    x, y = np.linspace(0, 1, 6400).reshape(80, 80), np.linspace(1, 2, 6400).reshape(80, 80)
    expected = [np.copy(one) for one in tg.grad(function, (0, 1))(x, y)]
    for gradients in (tg.grad(function, (0, 1))(x, y), list(tg.trace(function, x, y).gradients.values())):
        first, second = gradients
        assert not any(np.may_share_memory(one, other) for one in gradients for other in (x, y, KEPT))
        assert not np.may_share_memory(first, second)
        first[:] = 7.0
        assert np.array_equal(second, expected[1])
    value, pullback = tg.vjp(function, x, y)
    pullback(1.0)[0][:] = 7.0
    assert np.array_equal(pullback(1.0)[0], expected[0])
    seed = np.ones((80, 80))
    tg.vjp(lambda x: x, x)[1](seed)[0][:] = 7.0
    tg.vjp(lambda x: x + 1.0, x)[1](seed)[0][:] = 7.0
    assert seed.max() == value.dtype.type(1.0)


def test_second_derivatives_of_saturated_tanh() -> None:
    x = np.array([-1e308, 0.5, 30.0, 1000.0])
    second = tg.elementwise_grad(tg.elementwise_grad(np.tanh))(x)
    assert second[[0, 3]].tolist() == [0.0, 0.0]
    exact = -2 * np.tanh(x[1:3]) / np.cosh(x[1:3]) ** 2
    assert np.allclose(second[1:3], exact, rtol=1e-14, atol=0)
