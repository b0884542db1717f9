"""A value with stand-ins in place of what reaches ``math``: the smallest step of the interception.

In: any value.  Out: :func:`substitute`: the same value with stand-ins, or the value itself where nothing in it reaches
``math``.  It looks into what cannot be changed in place (tuples, partials, caches); the places themselves are found by
:mod:`tracegrad.scan`.
"""

from __future__ import annotations

import functools
import math
import sys
import types
from typing import Any

from tracegrad.class_stand_ins import CLASSES, decimal_stand_in
from tracegrad.stand_ins import MATH, ORIGINAL_OF, STAND_INS
from tracegrad.tracer import isinstance_tracer

#: what stands for the module ``math`` where the module itself must not be touched
SHIM = types.ModuleType("math", math.__doc__)
vars(SHIM).update(vars(math) | MATH)

#: stands for what is not there
MISSING: Any = object()

#: containers beyond this size are data, not tables of functions
LARGEST_CONTAINER = 1000
DATA = frozenset({int, float, str, bytes, bool, complex})
#: classes of values in which nothing can be hidden
PLAIN = DATA | {type(None), range, slice, type(Ellipsis)}
NOTHING_IN_IT = PLAIN | {types.ModuleType}
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)
#: the flag of classes that were made by a class statement
HEAP_TYPE = 1 << 9


def substitute(value: Any) -> Any:
    """The same value with stand-ins for what reaches ``math``; the value itself where nothing does."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if value is float or value is complex:
        return CLASSES[value.__name__]
    if kind in FUNCTIONS:
        return STAND_INS.get(value, value)
    if kind in (types.ModuleType, type):
        return SHIM if value is math and "numba" in sys.modules else decimal_stand_in(value)
    if (kind is tuple or is_namedtuple(kind)) and len(value) <= LARGEST_CONTAINER:
        items = tuple(map(substitute, value))
        return value if all(map(_is, items, value)) else tuple.__new__(kind, items)
    if kind is staticmethod:
        inner = substitute(value.__func__)
        return value if inner is value.__func__ else staticmethod(inner)
    if kind is functools.partial:
        return _substitute_partial(value)
    if kind is functools._lru_cache_wrapper:
        return _uncached(value)
    return value


def is_namedtuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _is(a: Any, b: Any) -> bool:
    return a is b


def _substitute_partial(value: functools.partial[Any]) -> Any:
    function, args = substitute(value.func), substitute(value.args)
    keywords = {name: substitute(item) for name, item in value.keywords.items()}
    if (
        function is value.func
        and args is value.args
        and all(keywords[k] is v for k, v in value.keywords.items())
    ):
        return value
    return functools.partial(function, *args, **keywords)


@functools.lru_cache(maxsize=256)
def _uncached(cached: Any) -> Any:
    """A cache must not keep tracers: it is passed by when one is among the arguments."""

    @functools.wraps(cached)
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        if tracer_in([*args, *kwargs.values()]) is not None:
            return substitute(cached.__wrapped__)(*args, **kwargs)
        return cached(*args, **kwargs)

    for name in ("cache_info", "cache_clear", "cache_parameters"):
        setattr(stand_in, name, getattr(cached, name))
    ORIGINAL_OF[stand_in] = cached
    return stand_in


def tracer_in(values: list[Any], limit: float = LARGEST_CONTAINER) -> Any:
    """A tracer that is among some values, or inside of one of them; ``None`` if there is none."""
    seen: set[int] = set()
    while values and len(seen) < limit:
        value = values.pop()
        kind = type(value)
        if isinstance_tracer(value):
            return value
        if kind in PLAIN or id(value) in seen:
            continue
        seen.add(id(value))
        if issubclass(kind, dict):
            values += (*value, *value.values())
        elif issubclass(kind, (tuple, list, set, frozenset)):
            values += value
        elif kind not in NOTHING_IN_IT and not isinstance(value, type):
            values += getattr(value, "__dict__", {}).values()
            values += [get_slot(slot, value) for slot in slots_of(kind)]
    return None


def slots_of(kind: type) -> list[types.MemberDescriptorType]:
    """What ``__slots__`` of a user's class and its bases have made."""
    return [
        member
        for cls in kind.__mro__
        if cls.__flags__ & HEAP_TYPE
        for member in vars(cls).values()
        if type(member) is types.MemberDescriptorType
    ]


def get_slot(slot: types.MemberDescriptorType, value: Any) -> Any:
    try:
        return slot.__get__(value)
    except AttributeError:
        return MISSING
