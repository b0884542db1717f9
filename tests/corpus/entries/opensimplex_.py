"""opensimplex: gradient noise; floors, table look-ups, branches."""

from corpus import Entry
from opensimplex import OpenSimplex

PACKAGE = "opensimplex"
NOISE = OpenSimplex(seed=1234)

ENTRIES = [
    Entry("noise2", NOISE.noise2, (0.37, 1.21)),
    Entry("noise3", NOISE.noise3, (0.37, 1.21, -0.6)),
]
