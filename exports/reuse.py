"""f(x) and its gradients, recorded by tracegrad at x = 3.0."""


def f(x):
    return x * x + x  # (1)


def f_backward(x):
    """The value of f and its gradients, by the chain rule from the last statement to the first."""
    value = x * x + x  # (1)

    # backprop return x * x + x  (1)
    dx = 1.0 + x + x
    return value, {"x": dx}
