"""colorutils: results rounded to three digits (a step: its derivative is 0)."""

from colorutils import hsv_to_rgb, rgb_to_hsv
from corpus import Entry

PACKAGE = "colorutils"


def zeros(*args):
    """A rounded result is flat almost everywhere."""
    return [0.0] * len(args)


ENTRIES = [
    Entry("rgb_to_hsv", lambda r, g, b: rgb_to_hsv((r, g, b))[1], (120, 45, 200), exact=zeros),
    Entry("hsv_to_rgb", lambda h, s, v: hsv_to_rgb((h, s, v))[0], (210.0, 0.4, 0.7), exact=zeros),
]
