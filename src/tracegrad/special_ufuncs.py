"""Derivatives of the ufuncs of ``scipy.special``, by the order of which nothing is differentiated.

In: nothing but the rules' namespace ``m``; scipy itself, where it is loaded, serves rules that lead to other functions
of it.  Out: :data:`SPECIAL`, from ufunc to rules.

Source: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapters 5 to 19.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from tracegrad.errors import UnsupportedError
from tracegrad.row import Rule
from tracegrad.tape import refuse
from tracegrad.tracer import isinstance_tracer, plain


def _gaussian(m: Any, x: Any) -> Any:
    return m.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _scipy(name: str, *args: Any) -> Any:
    """A function of scipy, which is there where one of its rows is in use; a plain number as Python's."""
    found = getattr(sys.modules["scipy.special"], name)(*args)
    shape: tuple[int, ...] = getattr(found, "shape", ())
    return found if isinstance_tracer(found) or shape else float(found)


def _by_order(m: Any, out: Any, order: Any, *args: Any) -> Any:
    """The derivative by an order, which has no closed form."""
    at = order + 0.0  # raises where rules are only looked at, before there are numbers
    refuse(
        UnsupportedError(
            f"a function of scipy.special has no derivative by its order, which is traced here (it is {plain(at)}).  "
            "Wrap the order in tg.detach(...) if its gradient is not wanted"
        )
    )


def _exprel(m: Any, out: Any, x: Any) -> Any:
    """(eˣ - (eˣ - 1)/x) / x, by its series where that would cancel."""
    near = abs(x) < 1e-2
    series = 0.5 + x / 3.0 + x * x / 8.0 + x**3 / 30.0 + x**4 / 144.0 + x**5 / 840.0
    return m.where(near, series, (m.exp(x) - out) / m.where(near, 1.0, x))


def _amplitude(m: Any, phi: Any, k: Any) -> Any:
    return m.sqrt(1.0 - k * m.sin(phi) ** 2)


def _beta_density(m: Any, a: Any, b: Any, x: Any) -> Any:
    return m.exp((a - 1.0) * m.log(x) + (b - 1.0) * m.log1p(-x) - m.lgamma(a) - m.lgamma(b) + m.lgamma(a + b))


def _chi_square_density(m: Any, v: Any, x: Any) -> Any:
    return m.exp((v / 2.0 - 1.0) * m.log(x) - x / 2.0 - v / 2.0 * math.log(2.0) - m.lgamma(v / 2.0))


def _student_density(m: Any, v: Any, t: Any) -> Any:
    size = m.lgamma((v + 1.0) / 2.0) - m.lgamma(v / 2.0) - 0.5 * m.log(math.pi * v)
    return m.exp(size - (v + 1.0) / 2.0 * m.log1p(t * t / v))


def _by_exponent(m: Any, log: Any, out: Any, k: Any) -> Any:
    """d/dk (e^{kl} - 1)/k, with l the logarithm."""
    zero = k == 0
    safe = m.where(zero, 1.0, k)
    return m.where(zero, log * log / 2.0, ((1.0 + k * out) * log - out) / safe)


#: ufunc of scipy.special -> rules
SPECIAL: dict[str, tuple[Rule, ...]] = {
    "expit": (lambda m, out, x: out * (1.0 - out),),
    "logit": (lambda m, out, x: 1.0 / (x * (1.0 - x)),),
    "log_expit": (lambda m, out, x: 1.0 - m.exp(out),),
    "ndtr": (lambda m, out, x: _gaussian(m, x),),
    "log_ndtr": (lambda m, out, x: m.exp(-x * x / 2 - out) / math.sqrt(2 * math.pi),),
    "ndtri": (lambda m, out, x: math.sqrt(2 * math.pi) * m.exp(out * out / 2),),
    "erfinv": (lambda m, out, x: math.sqrt(math.pi) / 2 * m.exp(out * out),),
    "erfcinv": (lambda m, out, x: -math.sqrt(math.pi) / 2 * m.exp(out * out),),
    "entr": (lambda m, out, x: -1.0 - m.log(x),),
    "xlogy": (lambda m, out, x, y: m.log(m.where(x != 0, y, 1.0)), lambda m, out, x, y: x / y),
    "xlog1py": (lambda m, out, x, y: m.log1p(m.where(x != 0, y, 0.0)), lambda m, out, x, y: x / (1.0 + y)),
    "erfcx": (lambda m, out, x: 2.0 * x * out - 2.0 / math.sqrt(math.pi),),
    "erfi": (lambda m, out, x: 2.0 / math.sqrt(math.pi) * m.exp(x * x),),
    "dawsn": (lambda m, out, x: 1.0 - 2.0 * x * out,),
    "i0": (lambda m, out, x: _scipy("i1", x),),
    "i1": (lambda m, out, x: (_scipy("i0", x) + _scipy("iv", 2.0, x)) / 2.0,),
    "i0e": (lambda m, out, x: _scipy("i1e", x) - m.sign(x) * out,),
    "j0": (lambda m, out, x: -_scipy("j1", x),),
    "j1": (lambda m, out, x: (_scipy("j0", x) - _scipy("jv", 2.0, x)) / 2.0,),
    "y0": (lambda m, out, x: -_scipy("y1", x),),
    "y1": (lambda m, out, x: (_scipy("y0", x) - _scipy("yv", 2.0, x)) / 2.0,),
    "i1e": (lambda m, out, x: (_scipy("i0e", x) + _scipy("ive", 2.0, x)) / 2.0 - m.sign(x) * out,),
    "ive": (
        _by_order,
        lambda m, out, v, x: (_scipy("ive", v - 1.0, x) + _scipy("ive", v + 1.0, x)) / 2.0 - m.sign(x) * out,
    ),
    "k0": (lambda m, out, x: -_scipy("k1", x),),
    "k1": (lambda m, out, x: -(_scipy("k0", x) + _scipy("kv", 2.0, x)) / 2.0,),
    "jv": (_by_order, lambda m, out, v, x: (_scipy("jv", v - 1.0, x) - _scipy("jv", v + 1.0, x)) / 2.0),
    "yv": (_by_order, lambda m, out, v, x: (_scipy("yv", v - 1.0, x) - _scipy("yv", v + 1.0, x)) / 2.0),
    "iv": (_by_order, lambda m, out, v, x: (_scipy("iv", v - 1.0, x) + _scipy("iv", v + 1.0, x)) / 2.0),
    "kv": (_by_order, lambda m, out, v, x: -(_scipy("kv", v - 1.0, x) + _scipy("kv", v + 1.0, x)) / 2.0),
    "gammainc": (_by_order, lambda m, out, a, x: m.exp((a - 1.0) * m.log(x) - x - m.lgamma(a))),
    "gammaincc": (_by_order, lambda m, out, a, x: -m.exp((a - 1.0) * m.log(x) - x - m.lgamma(a))),
    "exp10": (lambda m, out, x: out * math.log(10.0),),
    "rel_entr": (lambda m, out, x, y: m.log(x / y) + 1.0, lambda m, out, x, y: -x / y),
    "kl_div": (lambda m, out, x, y: m.log(x / y), lambda m, out, x, y: 1.0 - x / y),
    "huber": (
        lambda m, out, delta, r: m.where(abs(r) <= delta, 0.0, abs(r) - delta),
        lambda m, out, delta, r: m.where(abs(r) <= delta, r, delta * m.sign(r)),
    ),
    "pseudo_huber": (
        lambda m, out, delta, r: 2.0 * out / delta - r * r / (delta * m.hypot(1.0, r / delta)),
        lambda m, out, delta, r: r / m.hypot(1.0, r / delta),
    ),
    "beta": (
        lambda m, out, a, b: out * (m.digamma(a) - m.digamma(a + b)),
        lambda m, out, a, b: out * (m.digamma(b) - m.digamma(a + b)),
    ),
    "betaln": (
        lambda m, out, a, b: m.digamma(a) - m.digamma(a + b),
        lambda m, out, a, b: m.digamma(b) - m.digamma(a + b),
    ),
    # integrals
    "exp1": (lambda m, out, x: -m.exp(-x) / x,),
    "expi": (lambda m, out, x: m.exp(x) / x,),
    "expn": (_by_order, lambda m, out, n, x: -_scipy("expn", n - 1, x)),
    "exprel": (_exprel,),
    "spence": (lambda m, out, x: m.log(x) / (1.0 - x),),
    "owens_t": (
        lambda m, out, h, a: -_gaussian(m, h) / 2.0 * m.erf(a * h / math.sqrt(2.0)),
        lambda m, out, h, a: m.exp(-h * h * (1.0 + a * a) / 2.0) / (2.0 * math.pi * (1.0 + a * a)),
    ),
    # elliptic
    "ellipk": (lambda m, out, x: (_scipy("ellipe", x) / (1.0 - x) - out) / (2.0 * x),),
    "ellipe": (lambda m, out, x: (out - _scipy("ellipk", x)) / (2.0 * x),),
    "ellipkm1": (lambda m, out, p: (out - _scipy("ellipe", 1.0 - p) / p) / (2.0 * (1.0 - p)),),
    "ellipkinc": (
        lambda m, out, phi, k: 1.0 / _amplitude(m, phi, k),
        lambda m, out, phi, k: (
            (
                _scipy("ellipeinc", phi, k) / (1.0 - k)
                - out
                - k * m.sin(2.0 * phi) / (2.0 * (1.0 - k) * _amplitude(m, phi, k))
            )
            / (2.0 * k)
        ),
    ),
    "ellipeinc": (
        lambda m, out, phi, k: _amplitude(m, phi, k),
        lambda m, out, phi, k: (out - _scipy("ellipkinc", phi, k)) / (2.0 * k),
    ),
    # gamma and its kin
    "rgamma": (lambda m, out, x: -out * m.digamma(x),),
    "gammasgn": (0.0,),
    "zeta": (_by_order, lambda m, out, x, q: -x * _scipy("zeta", x + 1.0, q)),
    "binom": (
        lambda m, out, n, k: out * (m.digamma(n + 1.0) - m.digamma(n - k + 1.0)),
        lambda m, out, n, k: out * (m.digamma(n - k + 1.0) - m.digamma(k + 1.0)),
    ),
    "poch": (
        lambda m, out, a, k: out * (m.digamma(a + k) - m.digamma(a)),
        lambda m, out, a, k: out * m.digamma(a + k),
    ),
    "gammaincinv": (_by_order, lambda m, out, a, y: m.exp(out + m.lgamma(a) - (a - 1.0) * m.log(out))),
    "gammainccinv": (_by_order, lambda m, out, a, y: -m.exp(out + m.lgamma(a) - (a - 1.0) * m.log(out))),
    "betainc": (_by_order, _by_order, lambda m, out, a, b, x: _beta_density(m, a, b, x)),
    "betaincc": (_by_order, _by_order, lambda m, out, a, b, x: -_beta_density(m, a, b, x)),
    "betaincinv": (_by_order, _by_order, lambda m, out, a, b, y: 1.0 / _beta_density(m, a, b, out)),
    # distributions
    "chdtr": (_by_order, lambda m, out, v, x: _chi_square_density(m, v, x)),
    "chdtrc": (_by_order, lambda m, out, v, x: -_chi_square_density(m, v, x)),
    "stdtr": (_by_order, lambda m, out, v, t: _student_density(m, v, t)),
    "stdtrit": (_by_order, lambda m, out, v, p: 1.0 / _student_density(m, v, out)),
    "pdtr": (_by_order, lambda m, out, k, x: -m.exp(k * m.log(x) - x - m.lgamma(k + 1.0))),
    "pdtrc": (_by_order, lambda m, out, k, x: m.exp(k * m.log(x) - x - m.lgamma(k + 1.0))),
    # Bessel functions
    "yn": (_by_order, lambda m, out, n, x: (_scipy("yv", n - 1.0, x) - _scipy("yv", n + 1.0, x)) / 2.0),
    "kn": (_by_order, lambda m, out, n, x: -(_scipy("kv", n - 1.0, x) + _scipy("kv", n + 1.0, x)) / 2.0),
    "k0e": (lambda m, out, x: out - _scipy("k1e", x),),
    "k1e": (lambda m, out, x: out - (_scipy("k0e", x) + _scipy("kve", 2.0, x)) / 2.0,),
    "kve": (
        _by_order,
        lambda m, out, v, x: out - (_scipy("kve", v - 1.0, x) + _scipy("kve", v + 1.0, x)) / 2.0,
    ),
    "struve": (_by_order, lambda m, out, v, x: _scipy("struve", v - 1.0, x) - v / x * out),
    # hypergeometric
    "hyp0f1": (_by_order, lambda m, out, v, x: _scipy("hyp0f1", v + 1.0, x) / v),
    "hyp1f1": (_by_order, _by_order, lambda m, out, a, b, x: a / b * _scipy("hyp1f1", a + 1.0, b + 1.0, x)),
    "hyp2f1": (
        _by_order,
        _by_order,
        _by_order,
        lambda m, out, a, b, c, x: a * b / c * _scipy("hyp2f1", a + 1.0, b + 1.0, c + 1.0, x),
    ),
    # polynomials
    "eval_legendre": (_by_order, lambda m, out, n, x: _scipy("eval_gegenbauer", n - 1, 1.5, x)),
    "eval_chebyt": (_by_order, lambda m, out, n, x: n * _scipy("eval_chebyu", n - 1, x)),
    "eval_chebyu": (_by_order, lambda m, out, n, x: 2.0 * _scipy("eval_gegenbauer", n - 1, 2.0, x)),
    "eval_gegenbauer": (
        _by_order,
        _by_order,
        lambda m, out, n, a, x: 2.0 * a * _scipy("eval_gegenbauer", n - 1, a + 1.0, x),
    ),
    "eval_hermite": (
        _by_order,
        lambda m, out, n, x: 2.0 * n * _scipy("eval_hermite", n - 1, x) if n else 0.0 * x,
    ),
    "eval_hermitenorm": (
        _by_order,
        lambda m, out, n, x: n * _scipy("eval_hermitenorm", n - 1, x) if n else 0.0 * x,
    ),
    "eval_laguerre": (_by_order, lambda m, out, n, x: -_scipy("eval_genlaguerre", n - 1, 1.0, x)),
    "eval_genlaguerre": (
        _by_order,
        _by_order,
        lambda m, out, n, a, x: -_scipy("eval_genlaguerre", n - 1, a + 1.0, x),
    ),
    # powers, angles
    "boxcox": (
        lambda m, out, x, k: x ** (k - 1.0),
        lambda m, out, x, k: _by_exponent(m, m.log(x), out, k),
    ),
    "boxcox1p": (
        lambda m, out, x, k: (1.0 + x) ** (k - 1.0),
        lambda m, out, x, k: _by_exponent(m, m.log1p(x), out, k),
    ),
    "powm1": (lambda m, out, x, y: y * x ** (y - 1.0), lambda m, out, x, y: (1.0 + out) * m.log(x)),
    "wrightomega": (lambda m, out, x: out / (1.0 + out),),
    "cosm1": (lambda m, out, x: -m.sin(x),),
    "sindg": (lambda m, out, x: _scipy("cosdg", x) * math.pi / 180.0,),
    "cosdg": (lambda m, out, x: -_scipy("sindg", x) * math.pi / 180.0,),
    "tandg": (lambda m, out, x: (1.0 + out * out) * math.pi / 180.0,),
}
