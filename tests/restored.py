"""What a trace has to restore: the modules, the builtins, the collector, as they were before the first one."""

from __future__ import annotations

import builtins
import gc
import math

from tracegrad import intercept
from tracegrad.tape import CURRENT

MATH = dict(vars(math))
BUILTINS = dict(vars(builtins))


def changed(now, before):
    """The names whose values differ."""
    return {name for name in now.keys() | before.keys() if now.get(name) is not before.get(name)}


def assert_nothing_left():
    assert not changed(vars(math), MATH)
    # `_` is the business of the interactive interpreter and of doctest
    assert not changed(vars(builtins), BUILTINS) - {"_"}
    for namespace, _, originals in intercept.PATCHES:
        if isinstance(namespace, dict):
            assert not changed({name: namespace[name] for name in originals}, originals), namespace[
                "__name__"
            ]
    state = intercept._state
    assert (state.open, state.names, state.restores) == (set(), {}, [])
    assert not state.math_patched
    assert not state.arrays_patched
    assert gc.isenabled()
    assert CURRENT.get() is None
