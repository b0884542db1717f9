"""Room for words: where Graphviz put the words of an edge onto those of a frame, they move aside.

In: the groups of a picture, edges and others.  Out: the same, some words a few points higher or lower.  Read
:func:`make_room`.

Graphviz keeps words off shapes and off each other, but an edge that enters a frame from outside may have its words
on the frame's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

_STEPS = (3, -3, 6, -6, 9, -9, 12, -12, 15, -15, 18, -18)
_EM = 0.6  # of a letter, on average
_CELL = 100


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def moved(self, down: float) -> Box:
        return self._replace(top=self.top + down, bottom=self.bottom + down)


def make_room(groups: Sequence[Element]) -> None:
    """Move the words of edges off the words of frames, if there is a free place nearby."""
    kinds = [group.get("class", "").partition(" ")[0] for group in groups]
    words = [list(map(_ink, group.findall("text"))) for group in groups]
    names = _Boxes(box for kind, boxes in zip(kinds, words, strict=True) if kind == "frame" for box in boxes)
    crowded = [
        index
        for index, kind in enumerate(kinds)
        if kind == "edge" and any(names.hit(box) for box in words[index])
    ]
    for index in crowded:
        taken = _Boxes(_obstacles(groups, kinds, words, but=index))
        for down in _STEPS:
            if not any(taken.hit(box.moved(down)) for box in words[index]):
                words[index] = [box.moved(down) for box in words[index]]
                for text in groups[index].findall("text"):
                    text.set("y", f"{float(text.get('y', '0')) + down:.2f}")
                break


class _Boxes:
    """Boxes by the columns of the page that they reach into, so that a look costs little."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._columns: dict[int, list[Box]] = {}
        for box in boxes:
            for column in _columns(box):
                self._columns.setdefault(column, []).append(box)

    def hit(self, box: Box) -> bool:
        return any(box.meets(other) for column in _columns(box) for other in self._columns.get(column, ()))


def _columns(box: Box) -> range:
    return range(int(box.left // _CELL), int(box.right // _CELL) + 1)


def _obstacles(
    groups: Sequence[Element], kinds: Sequence[str], words: Sequence[list[Box]], *, but: int
) -> Iterator[Box]:
    for index, group in enumerate(groups):
        if index != but:
            yield from words[index]
        if kinds[index] == "node":
            yield from map(_circle, group.findall("ellipse"))


def _ink(text: Element) -> Box:
    """About the place of a line of words."""
    x, y, size = (float(text.get(name, "0")) for name in ("x", "y", "font-size"))
    wide = _EM * size * sum(map(len, text.itertext()))
    left = x if text.get("text-anchor") == "start" else x - wide / 2
    return Box(left, y - 0.75 * size, left + wide, y + 0.1 * size)


def _circle(ellipse: Element) -> Box:
    x, y, rx, ry = (float(ellipse.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
    return Box(x - rx, y - ry, x + rx, y + ry)
