"""Whole random programs: forward and reverse mode agree, gradients are graphs of the same bits, Hessians symmetric."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import HealthCheck, given, settings
from programs import load, points, programs

import tracegrad as tg
from tracegrad.laws import check_identity, lint

some = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
few = settings(some, max_examples=25)
SLOTS = (0, 1, 2)


def close(a: float, b: float, scale: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-11 * scale)


def scale_of(t: tg.Trace) -> float:
    """How large the numbers on the way are: what they cancel to cannot be more exact."""
    return max(1.0, *(abs(node.value * node.grad) for node in t.nodes if node.grad is not None))


@some
@given(programs(), points, points)
def test_forward_and_reverse_mode_agree(source: str, point: Any, direction: Any) -> None:
    f = load(source, math)
    value, tangent = tg.jvp(f, point, direction)
    assert value == f(*point)
    gradient = tg.grad(f, SLOTS)(*point)
    expected = math.fsum(g * d for g, d in zip(gradient, direction, strict=True))
    assert close(tangent, expected, scale_of(tg.trace(f, *point)))


@some
@given(programs(), points)
def test_the_gradient_as_a_graph_has_the_same_bits(source: str, point: Any) -> None:
    t = tg.trace(load(source, math), *point)
    g = t.gradient_trace()
    assert repr(g.value) == repr((t.value, t.gradients))
    g.graph.lint()
    lint(g.document)
    check_identity(g.document)
    assert g.gradients == t.gradients
    for node, again in zip(t.nodes, g.nodes, strict=False):
        assert (node.value, node.name, node.site) == (again.value, again.name, again.site)


@few
@given(programs(), points)
def test_hessians_are_symmetric_and_products_agree(source: str, point: Any) -> None:
    f = load(source, math)
    rows = tg.hessian(f, SLOTS)(*point)
    g = tg.trace(f, *point).gradient_trace()
    for i, (row, name) in enumerate(zip(rows, "xyz", strict=True)):
        scale = scale_of(g.backward({f"[1]['{name}']": 1.0}))
        found = g.gradients
        for j, other in enumerate("xyz"):
            assert close(row[j], rows[j][i], scale)
            assert close(row[j], found[other], scale)
    vector = (1.0, -2.0, 0.5)
    product = tg.hessian_vector_product(f, SLOTS)(*point, vector)
    for row, found in zip(rows, product, strict=True):
        assert close(math.fsum(a * b for a, b in zip(row, vector, strict=True)), found, 100 * scale)
