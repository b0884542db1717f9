"""A second opinion on the rows on arrays: JAX, at both orders and in both precisions (extra `jax`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_cases import CASES, Case
from other_libraries import DIFFERENT, other_gradient, translated, weighted
from test_arrays import directions_of, dot, gradients, scalar

jax = pytest.importorskip("jax", reason="the extra `jax` is not installed")
jnp = jax.numpy
jax.config.update("jax_enable_x64", True)

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the other library

COMPARABLE = [case for case in CASES if case.name not in DIFFERENT]


def served(case: Case) -> bool:
    """Whether JAX has the functions of a case, gives the same value, and traces it."""
    try:
        value = translated(case, jnp)(*map(np.asarray, case.args))
        np.testing.assert_allclose(np.asarray(value), case.function(*case.args), rtol=1e-9)
        other_gradient(jax.grad, jnp, case)
    except Exception:
        return False
    return True


SERVED = [case for case in COMPARABLE if served(case)]
each_case = pytest.mark.parametrize("case", SERVED, ids=lambda case: case.name)


def test_most_cases_are_compared() -> None:
    assert len(SERVED) >= 120, len(SERVED)


@each_case
def test_gradient(case: Case) -> None:
    found = gradients(scalar(case), case.args)
    for one, other in zip(found, other_gradient(jax.grad, jnp, case), strict=True):
        np.testing.assert_allclose(one, np.asarray(other), rtol=1e-9, atol=1e-9)


@each_case
def test_gradient_in_single_precision(case: Case) -> None:
    single = Case(case.name, case.function, tuple(np.float32(arg) for arg in case.args))
    found = gradients(scalar(single), single.args)
    for one, other in zip(found, other_gradient(jax.grad, jnp, single), strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype == np.float32
        scale = np.abs(np.asarray(other)).max(initial=1.0)
        np.testing.assert_allclose(one, np.asarray(other), rtol=2e-4, atol=2e-5 * scale)


#: of eigenvectors of matrices that are not symmetric JAX gives first derivatives only
ONCE = {"roots", "real roots"}


@pytest.mark.parametrize(
    "case", [case for case in SERVED if case.name not in ONCE], ids=lambda case: case.name
)
def test_second_order(case: Case) -> None:
    directions = directions_of(case.args)
    numbers = tuple(range(len(case.args)))
    theirs = jax.grad(weighted(case, jnp), numbers)

    def first(*args: Any) -> Any:
        return dot(gradients(scalar(case), args), directions)

    found = gradients(first, case.args)
    expected = jax.grad(
        lambda *args: sum(jnp.vdot(g, d) for g, d in zip(theirs(*args), directions, strict=True)), numbers
    )
    for one, other in zip(found, expected(*map(np.asarray, case.args)), strict=True):
        np.testing.assert_allclose(one, np.asarray(other), rtol=1e-8, atol=1e-8)
