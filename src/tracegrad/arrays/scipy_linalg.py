"""Functions of ``scipy.linalg``: solve, triangular and Cholesky solutions, inv, det, expm, eigh, svdvals.

In: scipy, once the user's code has loaded it.  Out: their rows, and :func:`patches`, for scipy asks no tracer.
Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode, 2008; N. Higham, Functions of
Matrices, 2008, theorem 3.6 (the derivative of the exponential is a block of another exponential).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from tracegrad.arrays.build import lift
from tracegrad.arrays.linalg import (
    cholesky_back,
    cofactors,
    eigenvalues_back,
    eigenvectors_back,
    of_triangle,
    singular_back,
)
from tracegrad.arrays.products import transposed
from tracegrad.arrays.stand_ins import patches_of
from tracegrad.arrays.table import composed, row, unsupported
from tracegrad.row import Primitive, bind


def _outer(back: Any, out: Any) -> Any:
    """G xᵀ, of vectors too."""
    return np.matmul(back[:, None], out[None, :]) if out.ndim == 1 else np.matmul(back, transposed(out))


@row(
    linalg.solve,
    lambda g, out, a, b: -_outer(np.linalg.solve(transposed(a), g), out),
    lambda g, out, a, b: np.linalg.solve(transposed(a), g),
    maps=("−A⁻ᵀ G xᵀ", "A⁻ᵀ G"),
)
def SOLVE(a: Any, b: Any) -> Any:
    return linalg.solve(a, b)


def _symmetric(a: Any, b: Any, assume_a: Any, lower: Any) -> Any:
    return linalg.solve(a, b, assume_a=assume_a, lower=lower)


def _symmetric_left(g: Any, out: Any, a: Any, b: Any, assume_a: Any, lower: Any) -> Any:
    return of_triangle(-_outer(_symmetric(a, g, assume_a, lower), out), "L" if lower else "U")


#: of a symmetric matrix one triangle is read
SYMMETRIC = Primitive(
    name="scipy.linalg.solve", forward=_symmetric,
    vjps=(_symmetric_left, lambda g, out, a, b, assume_a, lower: _symmetric(a, g, assume_a, lower)),
    params=("assume_a", "lower"), symbol="solve", maps=("−A⁻¹ G xᵀ", "A⁻¹ G"), variadic=True, python="", c="", numpy="",
)  # fmt: skip


@composed(linalg.solve)
def _solve(
    a: Any, b: Any, lower: Any = False, overwrite_a: Any = False, overwrite_b: Any = False, check_finite: Any = True,
    assume_a: Any = None, transposed: Any = False,
) -> Any:  # fmt: skip
    if transposed or assume_a not in (None, "gen", "general", "pos", "positive definite", "sym", "symmetric"):
        raise unsupported("scipy.linalg.solve of a transposed matrix, or of this kind")
    a, b = lift(a), lift(b)
    return (
        bind(SOLVE, a, b) if assume_a in (None, "gen", "general") else bind(SYMMETRIC, a, b, assume_a, lower)
    )


def _part(name: str, number: int, vjp: Any, label: str) -> Primitive:
    def forward(a: Any, lower: Any, only: Any) -> Any:
        found = linalg.eigh(a, lower=lower, eigvals_only=only)
        return found if only else found[number]

    return Primitive(
        name=f"scipy.linalg.eigh.{name}", forward=forward, vjps=(vjp,), params=("lower", "only"), symbol=f"eigh.{name}",
        maps=(label,), variadic=True, python="", c="", numpy="",
    )  # fmt: skip


EIGENVALUES = _part(
    "eigenvalues",
    0,
    lambda g, out, a, lower, only: eigenvalues_back(g, out, a, "L" if lower else "U"),
    "V G Vᵀ",
)
EIGENVECTORS = _part(
    "eigenvectors", 1, lambda g, out, a, lower, only: eigenvectors_back(g, out, a, "L" if lower else "U"), ""
)


@composed(linalg.eigh)
def _eigh(
    a: Any, b: Any = None, lower: Any = True, eigvals_only: Any = False, overwrite_a: Any = False,
    overwrite_b: Any = False, type: Any = 1, check_finite: Any = True, subset_by_index: Any = None,
    subset_by_value: Any = None, driver: Any = None,
) -> Any:  # fmt: skip
    if any(one is not None for one in (b, subset_by_index, subset_by_value, driver)):
        raise unsupported("scipy.linalg.eigh of two matrices, of a part, or by a driver")
    a = lift(a)
    values = bind(EIGENVALUES, a, lower, eigvals_only)
    return values if eigvals_only else (values, bind(EIGENVECTORS, a, lower, False))


@composed(linalg.eigvalsh)
def _eigvalsh(a: Any, b: Any = None, lower: Any = True) -> Any:
    return linalg.eigh(a, b, lower=lower, eigvals_only=True)


@row(linalg.svdvals, lambda g, out, a: singular_back(g, out, a), maps=("U G Vᵀ",))
def SVDVALS(a: Any) -> Any:
    return linalg.svdvals(a)


@row(
    linalg.inv,
    lambda g, out, a: -np.matmul(np.matmul(transposed(out), g), transposed(out)),
    maps=("−A⁻ᵀ G A⁻ᵀ",),
)
def INV(a: Any) -> Any:
    return linalg.inv(a)


@row(linalg.det, lambda g, out, a: g * cofactors(out, a), maps=("G det(A) A⁻ᵀ",))
def DET(a: Any) -> Any:
    return linalg.det(a)


# ---- triangles --------------------------------------------------------------------------------------


def _triangle(x: Any, lower: Any, unit: Any = False) -> Any:
    """The part of a matrix that a triangular function reads."""
    return np.tril(x, -1 if unit else 0) if lower else np.triu(x, 1 if unit else 0)


def _triangular_right(g: Any, out: Any, a: Any, b: Any, trans: Any, lower: Any, unit_diagonal: Any) -> Any:
    return linalg.solve_triangular(a, g, 0 if trans else 1, lower, unit_diagonal)


def _triangular_left(g: Any, out: Any, a: Any, b: Any, trans: Any, lower: Any, unit_diagonal: Any) -> Any:
    back = _triangular_right(g, out, a, b, trans, lower, unit_diagonal)
    flow = _outer(out, back) if trans else _outer(back, out)
    return -_triangle(flow, lower, unit_diagonal)


@row(
    linalg.solve_triangular,
    _triangular_left,
    _triangular_right,
    maps=("−A⁻ᵀ G xᵀ", "A⁻ᵀ G"),
)
def SOLVE_TRIANGULAR(a: Any, b: Any, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False) -> Any:
    return linalg.solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal)


@composed(linalg.solve_triangular)
def _solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False, overwrite_b: Any = False,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    if trans not in (0, 1, "N", "T"):
        raise unsupported(f"scipy.linalg.solve_triangular with trans={trans!r}")
    return bind(SOLVE_TRIANGULAR, lift(a), lift(b), int(trans in (1, "T")), lower, unit_diagonal)


def _factor_back(g: Any, out: Any, a: Any, lower: Any) -> Any:
    if lower:
        return cholesky_back(np.tril(g), np.tril(out), a)
    return transposed(cholesky_back(np.tril(transposed(g)), np.tril(transposed(out)), a))


@row(linalg.cholesky, _factor_back, maps=("L⁻ᵀ Φ(Lᵀ G) L⁻¹",))
def CHOLESKY(a: Any, lower: Any = False) -> Any:
    return linalg.cholesky(a, lower)


def _unclean_back(g: Any, out: Any, a: Any, lower: Any) -> Any:
    """As for cholesky; the other triangle of the result is that of the argument."""
    return _factor_back(g, out, a, lower) + (np.triu(g, 1) if lower else np.tril(g, -1))


@row(linalg.cho_factor, _unclean_back, maps=("L⁻ᵀ Φ(Lᵀ G) L⁻¹",))
def CHO_FACTOR(a: Any, lower: Any = False) -> Any:
    return linalg.cho_factor(a, lower)[0]


@composed(linalg.cho_factor)
def _cho_factor(a: Any, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    return bind(CHO_FACTOR, lift(a), lower), lower


def _cho_left(g: Any, out: Any, c: Any, b: Any, lower: Any) -> Any:
    """Of A = L Lᵀ: that by A, times L from the right, twice."""
    flow = -_outer(linalg.cho_solve((c, lower), g), out)
    both = flow + transposed(flow)
    factor = _triangle(c, lower)
    return _triangle(np.matmul(both, factor) if lower else np.matmul(factor, both), lower)


@row(
    linalg.cho_solve,
    _cho_left,
    lambda g, out, c, b, lower: linalg.cho_solve((c, lower), g),
    maps=("−A⁻¹ G xᵀ L", "A⁻¹ G"),
)
def CHO_SOLVE(c: Any, b: Any, lower: Any = False) -> Any:
    return linalg.cho_solve((c, lower), b)


@composed(linalg.cho_solve)
def _cho_solve(c_and_lower: Any, b: Any, overwrite_b: Any = False, check_finite: Any = True) -> Any:
    c, lower = c_and_lower
    return bind(CHO_SOLVE, lift(c), lift(b), lower)


# ---- exponential ------------------------------------------------------------------------------------


def _exponential_back(g: Any, out: Any, a: Any) -> Any:
    n = a.shape[-1]
    wide = np.concatenate(
        [
            np.concatenate([transposed(a), g], axis=-1),
            np.concatenate([np.zeros_like(out), transposed(a)], axis=-1),
        ],
        axis=-2,
    )
    return linalg.expm(wide)[..., :n, n:]


@row(linalg.expm, _exponential_back, maps=("∫ eᵗᴬᵀ G e⁽¹⁻ᵗ⁾ᴬᵀ dt",))
def EXPM(A: Any) -> Any:
    return linalg.expm(A)


def patches() -> Any:
    return patches_of(
        linalg,
        (
            "solve", "inv", "det", "solve_triangular", "cholesky", "cho_factor", "cho_solve", "expm", "eigh",
            "eigvalsh", "svdvals",
        ),
    )  # fmt: skip
