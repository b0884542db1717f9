"""The discrete Fourier transforms of ``numpy.fft``: linear maps, each with the transposed map as its derivative.

In: functions of ``numpy.fft``.  Out: their rows.  Read :func:`_fft_back` first: the matrix of a transform is symmetric
and so its own transpose; what is padded or cut before it is cut or padded after it.  ``rfft`` is the transform of real
numbers without the second half, ``irfft`` the real part of one whose second half is the mirrored first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift, static
from tracegrad.arrays.table import HANDLERS, axis_of, composed, row, unsupported
from tracegrad.row import bind

FFT = np.fft

#: the normalisation of the inverse transform, for each one
_SWAPPED: dict[Any, Any] = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _sized(x: Any, axis: int, length: int) -> Any:
    """An array cut, or padded with zeros, to a length along an axis."""
    have = x.shape[axis]
    if have >= length:
        return x[(*[slice(None)] * axis_of(axis, x.ndim), slice(0, length))]
    return np.pad(
        x, [(0, length - have) if one == axis_of(axis, x.ndim) else (0, 0) for one in range(x.ndim)]
    )


def _like(x: Any, shape: tuple[int, ...], axes: Any) -> Any:
    for axis in axes:
        x = _sized(x, axis, shape[axis])
    return x


# ---- rows: the sizes s along the axes are given in full --------------------------------------------------


def _fft_back(transform: Any) -> Any:
    return lambda g, out, x, s, axes, norm: _like(transform(g, s, axes, norm), x.shape, axes)


def _rfft_back(g: Any, out: Any, x: Any, s: Any, axes: Any, norm: Any) -> Any:
    """The transform of the upstream gradient, where it has no second half: the real part is that of fit."""
    return _like(FFT.fftn(_sized(g, axes[-1], s[-1]), s, axes, norm), x.shape, axes)


def _irfft_back(g: Any, out: Any, x: Any, s: Any, axes: Any, norm: Any) -> Any:
    """The conjugate of the inverse map; all but the first and, if the size is even, the middle one count twice."""
    half, size = s[-1] // 2 + 1, s[-1]
    twice = np.where((np.arange(half) == 0) | (2 * np.arange(half) == size), 1.0, 2.0)
    twice = np.reshape(twice, [-1 if one == axis_of(axes[-1], x.ndim) else 1 for one in range(x.ndim)])
    back = np.conjugate(FFT.rfftn(g, s, axes, _SWAPPED[norm])) * twice.astype(out.dtype)
    return _like(back, x.shape, axes)


@row(FFT.fftn, _fft_back(FFT.fftn), symbol="fft", maps=("fft G",), complex=True)
def FFTN(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return FFT.fftn(a, s, axes, norm)


@row(FFT.ifftn, _fft_back(FFT.ifftn), symbol="ifft", maps=("ifft G",), complex=True)
def IFFTN(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return FFT.ifftn(a, s, axes, norm)


@row(FFT.rfftn, _rfft_back, symbol="rfft", maps=("Re fft G",), complex=True)
def RFFTN(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return FFT.rfftn(a, s, axes, norm)


@row(FFT.irfftn, _irfft_back, symbol="irfft", maps=("conj rfft G",), complex=True)
def IRFFTN(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    return FFT.irfftn(a, s, axes, norm)


# ---- the transforms by their names -----------------------------------------------------------------------


def _of_many(entry: Any, inverse_real: bool = False) -> Callable[..., Any]:
    """A transform along several axes, its sizes worked out."""

    def serve(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
        if out is not None:
            raise unsupported(f"{entry.name} with out")
        a, s, axes = lift(a), static(s), static(axes)
        if axes is None:
            axes = range(a.ndim) if s is None else range(-len(s), 0)
        axes = tuple(axes)
        if len(set(axes)) < len(axes):
            raise unsupported(f"{entry.name} twice along one axis")
        lengths = [a.shape[axis] for axis in axes]
        if inverse_real:
            lengths[-1] = 2 * (lengths[-1] - 1)
        if s is not None:
            lengths = [a.shape[axis] if one in (None, -1) else one for one, axis in zip(s, axes, strict=True)]
        return bind(entry, a, tuple(lengths), axes, norm)

    return serve


def _of_one(many: Callable[..., Any]) -> Callable[..., Any]:
    """A transform along one axis, which numpy computes by the same bits as one along several that are one."""

    def serve(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        return many(a, None if n is None else (n,), (axis,), norm, out)

    return serve


def _of_two(many: Callable[..., Any]) -> Callable[..., Any]:
    def serve(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
        return many(a, s, axes, norm, out)

    return serve


for _name, _entry in {"fft": FFTN, "ifft": IFFTN, "rfft": RFFTN, "irfft": IRFFTN}.items():
    _many = _of_many(_entry, _name == "irfft")
    HANDLERS[getattr(FFT, f"{_name}n")] = _many
    HANDLERS[getattr(FFT, f"{_name}2")] = _of_two(_many)
    HANDLERS[getattr(FFT, _name)] = _of_one(_many)


@composed(FFT.hfft)
def _hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    return FFT.irfft(np.conjugate(lift(a)), n, axis, _SWAPPED[norm])


@composed(FFT.ihfft)
def _ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    return np.conjugate(FFT.rfft(lift(a), n, axis, _SWAPPED[norm]))


def _shifts(function: Any, sign: int) -> None:
    """The halves exchanged: a roll."""

    def serve(x: Any, axes: Any = None) -> Any:
        x = lift(x)
        axes = range(x.ndim) if axes is None else np.atleast_1d(static(axes)).tolist()
        return np.roll(x, [sign * (x.shape[axis] // 2) for axis in axes], tuple(axes))

    HANDLERS[function] = serve


_shifts(FFT.fftshift, 1)
_shifts(FFT.ifftshift, -1)
