"""The corpus of :mod:`functions` at every level, in every format: names, tables, counts; each read back by others.

``tests/goldens/NAME.txt`` holds the tables of a function and the digest of its DOT at each level;
``pytest tests/test_views.py --update-exports`` writes them.  :data:`NAMED` is written by hand.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx
import pydot
import pytest
from functions import CORPUS
from jsonschema import Draft202012Validator
from test_python import seeded

import tracegrad as tg
from tracegrad.document import LEVELS, Annotated, schema
from tracegrad.laws import check_identity, lint

GOLDENS = Path(__file__).parent / "goldens"
VALIDATOR = Draft202012Validator(schema())
NAMES = [entry.name for entry in CORPUS]

#: what a reader calls the operations of each function, in order; ``-`` has no name, after ``=`` stand later names.
#: Inputs stand here only where they got another name.  Where nothing has a name there is no entry.
NAMED = {
    "rounded": "- y -",
    "long_names": "the_difference_of_the_two the_sum_of_the_two - - - - -",
    "pieces": "fraction whole mantissa - - - -",
    "dot_product": "u[0]=a u[1]=a#2 v[0]=b v[1]=b#2 - - -",
    "several_stages": "s p q - r",
    "bound_again": "y y#2 y#3",
    "augmented": "y y#2 y#3 y#4 y#5 y#6",
    "unpacked": "a=e b c d - -",
    "swapped": "x#2 y#2 -",
    "walrus": "y z - - -",
    "chained": "a=b -",
    "several_on_a_line": "a b c",
    "over_several_lines": "- - - - - result -",
    "annotated": "y -",
    "deleted": "y z",
    "left_out": "unused -",
    "attempted": "y z -",
    "branch": "z -",
    "loop": "x=y - - y#2 - - y#3 - - y#4 - - y#5 - - y#6",
    "halving": "x#2 x#3 x#4 x#5",
    "horner": "coefficients[0]=c coefficients[1]=c#2 coefficients[2]=c#3 - result - result#2 - result#3",
    "nested_loops": "- - - - total - - - - total#2 - - - - total#3",
    "comprehension": "values[0]=v values[1]=v#2 values[2]=v#3 -=s -=s#2 -=s#3 - - - -",
    "skipping": "values[0]=v values[2]=v#2 - total - total#2",
    "newton": "a=guess - - - - - guess#2 - - - - - guess#3 - - - - - guess#4 - - - - - guess#5 - - -",
    "neuron": "- - - dot - - - -",
    "twice_the_same": "y",
    "items": "d['k'] d['l'] -",
    "attributes": "box.v box.v#2 -",
    "helpers": "- - - - - - - - y#2 - y#3 -",
    "generator": "- term - term#2 - term#3 - term#4 -",
    "gradient_names": "dy ddx d_x",
    "names_of_builtins": "sum abs -",
    "names_of_modules": "operator value - - - -",
    "ambiguous": "O -",
    "θ": "σ fi - -",
    "own_name": "own_name own_name_backward -",
    "temporaries": "y_sum y_exp - - - - y",
    "underscores": "__x _max_partials - -",
    "placeholders": "D_1 N_2 -",
    "seeds": "seeds -",
    "special_methods": "a=self.x#2 b=self.x - -=self.x#3 - - -",
    "called_objects": "a=x#3 b=x#4 - - act -=x#5 - - act#2 -=x#6 - - act#3 prediction error -",
}


@functools.cache
def traced(name: str) -> tg.Trace:
    entry = CORPUS[NAMES.index(name)]
    return seeded(tg.trace(entry.function, *entry.args))


@functools.cache
def view(name: str, level: str) -> Annotated:
    return traced(name).at(level)


every_function = pytest.mark.parametrize("name", NAMES)
every_level = pytest.mark.parametrize("level", LEVELS)


@every_function
def test_names_are_what_a_reader_would_say(name: str) -> None:
    nodes = [node for node in traced(name).nodes if node.kind == "op" or node.aliases]
    found = ["=".join([node.name or "-", *node.aliases]) for node in nodes if node.kind != "const"]
    expected = NAMED.get(name, " ".join("-" for node in nodes))
    assert " ".join(found) == expected


@every_function
def test_every_name_finds_its_value(name: str) -> None:
    t = traced(name)
    for node in t.nodes:
        for one in filter(None, (node.name, *node.aliases)):
            base, _, number = one.partition("#")
            assert t[base, int(number or 1) - 1] == node


@every_function
@every_level
def test_the_identity_holds(name: str, level: str) -> None:
    lint(view(name, level))
    check_identity(view(name, level), None if level == "op" else 1e-9)


@every_function
@every_level
def test_json_is_valid_and_reads_back(name: str, level: str, tmp_path: Path) -> None:
    path = traced(name).save(tmp_path / "f.json", level=level)
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))
    assert tg.load(path) == view(name, level)


def drawn(graph: Any) -> tuple[set[str], list[str]]:
    """The shapes and the wires of a picture and of the frames in it."""
    shapes = {node.get_name() for node in graph.get_nodes()} - {"node", "edge", "graph"}
    wires = [edge.get("id") for edge in graph.get_edges()]
    for frame in graph.get_subgraphs():
        inner, more = drawn(frame)
        shapes, wires = shapes | inner, wires + more
    return shapes, wires


@every_function
@every_level
def test_dot_parses_and_has_every_node_and_edge(name: str, level: str) -> None:
    document = view(name, level)
    (graph,) = pydot.graph_from_dot_data(traced(name).to_dot(level=level))
    shapes, wires = drawn(graph)
    assert len([shape for shape in shapes if shape[0] == "n"]) == len(document.nodes)
    assert len([shape for shape in shapes if shape[0] == "o"]) == len(document.outputs)
    assert len([wire for wire in wires if wire[0] == "e"]) == len(document.edges)
    assert len(wires) == len(document.edges) + sum(output.node is not None for output in document.outputs)


@every_function
@every_level
def test_networkx_and_graphml_have_every_node_and_edge(name: str, level: str, tmp_path: Path) -> None:
    document = view(name, level)
    path = traced(name).save(tmp_path / "f.graphml", level=level)
    for graph in (traced(name).to_networkx(level=level), networkx.read_graphml(path)):
        assert graph.number_of_nodes() == len(document.nodes)
        assert graph.number_of_edges() == len(document.edges)


@every_function
def test_svg_parses_and_has_every_node_and_edge(name: str) -> None:
    document = view(name, "stage")
    svg = ElementTree.fromstring(traced(name).to_svg(level="stage"))
    kinds = [group.get("class", "").split()[0] for group in svg.iter("{http://www.w3.org/2000/svg}g")]
    aliases = [group for group in svg.iter("{http://www.w3.org/2000/svg}g") if group.get("data-alias")]
    outputs = sum(output.node is not None for output in document.outputs)
    assert kinds.count("node") == len(document.nodes) + len(document.outputs) + len(aliases)
    assert kinds.count("edge") == len(document.edges) + outputs


@every_function
def test_listings_are_written(name: str) -> None:
    t = traced(name)
    assert t.to_markdown().strip()
    compile(t.to_python(), name, "exec")


def summary(name: str) -> str:
    """The table of a function at each level, and how large and which its picture is."""
    parts = []
    for level in LEVELS:
        document, dot = view(name, level), traced(name).to_dot(level=level)
        digest = hashlib.sha256(dot.encode()).hexdigest()[:16]
        size = f"{len(document.nodes)} nodes, {len(document.edges)} edges, DOT {digest}"
        parts.append(f"== {level}: {size}\n\n{traced(name).to_text(level=level)}\n")
    return "\n".join(parts)


@every_function
def test_tables_and_pictures_are_those_of_the_goldens(name: str, request: pytest.FixtureRequest) -> None:
    path = GOLDENS / f"{name.strip('<>')}.txt"
    found = summary(name)
    if request.config.getoption("--update-exports"):
        GOLDENS.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == {name.strip("<>") for name in NAMES}
    assert NAMED.keys() <= set(NAMES)
