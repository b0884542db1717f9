"""height(x, y, vx, vy) and its gradients, recorded by tracegrad at x = 1.0, y = 0.0, vx = 0.0, vy = 1.0."""

import math


def height(x, y, vx, vy):
    distance = math.sqrt(x * x + y * y)  # (1)
    attraction = -x / distance**3  # (2)
    attraction_2 = -y / distance**3  # (3)
    step_sum = x + 0.15707963267948966 * vx
    step_sum_2 = y + 0.15707963267948966 * vy
    step_sum_3 = vx + 0.15707963267948966 * attraction
    step = vy + 0.15707963267948966 * attraction_2  # (4)
    distance_2 = math.sqrt(step_sum * step_sum + step_sum_2 * step_sum_2)  # (5)
    attraction_3 = -step_sum / distance_2**3  # (6)
    attraction_4 = -step_sum_2 / distance_2**3  # (7)
    step_2_sum = x + 0.15707963267948966 * step_sum_3
    step_2_sum_2 = y + 0.15707963267948966 * step
    step_2_sum_3 = vx + 0.15707963267948966 * attraction_3
    step_2 = vy + 0.15707963267948966 * attraction_4  # (8)
    distance_3 = math.sqrt(step_2_sum * step_2_sum + step_2_sum_2 * step_2_sum_2)  # (9)
    attraction_5 = -step_2_sum / distance_3**3  # (10)
    attraction_6 = -step_2_sum_2 / distance_3**3  # (11)
    step_3_sum = x + 0.3141592653589793 * step_2_sum_3
    step_3_sum_2 = y + 0.3141592653589793 * step_2
    step_3_sum_3 = vx + 0.3141592653589793 * attraction_5
    step_3 = vy + 0.3141592653589793 * attraction_6  # (12)
    distance_4 = math.sqrt(
        step_3_sum * step_3_sum + step_3_sum_2 * step_3_sum_2
    )  # (13)
    attraction_7 = -step_3_sum / distance_4**3  # (14)
    attraction_8 = -step_3_sum_2 / distance_4**3  # (15)
    step_4_product = 0.05235987755982988 * (
        vx + 2 * step_sum_3 + 2 * step_2_sum_3 + step_3_sum_3
    )
    step_4_sum = x + step_4_product
    step_4_sum_2 = y + 0.05235987755982988 * (vy + 2 * step + 2 * step_2 + step_3)
    step_4_product_2 = 0.05235987755982988 * (
        attraction + 2 * attraction_3 + 2 * attraction_5 + attraction_7
    )
    step_4_sum_3 = vx + step_4_product_2
    step_4_product_3 = 0.05235987755982988 * (
        attraction_2 + 2 * attraction_4 + 2 * attraction_6 + attraction_8
    )
    step_4 = vy + step_4_product_3  # (16)
    distance_5 = math.sqrt(
        step_4_sum * step_4_sum + step_4_sum_2 * step_4_sum_2
    )  # (17)
    attraction_9 = -step_4_sum / distance_5**3  # (18)
    attraction_10 = -step_4_sum_2 / distance_5**3  # (19)
    step_5_sum = step_4_sum + 0.15707963267948966 * step_4_sum_3
    step_5_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_4
    step_5_sum_3 = step_4_sum_3 + 0.15707963267948966 * attraction_9
    step_5 = step_4 + 0.15707963267948966 * attraction_10  # (20)
    distance_6 = math.sqrt(
        step_5_sum * step_5_sum + step_5_sum_2 * step_5_sum_2
    )  # (21)
    attraction_11 = -step_5_sum_2 / distance_6**3  # (23)
    step_6_sum = step_4_sum + 0.15707963267948966 * step_5_sum_3
    step_6_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_5
    step_6 = step_4 + 0.15707963267948966 * attraction_11  # (24)
    distance_7 = math.sqrt(
        step_6_sum * step_6_sum + step_6_sum_2 * step_6_sum_2
    )  # (25)
    attraction_12 = -step_6_sum_2 / distance_7**3  # (27)
    step_7 = step_4 + 0.3141592653589793 * attraction_12  # (28)
    return step_4_sum_2 + 0.05235987755982988 * (
        step_4 + 2 * step_5 + 2 * step_6 + step_7
    )  # (32)


def height_backward(x, y, vx, vy):
    """The value of height and its gradients, by the chain rule from the last statement to the first."""
    distance = math.sqrt(x * x + y * y)  # (1)
    attraction_power = distance**3
    attraction = -x / attraction_power  # (2)
    attraction_2_power = distance**3
    attraction_2 = -y / attraction_2_power  # (3)
    step_sum = x + 0.15707963267948966 * vx
    step_sum_2 = y + 0.15707963267948966 * vy
    step_sum_3 = vx + 0.15707963267948966 * attraction
    step = vy + 0.15707963267948966 * attraction_2  # (4)
    distance_2 = math.sqrt(step_sum * step_sum + step_sum_2 * step_sum_2)  # (5)
    attraction_3_power = distance_2**3
    attraction_3 = -step_sum / attraction_3_power  # (6)
    attraction_4_power = distance_2**3
    attraction_4 = -step_sum_2 / attraction_4_power  # (7)
    step_2_sum = x + 0.15707963267948966 * step_sum_3
    step_2_sum_2 = y + 0.15707963267948966 * step
    step_2_sum_3 = vx + 0.15707963267948966 * attraction_3
    step_2 = vy + 0.15707963267948966 * attraction_4  # (8)
    distance_3 = math.sqrt(step_2_sum * step_2_sum + step_2_sum_2 * step_2_sum_2)  # (9)
    attraction_5_power = distance_3**3
    attraction_5 = -step_2_sum / attraction_5_power  # (10)
    attraction_6_power = distance_3**3
    attraction_6 = -step_2_sum_2 / attraction_6_power  # (11)
    step_3_sum = x + 0.3141592653589793 * step_2_sum_3
    step_3_sum_2 = y + 0.3141592653589793 * step_2
    step_3_sum_3 = vx + 0.3141592653589793 * attraction_5
    step_3 = vy + 0.3141592653589793 * attraction_6  # (12)
    distance_4 = math.sqrt(
        step_3_sum * step_3_sum + step_3_sum_2 * step_3_sum_2
    )  # (13)
    attraction_7_power = distance_4**3
    attraction_7 = -step_3_sum / attraction_7_power  # (14)
    attraction_8_power = distance_4**3
    attraction_8 = -step_3_sum_2 / attraction_8_power  # (15)
    step_4_product = 0.05235987755982988 * (
        vx + 2 * step_sum_3 + 2 * step_2_sum_3 + step_3_sum_3
    )
    step_4_sum = x + step_4_product
    step_4_sum_2 = y + 0.05235987755982988 * (vy + 2 * step + 2 * step_2 + step_3)
    step_4_product_2 = 0.05235987755982988 * (
        attraction + 2 * attraction_3 + 2 * attraction_5 + attraction_7
    )
    step_4_sum_3 = vx + step_4_product_2
    step_4_product_3 = 0.05235987755982988 * (
        attraction_2 + 2 * attraction_4 + 2 * attraction_6 + attraction_8
    )
    step_4 = vy + step_4_product_3  # (16)
    distance_5 = math.sqrt(
        step_4_sum * step_4_sum + step_4_sum_2 * step_4_sum_2
    )  # (17)
    attraction_9_power = distance_5**3
    attraction_9 = -step_4_sum / attraction_9_power  # (18)
    attraction_10_power = distance_5**3
    attraction_10 = -step_4_sum_2 / attraction_10_power  # (19)
    step_5_sum = step_4_sum + 0.15707963267948966 * step_4_sum_3
    step_5_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_4
    step_5_sum_3 = step_4_sum_3 + 0.15707963267948966 * attraction_9
    step_5 = step_4 + 0.15707963267948966 * attraction_10  # (20)
    distance_6 = math.sqrt(
        step_5_sum * step_5_sum + step_5_sum_2 * step_5_sum_2
    )  # (21)
    attraction_11_power = distance_6**3
    attraction_11 = -step_5_sum_2 / attraction_11_power  # (23)
    step_6_sum = step_4_sum + 0.15707963267948966 * step_5_sum_3
    step_6_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_5
    step_6 = step_4 + 0.15707963267948966 * attraction_11  # (24)
    distance_7 = math.sqrt(
        step_6_sum * step_6_sum + step_6_sum_2 * step_6_sum_2
    )  # (25)
    attraction_12_power = distance_7**3
    attraction_12 = -step_6_sum_2 / attraction_12_power  # (27)
    step_7 = step_4 + 0.3141592653589793 * attraction_12  # (28)
    value = step_4_sum_2 + 0.05235987755982988 * (
        step_4 + 2 * step_5 + 2 * step_6 + step_7
    )  # (32)

    # backprop return [s + dt / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1…  (32)
    dstep_4_sum_2 = 1.0
    dstep_4 = 0.05235987755982988
    dstep_5 = 0.10471975511965977
    # backprop k4 = slope(*(s + dt * k for s, k in zip(state, k3)))  (28)
    dstep_4 += 0.05235987755982988
    # backprop return -place / distance**3  (27)
    dattraction_12_power = -0.016449340668482262 * (attraction_12 / attraction_12_power)
    ddistance_7 = 3 * distance_7**2 * dattraction_12_power
    dstep_6_sum_2 = -0.016449340668482262 * (1.0 / attraction_12_power)
    # backprop distance = math.sqrt(x * x + y * y)  (25)
    ddistance_7_sum = 0.5 / distance_7 * ddistance_7
    dstep_6_sum_2 += step_6_sum_2 * ddistance_7_sum
    dstep_6_sum_2 += step_6_sum_2 * ddistance_7_sum
    dstep_6_sum = step_6_sum * ddistance_7_sum
    dstep_6_sum += step_6_sum * ddistance_7_sum
    # backprop k3 = slope(*(s + dt / 2 * k for s, k in zip(state, k2)))  (24)
    dstep_4 += 0.10471975511965977
    dstep_4_sum_2 += dstep_6_sum_2
    dstep_5 += 0.15707963267948966 * dstep_6_sum_2
    dstep_4_sum = dstep_6_sum
    dstep_5_sum_3 = 0.15707963267948966 * dstep_6_sum
    # backprop return -place / distance**3  (23)
    dattraction_11_power = -0.016449340668482262 * (attraction_11 / attraction_11_power)
    ddistance_6 = 3 * distance_6**2 * dattraction_11_power
    dstep_5_sum_2 = -0.016449340668482262 * (1.0 / attraction_11_power)
    # backprop distance = math.sqrt(x * x + y * y)  (21)
    ddistance_6_sum = 0.5 / distance_6 * ddistance_6
    dstep_5_sum_2 += step_5_sum_2 * ddistance_6_sum
    dstep_5_sum_2 += step_5_sum_2 * ddistance_6_sum
    dstep_5_sum = step_5_sum * ddistance_6_sum
    dstep_5_sum += step_5_sum * ddistance_6_sum
    # backprop k2 = slope(*(s + dt / 2 * k for s, k in zip(state, k1)))  (20)
    dstep_4 += dstep_5
    dattraction_10 = 0.15707963267948966 * dstep_5
    dstep_4_sum_3 = dstep_5_sum_3
    dattraction_9 = 0.15707963267948966 * dstep_5_sum_3
    dstep_4_sum_2 += dstep_5_sum_2
    dstep_4 += 0.15707963267948966 * dstep_5_sum_2
    dstep_4_sum += dstep_5_sum
    dstep_4_sum_3 += 0.15707963267948966 * dstep_5_sum
    # backprop return -place / distance**3  (19)
    dattraction_10_power = -attraction_10 / attraction_10_power * dattraction_10
    ddistance_5 = 3 * distance_5**2 * dattraction_10_power
    dstep_4_sum_2 += -1.0 / attraction_10_power * dattraction_10
    # backprop return -place / distance**3  (18)
    dattraction_9_power = -attraction_9 / attraction_9_power * dattraction_9
    ddistance_5 += 3 * distance_5**2 * dattraction_9_power
    dstep_4_sum += -1.0 / attraction_9_power * dattraction_9
    # backprop distance = math.sqrt(x * x + y * y)  (17)
    ddistance_5_sum = 0.5 / distance_5 * ddistance_5
    dstep_4_sum_2 += step_4_sum_2 * ddistance_5_sum
    dstep_4_sum_2 += step_4_sum_2 * ddistance_5_sum
    dstep_4_sum += step_4_sum * ddistance_5_sum
    dstep_4_sum += step_4_sum * ddistance_5_sum
    # backprop return [s + dt / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1…  (16)
    dvy = dstep_4
    dstep_4_sum_4 = 0.05235987755982988 * dstep_4
    dattraction_6 = 2 * dstep_4_sum_4
    dattraction_2 = dstep_4_sum_4
    dattraction_4 = 2 * dstep_4_sum_4
    dvx = dstep_4_sum_3
    dstep_4_sum_5 = 0.05235987755982988 * dstep_4_sum_3
    dattraction_5 = 2 * dstep_4_sum_5
    dattraction = dstep_4_sum_5
    dattraction_3 = 2 * dstep_4_sum_5
    dy = dstep_4_sum_2
    dstep_4_sum_6 = 0.05235987755982988 * dstep_4_sum_2
    dstep_2 = 2 * dstep_4_sum_6
    dvy += dstep_4_sum_6
    dstep = 2 * dstep_4_sum_6
    dx = dstep_4_sum
    dstep_4_sum_7 = 0.05235987755982988 * dstep_4_sum
    dstep_2_sum_3 = 2 * dstep_4_sum_7
    dvx += dstep_4_sum_7
    dstep_sum_3 = 2 * dstep_4_sum_7
    # backprop return -place / distance**3  (15)
    dattraction_8_power = -attraction_8 / attraction_8_power * dstep_4_sum_4
    ddistance_4 = 3 * distance_4**2 * dattraction_8_power
    dstep_3_sum_2 = -1.0 / attraction_8_power * dstep_4_sum_4
    # backprop return -place / distance**3  (14)
    dattraction_7_power = -attraction_7 / attraction_7_power * dstep_4_sum_5
    ddistance_4 += 3 * distance_4**2 * dattraction_7_power
    dstep_3_sum = -1.0 / attraction_7_power * dstep_4_sum_5
    # backprop distance = math.sqrt(x * x + y * y)  (13)
    ddistance_4_sum = 0.5 / distance_4 * ddistance_4
    dstep_3_sum_2 += step_3_sum_2 * ddistance_4_sum
    dstep_3_sum_2 += step_3_sum_2 * ddistance_4_sum
    dstep_3_sum += step_3_sum * ddistance_4_sum
    dstep_3_sum += step_3_sum * ddistance_4_sum
    # backprop k4 = slope(*(s + dt * k for s, k in zip(state, k3)))  (12)
    dvy += dstep_4_sum_6
    dattraction_6 += 0.3141592653589793 * dstep_4_sum_6
    dvx += dstep_4_sum_7
    dattraction_5 += 0.3141592653589793 * dstep_4_sum_7
    dy += dstep_3_sum_2
    dstep_2 += 0.3141592653589793 * dstep_3_sum_2
    dx += dstep_3_sum
    dstep_2_sum_3 += 0.3141592653589793 * dstep_3_sum
    # backprop return -place / distance**3  (11)
    dattraction_6_power = -attraction_6 / attraction_6_power * dattraction_6
    ddistance_3 = 3 * distance_3**2 * dattraction_6_power
    dstep_2_sum_2 = -1.0 / attraction_6_power * dattraction_6
    # backprop return -place / distance**3  (10)
    dattraction_5_power = -attraction_5 / attraction_5_power * dattraction_5
    ddistance_3 += 3 * distance_3**2 * dattraction_5_power
    dstep_2_sum = -1.0 / attraction_5_power * dattraction_5
    # backprop distance = math.sqrt(x * x + y * y)  (9)
    ddistance_3_sum = 0.5 / distance_3 * ddistance_3
    dstep_2_sum_2 += step_2_sum_2 * ddistance_3_sum
    dstep_2_sum_2 += step_2_sum_2 * ddistance_3_sum
    dstep_2_sum += step_2_sum * ddistance_3_sum
    dstep_2_sum += step_2_sum * ddistance_3_sum
    # backprop k3 = slope(*(s + dt / 2 * k for s, k in zip(state, k2)))  (8)
    dvy += dstep_2
    dattraction_4 += 0.15707963267948966 * dstep_2
    dvx += dstep_2_sum_3
    dattraction_3 += 0.15707963267948966 * dstep_2_sum_3
    dy += dstep_2_sum_2
    dstep += 0.15707963267948966 * dstep_2_sum_2
    dx += dstep_2_sum
    dstep_sum_3 += 0.15707963267948966 * dstep_2_sum
    # backprop return -place / distance**3  (7)
    dattraction_4_power = -attraction_4 / attraction_4_power * dattraction_4
    ddistance_2 = 3 * distance_2**2 * dattraction_4_power
    dstep_sum_2 = -1.0 / attraction_4_power * dattraction_4
    # backprop return -place / distance**3  (6)
    dattraction_3_power = -attraction_3 / attraction_3_power * dattraction_3
    ddistance_2 += 3 * distance_2**2 * dattraction_3_power
    dstep_sum = -1.0 / attraction_3_power * dattraction_3
    # backprop distance = math.sqrt(x * x + y * y)  (5)
    ddistance_2_sum = 0.5 / distance_2 * ddistance_2
    dstep_sum_2 += step_sum_2 * ddistance_2_sum
    dstep_sum_2 += step_sum_2 * ddistance_2_sum
    dstep_sum += step_sum * ddistance_2_sum
    dstep_sum += step_sum * ddistance_2_sum
    # backprop k2 = slope(*(s + dt / 2 * k for s, k in zip(state, k1)))  (4)
    dvy += dstep
    dattraction_2 += 0.15707963267948966 * dstep
    dvx += dstep_sum_3
    dattraction += 0.15707963267948966 * dstep_sum_3
    dy += dstep_sum_2
    dvy += 0.15707963267948966 * dstep_sum_2
    dx += dstep_sum
    dvx += 0.15707963267948966 * dstep_sum
    # backprop return -place / distance**3  (3)
    dattraction_2_power = -attraction_2 / attraction_2_power * dattraction_2
    ddistance = 3 * distance**2 * dattraction_2_power
    dy += -1.0 / attraction_2_power * dattraction_2
    # backprop return -place / distance**3  (2)
    dattraction_power = -attraction / attraction_power * dattraction
    ddistance += 3 * distance**2 * dattraction_power
    dx += -1.0 / attraction_power * dattraction
    # backprop distance = math.sqrt(x * x + y * y)  (1)
    ddistance_sum = 0.5 / distance * ddistance
    dy += y * ddistance_sum
    dy += y * ddistance_sum
    dx += x * ddistance_sum
    dx += x * ddistance_sum
    return value, {"x": dx, "y": dy, "vx": dvx, "vy": dvy}
