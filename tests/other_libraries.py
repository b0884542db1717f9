"""A case of the tests on arrays, with the functions of another library in place of numpy's."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import array_cases
import numpy as np
from array_cases import CASES, Case

#: kinks and conventions at which libraries differ, and cases where they read a whole symmetric matrix
DIFFERENT = {
    *(case.name for case in CASES if "where {" in case.name),  # one takes no notice of where=
    "unique",  # another loses the gradient
    "unique counts",
    "unique_all",
    "intersect1d",
    "setxor1d",
    "arange",
    "r_",
    "union1d",
    "full_like of a constant",
    "var where",  # where= again
    "std where",
    "complex cholesky",  # another gives a number that differences deny
    "histogram density",  # gives no number
    "eigh upper",
    "eigh upper vectors",
    "eigvalsh upper",
    "max where",
    "min where",
    "prod initial",
    "cholesky lower",
    "prod with zero",
    "cumprod with zero",
    "norm inf",
    "full_like",
    "eigh values",
    "eigh vectors",
    "eigvalsh",
    "sign",
    "floor",
    "ceil",
    "rint",
    "trunc",
}


def translated(case: Case, others: Any) -> Callable[..., Any]:
    """The function of a case on another library's ``numpy``."""
    function = case.function
    for ours, theirs in ((np, others), (np.linalg, others.linalg)):
        name = getattr(function, "__name__", "")
        if isinstance(function, np.ufunc) or getattr(ours, name, None) is function:
            found: Callable[..., Any] = getattr(theirs, name)
            return found
    names = dict(vars(array_cases), np=others)
    return types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )


def weighted(case: Case, others: Any) -> Callable[..., Any]:
    """The same as a function with one number: the weighted sum that the tests take of ours."""
    function = translated(case, others)
    weights = np.random.default_rng(99).uniform(0.5, 1.5, np.shape(case.function(*case.args)))
    weights = weights.astype(np.asarray(case.args[0]).dtype)
    return lambda *args: others.sum(function(*args) * weights)


def other_gradient(grad: Callable[..., Any], others: Any, case: Case) -> Any:
    """The gradient of a case by another library's ``grad``; raises where that cannot."""
    return grad(weighted(case, others), tuple(range(len(case.args))))(*map(np.asarray, case.args))
