"""network(weights, biases) and its gradients, recorded by tracegrad."""

import math


def network(weights, biases):
    x = 0.6
    y = -0.3
    for k in range(8):
        x_next = math.tanh(weights[k][0] * x + weights[k][1] * y + biases[k][0])
        y = math.tanh(weights[k][2] * x + weights[k][3] * y + biases[k][1])  # (1)
        x = x_next
    return x_next * y  # (2)


def network_backward(weights, biases):
    """The value of network and its gradients, by the chain rule from the last statement to the first.

    Sums start with -0.0: what is added to it stays as it is, to the sign of a zero.
    """
    x = 0.6
    y = -0.3
    stack = []
    for k in range(8):
        y_sum = weights[k][0] * x + weights[k][1] * y + biases[k][0]
        x_next = math.tanh(y_sum)
        y_sum_2 = weights[k][2] * x + weights[k][3] * y + biases[k][1]
        stack.append((k, x, y, y_sum, y_sum_2))
        y = math.tanh(y_sum_2)  # (1)
        x = x_next
    value = x_next * y  # (2)

    dweights = [[-0.0] * 4 for _ in range(8)]
    dbiases = [[-0.0] * 2 for _ in range(8)]
    # backprop return x * y  (2)
    dx = y
    dy = x_next
    for k, x, y, y_sum, y_sum_2 in reversed(stack):
        # backprop x, y = math.tanh(wxx * x + wxy * y + bx), math.tanh(wyx * x + wyy * y + by)  (1)
        dy_sum_2 = (1.0 / math.cosh(y_sum_2)) ** 2 * dy
        dbiases[k][1] += dy_sum_2
        dweights[k][3] += y * dy_sum_2
        dweights[k][2] += x * dy_sum_2
        dy_sum = (1.0 / math.cosh(y_sum)) ** 2 * dx
        dbiases[k][0] += dy_sum
        dweights[k][1] += y * dy_sum
        dy = weights[k][3] * dy_sum_2 + weights[k][1] * dy_sum
        dweights[k][0] += x * dy_sum
        dx = weights[k][2] * dy_sum_2 + weights[k][0] * dy_sum
    return value, {"weights": dweights, "biases": dbiases}
