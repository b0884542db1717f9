"""Where an operation happened, captured as cheaply as can be while the function runs.

In: the frame of an operation.  Out: its :class:`Call`, which with ``frame.f_lasti`` says all that
:mod:`tracegrad.source` later needs to find line, variable and statement.  Read :meth:`Calls.enter`.

A call keeps the code object and never the frame, so that no local variable lives longer because it was traced.
"""

from __future__ import annotations

import os
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from pathlib import Path
from types import CodeType, FrameType

#: the folder of this package: its own frames are not the user's
PACKAGE = str(Path(__file__).parent)

#: files of this package that are written as a user would write them
EXAMPLES = frozenset({str(Path(__file__).parent / "demo.py")})

#: packages that compute in compiled code: there is no call of ``math`` on a tracer to be found in them
OPAQUE = frozenset({
    "IPython", "_pytest", "autograd", "hypothesis", "jax", "jaxlib", "matplotlib", "mpmath", "networkx", "numba",
    "numpy", "pandas", "pydot", "pytest", "scipy", "sympy", "tensorflow", "torch",
})  # fmt: skip

_LIBRARY = str(Path(os.__file__).parent)
_RESUMABLE = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


#: file -> whether its code is that of tracegrad itself, as far as that was asked
IN_PACKAGE: dict[str, bool] = {}


def in_package(code: CodeType) -> bool:
    """Whether this is code of tracegrad itself."""
    filename = code.co_filename
    if filename not in IN_PACKAGE:
        IN_PACKAGE[filename] = filename.startswith(PACKAGE) and filename not in EXAMPLES
    return IN_PACKAGE[filename]


def in_library(code: CodeType) -> bool:
    """Whether this is code of Python's library or of an installed package, and so none of the user's own."""
    return code.co_filename.startswith((_LIBRARY, "<frozen "))


class Call:
    """One call of a function: its code, the call it was made from, and the instruction there."""

    __slots__ = ("code", "lasti", "parent")

    def __init__(self, code: CodeType, parent: Call | None, lasti: int) -> None:
        self.code = code
        self.parent = parent
        self.lasti = lasti

    def __repr__(self) -> str:
        return f"<Call of {self.code.co_qualname}>"


class Calls:
    """The calls of one trace, by their frames.

    ``root`` is the frame that called the traced function.  A frame that has left the stack is forgotten at once,
    unless it can be resumed: a generator is one call, however often it is asked for a value.
    """

    __slots__ = ("_known", "_root", "_stack")

    def __init__(self, root: FrameType | None) -> None:
        self._root = root
        self._stack: list[FrameType] = []
        self._known: dict[FrameType, Call] = {}

    def enter(self, frame: FrameType) -> Call:
        """The call whose frame this is."""
        path, below = self._unsettled(frame)
        self._leave_down_to(below)
        above = below
        for entered in reversed(path):
            call = self._known.get(entered)
            if call is None:
                lasti = -1 if above is None else above.f_lasti
                call = Call(entered.f_code, self._known.get(above) if above is not None else None, lasti)
                self._known[entered] = call
            self._stack.append(entered)
            above = entered
        return self._known[frame]

    def _unsettled(self, frame: FrameType) -> tuple[list[FrameType], FrameType | None]:
        """The frames from this one outwards whose place on the stack is not known, and the one that is."""
        path: list[FrameType] = []
        walker: FrameType | None = frame
        while walker is not None and walker is not self._root:
            if walker in self._known and not walker.f_code.co_flags & _RESUMABLE:
                return path, walker
            if walker is frame or not in_package(walker.f_code):
                path.append(walker)
            walker = walker.f_back
        return path, None

    def _leave_down_to(self, frame: FrameType | None) -> None:
        while self._stack and self._stack[-1] is not frame:
            left = self._stack.pop()
            if not left.f_code.co_flags & _RESUMABLE:
                del self._known[left]

    def clear(self) -> None:
        """Let go of all frames."""
        self._root = None
        self._stack.clear()
        self._known.clear()
