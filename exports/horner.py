"""polynomial(x, c) and its gradients, recorded by tracegrad."""


def polynomial(x, c):
    value = 0.0
    for k in range(7):
        value = value * x + c[k]  # (1)
    return value


def polynomial_backward(x, c):
    """The value of polynomial and its gradients, by the chain rule from the last statement to the first.

    Sums start with -0.0: what is added to it stays as it is, to the sign of a zero.
    """
    value = 0.0
    stack = []
    for k in range(7):
        stack.append((k, value))
        value = value * x + c[k]  # (1)
    value_final = value

    dc = [-0.0] * 7
    dvalue_next = 1.0
    dx = -0.0
    for k, value in reversed(stack):
        # backprop value = value * x + coefficient  (1)
        dc[k] += dvalue_next
        dvalue = x * dvalue_next
        dx += value * dvalue_next
        dvalue_next = dvalue
    return value_final, {"x": dx, "c": dc}
