"""``a.flat`` of a traced array: its elements in C order, to go through, to take and to assign.

In: the tracer of an array.  Out: :class:`Flat`, which has what numpy's iterator has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tracegrad.arrays.build import lift, static


class Flat:
    """An iterator over the elements; ``coords`` and ``index`` say which one is next."""

    __slots__ = ("base", "index")

    def __init__(self, base: Any) -> None:
        self.base, self.index = base, 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.index >= self.base.size:
            raise StopIteration
        element = self.base[self.coords]
        self.index += 1
        return element

    def __len__(self) -> int:
        return int(self.base.size)

    @property
    def coords(self) -> tuple[int, ...]:
        shape = self.base.shape
        if self.index >= self.base.size:
            return (shape[0], *[0] * (len(shape) - 1)) if shape else ()
        return tuple(map(int, np.unravel_index(self.index, shape))) if shape else ()

    def copy(self) -> Any:
        return self.base.flatten()

    def __getitem__(self, index: Any) -> Any:
        found = np.ravel(self.base)[static(index)]
        return found.copy() if getattr(found, "ndim", 0) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        places = np.arange(self.base.size)[static(index)]
        value = lift(value)
        if np.ndim(places) and getattr(value, "ndim", 0):
            value = np.resize(value, places.shape)
        self.base[np.unravel_index(places, self.base.shape)] = value
