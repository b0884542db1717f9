"""basic-colormath: sorted channels, tuples of generators."""

from basic_colormath import get_delta_e, hsl_to_rgb, mix_rgb, rgb_to_hsv, rgb_to_lab
from corpus import Entry

PACKAGE = "basic-colormath"

ENTRIES = [
    Entry("rgb_to_hsv", lambda r, g, b: rgb_to_hsv((r, g, b))[0], (120.0, 40.0, 200.0)),
    Entry("hsl_to_rgb", lambda h, s, light: hsl_to_rgb((h, s, light))[1], (220.0, 40.0, 60.0)),
    Entry("rgb_to_lab", lambda r, g, b: rgb_to_lab((r, g, b))[2], (120.0, 40.0, 200.0)),
    Entry("get_delta_e", lambda r, g, b: get_delta_e((r, g, b), (20.0, 30.0, 40.0)), (120.0, 40.0, 200.0)),
    Entry("mix_rgb", lambda r, t: mix_rgb((r, 20.0, 30.0), (120.0, 40.0, 200.0), ratio=t)[0], (50.0, 0.3)),
]
