"""DOT: every part of a document is in the picture once, under its own words, whatever a label holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import documents
import networkx
import pydot
import pytest

from tracegrad.document import Annotated, Output
from tracegrad.export import dot
from tracegrad.export.graphviz import layout
from tracegrad.export.numerals import full, short
from tracegrad.export.picture import Picture, compose
from tracegrad.export.ranks import long_pairs, ranks

SMALL: dict[str, Callable[[], Annotated]] = {
    "staged": documents.staged,
    "square_plus": documents.square_plus,
    "gate": documents.gate,
    "calls": documents.calls,
    "horner": lambda: documents.horner(14),
    "chain": lambda: documents.chain(30),
    "idle": documents.idle,
}

HOSTILE = [
    'say "x"',
    '"]; evil [label="pwn"',
    '"quoted"',
    "<b>a</b>",
    "<script>alert(1)</script>",
    "]]>",
    "a < b > c",
    "&amp; & &lt; &#65;",
    "{a|<p> b}",
    "back\\slash\\",
    "\\N \\G \\L \\E \\T",
    "\\n\\l\\r",
    "a:b:c",
    "node",
    "strict digraph subgraph",
    "漢字かな",
    "🎉 ∂x × ∇",
    "--> -> ;",
    "# /* // */",
    'class="node"',
    '<g class="node">',
    "  two  spaces ",
    "\ttab",
    "%s %d {0} $x",
    "e\u0301 \u202e rtl",
]


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg.encode())
    return ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]


def words(picture: Picture, identity: str) -> list[str]:
    parts = {part.id: part for part in (*picture.shapes, *picture.wires, *picture.frames)}
    return [dot.text(line) for line in parts[identity].lines]


# --- everything is there


@pytest.mark.parametrize("name", SMALL)
def test_every_node_edge_and_output_is_drawn_once(name: str) -> None:
    document = SMALL[name]()
    picture = compose(document)
    rows = [shape.row for shape in picture.shapes if shape.kind != "alias"]
    assert rows == [*document.nodes, *document.outputs]
    assert [wire.row for wire in picture.wires] == [*document.edges, *document.outputs]
    assert len({part.id for part in (*picture.shapes, *picture.wires, *picture.frames)}) == len(
        picture.shapes
    ) + len(picture.wires) + len(picture.frames)


@pytest.mark.parametrize("name", SMALL)
def test_graphviz_draws_as_many(name: str) -> None:
    document = SMALL[name]()
    picture = compose(document)
    counts = (len(picture.shapes), len(picture.wires))
    drawn = texts(layout(dot.to_dot(document), expect=counts))
    parts = (*picture.frames, *picture.shapes, *picture.wires)
    lines = [*picture.title, *(line for part in parts for line in part.lines)]
    assert sorted(drawn) == sorted(map(dot.text, lines))


@pytest.mark.skipif(not shutil.which("dot"), reason="no Graphviz is installed")
@pytest.mark.parametrize("name", SMALL)
def test_installed_graphviz_draws_as_many_without_a_word(name: str) -> None:
    document = SMALL[name]()
    picture = compose(document)
    layout(dot.to_dot(document), engine="system", expect=(len(picture.shapes), len(picture.wires)))


@pytest.mark.filterwarnings("ignore:warn_ungrouped")  # what pyparsing says of pydot under python -W error
@pytest.mark.parametrize("name", SMALL)
def test_pydot_and_networkx_read_it_back(name: str) -> None:
    document = SMALL[name]()
    picture = compose(document)
    (parsed,) = pydot.graph_from_dot_data(dot.to_dot(document)) or []
    found = {node.get_name() for node in _nodes(parsed)}
    assert found - {"node", "edge"} == {shape.id for shape in picture.shapes}
    edges = [(edge.get_source(), edge.get_destination()) for edge in parsed.get_edge_list()]
    assert sorted(edges) == sorted((wire.source, wire.target) for wire in picture.wires)
    graph: Any = networkx.nx_pydot.from_pydot(parsed)
    assert graph.number_of_edges() == len(picture.wires)
    assert networkx.is_directed_acyclic_graph(graph)


def _nodes(graph: Any) -> list[Any]:
    return graph.get_node_list() + [node for sub in graph.get_subgraph_list() for node in _nodes(sub)]


@pytest.mark.parametrize("name", SMALL)
def test_ids_are_ours_and_each_edge_is_a_statement(name: str) -> None:
    plain = re.sub(r'"(\\.|[^"\\])*"', '""', dot.to_dot(SMALL[name]()))
    assert max(line.count("->") for line in plain.splitlines()) == 1
    statements = re.findall(r"^(?:subgraph )?([^ \n]+) (?=[\[{-])", plain, re.MULTILINE)
    assert all(re.fullmatch(r"node|edge|[nao]\d+|cluster_\d+", name) for name in statements)


# --- words


def test_staged_example() -> None:
    picture = compose(documents.staged())
    assert dot.text(picture.title[0]) == "f(x=3, y=-4) = 1.546"
    assert words(picture, "n0") == ["x", "3", "∂ 0.5121", "- 0.03576", "+ 1.583", "= 2.06"]
    assert words(picture, "n7") == ["÷", "sigy", "0.01799", "∂ 0.5121"]
    assert words(picture, "o0") == ["output", "1.546"]
    assert words(picture, "r0") == ["seed 1"]
    statements = [dot.text(frame.lines[0]) for frame in picture.frames]
    assert statements[0] == "sigy = 1.0 / (1 + math.exp(-y))"
    assert len(statements) == 8


@pytest.mark.parametrize("name", SMALL)
def test_edges_say_local_times_upstream_is_flow(name: str) -> None:
    document = SMALL[name]()
    nodes = {node.id: node for node in document.nodes}
    for wire, edge in zip(compose(document).wires, document.edges, strict=False):
        lines = [dot.text(line) for line in wire.lines]
        if wire.kind == "flow":
            upstream = nodes[edge.target].adjoint
            assert lines == [f"{short(edge.partial)} × {short(upstream)}", f"= {short(edge.flow)}"]
        else:
            assert lines == []
            assert edge.partial is None or nodes[edge.target].adjoint == 0


def test_value_used_twice_by_one_operation_has_two_edges_and_all_terms() -> None:
    picture = compose(documents.square_plus())
    assert [(wire.source, wire.target) for wire in picture.wires] == [
        ("n0", "n1"), ("n0", "n1"), ("n1", "n2"), ("n0", "n2"), ("n2", "o0")
    ]  # fmt: skip
    assert words(picture, "n0") == ["x", "3", "∂ 3", "+ 3", "+ 1", "= 7"]


def test_output_that_is_used_counts_its_seed_as_a_term() -> None:
    picture = compose(documents.calls(1))
    assert words(picture, "n1") == ["tanh", "y", "0.4621", "∂ 1", "+ 0.9242", "+ 0.9242", "= 2.848"]
    assert [words(picture, name) for name in ("o0", "o1", "r1")] == [
        ["[0]", "0.4621"],
        ["[1]", "0.2136"],
        ["seed 2"],
    ]


def test_many_terms_are_counted() -> None:
    assert words(compose(documents.horner(14)), "n0")[2:] == [
        "∂ 0.0001221",
        "+ 0.0001221",
        "+ 0.0006104",
        "+ 11 more",
        "= 40.01",
    ]


def test_tie_is_marked_and_the_seed_shown() -> None:
    picture = compose(documents.gate())
    assert words(picture, "n2") == ["max", "m", "2", "∂ 0.5", "⚠ tie"]
    assert words(picture, "r0") == ["seed 0.5"]


def test_what_leads_to_no_output_shows_no_gradient_and_no_term() -> None:
    picture = compose(documents.idle())
    kinds = {shape.id: shape.kind for shape in picture.shapes}
    assert kinds == {"n0": "input", "n1": "idle", "n2": "gate", "o0": "output"}
    assert words(picture, "n0") == ["x", "2", "∂ 3"]
    assert words(picture, "n1") == ["|x|", "2"]


def test_output_that_depends_on_nothing_has_no_wire() -> None:
    document = documents.chain(2)
    constant = Output(path="[1]", node=None, value=7, seed=0.0)
    picture = compose(replace(document, outputs=(*document.outputs, constant)))
    assert words(picture, "o1") == ["[1]", "7"]
    assert [wire.id for wire in picture.wires] == ["e0", "r0"]


def test_output_and_flow_that_are_not_numbers_survive() -> None:
    d = documents.Draft()
    x = d.input("x", 0.0)
    document = d.finish(d.op("√", 0.0, [x], [float("inf")], flags=("nonfinite",)), seeds=(0.0,))
    picture = compose(document)
    assert words(picture, "n0") == ["x", "0", "∂ nan"]
    assert words(picture, "e0") == ["inf × 0", "= nan"]


def test_float_format_is_that_of_the_user() -> None:
    assert "1.55" in dot.to_dot(documents.staged(), float_format=".2f")
    assert "0.00\\n" not in dot.to_dot(documents.staged(), float_format=".2f")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-05, "3e-05"), (5e-324, "4.941e-324"), (0.0, "0"), (-0.0, "0"), (0.99999, "1.000"), (999.96, "1000.0"),
        (12345.0, "12345"), (12345.678, "1.235e+04"), (1e22, "1e+22"), (float("nan"), "nan"),
        (float("-inf"), "-inf"), (-3, "-3"), (10**7, "1e+07"), (-(10**400), "-1.000e+400"), (True, "True"),
    ],
)  # fmt: skip
def test_short_numbers_do_not_mislead(value: float, text: str) -> None:
    assert short(value) == text


def test_ints_that_python_refuses_to_spell_are_short() -> None:
    assert short(10**5000) == full(10**5000) == "1.000e+5000"
    assert short(-(10**5000)) == "-1.000e+5000"


def test_full_numbers_read_back() -> None:
    assert [full(v) for v in (0.1, 10**300, float("nan"), None)] == ["0.1", str(10**300), "nan", "None"]


# --- hostile text


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_text_is_only_text(label: str) -> None:
    document = documents.labelled(label)
    picture = compose(document)
    svg = layout(dot.to_dot(document), expect=(len(picture.shapes), len(picture.wires)))
    drawn = [text.replace("\xa0", " ") for text in texts(svg)]
    assert drawn.count(label) >= 3, drawn  # the input, the sign of the gate and its name
    assert f"⚠ {label}" in drawn


@pytest.mark.parametrize("label", ["nul\0nul", "\ud800 lone", "\x1b[0m", "\ufffe"])
def test_what_no_text_can_hold_is_replaced(label: str) -> None:
    document = documents.labelled(label)
    assert re.sub("[\0\ud800\x1b\ufffe]", "\ufffd", label) in texts(
        layout(dot.to_dot(document), expect=(3, 2))
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_newline_makes_lines(newline: str) -> None:
    drawn = texts(layout(dot.to_dot(documents.labelled(f"one{newline}two")), expect=(3, 2)))
    assert drawn.count("one") == 3
    assert drawn.count("two") == 4  # also of the flag


@pytest.mark.parametrize("label", ["", " ", "\n", "\n\n"])
def test_text_without_ink_draws(label: str) -> None:
    layout(dot.to_dot(documents.labelled(label)), expect=(3, 2))


def test_very_long_text_is_shortened() -> None:
    drawn = texts(layout(dot.to_dot(documents.labelled("x" * 10_000)), expect=(3, 2)))
    assert max(map(len, drawn)) < 120


# --- aliases


def test_wires_across_many_ranks_start_at_an_alias() -> None:
    document = documents.horner(14)
    picture = compose(document)
    aliases = [shape for shape in picture.shapes if shape.kind == "alias"]
    assert len(aliases) == 14 - 4
    assert {shape.row.id for shape in aliases} == {"n0"}  # type: ignore[union-attr]
    assert {tuple(map(dot.text, shape.lines)) for shape in aliases} == {("x",)}
    assert all(wire.lines for wire in picture.wires if wire.source.startswith("a"))
    assert {shape.frame for shape in aliases} == {None}
    rank = ranks(
        [shape.id for shape in picture.shapes], [(wire.source, wire.target) for wire in picture.wires]
    )
    assert len(rank) == len(picture.shapes)


def test_near_uses_have_no_alias() -> None:
    assert not [shape for shape in compose(documents.horner(4)).shapes if shape.kind == "alias"]


def test_alias_of_a_nameless_value_is_found_by_its_id() -> None:
    d = documents.Draft()
    first = last = d.op("sin", 0.5, [d.input("x", 0.5)], [1.0])
    for _ in range(12):
        last = d.op("cos", 0.5, [last], [1.0])
    document = d.finish(d.op("×", 0.25, [first, last], [0.5, 0.5]))
    picture = compose(document)
    assert words(picture, "a0") == ["n1"]
    assert words(picture, "n1")[:2] == ["sin", "n1"]


def test_two_uses_by_one_operation_share_an_alias() -> None:
    d = documents.Draft()
    x = last = d.input("x", 0.5)
    for _ in range(12):
        last = d.op("cos", 0.5, [last], [1.0])
    picture = compose(d.finish(d.op("hypot", 1.0, [x, last, x], [0.5, 0.5, 0.5])))
    assert [shape.id for shape in picture.shapes if shape.kind == "alias"] == ["a0"]
    assert [wire.target for wire in picture.wires if wire.source == "a0"] == ["n13", "n13"]


def test_leaf_of_a_long_sum_is_aliased_rather_than_each_term() -> None:
    d = documents.Draft()
    x = d.input("x", 0.5)
    total = d.op("sin", 0.5, [x], [1.0])
    for _ in range(20):
        total = d.op("+", 0.5, [total, d.op("sin", 0.5, [x], [1.0])], [1.0, 1.0])
    aliases = [shape for shape in compose(d.finish(total)).shapes if shape.kind == "alias"]
    assert {shape.row.id for shape in aliases} == {"n0"}  # type: ignore[union-attr]


def test_folded_loop_may_run_backwards() -> None:
    assert ranks("ab", [("a", "b"), ("b", "a"), ("b", "b")]) == {"a": 0, "b": 1}
    assert long_pairs("ab", [("b", "a")]) == [False]


# --- frames


def test_calls_are_nested_frames_and_stages_lie_in_them() -> None:
    picture = compose(documents.calls(3))
    kinds = [(frame.kind, dot.text(frame.lines[0]), frame.parent) for frame in picture.frames]
    assert kinds[:3] == [
        ("call", "inner0()", None), ("call", "inner1()", "cluster_0"), ("call", "inner2()", "cluster_1")
    ]  # fmt: skip
    assert kinds[3] == ("stage", "y = math.tanh(x)", "cluster_0")


def test_deep_calls_are_drawn_up_to_a_depth() -> None:
    document = documents.calls(900)
    picture = compose(document)
    assert sum(frame.kind == "call" for frame in picture.frames) == 8
    layout(dot.to_dot(document), expect=(len(picture.shapes), len(picture.wires)))


def test_empty_stage_has_no_frame() -> None:
    d = documents.Draft()
    d.stage("y = x")
    d.stage("z = sin(y)")
    picture = compose(d.finish(d.op("sin", 0.5, [d.input("x", 0.5)], [1.0])))
    assert [dot.text(frame.lines[0]) for frame in picture.frames] == ["z = sin(y)"]


# --- the text as a whole


def test_same_document_gives_the_same_bytes_in_every_process() -> None:
    code = (
        "import documents, hashlib; from tracegrad.export.dot import to_dot\n"
        "print(hashlib.sha256(to_dot(documents.horner(14)).encode()).hexdigest())"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_exporter_protocol() -> None:
    assert dot.SUFFIXES == (".dot", ".gv")
    assert dot.dump(documents.gate(), float_format=".2f") == dot.to_dot(documents.gate(), float_format=".2f")


def test_pydot_graph_draws_itself_without_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    graph: Any = dot.to_pydot(documents.square_plus())
    graph.write_svg(str(tmp_path / "f.svg"))
    graph.write_png(str(tmp_path / "f.png"))
    assert (tmp_path / "f.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FileNotFoundError):
        graph.create_pdf()


def test_loop_of_a_thousand_steps_is_text_at_once() -> None:
    text = dot.to_dot(documents.horner(1000))
    picture = compose(documents.horner(1000))
    assert text.count(" -> ") == len(picture.wires)
    assert sum(shape.kind == "alias" for shape in picture.shapes) == 996


def test_long_chain_lays_out() -> None:
    document = documents.chain(20_000)
    layout(dot.to_dot(document), expect=(20_001, 20_000))
    assert all(a.value == b.value for a, b in pairwise(document.nodes[1:]))
