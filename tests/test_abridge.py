"""What is said of a graph without its repeated turns, and said of the whole from it, is what the whole says itself."""

from __future__ import annotations

import math
import re
from random import Random

import pytest
from counted import events
from loop_programs import loop_program

import tracegrad as tg
from tracegrad import abridge
from tracegrad.abridge import Abridged, abridged
from tracegrad.places import Places
from tracegrad.variables import variables

TURNS = 60


def check(graph):
    """Compare both ways; the turns that were left out."""
    short, whole = abridged(graph), Abridged(graph, ())
    names, expected = variables(graph, short), variables(graph, whole)
    for index in range(len(graph)):
        assert (names.name(index), names.aliases(index)) == (expected.name(index), expected.aliases(index))
        assert (index in names) == (index in expected)
    found, wanted = Places(graph, short), Places(graph, whole)
    assert found.stage_of == wanted.stage_of
    assert found.cluster_of == wanted.cluster_of
    assert found.executions == wanted.executions
    assert found.statements == wanted.statements
    assert found.clusters() == wanted.clusters()
    return [cut.lacking for cut in short.cuts]


@pytest.fixture(autouse=True)
def small_loops(monkeypatch):
    monkeypatch.setattr(abridge, "LEAST", 12)


def slope(v):
    s = math.sin(v)
    return s  # noqa: RET504


def steps(x):
    for _ in range(TURNS):
        x += 0.1 * math.sin(x)
    return x


def through_a_helper(x):
    for _ in range(TURNS):
        x += 0.1 * slope(x)
    return x


def through_two(x):
    def both(v):
        t = slope(v) + slope(v * 0.5)
        return t  # noqa: RET504

    for _ in range(TURNS):
        x = both(x) + 0.1
    return x


def swapped(a, b):
    for _ in range(TURNS):
        a, b = b, 0.5 * (a + b)
    return a, b


def rebound_each_turn(x):
    c = x * 3
    y = c
    for _ in range(TURNS):
        p = c
        q = p * x
        p = q
        r = p + y
        x = x + r * 1e-6
    p = c
    return p * x


def in_attributes(x):
    class Body:
        pass

    body = Body()
    body.v, body.w = x * 1.0, x * 2
    table = {"k": x}
    for _ in range(TURNS):
        body.v = body.v + 0.1 * body.w
        body.w = body.w - 0.1 * body.v
        table["k"] = table["k"] * 0.9 + body.v
    return body.v + table["k"]


def by_a_generator(x):
    def halves(v):
        while True:
            t = v * 0.5
            yield t
            v = v + 0.1 * t

    ones, s = halves(x), 0.0
    for _ in range(TURNS):
        q = next(ones)
        s = s + q
    return s


def three_after_another(x):
    for _ in range(TURNS):
        a = x * 0.5
        x = a + 0.25 * x
    b = a * 2
    for _ in range(TURNS):
        a = x + b * 1e-3
        x = a * 0.5
    first = a
    for _ in range(TURNS):
        c = slope(x)
        x = c + first * 1e-3
    return x + a + b


def nested(x):
    for _ in range(5):
        for _ in range(TURNS):
            x = x + 1e-4 * math.sin(x)
        x = x * 1.01
    return x


def remainder(x):
    s = 0.0
    for _ in range(TURNS):
        _q, r = divmod(x, 0.3)
        s = s + r
        x = x + 0.01
    return s


def all_returned(x):
    found = []
    for _ in range(TURNS):
        x = x + 0.1 * math.sin(x)
        found.append(x)
    return found


@pytest.mark.parametrize(
    ("function", "least"),
    [
        (steps, 1), (through_a_helper, 1), (through_two, 1), (swapped, 1), (rebound_each_turn, 1), (in_attributes, 1),
        (by_a_generator, 1), (three_after_another, 3), (nested, 5), (remainder, 1), (all_returned, 1),
    ],
)  # fmt: skip
def test_turns_that_are_alike_are_left_out(function, least):
    assert len(check(tg.trace(function, *(0.7, 0.4)[: function.__code__.co_argcount]).graph)) >= least


@pytest.mark.parametrize("level", ["op", "stage", "call", "line"])
@pytest.mark.parametrize(
    "function", [through_a_helper, through_two, three_after_another, by_a_generator, nested]
)
def test_documents_are_the_same(function, level, monkeypatch):
    short = tg.trace(function, 0.7).at(level)
    monkeypatch.setattr(abridge, "LEAST", 10**9)
    assert short == tg.trace(function, 0.7).at(level)


def added_up_later(x):
    found = []
    for _ in range(TURNS):
        x = x + 0.1 * math.sin(x)
        found.append(x)
    s = 0.0
    for one in found:
        s += one * one
    return s


def kept_from_the_middle(x):
    for i in range(TURNS):
        x = x + 0.1 * math.sin(x)
        if i == TURNS // 2:
            middle = x
    return middle, x


def generators_resumed(x):
    def two(v):
        t = v * 0.5
        yield t
        t = t + 1.0
        yield t

    every = [two(x) for _ in range(TURNS)]
    s = 0.0
    for one in every:
        s += next(one)
    for one in every:
        s += next(one)
    return s


def taken_apart(w):
    s = 0.0
    for _ in range(TURNS):
        a, b, c = w * 1.0
        s = s + a * b * c
    return s


@pytest.mark.parametrize(
    ("function", "x"),
    [(added_up_later, 0.7), (kept_from_the_middle, 0.7), (generators_resumed, 0.7)],
)
def test_turns_that_are_still_referred_to_stay(function, x):
    assert check(tg.trace(function, x).graph) == []


def test_operations_of_one_instruction_stay_together():
    numpy = pytest.importorskip("numpy")
    check(tg.trace(taken_apart, numpy.array([1.0, 2.0, 3.0])).graph)


def test_backward_passes_and_named_stages_stay_whole():
    def staged(x):
        with tg.stage("all"):
            return steps(x)

    assert check(tg.trace(staged, 0.5).graph) == []
    assert check(tg.trace(steps, 0.5).gradient_trace().graph) == []


@pytest.mark.parametrize("seed", range(60))
def test_random_loops(seed):
    source = re.sub(r"range\((\d)\)", r"range(2\1)", loop_program(Random(seed)))
    source = re.sub(r"(n\w+) < (\d)", r"\1 < 3\2", source)
    scope = {"m": math}
    exec(compile(source, f"<loops {seed}>", "exec"), scope)
    w = [0.1 * i + 0.3 for i in range(30)]
    try:
        graph = tg.trace(scope["f"], 0.3, 0.7, w, [(one, one + 0.1) for one in w]).graph
    except (ArithmeticError, ValueError):
        return
    check(graph)


def test_loops_are_looked_for_without_going_over_the_graph_again_and_again():
    graph = tg.trace(lambda xs: sum([math.sin(x) for x in xs]), [0.5] * 16_000).graph
    found = []
    assert events(lambda: found.append(abridged(graph))) < 5 * len(graph)
    assert not found[0].cuts
