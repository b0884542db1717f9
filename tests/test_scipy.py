"""Functions of scipy: those of arrays by the same tests as numpy's, special functions also of single numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from array_cases import Case, numbers, signed, spd
from test_arrays import (
    test_document_holds_its_laws,
    test_gradient_against_differences,
    test_second_order_against_differences,
    test_single_precision_is_kept,
    test_value_is_that_of_the_plain_call,
)

import tracegrad as tg

special = pytest.importorskip("scipy.special")
linalg = pytest.importorskip("scipy.linalg")
stats = pytest.importorskip("scipy.stats")

A, C, S, V, B = numbers(0, 3, 4), signed(1, 3, 4), signed(2, 4, 4), numbers(3, 4), numbers(4, 4, 2)
HIGH = S + 4 * np.eye(4)

#: special functions, and where to take them
SPECIAL: dict[str, tuple[Any, ...]] = {
    "erf": (C,), "erfc": (C,), "erfcx": (C,), "erfi": (C,), "dawsn": (C,), "gamma": (A,), "gammaln": (A,),
    "psi": (A,), "expit": (C,), "logit": (A / 2,), "log_expit": (C,), "ndtr": (C,), "log_ndtr": (C,),
    "ndtri": (A / 2,), "erfinv": (C / 3,), "entr": (A,), "xlogy": (A, V), "xlog1py": (A, V), "beta": (A, V),
    "betaln": (A, V), "i0": (C,), "i1": (A,), "i0e": (A,), "j0": (A,), "j1": (A,), "y0": (A,), "k0": (A,), "k1": (A,),
    "exp10": (C / 3,), "rel_entr": (A, V), "kl_div": (A, V), "huber": (A, C), "pseudo_huber": (A, C), "exp1": (A,),
    "expi": (A,), "exprel": (C,), "spence": (A,), "owens_t": (A, V), "ellipk": (A / 2,), "ellipe": (A / 2,),
    "ellipkm1": (A / 2,), "ellipkinc": (A, V / 2), "ellipeinc": (A, V / 2), "rgamma": (A,), "gammasgn": (C,),
    "binom": (A + 3, V), "poch": (A, V), "k0e": (A,), "k1e": (A,), "boxcox": (A, V), "boxcox1p": (A, V),
    "powm1": (A, V), "wrightomega": (C,), "cosm1": (C,), "sindg": (C * 40,), "cosdg": (C * 40,), "tandg": (C * 20,),
}  # fmt: skip

#: methods of the normal distribution, and whether they are of a probability
NORMAL = {
    "pdf": False, "logpdf": False, "cdf": False, "logcdf": False, "sf": False, "logsf": False, "ppf": True, "isf": True,
}  # fmt: skip

CASES = [
    *(
        Case(
            f"norm.{name}",
            lambda x, loc, scale, name=name: getattr(stats.norm, name)(x, loc, scale=scale),
            (A / 2 if probability else C, V[0], V),
        )
        for name, probability in NORMAL.items()
    ),
    Case("frozen norm", lambda x, loc: stats.norm(loc, x[0, 0]).logpdf(x), (A, V)),
    *(Case(name, getattr(special, name), args) for name, args in SPECIAL.items()),
    *(
        Case(name, lambda x, name=name: getattr(special, name)(1.5, x), (A,))
        for name in (
            "jv", "yv", "iv", "kv", "kve", "gammainc", "gammaincc", "struve", "hyp0f1", "chdtr", "chdtrc", "stdtr",
        )
    ),
    *(
        Case(name, lambda x, name=name: getattr(special, name)(2, x), (A / 2,))
        for name in (
            "yn", "kn", "expn", "pdtr", "pdtrc", "gammaincinv", "gammainccinv", "stdtrit", "eval_legendre",
            "eval_chebyt", "eval_chebyu", "eval_hermite", "eval_hermitenorm", "eval_laguerre", "polygamma",
        )
    ),
    *(
        Case(name, lambda x, name=name: getattr(special, name)(1.5, 2.0, x), (A / 2,))
        for name in ("betainc", "betaincc", "betaincinv", "hyp1f1")
    ),
    Case("hyp2f1", lambda x: special.hyp2f1(1.5, 2.0, 1.7, x), (A / 2,)),
    Case("erf of complex numbers", lambda x: (special.erf(x + 1j * x**2) * special.erfc(1j * x)).imag, (A,)),
    Case("zeta", lambda x: special.zeta(2.5, x), (A,)),
    Case("eval_gegenbauer", lambda x: special.eval_gegenbauer(3, 0.7, x), (A / 2,)),
    Case("eval_genlaguerre", lambda x: special.eval_genlaguerre(3, 0.7, x), (A / 2,)),
    Case("multigammaln", lambda x: special.multigammaln(x + 1, 3), (A,)),
    Case("logsumexp weights", lambda x, b: special.logsumexp(x, axis=1, b=b), (A, V)),
    Case("logsumexp signs", lambda x, b: special.logsumexp(x, b=b, return_sign=True)[0], (A, C)),
    Case("logsumexp", lambda x: special.logsumexp(x, axis=1, keepdims=True), (C,)),
    Case("logsumexp of all", lambda x: special.logsumexp(x), (C,)),
    Case("softmax", lambda x: special.softmax(x, axis=0), (C,)),
    Case("log_softmax", lambda x: special.log_softmax(x, axis=1), (C,)),
    Case("solve", linalg.solve, (HIGH, B)),
    Case("solve vector", linalg.solve, (HIGH, V)),
    *(
        Case(f"solve {kind}", lambda a, b, k=kind, low=low: linalg.solve(a, b, assume_a=k, lower=low), (m, b))
        for kind, low, m, b in (("pos", False, spd(S), B), ("sym", True, S + S.T + np.diag([3, -4, 5, 6]), V))
    ),
    Case("eigh", lambda x: linalg.eigh(x)[0], (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("eigh upper", lambda x: linalg.eigh(x, lower=False)[1] ** 2, (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("eigvalsh", lambda x: linalg.eigvalsh(x), (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("svdvals", lambda x: linalg.svdvals(x), (C,)),
    Case("inv", linalg.inv, (HIGH,)),
    Case("det", linalg.det, (HIGH,)),
    Case("expm", lambda x: linalg.expm(x), (S / 2,)),
    Case("cholesky upper", lambda x: linalg.cholesky(spd(x)), (S,)),
    Case("cholesky lower", lambda x: linalg.cholesky(spd(x), lower=True), (S,)),
    Case("cholesky reads one triangle", lambda x: linalg.cholesky(x), (spd(S),)),
    *(
        Case(
            f"cho_solve {lower} {b.ndim}",
            lambda x, b, lower=lower: linalg.cho_solve(linalg.cho_factor(spd(x), lower), b),
            (S, b),
        )
        for lower in (False, True)
        for b in (V, B)
    ),
    *(
        Case(
            f"solve_triangular {trans} {lower} {unit}",
            lambda a, b, options=(trans, lower, unit): linalg.solve_triangular(a, b, *options),
            (HIGH, b),
        )
        for trans, lower, unit, b in (
            (0, False, False, B), (1, False, False, V), (0, True, True, V), ("T", True, False, B), (1, True, True, B),
        )
    ),
]  # fmt: skip

#: by the tests of arrays
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each
@pytest.mark.parametrize("law", [
    test_value_is_that_of_the_plain_call, test_gradient_against_differences, test_second_order_against_differences,
    test_document_holds_its_laws, test_single_precision_is_kept,
], ids=lambda law: law.__name__.removeprefix("test_"))  # fmt: skip
def test_functions_of_scipy(case: Case, law: Callable[[Case], None]) -> None:
    law(case)


for _law in [name for name in globals() if name.startswith("test_") and name != "test_functions_of_scipy"]:
    del globals()[_law]  # taken in above, and not to be collected twice


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions_of_single_numbers(name: str) -> None:
    function = getattr(special, name)
    args = tuple(float(np.ravel(arg)[0]) for arg in SPECIAL[name])
    t = tg.trace(lambda *args: function(*args), *args)
    assert t.value == function(*args)
    assert type(t.value) is type(function(*args))
    many = tg.elementwise_grad(function)(*map(np.array, args))
    assert math.isclose(tg.grad(function)(*args), float(many), rel_tol=1e-14)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_distribution_of_single_numbers(name: str) -> None:
    function = getattr(stats.norm, name)
    t = tg.trace(lambda x, loc: getattr(stats.norm, name)(x, loc) * 2, 0.3, 0.1)
    assert t.value == function(0.3, 0.1) * 2
    assert type(t.value) is type(function(0.3, 0.1) * 2)
    near = (function(0.3 + 1e-6, 0.1) - function(0.3 - 1e-6, 0.1)) / 1e-6
    assert math.isclose(t.gradients["x"], near, rel_tol=1e-7)
    assert name not in vars(type(stats.norm))


def test_a_traced_order_is_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="no derivative by its order"):
        tg.grad(lambda v: special.jv(v, 2.0))(1.5)
