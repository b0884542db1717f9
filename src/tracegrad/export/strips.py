"""Strips: a picture much longer than broad, cut like the lines of a text, for formats of so many pixels.

In: an SVG picture of :mod:`tracegrad.export.svg`.  Out: the same picture, or its parts one below the other (of a tall
one side by side).  Read :func:`in_strips`.

Ten metres of a chain on one screen have words a pixel high.  A vector picture is enlarged by its viewer; of pixels
there are only those that were drawn.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import accumulate, pairwise
from xml.etree.ElementTree import Element, SubElement

from tracegrad.export.geometry import Box, around, curve, ink, outline
from tracegrad.export.palette import FONTS, PALE

_LONGEST = 2400.0  # points; of so much the words can still be read on a screen
_SLENDER = 3.0  # how much longer than broad a picture is that is cut
_GAP = 14.0  # between strips
_ASIDE = 0.3  # of a strip, how far from an even cut a better one is looked for
#: what it costs to cut through something
_CUT = {"node": 100.0, "words": 30.0, "edge": 3.0}
_AIR = 3.0  # around shapes and words
_WAY = 0.02  # the cost of a point away from an even cut

_FAR = 1e5  # beyond everything

_XMLNS = "http://www.w3.org/2000/svg"


def in_strips(svg: str) -> str:
    """Give the picture in strips if it is so long that its words would be lost."""
    root = ElementTree.fromstring(svg.encode())
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_XMLNS}}}")
    page = root.find("g")
    ground = page.find("polygon") if page is not None else None
    if page is None or ground is None:
        return svg
    whole = outline(page)
    if not isinstance(whole, Box):
        return svg
    wide, high = whole.right - whole.left, whole.bottom - whole.top
    length, breadth = max(wide, high), min(wide, high)
    count = math.ceil(length / max(_LONGEST, math.sqrt(length * breadth)))
    if count == 1 or length < _SLENDER * breadth:
        return svg
    tall = high > wide
    cuts = _cuts(page, whole, count, tall=tall)
    return _written(page, whole, cuts, tall=tall)


def _cuts(page: Element, whole: Box, count: int, *, tall: bool) -> list[float]:
    """The beginning, the best place near each even cut, and the end."""
    start, end = (whole.top, whole.bottom) if tall else (whole.left, whole.right)
    step = (end - start) / count
    costs = [0.0] * (math.ceil(end - start) + 3)
    for kind, box in _things(page):
        low, high = (box.top, box.bottom) if tall else (box.left, box.right)
        costs[max(0, math.floor(low - start))] += _CUT[kind]
        costs[min(len(costs) - 1, math.ceil(high - start) + 1)] -= _CUT[kind]
    costs = list(accumulate(costs))
    found = [start]
    for number in range(1, count):
        even = number * step
        near = range(math.ceil(even - _ASIDE * step), math.floor(even + _ASIDE * step))
        found.append(start + min(near, key=lambda at: (costs[at] + _WAY * abs(at - even), at)))
    return [*found, end]


def _things(page: Element) -> Iterator[tuple[str, Box]]:
    """What a cut may go through; frames are long, and are cut without harm."""
    for text in page.iter("text"):
        yield "words", ink(text).grown(_AIR)
    for group in page.findall("g"):
        kind = group.get("class", "").partition(" ")[0]
        if kind == "edge":
            yield kind, around(Box(x, y, x, y) for x, y in curve(group))
        elif kind == "node":
            shape = outline(group)
            if shape is not None:
                yield kind, shape.box.grown(_AIR)


def _extent(part: Element) -> Box | None:
    """All that is drawn of a part."""
    kind = part.get("class", "").partition(" ")[0]
    boxes = [ink(text) for text in part.iter("text")]
    if kind == "edge":
        boxes += [Box(x, y, x, y) for x, y in curve(part)]
    elif part.tag == "g":
        shape = outline(part)
        boxes += [] if shape is None else [shape.box]
    return around(boxes) if boxes else None


def _written(page: Element, whole: Box, cuts: list[float], *, tall: bool) -> str:
    breadth = whole.right - whole.left if tall else whole.bottom - whole.top
    longest = max(end - start for start, end in pairwise(cuts))
    across = (len(cuts) - 1) * (breadth + _GAP) - _GAP
    width, height = (across, longest) if tall else (longest, across)
    svg = Element(
        "svg",
        {
            "xmlns": _XMLNS,
            "width": f"{width:.2f}pt",
            "height": f"{height:.2f}pt",
            "viewBox": f"0 0 {width:.2f} {height:.2f}",
            "font-family": FONTS,
            "text-anchor": "middle",
        },
    )
    parts = [(part, _extent(part)) for part in page if part.tag != "polygon"]
    for number, (start, end) in enumerate(pairwise(cuts)):
        aside = number * (breadth + _GAP)
        if tall:
            strip, at = Box(whole.left, start, whole.right, end), (aside, 0.0)
        else:
            strip, at = Box(start, whole.top, end, whole.bottom), (0.0, aside)
        place = f"translate({at[0] - strip.left:.2f} {at[1] - strip.top:.2f})"
        shown = SubElement(svg, "g", {"transform": place})
        shown.extend(part for part, extent in parts if extent and extent.overlap(strip) >= 0)
        if number + 2 < len(cuts):
            _end(shown, strip, tall=tall)
    return ElementTree.tostring(svg, encoding="unicode")


def _end(shown: Element, strip: Box, *, tall: bool) -> None:
    """White over what belongs to the next strip (to clip it takes many times as long), and a line before it."""
    if tall:
        x, y, width, height = strip.left, strip.bottom, strip.right - strip.left, _FAR
        line = f"M{x:.2f} {y:.2f}h{width:.2f}"
    else:
        x, y, width, height = strip.right, strip.top, _FAR, strip.bottom - strip.top
        line = f"M{x:.2f} {y:.2f}v{height:.2f}"
    place = {"x": f"{x:.2f}", "y": f"{y:.2f}", "width": f"{width:.2f}", "height": f"{height:.2f}"}
    SubElement(shown, "rect", place | {"fill": "white"})
    SubElement(shown, "path", {"d": line, "stroke": PALE, "stroke-width": "3", "stroke-dasharray": "2 4"})
