"""f(x, y) and its gradients, recorded by tracegrad at x = 3, y = -4."""

import math


def f(x, y):
    sigy = 1.0 / (1 + math.exp(-y))  # (1)
    num = x + sigy  # (2)
    sigx = 1.0 / (1 + math.exp(-x))  # (3)
    xpy = x + y  # (4)
    xpysqr = xpy**2  # (5)
    den = sigx + xpysqr  # (6)
    invden = 1.0 / den  # (7)
    return num * invden  # (8)


def f_backward(x, y):
    """The value of f and its gradients, by the chain rule from the last statement to the first."""
    sigy_exp = math.exp(-y)
    sigy_sum = 1 + sigy_exp
    sigy = 1.0 / sigy_sum  # (1)
    num = x + sigy  # (2)
    sigx_exp = math.exp(-x)
    sigx_sum = 1 + sigx_exp
    sigx = 1.0 / sigx_sum  # (3)
    xpy = x + y  # (4)
    xpysqr = xpy**2  # (5)
    den = sigx + xpysqr  # (6)
    invden = 1.0 / den  # (7)
    value = num * invden  # (8)

    # backprop return num * invden  (8)
    dnum = invden
    dinvden = num
    # backprop invden = 1.0 / den  (7)
    dden = -invden / den * dinvden
    # backprop den = sigx + xpysqr  (6)
    dsigx = dden
    dxpysqr = dden
    # backprop xpysqr = xpy**2  (5)
    dxpy = 2 * xpy * dxpysqr
    # backprop xpy = x + y  (4)
    dx = dxpy
    dy = dxpy
    # backprop sigx = 1.0 / (1 + math.exp(-x))  (3)
    dx += sigx_exp * (sigx / sigx_sum * dsigx)
    # backprop num = x + sigy  (2)
    dx += dnum
    dsigy = dnum
    # backprop sigy = 1.0 / (1 + math.exp(-y))  (1)
    dy += sigy_exp * (sigy / sigy_sum * dsigy)
    return value, {"x": dx, "y": dy}
