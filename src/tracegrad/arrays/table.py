"""How rows on arrays are written, and how a call of numpy finds its row.

In: rows, entered with :func:`row` and :func:`composed`.  Out: :data:`HANDLERS` from each function of numpy to what
serves it when a tracer is among its arguments.  Read :func:`row` first: the decorated prototype is the forward, its
parameters are the operands (as many as there are ``vjps``), then static data.

A ``vjp`` is a function of (upstream, out, *operands, *static), written with functions of numpy.  These lead back here
when they meet tracers, which gives derivatives of any order.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracegrad.errors import UnsupportedError
from tracegrad.row import Primitive, bind
from tracegrad.source import describe
from tracegrad.tape import CURRENT, user_frame
from tracegrad.tracer import isinstance_tracer

Function = Callable[..., Any]

#: function of numpy -> what serves it for traced arguments
HANDLERS: dict[Any, Function] = {}

#: in what numpy gives several arrays: since 2.0 a tuple
MANY: type = tuple if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else list

#: options that change nothing when they are left at this
_NEUTRAL = (None, np._NoValue)


def title(function: Any) -> str:
    """How messages and documents call a function: ``numpy.linalg.inv``."""
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy.core", "numpy")
    return f"{module.partition('._')[0]}.{getattr(function, '__name__', function)}"


def unsupported(what: str) -> UnsupportedError:
    """The refusal of a call, at the user's line; a handler there cannot hide it from the end of the trace."""
    error = UnsupportedError(
        f"{what} has no row in the primitive table, {describe(user_frame())}.  Write it with functions that have one, "
        "or wrap its argument in tg.detach(...) if no gradient is wanted through it"
    )
    tape = CURRENT.get()
    while tape is not None:
        tape.escape = tape.escape or error
        tape = tape.outer
    return error


def row(
    function: Any,
    *vjps: Function,
    symbol: str = "",
    maps: tuple[str, ...] = (),
    rules: Any = (),
    complex: bool = False,
) -> Callable[[Function], Primitive]:
    """Enter a row for a function of numpy: by ``vjps``, or elementwise by ``rules`` of (m, out, *args)."""

    def enter(prototype: Function) -> Primitive:
        names = list(inspect.signature(prototype).parameters)
        count = len(vjps) or len(rules)
        entry = Primitive(
            name=title(function), forward=_positional(prototype), rules=rules, vjps=vjps or None,
            params=tuple(names[count:]), maps=maps, symbol=symbol or function.__name__, variadic=bool(vjps),
            complex=complex, python="", c="", numpy="",
        )  # fmt: skip
        HANDLERS[function] = handler(function, prototype, count, entry)
        return entry

    return enter


def _positional(prototype: Function) -> Function:
    """The prototype with its keyword-only parameters (those that numpy has elsewhere in its order) by position."""
    names = list(inspect.signature(prototype).parameters)
    if prototype.__kwdefaults__ is None:
        return prototype
    return lambda *args: prototype(**dict(zip(names, args, strict=True)))


def gate(name: str, vjps: Function, *params: str, symbol: str, label: str) -> Callable[[Function], Primitive]:
    """A linear row with any number of operands; ``vjps`` gives all that returns, as a list."""

    def enter(prototype: Function) -> Primitive:
        return Primitive(
            name=name, forward=prototype, vjps=vjps, params=params, maps=(label,), symbol=symbol, variadic=True,
            complex=True, python="", c="", numpy="",
        )  # fmt: skip

    return enter


def composed(*functions: Any) -> Callable[[Function], Function]:
    """Serve functions of numpy by a composition of others that have rows, bit for bit the same values."""

    def enter(prototype: Function) -> Function:
        for function in functions:
            HANDLERS[function] = _named(function, prototype)
        return prototype

    return enter


def _named(function: Any, prototype: Function) -> Function:
    bound = _binder(function, prototype)

    def serve(*args: Any, **options: Any) -> Any:
        return prototype(*bound(args, options))

    return serve if _is_plain(prototype) else _by_signature(function, prototype)


def _is_plain(prototype: Function) -> bool:
    """Whether all parameters can be given by position."""
    kinds = {parameter.kind for parameter in inspect.signature(prototype).parameters.values()}
    return kinds == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


def _by_signature(function: Any, prototype: Function) -> Function:
    signature = inspect.signature(prototype)

    def serve(*args: Any, **options: Any) -> Any:
        bound = _bound(function, signature, args, options)
        return prototype(*bound.args, **bound.kwargs)

    return serve


def _binder(function: Any, prototype: Function) -> Callable[[Any, Any], Sequence[Any]]:
    """What puts the arguments of a call into the order of the parameters: by the signature, or a shorter way."""
    signature = inspect.signature(prototype)
    parameters = signature.parameters
    names, defaults = list(parameters), [one.default for one in parameters.values()]
    places = {name: place for place, name in enumerate(names)}
    most = sum(one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for one in parameters.values())
    least = sum(default is inspect.Parameter.empty for default in defaults)

    def bound(args: Any, options: Any) -> Sequence[Any]:
        if not least <= len(args) <= most:
            return list(_bound(function, signature, args, options).arguments.values())
        values = [*args, *defaults[len(args) :]]
        for name, option in options.items():
            place = places.get(name, -1)
            if place < len(args):
                return list(_bound(function, signature, args, options).arguments.values())
            values[place] = option
        return values

    return bound


def _bound(function: Any, signature: inspect.Signature, args: Any, options: Any) -> inspect.BoundArguments:
    options = {
        name: value
        for name, value in options.items()
        if name in signature.parameters or not any(value is neutral for neutral in _NEUTRAL)
    }
    try:
        bound = signature.bind(*args, **options)
    except TypeError as error:
        raise unsupported(f"{title(function)} called this way ({error})") from None
    bound.apply_defaults()
    return bound


def handler(function: Any, prototype: Function, count: int, entry: Primitive) -> Function:
    """What serves a function that has a row: arguments in order, lists as arrays, static data plain."""
    from tracegrad.arrays.build import lift, static

    bound = _binder(function, prototype)

    def serve(*args: Any, **options: Any) -> Any:
        values = bound(args, options)
        return bind(entry, *map(lift, values[:count]), *map(static, values[count:]))

    return serve


def axis_of(axis: Any, ndim: int) -> int:
    """An axis counted from the front; numpy's error where there is none."""
    place = operator.index(axis)
    if not -ndim <= place < ndim:
        raise np.exceptions.AxisError(place, ndim)
    return place % ndim


def traced(values: Any) -> bool:
    """Whether a tracer is among some values."""
    return any(map(isinstance_tracer, values))


def bare(value: Any) -> Any:
    """Tracers of any level as the plain values under them."""
    while isinstance_tracer(value):
        value = value.value_
    return type(value)(map(bare, value)) if type(value) in (list, tuple) else value
