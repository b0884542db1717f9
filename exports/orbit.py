"""height(x, y, vx, vy) and its gradients, recorded by tracegrad at x = 1.0, y = 0.0, vx = 0.0, vy = 1.0."""

import math


def height(x, y, vx, vy):
    distance = math.sqrt(x * x + y * y)  # (1)
    k1_2 = -x / distance**3  # (2)
    k1_3 = -y / distance**3  # (3)
    step_sum = x + 0.15707963267948966 * vx
    step_sum_2 = y + 0.15707963267948966 * vy
    step_sum_3 = vx + 0.15707963267948966 * k1_2
    step = vy + 0.15707963267948966 * k1_3  # (4)
    distance_2 = math.sqrt(step_sum * step_sum + step_sum_2 * step_sum_2)  # (5)
    k2_2 = -step_sum / distance_2**3  # (6)
    k2_3 = -step_sum_2 / distance_2**3  # (7)
    step_2_sum = x + 0.15707963267948966 * step_sum_3
    step_2_sum_2 = y + 0.15707963267948966 * step
    step_2_sum_3 = vx + 0.15707963267948966 * k2_2
    step_2 = vy + 0.15707963267948966 * k2_3  # (8)
    distance_3 = math.sqrt(step_2_sum * step_2_sum + step_2_sum_2 * step_2_sum_2)  # (9)
    k3_2 = -step_2_sum / distance_3**3  # (10)
    k3_3 = -step_2_sum_2 / distance_3**3  # (11)
    step_3_sum = x + 0.3141592653589793 * step_2_sum_3
    step_3_sum_2 = y + 0.3141592653589793 * step_2
    step_3_sum_3 = vx + 0.3141592653589793 * k3_2
    step_3 = vy + 0.3141592653589793 * k3_3  # (12)
    distance_4 = math.sqrt(
        step_3_sum * step_3_sum + step_3_sum_2 * step_3_sum_2
    )  # (13)
    k4_2 = -step_3_sum / distance_4**3  # (14)
    k4_3 = -step_3_sum_2 / distance_4**3  # (15)
    step_4_product = 0.05235987755982988 * (
        vx + 2 * step_sum_3 + 2 * step_2_sum_3 + step_3_sum_3
    )
    step_4_sum = x + step_4_product
    step_4_sum_2 = y + 0.05235987755982988 * (vy + 2 * step + 2 * step_2 + step_3)
    step_4_sum_3 = vx + 0.05235987755982988 * (k1_2 + 2 * k2_2 + 2 * k3_2 + k4_2)
    step_4 = vy + 0.05235987755982988 * (k1_3 + 2 * k2_3 + 2 * k3_3 + k4_3)  # (16)
    distance_5 = math.sqrt(
        step_4_sum * step_4_sum + step_4_sum_2 * step_4_sum_2
    )  # (17)
    k1_2_2 = -step_4_sum / distance_5**3  # (18)
    k1_3_2 = -step_4_sum_2 / distance_5**3  # (19)
    step_5_sum = step_4_sum + 0.15707963267948966 * step_4_sum_3
    step_5_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_4
    step_5_sum_3 = step_4_sum_3 + 0.15707963267948966 * k1_2_2
    step_5 = step_4 + 0.15707963267948966 * k1_3_2  # (20)
    distance_6 = math.sqrt(
        step_5_sum * step_5_sum + step_5_sum_2 * step_5_sum_2
    )  # (21)
    k2_3_2 = -step_5_sum_2 / distance_6**3  # (23)
    step_6_sum = step_4_sum + 0.15707963267948966 * step_5_sum_3
    step_6_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_5
    step_6 = step_4 + 0.15707963267948966 * k2_3_2  # (24)
    distance_7 = math.sqrt(
        step_6_sum * step_6_sum + step_6_sum_2 * step_6_sum_2
    )  # (25)
    k3_3_2 = -step_6_sum_2 / distance_7**3  # (27)
    step_7 = step_4 + 0.3141592653589793 * k3_3_2  # (28)
    return step_4_sum_2 + 0.05235987755982988 * (
        step_4 + 2 * step_5 + 2 * step_6 + step_7
    )  # (32)


def height_backward(x, y, vx, vy):
    """The value of height and its gradients, by the chain rule from the last statement to the first."""
    distance = math.sqrt(x * x + y * y)  # (1)
    k1_2_power = distance**3
    k1_2 = -x / k1_2_power  # (2)
    k1_3_power = distance**3
    k1_3 = -y / k1_3_power  # (3)
    step_sum = x + 0.15707963267948966 * vx
    step_sum_2 = y + 0.15707963267948966 * vy
    step_sum_3 = vx + 0.15707963267948966 * k1_2
    step = vy + 0.15707963267948966 * k1_3  # (4)
    distance_2 = math.sqrt(step_sum * step_sum + step_sum_2 * step_sum_2)  # (5)
    k2_2_power = distance_2**3
    k2_2 = -step_sum / k2_2_power  # (6)
    k2_3_power = distance_2**3
    k2_3 = -step_sum_2 / k2_3_power  # (7)
    step_2_sum = x + 0.15707963267948966 * step_sum_3
    step_2_sum_2 = y + 0.15707963267948966 * step
    step_2_sum_3 = vx + 0.15707963267948966 * k2_2
    step_2 = vy + 0.15707963267948966 * k2_3  # (8)
    distance_3 = math.sqrt(step_2_sum * step_2_sum + step_2_sum_2 * step_2_sum_2)  # (9)
    k3_2_power = distance_3**3
    k3_2 = -step_2_sum / k3_2_power  # (10)
    k3_3_power = distance_3**3
    k3_3 = -step_2_sum_2 / k3_3_power  # (11)
    step_3_sum = x + 0.3141592653589793 * step_2_sum_3
    step_3_sum_2 = y + 0.3141592653589793 * step_2
    step_3_sum_3 = vx + 0.3141592653589793 * k3_2
    step_3 = vy + 0.3141592653589793 * k3_3  # (12)
    distance_4 = math.sqrt(
        step_3_sum * step_3_sum + step_3_sum_2 * step_3_sum_2
    )  # (13)
    k4_2_power = distance_4**3
    k4_2 = -step_3_sum / k4_2_power  # (14)
    k4_3_power = distance_4**3
    k4_3 = -step_3_sum_2 / k4_3_power  # (15)
    step_4_product = 0.05235987755982988 * (
        vx + 2 * step_sum_3 + 2 * step_2_sum_3 + step_3_sum_3
    )
    step_4_sum = x + step_4_product
    step_4_sum_2 = y + 0.05235987755982988 * (vy + 2 * step + 2 * step_2 + step_3)
    step_4_sum_3 = vx + 0.05235987755982988 * (k1_2 + 2 * k2_2 + 2 * k3_2 + k4_2)
    step_4 = vy + 0.05235987755982988 * (k1_3 + 2 * k2_3 + 2 * k3_3 + k4_3)  # (16)
    distance_5 = math.sqrt(
        step_4_sum * step_4_sum + step_4_sum_2 * step_4_sum_2
    )  # (17)
    k1_2_2_power = distance_5**3
    k1_2_2 = -step_4_sum / k1_2_2_power  # (18)
    k1_3_2_power = distance_5**3
    k1_3_2 = -step_4_sum_2 / k1_3_2_power  # (19)
    step_5_sum = step_4_sum + 0.15707963267948966 * step_4_sum_3
    step_5_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_4
    step_5_sum_3 = step_4_sum_3 + 0.15707963267948966 * k1_2_2
    step_5 = step_4 + 0.15707963267948966 * k1_3_2  # (20)
    distance_6 = math.sqrt(
        step_5_sum * step_5_sum + step_5_sum_2 * step_5_sum_2
    )  # (21)
    k2_3_2_power = distance_6**3
    k2_3_2 = -step_5_sum_2 / k2_3_2_power  # (23)
    step_6_sum = step_4_sum + 0.15707963267948966 * step_5_sum_3
    step_6_sum_2 = step_4_sum_2 + 0.15707963267948966 * step_5
    step_6 = step_4 + 0.15707963267948966 * k2_3_2  # (24)
    distance_7 = math.sqrt(
        step_6_sum * step_6_sum + step_6_sum_2 * step_6_sum_2
    )  # (25)
    k3_3_2_power = distance_7**3
    k3_3_2 = -step_6_sum_2 / k3_3_2_power  # (27)
    step_7 = step_4 + 0.3141592653589793 * k3_3_2  # (28)
    value = step_4_sum_2 + 0.05235987755982988 * (
        step_4 + 2 * step_5 + 2 * step_6 + step_7
    )  # (32)

    # backprop return [s + dt / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1…  (32)
    dstep_4_sum_2 = 1.0
    dstep_4 = 0.05235987755982988
    dstep_5 = 0.10471975511965977
    # backprop k4 = slope(*(s + dt * k for s, k in zip(state, k3)))  (28)
    dstep_4 += 0.05235987755982988
    dk3_3_2 = 0.016449340668482262
    # backprop return -place / distance**3  (27)
    ddistance_7 = -(3 * distance_7**2 * (k3_3_2 / k3_3_2_power * dk3_3_2))
    dstep_6_sum_2 = -1.0 / k3_3_2_power * dk3_3_2
    # backprop distance = math.sqrt(x * x + y * y)  (25)
    ddistance_7_sum = 0.5 / distance_7 * ddistance_7
    dstep_6_sum_2 += step_6_sum_2 * ddistance_7_sum
    dstep_6_sum_2 += step_6_sum_2 * ddistance_7_sum
    dstep_6_sum = step_6_sum * ddistance_7_sum + step_6_sum * ddistance_7_sum
    # backprop k3 = slope(*(s + dt / 2 * k for s, k in zip(state, k2)))  (24)
    dstep_4 += 0.10471975511965977
    dk2_3_2 = 0.016449340668482262
    dstep_4_sum_2 += dstep_6_sum_2
    dstep_5 += 0.15707963267948966 * dstep_6_sum_2
    dstep_4_sum = dstep_6_sum
    dstep_5_sum_3 = 0.15707963267948966 * dstep_6_sum
    # backprop return -place / distance**3  (23)
    ddistance_6 = -(3 * distance_6**2 * (k2_3_2 / k2_3_2_power * dk2_3_2))
    dstep_5_sum_2 = -1.0 / k2_3_2_power * dk2_3_2
    # backprop distance = math.sqrt(x * x + y * y)  (21)
    ddistance_6_sum = 0.5 / distance_6 * ddistance_6
    dstep_5_sum_2 += step_5_sum_2 * ddistance_6_sum
    dstep_5_sum_2 += step_5_sum_2 * ddistance_6_sum
    dstep_5_sum = step_5_sum * ddistance_6_sum + step_5_sum * ddistance_6_sum
    # backprop k2 = slope(*(s + dt / 2 * k for s, k in zip(state, k1)))  (20)
    dstep_4 += dstep_5
    dk1_3_2 = 0.15707963267948966 * dstep_5
    dk1_2_2 = 0.15707963267948966 * dstep_5_sum_3
    dstep_4_sum_2 += dstep_5_sum_2
    dstep_4 += 0.15707963267948966 * dstep_5_sum_2
    dstep_4_sum += dstep_5_sum
    dstep_4_sum_3 = dstep_5_sum_3 + 0.15707963267948966 * dstep_5_sum
    # backprop return -place / distance**3  (19)
    ddistance_5 = -(3 * distance_5**2 * (k1_3_2 / k1_3_2_power * dk1_3_2))
    dstep_4_sum_2 += -1.0 / k1_3_2_power * dk1_3_2
    # backprop return -place / distance**3  (18)
    ddistance_5 += -(3 * distance_5**2 * (k1_2_2 / k1_2_2_power * dk1_2_2))
    dstep_4_sum += -1.0 / k1_2_2_power * dk1_2_2
    # backprop distance = math.sqrt(x * x + y * y)  (17)
    ddistance_5_sum = 0.5 / distance_5 * ddistance_5
    dstep_4_sum_2 += step_4_sum_2 * ddistance_5_sum
    dstep_4_sum_2 += step_4_sum_2 * ddistance_5_sum
    dstep_4_sum += step_4_sum * ddistance_5_sum
    dstep_4_sum += step_4_sum * ddistance_5_sum
    # backprop return [s + dt / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1…  (16)
    dstep_4_sum_4 = 0.05235987755982988 * dstep_4
    dk4_3 = dstep_4_sum_4
    dk3_3 = 2 * dstep_4_sum_4
    dk1_3 = dstep_4_sum_4
    dk2_3 = 2 * dstep_4_sum_4
    dstep_4_sum_5 = 0.05235987755982988 * dstep_4_sum_3
    dk4_2 = dstep_4_sum_5
    dk3_2 = 2 * dstep_4_sum_5
    dk1_2 = dstep_4_sum_5
    dk2_2 = 2 * dstep_4_sum_5
    dy = dstep_4_sum_2
    dstep_4_sum_6 = 0.05235987755982988 * dstep_4_sum_2
    dstep_2 = 2 * dstep_4_sum_6
    dvy = dstep_4 + dstep_4_sum_6
    dstep = 2 * dstep_4_sum_6
    dx = dstep_4_sum
    dstep_4_sum_7 = 0.05235987755982988 * dstep_4_sum
    dstep_2_sum_3 = 2 * dstep_4_sum_7
    dvx = dstep_4_sum_3 + dstep_4_sum_7
    dstep_sum_3 = 2 * dstep_4_sum_7
    # backprop return -place / distance**3  (15)
    ddistance_4 = -(3 * distance_4**2 * (k4_3 / k4_3_power * dk4_3))
    dstep_3_sum_2 = -1.0 / k4_3_power * dk4_3
    # backprop return -place / distance**3  (14)
    ddistance_4 += -(3 * distance_4**2 * (k4_2 / k4_2_power * dk4_2))
    dstep_3_sum = -1.0 / k4_2_power * dk4_2
    # backprop distance = math.sqrt(x * x + y * y)  (13)
    ddistance_4_sum = 0.5 / distance_4 * ddistance_4
    dstep_3_sum_2 += step_3_sum_2 * ddistance_4_sum
    dstep_3_sum_2 += step_3_sum_2 * ddistance_4_sum
    dstep_3_sum += step_3_sum * ddistance_4_sum
    dstep_3_sum += step_3_sum * ddistance_4_sum
    # backprop k4 = slope(*(s + dt * k for s, k in zip(state, k3)))  (12)
    dvy += dstep_4_sum_6
    dk3_3 += 0.3141592653589793 * dstep_4_sum_6
    dvx += dstep_4_sum_7
    dk3_2 += 0.3141592653589793 * dstep_4_sum_7
    dy += dstep_3_sum_2
    dstep_2 += 0.3141592653589793 * dstep_3_sum_2
    dx += dstep_3_sum
    dstep_2_sum_3 += 0.3141592653589793 * dstep_3_sum
    # backprop return -place / distance**3  (11)
    ddistance_3 = -(3 * distance_3**2 * (k3_3 / k3_3_power * dk3_3))
    dstep_2_sum_2 = -1.0 / k3_3_power * dk3_3
    # backprop return -place / distance**3  (10)
    ddistance_3 += -(3 * distance_3**2 * (k3_2 / k3_2_power * dk3_2))
    dstep_2_sum = -1.0 / k3_2_power * dk3_2
    # backprop distance = math.sqrt(x * x + y * y)  (9)
    ddistance_3_sum = 0.5 / distance_3 * ddistance_3
    dstep_2_sum_2 += step_2_sum_2 * ddistance_3_sum
    dstep_2_sum_2 += step_2_sum_2 * ddistance_3_sum
    dstep_2_sum += step_2_sum * ddistance_3_sum
    dstep_2_sum += step_2_sum * ddistance_3_sum
    # backprop k3 = slope(*(s + dt / 2 * k for s, k in zip(state, k2)))  (8)
    dvy += dstep_2
    dk2_3 += 0.15707963267948966 * dstep_2
    dvx += dstep_2_sum_3
    dk2_2 += 0.15707963267948966 * dstep_2_sum_3
    dy += dstep_2_sum_2
    dstep += 0.15707963267948966 * dstep_2_sum_2
    dx += dstep_2_sum
    dstep_sum_3 += 0.15707963267948966 * dstep_2_sum
    # backprop return -place / distance**3  (7)
    ddistance_2 = -(3 * distance_2**2 * (k2_3 / k2_3_power * dk2_3))
    dstep_sum_2 = -1.0 / k2_3_power * dk2_3
    # backprop return -place / distance**3  (6)
    ddistance_2 += -(3 * distance_2**2 * (k2_2 / k2_2_power * dk2_2))
    dstep_sum = -1.0 / k2_2_power * dk2_2
    # backprop distance = math.sqrt(x * x + y * y)  (5)
    ddistance_2_sum = 0.5 / distance_2 * ddistance_2
    dstep_sum_2 += step_sum_2 * ddistance_2_sum
    dstep_sum_2 += step_sum_2 * ddistance_2_sum
    dstep_sum += step_sum * ddistance_2_sum
    dstep_sum += step_sum * ddistance_2_sum
    # backprop k2 = slope(*(s + dt / 2 * k for s, k in zip(state, k1)))  (4)
    dvy += dstep
    dk1_3 += 0.15707963267948966 * dstep
    dvx += dstep_sum_3
    dk1_2 += 0.15707963267948966 * dstep_sum_3
    dy += dstep_sum_2
    dvy += 0.15707963267948966 * dstep_sum_2
    dx += dstep_sum
    dvx += 0.15707963267948966 * dstep_sum
    # backprop return -place / distance**3  (3)
    ddistance = -(3 * distance**2 * (k1_3 / k1_3_power * dk1_3))
    dy += -1.0 / k1_3_power * dk1_3
    # backprop return -place / distance**3  (2)
    ddistance += -(3 * distance**2 * (k1_2 / k1_2_power * dk1_2))
    dx += -1.0 / k1_2_power * dk1_2
    # backprop distance = math.sqrt(x * x + y * y)  (1)
    ddistance_sum = 0.5 / distance * ddistance
    dy += y * ddistance_sum
    dy += y * ddistance_sum
    dx += x * ddistance_sum
    dx += x * ddistance_sum
    return value, {"x": dx, "y": dy, "vx": dvx, "vy": dvy}
