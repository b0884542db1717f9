"""Named stages: a group of operations under a name of the user's choice.

In: ``with stage("name"):`` or ``@stage("name")`` around plain code.  Out: on every open tape, the range of entries that
were made there; documents and pictures show it as a cluster.  Without an open trace nothing happens at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any, TypeVar, overload

from tracegrad.errors import InputError
from tracegrad.tape import CURRENT, Tape, TapeGroup, user_frame

F = TypeVar("F", bound=Callable[..., Any])


class _Stage:
    """A context manager and decorator; can be entered many times, also inside of itself."""

    def __init__(self, name: str, code: CodeType | None = None) -> None:
        self.name = name
        self._code = code
        self._open: list[list[tuple[Tape, TapeGroup]]] = []

    def __enter__(self) -> None:
        tape = CURRENT.get()
        opened: list[tuple[Tape, TapeGroup]] = []
        if tape is not None:
            frame = user_frame()
            for one in (tape, *tape.enclosing()):
                group = TapeGroup(self.name, len(one), None, one.enter(frame), frame.f_lasti, self._code)
                one.groups.append(group)
                opened.append((one, group))
        self._open.append(opened)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for tape, group in self._open.pop():
            group.stop = len(tape)

    def __call__(self, function: F) -> F:
        decorated: F = _staged(function, self.name)
        return decorated


def _staged(function: Any, name: str) -> Any:
    code = getattr(function, "__code__", None)

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
