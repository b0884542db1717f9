"""Stand-ins: functions that take the place of ``math``'s and of some builtins while a trace is open.

In: the originals.  Out: :data:`MATH` and :data:`BUILTINS` by name, and :data:`STAND_INS` from original to stand-in.
A stand-in looks at the classes of its arguments: with a traced one the primitive is bound and recorded; without, the
original is called, so that other threads and plain numbers see the plain function.  Read :func:`_several` first.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from tracegrad.class_stand_ins import CLASSES, read
from tracegrad.fast import fast_function
from tracegrad.instructions import compares_identity
from tracegrad.primitives import MAX, MIN, TABLE, bind
from tracegrad.tracer import NestedTracer, ScalarTracer, Tracer, as_number, isinstance_tracer, plain

StandIn = Callable[..., Any]


_TRACERS = frozenset({ScalarTracer, NestedTracer})
_USUAL = _TRACERS | {int, float}


def _any_traced(args: Iterable[Any]) -> bool:
    return any(issubclass(type(arg), Tracer) for arg in args)


def _real_and_traced(items: Iterable[Any]) -> bool:
    """Whether all of these are real numbers, and at least one of them is traced."""
    kinds = set(map(type, items))
    if kinds <= _USUAL:
        return not kinds.isdisjoint(_TRACERS)
    return _any_traced(items) and all(isinstance(item, Real) for item in items)


def _several(name: str, original: StandIn) -> StandIn:
    """The stand-in of a function whose operands are its positional arguments."""
    row = TABLE[name]

    def stand_in(*args: Any, **options: Any) -> Any:
        numbers = args if _USUAL.issuperset(map(type, args)) else tuple(map(as_number, args))
        if not options and _any_traced(numbers):
            return bind(row, *numbers)
        return original(*args, **options)

    return stand_in


def _one(name: str) -> StandIn:
    """The stand-in of a function of one number: the hot path of a trace."""
    return fast_function(TABLE[name], _several(name, getattr(math, name)))


# ---- functions whose arguments need taking apart --------------------------------------------------------


def _log(original: StandIn) -> StandIn:
    def otherwise(x: Any, *base: Any) -> Any:
        if base == () and isinstance_tracer(x):
            return bind(TABLE["log"], x)
        return bind(TABLE["log_base"], x, *base) if _any_traced((x, *base)) else original(x, *base)

    return fast_function(TABLE["log"], otherwise, optional="base")


def _iterable(row_name: str) -> Callable[[StandIn], StandIn]:
    def make(original: StandIn) -> StandIn:
        def stand_in(seq: Any, /) -> Any:
            items = list(seq)
            return bind(TABLE[row_name], *items) if _real_and_traced(items) else original(items)

        return stand_in

    return make


def _prod(original: StandIn) -> StandIn:
    def prod(iterable: Any, /, *, start: Any = 1) -> Any:
        items = list(iterable)
        operands = items if type(start) is int and start == 1 else [start, *items]
        if _real_and_traced(operands):
            return bind(TABLE["prod"], *operands)
        return original(items, start=start)

    return prod


def _two_vectors(row_name: str) -> Callable[[StandIn], StandIn]:
    def make(original: StandIn) -> StandIn:
        def stand_in(p: Any, q: Any, /) -> Any:
            p, q = tuple(p), tuple(q)
            traced = len(p) == len(q) and _real_and_traced((*p, *q))
            return bind(TABLE[row_name], *p, *q) if traced else original(p, q)

        return stand_in

    return make


def _frexp(original: StandIn) -> StandIn:
    def frexp(x: Any, /) -> Any:
        if not isinstance_tracer(x):
            return original(x)
        return bind(TABLE["frexp_mantissa"], x), bind(TABLE["frexp_exponent"], x)

    return frexp


def _modf(original: StandIn) -> StandIn:
    def modf(x: Any, /) -> Any:
        if not isinstance_tracer(x):
            return original(x)
        return bind(TABLE["modf_fraction"], x), bind(TABLE["modf_whole"], x)

    return modf


def _nextafter(original: StandIn) -> StandIn:
    def nextafter(x: Any, y: Any, /, *, steps: Any = None) -> Any:
        if not _any_traced((x, y)):
            return original(x, y) if steps is None else original(x, y, steps=steps)
        return (
            bind(TABLE["nextafter"], x, y) if steps is None else bind(TABLE["nextafter_steps"], x, y, steps)
        )

    return nextafter


def _isclose(original: StandIn) -> StandIn:
    def isclose(a: Any, b: Any, *, rel_tol: Any = 1e-09, abs_tol: Any = 0.0) -> Any:
        args = (a, b, rel_tol, abs_tol)
        return (
            bind(TABLE["isclose"], *args)
            if _any_traced(args)
            else original(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
        )

    return isclose


def _sum(original: StandIn) -> StandIn:
    def sum(iterable: Any, /, start: Any = 0) -> Any:
        items = list(iterable)
        operands = items if type(start) is int and start == 0 else [start, *items]
        if items and _real_and_traced(operands):
            return bind(TABLE["sum" if operands is items else "sum_from"], *operands)
        return original(items, start)

    return sum


def _extreme(row: Any) -> Callable[[StandIn], StandIn]:
    def make(original: StandIn) -> StandIn:
        def stand_in(*args: Any, **options: Any) -> Any:
            if len(args) == 1 and not isinstance(args[0], (list, tuple)):
                args = (list(args[0]),)
            items = args[0] if len(args) == 1 else args
            if options or not _real_and_traced(items) or compares_identity(sys._getframe(1).f_code):
                return original(
                    *args, **options
                )  # one of the operands itself, where the code may ask which it is
            return bind(row, *items)

        return stand_in

    return make


def _eval(original: StandIn) -> StandIn:
    def eval(source: Any, /, globals: Any = None, locals: Any = None) -> Any:
        read(source)
        if globals is None:
            frame = sys._getframe(1)
            if locals is None:  # those of a function are a copy; since Python 3.13 this has to be made
                locals = frame.f_locals if type(frame.f_locals) is dict else dict(frame.f_locals)
            globals = frame.f_globals
        return original(source, globals, locals)

    return eval


def _hasattr(original: StandIn) -> StandIn:
    def hasattr(object: Any, name: Any, /) -> Any:
        return original(plain(object) if isinstance_tracer(object) else object, name)

    return hasattr


def _getattr(original: StandIn) -> StandIn:
    def getattr(object: Any, name: Any, /, *default: Any) -> Any:
        if isinstance_tracer(object) and not hasattr(plain(object), name):
            return original(plain(object), name, *default)  # a tracer has attributes that its number lacks
        return original(object, name, *default)

    return getattr


_SPECIAL: dict[str, Callable[[StandIn], StandIn]] = {
    "log": _log,
    "fsum": _iterable("fsum"),
    "prod": _prod,
    "dist": _two_vectors("dist"),
    "sumprod": _two_vectors("sumprod"),
    "frexp": _frexp,
    "modf": _modf,
    "isclose": _isclose,
    "nextafter": _nextafter,
}


def _stand_in(name: str, original: StandIn) -> StandIn:
    if name in _SPECIAL:
        return _SPECIAL[name](original)
    row = TABLE[name]
    single = not row.step and not row.variadic and not row.params and len(row.rules) == 1  # type: ignore[arg-type]
    return _one(name) if single else _several(name, original)


def _named(stand_in: StandIn, original: StandIn) -> StandIn:
    stand_in.__name__ = stand_in.__qualname__ = original.__name__
    stand_in.__doc__ = original.__doc__
    stand_in.__module__ = original.__module__
    return stand_in


def _callables() -> dict[str, StandIn]:
    return {name: value for name, value in vars(math).items() if callable(value) and not name.startswith("_")}


#: the functions of ``math`` by name, and what stands in for each
ORIGINALS: dict[str, StandIn] = {
    name: f for name, f in _callables().items() if name in TABLE or name in _SPECIAL
}
MATH: dict[str, StandIn] = {name: _named(_stand_in(name, f), f) for name, f in ORIGINALS.items()}

#: builtins that a trace shows as one gate, and classes that convert and check
BUILTINS: dict[str, StandIn] = CLASSES | {
    name: _named(make(getattr(builtins, name)), getattr(builtins, name))
    for name, make in {
        "sum": _sum,
        "max": _extreme(MAX),
        "min": _extreme(MIN),
        "eval": _eval,
        "getattr": _getattr,
        "hasattr": _hasattr,
    }.items()
}


#: functions of ``statistics`` that go by exact fractions, and so would ask a traced number for its digits
STATISTICS = ("mean", "variance", "pvariance", "stdev", "pstdev", "harmonic_mean")


def _sample(name: str, original: StandIn) -> StandIn:
    def stand_in(data: Any, *args: Any, **options: Any) -> Any:
        items = list(data)
        if not any(arg is not None for arg in (*args, *options.values())) and _real_and_traced(items):
            return bind(TABLE[name], *items)
        return original(items, *args, **options)

    return stand_in


def include_statistics() -> None:
    """Add the stand-ins of ``statistics``, once that module is loaded: loading it just for them would cost too much."""
    statistics = sys.modules.get("statistics")
    if statistics is None or "statistics" in _included:
        return
    _included.add("statistics")
    found = {name: _sample(name, getattr(statistics, name)) for name in STATISTICS}
    if hasattr(statistics, "_normal_dist_inv_cdf"):
        found["_normal_dist_inv_cdf"] = _several("normal_inv_cdf", statistics._normal_dist_inv_cdf)
    for name, stand_in in found.items():
        original = getattr(statistics, name)
        STAND_INS[original] = _named(stand_in, original)
        ORIGINAL_OF[stand_in] = original


_included: set[str] = set()

#: stand-in by original, and original by stand-in
STAND_INS: dict[Any, StandIn] = {
    **{ORIGINALS[name]: stand_in for name, stand_in in MATH.items()},
    **{getattr(builtins, name): stand_in for name, stand_in in BUILTINS.items() if name not in CLASSES},
}
ORIGINAL_OF: dict[Any, StandIn] = {stand_in: original for original, stand_in in STAND_INS.items()}
