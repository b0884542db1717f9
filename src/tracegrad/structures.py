"""Numbers, arrays and containers as data: what a document can hold of what a function takes and gives.

In: any value.  Out: :func:`quantity`, what a node carries, and :func:`structure`, what a function gave; both are plain
data, equal to the original wherever they can be.  Read :func:`structure` first.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from numbers import Complex, Integral, Real
from typing import Any, TypeAlias

#: a plain ``int`` or ``float``; ints stay ints, whatever their size.  Between complex operations a ``complex``
Number: TypeAlias = int | float | complex
#: what a node carries: a :data:`Number` or an :class:`Array`
Quantity: TypeAlias = Any
#: what :func:`structure` gives: numbers, bools, text, ``None`` in lists, tuples, dicts, :class:`Record`
Structure: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Record:
    """A namedtuple or dataclass in the function's result: the name of its class and its fields in order."""

    type: str
    fields: tuple[tuple[str, Structure], ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """An object in the function's result of which only the class, and sometimes the text, can be written."""

    type: str
    text: str | None = None


#: arrays of more elements are written as a summary
LARGEST = 100

#: the parts of which a summary gives the means
STRETCHES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array: all ``values`` in C order where they are few, else a summary.

    ``norm`` is the Euclidean one; ``strip`` has the means of :data:`STRETCHES` equal parts, in C order.  Of complex
    numbers ``min``, ``mean``, ``max`` and ``strip`` are those of their moduli.
    """

    dtype: str
    shape: tuple[int, ...]
    values: tuple[Any, ...] | None = None
    min: Number | None = None
    mean: Number | None = None
    max: Number | None = None
    norm: Number | None = None
    strip: tuple[Number, ...] = ()

    def __add__(self, other: Any) -> Array:
        """The sum, as far as both are written in full."""
        if not isinstance(other, Array) or self.values is None or other.values is None:
            return Array(dtype=self.dtype, shape=self.shape)
        values = tuple(a + b for a, b in zip(self.values, other.values, strict=True))
        return Array(dtype=self.dtype, shape=self.shape, values=values)


def is_array(value: Any) -> bool:
    """Whether this is an array of numbers or truth values of numpy, which need not be there."""
    kind = type(value)
    return kind.__name__ == "ndarray" and kind.__module__ == "numpy" and value.dtype.kind in "fiubc"


def quantity(value: Any) -> Quantity:
    """What a node carries, as data."""
    if not is_array(value):
        return value if isinstance(value, Array) else number(value)
    dtype, shape = str(value.dtype), tuple(value.shape)
    if value.size <= LARGEST:
        return Array(dtype=dtype, shape=shape, values=tuple(value.ravel().tolist()))
    floats = abs(value) if value.dtype.kind == "c" else value.astype(float)
    return Array(
        dtype=dtype,
        shape=shape,
        min=float(floats.min()),
        mean=float(floats.mean()),
        max=float(floats.max()),
        norm=_norm(floats),
        strip=tuple(float(floats.ravel()[part].mean()) for part in stretches(floats.size)),
    )


def _norm(floats: Any) -> float:
    """The Euclidean norm, also where squares would overflow."""
    largest = float(abs(floats).max())
    if not 0 < largest < math.inf:
        return largest
    return largest * float(((floats / largest) ** 2).sum() ** 0.5)


def stretches(size: int) -> list[slice]:
    """Consecutive equal parts of so many elements, :data:`STRETCHES` if there are enough.

    >>> stretches(3)
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    count = min(size, STRETCHES)
    ends = [number * size // count for number in range(count + 1)] if count else []
    return [slice(*ends[number : number + 2]) for number in range(count)]


#: classes whose ``repr`` is the same in every process and runs no code of the user
_SPELLED = frozenset({complex, bytes, range, slice, Decimal, Fraction})


def structure(value: Any) -> Structure:
    """A function's result as data: what a document can hold of it, equal to it wherever it can be.

    Numbers, bools, ``None``, text, lists, tuples and dicts are equal to the original (their subclasses
    become the plain class, numpy scalars become Python numbers).  A namedtuple or dataclass becomes a
    :class:`Record`, any other object :class:`Opaque`: its class, never its ``repr``, which may hold an
    address or the order of a set.

    >>> structure({"loss": 2.5, "parts": (1, "text", 1j, object())})
    {'loss': 2.5, 'parts': (1, 'text', Opaque(type='complex', text='1j'), Opaque(type='object', text=None))}
    """
    kind = type(value)  # not isinstance: a tracer says of itself that it is a float
    if value is None or kind in (bool, int, float, str, Array, Record, Opaque):
        return value
    if kind.__module__.partition(".")[0] == "numpy":
        return _of_numpy(kind, value)
    if issubclass(kind, Enum):
        return Opaque(kind.__name__, value.name)
    if kind in _SPELLED:
        return Opaque(kind.__name__, repr(value))
    if issubclass(kind, Real):
        return number(value)
    if issubclass(kind, str):
        return str.__str__(value)
    return _container(kind, value)


def _of_numpy(kind: type, value: Any) -> Structure:
    """numpy's arrays, scalars and dtypes."""
    if is_array(value):
        return quantity(value)
    if kind.__name__ in ("bool", "bool_"):
        return bool(value)
    if issubclass(kind, Complex):  # real numbers are
        return number(value)
    return str(value) if hasattr(value, "itemsize") and hasattr(value, "kind") else Opaque(kind.__name__)


def _container(kind: type, value: Any) -> Structure:
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return Record(kind.__name__, tuple((name, structure(getattr(value, name))) for name in kind._fields))
    if issubclass(kind, tuple):
        return tuple(structure(item) for item in value)
    if issubclass(kind, list):
        return [structure(item) for item in value]
    if issubclass(kind, dict):
        return {structure(key): structure(item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind) if hasattr(value, field.name)]
        return Record(kind.__name__, tuple((name, structure(getattr(value, name))) for name in names))
    return Opaque(kind.__name__)


def number(value: Any) -> Number:
    """Any number as a plain ``int``, ``float`` or ``complex``: numpy's scalars, subclasses, fractions."""
    kind = type(value)
    if issubclass(kind, Integral):
        return int(value)
    return complex(value) if issubclass(kind, Complex) and not issubclass(kind, Real) else float(value)
