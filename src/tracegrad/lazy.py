"""Rows made when somebody looks: a tuple of rows that are not there yet.

In: how many there are, and a function that makes row number *i*.  Out: :class:`LazyRows`, which is used and compared as
the tuple of these rows would be.  A document of a million operations is mostly asked for a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, overload

from tracegrad.collector import collector_paused

T = TypeVar("T")


class LazyRows(Sequence[T]):
    """So many rows, one made when its number is asked for, all of them when they are gone through.

    >>> rows = LazyRows(1000, lambda index: f"row {index}")
    >>> rows[-1], rows[:2], len(rows)
    ('row 999', ('row 0', 'row 1'), 1000)
    >>> LazyRows(2, lambda index: f"row {index}") == ("row 0", "row 1")
    True
    """

    __slots__ = ("_make", "_many", "_rows", "_size", "origin")

    def __init__(
        self,
        size: int,
        make: Callable[[int], T],
        origin: Any = None,
        many: Callable[[range], Iterable[T]] | None = None,
    ) -> None:
        self._size = size
        self._make = make
        #: makes some of the rows, faster than one by one
        self._many = many or partial(map, make)
        #: what the rows are made from
        self.origin = origin
        self._rows: tuple[T, ...] | None = None

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if self._rows is not None:
            return self._rows[index]
        chosen = range(self._size)[index]
        return self._make(chosen) if isinstance(chosen, int) else tuple(self._many(chosen))

    def __iter__(self) -> Iterator[T]:
        return iter(self._all())

    def passing(self) -> Iterator[T]:
        """The rows one by one, of which none is kept."""
        return iter(self._many(range(self._size))) if self._rows is None else iter(self._rows)

    def _all(self) -> tuple[T, ...]:
        if self._rows is None:
            with collector_paused():
                self._rows = tuple(self._many(range(self._size)))
        return self._rows

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LazyRows):
            return self is other or self._all() == other._all()
        return self._all() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (list(self._all()),)


class Kept(Sequence[T]):
    """Rows of which each is made once, when it is first asked for.

    >>> rows = Kept(LazyRows(1000, lambda index: [index]))
    >>> rows[3] is rows[3], len(rows)
    (True, 1000)
    """

    __slots__ = ("_known", "_rows")

    def __init__(self, rows: Sequence[T]) -> None:
        self._rows = rows
        self._known: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return self._rows[index]
        found = self._known.get(index)
        if found is None:
            found = self._known[index] = self._rows[index]
        return found
