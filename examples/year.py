"""A planet for a year in forty Runge-Kutta steps, and how its place then depends on where and how it began.

One step is a hundred operations in four calls of `slope`.  The emitted source, `exports/year.py`, has one step in a
loop, and the last one by itself: of it only the place is needed, not the speed.

Source of the method: W. Kutta, Beitrag zur näherungsweisen Integration totaler Differentialgleichungen, 1901.
"""

import math

import tracegrad as tg


def slope(x, y, vx, vy):
    cube = (x * x + y * y) ** 1.5
    return vx, vy, -x / cube, -y / cube


def moved(state, step, slopes):
    return [s + step * k for s, k in zip(state, slopes)]


@tg.traced
def distance(x, y, vx, vy):
    state = [x, y, vx, vy]
    step = 2 * math.pi / 40
    for _ in range(40):
        k1 = slope(*state)
        k2 = slope(*moved(state, step / 2, k1))
        k3 = slope(*moved(state, step / 2, k2))
        k4 = slope(*moved(state, step, k3))
        state = [s + step / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4)]
    return math.hypot(state[0] - 1.0, state[1])


t = distance.trace(1.0, 0.0, 0.0, 1.1)

if __name__ == "__main__":
    print(t.to_text(level="line"))
    for name, gradient in t.gradients.items():
        print(f"gradient by {name:2} {gradient:.6f}")
    t.save("year.svg", level="line")
