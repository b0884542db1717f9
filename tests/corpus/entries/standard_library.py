"""The standard library: statistics, colorsys, cmath-free parts of random's recipes, fractions of datetime."""

import colorsys
import functools
import itertools
import operator
import statistics
from statistics import NormalDist

from corpus import Entry

PACKAGE = "standard library"

DATA = [1.5, 2.25, -0.75, 4.0, 3.125]
OTHER = [0.5, 1.75, 2.0, -1.25, 2.5]


def horner(x):
    """A polynomial by reduce."""
    return functools.reduce(lambda total, c: total * x + c, [2.0, -3.0, 0.5, 1.0])


def running(x):
    """Products of a running sum."""
    return sum(itertools.accumulate([x, x * x, x + 1.0], operator.mul))


ENTRIES = [
    Entry("statistics.fmean", statistics.fmean, (DATA,)),
    Entry("statistics.mean", statistics.mean, (DATA,)),
    Entry("statistics.geometric_mean", statistics.geometric_mean, ([1.5, 2.25, 0.75],)),
    Entry("statistics.harmonic_mean", statistics.harmonic_mean, ([1.5, 2.25, 0.75],)),
    Entry("statistics.median", statistics.median, (DATA,)),
    Entry("statistics.variance", statistics.variance, (DATA,)),
    Entry("statistics.stdev", statistics.stdev, (DATA,)),
    Entry("statistics.pstdev", statistics.pstdev, (DATA,)),
    Entry("statistics.covariance", statistics.covariance, (DATA, OTHER)),
    Entry("statistics.correlation", statistics.correlation, (DATA, OTHER)),
    Entry(
        "statistics.linear_regression slope",
        lambda x, y: statistics.linear_regression(x, y).slope,
        (DATA, OTHER),
    ),
    Entry("NormalDist.pdf", lambda mu, sigma, x: NormalDist(mu, sigma).pdf(x), (1.0, 2.0, 2.5)),
    Entry("NormalDist.cdf", lambda mu, sigma, x: NormalDist(mu, sigma).cdf(x), (1.0, 2.0, 2.5)),
    Entry("NormalDist.inv_cdf", lambda mu, sigma, p: NormalDist(mu, sigma).inv_cdf(p), (1.0, 2.0, 0.875)),
    Entry("NormalDist.overlap", lambda a, b: NormalDist(a, 1.0).overlap(NormalDist(b, 1.5)), (0.25, 1.5)),
    Entry("colorsys.rgb_to_hls", lambda r, g, b: colorsys.rgb_to_hls(r, g, b)[1], (0.2, 0.4, 0.7)),
    Entry("colorsys.hls_to_rgb", lambda h, light, s: colorsys.hls_to_rgb(h, light, s)[0], (0.61, 0.4, 0.7)),
    Entry("colorsys.rgb_to_hsv", lambda r, g, b: colorsys.rgb_to_hsv(r, g, b)[0], (0.2, 0.4, 0.7)),
    Entry("colorsys.hsv_to_rgb", lambda h, s, v: colorsys.hsv_to_rgb(h, s, v)[1], (0.55, 0.4, 0.7)),
    Entry("colorsys.rgb_to_yiq", lambda r, g, b: colorsys.rgb_to_yiq(r, g, b)[2], (0.2, 0.4, 0.7)),
    Entry("functools.reduce", horner, (1.3,)),
    Entry("itertools.accumulate", running, (1.3,)),
]
