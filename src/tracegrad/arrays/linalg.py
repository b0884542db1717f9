"""Linear algebra: solve, inv, det, slogdet, cholesky, eigh, svd, qr, pinv, lstsq, matrix_power.

In: functions of ``numpy.linalg``.  Out: their rows.  A function with several results has a row for each of them.
Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode, 2008; J. Townsend, Differentiating
the singular value decomposition, 2016; G. Golub and V. Pereyra, The differentiation of pseudo-inverses, 1973.

``cholesky`` and ``eigh`` read the lower triangle only; so the gradient is that by the lower triangle.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift
from tracegrad.arrays.complexes import is_complex
from tracegrad.arrays.elementwise import plain_array
from tracegrad.arrays.fit import shape_of
from tracegrad.arrays.products import transposed
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import HANDLERS, composed, row, unsupported
from tracegrad.row import Primitive, bind
from tracegrad.tracer import isinstance_tracer

LA = np.linalg


def _part(
    function: Any,
    number: int,
    name: str,
    vjp: Any,
    *params: str,
    maps: tuple[str, ...] = (),
    complex: bool = False,
) -> Primitive:
    """A row for one result of a function that has several."""

    def forward(*args: Any) -> Any:
        return function(*args)[number]

    return Primitive(
        name=f"numpy.linalg.{function.__name__}.{name}", forward=forward, vjps=(vjp,), params=params,
        symbol=f"{function.__name__}.{name}", maps=maps, variadic=True, complex=complex, python="", c="", numpy="",
    )  # fmt: skip


def _diagonal_of(x: Any) -> Any:
    """Vectors as diagonal matrices."""
    return x[..., None] * np.eye(x.shape[-1], dtype=x.dtype)


def _matrices(x: Any) -> Any:
    """Numbers, one for each matrix, in a shape to multiply these with."""
    return np.reshape(x, (*shape_of(x), 1, 1))


def _column(x: Any, vector: bool) -> Any:
    return x[..., None] if vector else x


def of_triangle(s: Any, UPLO: str = "L") -> Any:
    """The gradient by the triangle that is read of a Hermitian matrix, the lower or the upper one.

    Of the diagonal the real part is read.
    """
    both = s + _conjugated(transposed(s))
    triangle = np.tril(both, -1) if UPLO.upper() == "L" else np.triu(both, 1)
    return triangle + 0.5 * both * np.eye(s.shape[-1], dtype=np.real(plain_array(s)).dtype)


def _conjugated(x: Any) -> Any:
    return np.conjugate(x) if is_complex(x) else x


def _inverse(a: Any) -> Any:
    """The inverse in a derivative: nan where there is none, for the plain function does not complain of that."""
    try:
        return LA.inv(a)
    except LA.LinAlgError:
        return a * np.nan


def _solution(a: Any, b: Any) -> Any:
    """The solution of equations in a derivative, likewise."""
    try:
        return LA.solve(a, b)
    except LA.LinAlgError:
        return b * np.nan


# ---- systems of equations ---------------------------------------------------------------------------


def _solve_left(g: Any, out: Any, a: Any, b: Any) -> Any:
    vector = b.ndim == 1
    back = _column(_solve_right(g, out, a, b), vector)
    return -np.matmul(back, transposed(_column(out, vector)))


def _solve_right(g: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1 and a.ndim > 2:
        return LA.solve(transposed(a), g[..., None])[..., 0]
    return LA.solve(transposed(a), g)


@row(LA.solve, _solve_left, _solve_right, maps=("−A⁻ᵀ G xᵀ", "A⁻ᵀ G"), complex=True)
def SOLVE(a: Any, b: Any) -> Any:
    return LA.solve(a, b)


@row(
    LA.inv,
    lambda g, out, a: -np.matmul(np.matmul(transposed(out), g), transposed(out)),
    maps=("−A⁻ᵀ G A⁻ᵀ",),
    complex=True,
)
def INV(a: Any) -> Any:
    return LA.inv(a)


def cofactors(out: Any, a: Any) -> Any:
    """d det(A) / dA, also where A is singular."""
    if isinstance_tracer(a) and not np.all(LA.cond(plain_array(a)) < _REGULAR):
        return _by_minors(a)
    try:
        return _matrices(out) * transposed(LA.inv(a)) if np.all(plain_array(out) != 0) else _by_svd(a)
    except LA.LinAlgError:
        return _by_svd(a)


#: beyond this condition the derivatives of A⁻¹ det(A) have too few digits: terms in its square cancel
_REGULAR = 1e4


def _by_minors(a: Any) -> Any:
    """The cofactors one by one, which have derivatives of every order whatever the rank."""
    size = a.shape[-1]
    if size == 1:
        return np.ones(a.shape)
    kept = np.array([np.delete(np.arange(size), k) for k in range(size)])
    signs = (-1.0) ** np.add.outer(np.arange(size), np.arange(size))
    return signs * LA.det(a[..., kept[:, None, :, None], kept[None, :, None, :]])


def _by_svd(a: Any) -> Any:
    if is_complex(a):
        raise unsupported("the derivative of numpy.linalg.det of a complex matrix that is singular")
    u, s, vh = LA.svd(a)
    others = [np.prod(np.delete(s, k, axis=-1), axis=-1) for k in range(s.shape[-1])]
    signs = LA.det(plain_array(u)) * LA.det(plain_array(vh))
    return _matrices(signs) * np.matmul(u * np.stack(others, axis=-1)[..., None, :], vh)


@row(LA.det, lambda g, out, a: _matrices(g) * cofactors(out, a), maps=("G det(A) A⁻ᵀ",), complex=True)
def DET(a: Any) -> Any:
    return LA.det(a)


@composed(LA.det)
def _det(a: Any) -> Any:
    return bind(DET, lift(a))


LOGABSDET = _part(
    LA.slogdet, 1, "logabsdet", lambda g, out, a: _matrices(g) * transposed(_inverse(a)),
    maps=("G A⁻ᵀ",), complex=True,
)  # fmt: skip
PHASE = _part(
    LA.slogdet, 0, "sign", lambda g, out, a: 1j * _matrices(np.imag(g * out)) * transposed(_inverse(a)),
    maps=("i Im(G s) A⁻ᵀ",), complex=True,
)  # fmt: skip
SlogdetResult = namedtuple("SlogdetResult", ["sign", "logabsdet"])


@composed(LA.slogdet)
def _slogdet(a: Any) -> Any:
    a = lift(a)
    sign = bind(PHASE, a) if is_complex(a) else guard(_sign_of_det, a)
    return SlogdetResult(sign, bind(LOGABSDET, a))


def _sign_of_det(a: Any) -> Any:
    return LA.slogdet(a)[0]


def _pinv_back(g: Any, p: Any, a: Any) -> Any:
    pt, gt = transposed(p), transposed(g)
    left = np.eye(a.shape[-2], dtype=p.dtype) - np.matmul(a, p)
    right = np.eye(a.shape[-1], dtype=p.dtype) - np.matmul(p, a)
    return (
        -np.matmul(np.matmul(pt, g), pt)
        + np.matmul(np.matmul(left, gt), np.matmul(p, pt))
        + np.matmul(np.matmul(pt, p), np.matmul(gt, right))
    )


@row(LA.pinv, lambda g, out, a, rcond, hermitian: _pinv_back(g, out, a))
def PINV(a: Any, rcond: Any = np._NoValue, hermitian: Any = False) -> Any:
    return LA.pinv(a, hermitian=hermitian) if rcond is np._NoValue else LA.pinv(a, rcond, hermitian)


def _lstsq_left(g: Any, out: Any, a: Any, b: Any, rcond: Any) -> Any:
    vector = b.ndim == 1
    return _pinv_back(np.matmul(_column(g, vector), transposed(_column(b, vector))), LA.pinv(a), a)


def _lstsq_right(g: Any, out: Any, a: Any, b: Any, rcond: Any) -> Any:
    return np.matmul(transposed(LA.pinv(a)), g)


@row(LA.lstsq, _lstsq_left, _lstsq_right)
def LSTSQ(a: Any, b: Any, rcond: Any = None) -> Any:
    return LA.lstsq(a, b, rcond)[0]


def _residuals_back(g: Any, a: Any, b: Any, rcond: Any) -> Any:
    """2 r g, with the rests r of the equations: what returns along b."""
    if shape_of(g) == (0,):
        return np.zeros_like(b)
    return 2.0 * g * (b - np.matmul(a, LA.lstsq(a, b, rcond)[0]))


def _residuals_left(g: Any, out: Any, a: Any, b: Any, rcond: Any) -> Any:
    vector, solution = b.ndim == 1, LA.lstsq(a, b, rcond)[0]
    back = _column(_residuals_back(g, a, b, rcond), vector)
    return -np.matmul(back, transposed(_column(solution, vector)))


RESIDUALS = Primitive(
    name="numpy.linalg.lstsq.residuals", forward=lambda a, b, rcond: LA.lstsq(a, b, rcond)[1],
    vjps=(_residuals_left, lambda g, out, a, b, rcond: _residuals_back(g, a, b, rcond)), params=("rcond",),
    symbol="lstsq.residuals", maps=("−2 r G xᵀ", "2 r G"), variadic=True, python="", c="", numpy="",
)  # fmt: skip


@composed(LA.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = lift(a), lift(b)
    rank = guard(_rank, a, b, rcond)
    return bind(LSTSQ, a, b, rcond), bind(RESIDUALS, a, b, rcond), rank, bind(SINGULAR, a)


def _rank(a: Any, b: Any, rcond: Any) -> Any:
    return LA.lstsq(a, b, rcond)[2]


@composed(LA.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    if n < 0:
        a, n = LA.inv(a), -n
    if n == 3:
        return np.matmul(np.matmul(a, a), a)
    square = result = None
    while n > 0:
        square = a if square is None else np.matmul(square, square)
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else np.matmul(result, square)
    return result


# ---- decompositions ---------------------------------------------------------------------------------


def cholesky_back(g: Any, out: Any, a: Any) -> Any:
    inner = np.tril(np.matmul(transposed(out), g))
    inner = inner - 0.5 * inner * np.eye(a.shape[-1], dtype=out.dtype)
    half = LA.solve(transposed(out), inner)
    return of_triangle(transposed(LA.solve(_conjugated(transposed(out)), transposed(half))))


@row(LA.cholesky, cholesky_back, maps=("L⁻ᵀ Φ(Lᵀ G) L⁻¹",), complex=True)
def CHOLESKY(a: Any) -> Any:
    return LA.cholesky(a)


@composed(LA.cholesky)
def _cholesky(a: Any, /, *, upper: Any = False) -> Any:
    a = lift(a)
    return _conjugated(transposed(bind(CHOLESKY, _conjugated(transposed(a))))) if upper else bind(CHOLESKY, a)


def _gaps(w: Any) -> Any:
    """1 / (w_j - w_i), and 0 on the diagonal."""
    eye = np.eye(w.shape[-1], dtype=w.dtype)
    return (1.0 - eye) / (w[..., None, :] - w[..., :, None] + eye)


def eigenvalues_back(g: Any, out: Any, a: Any, UPLO: Any) -> Any:
    v = LA.eigh(a, UPLO)[1]
    return of_triangle(np.matmul(_conjugated(v) * g[..., None, :], transposed(v)), UPLO)


def eigenvectors_back(g: Any, out: Any, a: Any, UPLO: Any) -> Any:
    w = LA.eigvalsh(a, UPLO)
    _refuse_phases(g, out)
    inner = _gaps(w) * np.matmul(transposed(out), g)
    s = np.matmul(np.matmul(_conjugated(out), inner), transposed(out))
    return of_triangle(0.5 * (s + _conjugated(transposed(s))), UPLO)


def _refuse_phases(g: Any, v: Any) -> None:
    """Refuse a function of the phases of complex vectors, which are whatever LAPACK has made them."""
    if is_complex(v):
        g, v = plain_array(g), plain_array(v)
        turn = np.abs(np.sum(g * v, axis=-2).imag)
        if bool(np.any(turn > np.sqrt(np.finfo(v.dtype).eps) * np.maximum(LA.norm(g, axis=-2), 1.0))):
            raise unsupported(
                "the derivative of a function of the phases of numpy.linalg.eigh's complex vectors"
            )


EIGENVALUES = _part(LA.eigh, 0, "eigenvalues", eigenvalues_back, "UPLO", maps=("conj V G Vᵀ",), complex=True)
EIGENVECTORS = _part(LA.eigh, 1, "eigenvectors", eigenvectors_back, "UPLO", complex=True)
EighResult = namedtuple("EighResult", ["eigenvalues", "eigenvectors"])


@composed(LA.eigh)
def _eigh(a: Any, UPLO: Any = "L") -> Any:
    a = lift(a)
    return EighResult(bind(EIGENVALUES, a, UPLO), bind(EIGENVECTORS, a, UPLO))


@row(LA.eigvalsh, eigenvalues_back, maps=("conj V G Vᵀ",), complex=True)
def EIGVALSH(a: Any, UPLO: Any = "L") -> Any:
    return LA.eigvalsh(a, UPLO)


def _reduced(g: Any, count: int, axis: int) -> Any:
    """The upstream gradient by the vectors that belong to singular values.

    The others, that full matrices of what is not square have, are any that complete the basis.
    """
    window = [slice(None)] * g.ndim
    window[axis] = slice(count, None)
    if g.shape[axis] > count and bool(np.any(plain_array(g)[tuple(window)] != 0)):
        raise unsupported(
            "the derivative of those vectors of numpy.linalg.svd that belong to no singular value (it gives others "
            "unless full_matrices=False)"
        )
    window[axis] = slice(None, count)
    return g[tuple(window)]


def _vectors(a: Any) -> tuple[Any, Any, Any]:
    """U, the singular values and Vᴴ.

    Complex vectors are known up to a phase that those of a pair share; half of what turns them against each other is
    given to each.
    """
    return bind(SVD_U, a, False), bind(SVD_S, a, False), bind(SVD_VH, a, False)


def _turned(h: Any, s: Any) -> Any:
    """The part of an upstream gradient, in the basis of the vectors, that turns them into each other."""
    return _gaps(s**2) * (h - _conjugated(transposed(h)))


def _phases(h: Any, s: Any) -> Any:
    """The part that turns complex vectors in themselves."""
    eye = np.eye(s.shape[-1], dtype=s.dtype)
    return 0.5j * np.imag(h) * eye / s[..., None, :] if is_complex(h) else 0.0


def _left_back(g: Any, out: Any, a: Any, full: Any) -> Any:
    u, s, vh = _vectors(a)
    g = _reduced(g, s.shape[-1], -1)
    h = np.matmul(transposed(u), g)
    inner = _turned(h, s) * s[..., None, :] + _phases(h, s)
    outside = g - np.matmul(_conjugated(u), h)
    return np.matmul(np.matmul(_conjugated(u), inner) + outside / s[..., None, :], _conjugated(vh))


def _right_back(g: Any, out: Any, a: Any, full: Any) -> Any:
    u, s, vh = _vectors(a)
    g = _reduced(g, s.shape[-1], -2)
    h = np.matmul(_conjugated(vh), _conjugated(transposed(g)))
    inner = s[..., :, None] * _turned(h, s) - _phases(h, s)
    outside = g - np.matmul(np.matmul(g, transposed(vh)), _conjugated(vh))
    return np.matmul(_conjugated(u), np.matmul(inner, _conjugated(vh)) + outside / s[..., :, None])


def singular_back(g: Any, out: Any, a: Any) -> Any:
    u, _, vh = _vectors(a)
    return np.matmul(_conjugated(u) * g[..., None, :], _conjugated(vh))


SVD_U = _part(LA.svd, 0, "U", _left_back, "full_matrices", complex=True)
SVD_S = _part(
    LA.svd,
    1,
    "S",
    lambda g, out, a, full: singular_back(g, out, a),
    "full_matrices",
    maps=("conj U G Vᵀ",),
    complex=True,
)
SVD_VH = _part(LA.svd, 2, "Vh", _right_back, "full_matrices", complex=True)
SINGULAR = Primitive(
    name="numpy.linalg.svd.values", forward=lambda a: LA.svd(a, compute_uv=False), vjps=(singular_back,),
    symbol="svd", maps=("U G Vᵀ",), variadic=True, complex=True, python="", c="", numpy="",
)  # fmt: skip
SVDResult = namedtuple("SVDResult", ["U", "S", "Vh"])


@composed(LA.svd)
def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    a = lift(a)
    if hermitian:
        raise unsupported("numpy.linalg.svd with hermitian")
    if compute_uv and is_complex(a):
        raise unsupported(
            "numpy.linalg.svd of complex numbers with its vectors, which are known up to phases,"
        )
    if not compute_uv:
        return bind(SINGULAR, a)
    return SVDResult(*(bind(one, a, full_matrices) for one in (SVD_U, SVD_S, SVD_VH)))


def _mirrored(m: Any) -> Any:
    """The lower triangle, mirrored to the upper one."""
    return np.tril(m) + transposed(np.tril(m, -1))


def _square(x: Any) -> Any:
    """The columns of a matrix, as many as it has rows at most; qr of a wider one is made of these."""
    return x[..., : min(x.shape[-2:])]


def _q_back(g: Any, out: Any, a: Any) -> Any:
    total = g + np.matmul(out, _mirrored(-np.matmul(transposed(g), out)))
    flow = transposed(_solution(_square(LA.qr(a)[1]), transposed(total)))
    return _wider(flow, a)


def _r_back(g: Any, out: Any, a: Any) -> Any:
    q = LA.qr(a)[0]
    k = q.shape[-1]
    upstream, beyond = g[..., :k], g[..., k:]
    total = np.matmul(out[..., :k], transposed(upstream))
    if a.shape[-1] > k:  # R = Qᵀ A there, so that Q has a flow too
        through = np.matmul(a[..., k:], transposed(beyond))
        total = total - np.matmul(transposed(through), q)
        inner = through + np.matmul(q, _mirrored(total))
        rest = np.matmul(q, beyond)
    else:
        inner, rest = np.matmul(q, _mirrored(total)), None
    flow = transposed(_solution(out[..., :k], transposed(inner)))
    return flow if rest is None else np.concatenate([flow, rest], axis=-1)


def _wider(flow: Any, a: Any) -> Any:
    """With zeros for the columns that only R depends on."""
    missing = a.shape[-1] - flow.shape[-1]
    return np.pad(flow, [(0, 0)] * (flow.ndim - 1) + [(0, missing)]) if missing else flow


QR_Q = _part(LA.qr, 0, "Q", _q_back)
QR_R = _part(LA.qr, 1, "R", _r_back)
QRResult = namedtuple("QRResult", ["Q", "R"])


@composed(LA.qr)
def _qr(a: Any, mode: Any = "reduced") -> Any:
    a = lift(a)
    if mode == "r":
        return bind(QR_R, a)
    if mode != "reduced" and not (mode == "complete" and a.shape[-2] <= a.shape[-1]):
        raise unsupported(f"numpy.linalg.qr in mode {mode!r}")
    return QRResult(bind(QR_Q, a), bind(QR_R, a))


def _matrix_transpose(x: Any) -> Any:
    return transposed(x)


#: names that ``numpy.linalg`` has since 2.0 for functions that stand elsewhere
for _name, _function in {"matmul": np.matmul, "outer": np.outer, "tensordot": np.tensordot}.items():
    if hasattr(LA, _name) and _function in HANDLERS:
        HANDLERS[getattr(LA, _name)] = HANDLERS[_function]
for _home in (np, LA):
    if hasattr(_home, "matrix_transpose"):
        HANDLERS[_home.matrix_transpose] = _matrix_transpose
