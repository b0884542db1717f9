"""colour: float() on each component; attributes through __getattr__ and __setattr__."""

from colour import Color, color_scale, hsl2rgb, rgb2hsl
from corpus import Entry

PACKAGE = "colour"

ENTRIES = [
    Entry("hsl2rgb", lambda h, s, light: hsl2rgb((h, s, light))[0], (0.55, 0.4, 0.3)),
    Entry("rgb2hsl", lambda r, g, b: rgb2hsl((r, g, b))[0], (0.25, 0.4, 0.3)),
    Entry("Color.luminance", lambda r, g, b: Color(rgb=(r, g, b)).luminance, (0.25, 0.4, 0.3)),
    Entry("color_scale", lambda h: color_scale((h, 0.4, 0.3), (0.9, 0.5, 0.2), 3)[1][0], (0.55,)),
]
