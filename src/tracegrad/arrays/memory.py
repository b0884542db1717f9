"""The memory of traced arrays: what an assignment changes, and what it puts out of date.

In: the tracer of an array that is assigned to.  Out: :func:`become`: a traced array is never changed in memory; the
tracer *becomes* the node of the assignment, and an entry with the old content takes its place on the tape and in its
uses.  What shares memory with the old content, and would have seen the change, must not be used again;
:func:`check_memory` says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracegrad.arrays.indexing import GETITEM, whole
from tracegrad.arrays.table import unsupported
from tracegrad.errors import UnsupportedError
from tracegrad.source import describe
from tracegrad.tape import user_frame
from tracegrad.tracer import Tracer, isinstance_tracer, operands


def refuse_whole(array: Any, value: Any) -> None:
    """Refuse to put traced real numbers into an array of whole ones."""
    kind = getattr(value, "dtype", None) or np.dtype(
        value.__class__ if isinstance_tracer(value) else type(value)
    )
    if isinstance_tracer(value) and array.dtype.kind in "iu":
        whole(array.dtype, np.zeros((), kind))


def base_of(value: Any) -> Any:
    """The array that owns the memory of a traced value."""
    while isinstance_tracer(value):
        value = value.value_
    while isinstance(value.base, np.ndarray):
        value = value.base
    return value


def is_stale(tape: Any, value: Any) -> bool:
    """Whether a plain value lies in memory that the plain code would have written to."""
    return type(value) is np.ndarray and id(base_of(value)) in tape.stale


def check_memory(tracer: Tracer) -> None:
    """Refuse a traced array whose memory the plain code would have written to through another one."""
    if id(base_of(tracer.value_)) in tracer.tape_.stale:
        tracer.tape_.refuse(
            UnsupportedError(
                f"a traced array is used after another one that shares its memory was assigned to, "
                f"{describe(user_frame())}.  Make one of the two a copy of its own: b = a[...].copy()"
            )
        )


def is_view(tracer: Tracer) -> bool:
    """Whether a traced array is a window on another one of the same trace."""
    if tracer.row_ is not GETITEM:
        return False
    parent = tracer.a_[0]
    return type(parent) is type(tracer) and base_of(parent.value_) is base_of(tracer.value_)


def become(tracer: Tracer, node: Any) -> None:
    """Let a tracer be another node from here on; an entry with its old content takes its place on the tape."""
    tape = tracer.tape_
    if node.tape_ is not tape:
        raise unsupported("assignment of a value of an inner trace into an array of an outer one")
    stale = base_of(tracer.value_)
    tape.stale[id(stale)] = stale
    old: Any = type(tracer)()
    for name in Tracer.__slots__:
        setattr(old, name, getattr(tracer, name))
    tape.pop()  # the new node, which the tracer itself now is
    _replace(tape, tracer, old)
    for name in Tracer.__slots__:
        setattr(tracer, name, getattr(node, name))
    tracer.a_ = tuple(old if arg is tracer else arg for arg in node.a_)
    tape.append(tracer)


def _replace(tape: Any, tracer: Any, old: Any) -> None:
    """Put ``old`` in the place of a tracer: on the tape, in the operands of its uses, in guards."""
    start = next(i for i in range(len(tape) - 1, -1, -1) if tape[i] is tracer)
    tape[start] = old
    for node in tape[start + 1 :]:
        if any(arg is tracer for arg in operands(node)):
            if type(node.a_) is tuple:
                node.a_ = tuple(old if arg is tracer else arg for arg in node.a_)
            elif node.a_ is tracer:
                node.a_ = old
            if node.b_ is tracer:
                node.b_ = old
    for number, one in enumerate(tape.guards):
        if any(arg is tracer for arg in one.args):
            tape.guards[number] = one._replace(args=tuple(old if arg is tracer else arg for arg in one.args))
