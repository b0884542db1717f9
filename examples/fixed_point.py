"""The derivative of a fixed point: Kepler's equation, solved by iteration, and the same by its own rule.

`anomaly = mean + eccentricity * sin(anomaly)` is iterated until nothing moves.  The gradient through the unrolled loop
approaches that of the implicit function theorem, d(anomaly)/d(mean) = 1 / (1 - eccentricity * cos(anomaly)).  Given
that rule, the whole loop is one gate; the rule itself is traced in turn, so that second derivatives come out as well.

Source of the rule: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 15.
"""

import math

import tracegrad as tg


def by_iteration(mean, eccentricity):
    anomaly = mean
    for _ in range(60):
        anomaly = mean + eccentricity * math.sin(anomaly)
    return anomaly


def implicit(anomaly, mean, eccentricity):
    slope = 1 / (1 - eccentricity * math.cos(anomaly))
    return slope, slope * math.sin(anomaly)


solve = tg.primitive(by_iteration, partials=implicit, symbol="Kepler", name="kepler", check_at=(0.8, 0.3))


@tg.traced
def radius(mean, eccentricity):
    anomaly = solve(mean, eccentricity)
    return 1 - eccentricity * math.cos(anomaly)


t = radius.trace(0.8, 0.3)

if __name__ == "__main__":
    print(t)
    print("gradient with the rule   ", t.gradients)
    unrolled = tg.grad(lambda m, e: 1 - e * math.cos(by_iteration(m, e)), (0, 1))(0.8, 0.3)
    print("gradient through the loop", unrolled)
    print("Hessian", tg.hessian(radius, (0, 1))(0.8, 0.3))
    t.save("fixed_point.svg")
