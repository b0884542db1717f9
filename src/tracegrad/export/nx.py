"""networkx: the document as a graph for algorithms, and GraphML for other programs.

In: an :class:`~tracegrad.document.Annotated`.  Out: a ``networkx.MultiDiGraph`` (:func:`to_networkx`) or
GraphML text (:func:`dump`).

Decisions:

- *Edges are keyed by slot*, so that ``x * x`` keeps both, and ``graph.edges["n0", "n2", 1]`` is operand 1.
- *Attributes are the fields of the rows*, as plain Python data; nothing is renamed.
- *Flat is a form of its own.*  GraphML, GEXF and tables want one scalar type per column: ``flat=True``
  leaves out what is ``None``, turns the numbers of the chain rule into floats, a site into ``site_file``,
  ``site_line`` ..., and everything that is nested into JSON text.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import networkx
from networkx.readwrite.graphml import GraphMLWriter

from tracegrad.document import Annotated
from tracegrad.export.json import json_data
from tracegrad.export.row_text import json_text

SUFFIXES = (".graphml",)

#: what XML cannot hold, escaped or not
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: how the type ``double`` of XML writes what Python's ``str`` calls otherwise
_XML_FLOATS = {"nan": "NaN", "inf": "INF", "-inf": "-INF"}


def to_networkx(annotated: Annotated, *, flat: bool = False) -> networkx.MultiDiGraph:
    """The document as a ``networkx.MultiDiGraph``: nodes and edges with all their fields as attributes.

    Nodes are named by id, edges go from operand to result and are keyed by slot; ``graph.graph`` has the
    other fields of the document.  Rows within attributes are dicts.  With ``flat=True`` every attribute is a
    string or a number, as ``networkx.write_graphml`` and ``write_gexf`` demand.

    >>> import networkx as nx
    >>> import tracegrad as tg
    >>> graph = to_networkx(tg.trace(lambda x, y: x * y + x, 2.0, 3.0).document)
    >>> [graph.nodes[node]["label"] for node in nx.topological_sort(graph)]
    ['x', 'y', '×', '+']
    >>> graph.edges["n0", "n2", 0]["flow"]
    3.0
    """
    attributes: Callable[[Any], dict[str, Any]] = _flat if flat else dataclasses.asdict
    head = dataclasses.replace(
        annotated, nodes=(), edges=(), stages=tuple(annotated.stages), clusters=tuple(annotated.clusters)
    )
    graph = networkx.MultiDiGraph(**attributes(head))
    for name in ("nodes", "edges"):
        graph.graph.pop(name)
    for node in annotated.nodes:
        graph.add_node(node.id, **attributes(node))
    for edge in annotated.edges:
        graph.add_edge(edge.source, edge.target, key=edge.slot, **attributes(edge))
    return graph


def dump(annotated: Annotated) -> str:
    """The flat graph as GraphML; edges bear their ids, and floats are spelled as XML spells them."""
    graph = to_networkx(annotated, flat=True)
    writer = GraphMLWriter(graph=graph, edge_id_from_attribute="id")
    floats = {key.get("id") for key in writer.xml.iter("key") if key.get("attr.type") == "double"}
    for element in writer.xml.iter("data"):
        if element.get("key") in floats:
            element.text = _XML_FLOATS.get(element.text, element.text)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{writer}\n'


def _flat(row: Any) -> dict[str, str | int | float]:
    """The fields of a row as scalars; ``None`` is left out."""
    flat: dict[str, str | int | float] = {}
    for name, data in json_data(row).items():
        value = getattr(row, name)
        if name in _NUMBERS and type(value) in (int, float):
            flat[name] = _as_float(value)
        elif name in _NESTED and data is not None:
            flat |= {f"{name}_{inner}": _scalar(item) for inner, item in data.items() if item is not None}
        elif data is not None:
            flat[name] = _scalar(data)
    return flat


#: columns of numbers: floats in a flat graph, so that ints and floats are of one type
_NUMBERS = frozenset({"value", "adjoint", "partial", "flow", "seed", "hidden"})

#: rows within a row, whose fields become columns of their own
_NESTED = frozenset({"site", "function"})


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _scalar(data: Any) -> str | int | float:
    """JSON data as a scalar; anything nested is JSON text."""
    if isinstance(data, (int, float)):
        return data
    return _NO_XML.sub("\ufffd", data if isinstance(data, str) else json_text(data))
