"""Frozen rows made as fast as open ones: documents have hundreds of thousands of them.

In: a frozen dataclass with slots.  Out: :func:`maker`, a function from the values of its fields to such a row;
:func:`changer`, one from a row to the same with other values.

A frozen dataclass sets each of its fields through ``object.__setattr__``, and that takes most of the time of a row.  So
a row begins as one of an open class with the same slots, and becomes frozen when it is filled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")

_SOURCE = """\
class Open:
    __slots__ = {names}

def make({parameters}):
    new = Open()
    {assignments}
    new.__class__ = frozen
    return new
"""


def maker(cls: type[T]) -> Callable[..., T]:
    """A function that makes a row of a frozen dataclass of all its fields, in their order.

    >>> from tracegrad.document import Input
    >>> maker(Input)("x", "n0") == Input(name="x", node="n0")
    True
    """
    names = _names(cls)
    return _compiled(cls, names, dict(zip(names, names, strict=True)))


def changer(cls: type[T], *changed: str) -> Callable[..., T]:
    """A function from a row, and new values of these fields, to the row that has them: a quick ``replace``.

    >>> from tracegrad.document import Input
    >>> changer(Input, "node")(Input(name="x", node="n0"), "n1")
    Input(name='x', node='n1')
    """
    values = {name: name if name in changed else f"row.{name}" for name in _names(cls)}
    return _compiled(cls, ("row", *changed), values)


def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def _compiled(cls: type, parameters: tuple[str, ...], values: dict[str, str]) -> Callable[..., Any]:
    source = _SOURCE.format(
        names=tuple(values),
        parameters=", ".join(parameters),
        assignments="; ".join(f"new.{name} = {value}" for name, value in values.items()),
    )
    scope: dict[str, Any] = {"frozen": cls, "__name__": cls.__module__}
    exec(compile(source, f"<rows of {cls.__name__}>", "exec"), scope)
    make: Callable[..., Any] = scope["make"]
    return make
