"""Rows on arrays: values bit for bit, derivatives against differences and other libraries, conventions."""

from __future__ import annotations

import json
import warnings
from typing import Any

import autograd
import autograd.numpy
import jsonschema
import numpy as np
import pytest
from array_cases import CASES, Case
from other_libraries import DIFFERENT, other_gradient

import tracegrad as tg
from tracegrad.document import schema
from tracegrad.export.json import from_json, to_json
from tracegrad.laws import check_identity

by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def scalar(case: Case) -> Any:
    """The case as a function with one number: a weighted sum of its result."""
    weights = np.random.default_rng(99).uniform(0.5, 1.5, np.shape(case.function(*case.args)))
    return lambda *args: (
        (case.function(*args) * weights).sum() if weights.shape else case.function(*args) * weights
    )


def along(args: tuple[Any, ...], step: float, directions: list[Any]) -> list[Any]:
    return [arg + step * direction for arg, direction in zip(args, directions, strict=True)]


def directions_of(args: tuple[Any, ...]) -> list[Any]:
    rng = np.random.default_rng(5)
    return [rng.normal(size=np.shape(arg)) for arg in args]


def slope(function: Any, args: tuple[Any, ...], directions: list[Any]) -> Any:
    """The derivative along a direction by central differences with one step of Richardson's."""

    def central(h: float) -> Any:
        return (function(*along(args, h, directions)) - function(*along(args, -h, directions))) / (2 * h)

    return (4 * central(5e-5) - central(1e-4)) / 3


def gradients(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = tg.grad(function, tuple(range(len(args))))(*args)
    return found


def dot(gradient: tuple[Any, ...], directions: list[Any]) -> Any:
    return sum((g * d).sum() if np.shape(d) else g * d for g, d in zip(gradient, directions, strict=True))


@by_name
def test_value_is_that_of_the_plain_call(case: Case) -> None:
    plain = case.function(*case.args)
    traced = tg.trace(lambda *args: case.function(*args), *case.args).value
    assert type(traced) is type(plain)
    assert np.asarray(traced).dtype == np.asarray(plain).dtype
    assert np.asarray(traced).tobytes() == np.asarray(plain).tobytes()


@by_name
def test_gradient_against_differences(case: Case) -> None:
    function, directions = scalar(case), directions_of(case.args)
    found = gradients(function, case.args)
    for gradient, arg in zip(found, case.args, strict=True):
        assert np.shape(gradient) == np.shape(arg)
    expected = slope(function, case.args, directions)
    np.testing.assert_allclose(dot(found, directions), expected, rtol=2e-7, atol=2e-8)


@by_name
def test_second_order_against_differences(case: Case) -> None:
    function, directions = scalar(case), directions_of(case.args)

    def first(*args: Any) -> Any:
        return dot(gradients(function, args), directions)

    found = gradients(first, case.args)
    expected = slope(first, case.args, directions)
    np.testing.assert_allclose(dot(found, directions), expected, rtol=2e-6, atol=2e-7)


@by_name
def test_document_holds_its_laws(case: Case) -> None:
    t = tg.trace(scalar(case), *case.args)
    t.graph.lint()
    check_identity(t.document)
    text = to_json(t.document)
    jsonschema.validate(json.loads(text), schema())
    loaded = from_json(text)
    assert loaded == t.document or ('"NaN"' in text and to_json(loaded) == text)
    assert t.graph.replay(list(case.args))


@by_name
def test_single_precision_is_kept(case: Case) -> None:
    args = tuple(np.float32(arg) for arg in case.args)
    plain = case.function(*args)
    found = tg.trace(lambda *args: case.function(*args), *args)
    assert np.asarray(found.value).dtype == np.asarray(plain).dtype
    assert np.asarray(found.value).tobytes() == np.asarray(plain).tobytes()
    for gradient in gradients(scalar(Case(case.name, case.function, args)), args):
        assert np.asarray(gradient).dtype == np.float32


# ---- another library ----------------------------------------------------------------------------------


def test_gradients_of_autograd() -> None:
    compared = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in CASES:
            try:
                expected = other_gradient(autograd.grad, autograd.numpy, case)
            except Exception:
                continue  # autograd lacks a function, or an option of it
            if case.name in DIFFERENT:
                continue
            found = gradients(scalar(case), case.args)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, np.asarray(other), rtol=1e-9, atol=1e-9, err_msg=case.name)
            compared.append(case.name)
    assert len(compared) >= 120, len(compared)


def test_jacobian_and_hessian_have_the_axes_of_the_result_in_front() -> None:
    v = np.array([1.0, 2.0])
    assert tg.jacobian(lambda v: v**2 * v.sum())(v).tolist() == [[7.0, 1.0], [4.0, 16.0]]
    assert tg.hessian(lambda v: (v**3).sum() * v[0])(v).tolist() == [[12.0, 12.0], [12.0, 12.0]]
    assert tg.elementwise_grad(lambda v: v * v)(v).tolist() == [2.0, 4.0]
    both = tg.jacobian(lambda v, s: v * s, argnums=(0, 1))(v, 3.0)
    assert [part.tolist() for part in both] == [[[3.0, 0.0], [0.0, 3.0]], [1.0, 2.0]]


def random_numbers(x: Any) -> Any:
    rng = np.random.default_rng(1)
    np.random.seed(2)
    noise = rng.normal(size=3) + np.random.randn(3) + np.random.RandomState(3).rand(3)
    return (x[rng.permutation(3)] * noise * rng.integers(1, 5, 3)).sum() + rng.uniform()


def aliases(x: Any) -> Any:
    make, array = np.zeros, np.array
    out, other = make(2), array([1.0, 2.0])
    for i in range(2):
        out[i] = x[i] * other[i]
        other[i] = x[i + 1]
    return out @ other


@pytest.mark.parametrize("function", [random_numbers, aliases])
def test_arrays_that_compiled_code_makes_are_plain_and_those_of_the_user_can_be_filled(function: Any) -> None:
    x = np.array([1.0, 2.0, 3.0])
    t = tg.trace(function, x)
    assert t.value == function(x)
    directions = directions_of((x,))
    np.testing.assert_allclose(
        dot((t.gradients["x"],), directions), slope(function, (x,), directions), rtol=1e-7
    )


def test_the_gradient_of_a_number_is_a_number_whatever_array_it_became() -> None:
    def f(v: Any) -> Any:
        largest = np.max(v)
        return np.sum(np.hstack([largest, v[:2]]) ** 2)

    t = tg.trace(f, np.array([1.0, 2.0, 3.0]))
    assert t["largest"].grad == 6.0
    assert isinstance(t["largest"].grad, float)
    scope: dict[str, Any] = {}
    exec(t.to_python(), scope)
    assert scope["f_backward"](np.array([1.0, 2.0, 3.0]))[1]["v"].tolist() == [2.0, 4.0, 6.0]


def test_averages_with_weights_of_another_precision() -> None:
    weights = np.array([0.3, 1.7, 2.9], np.float32)
    small = np.array([3, 1, 2], np.int8)
    x = np.array([0.1, 0.4, -0.9])
    value, _ = tg.value_and_grad(lambda x: np.average(x, weights=weights))(x)
    assert value == np.average(x, weights=weights)
    value, _ = tg.value_and_grad(lambda w: np.average(small, weights=w))(weights)
    assert value == np.average(small, weights=weights)


def test_a_number_is_added_at_places() -> None:
    def f(x: float) -> Any:
        found = np.zeros(3)
        np.add.at(found, [0, 1, 1], x)
        return found @ found

    assert tg.grad(f)(2.0) == 20.0


@pytest.mark.parametrize(
    "a",
    [
        np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
        np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 1.0]]),
        np.ones((4, 4)),
        np.zeros((2, 2)),
        np.zeros((1, 1)),
    ],
)
def test_second_derivatives_of_a_determinant_where_the_matrix_is_singular(a: Any) -> None:
    direction = np.random.default_rng(3).normal(size=a.shape)
    det = tg.grad(lambda x: np.linalg.det(x))
    found = tg.hessian_vector_product(lambda x: np.linalg.det(x))(a, direction)
    expected = (det(a + 1e-3 * direction) - det(a - 1e-3 * direction)) / 2e-3
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_product_of_polynomials_leaves_zeros_before_out() -> None:
    zeros = np.array([0.0, 0.0, 2.0, 3.0])
    for constant in (zeros, np.zeros(2), np.array([0, 1])):
        for product in (lambda p, c=constant: np.polymul(p, c), lambda p, c=constant: np.polymul(c, p)):
            p = np.array([0.0, 1.5, -0.5])
            value, _ = tg.vjp(product, p)
            np.testing.assert_array_equal(value, product(p), strict=True)


@pytest.mark.parametrize("kind", [np.uint8, np.uint64, np.int8, bool])
def test_differences_of_whole_numbers_do_not_wrap_around(kind: Any) -> None:
    falling = np.array([3, 1, 0]).astype(kind)
    x = np.array([0.4, 1.3, 1.8])
    value, found = tg.value_and_grad(lambda x: np.interp(x, [0, 1, 2], falling).sum())(x)
    assert value == np.interp(x, [0, 1, 2], falling).sum()
    slopes = np.diff(falling.astype(float))
    np.testing.assert_array_equal(found, slopes[[0, 1, 1]])
    if kind is not bool:
        value, _ = tg.value_and_grad(lambda x: np.gradient(x, falling).sum())(x)
        assert value == np.gradient(x, falling).sum()


def test_elements_of_arrays_without_axes_have_second_derivatives() -> None:
    def f(x: Any) -> Any:
        total = np.array(x)
        total *= x
        return np.asarray(total)[()] * np.asarray(x)[...]

    assert tg.hessian(f)(2.0) == 12.0
    assert tg.jvp(f, (2.0,), (1.0,)) == (8.0, 12.0)


def test_single_numbers_for_vectorize_keep_their_precision() -> None:
    x, half = np.linspace(0.1, 2.0, 50), np.float32(0.3)
    function = np.vectorize(lambda a, b: a * b + 1.0)
    value, _ = tg.value_and_grad(lambda x: function(x, half).sum())(x)
    assert value == function(x, half).sum()
