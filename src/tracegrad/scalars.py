"""The class of a number where its arithmetic is not that of Python's floats and whole numbers: numpy's scalars.

In: a number.  Out: the name of its class (:func:`kind_of`), it as source (:func:`scalar_source`), and what makes a
plain number of it (:func:`plain_by`), as which it takes part in gradients.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from importlib import import_module
from math import isfinite
from typing import Any

#: numpy's classes that compute as Python's floats and complex numbers do, to the last bit
DOUBLES = frozenset({"float64", "complex128"})

_WHOLE = frozenset(f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64))
_REAL = frozenset({"float16", "float32", "longdouble", "Fraction"})

#: the classes by name
KINDS_OF_NUMBERS = DOUBLES | _WHOLE | _REAL


def kind_of(value: Any) -> str:
    """The name of the class of a scalar of numpy, or of a fraction; no text for any other value.

    >>> import numpy as np
    >>> kind_of(np.float32(0.1)), kind_of(0.1)
    ('float32', '')
    """
    kind = type(value)
    found = (kind.__module__ == "numpy" and kind.__name__ != "ndarray") or kind is Fraction
    return kind.__name__ if found else ""


def scalar_source(value: Any) -> str:
    """A number as source, where Python's own text for it would be another number; else no text.

    >>> import numpy as np
    >>> scalar_source(np.float32(0.1)), scalar_source(np.float16("inf")), scalar_source(2.0)
    ('np.float32(0.1)', 'np.float16(np.inf)', '')
    """
    kind = kind_of(value)
    if kind == "Fraction":
        return f"fractions.Fraction({value.numerator}, {value.denominator})"
    if kind:
        return _of_numpy(kind, value)
    if isinstance(value, int) and type(value) not in (int, bool):
        return int.__repr__(value)
    return float.__repr__(value) if isinstance(value, float) and type(value) is not float else ""


def _of_numpy(kind: str, value: Any) -> str:
    if value.dtype.kind == "b":
        return f"np.bool_({bool(value)})"
    text = str(value)
    if value.dtype.kind == "f" and not isfinite(value):
        text = f"{'-' if value < 0 else ''}np.{abs(value)}"
    elif kind == "longdouble":
        text = f'"{text}"'
    return f"np.{kind}({text})"


def of_kind(kind: str, value: Any) -> Any:
    """A number as one of a class, of which a document has the name.

    >>> of_kind("float32", 0.5)
    np.float32(0.5)
    """
    return Fraction(value) if kind == "Fraction" else getattr(import_module("numpy"), kind)(value)


def as_numpy_takes(value: Any) -> Any:
    """A number of a class of the user's, where numpy is at work: that takes it for one of its own."""
    kind = type(value)
    if kind_of(value) or kind in (int, float, bool) or not isinstance(value, (int, float)):
        return value
    numpy = sys.modules["numpy"]
    return numpy.float64(value) if isinstance(value, float) else numpy.asarray(int(value))[()]


def plain_by(kind: str) -> str:
    """The name of what makes a plain number of one of this class; no text where it is as good as one.

    >>> plain_by("float32"), plain_by("int64"), plain_by("float64"), plain_by("")
    ('float', 'int', '', '')
    """
    return "int" if kind in _WHOLE else "float" if kind in _REAL else ""
