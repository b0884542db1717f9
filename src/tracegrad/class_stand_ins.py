"""Stand-ins for the classes ``float`` and ``type``, for code that converts and checks while a trace is open.

In: what user code does with these names.  Out: :data:`CLASSES`.  ``float(x)`` of a traced number keeps its gradient,
``type(x) is float`` answers as for the plain call, and in every other respect the stand-ins are the classes
themselves: as keys, in ``isinstance`` and ``issubclass``, by equality, for numpy's ``dtype=float``, and by
:func:`build_class` as bases of the user's own classes.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from tracegrad.primitives import TABLE, bind
from tracegrad.tape import CURRENT
from tracegrad.tracer import Tracer, as_number, isinstance_tracer


class _StandInClass(type):
    """The class of a stand-in: whatever is asked of it, the class it stands for answers."""

    original: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.original)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(cls.original if subclass is cls else subclass, cls.original)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.original

    def __hash__(cls) -> int:
        return hash(cls.original)

    def __repr__(cls) -> str:
        return repr(cls.original)

    def __getattribute__(cls, name: str) -> Any:
        if name in ("original", "dtype"):
            return type.__getattribute__(cls, name)
        return getattr(type.__getattribute__(cls, "original"), name)

    def __or__(cls, other: Any) -> Any:
        return cls.original | getattr(other, "original", other)

    def __ror__(cls, other: Any) -> Any:
        return other | cls.original


class _FloatClass(_StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            x = as_number(args[0])
            tape = CURRENT.get()
            if tape is not None and type(x) is str:
                written = tape.written(x)
                x = x if written is None else written
            if isinstance_tracer(x):
                return x if x.__class__ is cls.original else bind(TABLE["float"], x)
        return cls.original(*args, **kwargs)  # not by its name, which is this where builtins are reached

    @property
    def dtype(cls) -> Any:
        """What numpy takes ``dtype=float`` for."""
        return sys.modules["numpy"].dtype("float64")


class _TypeClass(_StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 3:
            name, bases, attributes = args
            module = {"__module__": sys._getframe(1).f_globals.get("__name__", "builtins")}
            return type(name, tuple(map(_original, bases)), module | attributes, **kwargs)
        if len(args) != 1 or kwargs:
            return type(*args, **kwargs)
        kind = type(args[0])
        if issubclass(kind, Tracer):
            kind = args[0].__class__
        # where the name float means the stand-in, ``type(x) is float`` compares with that
        return Float if kind is float and sys._getframe(1).f_globals.get("float") is Float else kind


class Float(float, metaclass=_FloatClass):
    """Stands for ``float``."""

    original = float


class Type(metaclass=_TypeClass):
    """Stands for ``type``."""

    original = type


#: stand-ins of classes by name
CLASSES: dict[str, Any] = {"float": Float, "type": Type}


def _original(value: Any) -> Any:
    """The class that a stand-in stands for; anything else is its own original."""
    return value.original if issubclass(type(value), _StandInClass) else value


#: what a class statement calls
BUILD_CLASS: Callable[..., Any] = builtins.__build_class__


def build_class(body: Any, name: str, /, *bases: Any, **options: Any) -> Any:
    """What a class statement calls while a trace is open: the user's classes derive from the classes themselves."""
    options = {key: _original(value) for key, value in options.items()}
    return BUILD_CLASS(body, name, *map(_original, bases), **options)
