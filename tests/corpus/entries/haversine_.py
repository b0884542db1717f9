"""haversine: kernels made by a factory from ``vars(math)``."""

from corpus import Entry
from haversine import Unit, haversine, inverse_haversine

PACKAGE = "haversine"

ENTRIES = [
    Entry("haversine", haversine, ((45.7597, 4.8422), (48.8567, 2.3508))),
    Entry(
        "haversine in miles, normalised",
        lambda lat, lon: haversine((lat, lon), (48.8567, 182.3508), unit=Unit.MILES, normalize=True),
        (45.7597, 4.8422),
    ),
    Entry(
        "inverse_haversine", lambda point, d: inverse_haversine(point, d, 0.7)[1], ((45.7597, 4.8422), 32.0)
    ),
]
