"""SVG: the picture laid out by Graphviz, then coloured and described by us.

In: an :class:`~tracegrad.document.Annotated`.  Out: SVG text that needs nothing else: no script, no link, no style
sheet.  Read :func:`to_svg` first, then ``_dress``.

Graphviz places the words; here each word gets its colour, each part its tip (``<title>``), its place in the source
(``<desc>``), and the id of its row (``data-id``) for programs that work on the picture.  Colours are attributes of
the words, so that every viewer and printer shows them, and a style sheet around the picture may override them by
class: ``value``, ``gradient``, ``local``, ``flow`` ... (:mod:`tracegrad.export.palette`).

The XML is taken apart and put together by the standard library, which escapes whatever a label holds.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from xml.etree.ElementTree import Element, SubElement

from tracegrad.document import Annotated, Cluster, Edge, Node, Output, Stage
from tracegrad.errors import RenderError
from tracegrad.export import tips
from tracegrad.export.dot import draw, text, writable
from tracegrad.export.graphviz import layout
from tracegrad.export.numerals import FLOAT_FORMAT
from tracegrad.export.palette import FONTS, HALO, WORDS
from tracegrad.export.picture import Frame, Picture, Shape, Wire, compose, terms
from tracegrad.export.room import make_room
from tracegrad.export.words import Line

SUFFIXES = (".svg",)

MOST_NODES = 5000  # some ten seconds of layout for an ordinary loop

_XMLNS = "http://www.w3.org/2000/svg"


def to_svg(
    annotated: Annotated,
    *,
    engine: str = "wasm",
    timeout: float = 60.0,
    float_format: str = FLOAT_FORMAT,
    frames: bool = True,
    max_nodes: int = MOST_NODES,
) -> str:
    """Draw an annotated graph as SVG text.

    ``engine`` is ``"wasm"``, the packaged Graphviz, or ``"system"``, the ``dot`` on the PATH; a layout is stopped
    after ``timeout`` seconds.  ``float_format`` is for the numbers on labels; tips hold all digits.  Stages and calls
    have ``frames`` around them, unless Graphviz fails on these: then there are none.

    Raises :class:`RenderError` if there is more to draw than ``max_nodes``, which nobody could read, or if the layout
    is late or loses a part.

    >>> import tracegrad as tg
    >>> svg = to_svg(tg.trace(lambda x: x * x, 3.0).document)
    >>> svg.count('class="edge flow"'), "gradient 6.0" in svg
    (2, True)
    """
    _check_size(len(annotated.nodes), max_nodes)  # composing a million nodes would already take a minute
    picture = compose(annotated, float_format, frames=frames)
    _check_size(len(picture.shapes), max_nodes)
    if not picture.frames:
        return _drawn(picture, annotated, engine, timeout)
    # Graphviz may break down over the frames of a larger graph ("lost edge"), or spend too long on them.  Its other
    # way of ranking mostly succeeds then; without frames it always does, and names and tips still tell the stage.
    for looks in ({}, {"newrank": "true"}):
        with suppress(RenderError):
            return _drawn(picture, annotated, engine, timeout / 3, **looks)
    return _drawn(compose(annotated, float_format, frames=False), annotated, engine, timeout / 3)


def _drawn(picture: Picture, annotated: Annotated, engine: str, timeout: float, **looks: str) -> str:
    counts = (len(picture.shapes), len(picture.wires))
    dot = draw(picture, turned=bool(picture.frames), **looks)  # without frames it may cost ten times as long
    laid_out = layout(dot.to_string(), engine=engine, timeout=timeout, expect=counts)
    return _dress(laid_out, picture, annotated)


def _check_size(nodes: int, most: int) -> None:
    if nodes > most:
        raise RenderError(
            f"the picture would have {nodes} nodes, and beyond max_nodes={most} nobody could read it: show a part "
            "(top=50, focus='name', upstream_of='name'), fold it (level='line'), trace a smaller case, "
            "save the graph as .json or .dot, or raise max_nodes="
        )


#: what :func:`tracegrad.export.write` puts into a file of one of the ``SUFFIXES``
dump = to_svg


def _dress(drawn: str, picture: Picture, annotated: Annotated) -> str:
    """Colour and describe what Graphviz drew."""
    root = ElementTree.fromstring(drawn)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_XMLNS}}}")
    (graph,) = root.findall("g")
    groups = {group.get("id", ""): group for group in graph.findall("g")}
    title = text(picture.title[0])
    svg = Element(
        "svg",
        {
            "xmlns": _XMLNS,
            "width": root.get("width", ""),
            "height": root.get("height", ""),
            "viewBox": root.get("viewBox", ""),
            "role": "graphics-document document",
            "aria-label": title,
            "font-family": FONTS,
            "text-anchor": "middle",
        },
    )
    _describe(svg, title, tips.of_document(annotated))
    page = SubElement(svg, "g", {"class": "graph", "transform": graph.get("transform", "")})
    page.extend(graph.findall("polygon"))
    page.extend(_words(graph.findall("text"), picture.title, halo=False))
    parts = list(_parts(groups, picture, annotated))
    make_room(parts)
    page.extend(parts)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(svg, encoding="unicode") + "\n"


def _parts(groups: Mapping[str, Element], picture: Picture, annotated: Annotated) -> Iterator[Element]:
    """Every part in the order in which it is painted and read: frames, then each shape after its incoming wires."""
    of = _Tips(annotated)
    entering: dict[str, list[Wire]] = {}
    for wire in picture.wires:
        entering.setdefault(wire.target, []).append(wire)
    for frame in picture.frames:
        yield _part(groups[frame.id], f"frame {frame.kind}", frame, of)
    for shape in picture.shapes:
        for wire in entering.get(shape.id, ()):
            yield _part(groups[wire.id], f"edge {wire.kind}", wire, of)
        flagged = " flagged" if shape.flags else ""
        yield _part(groups[shape.id], f"node {shape.kind}{flagged}", shape, of)


def _part(group: Element, classes: str, part: Frame | Shape | Wire, of: _Tips) -> Element:
    """One group of Graphviz's, dressed: its outline stays, its title and words are ours."""
    dressed = Element("g", {"class": classes, "role": "graphics-symbol img", **_identity(part)})
    tip, place = of.part(part)
    _describe(dressed, tip, place)
    dressed.extend([element for element in group if element.tag not in ("title", "text")])
    dressed.extend(_words(group.findall("text"), part.lines, halo=isinstance(part, Wire)))
    return dressed


def _identity(part: Frame | Shape | Wire) -> dict[str, str]:
    """The id of the row; an alias is not its node, and an output has no id but a path."""
    if isinstance(part.row, Output):
        return {"data-output": writable(part.row.path)}
    return {"data-alias" if isinstance(part, Shape) and part.kind == "alias" else "data-id": part.row.id}


def _describe(element: Element, title: str, description: str) -> None:
    SubElement(element, "title").text = writable(title)
    if description:
        SubElement(element, "desc").text = writable(description)


def _words(placed: Sequence[Element], lines: Sequence[Line], *, halo: bool) -> list[Element]:
    """The lines of a label at the places that Graphviz gave them, each word in the colour of its role."""
    if len(placed) != len(lines):
        raise RenderError(f"Graphviz placed {len(placed)} lines of text instead of {len(lines)}")
    return [_written(at, line, halo=halo) for at, line in zip(placed, lines, strict=True)]


def _written(at: Element, line: Line, *, halo: bool) -> Element:
    place = {"x": at.get("x", ""), "y": at.get("y", ""), "font-size": at.get("font-size", "")}
    if at.get("text-anchor", "middle") != "middle":
        place["text-anchor"] = at.get("text-anchor", "")
    element = Element("text", place | dict(HALO if halo else {}))
    for role, word in line:
        span = element if len(line) == 1 else SubElement(element, "tspan")
        span.attrib.update({"class": role, **WORDS[role]})
        span.text = writable(word)
    return element


class _Tips:
    """Tip and place of each part of a picture."""

    def __init__(self, annotated: Annotated) -> None:
        self._terms = terms(annotated)
        self._nodes = {node.id: node for node in annotated.nodes}

    def part(self, part: Frame | Shape | Wire) -> tuple[str, str]:
        row = part.row
        if isinstance(row, Node):
            tip = tips.of_node(row, self._terms.get(row.id, ()), idle=part.kind == "idle")
            return (tips.of_alias(tip) if part.kind == "alias" else tip), tips.place(row.site)
        if isinstance(row, Edge):
            return tips.of_edge(row, self._nodes[row.source], self._nodes[row.target]), ""
        if isinstance(row, Stage):
            return tips.of_stage(row), tips.place(row.site)
        if isinstance(row, Cluster):
            return tips.of_call(row), tips.place(row.site)
        return tips.of_output(row), ""
