"""Structures of numbers: the nested containers that functions take and give.

In: any Python object and a question about its leaves.  Out: leaves with their paths (``w[0]``, ``params.rate``,
``table['a']``), or a structure of the same shape with other leaves.  Read :func:`map_leaves` first.

A *leaf* is a real number or an array of them; ``bool``, enum members, text, ``None`` and objects of unknown classes are
passed through untouched.  Containers are list, tuple, namedtuple, dict and dataclass, their subclasses, numpy's arrays
of objects, and any set, deque or other object that has a traced number in it or among its attributes.
"""

from __future__ import annotations

import ast
import collections
import copy
import dataclasses
import itertools
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from enum import Enum
from numbers import Real
from typing import Any

from tracegrad.errors import InputError
from tracegrad.tracer import KINDS, isinstance_tracer

_PLAIN_NUMBERS = frozenset({int, float})


_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 8
_SHORT.maxstring = _SHORT.maxother = 120


def short(value: Any) -> str:
    """What a message shows of a value: of long containers the beginning.

    >>> short({"a": [1.0] * 3000})
    "{'a': [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, ...]}"
    """
    return _SHORT.repr(value)


def some(names: Iterable[str]) -> str:
    """The first of some names, for a message."""
    first = list(itertools.islice(names, 21))
    return ", ".join([*first[:20], "…"] if len(first) > 20 else first)


def is_leaf(value: Any) -> bool:
    """Whether this is a number to differentiate by: int, float, numpy scalar, fraction, or an outer trace's tracer."""
    kind = type(value)
    if kind in _PLAIN_NUMBERS or isinstance_tracer(value):
        return True
    if kind in KINDS:
        return value.dtype.kind in "fiu"
    return issubclass(kind, Real) and not issubclass(kind, (bool, Enum, Decimal)) and kind.__name__ != "bool_"


def children(value: Any) -> list[tuple[str, Any]] | None:
    """The items of a container with their path suffixes, ``None`` for anything else."""
    if isinstance_tracer(value):
        return None
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [(f".{name}", getattr(value, name)) for name in value._fields]
    if isinstance(value, (list, tuple)):
        return [(f"[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return [(f"[{key!r}]", item) for key, item in value.items()]
    if type(value).__name__ == "ndarray" and value.dtype == object:
        return [(str(list(index)), value[index]) for index in _indices(value.shape)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value)]
        return [(f".{name}", getattr(value, name)) for name in fields if hasattr(value, name)]
    if isinstance(value, (set, frozenset, collections.deque)) and any(map(isinstance_tracer, value)):
        return [(f"{{{i}}}", item) for i, item in enumerate(value)]
    attributes = getattr(value, "__dict__", None)
    if type(attributes) is dict and any(map(isinstance_tracer, attributes.values())):
        return [(f".{name}", item) for name, item in attributes.items()]
    return None


def with_children(value: Any, items: list[Any]) -> Any:
    """A container like ``value`` that holds ``items``; constructors and ``__post_init__`` do not run."""
    if isinstance(value, frozenset):
        return type(value)(items)
    if isinstance(value, tuple):
        return value._make(items) if hasattr(value, "_make") else _tuple_like(value, items)
    if type(value) is list:
        return items
    fresh = copy.copy(value)
    if isinstance(value, list):
        fresh[:] = items
    elif type(value).__name__ == "ndarray":
        for index, item in zip(_indices(value.shape), items, strict=True):
            fresh[index] = item
    elif isinstance(value, (set, collections.deque)):
        fresh.clear()
        (fresh.update if isinstance(fresh, set) else fresh.extend)(items)
    elif isinstance(value, dict):
        for key, item in zip(value, items, strict=True):
            fresh[key] = item
    else:
        for (suffix, _), item in zip(children(value) or [], items, strict=True):
            object.__setattr__(fresh, suffix[1:], item)
    return fresh


def _indices(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, shape))


def _tuple_like(value: tuple[Any, ...], items: list[Any]) -> Any:
    return tuple(items) if type(value) is tuple else tuple.__new__(type(value), items)


def map_leaves(value: Any, leaf: Callable[[Any], Any], other: Callable[[Any], Any] = lambda v: v) -> Any:
    """The same structure with each leaf replaced by ``leaf(it)``, anything else by ``other(it)``.

    >>> map_leaves({"a": [1, 2.5], "b": "text"}, lambda x: 10 * x)
    {'a': [10, 25.0], 'b': 'text'}
    """
    return leaf(value) if type(value) in _PLAIN_NUMBERS else _map(value, leaf, other, ())


def _map(value: Any, leaf: Any, other: Any, above: tuple[int, ...]) -> Any:
    if is_leaf(value):
        return leaf(value)
    if type(value) is list and _PLAIN_NUMBERS.issuperset(map(type, value)):
        return [leaf(item) for item in value]
    items = children(value)
    if items is None:
        return other(value)
    above = _below(value, above)
    return with_children(value, [_map(item, leaf, other, above) for _, item in items])


def _below(value: Any, above: tuple[int, ...]) -> tuple[int, ...]:
    if id(value) in above:
        raise InputError(
            f"a {type(value).__name__} contains itself; only trees of containers can be differentiated"
        )
    return (*above, id(value))


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """The leaves with their paths, in the order of :func:`map_leaves`.

    >>> leaves({"a": [1, 2.5], "b": "text"}, "p")
    [("p['a'][0]", 1), ("p['a'][1]", 2.5)]
    """
    found: list[tuple[str, Any]] = []
    _collect(value, path, found, ())
    return found


def _collect(value: Any, path: str, found: list[tuple[str, Any]], above: tuple[int, ...]) -> None:
    if is_leaf(value):
        found.append((path, value))
        return
    items = children(value)
    if items is not None:
        above = _below(value, above)
        for suffix, item in items:
            _collect(item, path + suffix, found, above)


_STEP = re.compile(r"\.(\w+)|\[([^]]*)\]")


def steps_of(path: str) -> list[tuple[str, Any]] | None:
    """A path as steps: ``("." , name)`` or ``("[", key)``; ``None`` where it is none.

    >>> steps_of(".bodies[0].mass")
    [('.', 'bodies'), ('[', 0), ('.', 'mass')]
    """
    found = list(_STEP.finditer(path))
    if "".join(match[0] for match in found) != path:
        return None
    try:
        return [(".", match[1]) if match[1] else ("[", ast.literal_eval(match[2])) for match in found]
    except (SyntaxError, ValueError):
        return None


def follow(value: Any, steps: list[tuple[str, Any]]) -> Any:
    """What lies at the end of some steps; raises what ``getattr`` and indexing raise."""
    for kind, key in steps:
        value = getattr(value, key) if kind == "." else value[key]
    return value


def replaced(value: Any, steps: list[tuple[str, Any]], leaf: Any) -> Any:
    """A copy of an object, along the steps only, that holds ``leaf`` at their end."""
    if not steps:
        return leaf
    (kind, key), rest = steps[0], steps[1:]
    fresh = copy.copy(value)
    inner = replaced(follow(value, steps[:1]), rest, leaf)
    if kind == ".":
        object.__setattr__(fresh, key, inner)
    else:
        fresh[key] = inner
    return fresh
