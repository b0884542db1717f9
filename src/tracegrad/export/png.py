"""PNG: the SVG picture as pixels.

In: an :class:`~tracegrad.document.Annotated`.  Out: the bytes of a PNG file.
"""

from __future__ import annotations

from tracegrad.document import Annotated
from tracegrad.export.numerals import FLOAT_FORMAT
from tracegrad.export.render import rasterise
from tracegrad.export.strips import in_strips
from tracegrad.export.svg import MOST_NODES, to_svg

SUFFIXES = (".png",)


def to_png(
    annotated: Annotated,
    *,
    scale: float = 2.0,
    engine: str = "wasm",
    timeout: float = 60.0,
    float_format: str = FLOAT_FORMAT,
    frames: bool = True,
    max_nodes: int = MOST_NODES,
) -> bytes:
    """Draw an annotated graph as PNG; at ``scale=1`` a point is 96/72 pixels, other options are those of ``to_svg``.

    A picture so long that its words would be lost is cut into strips, one below the other: see
    :mod:`tracegrad.export.strips`.

    >>> import tracegrad as tg
    >>> to_png(tg.trace(lambda x: x * x, 3.0).document)[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    svg = to_svg(
        annotated,
        engine=engine,
        timeout=timeout,
        float_format=float_format,
        frames=frames,
        max_nodes=max_nodes,
    )
    return rasterise(in_strips(svg), scale=scale)


#: what :func:`tracegrad.export.write` puts into a file of one of the ``SUFFIXES``
dump = to_png
