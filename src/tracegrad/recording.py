"""One run of a function on tracers: numbers among the arguments become inputs, the operations on them a tape.

In: a function and its arguments.  Out: a :class:`Recording`.  Read :func:`record`.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tracegrad.errors import InputError, TraceError
from tracegrad.intercept import collector_paused, intercepted
from tracegrad.primitives import INPUT
from tracegrad.scan import substitute
from tracegrad.tape import CURRENT, Tape
from tracegrad.tracer import NOTHING, NestedTracer, ScalarTracer, isinstance_tracer
from tracegrad.tree import is_leaf, leaves, rebuild

#: paths or parameter names to differentiate by; ``None`` for all
Wrt = Sequence[str] | None


@dataclass(slots=True, kw_only=True)
class Recording:
    """What a run has left: the tape, whose first entries are the inputs, and the result that still holds tracers."""

    function: Callable[..., Any]
    tape: Tape
    names: list[str]
    arguments: dict[str, Any]
    result: Any

    @property
    def value(self) -> Any:
        """The result as the plain call gives it."""
        return rebuild(self.result, lambda path, leaf: leaf.value if self.owns(leaf) else leaf)

    def owns(self, leaf: Any) -> bool:
        """Whether this is a tracer of this run."""
        return isinstance_tracer(leaf) and leaf.tape is self.tape

    @property
    def outputs(self) -> list[tuple[str, Any]]:
        """The numbers in the result with their paths."""
        return list(leaves(self.result))

    def in_structure(self, adjoints: Sequence[Any]) -> dict[str, Any]:
        """Values of the inputs, parameter by parameter, in the structure of the arguments."""
        by_name = dict(zip(self.names, adjoints, strict=False))
        return {
            parameter: rebuild(value, lambda path, leaf: by_name.get(path), parameter)
            for parameter, value in self.arguments.items()
            if any(path in by_name for path, _ in leaves(value, parameter))
        }


def title_of(function: Any) -> str:
    """How a message calls a function."""
    return getattr(function, "__qualname__", None) or f"{type(function).__qualname__} object"


def record(function: Callable[..., Any], bound: Arguments, wrt: Wrt = None) -> Recording:
    """Run a function on tracers.

    Whatever the function raises reaches the caller untouched; whatever was patched is restored.
    """
    outer = CURRENT.get()
    kind = ScalarTracer if outer is None else NestedTracer
    tape = Tape(kind, title_of(function), sys._getframe())
    names: list[str] = []
    roots: list[Any] = [function]

    def enter(path: str, leaf: Any) -> Any:
        if wrt is not None and not any(covers(name, path) for name in wrt):
            return leaf
        names.append(path)
        return _input(tape, leaf)

    def other(value: Any) -> Any:
        if not isinstance(value, _INERT):
            roots.append(value)
        return substitute(value)

    arguments = dict(bound.arguments)
    for name, value in arguments.items():
        if name in bound.given or is_leaf(value):
            bound.arguments[name] = rebuild(value, enter, name, other)
    _check(function, names, arguments, wrt)
    token = CURRENT.set(tape)
    try:
        with collector_paused(), intercepted(roots):
            result = substitute(function)(*bound.args, **bound.kwargs)
    finally:
        CURRENT.reset(token)
        tape.close()
    if tape.escape is not None:
        raise tape.escape
    if isinstance(result, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)):
        raise TraceError(
            f"{tape.title} returned a {type(result).__name__}, whose body has not run yet: trace a function that "
            "consumes it, for instance lambda x: list(f(x))"
        )
    return Recording(function=function, tape=tape, names=names, arguments=arguments, result=result)


_INERT = (str, bytes, bool, type(None))


def covers(name: str, path: str) -> bool:
    """Whether a path is that of a name, or inside of it: ``w`` covers ``w[0]``.

    >>> covers("w", "w[0]"), covers("w", "width")
    (True, False)
    """
    return path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "[")


def _input(tape: Tape, value: Any) -> Any:
    node: Any = object.__new__(tape.kind)
    node.value = value
    node.row = INPUT
    node.a = node.b = NOTHING
    node.tape = tape
    node.call = None
    node.lasti = -1
    tape.append(node)
    return node


def _check(function: Any, names: list[str], arguments: dict[str, Any], wrt: Wrt) -> None:
    for wanted in wrt or ():
        if not any(covers(wanted, name) for name in names):
            known = ", ".join(
                path for parameter in arguments for path, _ in leaves(arguments[parameter], parameter)
            )
            raise InputError(
                f"{title_of(function)} has no number called {wanted!r} to differentiate by; there are: {known}"
            )
    if not names:
        raise InputError(
            f"{title_of(function)} was given no number to differentiate by: inputs are the ints and floats among "
            "its arguments, also inside of lists, tuples, dicts and dataclasses"
        )


# ---- arguments and their names ------------------------------------------------------------------------


@dataclass(slots=True)
class Arguments:
    """Arguments by name; ``given`` are those of the call, the others are defaults.

    The first ``positional`` ones are passed by position; a ``bound`` signature knows better, where there is one.
    """

    arguments: dict[str, Any]
    given: Collection[str]
    positional: int
    bound: inspect.BoundArguments | None = None

    @property
    def args(self) -> tuple[Any, ...]:
        return tuple(self.arguments.values())[: self.positional] if self.bound is None else self.bound.args

    @property
    def kwargs(self) -> dict[str, Any]:
        if self.bound is not None:
            return self.bound.kwargs
        return dict(list(self.arguments.items())[self.positional :])


def by_position(args: Sequence[Any], kwargs: dict[str, Any]) -> Arguments:
    """The arguments of a call as they are, called ``argument 0``, ``argument 1`` ... where they have no keyword."""
    arguments = {f"argument {i}": arg for i, arg in enumerate(args)} | kwargs
    return Arguments(arguments, arguments, len(args))


def by_parameter(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Arguments:
    """The arguments of a call by the names of the function's parameters, defaults included."""
    if type(function) is types.FunctionType and not kwargs and not hasattr(function, "__wrapped__"):
        code = function.__code__
        if code.co_argcount == len(args) and not code.co_kwonlyargcount and not code.co_flags & _STARRED:
            arguments = dict(zip(code.co_varnames, args, strict=False))
            return Arguments(arguments, arguments, len(args))
    signature = _signature(function)
    if signature is None:
        return by_position(args, kwargs)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        function(*args, **kwargs)  # raises the message of the plain call
        raise
    given = frozenset(bound.arguments)
    bound.apply_defaults()
    return Arguments(bound.arguments, given, len(args), bound)


_STARRED = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def _signature(function: Any) -> inspect.Signature | None:
    try:
        return _cached_signature(function)
    except TypeError:
        return _cached_signature.__wrapped__(function)


@functools.lru_cache(maxsize=256)
def _cached_signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:
        return None
