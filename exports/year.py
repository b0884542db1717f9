"""distance(x, y, vx, vy) and its gradients, recorded by tracegrad at x = 1.0, y = 0.0, vx = 0.0, vy = 1.1."""

import math


def _hypot_partials(out, x, y):
    """Local gradients of hypot: 0 at the origin."""
    if out == 0:
        return 0.0, 0.0
    return x / out, y / out


def distance(x, y, vx, vy):
    for _ in range(39):
        cube = (x * x + y * y) ** 1.5  # (2)
        k1_2 = -x / cube
        k1_3 = -y / cube  # (3)
        moved_sum = x + 0.07853981633974483 * vx
        moved_sum_2 = y + 0.07853981633974483 * vy
        moved_sum_3 = vx + 0.07853981633974483 * k1_2
        moved = vy + 0.07853981633974483 * k1_3  # (4)
        cube_2 = (moved_sum * moved_sum + moved_sum_2 * moved_sum_2) ** 1.5  # (5)
        k2_2 = -moved_sum / cube_2
        k2_3 = -moved_sum_2 / cube_2  # (6)
        moved_2_sum = x + 0.07853981633974483 * moved_sum_3
        moved_2_sum_2 = y + 0.07853981633974483 * moved
        moved_2_sum_3 = vx + 0.07853981633974483 * k2_2
        moved_2 = vy + 0.07853981633974483 * k2_3  # (7)
        cube_3 = (
            moved_2_sum * moved_2_sum + moved_2_sum_2 * moved_2_sum_2
        ) ** 1.5  # (8)
        k3_2 = -moved_2_sum / cube_3
        k3_3 = -moved_2_sum_2 / cube_3  # (9)
        moved_3_sum = x + 0.15707963267948966 * moved_2_sum_3
        moved_3_sum_2 = y + 0.15707963267948966 * moved_2
        moved_3_sum_3 = vx + 0.15707963267948966 * k3_2
        moved_3 = vy + 0.15707963267948966 * k3_3  # (10)
        cube_4 = (
            moved_3_sum * moved_3_sum + moved_3_sum_2 * moved_3_sum_2
        ) ** 1.5  # (11)
        k4_2 = -moved_3_sum / cube_4
        k4_3 = -moved_3_sum_2 / cube_4  # (12)
        product = 0.02617993877991494 * (
            vx + 2 * moved_sum_3 + 2 * moved_2_sum_3 + moved_3_sum_3
        )
        x = x + product
        y = y + 0.02617993877991494 * (vy + 2 * moved + 2 * moved_2 + moved_3)
        vx = vx + 0.02617993877991494 * (k1_2 + 2 * k2_2 + 2 * k3_2 + k4_2)
        vy = vy + 0.02617993877991494 * (k1_3 + 2 * k2_3 + 2 * k3_3 + k4_3)
    cube_5 = (x * x + y * y) ** 1.5  # (13)
    k1_2_ = -x / cube_5
    k1_3_ = -y / cube_5  # (14)
    moved_4_sum = x + 0.07853981633974483 * vx
    moved_4_sum_2 = y + 0.07853981633974483 * vy
    moved_4_sum_3 = vx + 0.07853981633974483 * k1_2_
    moved_4 = vy + 0.07853981633974483 * k1_3_  # (15)
    cube_6 = (moved_4_sum * moved_4_sum + moved_4_sum_2 * moved_4_sum_2) ** 1.5  # (16)
    k2_2_ = -moved_4_sum / cube_6
    k2_3_ = -moved_4_sum_2 / cube_6  # (17)
    moved_5_sum = x + 0.07853981633974483 * moved_4_sum_3
    moved_5_sum_2 = y + 0.07853981633974483 * moved_4
    moved_5_sum_3 = vx + 0.07853981633974483 * k2_2_
    moved_5 = vy + 0.07853981633974483 * k2_3_  # (18)
    cube_7 = (moved_5_sum * moved_5_sum + moved_5_sum_2 * moved_5_sum_2) ** 1.5  # (19)
    k3_2_ = -moved_5_sum / cube_7
    k3_3_ = -moved_5_sum_2 / cube_7  # (20)
    moved_6_sum = vx + 0.15707963267948966 * k3_2_
    moved_6 = vy + 0.15707963267948966 * k3_3_  # (21)
    product_2 = 0.02617993877991494 * (
        vx + 2 * moved_4_sum_3 + 2 * moved_5_sum_3 + moved_6_sum
    )
    sum_14 = x + product_2
    sum_15 = y + 0.02617993877991494 * (vy + 2 * moved_4 + 2 * moved_5 + moved_6)  # (1)
    return math.hypot(sum_14 - 1.0, sum_15)  # (22)


def distance_backward(x, y, vx, vy):
    """The value of distance and its gradients, by the chain rule from the last statement to the first."""
    stack = []
    for _ in range(39):
        cube_sum = x * x + y * y
        cube = cube_sum**1.5  # (2)
        k1_2 = -x / cube
        k1_3 = -y / cube  # (3)
        moved_sum = x + 0.07853981633974483 * vx
        moved_sum_2 = y + 0.07853981633974483 * vy
        moved_sum_3 = vx + 0.07853981633974483 * k1_2
        moved = vy + 0.07853981633974483 * k1_3  # (4)
        cube_sum_2 = moved_sum * moved_sum + moved_sum_2 * moved_sum_2
        cube_2 = cube_sum_2**1.5  # (5)
        k2_2 = -moved_sum / cube_2
        k2_3 = -moved_sum_2 / cube_2  # (6)
        moved_2_sum = x + 0.07853981633974483 * moved_sum_3
        moved_2_sum_2 = y + 0.07853981633974483 * moved
        moved_2_sum_3 = vx + 0.07853981633974483 * k2_2
        moved_2 = vy + 0.07853981633974483 * k2_3  # (7)
        cube_sum_3 = moved_2_sum * moved_2_sum + moved_2_sum_2 * moved_2_sum_2
        cube_3 = cube_sum_3**1.5  # (8)
        k3_2 = -moved_2_sum / cube_3
        k3_3 = -moved_2_sum_2 / cube_3  # (9)
        moved_3_sum = x + 0.15707963267948966 * moved_2_sum_3
        moved_3_sum_2 = y + 0.15707963267948966 * moved_2
        moved_3_sum_3 = vx + 0.15707963267948966 * k3_2
        moved_3 = vy + 0.15707963267948966 * k3_3  # (10)
        cube_sum_4 = moved_3_sum * moved_3_sum + moved_3_sum_2 * moved_3_sum_2
        cube_4 = cube_sum_4**1.5  # (11)
        k4_2 = -moved_3_sum / cube_4
        k4_3 = -moved_3_sum_2 / cube_4  # (12)
        stack.append(
            (
                x,
                y,
                cube_sum,
                cube,
                k1_2,
                k1_3,
                moved_sum,
                moved_sum_2,
                cube_sum_2,
                cube_2,
                k2_2,
                k2_3,
                moved_2_sum,
                moved_2_sum_2,
                cube_sum_3,
                cube_3,
                k3_2,
                k3_3,
                moved_3_sum,
                moved_3_sum_2,
                cube_sum_4,
                cube_4,
                k4_2,
                k4_3,
            )
        )
        product = 0.02617993877991494 * (
            vx + 2 * moved_sum_3 + 2 * moved_2_sum_3 + moved_3_sum_3
        )
        x = x + product
        y = y + 0.02617993877991494 * (vy + 2 * moved + 2 * moved_2 + moved_3)
        vx = vx + 0.02617993877991494 * (k1_2 + 2 * k2_2 + 2 * k3_2 + k4_2)
        vy = vy + 0.02617993877991494 * (k1_3 + 2 * k2_3 + 2 * k3_3 + k4_3)
    cube_sum_5 = x * x + y * y
    cube_5 = cube_sum_5**1.5  # (13)
    k1_2_ = -x / cube_5
    k1_3_ = -y / cube_5  # (14)
    moved_4_sum = x + 0.07853981633974483 * vx
    moved_4_sum_2 = y + 0.07853981633974483 * vy
    moved_4_sum_3 = vx + 0.07853981633974483 * k1_2_
    moved_4 = vy + 0.07853981633974483 * k1_3_  # (15)
    cube_sum_6 = moved_4_sum * moved_4_sum + moved_4_sum_2 * moved_4_sum_2
    cube_6 = cube_sum_6**1.5  # (16)
    k2_2_ = -moved_4_sum / cube_6
    k2_3_ = -moved_4_sum_2 / cube_6  # (17)
    moved_5_sum = x + 0.07853981633974483 * moved_4_sum_3
    moved_5_sum_2 = y + 0.07853981633974483 * moved_4
    moved_5_sum_3 = vx + 0.07853981633974483 * k2_2_
    moved_5 = vy + 0.07853981633974483 * k2_3_  # (18)
    cube_sum_7 = moved_5_sum * moved_5_sum + moved_5_sum_2 * moved_5_sum_2
    cube_7 = cube_sum_7**1.5  # (19)
    k3_2_ = -moved_5_sum / cube_7
    k3_3_ = -moved_5_sum_2 / cube_7  # (20)
    moved_6_sum = vx + 0.15707963267948966 * k3_2_
    moved_6 = vy + 0.15707963267948966 * k3_3_  # (21)
    product_2 = 0.02617993877991494 * (
        vx + 2 * moved_4_sum_3 + 2 * moved_5_sum_3 + moved_6_sum
    )
    sum_14 = x + product_2
    sum_15 = y + 0.02617993877991494 * (vy + 2 * moved_4 + 2 * moved_5 + moved_6)  # (1)
    value_difference = sum_14 - 1.0
    value = math.hypot(value_difference, sum_15)  # (22)

    # backprop return math.hypot(state[0] - 1.0, state[1])  (22)
    value_partials = _hypot_partials(value, value_difference, sum_15)
    dy = value_partials[1]
    dx = 1.0 * value_partials[0]
    # backprop state = [s + step / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state,…  (1)
    dsum_16 = 0.02617993877991494 * dy
    dmoved_5 = 2 * dsum_16
    dvy = dsum_16
    dmoved_4 = 2 * dsum_16
    dsum_17 = 0.02617993877991494 * dx
    dmoved_5_sum_3 = 2 * dsum_17
    dvx = dsum_17
    dmoved_4_sum_3 = 2 * dsum_17
    # backprop return [s + step * k for s, k in zip(state, slopes)]  (21)
    dvy += dsum_16
    dk3_3_ = 0.15707963267948966 * dsum_16
    dvx += dsum_17
    dk3_2_ = 0.15707963267948966 * dsum_17
    # backprop return vx, vy, -x / cube, -y / cube  (20)
    dmoved_5_sum_2 = -1.0 / cube_7 * dk3_3_
    dcube_7 = -k3_3_ / cube_7 * dk3_3_ - k3_2_ / cube_7 * dk3_2_
    dmoved_5_sum = -1.0 / cube_7 * dk3_2_
    # backprop cube = (x * x + y * y) ** 1.5  (19)
    dcube_sum_7 = 1.5 * cube_sum_7**0.5 * dcube_7
    dmoved_5_sum_2 += moved_5_sum_2 * dcube_sum_7
    dmoved_5_sum_2 += moved_5_sum_2 * dcube_sum_7
    dmoved_5_sum += moved_5_sum * dcube_sum_7
    dmoved_5_sum += moved_5_sum * dcube_sum_7
    # backprop return [s + step * k for s, k in zip(state, slopes)]  (18)
    dvy += dmoved_5
    dk2_3_ = 0.07853981633974483 * dmoved_5
    dvx += dmoved_5_sum_3
    dk2_2_ = 0.07853981633974483 * dmoved_5_sum_3
    dy += dmoved_5_sum_2
    dmoved_4 += 0.07853981633974483 * dmoved_5_sum_2
    dx += dmoved_5_sum
    dmoved_4_sum_3 += 0.07853981633974483 * dmoved_5_sum
    # backprop return vx, vy, -x / cube, -y / cube  (17)
    dmoved_4_sum_2 = -1.0 / cube_6 * dk2_3_
    dcube_6 = -k2_3_ / cube_6 * dk2_3_ - k2_2_ / cube_6 * dk2_2_
    dmoved_4_sum = -1.0 / cube_6 * dk2_2_
    # backprop cube = (x * x + y * y) ** 1.5  (16)
    dcube_sum_6 = 1.5 * cube_sum_6**0.5 * dcube_6
    dmoved_4_sum_2 += moved_4_sum_2 * dcube_sum_6
    dmoved_4_sum_2 += moved_4_sum_2 * dcube_sum_6
    dmoved_4_sum += moved_4_sum * dcube_sum_6
    dmoved_4_sum += moved_4_sum * dcube_sum_6
    # backprop return [s + step * k for s, k in zip(state, slopes)]  (15)
    dvy += dmoved_4
    dk1_3_ = 0.07853981633974483 * dmoved_4
    dvx += dmoved_4_sum_3
    dk1_2_ = 0.07853981633974483 * dmoved_4_sum_3
    dy += dmoved_4_sum_2
    dvy += 0.07853981633974483 * dmoved_4_sum_2
    dx += dmoved_4_sum
    dvx += 0.07853981633974483 * dmoved_4_sum
    # backprop return vx, vy, -x / cube, -y / cube  (14)
    dy += -1.0 / cube_5 * dk1_3_
    dcube_5 = -k1_3_ / cube_5 * dk1_3_ - k1_2_ / cube_5 * dk1_2_
    dx += -1.0 / cube_5 * dk1_2_
    # backprop cube = (x * x + y * y) ** 1.5  (13)
    dcube_sum_5 = 1.5 * cube_sum_5**0.5 * dcube_5
    dy += y * dcube_sum_5
    dy += y * dcube_sum_5
    dx += x * dcube_sum_5
    dx += x * dcube_sum_5
    for (
        x,
        y,
        cube_sum,
        cube,
        k1_2,
        k1_3,
        moved_sum,
        moved_sum_2,
        cube_sum_2,
        cube_2,
        k2_2,
        k2_3,
        moved_2_sum,
        moved_2_sum_2,
        cube_sum_3,
        cube_3,
        k3_2,
        k3_3,
        moved_3_sum,
        moved_3_sum_2,
        cube_sum_4,
        cube_4,
        k4_2,
        k4_3,
    ) in reversed(stack):
        # backprop state = [s + step / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state,…  (1)
        dk4_3 = 0.02617993877991494 * dvy
        dk3_3 = 2 * dk4_3
        dk1_3 = dk4_3
        dk2_3 = 2 * dk4_3
        dk4_2 = 0.02617993877991494 * dvx
        dk3_2 = 2 * dk4_2
        dk1_2 = dk4_2
        dk2_2 = 2 * dk4_2
        dsum_20 = 0.02617993877991494 * dy
        dmoved_2 = 2 * dsum_20
        dvy += dsum_20
        dmoved = 2 * dsum_20
        dsum_21 = 0.02617993877991494 * dx
        dmoved_2_sum_3 = 2 * dsum_21
        dvx += dsum_21
        dmoved_sum_3 = 2 * dsum_21
        # backprop return vx, vy, -x / cube, -y / cube  (12)
        dmoved_3_sum_2 = -1.0 / cube_4 * dk4_3
        dcube_4 = -k4_3 / cube_4 * dk4_3 - k4_2 / cube_4 * dk4_2
        dmoved_3_sum = -1.0 / cube_4 * dk4_2
        # backprop cube = (x * x + y * y) ** 1.5  (11)
        dcube_sum_4 = 1.5 * cube_sum_4**0.5 * dcube_4
        dmoved_3_sum_2 += moved_3_sum_2 * dcube_sum_4
        dmoved_3_sum_2 += moved_3_sum_2 * dcube_sum_4
        dmoved_3_sum += moved_3_sum * dcube_sum_4
        dmoved_3_sum += moved_3_sum * dcube_sum_4
        # backprop return [s + step * k for s, k in zip(state, slopes)]  (10)
        dvy += dsum_20
        dk3_3 += 0.15707963267948966 * dsum_20
        dvx += dsum_21
        dk3_2 += 0.15707963267948966 * dsum_21
        dy += dmoved_3_sum_2
        dmoved_2 += 0.15707963267948966 * dmoved_3_sum_2
        dx += dmoved_3_sum
        dmoved_2_sum_3 += 0.15707963267948966 * dmoved_3_sum
        # backprop return vx, vy, -x / cube, -y / cube  (9)
        dmoved_2_sum_2 = -1.0 / cube_3 * dk3_3
        dcube_3 = -k3_3 / cube_3 * dk3_3 - k3_2 / cube_3 * dk3_2
        dmoved_2_sum = -1.0 / cube_3 * dk3_2
        # backprop cube = (x * x + y * y) ** 1.5  (8)
        dcube_sum_3 = 1.5 * cube_sum_3**0.5 * dcube_3
        dmoved_2_sum_2 += moved_2_sum_2 * dcube_sum_3
        dmoved_2_sum_2 += moved_2_sum_2 * dcube_sum_3
        dmoved_2_sum += moved_2_sum * dcube_sum_3
        dmoved_2_sum += moved_2_sum * dcube_sum_3
        # backprop return [s + step * k for s, k in zip(state, slopes)]  (7)
        dvy += dmoved_2
        dk2_3 += 0.07853981633974483 * dmoved_2
        dvx += dmoved_2_sum_3
        dk2_2 += 0.07853981633974483 * dmoved_2_sum_3
        dy += dmoved_2_sum_2
        dmoved += 0.07853981633974483 * dmoved_2_sum_2
        dx += dmoved_2_sum
        dmoved_sum_3 += 0.07853981633974483 * dmoved_2_sum
        # backprop return vx, vy, -x / cube, -y / cube  (6)
        dmoved_sum_2 = -1.0 / cube_2 * dk2_3
        dcube_2 = -k2_3 / cube_2 * dk2_3 - k2_2 / cube_2 * dk2_2
        dmoved_sum = -1.0 / cube_2 * dk2_2
        # backprop cube = (x * x + y * y) ** 1.5  (5)
        dcube_sum_2 = 1.5 * cube_sum_2**0.5 * dcube_2
        dmoved_sum_2 += moved_sum_2 * dcube_sum_2
        dmoved_sum_2 += moved_sum_2 * dcube_sum_2
        dmoved_sum += moved_sum * dcube_sum_2
        dmoved_sum += moved_sum * dcube_sum_2
        # backprop return [s + step * k for s, k in zip(state, slopes)]  (4)
        dvy += dmoved
        dk1_3 += 0.07853981633974483 * dmoved
        dvx += dmoved_sum_3
        dk1_2 += 0.07853981633974483 * dmoved_sum_3
        dy += dmoved_sum_2
        dvy += 0.07853981633974483 * dmoved_sum_2
        dx += dmoved_sum
        dvx += 0.07853981633974483 * dmoved_sum
        # backprop return vx, vy, -x / cube, -y / cube  (3)
        dy += -1.0 / cube * dk1_3
        dcube = -k1_3 / cube * dk1_3 - k1_2 / cube * dk1_2
        dx += -1.0 / cube * dk1_2
        # backprop cube = (x * x + y * y) ** 1.5  (2)
        dcube_sum = 1.5 * cube_sum**0.5 * dcube
        dy += y * dcube_sum
        dy += y * dcube_sum
        dx += x * dcube_sum
        dx += x * dcube_sum
    return value, {"x": dx, "y": dy, "vx": dvx, "vy": dvy}
