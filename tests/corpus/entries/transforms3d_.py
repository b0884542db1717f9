"""transforms3d: arrays of numpy filled with scalars."""

from corpus import Entry
from transforms3d import euler, quaternions

PACKAGE = "transforms3d"

ENTRIES = [
    Entry("qmult", lambda a, b: quaternions.qmult([a, 1.0, 2.0, b], [0.5, a, b, 2.0])[1], (0.7, -0.4)),
    Entry("euler2mat", lambda a, b, c: euler.euler2mat(a, b, c)[0, 1], (0.7, 0.2, 0.3)),
]
