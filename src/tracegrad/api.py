"""The decorator that users import, and :func:`detach`; compositions of what stands above, no logic of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, overload

from tracegrad.arguments import by_parameter, title_of
from tracegrad.errors import InputError
from tracegrad.inputs import Wrt
from tracegrad.recording import record
from tracegrad.trace import Trace
from tracegrad.tracer import plain
from tracegrad.tree import map_leaves

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


def detach(value: Any) -> Any:
    """The plain number or structure under a traced one: the one explicit way out of a trace.

    What is computed from it counts as constant, at every order.

    >>> import tracegrad as tg
    >>> tg.grad(lambda x: x * tg.detach(x))(3.0)
    3.0
    >>> tg.grad(tg.grad(lambda x: x * tg.detach(x)))(3.0)
    0.0
    """
    return map_leaves(value, plain)
