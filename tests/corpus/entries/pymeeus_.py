"""PyMeeus: angles and epochs as classes with operators."""

from corpus import Entry
from pymeeus.Angle import Angle
from pymeeus.Coordinates import angular_separation, ecliptical2equatorial
from pymeeus.Interpolation import Interpolation

PACKAGE = "PyMeeus"


def declination(longitude, latitude):
    """From ecliptical coordinates."""
    return ecliptical2equatorial(Angle(longitude), Angle(latitude), Angle(23.4392911))[1]()


ENTRIES = [
    Entry("Angle arithmetic", lambda a: (Angle(a) * 2 + Angle(10.0, 30.0, 0.0)).rad(), (33.3,)),
    Entry("ecliptical2equatorial", declination, (113.21563, 6.68417)),
    Entry(
        "angular_separation",
        lambda a, d: angular_separation(Angle(a), Angle(d), Angle(201.3), Angle(-11.16))(),
        (213.9, 19.2),
    ),
    Entry("Interpolation", lambda x: Interpolation([1.0, 2.0, 4.0], [0.5, 0.25, 3.0])(x), (3.1,)),
]
