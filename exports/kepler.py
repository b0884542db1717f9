"""eccentric_anomaly(mean, eccentricity) and its gradients, recorded by tracegrad at mean = 1.2, eccentricity = 0.3."""

import math


def eccentric_anomaly(mean, eccentricity):
    error = mean - eccentricity * math.sin(mean) - mean  # (1)
    slope = 1 - eccentricity * math.cos(mean)  # (2)
    angle = mean - error / slope  # (3)
    for _ in range(5):
        error_2 = angle - eccentricity * math.sin(angle) - mean  # (4)
        slope_2 = 1 - eccentricity * math.cos(angle)  # (5)
        angle = angle - error_2 / slope_2  # (6)
    return angle


def eccentric_anomaly_backward(mean, eccentricity):
    """The value of eccentric_anomaly and its gradients, by the chain rule from the last statement to the first.

    Sums start with -0.0: what is added to it stays as it is, to the sign of a zero.
    """
    error_sin = math.sin(mean)
    error = mean - eccentricity * error_sin - mean  # (1)
    slope_cos = math.cos(mean)
    slope = 1 - eccentricity * slope_cos  # (2)
    angle_quotient = error / slope
    angle = mean - angle_quotient  # (3)
    stack = []
    for _ in range(5):
        error_sin_2 = math.sin(angle)
        error_2 = angle - eccentricity * error_sin_2 - mean  # (4)
        slope_cos_2 = math.cos(angle)
        slope_2 = 1 - eccentricity * slope_cos_2  # (5)
        angle_quotient_2 = error_2 / slope_2
        stack.append((angle, error_sin_2, slope_cos_2, slope_2, angle_quotient_2))
        angle = angle - angle_quotient_2  # (6)
    angle_final = angle

    dangle = 1.0
    dmean = -0.0
    deccentricity = -0.0
    for angle, error_sin_2, slope_cos_2, slope_2, angle_quotient_2 in reversed(stack):
        # backprop angle = angle - error / slope  (6)
        dangle_quotient_2 = -dangle
        derror_2 = 1.0 / slope_2 * dangle_quotient_2
        dslope_2 = -angle_quotient_2 / slope_2 * dangle_quotient_2
        # backprop slope = 1 - eccentricity * math.cos(angle)  (5)
        deccentricity += -slope_cos_2 * dslope_2
        dangle += math.sin(angle) * (eccentricity * dslope_2)
        # backprop error = angle - eccentricity * math.sin(angle) - mean  (4)
        dmean += -derror_2
        dangle += derror_2
        deccentricity += -error_sin_2 * derror_2
        dangle += -math.cos(angle) * (eccentricity * derror_2)
    # backprop angle = angle - error / slope  (3)
    dmean += dangle
    derror = -1.0 / slope * dangle
    dslope = angle_quotient / slope * dangle
    # backprop slope = 1 - eccentricity * math.cos(angle)  (2)
    deccentricity += -slope_cos * dslope
    dmean += math.sin(mean) * (eccentricity * dslope)
    # backprop error = angle - eccentricity * math.sin(angle) - mean  (1)
    dmean += -derror
    dmean += derror
    deccentricity += -error_sin * derror
    dmean += -math.cos(mean) * (eccentricity * derror)
    return angle_final, {"mean": dmean, "eccentricity": deccentricity}
