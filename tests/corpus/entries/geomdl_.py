"""geomdl: splines from lists of lists, evaluators as objects, caches inside."""

from corpus import Entry
from geomdl import BSpline, helpers, linalg

PACKAGE = "geomdl"


def curve(y, u):
    """A point of a cubic."""
    spline = BSpline.Curve()
    spline.degree = 3
    spline.ctrlpts = [[0.0, 0.0], [1.0, y], [2.0, 0.0], [3.0, 1.0]]
    spline.knotvector = [0, 0, 0, 0, 1, 1, 1, 1]
    return spline.evaluate_single(u)[1]


KNOTS = [0, 0, 0, 0, 0.5, 1, 1, 1, 1]

ENTRIES = [
    Entry("Curve.evaluate_single", curve, (2.0, 0.3)),
    Entry("basis_function", lambda u: helpers.basis_function(3, KNOTS, 3, u)[1], (0.3,)),
    Entry("vector_magnitude", linalg.vector_magnitude, ((1.0, 2.0, 3.0),)),
    Entry("vector_angle_between", linalg.vector_angle_between, ((1.5, 2.0, 3.0), (1.0, 0.0, 2.0))),
    Entry("lu_solve", lambda m, b: linalg.lu_solve(m, b)[1][0], ([[4.0, 1.0], [1.5, 3.0]], [[1.0], [2.0]])),
    Entry(
        "matrix_determinant",
        linalg.matrix_determinant,
        ([[4.0, 1.0, 0.5], [1.5, 3.0, 1.0], [0.0, 1.0, 2.0]],),
    ),
]
