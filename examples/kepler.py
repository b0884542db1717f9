"""Kepler's equation by Newton's method, and how a planet's place depends on the date and on the shape of its orbit.

The turns of the loop are one turn in the emitted source, `exports/kepler.py`: on the way there each leaves its
values on a stack, on the way back they are taken off it.  The first turn stands by itself, because it begins with the
mean anomaly itself.

Source of the equation: J. Kepler, Astronomia nova, 1609.
"""

import math

import tracegrad as tg


@tg.traced
def eccentric_anomaly(mean, eccentricity):
    angle = mean
    for _ in range(6):
        error = angle - eccentricity * math.sin(angle) - mean
        slope = 1 - eccentricity * math.cos(angle)
        angle = angle - error / slope
    return angle


t = eccentric_anomaly.trace(1.2, 0.3)

if __name__ == "__main__":
    print(t.to_python())
    exact = 1 / (1 - 0.3 * math.cos(t.value))
    print(f"gradient by the mean anomaly {t.gradients['mean']!r}, exact {exact!r}")
    t.save("kepler.svg", level="line")
