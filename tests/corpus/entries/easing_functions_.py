"""easing-functions: small classes, called."""

from corpus import Entry
from easing_functions import (
    BackEaseInOut,
    BounceEaseInOut,
    CircularEaseInOut,
    CubicEaseInOut,
    ElasticEaseIn,
    ExponentialEaseOut,
    SineEaseInOut,
)

PACKAGE = "easing-functions"

ENTRIES = [
    Entry("CubicEaseInOut", lambda start, end, t: CubicEaseInOut(start, end, 2.0)(t), (1, 5, 1.3)),
    Entry("SineEaseInOut", SineEaseInOut(), (0.3,)),
    Entry("CircularEaseInOut", CircularEaseInOut().ease, (0.3,)),
    Entry("ExponentialEaseOut", ExponentialEaseOut(), (0.4,)),
    Entry("ElasticEaseIn", ElasticEaseIn(), (0.7,)),
    Entry("BackEaseInOut", BackEaseInOut(), (0.35,)),
    Entry("BounceEaseInOut", BounceEaseInOut(), (0.2,)),
]
