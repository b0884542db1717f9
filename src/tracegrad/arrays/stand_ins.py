"""Stand-ins for functions of numpy that ask no tracer: they make arrays of lists, or of nothing.

In: the originals.  Out: :func:`patches`, what takes their place in numpy's own modules while a trace is open.  With
plain arguments, and for code of other libraries, the original is called.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tracegrad.arrays import joiners, mapped
from tracegrad.arrays.assigning import served
from tracegrad.arrays.build import ORDERED, array, holds_tracer, lift
from tracegrad.arrays.calls import array_of
from tracegrad.arrays.fresh import FreshArray, fresh, settled
from tracegrad.arrays.table import bare, unsupported
from tracegrad.arrays.tracer import ArrayTracer
from tracegrad.class_stand_ins import read
from tracegrad.provenance import OPAQUE
from tracegrad.row import bind
from tracegrad.source import calls
from tracegrad.stand_ins import ORIGINAL_OF, STAND_INS
from tracegrad.tape import CURRENT, WRITTEN
from tracegrad.tracer import KINDS, isinstance_tracer
from tracegrad.ufuncs import SHORT

Function = Callable[..., Any]

#: arrays of objects are containers, which may hold tracers
_OBJECT = object

_NOT_OF_THE_USER = OPAQUE | {"tracegrad"}


def _by_user(stand_in: Function) -> bool:
    """Whether the stand-in was called by the user's own code.

    Compiled code has no frame to be told by, and could not do with anything but plain arrays: numpy's random numbers
    are written to memory that it believes to be that of one.
    """
    frame = sys._getframe(2)
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] not in _NOT_OF_THE_USER and calls(frame, stand_in)


def _arrays(original: Function) -> Function:
    """``np.array`` and its kin: lists of traced numbers become one node."""
    copies = original.__name__ == "array"

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(object: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
        if type(object) in _LISTS and dtype is None and not args and not options:
            made = array_of(object)
            if made is not None:
                return made
        if type(object) is FreshArray and not copies and dtype in (None, object.dtype) and _by_user(stand_in):
            return object
        object = settled(object)
        if dtype is _OBJECT:
            return original(object, dtype, *args, **options)
        if not holds_tracer(object):
            made = original(object, dtype, *args, **options)
            tape = CURRENT.get()
            if (tape is not None or WRITTEN) and (dtype is not None or made.dtype.kind in "SU"):
                read(*_texts(object))  # numbers are read from them now, or later by astype
            return (
                fresh(made, tape)
                if copies and tape is not None and made.dtype.kind in "fiuc" and _by_user(stand_in)
                else made
            )
        if args or options.get("like") is not None:
            raise unsupported(f"numpy.{original.__name__} of traced values called this way")
        return _laid_out(
            _made(object, dtype, copies and options.get("copy", True) is True),
            options.get("order"),
            options.get("ndmin", 0),
        )

    return stand_in


def _texts(value: Any) -> Iterator[str | bytes]:
    """The texts in nested lists."""
    if isinstance(value, (str, bytes)):
        yield value
    elif type(value) in _LISTS and not _NUMBERS.issuperset(map(type, value)):
        for one in value:
            yield from _texts(one)


def _made(object: Any, dtype: Any, copies: bool) -> Any:
    if isinstance_tracer(object) and type(object) in KINDS:
        same = dtype is None or np.dtype(dtype) == object.dtype
        return object if same and not copies else array(object) if same else object.astype(dtype)
    return array(object, dtype)


def _laid_out(made: Any, order: Any, ndmin: int) -> Any:
    """An array in the memory order and with as many axes as a call asks for."""
    if order in ("C", "F") and not made.flags[f"{order}_CONTIGUOUS"]:
        made = bind(ORDERED, made, order)
    missing = ndmin - made.ndim
    return np.reshape(made, (1,) * missing + made.shape) if missing > 0 else made


def _contiguous(original: Function) -> Function:
    """What copies an array unless it lies in memory as wanted."""
    order = "C" if original.__name__ == "ascontiguousarray" else "F"

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(a: Any, dtype: Any = None, **options: Any) -> Any:
        a = settled(a)
        if not holds_tracer(a):
            return original(a, dtype, **options)
        return _laid_out(np.atleast_1d(_made(a, dtype, False)), order, 0)

    return stand_in


def _checked(original: Function) -> Function:
    """``np.asarray_chkfinite``: an array, unless it has inf or nan in it."""

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(a: Any, dtype: Any = None, order: Any = None) -> Any:
        a = settled(a)
        if not holds_tracer(a):
            return original(a, dtype, order)
        made = np.asarray(a, dtype, order=order)
        original(bare(made))  # raises numpy's own error
        return made

    return stand_in


def _of_iterables(original: Function) -> Function:
    """``np.fromiter``: what the iterable gives is collected first."""

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(iter: Any, dtype: Any, count: int = -1, **options: Any) -> Any:
        if CURRENT.get() is None or not _by_user(stand_in):
            return original(iter, dtype, count, **options)
        items = list(iter if count < 0 else itertools.islice(iter, count))
        return array(items, dtype) if holds_tracer(items) else original(items, dtype, count, **options)

    return stand_in


def _makers(original: Function) -> Function:
    """``np.zeros`` and its kin: the user may fill what they make."""

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(*args: Any, **options: Any) -> Any:
        tape = CURRENT.get()
        if tape is None or not _by_user(stand_in):
            return original(*args, **options)
        if original is np_full and holds_tracer(args[1:2]):
            return np.copy(np.broadcast_to(lift(args[1]), args[0]))
        made = original(*map(settled, args), **options)
        return fresh(made, tape) if type(made) is np.ndarray and made.dtype.kind in "fiuc" else made

    return stand_in


np_full = np.full


def _of_lists(original: Function) -> Function:
    """A function that dispatches on arrays: a list of traced numbers is none, so that numpy would not ask."""
    takes_lists = original.__name__ in _OF_SEQUENCES
    short: Function = SHORT.get(original, _never)

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(*args: Any, **options: Any) -> Any:
        for arg in args:
            kind = type(arg)
            if kind is ArrayTracer:
                made = short(*args, **options)
                if made is not None:
                    return made
            elif kind in _LISTS:
                made = short(*args, **options) if takes_lists else None
                if made is not None:
                    return made
                if holds_tracer(arg):
                    break
        else:
            return original(*args, **options)
        if not takes_lists:
            args = tuple(lift(arg) if type(arg) in _LISTS and holds_tracer(arg) else arg for arg in args)
        return served(original, args, options)

    return stand_in


def _never(*_: Any, **__: Any) -> None:
    """The short way of a function that has none."""


_ARRAYS = ("array", "asarray", "asanyarray")
_ASKED = ("arange", "full_like")
_CHECKED = ("asarray_chkfinite",)
_ITERABLES = ("fromiter",)
_CONTIGUOUS = ("ascontiguousarray", "asfortranarray")
_MAKERS = ("zeros", "ones", "empty", "full", "eye", "zeros_like", "ones_like", "empty_like")
_LISTS = frozenset({list, tuple})
_NUMBERS = frozenset({float, int})

#: functions to be given lists whose arguments are lists of arrays
_OF_SEQUENCES = frozenset({"column_stack", "concatenate", "einsum", "hstack", "select", "stack", "vstack"})


def _patch(
    home: Any, makers: dict[Function, tuple[str, ...]]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    originals = {
        name: getattr(home, name) for names in makers.values() for name in names if hasattr(home, name)
    }
    found = {
        name: make(originals[name]) for make, names in makers.items() for name in names if name in originals
    }
    for name, stand_in in found.items():
        STAND_INS[originals[name]] = stand_in
        ORIGINAL_OF[stand_in] = originals[name]
    return vars(home), found, originals


# what lists of numbers are given to in practice: putting all functions in would cost more time in every trace than
# tracing a short function takes.  A list that reaches another one is refused by the numbers in it, which numpy asks
# for an array (ufuncs.as_element)
_LISTED = (
    "all", "allclose", "any", "append", "argmax", "argmin", "argsort", "atleast_2d", "average", "clip", "column_stack",
    "concatenate", "convolve", "corrcoef", "correlate", "cov", "cross", "cumprod", "cumsum", "diag", "diff", "dot",
    "einsum", "flip", "gradient", "hstack", "inner", "interp", "isclose", "kron", "max", "mean", "median", "meshgrid",
    "min", "nanmean", "nansum", "outer", "pad", "percentile", "polyfit", "polyval", "prod", "ptp", "quantile", "ravel",
    "repeat", "reshape", "roll", "roots", "round", "searchsorted", "select", "sort", "stack", "std", "sum", "take",
    "tensordot", "tile", "trace", "transpose", "trapezoid", "trapz", "tril", "triu", "vander", "var", "vstack", "where",
)  # fmt: skip
_LISTED_LINALG = (
    "cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "matrix_power", "norm",
    "pinv", "qr", "slogdet", "solve", "svd",
)  # fmt: skip
_LISTED_FFT = ("fft", "ifft", "irfft", "rfft")


def _joined(first: Any, home: Any, makers: dict[Function, tuple[str, ...]]) -> Any:
    """Two sets of stand-ins in one namespace, put in at once."""
    namespace, found, originals = _patch(home, makers)
    return namespace, first[1] | found, first[2] | originals


def patches() -> list[tuple[Any, dict[str, Any], dict[str, Any]]]:
    """(namespace, stand-ins by name, originals by name), once all rows are entered."""
    return [
        _joined(
            joiners.patch(),
            np,
            {
                _arrays: _ARRAYS,
                _contiguous: _CONTIGUOUS,
                _checked: _CHECKED,
                _of_iterables: _ITERABLES,
                _makers: _MAKERS,
                _of_tracers: _ASKED,
                _of_lists: _LISTED,
            },
        ),
        _patch(np.linalg, {_of_lists: _LISTED_LINALG}),
        _patch(np.fft, {_of_lists: _LISTED_FFT}),
        mapped.patch(),
    ]


def _of_tracers(original: Function) -> Function:
    """A function of a library that asks no tracer: with one among the arguments, what serves it is called."""

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def stand_in(*args: Any, **options: Any) -> Any:
        args, options = settled(args), {name: settled(option) for name, option in options.items()}
        if not holds_tracer((*args, *options.values())):
            return original(*args, **options)
        return served(original, args, options)

    return stand_in


def patches_by(home: Any, served: dict[str, Function]) -> Any:
    """Stand-ins of functions of single numbers, each with what serves it for traced ones."""

    def make(original: Function) -> Function:
        serve = served[original.__name__]

        @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
        def stand_in(*args: Any, **options: Any) -> Any:
            return (
                serve(*args, **options) if any(map(isinstance_tracer, args)) else original(*args, **options)
            )

        return stand_in

    return _patch(home, {make: tuple(served)})


def patches_of(home: Any, names: tuple[str, ...]) -> Any:
    """The stand-ins of such functions, as :func:`patches` gives them."""
    return _patch(home, {_of_tracers: names})
