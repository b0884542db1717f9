"""Copies of arrays that a trace keeps, since the user's code may write to its own: large ones in memory used before.

In: an array.  Out: :func:`copied`.

New memory for a large array comes from the system page by page, which takes several times as long as the copy itself,
and goes back there when the trace ends.  So large copies stay in :data:`_kept`, and one that nobody else refers to is
written over by the next copy of an array of its kind.  What tells is CPython's count of references, by which it would
free the array too; a view of an array is a reference to it.
"""

from __future__ import annotations

import sys
from typing import Any

#: elements, from which on new memory costs more than the copy
LARGE = 1 << 13

#: bytes and arrays that are kept at most
_MOST, _MANY = 1 << 25, 32

#: copies, in use or not, the latest last; a list of them is changed by single operations only, which threads share
_kept: list[Any] = []

#: without the lock of the interpreter, counts of references are not exact
_EXACT = getattr(sys, "_is_gil_enabled", lambda: True)()


def copied(array: Any) -> Any:
    """A copy of an array, laid out as that is."""
    if array.size < LARGE or not _EXACT or array.nbytes > _MOST or not _is_plain(array):
        return array.copy("K")
    made = _unused(array)
    if made is None:
        made = array.copy("K")
    else:
        made[...] = array
    _kept.append(made)
    while len(_kept) > _MANY or sum(one.nbytes for one in _kept) > _MOST:
        del _kept[:1]
    return made


def _is_plain(array: Any) -> bool:
    """Whether the elements are numbers side by side, so that the copy has the same strides."""
    flags = array.flags
    return array.dtype.kind in "fiubc" and bool(flags.c_contiguous or flags.f_contiguous)


def _unused(like: Any) -> Any:
    """A copy that nobody has, of the same kind as an array, taken out of the list; ``None`` where there is none."""
    for _ in range(len(_kept)):
        try:
            cell = [_kept.pop(0)]
        except IndexError:  # another thread looks through them
            return None
        if _fits(cell[0], like) and _references(cell) <= min(_ALONE, _references([object()])):
            return cell[0]
        _kept.extend(cell)
    return None


def _fits(one: Any, like: Any) -> bool:
    return bool(
        one.shape == like.shape
        and one.dtype == like.dtype
        and one.strides == like.strides
        and one.flags.writeable
    )


def _references(cell: list[Any]) -> int:
    """How many references there are to what is in a list of one."""
    return sys.getrefcount(cell[0])


#: what that is for an object that is nowhere else; asked again each time, should a debugger have looked at it here
_ALONE = _references([object()])
