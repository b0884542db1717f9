"""The derivative of a loop: Newton's method for the square root.

The loop is unrolled, so `guess` becomes `guess`, `guess#2`, ...  Once it has converged, the gradient is that of the
square root itself, 1 / (2 * sqrt(a)), although no rule for it was used.  The loop's condition depends on `a`: it is
recorded as a guard, because another `a` may need another number of turns.
"""

import tracegrad as tg


@tg.traced
def square_root(a):
    guess = a
    while abs(guess * guess - a) > 1e-9:
        guess = (guess + a / guess) / 2
    return guess


t = square_root.trace(2.0)

if __name__ == "__main__":
    print(t)
    print(f"gradient {t.gradients['a']!r}, exact {1 / (2 * 2.0**0.5)!r}")
    t.save("newton.svg")
