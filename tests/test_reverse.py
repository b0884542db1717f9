"""The reverse pass: three ways to run it that agree, seeds, dead ends, poles, levels, and depth without recursion."""

from __future__ import annotations

import math
import sys
import tracemalloc

import pytest

import tracegrad as tg
from tracegrad.graph import same
from tracegrad.laws import check_identity, lint
from tracegrad.primitives import TABLE
from tracegrad.reverse import backward, local_gradients, product, steps, sweep


def three_ways(t):
    """The adjoints of the operations by the sweep over the tape, the pass over the graph, and its single steps."""
    recording = t._recording
    seeds = [(leaf, 1.0) for _, leaf in recording.outputs if recording.owns(leaf)]
    swept = [0.0 if adjoint is None else adjoint for adjoint in sweep(recording.tape, seeds)]
    graph = t.graph
    by_node = {output.node: 1.0 for output in graph.outputs if output.node is not None}
    operations = [node.index for node in graph if node.primitive.name != "const"]
    found = backward(graph, by_node)
    walked = {index: by_node.get(index, 0.0) for index in operations}
    for step in steps(graph, by_node):
        walked[step.source] = step.total
    return swept, [found.adjoints[index] for index in operations], [walked[index] for index in operations]


FUNCTIONS = {
    "reuse": lambda x, y: x * x + x * y + x,
    "square by itself": lambda x, y: x * x * x * x,
    "dead ends": lambda x, y: (x * y, math.sin(x), x / y)[0],
    "all operators": lambda x, y: -x + abs(y) - x / y * 2 % 7 // 1 + x**2 + 2.0**y + x**y - (+x),
    "functions": lambda x, y: (
        math.hypot(x, y, 1) + math.dist([x, y], [y, 1]) + math.atan2(y, x) + math.fsum([x, y, x])
    ),
    "prod with a zero": lambda x, y: math.prod([x, y, 0.0, x]),
    "tie": lambda x, y: max(x, x, y) + min(x, x),
    "constants on both sides": lambda x, y: 3.0 - x + 2 / y - 1 + 2 * x,
    "big whole numbers": lambda x, y: x + y * 10**300 / 10**300,
    "whole": lambda x, y: int(x) * y + round(x) * x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_three_ways_agree_to_the_bit(name):
    swept, passed, walked = three_ways(tg.trace(FUNCTIONS[name], 1.25, 2.5))
    assert list(map(repr, swept)) == list(map(repr, passed)) == list(map(repr, walked))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_laws(name):
    t = tg.trace(FUNCTIONS[name], 1.25, 2.5)
    t.graph.lint()
    lint(t.document)
    check_identity(t.document)
    assert all(map(same, t.graph.replay([1.25, 2.5]), t.graph.values))


def test_a_step_says_all_of_one_instruction():
    t = tg.trace(lambda x, y: x * y, 3.0, 4.0)
    first, second = t.steps()
    assert (first.node, first.source, first.slot, first.first) == (2, 0, 0, True)
    assert (first.partial, first.upstream, first.flow, first.total) == (4.0, 1.0, 4.0, 4.0)
    assert (second.source, second.slot, second.partial) == (1, 1, 3.0)
    square = list(tg.trace(lambda x: x * x, 3.0).steps())
    assert [(step.slot, step.first, step.total) for step in square] == [(0, True, 3.0), (1, False, 6.0)]


def test_order_of_contributions_is_from_the_last_use_to_the_first():
    t = tg.trace(lambda x: (x * 3.0) + (x * 5.0) + (x * 7.0), 1.0)
    totals = [(step.partial, step.total) for step in t.steps() if step.source == 0]
    assert totals == [(7.0, 7.0), (5.0, 12.0), (3.0, 15.0)]


def test_a_minus_zero_stays_one():
    t = tg.trace(lambda x: x * -0.0, 2.0)
    assert repr(t.gradients["x"]) == "-0.0"
    assert repr(t["x"].grad) == "-0.0"


def test_dead_ends_get_local_gradients_and_no_flow():
    def f(x):
        dead = math.sin(x)  # noqa: F841
        return x * 2.0

    document = tg.trace(f, 0.5).document
    (edge,) = [edge for edge in document.edges if document.nodes[int(edge.target[1:])].primitive == "sin"]
    assert (edge.partial, edge.flow) == (math.cos(0.5), 0.0)
    assert tg.trace(f, 0.5)["dead"].grad == 0.0
    assert tg.trace(f, 0.5).gradients == {"x": 2.0}


def test_a_dead_end_with_an_infinite_local_gradient_sends_nothing_back():
    t = tg.trace(lambda x: (math.sqrt(x), x * 2.0)[1], 0.0)
    assert t.gradients == {"x": 2.0}
    assert t.backward().document.nodes[0].adjoint == 2.0


def test_seeds_of_a_node_named_twice_add_up():
    t = tg.trace(lambda x: [x * 2, x * 2], 1.0)
    assert t.backward([1.0, 10.0]).gradients == {"x": 22.0}

    def twice(x):
        y = x * 2
        return y, y

    t = tg.trace(twice, 1.0)
    assert t.backward((1.0, 10.0)).gradients == {"x": 22.0}
    assert len(t.graph) == 3
    assert t.backward((1.0, 10.0)).gradients == {"x": 22.0}
    check_identity(t.document)


# ---- where derivatives do not exist ------------------------------------------------------------------------


@pytest.mark.parametrize(("f", "x", "value", "gradient"), [
    (lambda x: math.sqrt(x), 0.0, 0.0, "inf"),
    (lambda x: math.sqrt(x) * 2, 0.0, 0.0, "inf"),
    (lambda x: x**0.5, 0.0, 0.0, "inf"),
    (lambda x: x**0, 0.0, 1.0, "0.0"),
    (lambda x: x**2, 0.0, 0.0, "0.0"),
    (lambda x: x**x, 0.0, 1.0, None),
    (lambda x: math.asin(x), 1.0, math.asin(1.0), "inf"),
    (lambda x: math.acos(x), 1.0, 0.0, "-inf"),
    (lambda x: math.hypot(x, x), 0.0, 0.0, "0.0"),
    (lambda x: abs(x), 0.0, 0.0, "0.0"),
    (lambda x: math.fabs(x), -0.0, 0.0, "0.0"),
    (lambda x: math.prod([x, 0.0, 3.0]), 2.0, 0.0, "0.0"),
    (lambda x: math.prod([x, 5.0, x]), 0.0, 0.0, "0.0"),
    (lambda x: math.dist([x], [x]), 2.0, 0.0, "0.0"),
    (lambda x: x * math.inf, 1.0, math.inf, "inf"),
    (lambda x: x * math.nan, 1.0, math.nan, "nan"),
    (lambda x: math.exp(x), -math.inf, 0.0, "0.0"),
    (lambda x: math.tanh(x), 1000.0, 1.0, "0.0"),
    (lambda x: max(x, 0), 0.0, 0.0, "1.0"),
    (lambda x: max(0, x), 0.0, 0, "0.0"),
    (lambda x: math.copysign(x, -1.0), 3.0, -3.0, "-1.0"),
    (lambda x: math.fmod(x, 2.0), 4.0, 0.0, "1.0"),
])  # fmt: skip
def test_poles_and_kinks(f, x, value, gradient):
    t = tg.trace(f, x)
    assert repr(t.value) == repr(value) == repr(f(x))
    (found,) = t.gradients.values()
    if gradient is not None:
        assert repr(found) == gradient
    assert repr(tg.grad(f)(x)) == repr(found)
    assert repr(t.backward().document.nodes[0].adjoint) == repr(found)
    t.graph.lint()


def test_nodes_without_a_finite_derivative_are_marked():
    t = tg.trace(lambda x: math.sqrt(x) + 1, 0.0)
    assert "nonfinite" in t["x"].flags
    assert "nonfinite" not in t.nodes[-1].flags


def test_numbers_beyond_the_floats():
    big = 10**400
    t = tg.trace(lambda n: n * big, 3)
    assert t.value == 3 * big
    assert t.gradients == {"n": math.inf}
    t = tg.trace(lambda n, m: n * m, 3, big)
    assert t.gradients == {"n": math.inf, "m": 3.0}
    assert t.graph is not None
    t.graph.lint()
    assert t.backward().gradients == {"n": math.inf, "m": 3.0}


def test_whole_numbers_longer_than_python_writes():
    """A whole number of more than 4300 digits has no decimal text, and needs none."""
    long = 10**5000
    t = tg.trace(lambda n: n + long if n < long else n, 3)
    assert t.value == long + 3
    assert t.gradients == {"n": 1.0}
    t.graph.lint()
    assert t.graph.replay([4])[-1] == long + 4
    assert t.document.nodes[-1].value == long + 3


@pytest.mark.skipif(not hasattr(math, "sumprod"), reason="since Python 3.12")
def test_an_overflow_in_the_middle_of_an_instruction_counts_nothing_twice():
    big = 10**400
    t = tg.trace(lambda x, y: math.sumprod([x, 1], [3, y]), 2, big)
    assert t.gradients == {"x": 3.0, "y": 1.0}
    t = tg.trace(lambda a, b, c, d: math.sumprod([a, b], [c, d]), 2, 5, 3, big)
    assert t.gradients == {"a": 3.0, "b": math.inf, "c": 2.0, "d": 5.0}
    check_identity(t.document)


def test_product_and_local_gradients():
    assert product(10**400, 1.0) == math.inf
    assert product(10**400, -1.0) == -math.inf
    assert product(2, 3.0) == 6.0
    assert local_gradients(TABLE["mul"], 6.0, (2.0, 3.0), (True, False)) == [3.0, None]
    assert local_gradients(TABLE["max"], 3.0, (2.0, 3.0, 3.0), (True, True, False)) == [0.0, 1.0, None]
    assert local_gradients(TABLE["log"], 0.0, (0.0,), (True,)) == [math.inf]


# ---- levels ------------------------------------------------------------------------------------------------


def test_gradients_of_gradients_are_values_of_the_outer_trace():
    t = tg.trace(tg.grad(lambda x: x**3 * math.sin(x)), 0.7)
    expected = 6 * 0.7 * math.sin(0.7) + 6 * 0.7**2 * math.cos(0.7) - 0.7**3 * math.sin(0.7)
    (found,) = t.gradients.values()
    assert found == pytest.approx(expected, rel=1e-14)
    t.graph.lint()
    check_identity(t.document)


def test_poles_inside_of_levels():
    assert tg.grad(tg.grad(lambda x: x * x * math.sqrt(x) if x > 0 else x * x * x))(0.0) == 0.0
    inner = tg.grad(lambda x: math.sqrt(x))
    assert inner(0.0) == math.inf
    assert math.isnan(tg.grad(inner)(0.0)) or math.isinf(tg.grad(inner)(0.0))


def test_mixed_second_derivatives_are_symmetric():
    f = lambda x, y: math.sin(x * y) * math.exp(x - y) / (1 + x * x)  # noqa: E731
    xy = tg.grad(tg.grad(f, 0), 1)(0.4, 0.9)
    yx = tg.grad(tg.grad(f, 1), 0)(0.4, 0.9)
    assert xy == pytest.approx(yx, rel=1e-13)


# ---- size --------------------------------------------------------------------------------------------------


def chain(x, n):
    for _ in range(n):
        x = x + 1e-9 * x
    return x


def test_depth_is_no_recursion():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200 + _depth())
    try:
        t = tg.trace(lambda x: chain(x, 20_000), 1.0)
        assert t.gradients["x"] == pytest.approx(1.0 + 2e-5, rel=1e-9)
        t.graph.lint()
        assert t.backward().gradients["x"] == pytest.approx(1.0 + 2e-5, rel=1e-9)
        assert len(t.graph.replay([2.0])) == len(t.graph)
        document = t.document
        assert len(document.stages) == 20_001 - 1
        assert document.nodes[0].adjoint == t.gradients["x"]
        assert tg.grad(tg.grad(lambda x: chain(x, 2_000)))(1.0) == 0.0
        del t
    finally:
        sys.setrecursionlimit(limit)


def _depth():
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def test_memory_is_linear():
    def peak(n):
        tracemalloc.start()
        t = tg.trace(lambda x: chain(x, n), 1.0)
        assert t.gradients["x"] > 1.0
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    small, large = peak(5_000), peak(20_000)
    assert large < 4.6 * small
    assert large / 40_000 < 300  # bytes for an operation


def test_a_trace_leaves_nothing_behind():
    def used():
        for _ in range(3):
            tg.trace(lambda x: chain(x, 1000), 1.0).gradients  # noqa: B018
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    used()
    before = used()
    after = [used() for _ in range(4)][-1]
    tracemalloc.stop()
    assert after - before < 20_000


def test_recursion_of_the_user():
    def power(x, n):
        if n == 0:
            return 1.0
        half = power(x, n // 2)
        return half * half * (x if n % 2 else 1.0)

    t = tg.trace(lambda x: power(x, 13), 1.1)
    assert t.value == power(1.1, 13)
    assert t.gradients["x"] == pytest.approx(13 * 1.1**12, rel=1e-13)

    def deep(x, n):
        return x if n == 0 else deep(x, n - 1) * 1.0001

    t = tg.trace(lambda x: deep(x, 500), 1.0)
    assert t.gradients["x"] == pytest.approx(1.0001**500, rel=1e-12)
    assert len(t.document.clusters) == 500
    assert t.document.clusters[-1].parent == "c498"


def test_too_deep_recursion_of_the_user_is_the_user_s_error():
    def forever(x):
        return forever(x * 1.0)

    with pytest.raises(RecursionError):
        tg.trace(forever, 1.0)
    assert tg.grad(lambda x: x * x)(3.0) == 6.0
