"""neuron(w, x) and its gradients, recorded by tracegrad at w = 2.0, x = -1.0."""

import math


def neuron(w, x):
    z = w * x  # (1)
    value_0_exp = math.exp(-z)
    value_0_sum = 1 + value_0_exp
    value_0 = 1 / value_0_sum  # (2)
    dz = -(value_0_exp * -(value_0 / value_0_sum))  # (3)
    dw = x * dz
    dx = w * dz  # (4)
    return (value_0, {"w": dw, "x": dx})


def neuron_backward(w, x, seeds=(1.0, 0.0, 0.0)):
    """The value of neuron and its gradients, by the chain rule from the last statement to the first."""
    z = w * x  # (1)
    value_0_exp = math.exp(-z)
    value_0_sum = 1 + value_0_exp
    value_0 = 1 / value_0_sum  # (2)
    dz_quotient = value_0 / value_0_sum
    dz = -(value_0_exp * -dz_quotient)  # (3)
    dw = x * dz
    dx = w * dz  # (4)

    dvalue_0 = seeds[0]
    ddw = seeds[1]
    ddx = seeds[2]
    # backprop backward of z = w * x  (4)
    d_w = dz * ddx
    d_x = dz * ddw
    ddz = w * ddx + x * ddw
    # backprop backward of return 1 / (1 + math.exp(-z))  (3)
    dvalue_0_exp = dz_quotient * ddz
    ddz_quotient = value_0_exp * ddz
    dvalue_0 += 1.0 / value_0_sum * ddz_quotient
    dvalue_0_sum = -dz_quotient / value_0_sum * ddz_quotient
    # backprop return 1 / (1 + math.exp(-z))  (2)
    dvalue_0_sum += -value_0 / value_0_sum * dvalue_0
    dvalue_0_exp += dvalue_0_sum
    d_z = -value_0_exp * dvalue_0_exp
    # backprop z = w * x  (1)
    d_w += x * d_z
    d_x += w * d_z
    return (value_0, {"w": dw, "x": dx}), {"w": d_w, "x": d_x}
