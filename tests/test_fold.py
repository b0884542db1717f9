"""Folding: the notes' stages, the chain rule within a group, loops, parts, and every export at every level."""

from __future__ import annotations

import dataclasses
import json
import linecache
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import load, points, programs

import tracegrad as tg
from tracegrad import Trace, export
from tracegrad.demo import f as staged
from tracegrad.document import Annotated, schema
from tracegrad.errors import InputError, RenderError
from tracegrad.export.json import from_json, to_json
from tracegrad.fold import READABLE, fold
from tracegrad.fold.part import part
from tracegrad.laws import check_identity, lint

LEVELS = ("op", "stage", "call", "line")
some = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VALIDATOR = jsonschema.Draft202012Validator(schema())


@cache
def compiled(source: str, name: str) -> Callable[..., Any]:
    """The function of this name; its source is at hand as that of a file is."""
    filename = f"folded{len(linecache.cache)}.py"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"math": math}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]


def edges(annotated: Annotated) -> dict[tuple[str, str], Any]:
    """Local gradient by the names of the ends, ``return`` for what has none."""
    name = {node.id: node.name or "return" for node in annotated.nodes}
    return {(name[edge.source], name[edge.target]): edge.partial for edge in annotated.edges}


def flows(annotated: Annotated) -> dict[tuple[str, str], Any]:
    label = {node.id: node.name or node.label for node in annotated.nodes}
    return {(label[edge.source], label[edge.target]): edge.flow for edge in annotated.edges}


def node(annotated: Annotated, label: str) -> Any:
    (found,) = [node for node in annotated.nodes if node.label == label]
    return found


# ---- stages -----------------------------------------------------------------------------------------


def test_stages_of_the_notes() -> None:
    document = tg.trace(staged, 3, -4).at("stage")
    assert [node.name or node.label for node in document.nodes] == [
        "x", "y", "sigy", "num", "sigx", "xpy", "xpysqr", "den", "invden", "return num * invden"
    ]  # fmt: skip
    sigx, sigy = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(4))
    num, den = 3 + sigy, sigx + 1
    expected = {
        ("y", "sigy"): (1 - sigy) * sigy,
        ("x", "num"): 1,
        ("sigy", "num"): 1,
        ("x", "sigx"): (1 - sigx) * sigx,
        ("x", "xpy"): 1,
        ("y", "xpy"): 1,
        ("xpy", "xpysqr"): -2,
        ("sigx", "den"): 1,
        ("xpysqr", "den"): 1,
        ("den", "invden"): -1 / den**2,
        ("num", "return"): 1 / den,
        ("invden", "return"): num,
    }
    assert edges(document) == pytest.approx(expected, rel=1e-14)
    assert list(edges(document)) == list(expected)
    assert document.note == "14 operations folded into 8 statements"


def test_a_stage_keeps_value_adjoint_and_id_of_its_operation() -> None:
    t = tg.trace(staged, 3, -4)
    by_id = {node.id: node for node in t.nodes}
    for row in t.at("stage").nodes:
        own = by_id[row.id]
        assert (row.value, row.adjoint, row.name) == (own.value, own.adjoint, own.name)


def test_one_edge_for_all_uses_within_a_statement() -> None:
    document = tg.trace(compiled("def f(x):\n    y = x * x + 3 * x\n    return y * y\n", "f"), 2.0).at(
        "stage"
    )
    assert edges(document) == {("x", "y"): 7.0, ("y", "return"): 20.0}
    assert all(node.kind != "const" for node in document.nodes)


def test_a_statement_with_several_results_is_a_node_for_each() -> None:
    source = "def f(x, y):\n    a, b = x * y, x + y * y\n    return a * b\n"
    document = tg.trace(compiled(source, "f"), 2.0, 3.0).at("stage")
    assert edges(document) == {
        ("x", "a"): 3.0,
        ("y", "a"): 2.0,
        ("y", "b"): 6.0,
        ("x", "b"): 1.0,
        ("a", "return"): 11.0,
        ("b", "return"): 6.0,
    }
    assert [node.label for node in document.nodes if node.name in ("a", "b")] == [
        "a = x * y",
        "b = x + y * y",
    ]
    assert document.stages[0].nodes == ("n2", "n4")


def test_a_result_within_a_statement_is_an_operand_of_the_other() -> None:
    source = "def f(x):\n    b = (a := x * x) + x\n    return a * b\n"
    document = tg.trace(compiled(source, "f"), 2.0).at("stage")
    assert edges(document) == {
        ("x", "a"): 4.0,
        ("x", "b"): 1.0,
        ("a", "b"): 1.0,
        ("a", "return"): 6.0,
        ("b", "return"): 4.0,
    }
    check_identity(document)


def test_a_value_that_leaves_a_statement_for_a_call_and_comes_back() -> None:
    source = "def h(a):\n    return a * a\ndef f(x):\n    y = h(x * 3) + x\n    return y\n"
    document = tg.trace(compiled(source, "f"), 2.0).at("stage")
    assert [node.label for node in document.nodes if node.kind == "op"] == [
        "x * 3", "return a * a", "y = h(x * 3) + x"
    ]  # fmt: skip
    check_identity(document, 0.0)


def test_operations_without_a_statement_stay() -> None:
    """Such as those of a library that has no Python source."""
    document = tg.trace(lambda x: sum([x, x * x, 2.0]), 3.0).document
    bare = dataclasses.replace(
        document, stages=(), nodes=tuple(dataclasses.replace(node, stage=None) for node in document.nodes)
    )
    folded = fold(bare, "stage")
    assert [node.label for node in folded.nodes] == [node.label for node in document.nodes]
    check_identity(folded, 0.0)


def test_operations_with_maps_for_local_gradients_stay() -> None:
    """As those on arrays: a flow without a number beside it."""
    document = tg.trace(compiled("def f(x):\n    y = x * x + x\n    return y * 3\n", "f"), 2.0).document
    rows = tuple(
        dataclasses.replace(edge, partial=None) if edge.target == "n1" else edge for edge in document.edges
    )
    mapped = dataclasses.replace(document, edges=rows)
    assert [node.label for node in fold(mapped, "stage").nodes] == ["x", "×", "y = x * x + x", "return y * 3"]
    assert [node.label for node in fold(mapped, "line").nodes] == ["x", "×", "y = x * x + x", "return y * 3"]


# ---- calls ------------------------------------------------------------------------------------------

NESTED = """
def inner(a):
    return a * a

def helper(a):
    b = inner(a) + a
    return inner(b)

def f(x):
    y = helper(x)
    return helper(y) + inner(x)
"""


def test_each_call_is_a_node() -> None:
    document = tg.trace(compiled(NESTED, "f"), 2.0).at("call")
    assert [(node.label, node.name) for node in document.nodes if node.kind == "op"] == [
        ("helper(...)", "y"), ("helper(...)#2", None), ("inner(...)#5", None),
        ("return helper(y) + inner(x)", None),
    ]  # fmt: skip
    assert document.clusters == ()
    assert edges(document)["x", "y"] == 2 * 6 * 5
    lint(document)
    check_identity(document)


def test_depth_and_expand_open_calls() -> None:
    t = tg.trace(compiled(NESTED, "f"), 2.0)
    labels = [node.label for node in t.at("call", depth=1).nodes if node.kind == "op"]
    assert labels[:3] == ["inner(...)", "b = inner(a) + a", "inner(...)#2"]
    assert [node.label for node in t.at("call", expand=["helper"]).nodes if node.kind == "op"] == [
        *labels[:-2], "inner(...)#5", "return helper(y) + inner(x)"
    ]  # fmt: skip
    assert [node.label for node in t.at("call", depth=9).nodes] == [
        node.label for node in t.at("stage").nodes
    ]
    assert [cluster.name for cluster in t.at("call", depth=1).clusters] == ["helper", "helper#2", "inner#5"]
    with pytest.raises(InputError, match=r"expand=\['helper'\]"):
        t.at("call", expand="helper")


# ---- lines ------------------------------------------------------------------------------------------

LOOP = """
def f(x, turns):
    acc = x
    for _ in range(turns):
        acc = acc * x + 1
    return acc * 2
"""


def test_a_loop_is_one_node() -> None:
    document = tg.trace(compiled(LOOP, "f"), 2.0, 4).at("line")
    row = node(document, "acc = acc * x + 1")
    assert row.folded.count == 4
    assert dataclasses.astuple(row.folded.values) == (5.0, 47.0, 5.0, 47.0, (5 + 11 + 23 + 47) / 4)
    assert dataclasses.astuple(row.folded.adjoints) == (16.0, 2.0, 2.0, 16.0, 7.5)
    assert (row.value, row.adjoint) == (47.0, 30.0)
    assert flows(document) == {("x", "acc"): 194.0, ("acc", "acc"): 28.0, ("acc", "return acc * 2"): 2.0}
    assert [edge.count for edge in document.edges] == [4, 3, 1]
    check_identity(document)


def test_sums_of_a_line_are_those_of_its_operations() -> None:
    t = tg.trace(compiled(LOOP, "f"), 0.9, 50)
    own = [row for row in t.nodes if row.name and row.name.startswith("acc")]
    row = node(t.at("line"), "acc = acc * x + 1")
    assert row.adjoint == math.fsum(one.adjoint for one in own)
    assert row.folded.values.mean == math.fsum(one.value for one in own) / 50


def test_calls_from_one_place_are_one_path() -> None:
    source = NESTED + "\ndef g(x):\n    for _ in range(3):\n        x = f(x * 0.1)\n    return x\n"
    document = tg.trace(compiled(source, "g"), 1.0).at("line")
    assert [(row.name, row.count) for row in document.clusters] == [
        ("f", 3), ("helper", 3), ("inner", 3), ("inner", 3), ("helper", 3), ("inner", 3), ("inner", 3), ("inner", 3)
    ]  # fmt: skip
    check_identity(document)


def test_recursion_folds_as_a_loop_does() -> None:
    source = (
        "def power(x, n):\n    if n == 0:\n        return x\n    return power(x * x, n - 1) * 0.5\n"
        "def f(x, n):\n    return power(x, n)\n"
    )
    documents = [tg.trace(lambda x, n=n: compiled(source, "f")(x, n), 1.01).at("line") for n in (5, 50)]
    assert len(documents[0].nodes) == len(documents[1].nodes) < 12
    for document in documents:
        check_identity(document)


def test_two_uses_of_a_line_by_one_node() -> None:
    def f(x, y):
        place = [math.sin(u) for u in (x, y)]
        return math.hypot(place[0], place[1])

    lines = tg.trace(f, 0.3, 0.4).at("line")
    check_identity(lines)
    assert [(edge.count, edge.partial is None) for edge in lines.edges] == [(1, True), (1, True), (2, True)]


def test_many_inputs_and_outputs_are_one_line() -> None:
    source = "def f(w):\n    return [a * a for a in w]\n"
    t = tg.trace(compiled(source, "f"), [float(i) for i in range(10)])
    t.backward([1.0] * 10)
    document = t.at("line")
    assert [(row.name, row.node) for row in document.inputs] == [("w[…]", "n0")]
    assert [(row.path, row.value, row.seed) for row in document.outputs] == [("[…]", 81.0, 10.0)]
    assert [(row.label, row.folded.count) for row in document.nodes] == [
        ("w[…]", 10),
        ("a * a", 10),
    ]
    check_identity(document)
    few = tg.trace(compiled(source, "f"), [1.0, 2.0]).backward([1.0, 1.0]).at("line")
    assert [row.name for row in few.inputs] == ["w[0]", "w[1]"]


def test_guards_of_a_loop_are_one() -> None:
    source = "def f(x):\n    while x < 100:\n        x = x * 2\n    return x\n"
    t = tg.trace(compiled(source, "f"), 1.0)
    assert len(t.guards) == 8
    assert [(row.operation, row.outcome) for row in t.at("line").guards] == [
        ("lt", True),
        ("lt", True),
        ("lt", False),
    ]


def test_two_values_of_one_line_used_by_one_statement() -> None:
    """An edge for two uses has no local gradient of its own, though its target is one value."""

    def f(x):
        for _ in range(2):
            y = x
            x = x * 2.0
        return x * y

    document = tg.trace(f, 3.0).at("line")
    check_identity(document)
    assert [(edge.count, edge.partial, edge.flow) for edge in document.edges][-1] == (2, None, 18.0)


# ---- all levels -------------------------------------------------------------------------------------


@settings(some, max_examples=60)
@given(programs(), points)
def test_the_identity_holds_at_every_level(source: str, point: tuple[float, ...]) -> None:
    t = tg.trace(load(source, math), *point)
    gradients = {row.name: row.adjoint for row in t.nodes if row.kind == "input"}
    for level in LEVELS:
        document = t.at(level)
        lint(document)
        check_identity(document, None if level == "op" else 1e-9)
        assert fold(t.document, level) == document
        assert {row.name: row.adjoint for row in document.nodes if row.kind == "input"} == gradients
        assert from_json(to_json(document)) == document
        VALIDATOR.validate(json.loads(to_json(document)))


@some
@given(programs(), st.sampled_from(LEVELS), st.sampled_from("xyz"), st.integers(1, 12))
def test_the_identity_holds_in_every_part(source: str, level: str, name: str, top: int) -> None:
    t = tg.trace(load(source, math), 0.3, 0.7, -0.4)
    for options in (
        {"upstream_of": name}, {"downstream_of": name}, {"focus": name, "radius": 1}, {"top": top},
        {"hide_zero": True}, {"hide_constants": True}, {"hide_zero": True, "upstream_of": name, "top": top},
    ):  # fmt: skip
        document = t.at(level, **options)
        lint(document)
        check_identity(document, 1e-9)
        assert from_json(to_json(document)) == document


def example() -> Trace:
    source = NESTED + "\ndef g(x, y):\n    for _ in range(2):\n        x = f(x * 0.1) + y\n    return x * 2\n"
    return tg.trace(compiled(source, "g"), 1.0, 0.5)


SOURCES = {".py", ".md"}


@pytest.mark.parametrize("suffix", sorted(SOURCES))
def test_source_is_written_by_statements_or_operations(suffix: str, tmp_path: Any) -> None:
    by_statements = example().save(tmp_path / f"stage{suffix}", level="stage").read_text()
    by_operations = example().save(tmp_path / f"op{suffix}", level="op").read_text()
    assert by_statements == example().save(tmp_path / f"f{suffix}").read_text()
    assert by_operations.count("\n") > by_statements.count("\n")


@pytest.mark.parametrize("level", ["call", "line"])
@pytest.mark.parametrize("suffix", sorted(SOURCES))
def test_source_needs_every_operation(level: str, suffix: str, tmp_path: Any) -> None:
    with pytest.raises(tg.InputError, match=f"level 'op', and this is '{level}'"):
        example().save(tmp_path / f"f{suffix}", level=level)


@pytest.mark.parametrize("level", [*LEVELS, "auto"])
@pytest.mark.parametrize("suffix", sorted(export.MODULES.keys() - SOURCES))
def test_every_export_takes_every_level(level: str, suffix: str, tmp_path: Any) -> None:
    options = {"scale": 0.2} if suffix == ".png" else {}
    first, second = (
        example().save(tmp_path / f"{n}{suffix}", level=level, **options).read_bytes() for n in "ab"
    )
    loaded = fold(tg.load(example().save(tmp_path / "op.json")), level)
    assert first == second == export.write(loaded, tmp_path / f"c{suffix}", **options).read_bytes() != b""


@pytest.mark.parametrize("level", LEVELS)
def test_networkx_at_every_level(level: str) -> None:
    t = example()
    for flat in (False, True):
        graph = t.to_networkx(level=level, flat=flat)
        assert graph.number_of_nodes() == len(t.at(level).nodes)
        assert graph.number_of_edges() == len(t.at(level).edges)


def test_text_at_a_level() -> None:
    t = tg.trace(compiled(LOOP, "f"), 2.0, 4)
    assert t.to_text(level="line").splitlines()[1:9] == [
        "9 operations folded into 2 lines",
        "",
        "stage   value  gradient  statement",
        "──────  ─────  ────────  ──────────────────────",
        "x       2      194       input",
        "turns   4      0         input  [dead]",
        "acc     47     30        acc = acc * x + 1  × 4",
        "return  94     1         return acc * 2",
    ]


def test_the_backward_listing_of_stages_is_that_of_the_notes() -> None:
    listing = tg.trace(staged, 3, -4).to_text(level="stage", backward=True).partition("step ")[2]
    assert [line.split()[1:3] for line in listing.splitlines()[2:]] == [
        ["dnum", "="], ["dinvden", "="], ["dden", "="], ["dsigx", "="], ["dxpysqr", "="], ["dxpy", "="],
        ["dx", "="], ["dy", "="], ["dx", "+="], ["dx", "+="], ["dsigy", "="], ["dy", "+="],
    ]  # fmt: skip


def test_automatic_level() -> None:
    def level(turns: int) -> str:
        return tg.trace(compiled(LOOP, "f"), 0.5, turns).at().level

    assert [level(turns) for turns in (10, READABLE // 2, READABLE * 2)] == ["op", "stage", "line"]
    document = tg.trace(compiled(LOOP, "f"), 0.5, READABLE * 2).document
    assert [fold(document, "auto").level, fold(fold(document, "line"), "auto").level] == ["line", "line"]


def test_pictures_are_folded_and_say_so() -> None:
    t = tg.trace(compiled(LOOP, "f"), 0.5, 1000)
    assert "2,001 operations folded into 2 lines" in t.to_svg()
    assert len(json.loads(t.to_json())["nodes"]) == 3004
    with pytest.raises(RenderError):
        t.to_svg(level="op", max_nodes=100)


def test_a_folded_document_cannot_be_unfolded() -> None:
    document = example().at("line")
    with pytest.raises(InputError, match="cannot be unfolded"):
        fold(document, "stage")
    with pytest.raises(InputError, match="'lines' is none of op, stage, call, line, auto"):
        example().at("lines")


def test_another_seed_gives_another_document() -> None:
    t = example()
    before = t.at("stage").nodes[-1].adjoint
    assert t.backward(2.0).at("stage").nodes[-1].adjoint == 2 * before


# ---- parts ------------------------------------------------------------------------------------------


def names(annotated: Annotated) -> list[str]:
    return [node.name or node.label for node in annotated.nodes]


def test_parts() -> None:
    t = tg.trace(staged, 3, -4)

    def shown(**options: Any) -> list[str]:
        return names(t.at("stage", **options))

    assert shown(upstream_of="den") == ["x", "y", "sigx", "xpy", "xpysqr", "den"]
    assert shown(downstream_of="den") == ["den", "invden", "return num * invden"]
    assert shown(upstream_of="den", downstream_of="xpy") == ["xpy", "xpysqr", "den"]
    assert shown(focus="den", radius=1) == ["sigx", "xpysqr", "den", "invden"]
    assert shown(focus="den", radius=0) == ["den"]
    assert shown(top=4) == ["x", "xpy", "invden", "return num * invden"]
    note = t.at("stage", upstream_of="den").note
    assert note == "14 operations folded into 8 statements; 6 of 10 nodes shown"
    with pytest.raises(InputError, match="no variable 'dem' in this document; did you mean 'den'"):
        t.at("op", focus="dem")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top": 0}, "top=0: there is nothing to show; write 1 or more"),
        ({"focus": "den", "radius": -1}, "radius=-1: there is nothing to show; write 0 or more"),
        ({"level": "call", "expand": ["sigmod"]}, "no function 'sigmod' was called; there are: none"),
    ],
)
def test_parts_without_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        tg.trace(staged, 3, -4).at(**options)


def test_a_part_has_no_idle_nodes_because_its_uses_are_hidden() -> None:
    source = str(export.dump(tg.trace(staged, 3, -4).at("op", focus="den", radius=1), ".svg"))
    assert "node gate" in source
    assert "idle" not in source
    assert "leads to no output" not in source


def test_a_picture_of_many_statements_shows_the_largest_flows() -> None:
    lines = [f"    v{i + 1} = v{i} * 0.99 + x" for i in range(400)]
    space: dict[str, Any] = {}
    exec("\n".join(["def f(x):", "    v0 = x", *lines, "    return v400"]), space)
    t = tg.trace(space["f"], 1.0)
    assert len(t.at("auto").nodes) == 401
    note = "; 300 of 401 nodes shown, those with the largest flows"
    assert note in t.to_svg()
    assert note in t.to_dot()
    assert t.to_dot(level="line").count(" -> ") > 700
    assert t.to_svg(max_nodes=10_000).count('class="node stage') == 400
    assert len(t.document.nodes) == len(tg.trace(space["f"], 1.0).document.nodes)


def test_what_is_hidden_is_a_term() -> None:
    document = tg.trace(staged, 3, -4).at("stage", upstream_of="den")
    x = document.nodes[0]
    assert x.hidden == pytest.approx(0.5121444488396316)
    assert document.nodes[-1].hidden == pytest.approx(document.nodes[-1].adjoint)
    assert "from uses that are not shown" in str(export.dump(document, ".svg"))


def test_the_last_of_a_name_is_meant() -> None:
    document = tg.trace(compiled(LOOP, "f"), 2.0, 3).document
    assert part(document, focus="acc", radius=0).nodes[0].name == "acc#4"
    assert part(document, focus="acc#2", radius=0).nodes[0].name == "acc#2"
    assert part(document, focus="n0", radius=0).nodes[0].name == "x"


def test_hide_constants_and_zeros() -> None:
    def f(x: float, y: float) -> float:
        dead = y * 3.0
        return x * 2.0 + dead * 0.0

    t = tg.trace(f, 1.0, 1.0)
    assert all(row.kind != "const" for row in t.at("op", hide_constants=True).nodes)
    assert names(t.at("op", hide_zero=True, hide_constants=True)) == ["x", "×", "×", "+"]


def test_folding_is_linear_in_the_number_of_operations() -> None:
    """A hundred thousand operations: rows are made of the few lines only."""
    made: list[int] = []
    t = tg.trace(compiled(LOOP, "f"), 0.5, 50_000)
    row = t._columns.node
    columns = dataclasses.replace(t._columns, node=lambda index: made.append(index) or row(index))
    t.__dict__["_columns"] = columns
    assert len(t.at("line").nodes) == 4
    assert len(made) < 20


def test_arrays_are_data_at_level_line() -> None:
    def norm(w: Any, x: Any) -> Any:
        y = np.tanh(w * x)
        return (y * y).sum()

    w, x = np.array([0.3, -0.4, 0.5]), np.array([1.0, 2.0, 3.0])
    folded = tg.trace(norm, w, x).at("line")
    assert from_json(to_json(folded)) == folded == tg.trace(norm, w, x).document.at("line")


def hidden_layer(x: Any, weights: Any) -> Any:
    hidden = np.tanh(x @ weights)
    return hidden * 2.0


def network(x: Any, weights: Any, rate: float) -> Any:
    scale = rescaled(rate)
    for _ in range(2):
        x = hidden_layer(x, weights)
    loss = np.sum(x * x)
    return loss * scale


def rescaled(rate: float) -> float:
    half = rate / 2.0
    return half * half


@pytest.mark.parametrize("level", ["op", "stage", "call", "line"])
def test_documents_of_operations_on_arrays_are_read_back_at_each_level(level: str) -> None:
    """Such an operation stays by itself, and so do its statement and the calls around it."""
    found = tg.trace(network, np.ones((2, 3)), np.full((3, 3), 0.1), 3.0).at(level)
    assert from_json(to_json(found)) == found
    lint(found)
    names = {row.name for row in found.clusters}
    assert ("hidden_layer" in names, "rescaled" in names) == (True, level != "call")
