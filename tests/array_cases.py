"""Calls of numpy with points to take them at: one for each row on arrays, and for each way to call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy
import numpy as np


class Case(NamedTuple):
    """A function of arrays, and arguments at which it is smooth; ``orders`` are those of its derivatives to check."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    orders: int = 2


def numbers(seed: int, *shape: int, low: float = 0.3, high: float = 1.7) -> Any:
    """Random reals in an interval."""
    return numpy.random.default_rng(seed).uniform(low, high, shape)


def signed(seed: int, *shape: int) -> Any:
    """Random reals around 0, none of them near it."""
    found = numpy.random.default_rng(seed).uniform(-2.0, 2.0, shape)
    return numpy.where(numpy.abs(found) < 0.1, 0.4, found)


def spd(x: Any) -> Any:
    """A symmetric positive definite matrix of any square one."""
    return x @ x.T + len(x) * np.eye(len(x))


A, B, V, W = numbers(0, 3, 4), numbers(1, 3, 4), numbers(2, 4), numbers(3, 4, 2)
C, S, Q, T = signed(4, 3, 4), signed(5, 4, 4), numbers(6, 2, 3, 4), numbers(7, 2, 4, 5)
UNIT = numbers(8, 3, 4, low=-0.9, high=0.9)
INDEX, MASK = np.array([2, 0, 2, 1]), np.array([True, False, True, True])
SOME = np.arange(24).reshape(2, 3, 4) % 5 != 3

UNARY = {
    "exp": A, "exp2": A, "expm1": A, "log": A, "log2": A, "log10": A, "log1p": A, "sqrt": A, "cbrt": A, "square": C,
    "reciprocal": A, "sin": C, "cos": C, "tan": UNIT, "arcsin": UNIT, "arccos": UNIT, "arctan": C, "sinh": C,
    "cosh": C, "tanh": C, "arcsinh": C, "arccosh": A + 1, "arctanh": UNIT, "negative": C, "positive": C,
    "absolute": C, "abs": C, "fabs": C, "sign": C, "degrees": C, "radians": C, "deg2rad": C, "rad2deg": C, "floor": C,
    "ceil": C, "rint": C, "trunc": C, "sinc": C, "round": C, "fix": C, "nan_to_num": C, "real": C,
}  # fmt: skip
BINARY = {
    "add": (A, V), "subtract": (V, A), "multiply": (A, B), "divide": (A, V), "true_divide": (V, A), "power": (A, C),
    "float_power": (A, 2.5), "hypot": (C, A), "arctan2": (C, B), "maximum": (A, B), "minimum": (A, V), "fmax": (A, B),
    "fmin": (A, 1.0), "logaddexp": (A, C), "logaddexp2": (C, V), "copysign": (A, C), "fmod": (A + 3, V),
    "mod": (C + 5, V), "remainder": (A + 3, V), "floor_divide": (A + 3, V), "heaviside": (C, A), "nextafter": (A, B),
}  # fmt: skip
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "var", "std", "median", "ptp", "amax", "amin")
AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)})

CASES: list[Case] = [
    *(Case(name, getattr(np, name), (x,)) for name, x in UNARY.items()),
    *(Case(name, getattr(np, name), args) for name, args in BINARY.items()),
    *(
        Case(
            f"{name}({options})", lambda x, name=name, options=options: getattr(np, name)(x, **options), (Q,)
        )
        for name in REDUCTIONS
        for options in AXES
    ),
    Case("where", lambda x, y: np.where(MASK, x, y), (A, V)),
    Case("where traced", lambda x, y: np.where(x > 1, x * x, y), (A, V)),
    Case("clip", lambda x: np.clip(x, -1, 1), (C,)),
    Case("clip array", lambda x, low: np.clip(x, low, None), (C, V)),
    Case("clip crossing", lambda x, low, high: np.clip(x, low, high), (C, V, -0.2)),
    Case("clip method", lambda x: x.clip(-1.0, 1.0), (C,)),
    Case("average", lambda x, w: np.average(x, weights=w), (A, B)),
    Case("average axis", lambda x, w: np.average(x, axis=1, weights=w), (A, V)),
    Case("cumsum", np.cumsum, (A,)),
    Case("cumsum axis", lambda x: np.cumsum(x, axis=1), (A,)),
    Case("cumprod", np.cumprod, (A,)),
    Case("cumprod axis", lambda x: np.cumprod(x, axis=0), (C,)),
    Case("prod with zero", lambda x: np.prod(x * np.array([0.0, 1.0, 1.0, 1.0]), axis=1), (A,)),
    Case("cumprod with zero", lambda x: np.cumprod(x * np.array([1.0, 0.0, 1.0, 0.0]), axis=1), (A,)),
    Case("diff", np.diff, (A,)),
    Case("diff 2", lambda x: np.diff(x, 2, axis=1), (A,)),
    Case("sort", np.sort, (A,)),
    Case("sort axis", lambda x: np.sort(x, axis=0), (C,)),
    Case("interp", lambda x, f: np.interp(x, np.array([0.0, 0.5, 1.1, 2.0]), f), (A, V)),
    Case(
        "interp nodes",
        lambda p: np.interp(np.array([0.8, 2.2]), p, np.array([1.0, 4.0, 2.0, 5.0])),
        (np.array([0.1, 1.0, 2.0, 3.0]),),
    ),
    Case("polyval", np.polyval, (V, A)),
    Case("norm", np.linalg.norm, (C,)),
    Case("norm axis", lambda x: np.linalg.norm(x, axis=1, keepdims=True), (C,)),
    Case("norm 1", lambda x: np.linalg.norm(x, 1, axis=0), (C,)),
    Case("norm 3", lambda x: np.linalg.norm(x, 3, axis=0), (C,)),
    Case("norm inf", lambda x: np.linalg.norm(x, np.inf, axis=1), (C,)),
    Case("interp period", lambda x, f: np.interp(x, np.array([0.1, 0.5, 1.1, 1.4]), f, period=1.5), (A, V)),
    Case("interp ends", lambda x: np.interp(x, [0.5, 1.0], [1.0, 3.0], left=-1.0, right=7.0), (A,)),
    # statistics
    *(
        Case(f"{name} {options}", lambda x, name=name, options=options: getattr(np, name)(x, **options), (Q,))
        for name in ("nansum", "nanprod", "nanmean", "nanmax", "nanmin", "nanvar", "nanstd", "nanmedian")
        for options in AXES[2:]
    ),
    *(
        Case(
            f"{name} with nan",
            lambda x, name=name: getattr(np, name)(np.where(MASK, x, np.nan), axis=1),
            (A,),
        )
        for name in (
            "nansum",
            "nanprod",
            "nanmean",
            "nanmax",
            "nanmin",
            "nanvar",
            "nanstd",
            "nanmedian",
            "nancumsum",
        )
    ),
    Case("nancumprod", lambda x: np.nancumprod(np.where(MASK, x, np.nan)), (A,)),
    Case("nanstd ddof", lambda x: np.nanstd(np.where(x > 0.5, x, np.nan), axis=1, ddof=1), (A,)),
    Case("quantile", lambda x: np.quantile(x, 0.3), (A,)),
    Case("quantiles", lambda x: np.quantile(x, [[0.1, 0.5], [0.77, 1.0]], axis=1), (Q,)),
    Case("percentile", lambda x: np.percentile(x, 30, axis=(0, 2), keepdims=True), (Q,)),
    *(
        Case(
            f"quantile {method}",
            lambda x, method=method: np.quantile(x, [0.2, 0.6], axis=0, method=method),
            (A,),
        )
        for method in ("lower", "higher", "nearest", "midpoint", "median_unbiased", "weibull", "inverted_cdf")
    ),
    Case("nanquantile", lambda x: np.nanquantile(np.where(MASK, x, np.nan), [0.2, 0.9], axis=1), (A,)),
    Case("nanpercentile", lambda x: np.nanpercentile(x, 40), (A,)),
    Case("average returned", lambda x, w: np.average(x, axis=1, weights=w, returned=True)[0], (A, V)),
    Case("cov", np.cov, (A,)),
    Case("cov columns", lambda x, y: np.cov(x, y, rowvar=False, ddof=0), (A, B)),
    Case("cov of one", lambda x: np.cov(x, bias=True), (V,)),
    Case("corrcoef", lambda x: np.corrcoef(x)[0, 1], (A,)),
    Case("partition", lambda x: np.partition(x, 2, axis=1), (C,)),
    Case("sort kind", lambda x: np.sort(x, kind="stable"), (C,)),
    Case("unique", lambda x: np.unique(np.concatenate([x, x])), (V,)),
    Case("unique counts", lambda x: np.unique(x, return_counts=True)[0], (A,)),
    Case("nan_to_num", lambda x: np.nan_to_num(np.where(MASK, x, np.nan), nan=3.0), (A,)),
    # numerical methods
    Case("gradient", np.gradient, (V,)),
    Case("gradient of all axes", lambda x: np.gradient(x)[1] + np.gradient(x, 0.3, 2.0)[0], (A,)),
    Case("gradient axis", lambda x: np.gradient(x, 0.5, axis=1, edge_order=2), (A,)),
    Case("gradient uneven", lambda x, p: np.gradient(x, np.cumsum(p), axis=1), (A, V)),
    Case("gradient uneven 2", lambda x, p: np.gradient(x, np.cumsum(p), axis=1, edge_order=2), (A, V)),
    Case("diff ends", lambda x, y: np.diff(x, prepend=0.0, append=y[:, :2], axis=1), (A, B)),
    Case("ediff1d", lambda x: np.ediff1d(x, to_end=x[0], to_begin=[1.0, 2.0]), (V,)),
    Case("unwrap", lambda x: np.unwrap(x * 4, axis=0), (C,)),
    *(
        Case(
            f"{name} {mode} {n} {m}",
            lambda x, y, name=name, mode=mode: getattr(np, name)(x, y, mode),
            (numbers(20, n), numbers(21, m)),
        )
        for name in ("convolve", "correlate")
        for mode in ("full", "same", "valid")
        for n, m in ((6, 4), (3, 6), (4, 4))
    ),
    Case("vander", np.vander, (V,)),
    Case("vander increasing", lambda x: np.vander(x, 3, increasing=True), (V,)),
    Case(
        "polynomials",
        lambda p, q: np.polyadd(np.polymul(p, q), np.polysub(np.polyder(p), np.polyint(q))),
        (V, V[:2]),
    ),
    Case("linspace", lambda x: np.linspace(x[0], x[1], 5), (V,)),
    Case("linspace open", lambda x, y: np.linspace(x, y, 4, endpoint=False, axis=1), (A, V)),
    Case("linspace step", lambda x: np.linspace(x[0], 3.0, 5, retstep=True)[1], (V,)),
    Case("logspace", lambda x: np.logspace(x[0], x[1], 4, base=2.0), (V,)),
    Case("geomspace", lambda x, y: np.geomspace(x, y, 4), (V, V + 2)),
    Case("select", lambda x: np.select([x > 1.2, x > 0.8], [x**2, 3 * x], 1.0), (A,)),
    Case("choose", lambda x, y: np.choose([0, 1, 0, 1], [x, y]), (A, V)),
    Case("piecewise", lambda x: np.piecewise(x, [x < 0.8, x > 1.2], [np.sin, 2.0, lambda u: u * u]), (A,)),
    Case("apply_along_axis", lambda x: np.apply_along_axis(lambda row: np.outer(row, row[:2]), 1, x), (Q,)),
    Case("apply_along_axis to number", lambda x: np.apply_along_axis(lambda row: row @ row, 0, x), (A,)),
    Case("block", lambda x, y: np.block([[x, x[:, :1]], [y, 2.0]]), (A, V)),
    *(
        [
            Case("cumulative_sum", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (A,)),
            Case("cumulative_prod", np.cumulative_prod, (V,)),
        ]
        if hasattr(np, "cumulative_sum")
        else []
    ),
    # products
    Case("matmul", np.matmul, (A, W)),
    Case("matmul @", lambda x, y: x @ y, (A, W)),
    Case("matmul mv", lambda x, y: x @ y, (A, V)),
    Case("matmul vm", lambda x, y: x @ y, (V, W)),
    Case("matmul vv", lambda x, y: x @ y, (V, V + 1)),
    Case("matmul batch", np.matmul, (Q, T)),
    Case("matmul broadcast", np.matmul, (A, T)),
    Case("matmul batch v", np.matmul, (Q, V)),
    Case("matmul v batch", np.matmul, (V, T)),
    Case("matmul constant", lambda x: B.T @ x, (A,)),
    Case("dot", np.dot, (A, W)),
    Case("dot method", lambda x, y: x.dot(y), (A, V)),
    Case("dot number", lambda x, y: np.dot(x, y), (A, 2.0)),
    Case("dot nd", np.dot, (Q, T)),
    Case("dot nd v", np.dot, (Q, V)),
    Case("vdot", np.vdot, (A, B)),
    *([Case("vecdot", np.vecdot, (A, V))] if hasattr(np, "vecdot") else []),
    *([Case("trapezoid", np.trapezoid, (A, V))] if hasattr(np, "trapezoid") else []),
    Case("meshgrid", lambda x, y: np.meshgrid(x, y)[1] * np.meshgrid(x, y, indexing="ij")[0].T, (V, W[:, 0])),
    Case("inner", np.inner, (A, Q)),
    Case("outer", np.outer, (A, V)),
    Case("kron", np.kron, (A, W)),
    Case("cross", np.cross, (numbers(9, 2, 3), numbers(10, 2, 3))),
    Case("tensordot", lambda x, y: np.tensordot(x, y, ((2, 0), (1, 0))), (Q, T)),
    Case("tensordot 1", lambda x, y: np.tensordot(x, y, 1), (Q, W)),
    Case("einsum", lambda x, y: np.einsum("ij,jk->ki", x, y), (A, W)),
    Case("einsum sum", lambda x, y: np.einsum("ijk,j->i", x, y), (Q, numbers(11, 3))),
    Case("einsum trace", lambda x: np.einsum("ii->i", x), (S,)),
    Case("einsum implicit", lambda x, y: np.einsum("ij,ij", x, y), (A, B)),
    Case("einsum batch", lambda x, y: np.einsum("...ij,...jk->...ik", x, y), (Q, T)),
    # shapes
    Case("reshape", lambda x: np.reshape(x, (2, 6)), (A,)),
    Case("reshape method", lambda x: x.reshape(4, -1, order="F"), (A,)),
    Case("ravel", np.ravel, (A.T,)),
    Case("flatten", lambda x: x.flatten(), (A,)),
    Case("transpose", lambda x: np.transpose(x, (2, 0, 1)), (Q,)),
    Case("T", lambda x: x.T @ x, (A,)),
    Case("swapaxes", lambda x: np.swapaxes(x, 0, 2), (Q,)),
    Case("moveaxis", lambda x: np.moveaxis(x, 0, -1), (Q,)),
    Case("rollaxis", lambda x: np.rollaxis(x, 2), (Q,)),
    Case("squeeze", lambda x: np.squeeze(x[None, :, None]), (A,)),
    Case("expand_dims", lambda x: np.expand_dims(x, (0, 2)), (A,)),
    Case("broadcast_to", lambda x: np.broadcast_to(x, (3, 4)), (V,)),
    Case("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y)[1], (A, V)),
    Case("concatenate", lambda x, y: np.concatenate([x, y, x], axis=1), (A, B)),
    Case("concatenate none", lambda x, y: np.concatenate([x, y], axis=None), (A, V)),
    Case("append", lambda x, y: np.append(x, y), (A, V)),
    Case("stack", lambda x, y: np.stack([x, y], axis=1), (A, B)),
    Case("vstack", lambda x, y: np.vstack([x, y]), (A, V)),
    Case("hstack", lambda x, y: np.hstack([x, y]), (A, B)),
    Case("dstack", lambda x, y: np.dstack([x, y]), (A, B)),
    Case("column_stack", lambda x, y: np.column_stack([x, y]), (V, V + 1)),
    Case("split", lambda x: np.split(x, 2, axis=1)[1], (A,)),
    Case("array_split", lambda x: np.array_split(x, 3, axis=1)[0], (A,)),
    Case("vsplit", lambda x: np.vsplit(x, [1])[1], (A,)),
    Case("tile", lambda x: np.tile(x, (2, 3)), (A,)),
    Case("repeat", lambda x: np.repeat(x, 2, axis=1), (A,)),
    Case("repeat counts", lambda x: np.repeat(x, [1, 0, 2, 3]), (V,)),
    Case("roll", lambda x: np.roll(x, 1, axis=0), (A,)),
    Case("flip", np.flip, (A,)),
    Case("flip axis", lambda x: np.flip(x, axis=1), (A,)),
    Case("fliplr", np.fliplr, (A,)),
    Case("rot90", np.rot90, (A,)),
    Case("pad", lambda x: np.pad(x, ((1, 2), (0, 1))), (A,)),
    Case("pad edge", lambda x: np.pad(x, 1, mode="edge"), (A,)),
    Case("pad reflect", lambda x: np.pad(x, 2, mode="reflect"), (A,)),
    Case("windows", lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), (V,)),
    Case(
        "windows of planes",
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, -1)) ** 2,
        (Q,),
    ),
    Case("windows twice", lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2), (0, 0)), (V,)),
    Case("tril", np.tril, (A,)),
    Case("triu", lambda x: np.triu(x, 1), (A,)),
    Case("diag", np.diag, (V,)),
    Case("diag of", lambda x: np.diag(x, 1), (A,)),
    Case("diagonal", lambda x: np.diagonal(x, axis1=0, axis2=2), (Q,)),
    Case("trace", np.trace, (S,)),
    Case("atleast_2d", np.atleast_2d, (V,)),
    Case("atleast_3d", np.atleast_3d, (A,)),
    Case("full_like", lambda x, y: np.full_like(x, y[0]), (A, V)),
    Case("array of numbers", lambda x: np.array([[x[0], x[1] * x[2]], [1.0, x[3]]]), (V,)),
    Case("array of arrays", lambda x: np.array([x, 2 * x]), (V,)),
    Case("asarray", lambda x: np.asarray([x[0], x[1]]) * np.asarray(x[2]), (V,)),
    # indexing
    Case("item", lambda x: x[1, 2], (A,)),
    Case("slice", lambda x: x[::2, 1:], (A,)),
    Case("newaxis", lambda x: x[..., None, 0], (A,)),
    Case("mask", lambda x: x[x > 1], (A,)),
    Case("indices", lambda x: x[INDEX], (A,)),
    Case("mixed indices", lambda x: x[:, INDEX, 1:], (Q,)),
    Case("take", lambda x: np.take(x, INDEX, axis=0), (A,)),
    Case("take_along_axis", lambda x: np.take_along_axis(x, np.argsort(x, axis=1), 1), (C,)),
    Case("compress", lambda x: np.compress(MASK, x, axis=1), (A,)),
    Case("delete", lambda x: np.delete(x, 1, axis=1), (A,)),
    Case("iteration", lambda x: sum(row @ row for row in x), (A,)),
    # linear algebra
    Case("solve", np.linalg.solve, (S + 4 * np.eye(4), numbers(12, 4, 2))),
    Case("solve vector", np.linalg.solve, (S + 4 * np.eye(4), V)),
    Case("inv", np.linalg.inv, (S + 4 * np.eye(4),)),
    Case("det", np.linalg.det, (S + 2 * np.eye(4),)),
    Case("det batch", np.linalg.det, (numbers(13, 2, 3, 3) + 2 * np.eye(3),)),
    Case("slogdet", lambda x: np.linalg.slogdet(x)[1], (S + 3 * np.eye(4),)),
    Case("cholesky", lambda x: np.linalg.cholesky(spd(x)), (S,)),
    Case("cholesky lower", np.linalg.cholesky, (S @ S.T + np.eye(4),)),
    Case("eigh values", lambda x: np.linalg.eigh(x)[0], (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("eigh vectors", lambda x: np.linalg.eigh(x)[1] ** 2, (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("eigvalsh", np.linalg.eigvalsh, (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("svd values", lambda x: np.linalg.svd(x, compute_uv=False), (A + np.eye(3, 4),)),
    Case("svd U", lambda x: np.linalg.svd(x, full_matrices=False)[0] ** 2, (C,)),
    Case("svd Vh", lambda x: np.linalg.svd(x, full_matrices=False).Vh ** 2, (C,)),
    Case("svd tall", lambda x: np.linalg.svd(x, full_matrices=False)[0] ** 2, (C.T,)),
    Case(
        "svd together",
        lambda x: (lambda u, s, v: u @ np.diag(s**2) @ v)(*np.linalg.svd(x, full_matrices=False)),
        (C.T,),
    ),
    Case("qr Q", lambda x: np.linalg.qr(x)[0], (C.T,)),
    Case("qr R", lambda x: np.linalg.qr(x).R, (C.T,)),
    Case("pinv", np.linalg.pinv, (C.T,)),
    Case("lstsq", lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], (C.T, V)),
    Case("lstsq residuals", lambda a, b: np.linalg.lstsq(a, b, rcond=None)[1], (C.T, V)),
    Case("matrix_power", lambda x: np.linalg.matrix_power(x, 5), (S,)),
    Case("matrix_power -2", lambda x: np.linalg.matrix_power(x, -2), (S + 3 * np.eye(4),)),
    Case("eigh upper", lambda x: np.linalg.eigh(x, UPLO="U")[0], (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case(
        "eigh upper vectors", lambda x: np.linalg.eigh(x, "U")[1] ** 2, (S + np.diag([1.0, 3.0, 6.0, 10.0]),)
    ),
    Case("eigvalsh upper", lambda x: np.linalg.eigvalsh(x, "U"), (S + np.diag([1.0, 3.0, 6.0, 10.0]),)),
    Case("qr wide", lambda x: (lambda q, r: q @ (r**2))(*np.linalg.qr(x)), (C,)),
    Case("qr wide Q", lambda x: np.linalg.qr(x)[0], (C,)),
    Case("qr wide R", lambda x: np.linalg.qr(x)[1], (C,)),
    Case("qr r", lambda x: np.linalg.qr(x, mode="r"), (C.T,)),
    Case("qr square complete", lambda x: np.linalg.qr(x, mode="complete")[0], (S,)),
    Case("pinv rcond", lambda x: np.linalg.pinv(x, 1e-4), (C,)),
    *(
        Case(
            f"norm of matrices {order}",
            lambda x, order=order: np.linalg.norm(x, order, axis=(0, 2), keepdims=True),
            (Q,),
        )
        for order in (1, -1, 2, -2, np.inf, -np.inf, "nuc", "fro")
    ),
    Case("norm of a matrix", lambda x: np.linalg.norm(x, 2) + np.linalg.norm(x, 1), (C,)),
    *(
        Case(f"cond {order}", lambda x, order=order: np.linalg.cond(x, order), (S + 3 * np.eye(4),))
        for order in (None, -2, 1, "fro")
    ),
    Case("multi_dot", lambda x, y, z: np.linalg.multi_dot([x, y, z]), (A, W, numbers(30, 2, 5))),
    Case("multi_dot ends", lambda x, y: np.linalg.multi_dot([x, y, x]), (V, S)),
    Case(
        "tensorsolve",
        lambda x, y: np.linalg.tensorsolve(x.reshape(2, 2, 2, 2), y.reshape(2, 2)),
        (S + 3 * np.eye(4), V),
    ),
    Case("tensorinv", lambda x: np.linalg.tensorinv(x.reshape(2, 2, 2, 2)), (S + 3 * np.eye(4),)),
    *(
        [
            Case(
                "vector_norm",
                lambda x: np.linalg.vector_norm(x) * np.linalg.vector_norm(x, axis=1, ord=3),
                (C,),
            ),
            Case("matrix_norm", lambda x: np.linalg.matrix_norm(x, ord="nuc"), (Q,)),
            Case("svdvals", lambda x: np.linalg.svdvals(x), (C,)),
            Case(
                "trace of linalg",
                lambda x: np.linalg.trace(x, offset=1) + np.linalg.diagonal(x).sum(-1),
                (Q,),
            ),
            Case("vecdot of linalg", lambda x, y: np.linalg.vecdot(x, y, axis=0), (A, B)),
        ]
        if hasattr(np.linalg, "vector_norm")
        else []
    ),
    # numbers in lists
    *(
        Case(f"{name} of lists", lambda x, name=name: getattr(np, name)([[x[0], x[1]], [x[2], 1.0]]), (V,))
        for name in ("stack", "vstack", "hstack", "column_stack", "concatenate", "ravel")
    ),
    Case("where of lists", lambda x: np.where([True, False], [x[0], x[1]], [x[2], 3.0]), (V,)),
    Case("tile and repeat of lists", lambda x: np.tile([x[0], x[1]], 2) * np.repeat([x[2], x[3]], 2), (V,)),
    Case("meshgrid of lists", lambda x: np.meshgrid([x[0], x[1]], [1.0, x[2]])[1], (V,)),
    Case("array with axes", lambda x: np.array([x[0], x[1]], ndmin=3), (V,)),
    Case("array in order", lambda x: np.array(x * 2, order="F").sum() * np.asfortranarray(x), (A,)),
    Case("r_", lambda x: np.r_[x[0], x[1:], 1.0, x[0] : x[0] + 2, x[0] : x[1] : 3j], (V,)),
    Case("c_", lambda x: np.c_[x, 2 * x, np.ones(4, x.dtype)], (V,)),
    Case("row_stack and kin", lambda x: np.vstack([x, x], dtype=x.dtype)[0] * np.stack([x, x])[1], (V,)),
    Case("full_like of a constant", lambda x: np.full_like(np.zeros((2, 2), x.dtype), x[0]), (V,)),
    Case("fromiter", lambda x: np.fromiter((one * one for one in x), x.dtype), (V,)),
    Case("vectorize", lambda x: np.vectorize(lambda u, w=2.0: u * u * w if u > 1 else w * u)(x, x[0]), (A,)),
    Case("vectorize pairs", lambda x: np.vectorize(lambda u: (u, u * u), otypes=[float, float])(x)[1], (V,)),
    Case("flat", lambda x: _flat(x), (A,)),
    # counts
    Case("bincount", lambda w: np.bincount([0, 2, 2, 1], w, 5), (V,)),
    Case("histogram weights", lambda w: np.histogram(V, [0.0, 0.8, 1.2, 1.6], weights=w)[0] ** 2, (V + 1,)),
    Case(
        "histogram density",
        lambda w: np.histogram(V, 3, (0.0, 2.0), weights=w, density=True)[0],
        (V + 1,),
    ),
    Case("histogram edges", lambda x: np.histogram(x, 4)[1] * np.histogram_bin_edges(x, 4), (A,)),
    Case(
        "histogram2d weights",
        lambda w: np.histogram2d(V, V, [[0.0, 0.9, 2.0], [0.3, 1.0, 1.2]], weights=w)[0],
        (V + 1,),
    ),
    # sets
    Case("setdiff1d", lambda x: np.setdiff1d(x, [x[0, 0], 5.0]), (A,)),
    Case("intersect1d", lambda x: np.intersect1d(x, x[1, :3]), (A,)),
    Case("setxor1d", lambda x: np.setxor1d(x, x[1, :3]), (A,)),
    *([Case("unique_all", lambda x: np.unique_all(x).values, (A,))] if hasattr(np, "unique_all") else []),
    # places, ends, options
    Case("quantile place", lambda x, q: np.quantile(x, q), (A, 0.37)),
    Case("quantile places", lambda x, q: np.quantile(x, q, axis=1), (A, np.array([[0.2, 0.61]]))),
    *(
        Case(
            f"percentile place {method}",
            lambda x, q, method=method: np.percentile(x, q, axis=(0, 2), method=method, keepdims=True),
            (Q, 37.0),
        )
        for method in (
            "hazen",
            "weibull",
            "median_unbiased",
            "normal_unbiased",
            "interpolated_inverted_cdf",
            "nearest",
        )
    ),
    Case("arange", lambda x: np.arange(x[0], x[1] + 3, x[2]), (V,)),
    Case("arange end", lambda x: np.arange(x[0].item()).sum() * x, (V + 2,)),
    Case("interp outside", lambda x, e: np.interp(x, [0.5, 1.0], [1.0, 3.0], left=e[0], right=e[1]), (A, V)),
    Case("interp at a number", np.interp, (0.8, np.array([0.2, 1.0, 1.4]), np.array([1.0, 4.0, 2.0]))),
    Case("take wrap", lambda x: np.take(x, [5, -6], axis=1, mode="wrap"), (A,)),
    Case("choose clip", lambda x, y: np.choose([5, 0, 1, -3], [x, y], mode="clip"), (A, V)),
    Case("cov weights", lambda x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w), (A, V)),
    Case("cov weights 0", lambda x, w: np.cov(x, aweights=w, ddof=0), (A, V)),
    *(
        Case(f"{name} where", lambda x, name=name: getattr(np, name)(x, axis=1, where=SOME, ddof=1), (Q,))
        for name in ("var", "std")
    ),
    Case("cross axes", lambda x, y: np.cross(x, y, axisa=0, axisc=0), (A, numbers(31, 4, 3))),
    Case("einsum lists", lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), (A, W)),
    Case("einsum optimized", lambda x, y: np.einsum("ij,jk,kl->il", x, y, y.T, optimize=True), (A, W)),
    Case("angle of reals", lambda x: np.angle(x) * x + np.angle(x, deg=True), (C,)),
    Case("ufunc dtype", lambda x: np.add(x, 1.5, dtype=float) * np.exp(x, dtype=float), (A,)),
    Case("add.at", lambda x: _added(x), (V,)),
    Case("reduceat", lambda x: np.add.reduceat(x, [0, 2, 1], axis=1), (A,)),
    Case(
        "reductions of ufuncs",
        lambda x: np.logaddexp.reduce(x) * np.hypot.reduce(x, axis=0) - np.subtract.reduce(x),
        (C,),
    ),
    Case("accumulations of ufuncs", lambda x: np.logaddexp.accumulate(x) + np.subtract.accumulate(x), (C,)),
    Case("running maximum", lambda x: np.maximum.accumulate(x, 1) - 2 * np.minimum.accumulate(x), (C,)),
    # polynomials
    Case("roots", lambda p: np.abs(np.roots(p)), (np.array([1.0, 0.3, 1.0, 2.0, 0.7]),)),
    Case("real roots", lambda p: np.roots(p).real, (np.array([1.0, -6.0, 11.0, -5.5]),)),
    Case("poly", lambda x: np.poly(x), (V,)),
    Case("polydiv", lambda u, v: np.concatenate(np.polydiv(u, v)), (np.append(V, 2.0), V[:3])),
    Case("polyfit", lambda x, y: np.polyfit(x, y, 2), (np.cumsum(V), V)),
    Case("polyfit weights", lambda x, y, w: np.polyfit(x, y, 1, w=w), (np.cumsum(V), V, V + 1)),
    # eigenvalues and complex matrices
    Case("eigvals", lambda x: np.linalg.eigvals(x * 0.1 + np.diag([1.0, 3.0, 6.0, 10.0])).real, (S,)),
    Case("eig", lambda x: np.abs(np.linalg.eig(x)[0]), (numbers(32, 2, 3, 3) - 1,)),
    Case("eig vectors", lambda x: np.linalg.eig(x * 0.1 + np.diag([1.0, 3, 6, 10]))[1].real ** 2, (S,)),
    Case(
        "eig complex vectors",
        lambda x: (lambda v: v.real + v.imag**3)(np.linalg.eig(x)[1]),
        (np.array([[1.0, 2.0, 0.1], [-2.0, 1.5, 0.3], [0.2, 0.4, 3.0]]),),
    ),
    Case("complex det", lambda x: np.abs(np.linalg.det(x + 1j * x.T)), (S,)),
    Case("complex slogdet", lambda x: (lambda s, d: d * s.imag)(*np.linalg.slogdet(x + 1j * x**2)), (S,)),
    Case("complex cholesky", lambda x: np.abs(np.linalg.cholesky(spd(x) + 1j * (x - x.T))), (S,)),
    Case("complex eigh", lambda x: np.linalg.eigvalsh(x + x.T + 1j * (x - x.T)), (S,)),
    Case("complex eigh upper", lambda x: np.linalg.eigh(x + 1j * x**2, "U")[0], (S,)),
    Case("complex eigh vectors", lambda x: np.abs(np.linalg.eigh(x + x.T + 1j * (x - x.T))[1]) ** 2, (S,)),
    Case("complex singular values", lambda x: np.linalg.svd(x + 1j * x**2, compute_uv=False), (C,)),
    Case("complex nuclear norm", lambda x: np.linalg.norm(x + 1j * x**2, "nuc"), (C,)),
    Case("complex var and std", lambda x: np.var(x + 1j * x**2, 0) * np.std(x * 1j + x**2, 0, ddof=1), (A,)),
    Case("svd full", lambda x: (lambda u, s, v: (u * s) @ v[:3] ** 2)(*np.linalg.svd(x)), (C,)),
    # places
    Case("insert", lambda x, y: np.insert(x, [1, 3], y[:, :2], axis=1), (A, B)),
    Case("insert flat", lambda x: np.insert(x, 2, x[0, 0] ** 2), (A,)),
    Case("union1d", np.union1d, (V, V + 0.05)),
    Case("trim_zeros", lambda x: np.trim_zeros(np.where(x > 1, x, 0.0)), (V,)),
    Case("compress method", lambda x: x.compress(MASK, axis=1), (A,)),
    Case("apply_over_axes", lambda x: np.apply_over_axes(np.mean, x, [0, 2]), (Q,)),
    Case("contiguous", lambda x: np.ascontiguousarray(x.T) * np.asfortranarray(x).T, (A,)),
    Case("partition in place", lambda x: _partitioned(x), (C,)),
    # complex inside
    Case("exp i x", lambda x: (np.exp(1j * x) * x).real + np.imag(np.exp(2j * x)), (A,)),
    Case("modulus", lambda x: np.abs(x * (2 + 1j) + 1j) ** 3, (C,)),
    Case("modulus squared", lambda x, y: (lambda z: (z * z.conj()).real)(x + 1j * y), (C, A)),
    Case("angle", lambda x: np.angle(x + 1j * V) + np.angle(1 + 1j * x, deg=True), (A,)),
    Case("complex quotient", lambda x, y: ((x + 2j) / (y - 1j) ** 2 - (3 - x)).imag, (A, V)),
    Case(
        "complex inverses on the cuts",
        lambda x: (
            (
                np.arcsin(x + 0j) * 1j - np.arccos(-x - 0j) + np.arccosh(x * -1 + 0j) * 2 + np.arcsinh(x * 1j)
            ).imag
        ),
        (A + 1,),
    ),
    Case("complex powers", lambda x: abs((x + 1j) ** 2.5 + (1 + x * 1j) ** (x - 0.5j) + (2j) ** x), (A,)),
    Case("complex functions", lambda x: _functions(x * (0.4 + 0.3j)).imag, (UNIT,)),
    Case("complex parts put together", lambda x: _put_together(x), (V,)),
    Case(
        "complex products", lambda x, w: np.abs((x @ (w * 1j) + x.T[:3, :2]).prod(axis=1)), (A[:, :3], W[:3])
    ),
    Case("complex einsum", lambda x: np.einsum("ij,kj->ik", x * 1j + B, x - 2j).real, (A,)),
    Case("complex vdot", lambda x: np.vdot(x + 1j * x**2, V * (1 - 2j)).real, (V,)),
    Case("complex norm", lambda x: np.linalg.norm(x + 1j * B, axis=1) + np.linalg.norm(x * 1j), (C,)),
    Case("complex norm 3", lambda x: np.linalg.norm(x + 1j * B, 3, axis=1), (C,)),
    Case("complex solve", lambda x: np.abs(np.linalg.solve(x + 2j * np.eye(4), V * 1j)), (S,)),
    Case("complex inverse", lambda x: np.linalg.inv(x + 2j * np.eye(4)).imag, (S,)),
    Case(
        "complex sums",
        lambda x: (x * 1j).sum().imag * abs((x + 1j).mean(0)) + np.cumsum(x * 1j, 1)[:2].imag[0],
        (A,),
    ),
    Case(
        "complex where", lambda x: np.abs(np.where(MASK, x * 1j, x) + np.concatenate([x, x * 2j])[:3]), (A,)
    ),
    Case(
        "complex scalars", lambda x: abs((x[0] * np.asarray(x[1]) * 1j + 2).conjugate() ** 2 / x.sum()), (V,)
    ),
    # Fourier transforms
    *(
        Case(
            f"{name}({options})",
            lambda x, name=name, options=options: _power(getattr(np.fft, name)(x, **options)),
            (C,),
        )
        for name in ("fft", "ifft", "rfft", "hfft", "ihfft")
        for options in ({}, {"n": 3, "norm": "ortho"}, {"n": 7, "axis": 0, "norm": "forward"})
    ),
    *(
        Case(f"irfft({options})", lambda x, options=options: np.fft.irfft(x * (1 + 2j), **options) ** 2, (C,))
        for options in ({}, {"n": 5, "norm": "ortho"}, {"n": 9, "axis": 0, "norm": "forward"}, {"n": 4})
    ),
    *(
        Case(
            f"{name}({options})",
            lambda x, name=name, options=options: _power(getattr(np.fft, name)(x, **options)),
            (Q,),
        )
        for name in ("fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn", "irfftn", "irfft2")
        for options in ({}, {"s": (4, 3), "axes": (0, 2)})
    ),
    Case("fftshift", lambda x: np.fft.fftshift(np.fft.fft(x)).real + np.fft.ifftshift(x, axes=1), (A,)),
    Case(
        "convolution theorem", lambda x, y: np.fft.irfft(np.fft.rfft(x, 8) * np.fft.rfft(y, 8), 8), (V, V + 1)
    ),
    # operators and methods
    Case("operators", lambda x, y: (2 - x) / y + x**2 - x**y * 3 // 1e9 + (-x) % 7 + abs(x), (A, B)),
    Case("number with array", lambda s, x: s * x + x / s - s**x, (1.5, A)),
    Case(
        "methods",
        lambda x: x.sum(0) * x.mean() + x.std(axis=0) - x.T.max(1) + x.min() + x.var() * x.prod(),
        (A,),
    ),
    Case("in place", lambda x: _in_place(x), (A,)),
    # where= and out=
    *(
        Case(
            f"{name} where {options}",
            lambda x, name=name, options=options: getattr(np, name)(x, where=SOME, **options),
            (Q,),
        )
        for name in ("sum", "mean", "prod")
        for options in AXES
    ),
    Case("max where", lambda x: x.max(axis=1, where=MASK, initial=0.9), (A,)),
    Case("min where", lambda x: np.min(x, where=x > 0.7, initial=5.0), (A,)),
    Case("prod initial", lambda x: np.prod(x, axis=1, initial=3.0, where=MASK), (A,)),
    Case("sum initial", lambda x: np.sum(x, 0, initial=2.0), (A,)),
    Case("out", lambda x: _out(x), (A,)),
    Case("ufunc where", lambda x: _ufunc_where(x), (C,)),
    Case("copyto and kin", lambda x: _copyto(x), (A,)),
    Case("accumulate", lambda x: np.add.accumulate(x, axis=1) + np.multiply.accumulate(x), (A,)),
    Case("outer of ufuncs", lambda x, y: np.subtract.outer(x, y) * np.add.outer(y, x)[0], (V, V + 1)),
    Case("modf", lambda x: np.modf(x * 3)[0] + np.modf(x * 3)[1], (C,)),
    *(
        [Case("matvec", np.matvec, (Q, V)), Case("vecmat", np.vecmat, (V, T))]
        if hasattr(np, "matvec")
        else []
    ),
    Case("filled", lambda x: _filled(x), (V,)),
    Case("filled rows", lambda x: _filled_rows(x), (A,)),
]


def _power(z: Any) -> Any:
    """|z|², and a real number that tells the parts of z from each other."""
    return np.abs(z) ** 2 + z.real * 0.3 - z.imag * z.real


def _functions(z: Any) -> Any:
    found = np.sin(z) * np.cos(z) + np.tan(z) - np.sinh(z) / np.cosh(z) + np.tanh(z) ** 2
    found = found + np.log(z + 2) * np.sqrt(z + 2) + np.log1p(z) - np.expm1(z) + np.exp2(z) + np.square(z)
    found = found + np.arcsin(z) - np.arccos(z) + np.arctan(z) + np.arccosh(z + 3j) + np.arctanh(z)
    return found + np.log2(z + 2) - np.log10(z + 2) + np.reciprocal(z + 2) + np.power(z + 2, 3)


def _put_together(x: Any) -> Any:
    z = np.zeros(4, complex)
    z[0] = x[0] * x[1]
    z[1:] = x[1:] * 1j
    z *= 1 + 1j
    return abs(z + z[::-1].astype(complex)) + z.astype(complex).imag


def _out(x: Any) -> Any:
    found = np.zeros_like(x)
    np.multiply(x, 2.0, out=found)
    np.add(found, x**2, out=found)
    y = x * 1.0
    np.exp(y, y)
    total = np.empty(x.shape[1], x.dtype)
    np.sum(found, axis=0, out=total)
    y.sum(axis=0, out=total[...])
    return found * total + y


def _ufunc_where(x: Any) -> Any:
    found = np.zeros_like(x)
    np.log(x, out=found, where=x > 0)
    np.add(found, 3 * x, out=found, where=MASK)
    return found


def _copyto(x: Any) -> Any:
    found = np.zeros((4, 4), x.dtype)
    np.copyto(found[:3], x)
    np.copyto(found, 2 * x[:1], where=MASK)
    np.fill_diagonal(found, x[1] ** 2)
    np.put(found, [1, -2], x[0, :2] * 5)
    np.putmask(found, found > 2, x[2, 2])
    np.put_along_axis(found, np.array([[0], [1], [2], [3]]), x[1, 1] * 3, axis=1)
    np.place(found, found < 0.6, [x[0, 0], x[0, 1]])
    return found


def _partitioned(x: Any) -> Any:
    y = x * 2
    y.partition(1, axis=1)
    y[0].put([1], x[1, 1])
    y.sort(axis=0)
    return y * x


def _flat(x: Any) -> Any:
    y = x * 1.0
    y.flat[1] = y.flat[0] * 3
    y.flat[[2, 5]] *= 2
    z = np.zeros((2, 4), x.dtype)
    z.flat[:3] = y.flat[4:7]
    z.flat[7] = sum(value * place[1] for place, value in np.ndenumerate(y))
    return z * y.view()[1]


def _added(x: Any) -> Any:
    y = np.zeros(3, x.dtype)
    np.add.at(y, [0, 2, 0, 1], x)
    z = x * 1.0
    np.subtract.at(z, [1, 1], y[:2] ** 2)
    return y[0] * z


def _in_place(x: Any) -> Any:
    y = x * 2
    y += x
    y[0] *= 3
    y[2][1:] += y[0, 1:]
    y[1, 1:3] = x[0, :2] ** 2
    y[y > 4] = 0.5
    return y


def _filled(x: Any) -> Any:
    a = np.zeros(5)
    a[0] = x[0]
    for i in range(1, 5):
        a[i] = a[i - 1] * x[i - 1] + 0.5 * i
    return a


def _filled_rows(x: Any) -> Any:
    a = np.empty((2, 4))
    a[:] = 7.0
    a[1] *= x[2, 0]
    a[1][3] = x[0, 0]
    a[0] = x[1] * x[2]
    a[1, [0, 0, 2]] = x[0, :3]
    return a
