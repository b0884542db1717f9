"""Named stages: a group of operations under a name of the user's choice.

In: ``with stage("name"):`` or ``@stage("name")`` around plain code.  Out: on every open tape, the range of entries that
were made there; documents and pictures show it as a cluster.  Without an open trace nothing happens at all.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import CodeType, FrameType, TracebackType
from typing import Any, TypeVar, overload

from tracegrad.errors import InputError
from tracegrad.provenance import in_library, in_package
from tracegrad.tape import CURRENT, Tape, TapeGroup, user_frame

F = TypeVar("F", bound=Callable[..., Any])


_Opened = list[tuple[Tape, TapeGroup]]


class _Stage:
    """A context manager and decorator; can be entered many times, also inside of itself, by threads, and by coroutines
    and generators that take turns."""

    def __init__(self, name: str, code: CodeType | None = None) -> None:
        self.name = name
        self._code = code
        #: what was opened and is not closed, by the frame (its identity, while it is inside) that has opened it
        self._open: dict[int, list[_Opened]] = {}

    def __enter__(self) -> None:
        tape, frame = CURRENT.get(), _frame()
        opened: _Opened = []
        if tape is not None:
            for one in (tape, *tape.enclosing()):
                group = TapeGroup(self.name, len(one), None, one.enter(frame), frame.f_lasti, self._code)
                one.groups.append(group)
                opened.append((one, group))
        self._open.setdefault(id(frame), []).append(opened)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        own = id(_frame())
        if own not in self._open:  # an ExitStack, closed in another frame
            own = next(reversed(self._open))
        for tape, group in self._open[own].pop():
            if type(tape) is Tape:
                group.stop = len(tape)
        if not self._open[own]:
            del self._open[own]

    def __call__(self, function: F) -> F:
        decorated: F = _staged(function, self.name)
        return decorated


def _frame() -> FrameType:
    """The innermost frame of the user's own code, which may enter a stage by way of a library."""
    frame: FrameType | None = user_frame()
    while frame is not None and (in_library(frame.f_code) or in_package(frame.f_code)):
        frame = frame.f_back
    return frame or user_frame()


def _staged(function: Any, name: str) -> Any:
    code = getattr(function, "__code__", None)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with _Stage(name, code):
                return await function(*args, **kwargs)

        return awaited

    @functools.wraps(function)
    def staged(*args: Any, **kwargs: Any) -> Any:
        if CURRENT.get() is None:
            return function(*args, **kwargs)
        with _Stage(name, code):
            return function(*args, **kwargs)

    return staged


@overload
def stage(name: str, /) -> _Stage: ...
@overload
def stage(name: F, /) -> F: ...
def stage(name: Any, /) -> Any:
    """Group operations under a name: as ``with stage("name"):``, ``@stage("name")`` or ``@stage``.

    The group is a cluster in documents and a frame in pictures.  Plain calls are not changed.  Raises
    :class:`InputError` if the name is neither text nor a function.

    >>> import math
    >>> import tracegrad as tg
    >>> def f(x):
    ...     with tg.stage("sigmoid"):
    ...         y = 1 / (1 + math.exp(-x))
    ...     return y * y
    >>> t = tg.trace(f, 0.0)
    >>> [cluster.name for cluster in t.document.clusters]
    ['sigmoid']
    >>> t["y"].cluster
    'c0'
    """
    if isinstance(name, str):
        return _Stage(name)
    if not callable(name):
        raise InputError(f"a stage is named by text or is a function, not {type(name).__name__}")
    return _staged(name, name.__name__)
