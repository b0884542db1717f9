"""A planet for a tenth of its year in two Runge-Kutta steps, and how its place depends on where and how it began.

Each step calls `slope` four times, which calls `attraction` twice.  Unrolled these are hundreds of operations; folded
by line the picture is about as long as the program, and a line with a loop in it says how often it was executed.

Source of the method: W. Kutta, Beitrag zur näherungsweisen Integration totaler Differentialgleichungen, 1901.
"""

import math

import tracegrad as tg


def attraction(place, distance):
    return -place / distance**3


def slope(x, y, vx, vy):
    distance = math.sqrt(x * x + y * y)
    return vx, vy, attraction(x, distance), attraction(y, distance)


def step(state, dt):
    k1 = slope(*state)
    k2 = slope(*(s + dt / 2 * k for s, k in zip(state, k1)))
    k3 = slope(*(s + dt / 2 * k for s, k in zip(state, k2)))
    k4 = slope(*(s + dt * k for s, k in zip(state, k3)))
    return [s + dt / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4)]


@tg.traced
def height(x, y, vx, vy):
    state = [x, y, vx, vy]
    for _ in range(2):
        state = step(state, 2 * math.pi / 20)
    return state[1]


t = height.trace(1.0, 0.0, 0.0, 1.0)

if __name__ == "__main__":
    print(t.to_text(level="line"))
    print(f"height {t.value:.9f}, exact {math.sin(math.pi / 5):.9f}")
    for name, gradient in t.gradients.items():
        print(f"gradient by {name:2} {gradient:.6f}")
    t.save("orbit.svg", level="line")
