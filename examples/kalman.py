"""A scalar Kalman filter: the gradient of its likelihood by the noise levels, which is how they are fitted.

Each measurement is a turn of the loop: predict, compare, correct.  The negative log-likelihood is a long chain through
all of them.

Source of the formulas: R. E. Kalman, A New Approach to Linear Filtering and Prediction Problems, 1960.
"""

import math

import tracegrad as tg

MEASURED = [0.39, 0.50]


@tg.traced(wrt=["drift", "noise"])
def surprise(drift, noise, measured):
    level, variance = 0.0, 1.0
    total = 0.0
    for seen in measured:
        variance = variance + drift
        spread = variance + noise
        error = seen - level
        total = total + math.log(spread) + error**2 / spread
        gain = variance / spread
        level = level + gain * error
        variance = (1 - gain) * variance
    return total / 2


t = surprise.trace(0.1, 0.5, MEASURED)

if __name__ == "__main__":
    print(t)
    print("gradient", t.gradients)
    print(tg.check(lambda drift, noise: surprise(drift, noise, MEASURED), 0.1, 0.5).raise_if_wrong())
    t.save("kalman.svg")
