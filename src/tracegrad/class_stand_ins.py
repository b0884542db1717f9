"""Stand-ins for the classes ``float``, ``complex`` and ``type``, for code that converts and checks in a trace.

In: what user code does with these names.  Out: :data:`CLASSES`.  ``float(x)`` of a traced number keeps its gradient,
``type(x) is float`` answers as for the plain call, and in every other respect the stand-ins are the classes
themselves: as keys, in ``isinstance`` and ``issubclass``, by equality, for numpy's ``dtype=float``, and by
:func:`build_class` as bases of the user's own classes.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from numbers import Number
from types import BuiltinMethodType, MethodDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any

from tracegrad.primitives import TABLE, Primitive, bind
from tracegrad.tape import CURRENT, WRITTEN, refuse_written, user_frame, written_elsewhere
from tracegrad.tracer import Tracer, as_number, escape, isinstance_tracer

_METHODS = (WrapperDescriptorType, MethodDescriptorType, BuiltinMethodType)
_TEXTS = (str, bytes, bytearray)
_NAMED = frozenset({float, complex, type})


def _text(text: Any) -> str:
    """A text, which may be given as bytes."""
    return text if type(text) is str else text.decode(errors="replace")


def is_constant(text: Any) -> bool:
    """Whether a text stands as it is in the user's code, and so was not written of a number."""
    return any(text is constant for constant in user_frame().f_code.co_consts)


def refuse_traced(args: Iterable[Any], how: str) -> None:
    """Refuse tracers among the arguments of compiled code, which would refuse them by their class."""
    for arg in args:
        if isinstance_tracer(arg):
            escape(arg, how)


def _asked(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the class, which does not know tracers."""

    @functools.wraps(method, updated=())
    def asked(*args: Any, **options: Any) -> Any:
        refuse_traced(args, f"given to {method.__qualname__}")
        read(*args)  # float.fromhex, float.__new__
        return method(*args, **options)

    return asked


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
        found = getattr(type.__getattribute__(cls, "original"), name)
        return _asked(found) if issubclass(type(found), _METHODS) else found

    def __or__(cls, other: Any) -> Any:
        return cls.original | getattr(other, "original", other)

    def __ror__(cls, other: Any) -> Any:
        return other | cls.original


class _FloatClass(StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            x = as_number(args[0])
            if type(x) in _TEXTS and not is_constant(x):
                x = _of_text(x)
            if isinstance_tracer(x):
                return x if x.__class__ is cls.original else bind(TABLE["float"], x)
        return cls.original(*args, **kwargs)  # not by its name, which is this where builtins are reached

    @property
    def dtype(cls) -> Any:
        """What numpy takes ``dtype=float`` for."""
        return sys.modules["numpy"].dtype("float64")


def _of_text(text: Any) -> Any:
    """The tracer whose exact value a text is; a text that holds none itself."""
    tape = CURRENT.get()
    found = None if tape is None else tape.written(_text(text))
    if found is None and WRITTEN:
        found = written_elsewhere(text)
    if found is not None:
        return found
    if tape is not None:
        tape.read(_text(text))
    return text


class _DecimalClass(StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        refuse_traced((*args, *kwargs.values()), "turned into a decimal number")
        read(*args)
        return cls.original(*args, **kwargs)


def read(*texts: Any) -> None:
    """Have the open traces look at texts from which numbers will be read."""
    tape = CURRENT.get()
    for text in texts:
        if type(text) in _TEXTS and not is_constant(text):
            refuse_written(text)
            if tape is not None:
                tape.read(_text(text))


class _TypeClass(StandInClass):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 3:
            name, bases, attributes = args
            module = {"__module__": sys._getframe(1).f_globals.get("__name__", "builtins")}
            return type(name, tuple(map(_original, bases)), module | attributes, **kwargs)
        if len(args) != 1 or kwargs:
            return type(*args, **kwargs)
        kind = type(_original(args[0]))
        if issubclass(kind, Tracer):
            kind = args[0].__class__
        # where the name float means the stand-in, ``type(x) is float`` compares with that
        namespace = sys._getframe(1).f_globals
        if kind in _NAMED:
            there = namespace.get(kind.__name__)
            return there if there is CLASSES[kind.__name__] else kind
        if kind is getattr(sys.modules.get("decimal"), "Decimal", None):
            found = any(value is decimal_class() or value is decimal_module() for value in namespace.values())
            return decimal_class() if found else kind
        return kind


class Float(float, metaclass=_FloatClass):
    """Stands for ``float``."""

    original = float


class Type(metaclass=_TypeClass):
    """Stands for ``type``."""

    original = type


@functools.cache
def decimal_class() -> Any:
    """Stands for ``decimal.Decimal``."""
    original = sys.modules["decimal"].Decimal
    return _DecimalClass("Decimal", (original,), {"original": original, "__module__": "decimal"})


@functools.cache
def decimal_module() -> ModuleType:
    """Stands for the module ``decimal`` where code reaches its class through it."""
    module = ModuleType("decimal", sys.modules["decimal"].__doc__)
    vars(module).update(vars(sys.modules["decimal"]) | {"Decimal": decimal_class()})
    return module


def decimal_stand_in(value: Any) -> Any:
    """What stands for the class ``Decimal`` or its module; any other value itself."""
    decimal: Any = sys.modules.get("decimal")
    if decimal is None or value is None:
        return value
    if value is decimal:
        return decimal_module()
    return decimal_class() if value is decimal.Decimal else value


def decimal_original(value: Any) -> Any:
    """What a stand-in for ``Decimal`` or its module stands for; any other value itself."""
    decimal: Any = sys.modules.get("decimal")
    if decimal is None or value is None:
        return value
    if value is decimal_module():
        return decimal
    return decimal.Decimal if value is decimal_class() else value


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
        read(*parts.values())
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


def _original(value: Any) -> Any:
    """The class that a stand-in stands for; anything else is its own original."""
    return value.original if issubclass(type(value), StandInClass) else value


#: what a class statement calls
BUILD_CLASS: Callable[..., Any] = builtins.__build_class__


def build_class(body: Any, name: str, /, *bases: Any, **options: Any) -> Any:
    """What a class statement calls while a trace is open: the user's classes derive from the classes themselves."""
    options = {key: _original(value) for key, value in options.items()}
    return BUILD_CLASS(body, name, *map(_original, bases), **options)
