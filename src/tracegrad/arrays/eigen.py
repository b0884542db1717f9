"""Eigenvalues and eigenvectors of matrices that are not symmetric.

In: ``eig`` and ``eigvals`` of ``numpy.linalg``.  Out: their rows.  Eigenvalues must differ; where real ones meet and
turn complex there is no derivative.

An eigenvector is known up to a factor.  LAPACK gives it length 1 and makes its largest element real; the derivative is
that of these vectors: what changes their length, or turns that element, is taken out of it.

Source: M. Giles, Collected matrix derivative results for forward and reverse mode, 2008.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift
from tracegrad.arrays.complexes import is_complex
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.products import transposed
from tracegrad.arrays.table import composed
from tracegrad.row import Primitive, bind

LA = np.linalg
EigResult = namedtuple("EigResult", ["eigenvalues", "eigenvectors"])


def _values_back(g: Any, out: Any, a: Any) -> Any:
    """V⁻ᵀ G Vᵀ."""
    v = LA.eig(a)[1]
    return LA.solve(transposed(v), g[..., :, None] * transposed(v))


def _vectors_back(g: Any, out: Any, a: Any) -> Any:
    w = LA.eigvals(a)
    eye = np.eye(w.shape[-1], dtype=w.dtype)
    gaps = (1.0 - eye) / (w[..., None, :] - w[..., :, None] + eye)
    inner = gaps * np.matmul(transposed(out), _normalized(g, out))
    return LA.solve(transposed(out), np.matmul(inner, transposed(out)))


def _normalized(g: Any, v: Any) -> Any:
    """The upstream gradient by vectors as they change before they are made normal."""
    along = np.sum(g * v, axis=-2, keepdims=True)
    if not is_complex(v):
        return g - along * v
    size = np.abs(plain_array(v))
    largest = size == np.max(size, axis=-2, keepdims=True)
    turn = np.imag(along) / np.sum(np.where(largest, np.real(v), 0.0), axis=-2, keepdims=True)
    return g - np.real(along) * np.conjugate(v) - 1j * turn * largest


def _row(name: str, number: int, vjp: Any, label: str) -> Primitive:
    return Primitive(
        name=f"numpy.linalg.eig.{name}", forward=lambda a: LA.eig(a)[number], vjps=(vjp,), symbol=f"eig.{name}",
        maps=(label,), variadic=True, complex=True, python="", c="", numpy="",
    )  # fmt: skip


VALUES = _row("eigenvalues", 0, _values_back, "V⁻ᵀ G Vᵀ")
VECTORS = _row("eigenvectors", 1, _vectors_back, "V⁻ᵀ (F ∘ Vᵀ G) Vᵀ")
EIGVALS = Primitive(
    name="numpy.linalg.eigvals", forward=LA.eigvals, vjps=(_values_back,), symbol="eigvals", maps=("V⁻ᵀ G Vᵀ",),
    variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip


@composed(LA.eig)
def _eig(a: Any) -> Any:
    a = lift(a)
    return EigResult(bind(VALUES, a), bind(VECTORS, a))


@composed(LA.eigvals)
def _eigvals(a: Any) -> Any:
    return bind(EIGVALS, lift(a))
