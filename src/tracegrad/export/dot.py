"""DOT: the picture as text for Graphviz, written through pydot.

In: an :class:`~tracegrad.document.Annotated`.  Out: a ``pydot.Dot``, or its text.  Read :func:`to_pydot` first.

Decisions:

- *Text is quoted here, by one function*, :func:`quoted`.  pydot passes backslashes, bars and already quoted strings
  through, and takes ``a:b`` for a node with a port; a label could add nodes.  Therefore ids are ours
  (``n12``, ``cluster_3``) and every text is handed over quoted.
- *One edge per statement*: Graphviz silently loses ``a -> b -> c ...`` beyond 2500 nodes.
- *Plain labels*: the packaged Graphviz drops HTML-like ones.  A label has one colour here; ``svg.py`` colours its
  words afterwards.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Container, Mapping, Sequence
from typing import Any

import pydot

from tracegrad.document import Annotated
from tracegrad.export.letters import width
from tracegrad.export.numerals import FLOAT_FORMAT
from tracegrad.export.palette import EDGE, FRAMES, GATE_SIZE, GRAPH, NODE, SHAPES, WIDE, WIRES, WORDS
from tracegrad.export.picture import Picture, Shape, Wire, compose
from tracegrad.export.words import Line

SUFFIXES = (".dot", ".gv")

_WIDE = 16  # characters, from which on a circle would be too large

#: what XML cannot hold, and DOT not carry: control characters, lone surrogates, two non-characters
_UNWRITABLE = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_dot(annotated: Annotated, *, float_format: str = FLOAT_FORMAT, frames: bool = True) -> str:
    """Write an annotated graph as DOT text; ``float_format`` is for the numbers on it.

    The text is the same for the same document.  It looks best through ``to_svg``, which adds colours that DOT
    cannot express, but any Graphviz draws it.  Among a hundred operations and more, Graphviz may lose its way over
    the ``frames`` around stages and calls ("trouble in init_rank", "lost edge"); ``frames=False`` leaves them out.

    >>> import tracegrad as tg
    >>> for line in to_dot(tg.trace(lambda x: x * x, 3.0).document).splitlines():
    ...     if "->" in line:
    ...         print(line)
    n0 -> n1 [id=e0, label="3 × 1\\n= 3\\n"];
    n0 -> n1 [id=e1, label="3 × 1\\n= 3\\n"];
    n1 -> o0 [id=r0, label="seed 1\\n"];
    """
    return to_pydot(annotated, float_format=float_format, frames=frames).to_string()


def to_pydot(annotated: Annotated, *, float_format: str = FLOAT_FORMAT, frames: bool = True) -> pydot.Dot:
    """Give an annotated graph as a ``pydot.Dot``, to be changed or drawn; see :func:`to_dot`.

    Its ``write_svg`` and ``write_png`` work without an installed Graphviz.

    >>> import tracegrad as tg
    >>> graph = to_pydot(tg.trace(lambda x: x * x, 3.0).document)
    >>> graph.set_rankdir("TB")
    >>> graph.create(format="svg")[:5]
    b'<?xml'
    """
    return draw(compose(annotated, float_format, frames=frames))


#: what :func:`tracegrad.export.write` puts into a file of one of the ``SUFFIXES``
dump = to_dot


class Drawing(pydot.Dot):
    """A ``pydot.Dot`` whose pictures need no ``dot`` on the PATH."""

    def create(self, prog: Any = None, format: str = "ps", encoding: str | None = None) -> Any:
        """Draw by the installed Graphviz if there is one, else SVG and PNG by the packaged one."""
        program = prog or self.prog
        if format not in ("svg", "png") or not isinstance(program, str) or shutil.which(program):
            return super().create(prog, format, encoding)
        from tracegrad.export.render import layout, rasterise

        svg = layout(self.to_string(), program=program)
        return svg.encode() if format == "svg" else rasterise(svg)


def draw(picture: Picture, *, turned: bool = False, **looks: str) -> pydot.Dot:
    """Write a composed picture: frames from the outside in, then shapes into them, then wires.

    ``looks`` are further attributes of the graph.  With ``turned``, the wires of constants beside their gate are
    written from gate to constant, with the arrow at their beginning: only so does Graphviz always leave the two side
    by side, and the wire straight.  That is for a layout, whose arrows look the same; a program that reads DOT gets
    the true direction.
    """
    title = label(picture.title, "\\l")
    dot = Drawing("tracegrad", graph_type="digraph", label=title, **attributes({**GRAPH, **looks}))
    dot.add_node(pydot.Node("node", **attributes(NODE)))
    dot.add_node(pydot.Node("edge", **attributes(EDGE)))
    boxes: dict[str | None, Any] = {None: dot}
    for frame in picture.frames:
        box = pydot.Subgraph(
            frame.id, id=frame.id, label=label(frame.lines), **attributes(FRAMES[frame.kind])
        )
        boxes[frame.parent].add_subgraph(box)
        boxes[frame.id] = box
    for shape in picture.shapes:
        boxes[shape.frame].add_node(
            pydot.Node(shape.id, id=shape.id, label=label(shape.lines), **_looks(shape))
        )
    shape_of = {shape.id: shape for shape in picture.shapes}
    reached = {wire.target for wire in picture.wires if shape_of[wire.source].kind != "alias"}
    for wire in picture.wires:
        run = _run(wire, shape_of[wire.source], shape_of[wire.target], reached)
        ends = (wire.source, wire.target)
        if turned and "minlen" in run:
            ends, run["dir"] = ends[::-1], "back"
        dot.add_edge(pydot.Edge(*ends, id=wire.id, **run))
    return dot


def _run(wire: Wire, source: Shape, target: Shape, reached: Container[str]) -> dict[str, Any]:
    """The looks of a wire; ``reached`` are the targets of wires that come from no alias."""
    looks = attributes(WIRES[wire.kind])
    if wire.lines:
        looks["label"] = label(list(map(_with_room, wire.lines)))
    if wire.kind == "constant" and source.frame == target.frame:
        looks["minlen"] = "0"  # a constant stands above or below its gate and takes no rank
    if source.kind == "alias":
        # it stands before its use, also where the value comes from the last turn
        looks.pop("constraint", None)
        if target.id in reached:
            # else the aliases, not the chain, are drawn straight, and the chain descends
            looks["weight"] = "1"
    return looks


def _with_room(line: Line) -> Line:
    """Spaces around bold words, for which Graphviz would make too little room."""
    size = float(EDGE["fontsize"])
    spaces = int((extent(line, size) - width(text(line), size)) / width("  ", size))
    return (("times", " " * spaces), *line, ("times", " " * spaces)) if spaces else line


def _looks(shape: Shape) -> dict[str, Any]:
    looks = attributes(SHAPES[shape.kind])
    if shape.flags:
        looks["flags"] = quoted(", ".join(shape.flags))  # for programs; Graphviz has no use for it
    if shape.kind in ("gate", "idle"):
        if max((len(text(line)) for line in shape.lines), default=0) > _WIDE:
            return looks | attributes(WIDE)
        looks["width"] = f"{diameter(shape.lines) / 72:.2f}"
    elif shape.kind in ("input", "output") and any(_bold(line) for line in shape.lines):
        looks["width"] = f"{(max(map(extent, shape.lines)) + GATE_SIZE) / 72:.2f}"
    return looks


def _bold(line: Line) -> bool:
    """Whether Graphviz takes a line to be narrower than it is."""
    return any("font-weight" in WORDS[role] for role, _ in line)


def diameter(lines: Sequence[Line]) -> float:
    """The circle, in points, around centred lines of a gate; Graphviz would draw one around their rectangle."""
    pitch = 1.2 * GATE_SIZE
    middle = (len(lines) - 1) / 2
    reach = (
        math.hypot(extent(line) / 2, pitch * abs(index - middle) + GATE_SIZE / 2)
        for index, line in enumerate(lines)
    )
    return 2 * max(reach, default=0) + GATE_SIZE / 2


def extent(line: Line, size: float = GATE_SIZE) -> float:
    """The width of a line in points, each word in the looks of its role; ``size`` is that of the label."""
    looks = ((WORDS[role], writable(word)) for role, word in line)
    return sum(
        width(word, float(look.get("font-size", size)), bold=look.get("font-weight") == "bold")
        for look, word in looks
    )


def attributes(looks: Mapping[str, str]) -> dict[str, Any]:
    return {name: quoted(value) for name, value in looks.items()}


def label(lines: Sequence[Line], end: str = "\\n") -> str:
    r"""Quote the lines of a label; each ends in ``end``: ``\n`` is centred, ``\l`` stands on the left."""
    return f'"{"".join(quoted(text(line))[1:-1] + end for line in lines)}"'


def text(line: Line) -> str:
    """The words of a line as they appear."""
    return writable("".join(word for _, word in line))


def writable(words: str) -> str:
    """Replace what no SVG can hold.

    >>> writable("a\\0b") == "a\\ufffdb"
    True
    """
    return _UNWRITABLE.sub("\ufffd", words)


def quoted(words: str) -> str:
    r"""Write any text as a DOT string; the only place where text becomes DOT.

    ``&`` is escaped because Graphviz reads ``&lt;`` and the like as a character.

    >>> print(quoted('say "x" & \\N'))
    "say \"x\" &amp; \\N"
    """
    words = words.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", "\\n")
    return f'"{writable(words)}"'
