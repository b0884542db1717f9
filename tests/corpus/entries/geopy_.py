"""geopy: points parsed from tuples, distances as objects."""

from corpus import Entry
from geopy.distance import geodesic, great_circle
from geopy.point import Point

PACKAGE = "geopy"

ENTRIES = [
    Entry(
        "great_circle", lambda a, b: great_circle((a, b), (41.499498, -81.695391)).km, (41.49008, -71.312796)
    ),
    Entry("geodesic", lambda a, b: geodesic((a, b), (41.499498, -81.695391)).miles, (41.49008, -71.312796)),
    Entry(
        "destination",
        lambda a, km: great_circle(kilometers=km).destination(Point(a, -71.3), bearing=30.0).latitude,
        (41.5, 120.0),
    ),
]
