"""pysolar: a module called numeric that imports from math, used as ``math``."""

from datetime import UTC, datetime

from corpus import Entry
from pysolar import radiation, solar

PACKAGE = "pysolar"
NOON = datetime(2024, 6, 21, 17, 30, tzinfo=UTC)

ENTRIES = [
    Entry("get_altitude", lambda lat, lon: solar.get_altitude(lat, lon, NOON), (42.206, -71.382)),
    Entry("get_azimuth", lambda lat, lon: solar.get_azimuth(lat, lon, NOON), (42.206, -71.382)),
    Entry("get_altitude_fast", lambda lat, lon: solar.get_altitude_fast(lat, lon, NOON), (42.206, -71.382)),
    Entry("get_radiation_direct", lambda altitude: radiation.get_radiation_direct(NOON, altitude), (35.0,)),
]
