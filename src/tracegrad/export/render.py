"""Pictures: DOT text becomes SVG, SVG becomes PNG bytes, with nothing but what pip installs.

Read :func:`rasterise` first; ``layout`` comes from :mod:`tracegrad.export.graphviz` and is offered here
too, so that exporters find both halves at one door.

Decisions:

- *resvg draws*, because it needs no system library.
- *One bundled font, and no others*, so that the same SVG gives the same bytes on every machine and text
  appears on a machine without fonts.  DejaVu Sans has Greek and the signs of mathematics.  Graphviz knows
  its widths too; a graph should say ``fontname="DejaVu Sans"``, other names are replaced by it.
- *Other scripts* (Chinese, emoji ...) need the fonts of the machine.  They are loaded only for a picture
  that has such characters, and with a warning: nobody can tell whether some font has them.
- *A picture is bounded.*  What is metres long and broad is scaled down, never cut, with a warning where its words
  can no longer be read.
"""

from __future__ import annotations

import math
import re
import struct
import warnings
import xml.etree.ElementTree as ElementTree
from functools import cache

from tracegrad.errors import InputError, MissingExtra, RenderError
from tracegrad.export.graphviz import layout
from tracegrad.export.letters import FILES

__all__ = ["layout", "rasterise"]

_FAMILY = "DejaVu Sans"
_DPI = 96
_PIXELS_PER_UNIT = {"": 1.0, "px": 1.0, "pt": _DPI / 72}
_LONGEST_SIDE = 16_000
_LARGEST_AREA = 64_000_000  # 256 MB while drawing; viewers refuse much more
_LEGIBLE = 0.5  # the scale at which the smallest words are some six pixels high


def rasterise(svg: str, *, scale: float = 2.0) -> bytes:
    """Draw an SVG picture on white and return it as PNG.

    At ``scale=1`` a point is 96/72 pixels.  The picture is scaled down so that no side exceeds 16000
    pixels and the area 64 million pixels: prefer SVG for graphs of many hundred nodes.

    The bytes depend on the SVG alone, unless its text has characters that the bundled DejaVu Sans lacks:
    then the fonts of the machine are used as well, and a :class:`UserWarning` names the characters.

    Raises :class:`RenderError` if the text is not an SVG picture, or so long and thin that it vanishes.

    >>> png = rasterise('<svg xmlns="http://www.w3.org/2000/svg" width="30pt" height="15pt"/>')
    >>> png[:8], struct.unpack(">II", png[16:24])
    (b'\\x89PNG\\r\\n\\x1a\\n', (80, 40))
    """
    if not (scale > 0 and math.isfinite(scale)):
        raise InputError(f"scale={scale!r} is not a positive number")
    root = _parsed(svg)
    zoom = _bounded(scale, *_pixels(root))
    return _drawn(svg, zoom, foreign=_foreign(root))


def _parsed(svg: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(svg.encode())
    except (ElementTree.ParseError, ValueError) as error:
        raise RenderError(f"the text is not an SVG picture: {error}") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise RenderError(f"the text is not an SVG picture: its root is <{root.tag}>")
    return root


def _pixels(root: ElementTree.Element) -> tuple[float, float]:
    """Return width and height at scale 1."""
    return _length(root, "width"), _length(root, "height")


def _length(root: ElementTree.Element, side: str) -> float:
    text = root.get(side, "")
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(px|pt|)", text)
    if not found or not float(found[1]):
        raise RenderError(f"the SVG picture has {side}={text!r}; it needs a length above 0 in px or pt")
    return float(found[1]) * _PIXELS_PER_UNIT[found[2]]


def _bounded(scale: float, width: float, height: float) -> float:
    """Return the largest scale up to the wanted one at which the picture fits."""
    zoom = min(scale, _LONGEST_SIDE / max(width, height), math.sqrt(_LARGEST_AREA / (width * height)))
    if zoom * min(width, height) < 1:
        raise RenderError(
            f"a picture of {width:.0f} x {height:.0f} pixels, scaled to {_LONGEST_SIDE} at most, "
            "is too thin to be seen: draw less, or keep the SVG"
        )
    if zoom < min(_LEGIBLE, scale):
        warnings.warn(
            f"a picture of {width:.0f} x {height:.0f} pixels is scaled down to {zoom:.0%}, where words can hardly be "
            "read: draw less (level='line', top=50), or keep the SVG",
            stacklevel=3,
        )
    return zoom


def _drawn(svg: str, zoom: float, *, foreign: str) -> bytes:
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise MissingExtra("pip install resvg-py") from error
    if foreign:
        warnings.warn(
            f"the bundled font lacks {foreign!r}: fonts of this machine are used, and without a fitting one "
            "boxes or gaps appear; SVG and HTML leave this to the viewer",
            stacklevel=3,
        )
    try:
        return svg_to_bytes(
            svg_string=svg,
            background="white",
            zoom=zoom,
            dpi=_DPI,
            skip_system_fonts=not foreign,
            font_files=[str(path) for path in FILES],
            font_family=_FAMILY,
            serif_family=_FAMILY,
            sans_serif_family=_FAMILY,
            monospace_family=_FAMILY,
        )
    except Exception as error:  # resvg has no exception class of its own
        raise RenderError(f"the SVG picture cannot be drawn: {error}") from error


def _foreign(root: ElementTree.Element) -> str:
    """Return the first characters of the picture's text that the bundled font lacks."""
    texts = ("".join(e.itertext()) for e in root.iter() if e.tag.rpartition("}")[2] == "text")
    missing = {c for text in texts for c in set(text) if c.isprintable() and ord(c) not in _covered()}
    return "".join(sorted(missing)[:10])


@cache
def _covered() -> frozenset[int]:
    """Return the code points that the bundled font draws: the groups of its format 12 character map."""
    font = FILES[0].read_bytes()
    tables = struct.iter_unpack(">4sIII", font[12 : 12 + 16 * struct.unpack_from(">H", font, 4)[0]])
    cmap = next(offset for tag, _, offset, _ in tables if tag == b"cmap")
    (encodings,) = struct.unpack_from(">H", font, cmap + 2)
    starts = [cmap + struct.unpack_from(">I", font, cmap + 8 + 8 * i)[0] for i in range(encodings)]
    start = next(at for at in starts if struct.unpack_from(">H", font, at)[0] == 12)
    (groups,) = struct.unpack_from(">I", font, start + 12)
    ranges = (struct.unpack_from(">II", font, start + 16 + 12 * i) for i in range(groups))
    return frozenset(code for first, last in ranges for code in range(first, last + 1))
