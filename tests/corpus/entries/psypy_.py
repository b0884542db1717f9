"""psypy: moist air; searches by halving intervals and by Newton's method."""

from corpus import Entry
from psypy import psySI

PACKAGE = "psypy"

ENTRIES = [
    Entry("enthalpy", lambda t, rh: psySI.state("DBT", t, "RH", rh, 101325.0)[1], (300.0, 0.5)),
    Entry("humidity ratio", lambda t, rh, p: psySI.state("DBT", t, "RH", rh, p)[4], (300.0, 0.5, 101325.0)),
]
