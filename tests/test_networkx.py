"""The document as a networkx graph: every field, both edges of ``x * x``, ready for algorithms and files."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from typing import Any
from xml.etree import ElementTree

import json_documents
import networkx as nx
import pytest

import tracegrad as tg
from tracegrad.document import Annotated, Edge, Node
from tracegrad.export.json import from_json, to_json
from tracegrad.export.nx import dump, to_networkx
from tracegrad.structures import Record

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


def example() -> Annotated:
    return json_documents.square_plus()


def staged() -> Annotated:
    """The sigmoid example of the backpropagation notes."""

    def f(x: float, y: float) -> Any:
        sigy = 1.0 / (1 + tg.math.exp(-y))
        num = x + sigy
        sigx = 1.0 / (1 + tg.math.exp(-x))
        xpy = x + y
        den = sigx + xpy**2
        return num / den

    return tg.trace(f, 3, -4).document


def odd() -> Annotated:
    """What plain writers choke on: non-finite and huge numbers, control characters, nested data."""
    document = example()
    first, second, third, last = document.nodes
    nodes = (
        dataclasses.replace(first, value=math.nan, adjoint=10**400, label='a\x00<&">\ud800\n', name=None),
        dataclasses.replace(second, value=-math.inf, adjoint=-(10**400), params={"axis": (0, "NaN")}),
        dataclasses.replace(third, value=7, label="nan", name="inf", flags=("tie", "kink")),
        last,
    )
    edges = (dataclasses.replace(document.edges[0], partial=math.inf), *document.edges[1:])
    value = (Record("P", (("x", 1.0),)), [True, None, "text"])
    return dataclasses.replace(document, nodes=nodes, edges=edges, value=value)


# ---- attributes -------------------------------------------------------------------------------------


def test_nodes_and_edges_have_every_field() -> None:
    document = staged()
    graph = to_networkx(document)
    assert list(graph) == [node.id for node in document.nodes]
    assert graph.number_of_edges() == len(document.edges)
    for node in document.nodes:
        assert graph.nodes[node.id] == dataclasses.asdict(node)
    for edge in document.edges:
        assert graph.edges[edge.source, edge.target, edge.slot] == dataclasses.asdict(edge)


def test_the_graph_has_the_other_fields() -> None:
    document = example()
    graph = to_networkx(document)
    names = [field.name for field in dataclasses.fields(document) if field.name not in ("nodes", "edges")]
    assert list(graph.graph) == names
    assert graph.graph["value"] == 11.0
    assert graph.graph["function"]["name"] == "f"
    assert graph.graph["inputs"] == ({"name": "x", "node": "n0"},)


def test_a_value_used_twice_has_two_edges() -> None:
    graph = to_networkx(tg.trace(lambda x: x * x, 3.0).document)
    assert isinstance(graph, nx.MultiDiGraph)
    assert set(graph["n0"]["n1"]) == {0, 1}
    assert [graph.edges["n0", "n1", slot]["flow"] for slot in (0, 1)] == [3.0, 3.0]


def test_changing_the_graph_leaves_the_document_alone() -> None:
    document = example()
    to_networkx(document).nodes["n0"]["params"]["new"] = 1
    assert document == example()


# ---- algorithms -------------------------------------------------------------------------------------


def test_order_and_ancestors() -> None:
    document = staged()
    graph = to_networkx(document)
    assert nx.is_directed_acyclic_graph(graph)
    position = {node: i for i, node in enumerate(nx.topological_sort(graph))}
    assert all(position[edge.source] < position[edge.target] for edge in document.edges)
    output = document.outputs[0].node
    inputs = {row.node for row in document.inputs}
    assert inputs <= nx.ancestors(graph, output)
    assert nx.descendants(graph, output) == set()
    sigy = next(node.id for node in document.nodes if node.name == "sigy")
    assert nx.ancestors(graph, sigy) & inputs == {document.inputs[1].node}


def test_the_longest_path_is_the_depth() -> None:
    graph = to_networkx(tg.trace(lambda x: ((x + 1.0) * x) ** 2, 3.0).document)
    labels = [graph.nodes[node]["label"] for node in nx.dag_longest_path(nx.DiGraph(graph))]
    assert labels[1:] == ["+", "×", "^2"]


def test_the_sum_over_paths_is_the_gradient() -> None:
    document = staged()
    graph = to_networkx(document)
    output = document.outputs[0].node
    for row in document.inputs:
        total = 0.0
        for path in nx.all_simple_edge_paths(graph, row.node, output):
            total += math.prod(graph.edges[step]["partial"] for step in path)
        assert total == pytest.approx(graph.nodes[row.node]["adjoint"], rel=1e-12)


def test_flows_can_be_weights() -> None:
    document = example()
    graph = to_networkx(document)
    assert sum(flow for _, _, flow in graph.out_edges("n0", data="flow")) == graph.nodes["n0"]["adjoint"]


@pytest.mark.parametrize("document", [example(), staged()])
def test_node_link_data_goes_through_json(document: Annotated) -> None:
    graph = to_networkx(document)
    data = json.loads(json.dumps(nx.node_link_data(graph, edges="edges")))
    back = nx.node_link_graph(data, edges="edges")
    assert back.is_multigraph()
    assert back.is_directed()
    assert set(back.edges) == set(graph.edges)
    assert {node: back.nodes[node]["value"] for node in back} == dict(graph.nodes(data="value"))
    assert data["nodes"][0]["id"] == "n0"
    assert data["edges"][0].keys() >= {"source", "target", "key", "slot", "flow"}


def test_node_link_data_of_a_record_goes_through_json() -> None:
    json.dumps(nx.node_link_data(to_networkx(odd()), edges="edges"), default=None)


# ---- flat -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [example(), staged(), odd()])
def test_flat_attributes_are_scalars(document: Annotated) -> None:
    graph = to_networkx(document, flat=True)
    found = [graph.graph]
    found += [data for _, data in graph.nodes(data=True)] + [data for *_, data in graph.edges(data=True)]
    assert {type(value) for attributes in found for value in attributes.values()} <= {str, int, float}
    for column in ("value", "adjoint"):
        assert {type(value) for _, value in graph.nodes(data=column) if value is not None} == {float}


def test_what_flat_attributes_hold() -> None:
    graph = to_networkx(odd(), flat=True)
    assert graph.nodes["n0"]["adjoint"] == math.inf
    assert graph.nodes["n1"]["adjoint"] == -math.inf
    assert graph.nodes["n0"]["label"] == 'a\ufffd<&">\ufffd\n'
    assert graph.nodes["n1"]["params"] == '{"axis": {"tuple": [0, {"str": "NaN"}]}}'
    assert graph.nodes["n1"]["site_line"] == 2
    assert graph.nodes["n2"]["flags"] == '["tie", "kink"]'
    assert "adjoint" not in graph.nodes["n2"]
    assert "flow" not in graph.edges["n2", "n3", 1]
    assert graph.graph["function_name"] == "f"
    assert json.loads(graph.graph["value"])["tuple"][0] == {"record": "P", "fields": [["x", 1.0]]}


@pytest.mark.parametrize("document", [example(), staged(), odd()])
def test_flat_graphs_can_be_written(document: Annotated) -> None:
    graph = to_networkx(document, flat=True)
    written = io.BytesIO()
    nx.write_graphml_xml(graph, written)
    back = nx.parse_graphml(written.getvalue().decode("utf-8"), force_multigraph=True)
    assert set(back.edges) == {(u, v, key) for u, v, key in graph.edges}
    written = io.BytesIO()
    nx.write_gexf(graph, written)
    written.seek(0)
    assert set(nx.read_gexf(written)) == set(graph)


# ---- GraphML ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [example(), staged(), odd()])
def test_graphml_reads_back(document: Annotated) -> None:
    text = dump(document)
    assert dump(document) == text
    graph = to_networkx(document, flat=True)
    back = nx.parse_graphml(text, force_multigraph=True)
    assert list(back) == list(graph)
    for node in graph:
        assert _comparable(back.nodes[node]) == _comparable(graph.nodes[node])
    edges = {data["id"]: _comparable(data) for *_, data in back.edges(data=True)}
    assert edges == {data["id"]: _comparable(data) for *_, data in graph.edges(data=True)}
    assert _comparable(back.graph.items()) >= _comparable(graph.graph.items())


def _comparable(attributes: Any) -> set[tuple[str, str]]:
    return {(name, repr(value)) for name, value in dict(attributes).items()}


def test_graphml_spells_floats_as_xml_does() -> None:
    root = ElementTree.fromstring(dump(odd()))
    name = {key.get("id"): (key.get("attr.name"), key.get("attr.type")) for key in root.iter(f"{GRAPHML}key")}
    nodes = {
        node.get("id"): {name[data.get("key")]: data.text for data in node}
        for node in root.iter(f"{GRAPHML}node")
    }
    assert nodes["n0"]["value", "double"] == "NaN"
    assert nodes["n0"]["adjoint", "double"] == "INF"
    assert nodes["n1"]["value", "double"] == "-INF"
    assert nodes["n2"]["label", "string"] == "nan"
    assert nodes["n2"]["name", "string"] == "inf"
    assert [edge.get("id") for edge in root.iter(f"{GRAPHML}edge")] == ["e0", "e1", "e2", "e3"]


def test_a_column_has_one_type() -> None:
    root = ElementTree.fromstring(dump(odd()))
    columns = [(key.get("for"), key.get("attr.name")) for key in root.iter(f"{GRAPHML}key")]
    assert len(columns) == len(set(columns))


def test_a_loaded_document_draws_the_same_graph() -> None:
    document = staged()
    loaded = from_json(to_json(document))
    assert dump(loaded) == dump(document)


def test_rows_have_no_field_that_networkx_claims() -> None:
    assert {field.name for field in dataclasses.fields(Edge)}.isdisjoint({"u_for_edge", "v_for_edge", "key"})
    assert {field.name for field in dataclasses.fields(Node)}.isdisjoint({"node_for_adding"})
    assert {field.name for field in dataclasses.fields(Annotated)}.isdisjoint({"incoming_graph_data", "name"})
