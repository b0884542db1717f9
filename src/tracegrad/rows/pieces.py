"""Functions with kinks, and those that take a float to pieces."""

from __future__ import annotations

import sys

# names, not attributes of math: these are replaced while a trace is open
from math import frexp, modf, nextafter
from typing import Any

from tracegrad import special
from tracegrad.row import OFF_STEPS, POSITIVE, REAL, math_row, row


def _turns(m: Any, out: Any, x: Any, y: Any) -> Any:
    """-n where out = x - n y: how often y went into x."""
    return m.round_digits((out - x) / y, 0)


row(
    "sign",
    special.sign,
    0.0,
    domain=(POSITIVE,),
    kink="0 everywhere",
    python="tracegrad.special.sign({args})",
    c="tg_sign({args})",
)
math_row(
    "copysign",
    lambda m, out, x, y: m.copysign(1.0, x) * m.copysign(1.0, y),
    0.0,
    domain=(POSITIVE, POSITIVE),
    kink="±1 by agreement of the signs, also at 0; 0 for the sign's giver",
)
math_row("fmod", 1.0, _turns, domain=OFF_STEPS, kink="(1, -trunc(x/y)) also at the jumps")
math_row(
    "remainder",
    1.0,
    _turns,
    domain=OFF_STEPS,
    kink="(1, -n) with n the nearest whole number to x/y, also at the jumps",
    numpy="({0} - {1} * np.round({0} / {1}))",
)
math_row("nextafter", 1.0, 0.0, domain=(POSITIVE, POSITIVE), kink="the step itself counts as constant")
if sys.version_info >= (3, 12):
    row(
        "nextafter_steps",
        lambda x, y, steps: nextafter(x, y, steps=steps),
        1.0,
        0.0,
        symbol="nextafter",
        domain=(POSITIVE, POSITIVE),
        params=("steps",),
        kink="the steps themselves count as constant",
        python="math.nextafter({args}, steps={steps})",
        c="",
        numpy="",
    )
math_row(
    "ulp",
    0.0,
    domain=((1.1, 1.9),),
    kink="0 everywhere",
    c="(nextafter(fabs({args}), INFINITY) - fabs({args}))",
    numpy="np.spacing(np.abs({args}))",
)
math_row(
    "ldexp",
    lambda m, out, x, i: m.ldexp(1.0, i),
    symbol="×2^{i}",
    domain=(REAL,),
    params=("i",),
    python="math.ldexp({args}, {i})",
    c="ldexp({args}, {i})",
    numpy="np.ldexp({args}, {i})",
)
row(
    "frexp_mantissa",
    lambda x: frexp(x)[0],
    lambda m, out, x: m.ldexp(1.0, -m.frexp_exponent(x)),
    domain=((4.1, 7.9),),
    kink="the exponent counts as constant",
    python="math.frexp({args})[0]",
    c="tg_frexp_mantissa({args})",
    numpy="np.frexp({args})[0]",
)
row(
    "modf_fraction",
    lambda x: modf(x)[0],
    1.0,
    domain=((3.1, 3.9),),
    kink="1 also at the jumps",
    python="math.modf({args})[0]",
    c="fmod({args}, 1.0)",
    numpy="np.modf({args})[0]",
)
row(
    "modf_whole",
    lambda x: modf(x)[1],
    0.0,
    domain=((3.1, 3.9),),
    kink="0 everywhere",
    python="math.modf({args})[1]",
    c="trunc({args})",
    numpy="np.modf({args})[1]",
)
