"""A polynomial by Horner's rule: one multiplication and one addition for each coefficient.

The loop runs through a list of arguments, so the emitted source, `exports/horner.py`, has it by index: `c[k]` on the
way there, and `dc[k] += ...` on the way back.

Source of the rule: W. G. Horner, A new method of solving numerical equations of all orders, 1819.
"""

import tracegrad as tg


@tg.traced
def polynomial(x, c):
    value = 0.0
    for coefficient in c:
        value = value * x + coefficient
    return value


t = polynomial.trace(0.5, [1.0, -2.0, 0.5, 3.0, -1.0, 0.25, 2.0])

if __name__ == "__main__":
    print(t.to_python())
    print("gradient", t.gradients)
    t.save("horner.svg", level="line")
