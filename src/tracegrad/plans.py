"""Plans: what a search has found to swap while a trace is open, and what that conclusion rests on.

In: findings of :mod:`tracegrad.scan`.  Out: :class:`Plan`; :meth:`Plan.holds` tells in a microsecond whether it is
still right.
"""

from __future__ import annotations

import operator
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tracegrad.substitute import DATA, MISSING


class Binding(NamedTuple):
    """A place that holds ``old`` and shall hold ``new`` while a trace is open."""

    get: Callable[[], Any]
    put: Callable[[Any], None]
    old: Any
    new: Any


class Contents(NamedTuple):
    """What a container, an object or a function holds: ``old`` while no trace is open, ``new`` while one is."""

    get: Callable[[], Iterable[Any]]
    old: list[Any]
    new: list[Any]

    def holds(self) -> bool:
        """Whether it still holds the same."""
        now = list(self.get())
        if len(now) != len(self.old):
            return False
        return (
            all(map(operator.is_, now, self.old))
            or all(map(operator.is_, now, self.new))
            or all(map(_alike, now, self.old, self.new))
        )


def _alike(now: Any, old: Any, new: Any) -> bool:
    """Whether a place holds the same as before, or one plain number instead of another."""
    return now is old or now is new or (type(now) in DATA and type(old) in DATA)


class Plan:
    """What to swap for one root, and the look-ups that this conclusion rests on."""

    __slots__ = (
        "arrays",
        "bare",
        "bindings",
        "codes",
        "contents",
        "lookups",
        "modules",
        "names",
        "numba",
        "shadows",
    )

    def __init__(self) -> None:
        #: (namespace, name, original, stand-in): the common case, kept simple for speed
        self.names: list[tuple[dict[str, Any], str, Any, Any]] = []
        #: namespaces that use a builtin which has a stand-in
        self.shadows: list[tuple[dict[str, Any], str, Any]] = []
        #: namespaces (by identity) and names of classes that must stay themselves there
        self.bare: set[tuple[int, str]] = set()
        #: namespaces that hold the module ``math`` itself
        self.modules: list[tuple[dict[str, Any], str]] = []
        self.bindings: list[Binding] = []
        self.lookups: list[tuple[dict[Any, Any], Any, Any]] = []
        self.contents: list[Contents] = []
        #: the code that was searched, by identity: what one plan covers needs no other
        self.codes: dict[int, types.CodeType] = {}
        self.numba = "numba" in sys.modules
        #: whether numpy may be reached: more is than the user's own code, ``math``, builtins and plain data
        self.arrays = False

    def holds(self) -> bool:
        """Whether each look-up still finds what it found when the plan was made."""
        if self.numba is not ("numba" in sys.modules):
            return False
        for namespace, name, value in self.lookups:
            if namespace.get(name, MISSING) is not value:
                return False
        for namespace, name, old, new in self.names:
            value = namespace.get(name, MISSING)
            if value is not old and value is not new:
                return False
        for namespace, name, new in self.shadows:
            if namespace.get(name, new) is not new:
                return False
        for binding in self.bindings:
            value = binding.get()
            if value is not binding.old and value is not binding.new:
                return False
        return all(contents.holds() for contents in self.contents)
