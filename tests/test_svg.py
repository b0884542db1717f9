"""SVG and PNG: words in their place and colour, tips with every digit, nothing but data in the file."""

from __future__ import annotations

import dataclasses
import io
import math
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import documents
import numpy as np
import pytest
from PIL import Image, ImageFont

import tracegrad as tg
from tracegrad.document import Annotated
from tracegrad.errors import RenderError
from tracegrad.export import palette, png, svg
from tracegrad.export.dot import text, to_dot, writable
from tracegrad.export.letters import FILES
from tracegrad.export.picture import compose

SMALL: dict[str, Callable[[], Annotated]] = {
    "staged": documents.staged,
    "square_plus": documents.square_plus,
    "gate": documents.gate,
    "calls": documents.calls,
    "horner": lambda: documents.horner(14),
    "chain": lambda: documents.chain(12),
    "idle": documents.idle,
    "crossing": documents.crossing,
}


#: the pictures of the gallery, which are drawn anew and compared by tests/test_gallery.py
GALLERY = {path.name: path for path in sorted((Path(__file__).parent.parent / "exports").glob("*.svg"))}
SHOWN = [*SMALL, *GALLERY]


@cache
def drawn(name: str) -> str:
    return GALLERY[name].read_text(encoding="utf-8") if name in GALLERY else svg.to_svg(SMALL[name]())


@cache
def page(source: str) -> Element:
    """The outermost group of a picture, whose coordinates all parts share."""
    root = ElementTree.fromstring(source.encode())
    for element in root.iter():
        element.tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
    group = root.find("g")
    assert group is not None
    return group


def groups(source: str, kind: str) -> list[Element]:
    return [group for group in page(source).findall("g") if group.get("class", "").split()[0] == kind]


def title(group: Element) -> str:
    return group.findtext("title") or ""


def lines(group: Element) -> list[str]:
    return ["".join(element.itertext()) for element in group.findall("text")]


# --- words, tips, ids


@pytest.mark.parametrize("name", SMALL)
def test_words_are_those_of_the_picture(name: str) -> None:
    picture = compose(SMALL[name]())
    for kind, parts in (("node", picture.shapes), ("edge", picture.wires), ("frame", picture.frames)):
        expected = [[text(line) for line in part.lines] for part in parts]
        assert sorted(map(lines, groups(drawn(name), kind))) == sorted(expected)


@pytest.mark.parametrize("name", SMALL)
def test_parts_bear_the_ids_of_their_rows(name: str) -> None:
    document = SMALL[name]()
    found = [group.get("data-id") for group in groups(drawn(name), "node")]
    assert [identity for identity in found if identity] == [node.id for node in document.nodes]
    edges = [group.get("data-id") for group in groups(drawn(name), "edge")]
    assert sorted(filter(None, edges)) == sorted(edge.id for edge in document.edges)
    assert len(
        [group for group in groups(drawn(name), "node") if group.get("data-output") is not None]
    ) == len(document.outputs)
    for group in groups(drawn(name), "node"):
        if group.get("data-alias"):
            assert title(group).startswith("the same value as elsewhere")


@pytest.mark.parametrize("name", SMALL)
def test_tips_hold_every_digit(name: str) -> None:
    document = SMALL[name]()
    nodes = {node.id: node for node in document.nodes}
    edges = {edge.id: edge for edge in document.edges}
    for group in groups(drawn(name), "node"):
        node = nodes.get(group.get("data-id", ""))
        if node is not None:
            assert repr(node.value) in title(group)
            assert node.kind == "const" or f"gradient {node.adjoint!r}" in title(group)
            assert node.kind != "op" or node.primitive in title(group)
    for group in groups(drawn(name), "edge"):
        edge = edges.get(group.get("data-id", ""))
        if edge is not None and edge.flow is not None:
            assert title(group).splitlines()[1:] == [
                f"local gradient {edge.partial!r}",
                f"× upstream gradient {nodes[edge.target].adjoint!r}",
                f"= flow {edge.flow!r}",
            ]


def test_tips_of_the_staged_example() -> None:
    tips = {
        group.get("data-id"): (title(group), group.findtext("desc"))
        for group in page(drawn("staged")).findall("g")
    }
    assert tips["n0"][0].splitlines()[0] == "input x"
    assert tips["n0"][0].splitlines()[3].startswith("  = 0.5121")
    sigy = documents.staged().nodes[7]
    assert tips["n7"] == (
        f"sigy (div)\nvalue {sigy.value!r}\ngradient {sigy.adjoint!r}\nline 2: sigy = 1.0 / (1 + math.exp(-y))",
        "example.py, line 2, in f",
    )
    assert tips["s0"] == ("stage sigy\nline 2: sigy = 1.0 / (1 + math.exp(-y))", "example.py, line 2, in f")


def test_titles() -> None:
    def shown(function: Callable[..., Any], *args: Any, **options: Any) -> str:
        return lines(page(tg.trace(function, *args).to_svg(**options)))[0]

    def total(table: dict[str, Any]) -> Any:
        x = table["the first one of two long names"] * 1.0
        return x * table["the second one of two long names"]

    table = dict.fromkeys(["the first one of two long names", "the second one of two long names"], 2.0)
    assert shown(total, table) == "total(table['the first one of two long names']=2, …) = 4"
    assert shown(total, table, focus="x", radius=0, level="stage") == "total(…) = 4"
    assert shown(lambda w, b: (w * b).sum(), np.ones((3, 4)), 2.0) == "<lambda>(w: 3×4, b=2) = 24"


def test_statements_break_before_operators() -> None:
    def f(value: float) -> float:
        value = 1.5*math.sin(value)+value*math.cos(value)  # fmt: skip
        return (value - 1.25e-3) * (value + 3.5) ** 2

    source = tg.trace(f, 2.0).to_svg(level="stage")
    shown = [lines(group) for group in groups(source, "node")]
    assert shown[1][:3] == ["value = 1.5", "*math.sin(value)+value", "*math.cos(value)"]
    assert shown[2][:2] == ["return (value - 1.25e-3)", "* (value + 3.5) ** 2"]


def test_document_is_named_and_described() -> None:
    root = ElementTree.fromstring(drawn("staged"))
    assert root.get("aria-label") == root[0].text == "f(x=3, y=-4) = 1.546"
    assert root[1].text == (
        "Computation of f as a graph: 21 nodes and 23 edges from 2 inputs to 1 output, each with its value and "
        "gradient."
    )
    assert {g.get("role") for g in page(drawn("staged")).findall("g")} == {"graphics-symbol img"}


# --- nothing but data


def test_file_needs_and_reveals_nothing() -> None:
    for name in SMALL:
        source = drawn(name)
        assert not re.search(r"<(script|style|a|image|use|foreignObject)\b|href|url\(|<!DOCTYPE", source)
        assert re.findall(r"https?://[^\"]*", source) == ["http://www.w3.org/2000/svg"]
        assert str(Path.cwd()) not in source
        assert not re.search(r"20\d\d-\d\d-\d\d|graphviz", source)


@pytest.mark.parametrize(
    "label",
    [
        "<script>alert(1)</script>", "]]>", "</title><script>", '" onload="alert(1)', "&lt;b&gt;", "'single'",
        "<!-- -->", "a < b && c", "漢字 🎉", "back\\slash\\", "\\N", "\ttab", "two  spaces", " ", "",
    ],
)  # fmt: skip
def test_hostile_text_stays_text(label: str) -> None:
    source = svg.to_svg(documents.labelled(label))
    shapes = [group for group in groups(source, "node") if group.get("data-id")]
    shown = [label] if label.strip() else []
    assert lines(shapes[0])[:1] == (shown or ["2"])
    assert lines(shapes[1])[: 2 * len(shown)] == 2 * shown
    assert f"input {label}" in title(shapes[0])
    assert {element.tag for element in page(source).iter()} <= {
        "g", "title", "desc", "text", "tspan", "path", "polygon", "ellipse"
    }  # fmt: skip
    assert not [name for element in page(source).iter() for name in element.attrib if name.startswith("on")]


@pytest.mark.parametrize("label", ["nul\0nul", "\ud800 lone", "\x1b[0m", "\uffff"])
def test_what_no_svg_can_hold_is_replaced(label: str) -> None:
    source = svg.to_svg(documents.labelled(label))
    assert writable(label) in lines(groups(source, "node")[0])
    source.encode()


def test_other_process_gives_the_same_bytes() -> None:
    code = (
        "import documents, hashlib; from tracegrad.export.svg import to_svg\n"
        "print(hashlib.sha256(to_svg(documents.staged()).encode()).hexdigest())"
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


# --- legible: geometry measured with the bundled font


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The smaller side of the common area; 0 and less if there is none."""
        return min(
            min(self.right, other.right) - max(self.left, other.left),
            min(self.bottom, other.bottom) - max(self.top, other.top),
        )

    def around(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


@cache
def font(bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FILES[bold]), 100)


def width(element: Element, size: float, bold: bool) -> float:
    """The advance of all words of a line."""
    bold = element.get("font-weight", "bold" if bold else "") == "bold"
    own = font(bold).getlength(element.text or "") * float(element.get("font-size", size)) / 100
    return own + sum(width(child, size, False) for child in element)


def ink(element: Element) -> Box:
    """Where the letters of a line are, from the height of a figure to the base line."""
    x, y, size = (float(element.get(name, 0)) for name in ("x", "y", "font-size"))
    wide = width(element, size, False)
    left = x if element.get("text-anchor") == "start" else x - wide / 2
    return Box(left, y - 0.74 * size, left + wide, y)


def boxes(group: Element) -> Iterator[Box]:
    return map(ink, group.findall("text"))


def outline(group: Element) -> Box:
    points: list[tuple[float, float]] = []
    for element in group:
        if element.tag == "ellipse":
            cx, cy, rx, ry = (float(element.get(name, 0)) for name in ("cx", "cy", "rx", "ry"))
            points += [(cx - rx, cy - ry), (cx + rx, cy + ry)]
        elif element.tag in ("path", "polygon"):
            numbers = [
                *map(float, re.findall(r"-?\d+(?:\.\d+)?", element.get("d") or element.get("points") or ""))
            ]
            points += zip(numbers[::2], numbers[1::2], strict=True)
    if not points:
        corners = list(boxes(group))
        points = [(c.left, c.top) for c in corners] + [(c.right, c.bottom) for c in corners]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


@pytest.mark.parametrize("name", SHOWN)
def test_words_lie_within_their_outline(name: str) -> None:
    for group in groups(drawn(name), "node"):
        circle = group.find("ellipse")
        for line in boxes(group):
            if circle is None:
                assert outline(group).around(line), (title(group), line)
            else:
                x, y, r = (float(circle.get(key, 0)) for key in ("cx", "cy", "rx"))
                corners = [
                    (line.left, line.top),
                    (line.left, line.bottom),
                    (line.right, line.top),
                    (line.right, line.bottom),
                ]
                assert max(math.hypot(cx - x, cy - y) for cx, cy in corners) <= r + 0.5, (
                    title(group),
                    line,
                    r,
                )


@pytest.mark.parametrize("name", SHOWN)
def test_words_lie_within_the_page(name: str) -> None:
    background = page(drawn(name)).find("polygon")
    assert background is not None
    whole = outline(page(drawn(name)))
    for element in page(drawn(name)).iter("text"):
        assert whole.around(ink(element)), "".join(element.itertext())


@pytest.mark.parametrize("name", SHOWN)
def test_words_do_not_overlap(name: str) -> None:
    words = [
        (group, box)
        for kind in ("edge", "frame")
        for group in groups(drawn(name), kind)
        for box in boxes(group)
    ]
    for (one, a), (other, b) in combinations(words, 2):
        limit = 1 if one.get("class") == other.get("class") else 0  # names of frames have air around them
        assert a.overlap(b) < limit, (title(one), title(other))
    for group, box in words:
        for node in groups(drawn(name), "node"):
            assert reach(node, box) < -0.5, (title(group), title(node))


def reach(node: Element, box: Box) -> float:
    """How far a box reaches into the shape of a node."""
    circle = node.find("ellipse")
    if circle is None:
        return outline(node).overlap(box)
    x, y, r = (float(circle.get(key, 0)) for key in ("cx", "cy", "rx"))
    return r - distance(box, (x, y))


#: names of frames hardly wider than they are, which wires enter from above
CROSSED_NAMES = {"kalman.svg": 1}


@pytest.mark.parametrize("name", SHOWN)
def test_no_wire_runs_through_words(name: str) -> None:
    edges, names = groups(drawn(name), "edge"), 0
    for edge in edges:
        way = line(edge)
        for other in edges:
            for box in boxes(other):
                assert not any(within(box, point) for point in way), (title(edge), title(other))
        names += sum(
            any(within(box, point) for point in way)
            for frame in groups(drawn(name), "frame")
            for box in boxes(frame)
        )
    assert names <= CROSSED_NAMES.get(name, 0)


def within(box: Box, point: tuple[float, float]) -> bool:
    """Whether a point is among the letters of a line of words."""
    return box.left + 1 < point[0] < box.right - 1 and box.top + 1 < point[1] < box.bottom - 1


@pytest.mark.parametrize("name", SHOWN)
def test_no_wire_runs_through_a_shape(name: str) -> None:
    shapes = [(node, outline(node)) for node in groups(drawn(name), "node")]
    for edge in groups(drawn(name), "edge"):
        for node, box in shapes:
            inside = [point for point in line(edge) if distance(box, point) == 0]
            deepest = max((reach(node, Box(x, y, x, y)) for x, y in inside), default=0)
            assert deepest < 3, (title(edge), title(node))


@pytest.mark.parametrize("name", SHOWN)
def test_shapes_lie_apart_and_frames_hold_them_whole(name: str) -> None:
    shapes = [outline(group) for group in groups(drawn(name), "node")]
    assert max((a.overlap(b) for a, b in combinations(shapes, 2)), default=0) < 1
    frames = [outline(group) for group in groups(drawn(name), "frame")]
    for frame in frames:
        for other in shapes + frames:
            assert frame.overlap(other) < 1 or frame.around(other) or other.around(frame)


@pytest.mark.parametrize("name", SHOWN)
def test_words_of_an_edge_are_near_it_and_nearer_than_to_others(name: str) -> None:
    ways = [(group, line(group)) for group in groups(drawn(name), "edge")]
    for group, own in ways:
        labels = list(boxes(group))
        if labels:
            away = apart(labels, own)
            assert away < 9, title(group)
            assert away <= min(
                (apart(labels, way) for other, way in ways if other is not group), default=away
            )


def apart(labels: list[Box], way: list[tuple[float, float]]) -> float:
    return min(distance(box, point) for box in labels for point in way)


@pytest.mark.parametrize("name", SHOWN)
def test_a_constant_beside_its_gate_has_a_straight_wire(name: str) -> None:
    frames = [outline(group) for group in groups(drawn(name), "frame")]
    for group in groups(drawn(name), "edge"):
        if "constant" in group.get("class", "").split():
            way = line(group)
            held = [sum(frame.around(Box(x, y, x, y)) for frame in frames) for x, y in (way[0], way[-1])]
            assert held[0] != held[1] or max(x for x, _ in way) - min(x for x, _ in way) < 1, title(group)


@pytest.mark.parametrize("name", SMALL)
def test_dot_has_each_wire_in_its_true_direction(name: str) -> None:
    document = SMALL[name]()
    written = re.findall(r"^n(\d+) -> n(\d+) \[", to_dot(document), re.MULTILINE)
    known = {(edge.source, edge.target) for edge in document.edges}
    assert {(f"n{source}", f"n{target}") for source, target in written} <= known
    assert "dir=back" not in to_dot(document)


@pytest.mark.parametrize("name", SHOWN)
def test_few_wires_cross(name: str) -> None:
    ways = [line(group)[::5] for group in groups(drawn(name), "edge")]
    crossings = sum(
        any(cross(*a, *b) for a in pairwise(one) for b in pairwise(other))
        for one, other in combinations(ways, 2)
    )
    assert crossings <= 0.4 * len(ways)


Point = tuple[float, float]


def cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two pieces of line cross."""
    return turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0


def turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def line(group: Element) -> list[tuple[float, float]]:
    """Points along a wire."""
    path = group.find("path")
    assert path is not None
    return along(path.get("d", ""))


@cache
def along(path: str) -> list[tuple[float, float]]:
    numbers = [*map(float, re.findall(r"-?\d+(?:\.\d+)?", path))]
    return list(points(list(zip(numbers[::2], numbers[1::2], strict=True))))


def points(controls: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Points along a chain of cubic curves."""
    for i in range(0, len(controls) - 3, 3):
        for t in (step / 50 for step in range(51)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x, y = (
                sum(w * p[axis] for w, p in zip(weights, controls[i : i + 4], strict=True)) for axis in (0, 1)
            )
            yield x, y


def distance(box: Box, point: tuple[float, float]) -> float:
    x, y = point
    return math.hypot(max(box.left - x, x - box.right, 0), max(box.top - y, y - box.bottom, 0))


def test_words_that_stand_badly_are_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    document = tg.load(GALLERY["kepler.line.svg"].with_suffix(".json"))
    monkeypatch.setattr(svg, "make_room", lambda parts: None)
    crowded = svg.to_svg(document)
    monkeypatch.undo()
    assert doubt(crowded) > 1 > 0 > doubt(svg.to_svg(document))


def doubt(source: str) -> float:
    """How much nearer to another wire than to their own words are."""
    ways = [(list(boxes(group)), line(group)) for group in groups(source, "edge")]
    return max(
        apart(labels, own) - min(apart(labels, way) for _, way in ways if way is not own)
        for labels, own in ways
        if labels
    )


def test_nothing_to_draw_is_an_empty_picture() -> None:
    rows: dict[str, Any] = dict.fromkeys(
        ("inputs", "outputs", "nodes", "edges", "stages", "clusters", "guards", "source"), ()
    )
    source = svg.to_svg(dataclasses.replace(documents.gate(), **rows))
    assert not page(source).findall("g")


# --- colours


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("role", palette.WORDS)
def test_words_are_legible_on_their_ground(role: str) -> None:
    grounds = ["#ffffff", palette.FRAMES["stage"]["fillcolor"], palette.SHAPES["input"]["fillcolor"]]
    assert min(contrast(palette.WORDS[role]["fill"], ground) for ground in grounds) >= 4.5


def test_each_word_has_the_colour_of_its_role() -> None:
    spans = [e for e in page(drawn("staged")).iter() if e.tag in ("text", "tspan") and e.get("class")]
    assert {e.get("class") for e in spans} >= {
        "value",
        "gradient",
        "sum",
        "local",
        "upstream",
        "flow",
        "sign",
        "name",
    }
    assert {(e.get("class"), e.get("fill")) for e in spans} <= {
        (role, looks["fill"]) for role, looks in palette.WORDS.items()
    }


def test_png_shows_values_and_gradients_in_their_colours() -> None:
    image = Image.open(io.BytesIO(png.to_png(documents.staged(), scale=2.0))).convert("RGB")
    counts = {colour: count for count, colour in image.getcolors(1 << 24) or []}
    for colour in (palette.VALUE, palette.GRADIENT):
        assert counts[tuple(bytes.fromhex(colour[1:]))] > 500
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_scale_is_that_of_the_user() -> None:
    one, two = (
        Image.open(io.BytesIO(png.to_png(documents.gate(), scale=scale))).size for scale in (1.0, 2.0)
    )
    assert [abs(b - 2 * a) <= 2 for a, b in zip(one, two, strict=True)] == [True, True]


# --- engines and limits


@pytest.mark.skipif(not shutil.which("dot"), reason="no Graphviz is installed")
@pytest.mark.parametrize("name", SMALL)
def test_installed_graphviz_gives_the_same_parts(name: str) -> None:
    other = svg.to_svg(SMALL[name](), engine="system")
    for kind in ("node", "edge", "frame"):
        ours, theirs = groups(drawn(name), kind), groups(other, kind)
        assert [(title(g), lines(g), g.get("class")) for g in ours] == [
            (title(g), lines(g), g.get("class")) for g in theirs
        ]


def test_picture_that_nobody_could_read_is_refused_at_once() -> None:
    with pytest.raises(RenderError, match=r"have 6000 nodes, .*max_nodes=5000 .*smaller case.*\.dot"):
        svg.to_svg(documents.chain(6000))
    with pytest.raises(RenderError, match="have 31 nodes"):
        svg.to_svg(documents.chain(30), max_nodes=30)
    svg.to_svg(documents.chain(30), max_nodes=31)


def test_late_layout_is_an_error() -> None:
    with pytest.raises(RenderError, match=r"did not end within 0\.01 s"):
        svg.to_svg(documents.horner(300), timeout=0.03)


def test_graph_whose_frames_graphviz_cannot_place_is_drawn_nevertheless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = []
    for seed in range(4):
        document = documents.tangle(120, seed)
        source = svg.to_svg(document)
        assert len([g for g in groups(source, "node") if g.get("data-id")]) == len(document.nodes)
        counts.append(source.count('class="frame'))
    assert max(counts) > 0
    monkeypatch.setattr(svg, "layout", only_without_frames(svg.layout))
    assert not groups(svg.to_svg(documents.staged()), "frame")


def only_without_frames(layout: Callable[..., str]) -> Callable[..., str]:
    """A Graphviz that fails on frames."""

    def limited(source: str, **options: Any) -> str:
        if "cluster" in source:
            raise RenderError("Graphviz says: lost n1 n2 edge")
        return layout(source, **options)

    return limited


def test_frames_are_left_out_if_asked() -> None:
    assert not groups(svg.to_svg(documents.staged(), frames=False), "frame")
    assert len(groups(drawn("staged"), "frame")) == 8


def test_loop_of_a_thousand_steps_is_drawn_in_seconds() -> None:
    document = documents.horner(1000)
    source = svg.to_svg(document)
    assert source.count('class="node gate"') == 2000
    assert source.count('class="edge flow"') == 3000
    assert source.count('class="node alias"') == 996


def test_exporter_protocol() -> None:
    assert svg.SUFFIXES == (".svg",)
    assert png.SUFFIXES == (".png",)
    document = documents.gate()
    assert svg.dump(document, float_format=".2f") == svg.to_svg(document, float_format=".2f")
    assert png.dump(document, scale=1.0, float_format=".2f") == png.to_png(
        document, scale=1.0, float_format=".2f"
    )
