"""The backward pass over a tape writes down the edges that the one over the graph does, to the last bit."""

from __future__ import annotations

import math
from random import Random

import pytest
from functions import CORPUS
from loop_programs import loop_program

import tracegrad as tg
from tracegrad.edge_pulls import can_write_edges
from tracegrad.tree import map_leaves


def check(function, *args):
    """Compare the document made from the tape with that made from the graph."""
    early, late = tg.trace(function, *args), tg.trace(function, *args)
    late.graph  # noqa: B018  that leaves no tape
    if len(late.graph.outputs) > 1:
        seed = map_leaves(late.value, lambda leaf: 1.5, lambda other: None)
        early.backward(seed)
        late.backward(seed)
    if not late.graph.outputs:
        return
    assert repr(early.document.edges) == repr(late.document.edges)
    assert repr(early.document.nodes) == repr(late.document.nodes)
    assert repr(early.gradients) == repr(late.gradients)


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.function.__name__)
def test_the_corpus(entry):
    check(entry.function, *entry.args)


def unused(x, y):
    z = math.sqrt(x) + y**3
    math.hypot(z, x)
    return x * y


def at_a_pole(x, y):
    return math.sqrt(x) * y + max(x, y, 0.5)


def whole_numbers(n, x):
    return n * x + n**2 - 3 // n + 2**n


def one_twice(x):
    return x * x - x


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (unused, (2.0, 3.0)), (at_a_pole, (0.0, 2.0)), (at_a_pole, (0.5, -1.0)), (whole_numbers, (3, 0.5)),
        (one_twice, (1.5,)), (lambda x: x, (2.0,)), (lambda x: 1.0, (2.0,)), (lambda x, y: [x, y, x], (1.0, 2.0)),
        (lambda x: math.exp(x) * 1e308 * 10, (700.0,)), (lambda x: (x - x) / x, (math.inf,)),
        (lambda x: 10**400 * x, (2,)), (lambda x: sum([x, 2, x]) + math.prod([x, x, 3.0]), (1.25,)),
    ],
)  # fmt: skip
def test_what_is_not_smooth_or_not_reached(function, args):
    check(function, *args)


@pytest.mark.parametrize("seed", range(20))
def test_random_loops(seed):
    scope = {"m": math}
    exec(compile(loop_program(Random(seed)), f"<loops {seed}>", "exec"), scope)
    w = [0.1 * i + 0.3 for i in range(10)]
    check(scope["f"], 0.3, 0.7, w, [(one, one + 0.1) for one in w[:6]])


def test_a_second_pass_over_the_same_tape():
    t = tg.trace(lambda x: x * x * x, 2.0)
    assert t.gradients == {"x": 12.0}
    t.backward(2.0)
    assert can_write_edges(t._recording.tape, [(None, 2.0)])
    assert [edge.flow for edge in t.document.edges] == [8.0, 8.0, 4.0, 8.0]
    assert t.gradients == {"x": 24.0}
    t.backward(1.0)
    assert [edge.flow for edge in t.document.edges] == [4.0, 4.0, 2.0, 4.0]
