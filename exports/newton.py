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
    guess_2 = (a + a / a) / 2  # (2)
    _require(
        abs(guess_2 * guess_2 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_3 = (guess_2 + a / guess_2) / 2  # (4)
    _require(
        abs(guess_3 * guess_3 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_4 = (guess_3 + a / guess_3) / 2  # (6)
    _require(
        abs(guess_4 * guess_4 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_5 = (guess_4 + a / guess_4) / 2  # (8)
    _require(
        abs(guess_5 * guess_5 - a) > 1e-09,
        False,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    return guess_5


def square_root_backward(a):
    """The value of square_root and its gradients, by the chain rule from the last statement to the first."""
    _require(
        abs(a * a - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_2_quotient = a / a
    guess_2 = (a + guess_2_quotient) / 2  # (2)
    _require(
        abs(guess_2 * guess_2 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_3_quotient = a / guess_2
    guess_3 = (guess_2 + guess_3_quotient) / 2  # (4)
    _require(
        abs(guess_3 * guess_3 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_4_quotient = a / guess_3
    guess_4 = (guess_3 + guess_4_quotient) / 2  # (6)
    _require(
        abs(guess_4 * guess_4 - a) > 1e-09,
        True,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )
    guess_5_quotient = a / guess_4
    guess_5 = (guess_4 + guess_5_quotient) / 2  # (8)
    _require(
        abs(guess_5 * guess_5 - a) > 1e-09,
        False,
        "examples/newton.py:14: abs(guess * guess - a) > 1e-9",
    )

    # backprop guess = (guess + a / guess) / 2  (8)
    da = 0.5 * (1.0 / guess_4)
    dguess_4 = 0.5 - 0.5 * (guess_5_quotient / guess_4)
    # backprop guess = (guess + a / guess) / 2  (6)
    dguess_4_sum = 0.5 * dguess_4
    da += 1.0 / guess_3 * dguess_4_sum
    dguess_3 = dguess_4_sum - guess_4_quotient / guess_3 * dguess_4_sum
    # backprop guess = (guess + a / guess) / 2  (4)
    dguess_3_sum = 0.5 * dguess_3
    da += 1.0 / guess_2 * dguess_3_sum
    dguess_2 = dguess_3_sum - guess_3_quotient / guess_2 * dguess_3_sum
    # backprop guess = (guess + a / guess) / 2  (2)
    dguess_2_sum = 0.5 * dguess_2
    da += dguess_2_sum
    da += 1.0 / a * dguess_2_sum
    da += -guess_2_quotient / a * dguess_2_sum
    return guess_5, {"a": da}
