"""astral: the sun and the moon; names imported from math."""

from datetime import UTC, datetime

from astral import Observer, moon, sun
from corpus import Entry

PACKAGE = "astral"
NOON = datetime(2024, 6, 21, 12, 30, tzinfo=UTC)

ENTRIES = [
    Entry("sun_declination", sun.sun_declination, (0.2432,)),
    Entry("eq_of_time", sun.eq_of_time, (0.2432,)),
    Entry(
        "hour_angle",
        lambda lat, dec, zen: sun.hour_angle(lat, dec, zen, sun.SunDirection.RISING),
        (51.5, 21.0, 90.8),
    ),
    Entry("elevation", lambda lat, lon: sun.elevation(Observer(lat, lon), NOON), (51.5, -0.1)),
    Entry("azimuth", lambda lat, lon: sun.azimuth(Observer(lat, lon), NOON), (51.5, -0.1)),
    Entry("moon_position", lambda day: moon.moon_position(day).declination, (8938.5,), step=1e-5),
    Entry("moon.elevation", lambda lat, lon: moon.elevation(Observer(lat, lon), NOON), (51.5, -0.1)),
]
