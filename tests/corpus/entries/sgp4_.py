"""sgp4: the satellite propagator in plain Python; hundreds of attributes set on one object."""

from corpus import Entry
from sgp4.earth_gravity import wgs72
from sgp4.ext import jday, newtonnu, rv2coe
from sgp4.io import twoline2rv
from sgp4.propagation import gstime, sgp4

PACKAGE = "sgp4"

LINE1 = "1 25544U 98067A   19343.69339541  .00001764  00000-0  38792-4 0  9991"
LINE2 = "2 25544  51.6439 211.2001 0007417  17.6667  85.6398 15.50103472202482"
SATELLITE = twoline2rv(LINE1, LINE2, wgs72)


def semi_major_axis(x, y, vx):
    """From position and velocity."""
    return rv2coe([x, y, 6194.2], [vx, -1.21, 6.5], 398600.5)[1]


ENTRIES = [
    Entry("gstime", gstime, (2458827.362605,), step=1e-8),
    Entry("newtonnu", lambda ecc, nu: newtonnu(ecc, nu)[1], (0.3, 1.1)),
    Entry("rv2coe", semi_major_axis, (-2100.4, 2900.1, 4.5)),
    Entry("jday", lambda hour, minute, second: jday(2019, 12, 9, hour, minute, second), (12.0, 15.0, 30.0)),
    Entry("sgp4 x", lambda minutes: sgp4(SATELLITE, minutes)[0][0], (90.0,)),
]
