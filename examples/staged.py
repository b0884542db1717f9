"""Staged computation: a long expression as a chain of small statements.

Each statement has a local gradient that is easy to write down; the chain rule multiplies it by the gradient that
arrives from above.  `x` and `y` are used twice, so two contributions meet and are added.

Source of the example: https://cs231n.github.io/optimization-2/#staged
"""

import math

import tracegrad as tg


@tg.traced
def f(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden


t = f.trace(3, -4)

if __name__ == "__main__":
    print(t.to_text(backward=True))
    t.save("staged.svg")
