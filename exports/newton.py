"""square_root(a) and its gradients, recorded by tracegrad at a = 2.0."""


def _require(outcome, recorded, where):
    """Stop where these numbers would take another path than the recorded one."""
    if outcome != recorded and (outcome == outcome or recorded == recorded):
        found = f"{where} gave {recorded!r} when this was recorded, now {outcome!r}"
        raise ValueError(f"{found}: trace it again")


def square_root(a):
    _require(
        abs(a * a - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess = (a + a / a) / 2  # (2)
    _require(
        abs(guess * guess - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_2 = (guess + a / guess) / 2  # (4)
    _require(
        abs(guess_2 * guess_2 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_3 = (guess_2 + a / guess_2) / 2  # (6)
    _require(
        abs(guess_3 * guess_3 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_4 = (guess_3 + a / guess_3) / 2  # (8)
    _require(
        abs(guess_4 * guess_4 - a) > 1e-09,
        False,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    return guess_4


def square_root_backward(a):
    """The value of square_root and its gradients, by the chain rule from the last statement to the first."""
    _require(
        abs(a * a - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_quotient = a / a
    guess = (a + guess_quotient) / 2  # (2)
    _require(
        abs(guess * guess - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_2_quotient = a / guess
    guess_2 = (guess + guess_2_quotient) / 2  # (4)
    _require(
        abs(guess_2 * guess_2 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_3_quotient = a / guess_2
    guess_3 = (guess_2 + guess_3_quotient) / 2  # (6)
    _require(
        abs(guess_3 * guess_3 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_4_quotient = a / guess_3
    guess_4 = (guess_3 + guess_4_quotient) / 2  # (8)
    _require(
        abs(guess_4 * guess_4 - a) > 1e-09,
        False,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )

    # backprop guess = (guess + a / guess) / 2  (8)
    dguess_3 = 0.5
    da = 0.5 * (1.0 / guess_3)
    dguess_3 += -0.5 * (guess_4_quotient / guess_3)
    # backprop guess = (guess + a / guess) / 2  (6)
    dguess_3_sum = 0.5 * dguess_3
    dguess_2 = dguess_3_sum
    da += 1.0 / guess_2 * dguess_3_sum
    dguess_2 += -guess_3_quotient / guess_2 * dguess_3_sum
    # backprop guess = (guess + a / guess) / 2  (4)
    dguess_2_sum = 0.5 * dguess_2
    dguess = dguess_2_sum
    da += 1.0 / guess * dguess_2_sum
    dguess += -guess_2_quotient / guess * dguess_2_sum
    # backprop guess = (guess + a / guess) / 2  (2)
    dguess_sum = 0.5 * dguess
    da += dguess_sum
    da += 1.0 / a * dguess_sum
    da += -guess_quotient / a * dguess_sum
    return guess_4, {"a": da}
