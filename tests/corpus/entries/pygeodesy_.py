"""PyGeodesy: lazy imports, properties that replace themselves, exact running sums."""

from corpus import Entry
from pygeodesy.fmath import fdot, fhorner, hypot_, norm2
from pygeodesy.fsums import Fsum, fsum

PACKAGE = "pygeodesy"

ENTRIES = [
    Entry("fsum", lambda a, b: fsum([a, b, a * b, 10.0]), (52.0, 4.0)),
    Entry("Fsum", lambda a, b: float(Fsum(a, b, a * b, 10.0)), (52.0, 4.0)),
    Entry("fhorner", fhorner, (0.7, 4.0, 2.0, 3.0)),
    Entry("hypot_", lambda x, y, z: hypot_(x, y, z), (1.0, 4.0, 2.0)),
    Entry("norm2", lambda x, y: norm2(x, y)[0], (1.0, 4.0)),
    Entry("fdot", lambda v: fdot(v, 2.0, 3.0, -1.0), ([1.0, 4.0, 2.5],)),
]
