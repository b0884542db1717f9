"""``math`` from wherever it is reached: stand-ins put in while a trace is open, originals put back after the last one.

In: the roots of a trace (the function and the objects among its arguments).  Out: patched names, from :func:`start`
to :func:`stop`.

- The module ``math`` itself is patched, which serves ``math.exp`` from everywhere and imports inside of functions.  If
  numba is loaded, which looks functions up by identity, the module stays untouched and its bindings are swapped for a
  shim instead.
- Names such as ``from math import exp`` are found by :mod:`tracegrad.scan` and swapped where they are.
- One lock and one count serve all threads: what one trace has put in stays until no trace is open, so that no
  thread can lose a stand-in at the end of another's trace.
"""

from __future__ import annotations

import functools
import math
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

from tracegrad.arrays import PATCHES, include_scipy
from tracegrad.plans import Plan
from tracegrad.scan import plans_of
from tracegrad.stand_ins import MATH, ORIGINAL_OF, ORIGINALS, include_statistics
from tracegrad.substitute import MISSING, SHIM

#: what a name holds that Python 3.15 imports when it is used, which may be in a trace
_LAZY = getattr(types, "LazyImportType", None)

_lock = threading.RLock()
_math = vars(math)


class _State:
    """What is patched now; guarded by the lock."""

    def __init__(self) -> None:
        #: the keys of open traces
        self.open: set[int] = set()
        self.math_patched = False
        self.arrays_patched = False
        self.modules = 0
        self.names: dict[tuple[int, str], tuple[dict[str, Any], Any, Any]] = {}
        self.restores: list[Callable[[], None]] = []


_state = _State()


def start(key: int, roots: list[Any], *, on_numbers: bool = False) -> None:
    """Put stand-ins in every place that the roots can reach; each start needs its :func:`stop`, also after an error.

    A function of plain numbers, ``on_numbers``, that reaches nothing but ``math`` needs none in numpy.
    """
    with _lock:
        include_statistics()
        include_scipy()
        plans = plans_of(roots)
        if not _state.open:
            _state.modules = len(sys.modules)
        _state.open.add(key)
        if not _state.math_patched and "numba" not in sys.modules:
            _state.math_patched = True
            _math.update(MATH)
        wanted = not on_numbers or any(plan.arrays for plan in plans)
        if wanted and not _state.arrays_patched and "numba" not in sys.modules:
            _state.arrays_patched = True
            for namespace, stand_ins, _ in PATCHES:
                namespace.update(stand_ins)
        for plan in plans:
            _apply(plan)


def _apply(plan: Plan) -> None:
    for namespace, name, old, new in plan.names:
        _swap(namespace, name, old, new)
    for namespace, name, new in plan.shadows:
        if (id(namespace), name) not in plan.bare:
            _swap(namespace, name, MISSING, new)
    if "numba" in sys.modules:
        for namespace, name in plan.modules:
            _swap(namespace, name, math, SHIM)
    if _LAZY is not None:
        for namespace, name, value in plan.lookups:
            if type(value) is _LAZY:
                _state.restores.append(functools.partial(_clean, namespace, name))
    for binding in plan.bindings:
        if binding.get() is binding.old:
            _state.restores.append(functools.partial(_put_back, binding))
            binding.put(binding.new)


def _swap(namespace: dict[str, Any], name: str, old: Any, new: Any) -> None:
    key = (id(namespace), name)
    if key not in _state.names and namespace.get(name, MISSING) is old:
        _state.names[key] = (namespace, old, new)
        namespace[name] = new


def _put_back(binding: Any) -> None:
    """Restore a binding, unless the user's code has bound something else there meanwhile.

    What it has moved within the same list or dict is restored where it now is.
    """
    if binding.get() is binding.new:
        binding.put(binding.old)
        return
    holder: Any = getattr(getattr(binding.put, "func", None), "__self__", None)
    places = holder.items() if isinstance(holder, dict) else enumerate(holder or ())
    for key in [key for key, value in places if value is binding.new]:
        holder[key] = binding.old


def stop(key: int) -> None:
    """Put the originals back, if no other trace is open.

    Whoever calls this calls it again after an interrupt: what of it has been done before does no harm.
    """
    with _lock:
        pending = (
            key in _state.open
            or _state.math_patched
            or _state.arrays_patched
            or _state.names
            or _state.restores
        )
        _state.open.discard(key)
        if _state.open or not pending:
            return
        if _state.math_patched:
            _math.update(ORIGINALS)
            _state.math_patched = False
        if _state.arrays_patched:
            for patched, _, originals in PATCHES:
                patched.update(originals)
            _state.arrays_patched = False
        for (_, name), (namespace, old, new) in _state.names.items():
            if namespace.get(name) is new:
                if old is MISSING:
                    del namespace[name]
                else:
                    namespace[name] = old
        _state.names.clear()
        while _state.restores:
            _state.restores[-1]()
            _state.restores.pop()
        if len(sys.modules) != _state.modules:
            _clean_new_modules()


def _clean_new_modules() -> None:
    """Modules imported while ``math`` was patched have taken stand-ins: give them the originals."""
    for module in list(sys.modules.values())[_state.modules :]:
        namespace = getattr(module, "__dict__", {})
        for name in list(namespace):
            _clean(namespace, name)


def _clean(namespace: dict[str, Any], name: str) -> None:
    value = namespace.get(name)
    if callable(value) and type(value).__name__ == "function" and value in ORIGINAL_OF:
        namespace[name] = ORIGINAL_OF[value]
