"""blackscholes: abstract classes, mixins, properties and dictionaries of Greeks."""

from blackscholes import BlackScholesCall, BlackScholesPut, BlackScholesStraddleLong
from corpus import Entry

PACKAGE = "blackscholes"
MARKET = (55.0, 50.0, 1.0, 0.0025, 0.15)

ENTRIES = [
    Entry("call price", lambda s, k, t, r, v: BlackScholesCall(s, k, t, r, v).price(), MARKET),
    Entry("put gamma", lambda s, k, t, r, v: BlackScholesPut(s, k, t, r, v).gamma(), MARKET),
    Entry("call ultima", lambda s, k, t, r, v: BlackScholesCall(s, k, t, r, v).ultima(), MARKET),
    Entry(
        "greeks",
        lambda s, v: BlackScholesCall(s, 50.0, 1.0, 0.0025, v).get_core_greeks()["theta"],
        (55.0, 0.15),
    ),
    Entry("straddle", lambda s, v: BlackScholesStraddleLong(s, 50.0, 1.0, 0.0025, v).price(), (55.0, 0.15)),
]
