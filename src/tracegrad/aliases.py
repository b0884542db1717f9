"""Containers that are more than once among the arguments, which a trace gives the function as containers of their own.

In: the arguments before and after tracers were put into them.  Out: :class:`Aliases`, which tells after the run whether
the function has written to one of them: then the plain call would have found that in the others too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tracegrad.errors import UnsupportedError
from tracegrad.tracer import isinstance_tracer

_FLAT = frozenset({int, float, bool, str, bytes, type(None)})


class Aliases:
    """``arguments`` are pairs: what the caller gives, and what the function is given."""

    __slots__ = ("_copies",)

    def __init__(self, arguments: list[tuple[Any, Any]]) -> None:
        twice = _twice([one for one, _ in arguments])
        #: the copies of what is there more than once, with what is in them
        self._copies = [
            (copy, _items(copy))
            for one, copy in (_pairs(arguments) if twice else ())
            if id(one) in twice and copy is not one
        ]

    def check(self, title: str) -> None:
        """Raise where a copy holds something else than before."""
        for copy, before in self._copies:
            now = _items(copy)
            if len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True)):
                raise UnsupportedError(
                    f"{title} writes to a {type(copy).__name__} that is more than once among its arguments: in the "
                    "plain call all of these change, in a trace each is one of its own.  Give copies"
                )


def _twice(todo: list[Any]) -> set[int]:
    """The identities of containers that can be written to and are there more than once."""
    seen: set[int] = set()
    found: set[int] = set()
    while todo:
        value = todo.pop()
        kind = type(value)
        items: Any = value if kind is list or kind is tuple else None
        if items is None:
            if (
                kind in _FLAT
                or isinstance_tracer(value)
                or not (_is_writable(value) or isinstance(value, tuple))
            ):
                continue
            items = _items(value)
        if kind is not tuple:
            if id(value) in seen:
                found.add(id(value))
                continue
            seen.add(id(value))
        if not _FLAT.issuperset(map(type, items)):
            todo += items
    return found


def _pairs(arguments: list[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """The containers that can be written to, each with its copy; what is in one is looked at once."""
    todo, seen = list(arguments), set[int]()
    while todo:
        value, copy = todo.pop()
        if type(value) in _FLAT or isinstance_tracer(value):
            continue
        if _is_writable(value):
            yield value, copy
        elif not isinstance(value, tuple):
            continue
        items = _items(value)
        if id(value) not in seen and not _FLAT.issuperset(map(type, items)):
            todo += zip(items, _items(copy), strict=True)
        seen.add(id(value))


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple)):
        return list(value)
    return [getattr(value, field.name, None) for field in dataclasses.fields(value)]


def _is_writable(value: Any) -> bool:
    return isinstance(value, (list, dict)) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    )
