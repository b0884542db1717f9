"""Short numbers for labels: a few digits that never mislead.

In: a number as a row holds it.  Out: a few characters.  A picture has no room for 17 digits, but a reader
must be able to trust those it shows: what is not zero does not look like zero, and what was rounded to a
whole number does not look exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from tracegrad.structures import Array, is_array, quantity, stretches

FLOAT_FORMAT = ".4g"

_WRITTEN_OUT = 10**7  # whole numbers below are written in full
_LONGEST = 12  # a format such as .2f may spell 300 digits
_ENTRIES = 4
_ROWS, _COLUMNS = 4, 4  # of a matrix that has room in a node
_BLOCKS = "▁▂▃▄▅▆▇█"


def short(value: Any, float_format: str = FLOAT_FORMAT) -> str:
    """Write a number in a few characters; ``float_format`` is for floats.

    >>> [short(v) for v in (1.5456448841066441, 0.00003, -0.99999999, 2.0, 1e300, float("nan"), 7, 2**70)]
    ['1.546', '3e-05', '-1.000', '2', '1e+300', 'nan', '7', '1.181e+21']
    >>> short(0.001234, ".2f"), short(1.005, ".2f"), short(1e300, ".2f"), short([1.0, 2.5])
    ('0.0012', '1.00', '1e+300', '[1, 2.5]')
    """
    if isinstance(value, float):
        return _real(value, float_format)
    if isinstance(value, int) and not isinstance(value, bool):
        return _whole(value)
    if isinstance(value, complex):
        return _complex(value, float_format)
    if isinstance(value, Array) or is_array(value):
        return _data(quantity(value), float_format)
    if getattr(value, "ndim", 0) or isinstance(value, list | tuple):
        return _array(value, float_format)
    return str(value)


def full(value: Any) -> str:
    """Write a number so that it reads back equal, for tooltips; an int of thousands of digits is shortened.

    >>> full(0.1 + 0.2), full(7)
    ('0.30000000000000004', '7')
    """
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, Array):
        return f"{_data(value, '.6g', longest=16)} ({value.dtype})"
    if isinstance(value, int) and value.bit_length() > 1024:
        return _whole(value)
    return repr(value)


def _complex(value: complex, float_format: str) -> str:
    """A complex number as it is written on paper.

    >>> [_complex(v, ".4g") for v in (1 + 2j, -0.5 - 1e-9j, 3 + 0j)]
    ['1+2i', '-0.5-1e-09i', '3+0i']
    """
    imaginary = _real(value.imag, float_format)
    return f"{_real(value.real, float_format)}{'' if imaginary[0] in '+-' else '+'}{imaginary}i"


def _whole(value: int) -> str:
    if abs(value) < _WRITTEN_OUT:
        return str(value)
    try:
        return f"{value:.4g}"
    except OverflowError:  # beyond the floats, where str() may refuse as well
        power = math.log10(abs(value))
        return f"{'-' * (value < 0)}{10 ** (power % 1):.3f}e+{int(power)}"


def _real(value: float, float_format: str) -> str:
    text = format(value + 0.0, float_format)  # -0 would only make a reader wonder
    if not math.isfinite(value):
        return text
    if len(text) > _LONGEST or (value and not re.search("[1-9]", text.split("e")[0])):
        return f"{value:.2g}"
    if float_format[-1:] in ("g", "G") and value:
        if value.is_integer() and abs(value) < _WRITTEN_OUT:
            return str(int(value))
        if re.fullmatch(r"[+-]?\d+", text):
            pointed = format(value, float_format.replace(".", "#.", 1))
            return f"{value:.1f}" if pointed.endswith(".") else pointed
    return text


def _data(array: Array, float_format: str, longest: int = _ENTRIES) -> str:
    """Write out a short vector, or rows of these; of anything larger say shape, norm and mean.

    >>> _data(Array(dtype="float64", shape=(2, 2), values=(1.0, 2.0, 3.0, 4.5)), ".4g")
    '[1, 2; 3, 4.5]'
    """
    shape, values = array.shape, array.values
    if values is not None and len(values) <= longest and len(shape) <= 2:
        texts = [str(value) if isinstance(value, bool) else short(value, float_format) for value in values]
        if not shape:
            return texts[0]
        width = shape[-1]
        rows = [", ".join(texts[i : i + width]) for i in range(0, len(texts), width)] if width else []
        return f"[{'; '.join(rows)}]"
    sizes = "×".join(map(str, shape))
    if not all(shape) or (values is None and array.mean is None):
        return f"{sizes} array"
    return f"{sizes}, {flow(array, float_format)}"


def flow(value: Any, float_format: str = FLOAT_FORMAT) -> str:
    """Write a gradient: of an array that has no room the norm, and the mean, which keeps the sign.

    >>> flow(Array(dtype="float64", shape=(5,), values=(1.0, -2.0, 0.0, 2.0, -4.0)))
    'norm 5, mean -0.6'
    """
    if not isinstance(value, Array) or not all(value.shape):
        return short(value, float_format)
    unknown = value.values is None and value.mean is None
    if unknown or (value.values is not None and len(value.values) <= _ENTRIES):
        return short(value, float_format)
    _, _, mean, norm = (short(number, float_format) for number in _summary(value))
    return f"norm {norm}, mean {_of(value)}{mean}"


def lines(array: Array, float_format: str = FLOAT_FORMAT) -> list[str]:
    """Write an array for a node: a small one in full, row by row, of a larger one its shape, class and range.

    >>> lines(Array(dtype="float32", shape=(2, 2), values=(1.0, 2.0, 3.0, 4.5)))
    ['2×2 float32', '1, 2', '3, 4.5']
    >>> lines(Array(dtype="float64", shape=(6,), values=(1.0, 2.0, 3.0, 5.0, 2.0, -1.0)))
    ['6 float64', '-1 … 5', 'norm 6.633, mean 2', '▃▅▆█▅▁']
    """
    shape, values = array.shape, array.values
    head = f"{'×'.join(map(str, shape)) or 'one'} {array.dtype}"
    if (
        values is not None
        and len(shape) in (1, 2)
        and shape[-1] <= _COLUMNS
        and len(values) <= _ROWS * _COLUMNS
    ):
        texts = [str(value) if isinstance(value, bool) else short(value, float_format) for value in values]
        width = shape[-1]
        return [head, *(", ".join(texts[i : i + width]) for i in range(0, len(texts), width or 1))]
    if (values is None and array.mean is None) or not all(shape):
        return [head]
    if values is not None and len(values) == 1:
        return [head, short(values[0], float_format)]
    low, high, mean, norm = (short(number, float_format) for number in _summary(array))
    return [head, f"{_of(array)}{low} … {high}", f"norm {norm}, mean {_of(array)}{mean}", strip(array)]


def _of(array: Array) -> str:
    """What the summary of an array is of: complex numbers have no order, their moduli have."""
    return "|z| " if array.dtype.startswith("complex") else ""


def _sizes(array: Array) -> Sequence[Any] | None:
    """The elements, of complex ones the moduli; ``None`` where only their summary is known."""
    return [abs(value) for value in array.values] if array.values and _of(array) else array.values


def _summary(array: Array) -> tuple[Any, ...]:
    values = _sizes(array)
    if values is None:
        return array.min, array.max, array.mean, array.norm
    if any(map(math.isnan, values)):
        return (math.nan,) * 4
    return min(values), max(values), sum(values) / len(values), math.hypot(*values)


def norm(array: Array) -> float:
    """The norm of an array; nan where an element is."""
    size = _summary(array)[3]
    return math.nan if size is None else float(size)


def strip(array: Array) -> str:
    """The means of consecutive parts as bars, from the lowest to the highest; ``×`` where one is not finite.

    >>> strip(Array(dtype="float64", shape=(4,), values=(0.0, 1.0, 2.0, math.inf)))
    '▁▅█×'
    """
    values = _sizes(array)
    means: Sequence[Any] = array.strip
    if values is not None:
        means = tuple(sum(values[part]) / len(values[part]) for part in stretches(len(values)))
    finite = [mean for mean in means if math.isfinite(mean)]
    low, span = min(finite, default=0.0), max(finite, default=0.0) - min(finite, default=0.0)
    return "".join(_bar((mean - low) / span if span else 0.5, mean) for mean in means)


def _bar(share: float, mean: float) -> str:
    return _BLOCKS[round(share * (len(_BLOCKS) - 1))] if math.isfinite(mean) else "×"


def _array(value: Any, float_format: str) -> str:
    """Write out a short vector; of anything larger say the shape."""
    shape = getattr(value, "shape", (len(value),))
    if len(shape) == 1 and shape[0] <= _ENTRIES:
        return f"[{', '.join(short(entry, float_format) for entry in value)}]"
    return "×".join(map(str, shape)) + " array"
