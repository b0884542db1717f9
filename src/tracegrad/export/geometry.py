"""Geometry of a drawn picture: where its words, outlines and curves are.

In: elements of an SVG picture, with attributes as Graphviz writes them.  Out: boxes, circles and points.  Read
:class:`Box`, then :class:`Grid`, which finds what is near.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar
from xml.etree.ElementTree import Element

from tracegrad.export.letters import width

_CELL = 64.0
_STRIDE = 4.0  # points of a curve are about so far apart

T = TypeVar("T", bound=Hashable)


class Box(NamedTuple):
    """An upright rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def box(self) -> Box:
        """Itself, as any outline has a box around it."""
        return self

    def overlap(self, other: Box) -> float:
        """The smaller side of the common area; 0 and less if there is none.

        >>> Box(0, 0, 4, 4).overlap(Box(3, 1, 9, 2)), Box(0, 0, 1, 1).overlap(Box(3, 0, 4, 1))
        (1, -2)
        """
        return min(
            min(self.right, other.right) - max(self.left, other.left),
            min(self.bottom, other.bottom) - max(self.top, other.top),
        )

    def moved(self, right: float, down: float) -> Box:
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def distance(self, x: float, y: float) -> float:
        """How far a point is from the box; 0 inside."""
        return math.hypot(max(self.left - x, x - self.right, 0.0), max(self.top - y, y - self.bottom, 0.0))


class Disc(NamedTuple):
    """A circle."""

    x: float
    y: float
    radius: float

    @property
    def box(self) -> Box:
        return Box(self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius)

    def overlap(self, box: Box) -> float:
        """How deep the nearest side or corner of a box reaches in."""
        return self.radius - box.distance(self.x, self.y)


Outline = Box | Disc


def around(boxes: Iterable[Box]) -> Box:
    """The box around boxes, of which there is at least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def ink(text: Element) -> Box:
    """The place of a line of words."""
    x, y, size = (float(text.get(name, "0")) for name in ("x", "y", "font-size"))
    wide = sum(
        width(part.text or "", float(part.get("font-size", size)), bold=part.get("font-weight") == "bold")
        for part in text.iter()
    )
    left = x if text.get("text-anchor") == "start" else x - wide / 2
    return Box(left, y - 0.75 * size, left + wide, y + 0.1 * size)


def outline(node: Element) -> Outline | None:
    """The shape of a node; ``None`` if it is only words."""
    ellipse = node.find("ellipse")
    if ellipse is not None:
        x, y, rx, ry = (float(ellipse.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
        return Disc(x, y, max(rx, ry))
    drawn = [
        point
        for part in node
        for point in _pairs(part.get("d", "") + part.get("points", ""))
        if part.tag != "text"
    ]
    return around(Box(x, y, x, y) for x, y in drawn) if drawn else None


def curve(edge: Element) -> list[tuple[float, float]]:
    """Points along the line of an edge, and the corners of its arrow."""
    found: list[tuple[float, float]] = []
    for path in edge.findall("path"):
        controls = _pairs(path.get("d", ""))
        for start in range(0, len(controls) - 3, 3):
            found += _bezier(controls[start : start + 4])
    for arrow in edge.findall("polygon"):
        found += _pairs(arrow.get("points", ""))
    return found


def _bezier(controls: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = controls
    length = math.hypot(bx - ax, by - ay) + math.hypot(cx - bx, cy - by) + math.hypot(dx - cx, dy - cy)
    steps = max(2, math.ceil(length / _STRIDE))
    for step in range(steps + 1):
        t = step / steps
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        yield a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy


def _pairs(numbers: str) -> list[tuple[float, float]]:
    found = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
    return list(zip(found[::2], found[1::2], strict=True))


class Grid(Generic[T]):
    """Things by the cells of the page that they reach into, so that a look around costs little."""

    def __init__(self, cell: float = _CELL) -> None:
        self._cell = cell
        self._cells: dict[tuple[int, int], dict[T, None]] = {}

    def add(self, thing: T, box: Box) -> None:
        for cell in self._reach(box):
            self._cells.setdefault(cell, {})[thing] = None

    def put(self, thing: T, x: float, y: float) -> None:
        """Add what is only a point."""
        self._cells.setdefault((int(x // self._cell), int(y // self._cell)), {})[thing] = None

    def remove(self, thing: T, box: Box) -> None:
        for cell in self._reach(box):
            self._cells[cell].pop(thing, None)

    def near(self, box: Box) -> Iterator[T]:
        """What may meet a box; a large thing may come several times."""
        for cell in self._reach(box):
            yield from self._cells.get(cell, ())

    def _reach(self, box: Box) -> Iterator[tuple[int, int]]:
        size = self._cell
        rows = range(int(box.top // size), int(box.bottom // size) + 1)
        for column in range(int(box.left // size), int(box.right // size) + 1):
            for row in rows:
                yield column, row
