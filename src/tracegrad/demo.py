"""The function of ``tracegrad demo``: the staged computation of the cs231n notes on backpropagation.

Source: https://cs231n.github.io/optimization-2/#staged
"""

import math


def f(x, y):
    """Eight statements, each with a local gradient that is easy to write down."""
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden
