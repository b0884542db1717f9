"""Complex numbers inside of a function of real ones: real and imaginary parts, modulus, angle, conjugate.

In: arrays that are complex, and rows that meet them.  Out: :func:`row_of_complex`, the row to apply then.  Read the
convention first.

The adjoint of z = a + ib in L is

    dL/da − i dL/db,

twice the derivative ∂L/∂z of Wirtinger's calculus, as autograd and JAX have it.  L changes by the real part of
adjoint × dz, so that an analytic operation keeps its formula: flow = local gradient × upstream, and the transpose of a
linear map, nothing conjugated.  Rows for which this holds are marked ``complex``; the operations here are not analytic
and have formulas of their own, which follow from L's two real derivatives.  Any other row refuses complex operands.  A
real operand gets the real part of a flow (:func:`~tracegrad.arrays.fit.fit`).

Source: W. Wirtinger, Zur formalen Theorie der Funktionen von mehr komplexen Veränderlichen, Mathematische Annalen 97,
1927; K. Kreutz-Delgado, The Complex Gradient Operator and the CR-Calculus, 2009.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import lift
from tracegrad.arrays.table import bare, composed, row, unsupported
from tracegrad.row import Primitive, Rule, bind


def is_complex(value: Any) -> bool:
    """Whether a number or an array, traced or not, is complex."""
    return type(value) is complex or getattr(getattr(value, "dtype", None), "kind", "f") == "c"


@row(np.real, lambda g, out, z: g, symbol="Re", maps=("G",), complex=True)
def REAL(val: Any) -> Any:
    return np.real(val)


@row(np.imag, lambda g, out, z: np.multiply(-1j, g), symbol="Im", maps=("−i G",), complex=True)
def IMAG(val: Any) -> Any:
    return np.imag(val)


def toward(z: Any, size: Any) -> Any:
    """conj(z) / |z|, and 0 at the origin."""
    origin = size == 0
    return np.where(origin, 0.0, np.conjugate(z) / np.where(origin, 1.0, size))


def _conjugate(z: Any) -> Any:
    return np.conjugate(z)


CONJUGATE = Primitive(
    name="numpy.conjugate", forward=_conjugate, vjps=(lambda g, out, z: np.conjugate(g),), symbol="conj",
    maps=("conj G",), variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip
MODULUS = Primitive(
    name="numpy.absolute", forward=np.absolute, rules=(lambda m, out, z: toward(z, out),), symbol="|z|",
    kink="0 at 0", complex=True, python="", c="", numpy="",
)  # fmt: skip
ANGLE = Primitive(
    name="numpy.angle", forward=lambda z, deg: np.angle(z, deg),
    rules=(lambda m, out, z, deg: (np.rad2deg(1.0) if deg else 1.0) * -1j / z,), symbol="arg", params=("deg",),
    kink="not finite at 0", complex=True, python="", c="", numpy="",
)  # fmt: skip

#: inverse functions with a root in their formula, by the result: on a branch cut that tells its sides apart
INVERSE: dict[str, Rule] = {
    "arcsin": lambda m, out, z: 1.0 / m.cos(out),
    "arccos": lambda m, out, z: -1.0 / m.sin(out),
    "arcsinh": lambda m, out, z: 1.0 / m.cosh(out),
    "arccosh": lambda m, out, z: 1.0 / m.sinh(out),
}


def _inverse(name: str) -> Primitive:
    return Primitive(
        name=f"numpy.{name}", forward=getattr(np, name), rules=(INVERSE[name],), symbol=name, complex=True, python="",
        c="", numpy="",
    )  # fmt: skip


#: rows with another formula, or none of theirs, for complex operands
_INSTEAD = {
    "abs": MODULUS,
    "numpy.absolute": MODULUS,
    **{f"numpy.{name}": _inverse(name) for name in INVERSE},
    "numpy.conjugate": CONJUGATE,
}


def row_of_complex(row: Primitive, args: tuple[Any, ...]) -> Primitive:
    """The row to apply on a tape that has complex values; an error where none holds for the operands."""
    if row.step or not any(map(is_complex, args)):
        return row
    found = _INSTEAD.get(row.name, row)
    if not found.complex:
        raise unsupported(f"{row.name} of complex numbers")
    return found


@composed(np.real)
def real(val: Any) -> Any:
    val = lift(val)
    return bind(REAL, val) if is_complex(val) else val


@composed(np.imag)
def imag(val: Any) -> Any:
    val = lift(val)
    return bind(IMAG, val) if is_complex(val) else np.imag(bare(val))


@composed(np.angle)
def _angle(z: Any, deg: Any = False) -> Any:
    z = lift(z)
    if is_complex(z):
        return bind(ANGLE, z, deg)
    angle = np.arctan2(0, z)
    return angle * (180 / np.pi) if deg else angle


@composed(np.real_if_close)
def _real_if_close(a: Any, tol: Any = 100) -> Any:
    if is_complex(a):
        raise unsupported(
            "numpy.real_if_close of complex numbers, whose result depends on how large they are,"
        )
    return a
