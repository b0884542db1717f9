"""Fresh arrays: what ``np.zeros(n)`` gives while a trace is open, so that ``a[i] = t`` can be traced.

In: arrays just made by the user's code.  Out: :class:`FreshArray`, a constant that computes with its plain value and
is on no tape, until a traced value is assigned into it: from then on it is an ordinary traced array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.build import holds_tracer, lift, static
from tracegrad.arrays.indexing import SETITEM, getitem
from tracegrad.arrays.memory import base_of, check_memory, refuse_whole
from tracegrad.arrays.tracer import ArrayTracer
from tracegrad.primitives import CONST
from tracegrad.pulls import pull_for
from tracegrad.row import bind
from tracegrad.tape import Tape
from tracegrad.tracer import KINDS, NOTHING, UNSETTLED, Tracer

_become_class = object.__dict__["__class__"].__set__  # ``__class__`` of a tracer answers as the array


class FreshArray(ArrayTracer):
    """An array that the user's code has made and may still fill."""

    __slots__ = ()

    def _tracegrad_bind_(self, row: Any, args: tuple[Any, ...]) -> Any:
        return windowed(bind(row, *map(settled, args)), args)

    def __array__(self, *args: Any, **options: Any) -> Any:
        return np.asarray(settled(self), *args, **options)

    @property
    def __array_interface__(self) -> Any:
        return settled(self).__array_interface__

    def __bool__(self) -> bool:
        return bool(settled(self))

    def __float__(self) -> float:
        return float(settled(self))

    def __getitem__(self, index: Any) -> Any:
        part = settled(self)[static(settled(index))]
        shared = isinstance(part, np.ndarray) and part.base is not None
        return fresh(part, self.tape_, (self, static(settled(index)))) if shared else part

    def __setitem__(self, index: Any, value: Any) -> None:
        index = static(settled(index))
        if not holds_tracer(settled(value)):
            settled(self)[index] = settled(value)
            return
        tracer_set(self, index, lift(value))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.value_.__reduce_ex__(protocol)

    def tolist(self) -> Any:
        return settled(self).tolist()


def fresh(value: Any, tape: Tape, window: tuple[Any, ...] = ()) -> Any:
    """A constant array that may be filled with traced values; ``window`` says of which other one it is a part."""
    node: Any = FreshArray()
    tape.fresh = True
    node.value_, node.tape_, node.pull_ = value, tape, pull_for(CONST, "n")
    node.a_, node.b_, node.lasti_, node.adjoint_ = window, NOTHING, -1, None
    return node


def windowed(result: Any, args: Any) -> Any:
    """A result that shares memory with a fresh array (``a.T``) is one too: it is out of date once that is filled."""
    if type(result) is np.ndarray and result.base is not None:
        for arg in args:
            if type(arg) is FreshArray and np.may_share_memory(result, arg.value_):
                return fresh(result, arg.tape_)
    return result


def settled(value: Any) -> Any:
    """The plain array of a fresh one, also in lists and tuples; anything else as it is."""
    if type(value) is FreshArray:
        check_memory(value)
        return value.value_
    return type(value)(map(settled, value)) if type(value) in (list, tuple) else value


def tracer_set(array: FreshArray, index: Any, value: Any) -> None:
    """The first traced value in a fresh array: the array is a node from here on."""
    refuse_whole(array, value)
    check_memory(array)
    window = array.a_
    node = bind(SETITEM, array.value_, value, index)
    if window:  # a write through a view: a[0] *= t, a[0][1] = t
        parent, place = window
        parent[place] = node
        node = getitem(parent, place)
    stale = base_of(array.value_)
    node.tape_.stale[id(stale)] = stale
    node.tape_.pop()
    _become_class(array, ArrayTracer)
    for name in Tracer.__slots__:
        setattr(array, name, getattr(node, name))
    node.tape_.append(array)


KINDS[FreshArray] = ArrayTracer
UNSETTLED[FreshArray] = settled
