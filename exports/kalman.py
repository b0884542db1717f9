"""surprise(drift, noise) and its gradients, recorded by tracegrad at drift = 0.1, noise = 0.5."""

import math


def surprise(drift, noise):
    variance = 1.0 + drift  # (1)
    spread = variance + noise  # (2)
    total = 0.0 + math.log(spread) + 0.1521 / spread  # (3)
    gain = variance / spread  # (4)
    level = 0.0 + gain * 0.39  # (5)
    variance_2 = (1 - gain) * variance  # (6)
    variance_3 = variance_2 + drift  # (7)
    spread_2 = variance_3 + noise  # (8)
    error = 0.5 - level  # (9)
    total_2 = total + math.log(spread_2) + error**2 / spread_2  # (10)
    return total_2 / 2  # (14)


def surprise_backward(drift, noise):
    """The value of surprise and its gradients, by the chain rule from the last statement to the first."""
    variance = 1.0 + drift  # (1)
    spread = variance + noise  # (2)
    total_quotient = 0.1521 / spread
    total = 0.0 + math.log(spread) + total_quotient  # (3)
    gain = variance / spread  # (4)
    level = 0.0 + gain * 0.39  # (5)
    variance_2_difference = 1 - gain
    variance_2 = variance_2_difference * variance  # (6)
    variance_3 = variance_2 + drift  # (7)
    spread_2 = variance_3 + noise  # (8)
    error = 0.5 - level  # (9)
    total_2_quotient = error**2 / spread_2
    total_2 = total + math.log(spread_2) + total_2_quotient  # (10)
    value = total_2 / 2  # (14)

    # backprop return total / 2  (14)
    dtotal_2 = 0.5
    # backprop total = total + math.log(spread) + error**2 / spread  (10)
    derror = 2 * error * (1.0 / spread_2 * dtotal_2)
    dtotal = dtotal_2
    dspread_2 = -total_2_quotient / spread_2 * dtotal_2 + 1.0 / spread_2 * dtotal_2
    # backprop error = seen - level  (9)
    dlevel = -derror
    # backprop spread = variance + noise  (8)
    dvariance_3 = dspread_2
    dnoise = dspread_2
    # backprop variance = variance + drift  (7)
    dvariance_2 = dvariance_3
    ddrift = dvariance_3
    # backprop variance = (1 - gain) * variance  (6)
    dvariance = variance_2_difference * dvariance_2
    dgain = -variance * dvariance_2
    # backprop level = level + gain * error  (5)
    dgain += 0.39 * dlevel
    # backprop gain = variance / spread  (4)
    dvariance += 1.0 / spread * dgain
    dspread = -gain / spread * dgain
    # backprop total = total + math.log(spread) + error**2 / spread  (3)
    dspread += -total_quotient / spread * dtotal
    dspread += 1.0 / spread * dtotal
    # backprop spread = variance + noise  (2)
    dvariance += dspread
    dnoise += dspread
    # backprop variance = variance + drift  (1)
    ddrift += dvariance
    return value, {"drift": ddrift, "noise": dnoise}
