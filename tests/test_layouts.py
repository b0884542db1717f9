"""Arrays as they lie in memory, of every kind and shape: a traced call has the bits of the plain one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from array_cases import CASES, Case
from test_arrays import gradients, scalar

import tracegrad as tg

# ---- layouts ----------------------------------------------------------------------------------------


def _every_second(x: Any) -> Any:
    wide = np.zeros(tuple(2 * length for length in x.shape), x.dtype)
    part = wide[(slice(None, None, 2),) * x.ndim]
    part[...] = x
    return part


def _reversed(x: Any) -> Any:
    back = (slice(None, None, -1),) * x.ndim
    return x[back].copy()[back]


def _read_only(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "columns": np.asfortranarray,
    "every second": _every_second,
    "reversed": _reversed,
    "read-only": _read_only,
}


def _laid(layout: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(LAYOUTS[layout](arg) if isinstance(arg, np.ndarray) else arg for arg in args)


def _memory(result: Any) -> Any:
    """How an array lies in memory, as far as that can be told: the strides of axes with more than one element."""
    if not getattr(result, "ndim", 0) or not result.size:
        return None
    return [stride for stride, length in zip(result.strides, result.shape, strict=True) if length > 1]


def same(found: Any, plain: Any) -> None:
    """The same class, kind, shape and bits."""
    assert type(found) is type(plain)
    if isinstance(plain, (tuple, list)):
        assert len(found) == len(plain)
        for one, other in zip(found, plain, strict=True):
            same(one, other)
        return
    found, plain = np.asarray(found), np.asarray(plain)
    assert found.dtype == plain.dtype
    assert found.shape == plain.shape
    nan = plain != plain
    assert found[~nan].tobytes() == plain[~nan].tobytes()
    assert (found != found)[nan].all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_layouts(case: Case, layout: str) -> None:
    args = _laid(layout, case.args)
    plain, memory = case.function(*args), []

    def function(*args: Any) -> Any:
        found = case.function(*args)
        memory.append(_memory(found))
        return found

    same(tg.trace(function, *args).value, plain)
    assert memory == [_memory(plain)]
    if layout == "columns":
        for found, expected in zip(
            gradients(scalar(case), args), gradients(scalar(case), case.args), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-10)


# ---- kinds and shapes -------------------------------------------------------------------------------

SHAPES = ((), (1,), (4,), (0,), (3, 4), (0, 3), (3, 0), (1, 3), (4, 4), (2, 3, 4))
KINDS = (np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8)

UNARY = (
    "exp", "log1p", "sqrt", "square", "sin", "arctan", "negative", "absolute", "sign", "floor", "rint", "sinc", "round",
    "nan_to_num", "real", "imag", "angle", "isfinite", "modf", "squeeze", "ravel", "copy", "diag", "tril", "trace",
    "transpose", "atleast_2d", "flip", "rot90", "unique", "sort", "gradient", "diff", "cov", "median", "vander",
    "count_nonzero", "argmax", "linalg.det", "linalg.norm", "linalg.pinv",
)  # fmt: skip
REDUCTIONS = (
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "var",
    "std",
    "ptp",
    "any",
    "nansum",
    "nanmean",
    "nanmax",
)
OPTIONS: tuple[dict[str, Any], ...] = (
    {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (-1, 0)}, {"axis": ()}, {"axis": 2},
)  # fmt: skip
BINARY = (
    "add", "divide", "power", "hypot", "arctan2", "maximum", "fmod", "floor_divide", "logaddexp", "matmul", "dot",
    "inner", "outer", "kron", "vdot", "greater", "append",
)  # fmt: skip


def _function(name: str) -> Callable[..., Any]:
    return operator.attrgetter(name)(np)  # type: ignore[no-any-return]


def _reordered(x: Any) -> Any:
    """The orders in which elements can be read."""
    return [x.reshape(-1, order=order) for order in "CFA"] + [
        x.flatten("K"),
        x.ravel("A"),
        x.copy("F").ravel("K"),
    ]


def _changed(x: Any) -> Any:
    y = x.copy()
    y += 1
    y *= 2
    y[0] = y[-1] * 2
    y[..., -1] += 1
    return y


CALLS: dict[str, Callable[[Any], Any]] = {
    **{name: _function(name) for name in UNARY},
    **{
        f"{name} {options}": lambda x, name=name, options=options: _function(name)(x, **options)
        for name in REDUCTIONS
        for options in OPTIONS
    },
    **{f"{name} of two": lambda x, name=name: _function(name)(x, x.T + 1) for name in BINARY},
    **{f"{name} right": lambda x, name=name: _function(name)(x, 2) for name in BINARY},
    **{f"{name} left": lambda x, name=name: _function(name)(1.5, x) for name in BINARY},
    "orders": _reordered,
    "changed": _changed,
    "items": lambda x: [x[0], x[..., -1], x[::-2], x[None], x[x > 2], x[[0, 0]]],
    "joined": lambda x: [np.stack([x, x], -1), np.hstack([x, x]), np.vstack([x, 2 * x]), np.append(x, x)],
    "split": lambda x: np.array_split(x, 3, axis=-1),
    "padded": lambda x: [
        np.pad(x, 1),
        np.pad(x, (1, 2), "edge"),
        np.roll(x, 1, -1),
        np.insert(x, 0, x[0], 0),
    ],
    "chosen": lambda x: [
        np.where(x > 2, x, 0),
        np.where(x > 2, x, 0.5),
        np.clip(x, 1, 2),
        np.select([x > 1], [x]),
    ],
    "kinds": lambda x: [x.astype(np.float32), x.astype(int), x.astype(bool), x.astype(x.dtype, copy=False)],
    "numbers": lambda x: [1 - x, x / 3, x // 2, x**2, 2.0**x, np.float32(1.5) * x, True * x, divmod(x, 2)],
    "sums": lambda x: [
        np.cumsum(x),
        np.cumprod(x, -1),
        np.sum(x, dtype=float),
        np.sum(x, initial=2),
        np.add.reduce(x),
    ],
    "quantiles": lambda x: [
        np.quantile(x, 0.3),
        np.quantile(x, [0.3, 0.5], axis=-1),
        np.percentile(x, 40, axis=0),
    ],
    "grids": lambda x: [np.linspace(x, x + 1, 3), np.meshgrid(x, x), np.interp(x, [0.5, 1, 2], [1.0, 3, 2])],
    "lists": lambda x: [list(x), np.array([x, x]), x.tolist(), len(x) * x, sum(x)],
}


def _input(shape: tuple[int, ...], kind: Any) -> Any:
    size = int(np.prod(shape))
    return (np.linspace(0.4, 3.6, size) if kind(0.5) else np.arange(1, size + 1)).astype(kind).reshape(shape)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_kinds_and_shapes(name: str) -> None:
    """What numpy computes is computed alike, or refused; what it complains of is complained of."""
    call = CALLS[name]
    for shape in SHAPES:
        for kind in KINDS:
            for x in dict.fromkeys(("C", "F") if len(shape) > 1 else "C"):
                given = np.array(_input(shape, kind), order=x)  # type: ignore[call-overload]
                try:
                    plain = call(given)
                except Exception as error:
                    with pytest.raises((type(error), tg.TracegradError)):
                        tg.trace(lambda x: call(x), given)
                    continue
                try:
                    found = tg.trace(lambda x: call(x), given).value
                except tg.UnsupportedError:
                    assert 0 in shape or not shape, shape  # of nothing
                    continue
                same(found, plain)


# ---- memory that is shared --------------------------------------------------------------------------


IF_NEEDED: Any = False if np.__version__ < "2" else None


def _written(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        x = x * 1.0
        y = make(x)
        y[0] = 5.0
        return (x * x).sum() + (y * y).sum()

    return function


@pytest.mark.parametrize("make", [
    lambda x: np.take(x, 0, axis=-1), lambda x: x.astype(float, copy=False), lambda x: x.astype(float),
    lambda x: np.array(x, copy=IF_NEEDED), lambda x: np.array(x), lambda x: np.asarray(x), lambda x: x[0],
    lambda x: x[:, 0],
    lambda x: x[[0]], lambda x: x.copy(), lambda x: np.split(x, 2)[0], lambda x: np.compress([True, False], x, axis=0),
])  # fmt: skip
def test_what_is_a_copy_and_what_is_not(make: Callable[[Any], Any]) -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)
    function = _written(make)
    assert tg.trace(function, x).value == function(x)


@pytest.mark.parametrize("write", [
    lambda x: x.__setitem__(0, 1.0), lambda x: operator.iadd(x, 1), lambda x: x.sort(), lambda x: x[0].fill(2.0),
    lambda x: x.T[::-1].__setitem__(0, 1.0),
])  # fmt: skip
def test_what_may_not_be_written_to_may_not_in_a_trace(write: Callable[[Any], Any]) -> None:
    x = _read_only(np.ones((2, 2)))
    with pytest.raises(ValueError, match="read-only"):
        write(x)
    with pytest.raises(ValueError, match="read-only"):
        tg.trace(lambda x: (write(x), x.sum())[1], x)
