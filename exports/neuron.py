"""neuron(w, x) and its gradients, recorded by tracegrad."""

import math


def neuron(w, x):
    w_0 = w[0]
    w_1 = w[1]
    w_2 = w[2]
    x_0 = x[0]
    x_1 = x[1]
    dot = w_0 * x_0 + w_1 * x_1 + w_2  # (1)
    return 1.0 / (1 + math.exp(-dot))  # (2)


def neuron_backward(w, x):
    """The value of neuron and its gradients, by the chain rule from the last statement to the first."""
    w_0 = w[0]
    w_1 = w[1]
    w_2 = w[2]
    x_0 = x[0]
    x_1 = x[1]
    dot = w_0 * x_0 + w_1 * x_1 + w_2  # (1)
    value_exp = math.exp(-dot)
    value_sum = 1 + value_exp
    value = 1.0 / value_sum  # (2)

    # backprop return 1.0 / (1 + math.exp(-dot))  (2)
    ddot = value_exp * (value / value_sum)
    # backprop dot = w[0] * x[0] + w[1] * x[1] + w[2]  (1)
    dw_2 = ddot
    dw_1 = x_1 * ddot
    dx_1 = w_1 * ddot
    dw_0 = x_0 * ddot
    dx_0 = w_0 * ddot
    return value, {"w": [dw_0, dw_1, dw_2], "x": [dx_0, dx_1]}
