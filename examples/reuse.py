"""A value used three times: its gradient is the sum of what returns from each use.

In `x * x` both slots of the gate are the same `x`; each sends a gradient back, and `+ x` sends a third.
"""

import tracegrad as tg


@tg.traced
def f(x):
    return x * x + x


t = f.trace(3.0)

if __name__ == "__main__":
    print(t.to_text(backward=True))
    t.save("reuse.svg")
