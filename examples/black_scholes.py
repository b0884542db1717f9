"""The price of a call option and, from one backward pass, its Greeks.

The gradient by `spot` is delta, by `volatility` vega, by `rate` rho, and by `years` minus theta.  The helper is called
twice, and each call is a box of its own in the picture.

Source of the formula: F. Black and M. Scholes, The Pricing of Options and Corporate Liabilities, 1973.
"""

import math

import tracegrad as tg


def normal_cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


@tg.traced
def call_price(spot, strike, rate, volatility, years):
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    present = strike * math.exp(-rate * years)
    return spot * normal_cdf(d1) - present * normal_cdf(d2)


t = call_price.trace(spot=100.0, strike=105.0, rate=0.03, volatility=0.2, years=0.5)

if __name__ == "__main__":
    print(t)
    for greek, name in {"delta": "spot", "vega": "volatility", "rho": "rate"}.items():
        print(f"{greek:6} {t.gradients[name]:.6f}")
    t.save("black_scholes.svg")
