"""pymap3d: numpy functions under plain names, on scalars."""

import pymap3d
import pymap3d.vincenty
from corpus import Entry
from pymap3d.haversine import anglesep
from pymap3d.latitude import geodetic2authalic, geodetic2isometric
from pymap3d.rcurve import meridian

PACKAGE = "pymap3d"

ENTRIES = [
    Entry("geodetic2ecef", lambda lat, lon, h: pymap3d.geodetic2ecef(lat, lon, h)[1], (42.0, -82.0, 200.0)),
    Entry(
        "geodetic2enu",
        lambda a, b, h: pymap3d.geodetic2enu(a, b, h, 42.0, -82.0, 200.0)[2],
        (42.1, -81.9, 1e3),
    ),
    Entry("enu2aer", lambda e, n, u: pymap3d.enu2aer(e, n, u)[0], (186.3, 286.8, 939.7)),
    Entry("aer2ned", lambda a, e, r: pymap3d.aer2ned(a, e, r)[2], (33.0, 70.0, 1000.0)),
    Entry("anglesep", anglesep, (35.0, 23.0, 84.0, 20.0)),
    Entry("geodetic2isometric", geodetic2isometric, (42.0,), beyond="x[()] of a numpy scalar"),
    Entry("geodetic2authalic", geodetic2authalic, (42.0,)),
    Entry("meridian", meridian, (42.0,)),
    Entry("vdist", lambda a, b, c, d: pymap3d.vincenty.vdist(a, b, c, d)[0], (10.0, 20.0, 10.02137, 21.0)),
]
