"""Room for words: where Graphviz left those of an edge on something else, they move to a free place beside their edge.

In: the groups of a picture, edges and others.  Out: the same, some words moved.  Read :func:`make_room`, then
``_Page.cost``, which says what a good place is.

Graphviz keeps words off shapes and off each other, but other edges may run through them, or nearer to them than
their own, and so may the lines that enter a frame through its name.  Words that stand well stay where they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from tracegrad.export.geometry import Box, Grid, Outline, around, curve, ink, outline

_PASSES = 3  # a place may become free when other words have left it
_GAP = 2.5  # between words and their edge
_AIR = 2.0  # between words and what else is there
_SIGHT = 12.0  # so far from words one looks for their edge
_STEPS = (3, -3, 6, -6, 9, -9, 12, -12, 15, -15, 18, -18)
_PARTS = tuple(part / 16 for part in range(2, 15))  # of the length of an edge
_STEEP, _FLAT = 1.2, 0.4  # slopes from which on words stand beside an edge, and above or below it
_BAD = 3.0  # the cost from which on words look for a better place
_WAY = 0.05  # the cost of a point of way
_TOUCH = 1.0  # so much overlap is the air around letters


def make_room(groups: Sequence[Element]) -> None:
    """Move the words of edges and of frames off each other, and off lines, if there is a better place nearby."""
    if not groups:
        return
    page = _Page(groups)
    for _ in range(_PASSES):
        if not sum(page.settle(index) for index in page.words):
            break


class _Page:
    """Where everything is; the words of one group move together."""

    def __init__(self, groups: Sequence[Element]) -> None:
        self._groups = groups
        self._kind = [group.get("class", "").partition(" ")[0] for group in groups]
        self.words: dict[int, list[Box]] = {}
        self._labels: Grid[int] = Grid()
        self._shapes: Grid[tuple[int, Outline]] = Grid()
        self._points: Grid[tuple[int, float, float]] = Grid(_SIGHT)
        self._frames: Grid[Box] = Grid()
        self._boxes: list[Box] = []
        self._curves: dict[int, list[tuple[float, float]]] = {}
        for index, group in enumerate(groups):
            {"edge": self._edge, "frame": self._frame, "node": self._node}[self._kind[index]](index, group)
        self._whole = around(self._everything())

    def _everything(self) -> Iterator[Box]:
        """What Graphviz made the page for."""
        for boxes in self.words.values():
            yield from boxes
        yield from self._boxes
        for points in self._curves.values():
            yield from (Box(x, y, x, y) for x, y in points)

    def _edge(self, index: int, group: Element) -> None:
        self._curves[index] = curve(group)
        for x, y in self._curves[index]:
            self._points.put((index, x, y), x, y)
        self._label(index, group)

    def _frame(self, index: int, group: Element) -> None:
        box = outline(group)
        if isinstance(box, Box):
            self._frames.add(box, box)
            self._boxes.append(box)
        self._label(index, group)

    def _label(self, index: int, group: Element) -> None:
        boxes = [ink(text) for text in group.findall("text")]
        if boxes:
            self.words[index] = boxes
            self._labels.add(index, around(boxes))

    def _node(self, index: int, group: Element) -> None:
        shape = outline(group)
        if shape is None:
            boxes = [ink(text) for text in group.findall("text")]
            shape = around(boxes) if boxes else None
        if shape is not None:
            self._shapes.add((index, shape), shape.box)
            self._boxes.append(shape.box)

    def settle(self, index: int) -> bool:
        """Move the words of a group to the best place, if it is better than theirs; whether they moved."""
        boxes = self.words[index]
        here = self.cost(index, boxes)
        if here < _BAD:
            return False
        best, right, down = here, 0.0, 0.0
        for place in self._along(index) if self._kind[index] == "edge" else self._within(index):
            way = _WAY * (abs(place[0]) + abs(place[1]))
            if way < best:
                found = way + self.cost(index, [box.moved(*place) for box in boxes], best - way)
                if found < best:
                    best, right, down = found, *place
        if best == here:
            return False
        self._labels.remove(index, around(boxes))
        self.words[index] = [box.moved(right, down) for box in boxes]
        self._labels.add(index, around(self.words[index]))
        for text in self._groups[index].findall("text"):
            text.set("x", f"{float(text.get('x', '0')) + right:.2f}")
            text.set("y", f"{float(text.get('y', '0')) + down:.2f}")
        return True

    def cost(self, index: int, boxes: Sequence[Box], most: float = math.inf) -> float:
        """What is wrong with a place: words and shapes there, lines through it, the way to its own edge.

        From ``most`` on, how much more is of no interest.
        """
        block = around(boxes)
        wrong = 0.0 if _inside(block, self._whole) else 1000.0
        air = block.grown(_AIR)
        for _, shape in dict.fromkeys(self._shapes.near(air)):
            wrong += _crowding(max(shape.overlap(box) for box in boxes))
        for other in dict.fromkeys(self._labels.near(air)):
            if other != index:
                wrong += _crowding(max(one.overlap(two) for one in boxes for two in self.words[other]))
        wrong += sum(15 for frame in dict.fromkeys(self._frames.near(block)) if _on_border(block, frame))
        return wrong if wrong >= most else wrong + self._lines(index, boxes, block)

    def _lines(self, index: int, boxes: Sequence[Box], block: Box) -> float:
        """Lines through words, and words that are far from their edge, or nearer to another one."""
        least: dict[int, float] = {}
        for edge, x, y in self._points.near(block.grown(_SIGHT)):
            for left, top, right, bottom in boxes:
                off = left - x if x < left else x - right if x > right else 0.0
                up = top - y if y < top else y - bottom if y > bottom else 0.0
                square = off * off + up * up
                if square < least.get(edge, _SIGHT * _SIGHT):
                    least[edge] = square
        own = math.sqrt(least.pop(index, _SIGHT * _SIGHT))  # of one out of sight, that
        near = math.sqrt(min(least.values(), default=_SIGHT * _SIGHT))
        wrong = 50.0 * sum(not square for square in least.values())
        if self._kind[index] != "edge":
            return wrong + 3 * max(0.0, _AIR - near)
        wrong += max(0.0, own - 1.5 * _GAP) + 3 * max(0.0, min(own + _AIR, _SIGHT) - near)
        return wrong + 20 if own in (0.0, _SIGHT) else wrong

    def _along(self, index: int) -> Iterator[tuple[float, float]]:
        """Moves to places above and below, left and right of an edge, and a little up and down."""
        block = around(self.words[index])
        middle, centre = (block.left + block.right) / 2, (block.top + block.bottom) / 2
        yield from ((0.0, float(step)) for step in _STEPS)
        boxes = [box.moved(-middle, -centre) for box in self.words[index]]
        turned = [Box(box.top, box.left, box.bottom, box.right) for box in boxes]
        points = self._curves[index]
        for part in _PARTS:
            at = round(part * (len(points) - 1))
            x, y = points[at]
            (ax, ay), (bx, by) = points[max(at - 1, 0)], points[min(at + 1, len(points) - 1)]
            run, rise = bx - ax, by - ay
            if abs(rise) < _STEEP * abs(run):
                yield from ((x - middle, y + off - centre) for off in _sides(boxes, rise / run))
            if abs(rise) > _FLAT * abs(run):
                yield from ((x + off - middle, y - centre) for off in _sides(turned, run / rise))

    def _within(self, index: int) -> Iterator[tuple[float, float]]:
        """Moves along the upper and the lower side of a frame."""
        frame, block = outline(self._groups[index]), around(self.words[index])
        if isinstance(frame, Box):
            steps = range(int(frame.left + _GAP - block.left), int(frame.right - _GAP - block.right), 2)
            for down in (0.0, frame.top + frame.bottom - block.top - block.bottom):
                yield from ((float(step), down) for step in steps)


def _sides(boxes: Sequence[Box], slope: float) -> tuple[float, float]:
    """How far boxes around the origin must go up, and down, to clear a line through it by the gap."""
    gap = _GAP * math.hypot(1, slope)
    reach = [(slope * x, box) for box in boxes for x in (box.left, box.right)]
    return min(y - box.bottom for y, box in reach) - gap, max(y - box.top for y, box in reach) + gap


def _crowding(deep: float) -> float:
    """What an overlap costs; a negative one is the air between."""
    return 100 + 10 * deep if deep > _TOUCH else 3 * max(0.0, deep + _AIR)


def _on_border(block: Box, frame: Box) -> bool:
    return block.overlap(frame) > 0 and not _inside(block, frame)


def _inside(block: Box, other: Box) -> bool:
    return (
        other.left <= block.left
        and other.top <= block.top
        and other.right >= block.right
        and other.bottom >= block.bottom
    )
