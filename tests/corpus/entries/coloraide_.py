"""coloraide: plugins, caches, its own linear algebra on lists."""

from coloraide import Color
from coloraide import algebra as alg
from coloraide.easing import cubic_bezier
from corpus import Entry

PACKAGE = "coloraide"


def distance(r, g, b):
    """CIEDE2000 from teal."""
    return Color("srgb", [r, g, b]).delta_e("teal", method="2000")


ENTRIES = [
    Entry(
        "convert to oklch",
        lambda r, g, b: Color("srgb", [r, g, b]).convert("oklch")["chroma"],
        (0.2, 0.5, 0.7),
    ),
    Entry(
        "convert to lab",
        lambda r, g, b: Color("srgb", [r, g, b]).convert("lab")["lightness"],
        (0.2, 0.5, 0.7),
    ),
    Entry("delta_e 2000", distance, (0.2, 0.5, 0.7)),
    Entry("contrast", lambda r, g, b: Color("srgb", [r, g, b]).contrast("white"), (0.2, 0.5, 0.7)),
    Entry("mix", lambda t: Color("red").mix("blue", t, space="oklab")["l"], (0.3,)),
    Entry("algebra.dot", lambda m, v: alg.dot(m, v)[1], ([[1.0, 2.0], [3.0, 4.0]], [0.5, -1.0])),
    Entry("cubic_bezier", cubic_bezier(0.25, 0.1, 0.25, 1.0), (0.3,)),
]
