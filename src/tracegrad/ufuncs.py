"""numpy's functions on traced scalars: ``np.exp(x)``, ``np.float64(2) * x``, ``np.where``, ``scipy.special.erf(x)``.

In: a ufunc or a numpy function that meets a tracer (numpy asks ``__array_ufunc__`` and ``__array_function__``).  Out: a
traced result.  Read :data:`LIKE` first: most ufuncs have the rule of a row of the primitive table, and only their
forward differs, which is numpy's own, so that the value is that of the plain call bit for bit.

The same rows serve arrays (:mod:`tracegrad.arrays`); a list of traced numbers becomes an array first.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tracegrad.arrays import include
from tracegrad.errors import UnsupportedError
from tracegrad.primitives import TABLE, Primitive, bind
from tracegrad.row import Rule
from tracegrad.source import asks_for, describe
from tracegrad.special_ufuncs import SPECIAL
from tracegrad.tape import refuse, user_frame
from tracegrad.tracer import (
    KINDS,
    UNSETTLED,
    NumberTracer,
    ScalarTracer,
    Tracer,
    escape,
    isinstance_tracer,
    plain,
)

#: ufunc -> row of the primitive table with the same derivative
LIKE = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "power",
    "float_power": "power", "floor_divide": "floordiv", "remainder": "mod", "mod": "mod", "fmod": "fmod",
    "negative": "neg", "positive": "pos", "absolute": "abs", "fabs": "abs", "copysign": "copysign", "sign": "sign",
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2", "log10": "log10", "log1p": "log1p",
    "sqrt": "sqrt", "cbrt": "cbrt", "hypot": "hypot", "arctan2": "atan2", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "degrees": "degrees", "rad2deg": "degrees",
    "radians": "radians", "deg2rad": "radians", "nextafter": "nextafter", "spacing": "ulp", "ldexp": "ldexp",
    "conjugate": "pos",
    # of scipy.special
    "erf": "erf", "erfc": "erfc", "gamma": "gamma", "gammaln": "lgamma", "loggamma": "lgamma", "psi": "digamma",
    "xlogy": "xlogy", "cbrt_": "cbrt",
}  # fmt: skip

#: steps: plain results, recorded as guards
STEPS = {
    "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "ne",
    "logical_and": "and_", "logical_or": "or_", "logical_xor": "xor",
    "isfinite": "isfinite", "isinf": "isinf", "isnan": "isnan", "logical_not": "bool", "signbit": "lt",
}  # fmt: skip


def _tie(m: Any, out: Any, x: Any, y: Any) -> Any:
    return m.where(x == y, 0.5, 1.0 * (x == out))


#: ufunc -> rules, where no row of the table has the same derivative
OWN: dict[str, tuple[Rule, ...]] = {
    "square": (lambda m, out, x: 2.0 * x,),
    "reciprocal": (lambda m, out, x: -out * out,),
    "maximum": (_tie, lambda m, out, x, y: _tie(m, out, y, x)),
    "minimum": (_tie, lambda m, out, x, y: _tie(m, out, y, x)),
    "fmax": (_tie, lambda m, out, x, y: _tie(m, out, y, x)),
    "fmin": (_tie, lambda m, out, x, y: _tie(m, out, y, x)),
    "logaddexp": (lambda m, out, x, y: m.exp(x - out), lambda m, out, x, y: m.exp(y - out)),
    "logaddexp2": (lambda m, out, x, y: 2.0 ** (x - out), lambda m, out, x, y: 2.0 ** (y - out)),
    "heaviside": (0.0, lambda m, out, x, y: 1.0 * (x == 0)),
    "clip": (
        lambda m, out, x, low, high: 1.0 * ((low <= x) & (x <= high)),
        lambda m, out, x, low, high: 1.0 * (x < low),
        lambda m, out, x, low, high: 1.0 * (x > high),
    ),
    "floor": (0.0,),
    "ceil": (0.0,),
    "trunc": (0.0,),
    "rint": (0.0,),
    **SPECIAL,
}


#: those of them whose derivative holds for complex operands too
_ANALYTIC = frozenset({"square", "reciprocal", "erf", "erfc"})


@functools.cache
def row_of(ufunc: Any) -> Primitive | None:
    """The row of a ufunc, ``None`` where there is none.

    >>> import numpy
    >>> row_of(numpy.exp), row_of(numpy.bitwise_or)
    (<primitive numpy.exp>, None)
    """
    name = ufunc.__name__.removeprefix("_")
    title = f"numpy.{name}" if getattr(sys.modules["numpy"], name, None) is ufunc else name
    columns: dict[str, Any] = {"name": title, "forward": ufunc, "numpy": "", "c": "", "python": ""}
    if name in OWN:
        return Primitive(rules=OWN[name], symbol=name, complex=name in _ANALYTIC, **columns)
    if name in LIKE and LIKE[name] in TABLE:
        found = replace(TABLE[LIKE[name]], **columns)
        return replace(found, complex=True) if name in _ANALYTIC else found
    if name in STEPS:
        return replace(TABLE[STEPS[name]], **columns)
    return None


_USUAL = frozenset({ScalarTracer, float, int})

#: what :mod:`tracegrad.arrays.fast` enters, once arrays are there: the short ways of ufuncs, ``forward`` and
#: ``reflected``, and what has ``served`` calls of functions by their ``handlers``
UFUNCS: dict[str, Any] = {}

#: the short way of :mod:`tracegrad.arrays.calls`: function of numpy -> what records a call in its usual form
SHORT: dict[Any, Callable[..., Any]] = {}


def array_ufunc(self: Tracer, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """``Tracer.__array_ufunc__``: a ufunc with a tracer among its operands."""
    if method == "__call__" and not options:
        if UFUNCS:
            if issubclass(type(inputs[0]), Tracer):
                made = UFUNCS["forward"][ufunc](*inputs)
            else:
                made = UFUNCS["reflected"][ufunc](*reversed(inputs))
            if made is not None:
                return made
        if _USUAL.issuperset(map(type, inputs)):
            usual = row_of(ufunc)
            if usual is not None:
                return bind(usual, *inputs)
    include()
    from tracegrad.arrays.table import unsupported

    settled = [_settled(one) for one in inputs]
    if UNSETTLED and not holds_tracer((*settled, *(plain := _settled_options(options)).values())):
        result = getattr(ufunc, method)(*settled, **plain)
        return options["out"][0] if len(options.get("out") or ()) == 1 else result
    if KINDS and method == "__call__":
        options = {name: one for name, one in options.items() if not _is_neutral(name, one)}
        if "dtype" in options:
            inputs = _in_precision(ufunc, inputs, options.pop("dtype"), options.pop("casting", "same_kind"))
        if not {"out", "where"}.isdisjoint(options):
            return _into(ufunc, inputs, **options)
        if ufunc.__name__ in _NOT_ELEMENTWISE:
            if options:
                raise unsupported(f"numpy.{ufunc.__name__} with {', '.join(options)}")
            return _not_elementwise(ufunc, inputs)
    if KINDS and (method, ufunc.__name__) in _METHODS_OF_UFUNCS:
        return _as_function(ufunc, method, *inputs, **options)
    if KINDS and method == "outer" and not options and len(inputs) == 2:
        return _outer(ufunc, *inputs)
    if KINDS and method in ("at", "reduce", "reduceat", "accumulate"):
        from tracegrad.arrays.ufunc_methods import METHODS

        serve: Any = METHODS[method]
        return serve(ufunc, *inputs, **options)
    row = row_of(ufunc)
    if method != "__call__" or options or row is None:
        call = f"{ufunc.__name__}" if method == "__call__" else f"{ufunc.__name__}.{method}"
        with_options = f" with {', '.join(options)}" if options else ""
        refuse(
            UnsupportedError(
                f"numpy's {call}{with_options} has no row in the primitive table, {describe(user_frame())}.  Write it "
                "with functions that have one, or wrap its argument in tg.detach(...) if no gradient is wanted through "
                "it"
            )
        )
    if all(map(_is_scalar, inputs)):
        return _apply(row, *map(_number, inputs))
    from tracegrad.arrays.build import lift

    return _apply(row, *map(lift, inputs))


_NOT_ELEMENTWISE = frozenset({"matmul", "vecdot", "matvec", "vecmat", "divmod", "modf"})

#: methods of ufuncs that are functions of numpy
_METHODS_OF_UFUNCS = {
    ("reduce", "add"): "sum", ("reduce", "multiply"): "prod", ("reduce", "maximum"): "max",
    ("reduce", "minimum"): "min", ("reduce", "logical_and"): "all", ("reduce", "logical_or"): "any",
    ("accumulate", "add"): "cumsum", ("accumulate", "multiply"): "cumprod",
}  # fmt: skip


#: options of ufuncs that change nothing when they are left at this
_NEUTRAL = {"casting": "same_kind", "order": "K", "subok": True}


def _is_neutral(name: str, option: Any) -> bool:
    return option is None or (name in _NEUTRAL and option == _NEUTRAL[name])


def _in_precision(ufunc: Any, inputs: Any, dtype: Any, casting: str) -> Any:
    """Operands as the loop takes them that ``dtype`` asks for."""
    from tracegrad.arrays.shapes import cast
    from tracegrad.arrays.table import unsupported

    numpy: Any = sys.modules["numpy"]
    kind = numpy.dtype(dtype)
    if kind.kind not in "fc" or ufunc.__name__ in STEPS:
        raise unsupported(f"numpy.{ufunc.__name__} with dtype {kind}")
    return [one[()] if one.ndim == 0 else one for one in cast(inputs, kind, casting)]


def _as_function(
    ufunc: Any, method: str, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **options: Any
) -> Any:
    from tracegrad.arrays.assigning import served

    function = getattr(sys.modules["numpy"], _METHODS_OF_UFUNCS[method, ufunc.__name__])
    given = {name: option for name, option in {"dtype": dtype, "out": out}.items() if option is not None}
    return served(function, (x,), {"axis": axis, **given, **options})


@functools.cache
def _modf_rows(ufunc: Any) -> tuple[Primitive, Primitive]:
    fraction = replace(
        TABLE["modf_fraction"], name="numpy.modf", forward=lambda x: ufunc(x)[0], numpy="", c="", python=""
    )
    return fraction, replace(fraction, forward=lambda x: ufunc(x)[1], rules=(0.0,), symbol="whole")


def _outer(ufunc: Any, a: Any, b: Any) -> Any:
    """Each element of one array with each of the other."""
    from tracegrad.arrays.build import lift
    from tracegrad.arrays.fit import shape_of

    numpy: Any = sys.modules["numpy"]
    a, b = lift(a), lift(b)
    return ufunc(numpy.reshape(a, (*shape_of(a), *[1] * len(shape_of(b)))), b)


def _into(ufunc: Any, inputs: Any, out: Any = (None,), where: Any = True, **options: Any) -> Any:
    """A ufunc whose result is asked for in an array, or at some places of it only."""
    from tracegrad.arrays.assigning import at_places, written
    from tracegrad.arrays.table import unsupported

    if options or len(out) != 1:
        raise unsupported(f"numpy.{ufunc.__name__} with {', '.join(['out', *options])}")
    if where is not True:
        return at_places(ufunc, inputs, where, out[0])
    return written(ufunc(*inputs), out[0], ufunc.__name__)


def _not_elementwise(ufunc: Any, inputs: Any) -> Any:
    from tracegrad.arrays.build import lift
    from tracegrad.arrays.products import MATMUL, MATVEC, VECDOT, VECMAT

    if ufunc.__name__ == "modf":
        x = lift(inputs[0])
        return tuple(bind(row, x) for row in _modf_rows(ufunc))
    a, b = map(lift, inputs)
    name = ufunc.__name__
    if name == "divmod":
        return a // b, a % b
    return bind({"matmul": MATMUL, "vecdot": VECDOT, "matvec": MATVEC, "vecmat": VECMAT}[name], a, b)


def _apply(row: Primitive, *elements: Any) -> Any:
    return bind(row, *elements) if any(map(isinstance_tracer, elements)) else row.forward(*elements)


def _is_scalar(operand: Any) -> bool:
    if isinstance_tracer(operand):
        return type(operand) not in KINDS
    return not (getattr(operand, "ndim", 0) or isinstance(operand, (list, tuple)))


def _as_object(value: Any) -> Any:
    """A tracer, wherever it is in lists, as an array of one object: that has no protocol which would lead back here."""
    numpy = sys.modules["numpy"]
    if isinstance_tracer(value):
        array = numpy.empty((), dtype=object)
        array[()] = value
        return array
    if isinstance(value, (list, tuple)):
        return list(map(_as_object, value)) if holds_tracer(value) else value
    return value


def holds_tracer(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(holds_tracer, value))
    return isinstance_tracer(value)


def as_element(self: NumberTracer, dtype: Any = None, copy: Any = None) -> Any:
    """``NumberTracer.__array__``: numpy makes an array of something that this number is in.

    Only an array that is asked to be one of objects is a container, which may hold it.
    """
    numpy = sys.modules["numpy"]
    if dtype is None:
        refuse(
            UnsupportedError(
                "a traced number is in a list or tuple that numpy would make an array of objects of, "
                f"{describe(user_frame())}.  Make it an array first: np.array([...])"
            )
        )
    if numpy.dtype(dtype).kind != "O":
        escape(self, "turned into a plain array")
    return _as_object(self)


def array_function(self: Tracer, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """``Tracer.__array_function__``: a function of numpy with a tracer among its arguments."""
    short = SHORT.get(function)
    if short is not None:
        made = short(*args, **kwargs)
        if made is not None:
            return made
    include()
    if function not in UFUNCS["handlers"]:
        from tracegrad.arrays.fresh import windowed
        from tracegrad.arrays.table import title, unsupported

        given = args
        args, kwargs = _settled(args), _settled_options(kwargs)
        if not holds_tracer((*args, *kwargs.values())):
            return windowed(function(*args, **kwargs), given)
        raise unsupported(title(function))
    return UFUNCS["served"](function, args, kwargs)


def _settled_options(options: dict[str, Any]) -> dict[str, Any]:
    return {name: _settled(option) for name, option in options.items()}


def _settled(value: Any) -> Any:
    """Arrays that are made but not traced yet as plain ones."""
    if type(value) in UNSETTLED:
        return UNSETTLED[type(value)](value)
    return type(value)(map(_settled, value)) if type(value) in (list, tuple) else value


def _number(result: Any) -> Any:
    """An array without dimensions as the number in it."""
    return result[()] if not isinstance_tracer(result) and getattr(result, "ndim", 1) == 0 else result


def _function(name: str, self: Tracer) -> Any:
    """What numpy asks the elements of an array of objects for: ``np.exp`` for ``exp``; numbers have no such method."""
    numpy = sys.modules.get("numpy")
    if numpy is None or asks_for(user_frame(), name):
        return getattr(self.value_, name)
    return functools.partial(getattr(numpy, name), self)


def _method(name: str, self: Tracer) -> Any:
    """A method of numpy's scalars that hands the number on."""
    number: Any = plain(self)
    if not isinstance(number, getattr(sys.modules.get("numpy"), "generic", ())):
        return getattr(number, name)
    if name == "astype":
        from tracegrad.arrays.tracer import converted

        return lambda dtype, *args, **options: converted(self, dtype)
    if name in ("item", "tolist"):
        row = TABLE["float"] if type(getattr(number, name)()) is float else ITEM
        return lambda *index: bind(row, self)
    return lambda *args, **options: _number(getattr(_as_object(self), name)(*args, **options))


#: numpy's whole numbers as Python's
ITEM = Primitive(
    name="numpy.item", forward=lambda x: x.item(), rules=(1.0,), symbol="item", python="", c="", numpy=""
)

_METHODS = ("astype", "copy", "flatten", "item", "max", "min", "ravel", "reshape", "squeeze", "sum", "tolist")


def install() -> None:
    """Let tracers take part in numpy's protocols; numpy itself need not be there."""
    for how, names in ((_function, LIKE.keys() | OWN.keys()), (_method, _METHODS)):
        for name in names:
            if not hasattr(NumberTracer, name):
                setattr(NumberTracer, name, property(functools.partial(how, name)))
    NumberTracer.__array__ = as_element  # type: ignore[attr-defined]
    Tracer.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
    Tracer.__array_function__ = array_function  # type: ignore[attr-defined]
