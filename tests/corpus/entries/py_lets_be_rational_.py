"""py_lets_be_rational: implied volatility; module constants, branches, functions behind a jit decorator."""

from corpus import Entry
from py_lets_be_rational import black, implied_volatility_from_a_transformed_rational_guess, normalised_vega

PACKAGE = "py_lets_be_rational"


def implied(price, forward):
    """The volatility that gives a price."""
    return implied_volatility_from_a_transformed_rational_guess(price, forward, 100.0, 0.5, 1.0)


ENTRIES = [
    Entry("black", lambda f, k, v, t: black(f, k, v, t, 1.0), (100.0, 105.0, 0.2, 0.5)),
    Entry("normalised_vega", normalised_vega, (-0.05, 0.14)),
    Entry("implied volatility", implied, (5.9, 101.0)),
]
