"""Stand-ins for the classes ``float``, ``complex`` and ``type``, for code that converts and checks in a trace.

In: what user code does with these names.  Out: :data:`CLASSES`.  ``float(x)`` of a traced number keeps its gradient,
``type(x) is float`` answers as for the plain call, and in every other respect the stand-ins are the classes
themselves: as keys, in ``isinstance`` and ``issubclass``, by equality, for numpy's ``dtype=float``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from numbers import Number
from typing import Any

from tracegrad.primitives import TABLE, Primitive, bind
from tracegrad.tape import CURRENT
from tracegrad.tracer import Tracer, as_number, isinstance_tracer


class StandInClass(type):
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


class _FloatClass(StandInClass):
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


class _TypeClass(StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs:
            return type(*args, **kwargs)
        kind = type(args[0])
        if issubclass(kind, Tracer):
            kind = args[0].__class__
        if kind is not float and kind is not complex:
            return kind
        # where the name float means the stand-in, ``type(x) is float`` compares with that
        there = sys._getframe(1).f_globals.get(kind.__name__)
        return there if there is CLASSES[kind.__name__] else kind


class Float(float, metaclass=_FloatClass):
    """Stands for ``float``."""

    original = float


class Type(metaclass=_TypeClass):
    """Stands for ``type``."""

    original = type


#: a complex number of its parts, and one of numpy's as Python's
COMPLEX = Primitive(
    name="complex", forward=complex, rules=(1.0, lambda m, out, x, y: 1j), symbol="complex", complex=True, python="",
    c="", numpy="",
)  # fmt: skip
AS_COMPLEX = replace(COMPLEX, rules=(1.0,))


def _is_number(part: Any) -> bool:
    return issubclass(part.__class__, Number)


class _ComplexClass(StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        parts = dict(zip(("real", "imag"), args, strict=False)) | kwargs
        if not any(map(isinstance_tracer, parts.values())) or not all(map(_is_number, parts.values())):
            return cls.original(*args, **kwargs)
        real, imag = parts.get("real", 0.0), parts.get("imag", 0.0)
        if any(issubclass(part.__class__, complex) for part in (real, imag)):
            return bind(AS_COMPLEX, real if "imag" not in parts else real + 1j * imag)
        return bind(COMPLEX, real, imag)

    @property
    def dtype(cls) -> Any:
        """What numpy takes ``dtype=complex`` for."""
        return sys.modules["numpy"].dtype("complex128")


class Complex(complex, metaclass=_ComplexClass):
    """Stands for ``complex``."""

    original = complex


#: stand-ins of classes by name
CLASSES: dict[str, Any] = {"complex": Complex, "float": Float, "type": Type}
