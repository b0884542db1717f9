"""The arguments of a call and their names.

In: a function and what it is called with.  Out: :class:`Arguments`, by parameter (:func:`by_parameter`) or by position
(:func:`by_position`).
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


def title_of(function: Any) -> str:
    """How a message calls a function."""
    return getattr(function, "__qualname__", None) or f"{type(function).__qualname__} object"


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
    if not type(function).__module__.startswith("numpy"):  # whose defaults mean nothing but themselves
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
        return signature_of(function)
    except ValueError:
        return None


def signature_of(function: Any) -> inspect.Signature:
    """The parameters of a function.

    What annotations name is not looked up, where Python leaves it to whoever asks: it need not be there, and a trace
    that is open may have put something else there.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.STRING)
    return inspect.signature(function)
