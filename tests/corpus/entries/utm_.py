"""utm: one library name, ``mathlib``, for numpy or math."""

import utm
from corpus import Entry

PACKAGE = "utm"

ENTRIES = [
    Entry("from_latlon easting", lambda lat, lon: utm.from_latlon(lat, lon)[0], (51.2, 7.5)),
    Entry("from_latlon northing", lambda lat, lon: utm.from_latlon(lat, lon)[1], (-33.9, 151.2)),
    Entry("to_latlon", lambda e, n: utm.to_latlon(e, n, 32, "U")[0], (395201.3103, 5673135.2411)),
]
