"""seawater: numpy arrays of no dimension."""

import seawater
from corpus import Entry

PACKAGE = "seawater"

ENTRIES = [
    Entry("dens", seawater.dens, (34.5, 10.0, 1000.0)),
    Entry("g", seawater.g, (45.0,)),
]
