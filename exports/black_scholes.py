"""call_price(spot, strike, rate, volatility, years) and its gradients, recorded by tracegrad."""

import math


def call_price(spot, strike, rate, volatility, years):
    spread = volatility * math.sqrt(years)  # (1)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread  # (2)
    d2 = d1 - spread  # (3)
    present = strike * math.exp(-rate * years)  # (4)
    normal_cdf = (1 + math.erf(d1 / 1.4142135623730951)) / 2  # (5)
    normal_cdf_2 = (1 + math.erf(d2 / 1.4142135623730951)) / 2  # (7)
    return spot * normal_cdf - present * normal_cdf_2  # (6)


def call_price_backward(spot, strike, rate, volatility, years):
    """The value of call_price and its gradients, by the chain rule from the last statement to the first."""
    spread_sqrt = math.sqrt(years)
    spread = volatility * spread_sqrt  # (1)
    d1_quotient = spot / strike
    d1_sum = rate + volatility**2 / 2
    d1 = (math.log(d1_quotient) + d1_sum * years) / spread  # (2)
    d2 = d1 - spread  # (3)
    present_exp = math.exp(-rate * years)
    present = strike * present_exp  # (4)
    normal_cdf_quotient = d1 / 1.4142135623730951
    normal_cdf = (1 + math.erf(normal_cdf_quotient)) / 2  # (5)
    normal_cdf_2_quotient = d2 / 1.4142135623730951
    normal_cdf_2 = (1 + math.erf(normal_cdf_2_quotient)) / 2  # (7)
    value = spot * normal_cdf - present * normal_cdf_2  # (6)

    # backprop return spot * normal_cdf(d1) - present * normal_cdf(d2)  (6)
    dpresent = -normal_cdf_2
    # backprop return (1 + math.erf(x / math.sqrt(2))) / 2  (7)
    dnormal_cdf_2_erf = -0.5 * present
    dnormal_cdf_2_quotient = (
        1.1283791670955126
        * math.exp(-(normal_cdf_2_quotient * normal_cdf_2_quotient))
        * dnormal_cdf_2_erf
    )
    dd2 = 0.7071067811865475 * dnormal_cdf_2_quotient
    # backprop return spot * normal_cdf(d1) - present * normal_cdf(d2)  (6)
    dspot = normal_cdf
    # backprop return (1 + math.erf(x / math.sqrt(2))) / 2  (5)
    dnormal_cdf_erf = 0.5 * spot
    dnormal_cdf_quotient = (
        1.1283791670955126
        * math.exp(-(normal_cdf_quotient * normal_cdf_quotient))
        * dnormal_cdf_erf
    )
    dd1 = 0.7071067811865475 * dnormal_cdf_quotient
    # backprop present = strike * math.exp(-rate * years)  (4)
    dstrike = present_exp * dpresent
    dpresent_product = present_exp * (strike * dpresent)
    dyears = -rate * dpresent_product
    drate = -years * dpresent_product
    # backprop d2 = d1 - spread  (3)
    dd1 += dd2
    dspread = -dd2
    # backprop d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread  (2)
    dd1_sum_2 = 1.0 / spread * dd1
    dspread += -d1 / spread * dd1
    dd1_sum = years * dd1_sum_2
    dyears += d1_sum * dd1_sum_2
    drate += dd1_sum
    dvolatility = 2 * volatility * (0.5 * dd1_sum)
    dd1_quotient = 1.0 / d1_quotient * dd1_sum_2
    dspot += 1.0 / strike * dd1_quotient
    dstrike += -d1_quotient / strike * dd1_quotient
    # backprop spread = volatility * math.sqrt(years)  (1)
    dvolatility += spread_sqrt * dspread
    dyears += 0.5 / spread_sqrt * (volatility * dspread)
    return value, {
        "spot": dspot,
        "strike": dstrike,
        "rate": drate,
        "volatility": dvolatility,
        "years": dyears,
    }
