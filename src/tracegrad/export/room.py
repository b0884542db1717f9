"""Room for words: where Graphviz left those of an edge on something else, they move to a free place beside their edge.

In: the groups of a picture, edges and others.  Out: the same, some words moved.  Read :func:`make_room`, then
``_Page.cost``, which says what a good place is.

Graphviz keeps words off shapes and off each other, but other edges may run through them, or nearer to them than
their own, and so may the lines that enter a frame through its name.  Words that stand well stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from tracegrad.export.geometry import Box, Grid, Outline, around, curve, ink, outline

_PASSES = 3  # a place may become free when other words have left it
_GAP = 2.5  # between words and their edge
_STEPS = (3, -3, 6, -6, 9, -9, 12, -12, 15, -15, 18, -18)
_PARTS = tuple(part / 16 for part in range(2, 15))  # of the length of an edge
_FAR = 10.0  # from its own edge one may wonder to which words belong
_BAD = 14.0  # the cost from which on words look for a better place
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
        self._points: Grid[tuple[int, float, float]] = Grid()
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
            self._points.add((index, x, y), Box(x, y, x, y))
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
            box = shape if isinstance(shape, Box) else shape.box
            self._shapes.add((index, shape), box)
            self._boxes.append(box)

    def settle(self, index: int) -> bool:
        """Move the words of a group to the best place, if it is better than theirs; whether they moved."""
        boxes = self.words[index]
        here = self.cost(index, boxes)
        if here < _BAD:
            return False
        places = self._along(index) if self._kind[index] == "edge" else self._within(index)
        best, right, down = min(
            (
                self.cost(index, [box.moved(*place) for box in boxes])
                + 0.05 * (abs(place[0]) + abs(place[1])),
                *place,
            )
            for place in [(0.0, 0.0), *places]
        )
        if (right, down) == (0.0, 0.0) or best >= here:
            return False
        self._labels.remove(index, around(boxes))
        self.words[index] = [box.moved(right, down) for box in boxes]
        self._labels.add(index, around(self.words[index]))
        for text in self._groups[index].findall("text"):
            text.set("x", f"{float(text.get('x', '0')) + right:.2f}")
            text.set("y", f"{float(text.get('y', '0')) + down:.2f}")
        return True

    def cost(self, index: int, boxes: Sequence[Box]) -> float:
        """What is wrong with a place: words and shapes below it, lines through it, the way to its own edge."""
        block = around(boxes)
        wrong = 0.0
        for other in dict.fromkeys(self._labels.near(block)):
            if other != index:
                deep = max(one.overlap(two) for one in boxes for two in self.words[other])
                wrong += 100 + 10 * deep if deep > _TOUCH else 0
        for _, shape in dict.fromkeys(self._shapes.near(block)):
            deep = max(shape.overlap(box) for box in boxes)
            wrong += 100 + 10 * deep if deep > _TOUCH else 0
        crossing = {
            edge for edge, x, y in self._points.near(block) if any(box.distance(x, y) == 0 for box in boxes)
        }
        wrong += sum(20 if edge == index else 50 for edge in crossing)
        wrong += sum(15 for frame in dict.fromkeys(self._frames.near(block)) if _on_border(block, frame))
        wrong += 0 if _inside(block, self._whole) else 1000
        return wrong + self._doubt(index, boxes) if self._kind[index] == "edge" else wrong

    def _doubt(self, index: int, boxes: Sequence[Box]) -> float:
        """How far words are from their edge, and how much nearer to another one."""
        own = min((box.distance(x, y) for box in boxes for x, y in self._curves[index]), default=0.0)
        others = self._points.near(around(boxes).grown(own))
        near = min(
            (box.distance(x, y) for edge, x, y in others if edge != index for box in boxes),
            default=own,
        )
        return max(0.0, own - _GAP) / 2 + 3 * max(0.0, own - near - _GAP) + (_BAD if own > _FAR else 0.0)

    def _along(self, index: int) -> Iterator[tuple[float, float]]:
        """Moves to places above and below, left and right of an edge, and a little up and down."""
        block = around(self.words[index])
        wide, high = block.right - block.left, block.bottom - block.top
        middle, centre = (block.left + block.right) / 2, (block.top + block.bottom) / 2
        yield from ((0.0, float(step)) for step in _STEPS)
        points = self._curves[index]
        for part in _PARTS:
            at = round(part * (len(points) - 1))
            x, y = points[at]
            (ax, ay), (bx, by) = points[max(at - 1, 0)], points[min(at + 1, len(points) - 1)]
            run, rise = abs(bx - ax), abs(by - ay)
            off = high / 2 + _GAP + (wide / 2 * rise / run if run else high)
            if off < 1.5 * high:
                yield from ((x - middle, y + side * off - centre) for side in (-1, 1))
            off = wide / 2 + _GAP + (high / 2 * run / rise if rise else wide)
            if off < wide:
                yield from ((x + side * off - middle, y - centre) for side in (-1, 1))

    def _within(self, index: int) -> Iterator[tuple[float, float]]:
        """Moves along the upper and the lower side of a frame."""
        frame, block = outline(self._groups[index]), around(self.words[index])
        if isinstance(frame, Box):
            steps = range(int(frame.left + _GAP - block.left), int(frame.right - _GAP - block.right), 2)
            for down in (0.0, frame.top + frame.bottom - block.top - block.bottom):
                yield from ((float(step), down) for step in steps)


def _on_border(block: Box, frame: Box) -> bool:
    return block.overlap(frame) > 0 and not _inside(block, frame)


def _inside(block: Box, other: Box) -> bool:
    return (
        other.left <= block.left
        and other.top <= block.top
        and other.right >= block.right
        and other.bottom >= block.bottom
    )
