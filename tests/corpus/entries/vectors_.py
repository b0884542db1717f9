"""vectors: points and vectors as plain classes."""

from corpus import Entry
from vectors import Point, Vector

PACKAGE = "vectors"

ENTRIES = [
    Entry("multiply", lambda x, y, z: Vector(x, y, z).multiply(y).sum(Vector(z, x, y)).y, (1.0, 2.0, 3.0)),
    Entry("cross", lambda x, y: Vector(x, 2.0, y).cross(Vector(0.5, x, -1.0)).z, (1.0, 3.0)),
    Entry("from_points", lambda x: Vector.from_points(Point(x, 1, 2), Point(3, x, x)).x, (0.5,)),
]
