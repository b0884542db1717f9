"""One run of a function on tracers: numbers among the arguments become inputs, the operations on them a tape.

In: a function and its arguments.  Out: a :class:`Recording`.  Read :func:`record`.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import types
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

from tracegrad import intercept, ufuncs
from tracegrad.errors import InputError, TraceError
from tracegrad.primitives import INPUT
from tracegrad.pulls import pull_for
from tracegrad.scan import substitute
from tracegrad.tape import CURRENT, Tape
from tracegrad.tracer import NOTHING, NestedTracer, ScalarTracer, isinstance_tracer
from tracegrad.tree import is_leaf, leaves, map_leaves

ufuncs.install()

#: paths or parameter names to differentiate by; ``None`` for all
Wrt = Sequence[str] | None


class Entered(NamedTuple):
    """A parameter with inputs in it: the argument, and for each number there whether it is an input (``None``: all)."""

    argument: Any
    chosen: list[bool] | None

    def map(self, leaf: Callable[[Any], Any], rest: Callable[[Any], Any], other: Callable[[Any], Any]) -> Any:
        """The argument with its inputs replaced by ``leaf`` and its other numbers by ``rest``."""
        if self.chosen is None:
            if type(self.argument) in _PLAIN_NUMBERS:
                return leaf(self.argument)
            return map_leaves(self.argument, leaf, other)
        chosen = iter(self.chosen)
        return map_leaves(self.argument, lambda number: leaf(number) if next(chosen) else rest(number), other)


@dataclass(slots=True, kw_only=True)
class Recording:
    """What a run has left: the tape, whose first entries are the inputs, and the result that still holds tracers."""

    function: Callable[..., Any]
    tape: Tape
    entered: dict[str, Entered]
    count: int
    result: Any

    @property
    def value(self) -> Any:
        """The result as the plain call gives it."""
        return map_leaves(self.result, lambda leaf: leaf.value if self.owns(leaf) else leaf)

    def owns(self, leaf: Any) -> bool:
        """Whether this is a tracer of this run."""
        return isinstance_tracer(leaf) and leaf.tape is self.tape

    @property
    def names(self) -> list[str]:
        """The paths of the inputs, in order."""
        return [
            path
            for parameter, one in self.entered.items()
            for (path, _), chosen in zip(
                leaves(one.argument, parameter), one.chosen or repeat(True), strict=False
            )
            if chosen
        ]

    @property
    def outputs(self) -> list[tuple[str, Any]]:
        """The numbers in the result with their paths."""
        return leaves(self.result)

    def in_structure(self, adjoints: Iterable[Any]) -> dict[str, Any]:
        """Values of the inputs, parameter by parameter, in the structure of the arguments."""
        values = iter(adjoints)

        def following(_: Any) -> Any:
            return next(values)

        return {parameter: one.map(following, _nothing, _same) for parameter, one in self.entered.items()}


def title_of(function: Any) -> str:
    """How a message calls a function."""
    return getattr(function, "__qualname__", None) or f"{type(function).__qualname__} object"


def record(function: Callable[..., Any], bound: Arguments, wrt: Wrt = None) -> Recording:
    """Run a function on tracers.

    Whatever the function raises reaches the caller untouched; whatever was patched is restored.
    """
    kind = ScalarTracer if CURRENT.get() is None else NestedTracer
    tape = Tape(kind, title_of(function), sys._getframe())
    roots: list[Any] = [function]
    entered = _enter(tape, bound, wrt, roots)
    if not entered or wrt is not None:
        _check(function, bound, wrt)
    count = len(tape)
    try:
        result = _run(function, bound, tape, roots)
    except Exception as error:
        if tape.escape is not None and error is not tape.escape:
            raise tape.escape from error  # C code puts an error of its own in its place
        raise
    if tape.escape is not None:
        raise tape.escape
    if isinstance(result, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)):
        raise TraceError(
            f"{tape.title} returned a {type(result).__name__}, whose body has not run yet: trace a function that "
            "consumes it, for instance lambda x: list(f(x))"
        )
    return Recording(function=function, tape=tape, entered=entered, count=count, result=result)


def _run(function: Callable[..., Any], bound: Arguments, tape: Tape, roots: list[Any]) -> Any:
    """The call itself, with stand-ins in place and the garbage collector paused: a trace makes no garbage."""
    token = CURRENT.set(tape)
    collecting = gc.isenabled()
    gc.disable()
    try:
        intercept.start(roots)
        try:
            return substitute(function)(*bound.args, **bound.kwargs)
        finally:
            intercept.stop()
    finally:
        if collecting:
            gc.enable()
        CURRENT.reset(token)
        tape.close()


_INERT = frozenset({str, bytes, bool, type(None)})
_PLAIN_NUMBERS = frozenset({int, float})


def _same(value: Any) -> Any:
    return value


def _nothing(value: Any) -> None:
    return None


def _enter(tape: Tape, bound: Arguments, wrt: Wrt, roots: list[Any]) -> dict[str, Entered]:
    """Put tracers in place of the numbers to differentiate by; whatever else can hold functions is a root."""

    pull = pull_for(INPUT, "n")

    def enter(number: Any) -> Any:
        node: Any = tape.kind()
        node.value = number
        if type(number) not in _PLAIN_NUMBERS:
            tape.foreign = True
        node.pull = pull
        node.a, node.b = (), NOTHING
        node.tape = tape
        node.call = None
        node.lasti = -1
        node.adjoint = None
        tape.append(node)
        return node

    def other(value: Any) -> Any:
        if type(value) not in _INERT:
            roots.append(value)
        return substitute(value)

    entered: dict[str, Entered] = {}
    arguments = bound.arguments
    for name, value in arguments.items():
        if name not in bound.given and not is_leaf(value):
            continue  # a default is the function's own object, perhaps its memory: it stays in place
        before = len(tape)
        one = Entered(value, _chosen(name, value, wrt))
        arguments[name] = one.map(enter, _same, other)
        if len(tape) > before:
            entered[name] = one
    return entered


def _chosen(parameter: str, value: Any, wrt: Wrt) -> list[bool] | None:
    if wrt is None or parameter in wrt:
        return None
    return [any(covers(name, path) for name in wrt) for path, _ in leaves(value, parameter)]


def covers(name: str, path: str) -> bool:
    """Whether a path is that of a name, or inside of it: ``w`` covers ``w[0]``.

    >>> covers("w", "w[0]"), covers("w", "width")
    (True, False)
    """
    return path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "[")


def _check(function: Any, bound: Arguments, wrt: Wrt) -> None:
    known = [path for name, value in bound.arguments.items() for path, _ in leaves(value, name)]
    if not known:
        raise InputError(
            f"{title_of(function)} was given no number to differentiate by: inputs are the ints and floats among "
            "its arguments, also inside of lists, tuples, dicts and dataclasses"
        )
    for wanted in wrt or ():
        if not any(covers(wanted, path) for path in known):
            there = f"there are: {', '.join(known)}" if len(known) <= 20 else f"there are {len(known)} others"
            raise InputError(
                f"{title_of(function)} has no number called {wanted!r} to differentiate by; {there}"
            )


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
