"""The functions and the decorator that users import; compositions of what stands above, no logic of their own."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, overload

from tracegrad.arguments import by_parameter, by_position, title_of
from tracegrad.arrays.fit import one_like
from tracegrad.errors import InputError
from tracegrad.inputs import Wrt
from tracegrad.recording import Recording, collector_paused, record
from tracegrad.reverse import sweep
from tracegrad.trace import Trace
from tracegrad.tracer import KINDS, isinstance_tracer
from tracegrad.tree import is_leaf, leaves, map_leaves

P = ParamSpec("P")
R = TypeVar("R")


class TracedFunction(Generic[P, R]):
    """A function that can also be traced; calling it is the plain call.

    >>> square = traced(lambda x: x * x)
    >>> square(3), square.grad(3), square.trace(3)
    (9, {'x': 6.0}, <Trace of <lambda>, value 9>)
    """

    def __init__(self, function: Callable[P, R], wrt: Wrt = None) -> None:
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self._wrt = wrt

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.__wrapped__(*args, **kwargs)

    def trace(self, *args: P.args, **kwargs: P.kwargs) -> Trace:
        """Call the function and record it: value, gradients, graph, pictures."""
        function = self.__wrapped__
        return Trace(record(function, by_parameter(function, args, kwargs), self._wrt))

    def grad(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """The gradients by parameter name."""
        return self.trace(*args, **kwargs).gradients

    def value_and_grad(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, Any]]:
        """The value and the gradients by parameter name."""
        trace = self.trace(*args, **kwargs)
        return trace.value, trace.gradients

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: the same for the bound function."""
        bind = getattr(type(self.__wrapped__), "__get__", None)
        return self if bind is None else TracedFunction(bind(self.__wrapped__, instance, owner), self._wrt)

    def __reduce__(self) -> str:
        return self.__qualname__  # type: ignore[attr-defined,no-any-return]

    def __repr__(self) -> str:
        return f"<traced {title_of(self.__wrapped__)}>"


@overload
def traced(function: Callable[P, R], /) -> TracedFunction[P, R]: ...
@overload
def traced(*, wrt: Sequence[str] | None = None) -> Callable[[Callable[P, R]], TracedFunction[P, R]]: ...
def traced(function: Any = None, /, *, wrt: Any = None) -> Any:
    """Make a function traceable by ``f.trace(...)``; ``f(...)`` stays the plain call.

    ``wrt`` names the parameters (or paths such as ``w[0]``, ``params.rate``) to differentiate by; all numbers among
    the arguments if not given.

    >>> @traced
    ... def area(width, height):
    ...     return width * height
    >>> area(2, 3)
    6
    >>> area.trace(2, 3).gradients
    {'width': 3.0, 'height': 2.0}

    >>> @traced(wrt=["width"])
    ... def area(width, height):
    ...     return width * height
    >>> area.grad(2, 3)
    {'width': 3.0}
    """
    if isinstance(wrt, str):
        wrt = [wrt]
    if function is None:
        return lambda function: TracedFunction(function, wrt)
    if not callable(function) and not hasattr(function, "__get__"):
        raise InputError(f"@traced decorates a function, not {type(function).__name__}")
    return TracedFunction(function, wrt)


# ---- functions of functions, by the convention of autograd and JAX ----------------------------------------

Argnums = int | Sequence[int]


def value_and_grad(fn: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns ``(value, gradient)`` of ``fn``.

    ``argnums`` says by which positional arguments to differentiate: a number for the gradient alone, a sequence
    for a tuple of gradients.  A gradient has the structure of its argument.  Nests: see :func:`grad`.

    >>> value_and_grad(lambda x, w: w[0] * x + w[1], argnums=(0, 1))(2.0, [3.0, 1.0])
    (7.0, (3.0, [2.0, 1.0]))
    """

    @functools.wraps(fn, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def derived(*args: Any, **kwargs: Any) -> Any:
        numbers = [argnums] if isinstance(argnums, int) else list(argnums)
        names = [_argument(fn, number, len(args)) for number in numbers]
        with collector_paused():
            recording = record(fn, by_position(args, kwargs), names)
            try:
                gradients = recording.in_structure(_gradients(recording))
                found = [gradients[name] for name in names]
                return recording.value, found[0] if isinstance(argnums, int) else tuple(found)
            finally:
                recording.tape.clear()

    return derived


def grad(fn: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the gradient of ``fn``, whose result must be one number.

    >>> import math
    >>> grad(math.sin)(0.0)
    1.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    derived = value_and_grad(fn, argnums)

    @functools.wraps(fn, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return derived(*args, **kwargs)[1]

    return gradient


def vjp(fn: Callable[..., Any], /, *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of ``fn`` and its pullback, which carries a seed of the result back to the arguments.

    The pullback can be called many times; it gives a tuple with one gradient for each argument.

    >>> value, pullback = vjp(lambda x, y: (x * y, x + y), 3.0, 5.0)
    >>> value
    (15.0, 8.0)
    >>> pullback((1.0, 0.0)), pullback((0.0, 1.0))
    ((5.0, 3.0), (1.0, 1.0))
    """
    recorded = Trace(record(fn, by_position(args, {})))

    def pullback(seed: Any) -> tuple[Any, ...]:
        gradients = recorded.backward(seed).gradients
        return tuple(gradients.get(f"argument {i}") for i in range(len(args)))

    return recorded.value, pullback


def detach(value: Any) -> Any:
    """The plain number or structure under a traced one: the one explicit way out of a trace.

    What is computed from it counts as constant.

    >>> grad(lambda x: x * detach(x))(3.0)
    3.0
    """

    return map_leaves(value, lambda number: number.value if isinstance_tracer(number) else number)


def _argument(fn: Callable[..., Any], number: int, count: int) -> str:
    index = operator.index(number)
    if not -count <= index < count:
        raise InputError(f"argnums={number} but {title_of(fn)} was given {count} positional arguments")
    return f"argument {index % count}"


def _gradients(recording: Recording) -> list[Any]:
    """The adjoints of the inputs for a result that is one number."""
    result = recording.result
    if not is_leaf(result) or (type(result) in KINDS and result.shape):
        held = sum(getattr(leaf, "size", 1) for _, leaf in leaves(result))
        raise InputError(
            f"{title_of(recording.function)} returned {type(result).__name__} with {held} numbers, and a gradient is "
            "that of one number: return one, or use tg.vjp or t.backward(seed=...)"
        )
    if not recording.owns(result):
        return [None] * recording.count
    return sweep(
        recording.tape, [(result, one_like(result) if type(result) in KINDS else 1.0)], recording.count
    )
