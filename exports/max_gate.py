"""f(x, y, z, w) and its gradients, recorded by tracegrad at x = 3.0, y = -4.0, z = 2.0, w = -1.0."""


def _max_partials(out, x, y):
    """Local gradients of max: a tie: all to the one that Python returns, the first."""
    if x == out:
        return 1.0, 0.0
    if y == out:
        return 0.0, 1.0
    return 1.0, 0.0


def f(x, y, z, w):
    largest = max(z, w)  # (1)
    product = x * y  # (2)
    total = product + largest  # (3)
    return total * 2  # (4)


def f_backward(x, y, z, w):
    """The value of f and its gradients, by the chain rule from the last statement to the first."""
    largest = max(z, w)  # (1)
    product = x * y  # (2)
    total = product + largest  # (3)
    value = total * 2  # (4)

    # backprop return total * 2  (4)
    dtotal = 2.0
    # backprop total = product + largest  (3)
    dproduct = dtotal
    dlargest = dtotal
    # backprop product = x * y  (2)
    dx = y * dproduct
    dy = x * dproduct
    # backprop largest = max(z, w)  (1)
    largest_partials = _max_partials(largest, z, w)
    dz = largest_partials[0] * dlargest
    dw = largest_partials[1] * dlargest
    return value, {"x": dx, "y": dy, "z": dz, "w": dw}
