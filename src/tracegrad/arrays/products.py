"""Products: matmul, dot, tensordot, einsum, and what is composed of them.

In: functions of numpy that contract axes.  Out: their rows.  Read :func:`_matmul_left` first: what returns along one
factor is the upstream gradient times the other one, transposed.
"""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from tracegrad.arrays.build import as_array, lift
from tracegrad.arrays.complexes import is_complex
from tracegrad.arrays.table import HANDLERS, axis_of, composed, gate, row, unsupported
from tracegrad.row import Primitive, bind

BOTH = ("G Bᵀ", "Aᵀ G")


def transposed(x: Any) -> Any:
    """The matrices in the last two axes, transposed."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


def _matmul_left(g: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g * b if a.ndim == 1 else g[..., None] * b
    if a.ndim == 1:
        return np.matmul(b, g) if b.ndim == 2 else np.matmul(b, g[..., None])[..., 0]
    return np.matmul(g, transposed(b))


def _matmul_right(g: Any, out: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return g[..., None] * a
    return np.matmul(transposed(a), g)


@row(np.matmul, _matmul_left, _matmul_right, symbol="@", maps=BOTH, complex=True)
def MATMUL(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


def _column(g: Any) -> Any:
    """An upstream gradient along the axis that went away; of two vectors it is one number."""
    return g[..., None] if getattr(g, "ndim", 0) else g


def _vecdot_left(g: Any, out: Any, a: Any, b: Any) -> Any:
    return np.conjugate(_column(g) * b) if is_complex(a) else _column(g) * b


def _vecdot_right(g: Any, out: Any, a: Any, b: Any) -> Any:
    return _column(g) * np.conjugate(a)


VECDOT = Primitive(
    name="numpy.vecdot", forward=lambda a, b: np.vecdot(a, b), vjps=(_vecdot_left, _vecdot_right),
    symbol="·", maps=("G b", "G a"), variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip


MATVEC = Primitive(
    name="numpy.matvec", forward=lambda a, x: np.matvec(a, x),
    vjps=(lambda g, out, a, x: g[..., None] * x[..., None, :],
          lambda g, out, a, x: np.matmul(transposed(a), g[..., None])[..., 0]),
    symbol="@", maps=("G xᵀ", "Aᵀ G"), variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip


def _vecmat_left(g: Any, out: Any, x: Any, a: Any) -> Any:
    flow = np.matmul(a, g[..., None])[..., 0]
    return np.conjugate(flow) if is_complex(x) else flow


VECMAT = Primitive(
    name="numpy.vecmat", forward=lambda x, a: np.vecmat(x, a),
    vjps=(_vecmat_left, lambda g, out, x, a: np.conjugate(x)[..., :, None] * g[..., None, :]),
    symbol="@", maps=("A G", "x Gᵀ"), variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip


def _contraction(a: Any, b: Any) -> Any:
    """The axes that ``np.dot`` sums over."""
    return (a.ndim - 1,), (max(b.ndim - 2, 0),)


def _dot_left(g: Any, out: Any, a: Any, b: Any) -> Any:
    return (_matmul_left if a.ndim <= 2 >= b.ndim else _tensor_left)(g, out, a, b, *_axes_if_many(a, b))


def _dot_right(g: Any, out: Any, a: Any, b: Any) -> Any:
    return (_matmul_right if a.ndim <= 2 >= b.ndim else _tensor_right)(g, out, a, b, *_axes_if_many(a, b))


def _axes_if_many(a: Any, b: Any) -> tuple[Any, ...]:
    return () if a.ndim <= 2 >= b.ndim else (_contraction(a, b),)


def _back(
    g: Any, other: Any, free: int, axes: Any, other_axes: Any, shape: tuple[int, ...], left: bool
) -> Any:
    """The gradient of one factor of a tensor product: its axes in the order in which tensordot leaves them."""
    other_free = [axis for axis in range(other.ndim) if axis not in other_axes]
    if left:
        flow = np.tensordot(g, other, (list(range(free, np.ndim(g))), other_free))
    else:
        flow = np.tensordot(g, other, (list(range(len(other_free))), other_free))
    own_free = [axis for axis in range(len(shape)) if axis not in axes]
    # tensordot leaves the axes of the other factor in its order
    order = [*own_free, *(axes[int(k)] for k in np.argsort(other_axes))]
    return np.transpose(flow, np.argsort(order))


def _tensor_left(g: Any, out: Any, a: Any, b: Any, axes: Any) -> Any:
    return _back(g, b, a.ndim - len(axes[0]), axes[0], axes[1], a.shape, True)


def _tensor_right(g: Any, out: Any, a: Any, b: Any, axes: Any) -> Any:
    return _back(g, a, b.ndim - len(axes[1]), axes[1], axes[0], b.shape, False)


@row(np.dot, _dot_left, _dot_right, symbol="·", maps=BOTH, complex=True)
def DOT(a: Any, b: Any) -> Any:
    return np.dot(a, b)


def _scaled(a: Any, b: Any) -> Any:
    """A number times an array; where BLAS does that for numpy, with its rows one after the other in memory."""
    found = np.multiply(a, b)
    by_blas = 0 < found.ndim <= 2 and found.dtype.char in "fdFD"
    return np.copy(found, "C") if by_blas and not found.flags.c_contiguous else found


@composed(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        raise unsupported("numpy.dot with out")
    a, b = lift(a), lift(b)
    if not (hasattr(a, "ndim") and hasattr(b, "ndim")):
        a, b = as_array(a), as_array(b)
    return bind(DOT, a, b) if a.ndim and b.ndim else _scaled(a, b)


@row(np.tensordot, _tensor_left, _tensor_right, symbol="⊗", maps=BOTH, complex=True)
def TENSORDOT(a: Any, b: Any, axes: Any = 2) -> Any:
    return np.tensordot(a, b, axes)


@composed(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(a), as_array(b)
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    pairs = [
        tuple(axis_of(one, array.ndim) for one in (np.atleast_1d(axis)))
        for axis, array in zip(axes, (a, b), strict=True)
    ]
    return bind(TENSORDOT, a, b, tuple(pairs))


@composed(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = lift(a), lift(b)
    if not (hasattr(a, "ndim") and hasattr(b, "ndim")):
        a, b = as_array(a), as_array(b)
    return bind(INNER, a, b) if a.ndim and b.ndim else _scaled(a, b)


@row(
    np.inner,
    lambda g, out, a, b: _tensor_left(g, out, a, b, ((a.ndim - 1,), (b.ndim - 1,))),
    lambda g, out, a, b: _tensor_right(g, out, a, b, ((a.ndim - 1,), (b.ndim - 1,))),
    symbol="·",
    maps=BOTH,
    complex=True,
)
def INNER(a: Any, b: Any) -> Any:
    return np.inner(a, b)


HANDLERS[np.inner] = _inner


@row(np.vdot, _vecdot_left, _vecdot_right, symbol="·", maps=("G b", "G a"), complex=True)
def VDOT(a: Any, b: Any) -> Any:
    return np.vdot(a, b)


@composed(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return bind(VDOT, np.reshape(lift(a), -1), np.reshape(lift(b), -1))


@composed(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        raise unsupported("numpy.outer with out")
    return np.multiply(np.reshape(lift(a), (-1, 1)), np.reshape(lift(b), (1, -1)))


@composed(np.kron)
def _kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    a = np.reshape(a, (1,) * (ndim - a.ndim) + a.shape)
    b = np.reshape(b, (1,) * (ndim - b.ndim) + b.shape)
    wide = np.expand_dims(a, tuple(range(1, 2 * ndim, 2))) * np.expand_dims(b, tuple(range(0, 2 * ndim, 2)))
    return np.reshape(wide, tuple(m * n for m, n in zip(a.shape, b.shape, strict=True)))


@row(
    np.cross,
    lambda g, out, a, b: np.cross(b, g),
    lambda g, out, a, b: np.cross(g, a),
    symbol="×",
    maps=("B × G", "G × A"),
    complex=True,
)
def CROSS(a: Any, b: Any) -> Any:
    return np.cross(a, b)


@composed(np.cross)
def _cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = (np.moveaxis(lift(one), place, -1) for one, place in ((a, axisa), (b, axisb)))
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise unsupported("numpy.cross of vectors that have not three elements")
    found = bind(CROSS, a, b)
    return found if axisc in (-1, found.ndim - 1) else np.moveaxis(found, -1, axisc)


# ---- einsum -----------------------------------------------------------------------------------------


def _einsum_flows(g: Any, out: Any, *args: Any) -> list[Any]:
    """What returns along a factor: the same sum with the upstream gradient in its place."""
    *factors, subscripts, _ = args
    inputs, result = subscripts.split("->")
    terms = inputs.split(",")
    flows = []
    for k, (term, factor) in enumerate(zip(terms, factors, strict=True)):
        others = [(t, f) for i, (t, f) in enumerate(zip(terms, factors, strict=True)) if i != k]
        known = set(result).union(*(t for t, _ in others))
        alone = "".join(label for label in dict.fromkeys(term) if label not in known)
        ones = np.ones([factor.shape[term.index(label)] for label in alone], dtype=out.dtype)
        names = [result, *(t for t, _ in others), alone]
        distinct = "".join(dict.fromkeys(term))
        flow = np.einsum(",".join(names) + "->" + distinct, g, *(f for _, f in others), ones)
        flows.append(flow if distinct == term else _on_diagonal(flow, distinct, term, factor.shape))
    return flows


def _on_diagonal(flow: Any, distinct: str, term: str, shape: tuple[int, ...]) -> Any:
    """A factor with a label twice is used on its diagonal only."""
    index = np.indices(flow.shape) if flow.ndim else ()
    places = tuple(index[distinct.index(label)] for label in term)
    from tracegrad.arrays.indexing import scatter

    return scatter(flow, places, shape)


@gate("numpy.einsum", _einsum_flows, "subscripts", "optimize", symbol="einsum", label="the other factors")
def EINSUM(*args: Any) -> Any:
    return np.einsum(args[-2], *args[:-2], optimize=args[-1])


def _in_letters(args: Any) -> tuple[Any, ...]:
    """Factors with a list of numbers after each, as subscripts in letters and the factors."""
    result = args[-1] if len(args) % 2 else None
    terms = [*args[1 : len(args) // 2 * 2 : 2], *([] if result is None else [result])]
    texts = ["".join("..." if one is ... else ascii_letters[26 + one if one < 26 else one - 26] for one in term)
             for term in terms]  # fmt: skip
    inputs = ",".join(texts[: len(args) // 2])
    return (inputs if result is None else f"{inputs}->{texts[-1]}", *args[: len(args) // 2 * 2 : 2])


def _einsum(subscripts: Any, *factors: Any, optimize: Any = False, **options: Any) -> Any:
    if any(options.get(name) not in (None, default) for name, default in _EINSUM_OPTIONS.items()):
        raise unsupported(f"numpy.einsum with {', '.join(options)}")
    if not isinstance(subscripts, str):
        subscripts, *factors = _in_letters((subscripts, *factors))  # type: ignore[assignment]
    text = subscripts.replace(" ", "")
    factors = tuple(map(lift, factors))
    if "..." in text:
        text = _without_ellipsis(text, factors)
    if "->" not in text:
        labels = text.replace(",", "")
        text += "->" + "".join(sorted(label for label in set(labels) if labels.count(label) == 1))
    return bind(EINSUM, *factors, text, optimize)


_EINSUM_OPTIONS = {"dtype": None, "order": "K", "casting": "safe"}


def _without_ellipsis(text: str, factors: Any) -> str:
    """The subscripts with letters for ``...``; axes of length 1 that are broadcast are refused."""
    inputs, arrow, result = text.partition("->")
    free = [letter for letter in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if letter not in text]
    terms, longest = [], 0
    for term, factor in zip(inputs.split(","), factors, strict=True):
        many = factor.ndim - len(term.replace("...", "")) if "..." in term else 0
        longest = max(longest, many)
        terms.append(term.replace("...", "".join(free[:many][::-1])))
    if not arrow:
        labels = inputs.replace(",", "").replace(".", "")
        result = "..." + "".join(sorted(label for label in set(labels) if labels.count(label) == 1))
    lengths: dict[str, int] = {}
    for term, factor in zip(terms, factors, strict=True):
        for label, length in zip(term, factor.shape, strict=True):
            if lengths.setdefault(label, length) != length:
                raise unsupported("numpy.einsum that broadcasts an axis")
    return ",".join(terms) + "->" + result.replace("...", "".join(free[:longest][::-1]))


HANDLERS[np.einsum] = _einsum
