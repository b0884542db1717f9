"""``np.r_`` and ``np.c_``: arrays joined by what stands in the brackets.

In: an index with traced values among its parts.  Out: one array.  Parts that are slices with a step make numbers, as
``np.arange`` or, where the step is imaginary, ``np.linspace`` would; directions in text are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import as_array, holds_tracer
from tracegrad.arrays.fresh import settled
from tracegrad.arrays.table import unsupported


class Joiner:
    """Stands in for ``np.r_`` (or ``np.c_``, where vectors are columns) while a trace is open."""

    def __init__(self, original: Any, name: str) -> None:
        self.original, self.name = original, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __len__(self) -> int:
        return len(self.original)

    def __getitem__(self, key: Any) -> Any:
        parts = settled(key if isinstance(key, tuple) else (key,))
        if not any(holds_tracer(_contents(part)) for part in parts):
            return self.original[settled(key)]
        if any(isinstance(part, str) for part in parts):
            raise unsupported(f"numpy.{self.name} with directions in text")
        items = [self._item(part) for part in parts]
        return np.concatenate(items, axis=0 if self.name == "r_" else -1)

    def _item(self, part: Any) -> Any:
        if isinstance(part, slice):
            part = _numbers(part)
        item = np.atleast_1d(as_array(part))
        return item[:, None] if self.name == "c_" and item.ndim == 1 else item


def _contents(part: Any) -> Any:
    return (part.start, part.stop, part.step) if isinstance(part, slice) else part


def _numbers(part: slice) -> Any:
    """What a slice stands for."""
    start = 0 if part.start is None else part.start
    step = 1 if part.step is None else part.step
    if isinstance(step, complex):
        return np.linspace(start, part.stop, int(abs(step)))
    return np.arange(start, part.stop, step)


def patch() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """As :func:`tracegrad.arrays.stand_ins.patches` has them."""
    originals = {"r_": np.r_, "c_": np.c_}
    return vars(np), {name: Joiner(one, name) for name, one in originals.items()}, dict(originals)
