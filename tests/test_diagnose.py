"""Findings: each kind where it is, with its place, and none where there is nothing to find."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pydot
import pytest
from test_python import recorded

import tracegrad as tg
from tracegrad.demo import f as staged
from tracegrad.diagnose import diagnose
from tracegrad.export.json import from_json
from tracegrad.flaws import MEANINGS


def found(function, *args):
    return [(finding.kind, finding.words) for finding in tg.trace(function, *args).diagnose()]


def test_nothing_to_find() -> None:
    assert tg.trace(staged, 3, -4).diagnose() == []


def test_where_a_value_stops_being_finite() -> None:
    def f(x):
        y = x * 1e200
        z = y * y
        return z - z

    first, *_ = tg.trace(f, 1e10).diagnose()
    assert str(first).endswith("`y * y`: inf is born here: × of y = 1e+210, y = 1e+210")
    assert f"test_diagnose.py:{f.__code__.co_firstlineno + 2} " in str(first)


def test_where_a_gradient_stops_being_finite() -> None:
    assert found(lambda x: 2 * math.sqrt(x) + x, 0.0) == [
        ("gradient", "the gradient becomes inf here: the local gradient of √ by x = 0 is inf"),
        ("kink", "at a kink or a step of √; the convention: inf at 0"),
    ]


def test_saturated() -> None:
    assert found(math.tanh, 12.0) == [
        ("saturated", "flat: the local gradient of tanh is 1.51e-10, hardly any gradient gets through")
    ]
    assert found(math.tanh, 1.0) == []


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (abs, (0.0,)),
        (lambda x, y: max(x, y), (2.0, 2.0)),
        (lambda x: x // 1.0, (3.0,)),
        (lambda x: round(x, 1), (0.25,)),
        (math.hypot, (0.0, 0.0)),
        (math.acos, (1.0,)),
    ],
)
def test_kinks_name_the_convention(function, args) -> None:
    assert "kink" in [kind for kind, _ in found(function, *args)]


@pytest.mark.parametrize("function", [abs, math.sqrt, lambda x: x // 1.0, lambda x: max(x, 2.0), math.acos])
def test_no_kink_elsewhere(function) -> None:
    assert found(function, 0.6) == []


def test_cancellation() -> None:
    def f(x):
        return (1e10 + math.sin(x)) - 1e10

    [(kind, words)] = found(f, 1e-4)
    assert kind == "cancellation"
    assert words.endswith("with 14 of 16 digits lost")


def test_dead_inputs_and_those_that_only_decide() -> None:
    assert found(lambda x, y: x if y > 1 else -x, 2.0, 3.0) == [
        ("dead", "y = 3 only decides which branch is taken: its gradient is 0")
    ]
    assert found(lambda x, y: x, 2.0, 3.0) == [("dead", "y = 3 has no path to the result: its gradient is 0")]


def test_lines_of_a_loop_are_counted() -> None:
    def f(x):
        for _ in range(3):
            x = x + abs(0.0 * x)
        return x

    [finding] = [finding for finding in tg.trace(f, 1.0).diagnose() if finding.kind == "kink"]
    assert finding.count == 3
    assert str(finding).endswith("(×3)")


@pytest.mark.parametrize("name", ["signs", "gamma_functions", "names_of_modules", "pieces", "whole_number"])
def test_ordinary_functions_are_left_in_peace(name: str) -> None:
    assert recorded(name)[0].diagnose() == []


# ---- the same in documents and pictures -----------------------------------------------------------------


def root(x, y):
    s = math.sqrt(x)
    return s + y * y


def flat(z, unused):
    twice = unused * 2.0  # noqa: F841
    return math.tanh(z)


def gates(x, y):
    m = max(x, y)
    return m + abs(x - y)


def overflow(x):
    y = x * 1e200
    z = y * y
    return z - z


def lost(x):
    big = 1e10 + math.sin(x)
    return big - 1e10


FLAGS = [
    (root, (0.0, 2.0), {"x": "nonfinite", "s": "gradient born here, kink"}),
    (flat, (12.0, 1.0), {"unused": "dead", "twice": "dead", "tanh": "saturated"}),
    (gates, (2.0, 2.0), {"m": "tie", "|x|": "kink"}),
    (overflow, (1e10,), {"z": "nonfinite, born here", "−": "nonfinite"}),
    (lost, (1e-4,), {"−": "cancellation"}),
    (staged, (3, -4), {}),
    (lambda x, n: max(x, n) + max(n, n + 0), (1.0, 10**400), {"max": "tie"}),
    (lambda x, y: max(x, y) * 1.0, (1.0, 1.0 + 1e-10), {}),
]


@pytest.mark.parametrize(("function", "args", "expected"), FLAGS)
def test_flags_of_a_document(function, args, expected) -> None:
    t = tg.trace(function, *args)
    assert {node.name or node.label: ", ".join(node.flags) for node in t.nodes if node.flags} == expected
    at_stages = {flag for node in t.at("stage").nodes for flag in node.flags}
    assert at_stages == {flag for flags in expected.values() for flag in flags.split(", ")}


@pytest.mark.parametrize(("function", "args", "expected"), FLAGS)
def test_flags_and_findings_are_of_the_same_nodes(function, args, expected) -> None:
    t = tg.trace(function, *args)
    flagged = {node.id for node in t.nodes if set(node.flags) - {"nonfinite"}}
    assert {finding.node for finding in t.diagnose()} == flagged
    assert tg.trace(function, *args).diagnose() == diagnose(from_json(t.to_json()))


@pytest.mark.parametrize(("function", "args", "expected"), FLAGS)
def test_pictures_mark_flags_and_say_what_they_mean(function, args, expected) -> None:
    t = tg.trace(function, *args)
    svg = ElementTree.fromstring(t.to_svg())
    marked = {
        group.get("data-id"): [child.text for child in group if child.get("class") == "flag"]
        for group in svg.iter("{http://www.w3.org/2000/svg}g")
        if "flagged" in group.get("class", "").split()
    }
    assert marked == {node.id: [f"⚠ {flag}" for flag in node.flags] for node in t.nodes if node.flags}
    (dot,) = pydot.graph_from_dot_data(t.to_dot())
    drawn = [shape for frame in [dot, *frames(dot)] for shape in frame.get_nodes()]
    in_dot = {
        shape.get_name(): shape.get("flags").strip('"') for shape in drawn if shape.get("flags") is not None
    }
    assert in_dot == {node.id: ", ".join(node.flags) for node in t.nodes if node.flags}
    tips = [tip.text for tip in svg.iter("{http://www.w3.org/2000/svg}title")]
    for flag in {flag for node in t.nodes for flag in node.flags}:
        assert any(f"⚠ {flag}: {MEANINGS[flag]}" in tip for tip in tips)


def test_a_statement_is_dead_where_all_of_it_is() -> None:
    def f(x):
        for _ in range(3):
            y = x * 2.0
            x = x + 1.0
        return x + y

    t = tg.trace(f, 1.0)
    assert [t["y", i].flags for i in range(3)] == [("dead",), ("dead",), ()]
    assert [node.flags for node in t.at("stage").nodes if node.name and node.name[0] == "y"] == [
        ("dead",),
        ("dead",),
        (),
    ]
    assert {node.name: node.flags for node in t.at("line").nodes} == {"x": (), "y": (), None: ()}


def test_that_a_test_of_convergence_cancels_is_its_purpose() -> None:
    def f(a):
        guess = a
        while abs(guess * guess - a) > 1e-9:
            guess = (guess + a / guess) / 2
        return guess

    assert found(f, 2.0) == []


def frames(graph):
    for frame in graph.get_subgraphs():
        yield frame
        yield from frames(frame)


def test_arrays_are_looked_through_for_inf_and_nan() -> None:
    numpy = pytest.importorskip("numpy")

    def f(w):
        v = numpy.sqrt(w)
        return v.sum()

    t = tg.trace(f, numpy.array([0.0, 1.0]))
    assert [node.flags for node in t.nodes] == [("nonfinite",), ("gradient born here",), ()]
    [finding] = t.diagnose()
    assert finding.kind == "gradient"
    t = tg.trace(lambda w: w.sum(), numpy.array([1.0, float("inf")]))
    assert t.nodes[0].flags == ("nonfinite", "born here")


def test_the_table_names_the_flags() -> None:
    assert "s = math.sqrt(x)  [gradient born here, kink]" in str(tg.trace(root, 0.0, 2.0))
