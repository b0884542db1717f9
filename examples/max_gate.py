"""A max gate routes the gradient to the larger input; the smaller one gets nothing.

The add gate hands its gradient to both inputs as it is, the multiply gate swaps the inputs and scales by them.

Source of the example: https://cs231n.github.io/optimization-2/#patterns
"""

import tracegrad as tg


@tg.traced
def f(x, y, z, w):
    largest = max(z, w)
    product = x * y
    total = product + largest
    return total * 2


t = f.trace(3.0, -4.0, 2.0, -1.0)

if __name__ == "__main__":
    print(t)
    t.save("max_gate.svg")
