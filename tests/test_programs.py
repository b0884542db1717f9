"""Whole random programs: gradients agree with autograd and with differences, and every law holds on every one."""

from __future__ import annotations

import functools
import math
import operator
import types
import warnings

import autograd
import autograd.numpy as anp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import load, points, programs

import tracegrad as tg
from tracegrad.graph import same
from tracegrad.laws import check_identity, lint
from tracegrad.reverse import backward, sweep

AUTOGRAD = types.SimpleNamespace(
    sin=anp.sin, cos=anp.cos, tanh=anp.tanh, exp=anp.exp, sqrt=anp.sqrt, atan=anp.arctan, log=anp.log, log1p=anp.log1p,
    sinh=anp.sinh,
)  # fmt: skip

many = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
some = settings(many, max_examples=50)


def by_autograd(f, argnum):
    """``autograd.grad``, which warns where the result does not depend on the argument."""

    def derived(*args):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return autograd.grad(f, argnum)(*args)

    return derived


def close(a, b, scale=1.0):
    return math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-9 * scale)


@many
@given(programs(), points)
def test_first_order(source, point):
    f = load(source, math)
    t = tg.trace(f, *point)
    assert same(t.value, f(*point))
    expected = by_autograd(load(source, AUTOGRAD), (0, 1, 2))(*point)
    scale = max(1.0, *(abs(node.value * node.grad) for node in t.nodes if node.grad is not None))
    for found, wanted in zip(t.gradients.values(), expected, strict=True):
        assert close(found, wanted, scale)
    assert tg.grad(f, (0, 1, 2))(*point) == tuple(t.gradients.values())


@many
@given(programs(size=3), points)
def test_differences(source, point):
    f = load(source, math)
    t = tg.trace(f, *point)
    outcomes = [guard.outcome for guard in t.graph.guards]
    h = 1e-5
    for slot, gradient in enumerate(t.gradients.values()):
        ends = [tg.trace(f, *moved(point, slot, step)) for step in (h, -h)]
        if any([guard.outcome for guard in end.graph.guards] != outcomes for end in ends):
            continue  # the program takes another branch there
        difference = (ends[0].value - ends[1].value) / (2 * h)
        # how much the gradient changes over the difference: at a kink of abs, max or min by a jump
        around = [tg.grad(f, slot)(*moved(point, slot, step)) for step in (-2 * h, -h, h, 2 * h)]
        slack = max(abs(gradient - one) for one in around)
        assert abs(difference - gradient) <= 1e-6 + 1e-4 * abs(gradient) + 2 * slack


def moved(point, slot, step):
    return [x + step * (i == slot) for i, x in enumerate(point)]


@some
@given(programs(size=3), points, st.integers(0, 2), st.integers(0, 2))
def test_second_order(source, point, i, j):
    f = load(source, math)
    found = tg.grad(tg.grad(f, i), j)(*point)
    g = load(source, AUTOGRAD)
    wanted = by_autograd(by_autograd(g, i), j)(*point)
    assert math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-7 * (1 + abs(wanted)))
    t = tg.trace(tg.grad(f, i), *point)
    assert t.value == tg.grad(f, i)(*point)
    assert list(t.gradients.values())[j] == found
    t.graph.lint()
    check_identity(t.document)


@many
@given(programs(), points)
def test_laws(source, point):
    f = load(source, math)
    t = tg.trace(f, *point)
    recording = t._recording
    ((path, leaf),) = recording.outputs
    assert path == ""
    if not recording.owns(leaf):
        return
    swept = sweep(recording.tape, [(leaf, 1.0)])
    entries = list(recording.tape)
    graph = t.graph
    graph.lint()
    lint(t.document)
    check_identity(t.document)
    # the sweep over the tape, the pass over the graph and its single steps agree to the last bit
    found = backward(graph, {graph.outputs[0].node: 1.0})
    operations = [node for node in graph if node.primitive.name != "const"]
    assert len(operations) == len(entries)
    for node, adjoint in zip(operations, swept, strict=True):
        assert same(found.adjoints[node.index], 0.0 if adjoint is None else adjoint)
    totals = {}
    for step in t.steps():
        assert same(step.flow, step.partial * step.upstream)
        edge = graph.starts[step.node] + step.slot
        assert same(found.flows[edge], step.flow)
        assert same(found.partials[edge], step.partial)
        totals[step.source] = step.total
    assert all(
        same(found.adjoints[node], total) for node, total in totals.items() if node != graph.outputs[0].node
    )


@many
@given(programs(), points, points)
def test_replay(source, point, other):
    f = load(source, math)
    graph = tg.trace(f, *point).graph
    values = graph.replay(point)
    assert all(map(same, values, graph.values))
    outcomes = [guard.outcome for guard in tg.trace(f, *other).graph.guards]
    if outcomes != [guard.outcome for guard in graph.guards]:
        with pytest.raises(tg.GuardFailed, match="when the function was traced"):
            graph.replay(other)
        return
    replayed = graph.replay(other)
    node = graph.outputs[0].node
    assert same(replayed[node] if node is not None else graph.outputs[0].value, f(*other))


@some
@given(programs(size=4), points)
def test_documents_are_the_same_each_time_and_read_back_equal(tmp_path_factory, source, point):
    f = load(source, math)
    t = tg.trace(f, *point)
    text = t.to_json()
    assert tg.trace(f, *point).to_json() == text
    path = t.save(tmp_path_factory.mktemp("documents") / "f.json")
    assert tg.load(path) == t.document


@some
@given(programs(size=4), points)
def test_names_and_stages_are_those_of_the_source(source, point):
    """Every name is a variable of the program, every operation lies in one stage, whose text is in the source."""
    f = load(source, math)
    document = tg.trace(f, *point).document
    lines = source.splitlines()
    for node in document.nodes:
        if node.name is not None and node.kind == "op":
            assert node.name.partition("#")[0] in source
        if node.kind == "op":
            assert node.stage is not None
            assert node.site.text in lines[node.site.line - 1]
    counted = [id for stage in document.stages for id in stage.nodes]
    assert len(counted) == len(set(counted))
    assert set(counted) == {node.id for node in document.nodes if node.kind != "input" and node.stage}
    for stage in document.stages:
        assert stage.site.text in source


# ---- graphs of any shape -----------------------------------------------------------------------------------

OPERATIONS = [operator.add, operator.sub, operator.mul, lambda a, b: a * b + a, lambda a, b: a / (2.5 + math.sin(b)),
              lambda a, b: math.sin(a), lambda a, b: math.hypot(a, b, 1), lambda a, b: math.tanh(a),
              lambda a, b: math.fsum([a, b, a]), lambda a, b: math.dist([a, b], [b, 1.0]),
              lambda a, b: math.prod([a, b, a])]  # fmt: skip


@some
@given(
    st.lists(
        st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 99), st.integers(0, 99)), max_size=25
    ),
    points,
)
def test_graphs_of_closures(shape, point):
    """Any operation on any earlier values, most of which are never used: laws hold, dead ends get 0."""

    def f(*values):
        values = list(values)
        for operation, a, b in shape:
            values.append(math.tanh(OPERATIONS[operation](values[a % len(values)], values[b % len(values)])))
        return values[-1]

    t = tg.trace(f, *point)
    assert same(t.value, f(*point))
    t.graph.lint()
    check_identity(t.document)
    assert len(t.gradients["values"]) == 3
    for slot in range(3):
        h = 1e-6
        ends = [f(*(x + s * (i == slot) for i, x in enumerate(point))) for s in (h, -h)]
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(t.gradients["values"][slot], rel=1e-4, abs=1e-5)


@some
@given(points, st.integers(1, 30))
def test_powers_by_repeated_multiplication(point, n):
    x = point[0]
    t = tg.trace(lambda x: functools.reduce(operator.mul, [x] * n), x)
    assert t.gradients["x"] == pytest.approx(n * x ** (n - 1), rel=1e-12)
