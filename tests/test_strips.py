"""Strips: a long picture as pixels has words that can be read, and nothing of it is cut in two that can be spared."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

import documents
import pytest
from PIL import Image

import tracegrad as tg
from tracegrad.export import svg
from tracegrad.export.png import to_png
from tracegrad.export.strips import in_strips

EXPORTS = Path(__file__).parent.parent / "exports"
PIXELS = 2 * 96 / 72  # of a point, at the usual scale


@cache
def chain(turns: int) -> str:
    return svg.to_svg(documents.horner(turns))


@cache
def strips(turns: int) -> Element:
    return parsed(in_strips(chain(turns)))


def parsed(source: str) -> Element:
    root = ElementTree.fromstring(source.encode())
    for element in root.iter():
        element.tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
    return root


def size(root: Element) -> tuple[float, float]:
    width, height = (float(root.get(side, "").removesuffix("pt")) for side in ("width", "height"))
    return width, height


def ids(strip: Element, kind: str) -> list[str]:
    found = [group for group in strip.findall("g") if group.get("class", "").startswith(kind)]
    return [group.findtext("title", "") for group in found]


def test_a_picture_that_fits_is_left_alone() -> None:
    assert in_strips(chain(3)) == chain(3)
    assert (
        in_strips("<svg xmlns='http://www.w3.org/2000/svg'/>") == "<svg xmlns='http://www.w3.org/2000/svg'/>"
    )


def test_a_long_picture_is_cut_between_its_shapes() -> None:
    length, breadth = size(parsed(chain(30)))
    width, height = size(strips(30))
    rows = strips(30).findall("g")
    assert len(rows) > 1
    assert width < 1.6 * length / len(rows)
    assert height == pytest.approx(len(rows) * (breadth + 14) - 14, abs=len(rows))
    nodes = [title for row in rows for title in ids(row, "node")]
    assert sorted(nodes) == sorted(ids(parsed(chain(30)).findall("g")[0], "node"))
    wires = [title for row in rows for title in ids(row, "edge")]
    assert len(wires) - len(ids(parsed(chain(30)).findall("g")[0], "edge")) <= 4 * (len(rows) - 1)


def test_each_strip_lies_in_a_place_of_its_own() -> None:
    places = [row.get("transform", "") for row in strips(30).findall("g")]
    lefts, tops = zip(*(map(float, re.findall(r"-?[\d.]+", place)) for place in places), strict=True)
    assert list(lefts) == sorted(lefts, reverse=True)
    assert list(tops) == sorted(tops)
    assert len(set(tops)) == len(places)


def test_a_tall_picture_has_its_strips_side_by_side() -> None:
    source = svg.to_svg(tg.trace(lambda xs: sum(xs), [0.5] * 80).document)
    width, height = size(parsed(source))
    assert height > 2400 > 3 * width
    strips = parsed(in_strips(source))
    assert size(strips)[0] > 2 * width
    assert size(strips)[1] < 0.8 * height
    nodes = [title for strip in strips.findall("g") for title in ids(strip, "node")]
    assert len(nodes) == len(set(nodes)) == 82


@pytest.mark.parametrize("turns", [30, 150])
def test_words_of_a_long_chain_are_legible_as_pixels(turns: int) -> None:
    image = Image.open(io.BytesIO(to_png(documents.horner(turns))))
    width, height = size(strips(turns))
    assert image.width / width == pytest.approx(image.height / height, rel=0.01)
    assert 9 * image.width / width >= 8  # the smallest words are of nine points


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*.png")), ids=lambda path: path.stem)
def test_pictures_of_the_gallery_are_legible_on_a_screen(path: Path) -> None:
    image = Image.open(io.BytesIO(path.read_bytes()))
    width, height = size(parsed(in_strips(path.with_suffix(".svg").read_text(encoding="utf-8"))))
    assert image.size == pytest.approx((width * PIXELS, height * PIXELS), abs=4)
    assert width <= 2600
