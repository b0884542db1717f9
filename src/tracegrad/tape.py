"""The tape of one trace: the tracers in the order of their making, and the guards between them.

In: tracers and guards, appended by the operators.  Out: the list itself, which the sweep walks backwards and
:mod:`tracegrad.freeze` turns into a :class:`~tracegrad.graph.Graph`.  Read :class:`Tape` first.

A tape *is* a list, so that an operator records itself with one ``append``; closing it changes its class, so that a
tracer which outlives its trace fails at its next operation without any check on the hot path.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, NamedTuple, NoReturn

from tracegrad.bindings import given_to
from tracegrad.errors import EscapeError, LeakError, TraceError
from tracegrad.primitives import Primitive
from tracegrad.provenance import IN_PACKAGE, OPAQUE, Call, Calls, in_package
from tracegrad.row import records
from tracegrad.source import describe

#: the innermost open tape of this thread or asyncio task
CURRENT: ContextVar[Tape | None] = ContextVar("tracegrad tape", default=None)


#: what makes numbers of texts and has nothing in its place, since compiled code looks for the class that it belongs to
_READERS = frozenset({
    "create_decimal", "double", "float16", "float32", "float64", "half", "longdouble", "single",
})  # fmt: skip

#: open tape, by identity -> text, by identity -> the guard that it was written at, with the exact value of a tracer
WRITTEN: dict[int, dict[int, TapeGuard]] = {}

#: steps that hand out the digits of a number
_DIGITS = frozenset({"int", "index", "hash", "format", "frexp_exponent"})


class TapeGuard(NamedTuple):
    """A step taken while tracing: ``row`` on ``args`` gave ``outcome`` at (call, lasti)."""

    row: Primitive
    args: tuple[Any, ...]
    outcome: Any
    call: Call | None
    lasti: int


@dataclass(slots=True)
class TapeGroup:
    """The entries from ``start`` to ``stop`` are a named stage (of the function with ``code``) at (call, lasti)."""

    name: str
    start: int
    stop: int | None
    call: Call | None
    lasti: int
    code: CodeType | None = None


class TapePass(NamedTuple):
    """The entries from ``start`` to ``stop`` are a backward pass, asked for by (call, lasti)."""

    start: int
    stop: int
    call: Call | None
    lasti: int


class Tape(list[Any]):
    """Tracers in order, and what they need to know of their trace.

    ``kind`` is the class of the tracers on this tape, ``outer`` the tape of the enclosing trace.  ``frame`` and
    ``call`` remember the frame of the last operation: most operations come from the frame of the one before.
    """

    __slots__ = (
        "adjoints",
        "aliases",
        "call",
        "calls",
        "complex",
        "depth",
        "escape",
        "foreign",
        "frame",
        "fresh",
        "groups",
        "guards",
        "kind",
        "originals",
        "outer",
        "passes",
        "stale",
        "swept",
        "switches",
        "title",
    )

    def __init__(self, kind: type, title: str, root: FrameType | None) -> None:
        self.kind = kind
        self.title = title
        self.outer = CURRENT.get()
        self.depth: int = 0 if self.outer is None else self.outer.depth + 1
        self.frame: FrameType | None = None
        self.call: Call | None = None
        self.calls = Calls(root)
        self.guards: list[TapeGuard] = []
        self.escape: TraceError | None = None
        #: what tells whether the function writes to an argument that is another one too
        self.aliases: Any = None
        self.swept = False
        #: constants that became plain numbers: number of the entry -> slot -> the constant as the function has it
        self.originals: dict[int, dict[int, Any]] = {}
        #: the stages that the user has named; one that has not ended has no ``stop``
        self.groups: list[TapeGroup] = []
        #: the backward passes recorded on this tape, and (entry, its adjoint, an entry too) as they have found them
        self.passes: list[TapePass] = []
        self.adjoints: list[tuple[Any, Any]] = []
        #: (index, call): from this entry on, operations were made in this call
        self.switches: list[tuple[int, Call]] = []
        #: whether there are values of other classes than int and float, such as numpy's scalars
        self.foreign = False
        #: whether there are complex values
        self.complex = False
        #: whether the user's code has made arrays that it may still fill
        self.fresh = False
        #: memory of arrays that the plain code would have written to, by identity
        self.stale: dict[int, Any] = {}

    def enter(self, frame: FrameType) -> Call:
        """The call whose frame this is; called when the frame is not that of the last operation."""
        self.frame = frame
        call = self.calls.enter(frame)
        if call is not self.call:
            self.call = call
            self.switches.append((len(self), call))
        return call

    def entry_calls(self) -> Iterator[Call | None]:
        """The call that each entry was made in."""
        switches = iter([*self.switches, (len(self), None)])
        call: Call | None = None
        until, following = next(switches)
        for position in range(len(self)):
            while position >= until:
                call = following
                until, following = next(switches)
            yield call

    def settle(self, start: int, call: Call | None, lasti: int) -> None:
        """Say of the entries from ``start`` on that they were made at (call, lasti)."""
        if call is None or start == len(self):
            return
        for entry in self[start:]:
            entry.lasti_ = lasti
        while self.switches and self.switches[-1][0] >= start:
            self.switches.pop()
        self.switches.append((start, call))
        self.call, self.frame = call, None

    def enclosing(self) -> Iterator[Tape]:
        """The tapes around this one, from the nearest on."""
        outer = self.outer
        while outer is not None:
            yield outer
            outer = outer.outer

    def clear(self) -> None:
        """Drop all entries."""
        super().clear()
        self.adjoints.clear()

    def guard(self, row: Primitive, args: tuple[Any, ...], outcome: Any) -> Any:
        """Record that ``row`` on ``args`` gave ``outcome``, and give the outcome back."""
        frame = user_frame()
        if row.name in _DIGITS and frame.f_globals.get("__name__", "").partition(".")[0] in OPAQUE:
            self.refuse(
                EscapeError(
                    f"another library would take a traced value to pieces and lose its gradient, {describe(frame)}.  "
                    "Compute with functions of math, or wrap the argument in tg.detach(...) if its gradient is not "
                    "wanted"
                )
            )
        guard = TapeGuard(row, args, outcome, self.enter(frame), frame.f_lasti)
        self.guards.append(guard)
        if row.name == "format" and _reads_back(guard, outcome):
            if not _READERS.isdisjoint(given_to(frame.f_code, frame.f_lasti)):
                self.refuse(_unread(outcome))
            if len(outcome) > 1:  # of texts with one letter there is one for all
                WRITTEN.setdefault(id(self), {})[id(outcome)] = guard
        return outcome

    def written(self, text: str) -> Any:
        """The tracer whose exact value a text is, ``None`` if it is that of none.

        A text that only equals one, and may be another number's, is refused: either answer could be wrong.
        """
        for guard in reversed(self.guards):
            if (
                guard.row.name == "format"
                and guard.outcome.strip() == text.strip()
                and _reads_back(guard, guard.outcome)
            ):
                if guard.outcome is text:
                    return guard.args[0]
                self.refuse(_unread(text))
        return None if self.outer is None else self.outer.written(text)

    def read(self, text: str) -> None:
        """Refuse a text, from which numbers will be read, that has the exact value of a tracer in it."""
        for guard in self.guards:
            written = guard.outcome.strip() if guard.row.name == "format" else ""
            if (
                written
                and written in text
                and re.search(rf"(?<![\w.]){re.escape(written)}(?!(?!j\b)[\w.])", text)
                and _reads_back(guard, written)
            ):
                self.refuse(_unread(written))
        if self.outer is not None:
            self.outer.read(text)

    def refuse(self, error: TraceError) -> NoReturn:
        """Raise an error that a handler in the user's code cannot hide from the end of this trace and those around."""
        tape: Tape | None = self
        while tape is not None:
            tape.escape = tape.escape or error
            tape = tape.outer
        raise error

    def close(self) -> None:
        """End the trace: drop the frames and refuse further operations."""
        self.__class__ = ClosedTape
        WRITTEN.pop(id(self), None)
        self.frame = self.call = None
        self.calls.clear()


class ClosedTape(Tape):
    """A tape whose trace has ended."""

    __slots__ = ()

    def enter(self, frame: FrameType) -> NoReturn:
        raise LeakError(
            f"a value traced in {self.title} is used after its trace ended, {describe(frame)}.  It was kept in a "
            "global, an attribute, a cache or a generator: return it from the traced function instead, or keep "
            "tg.detach(value) if its gradient is not wanted"
        )

    def refuse(self, error: TraceError) -> NoReturn:
        self.enter(user_frame())


def refuse(error: TraceError) -> NoReturn:
    """Raise an error that a handler in the user's code cannot hide from the end of the trace."""
    tape = CURRENT.get()
    if tape is None:
        raise error
    tape.refuse(error)


def written_elsewhere(text: Any) -> Any:
    """The tracer, of a trace in whatever thread, that this very text was written of; ``None`` if there is none."""
    found = [texts[id(text)] for texts in list(WRITTEN.values()) if id(text) in texts]
    return max((guard.args[0] for guard in found), key=lambda tracer: tracer.tape_.depth, default=None)


def refuse_written(text: Any) -> None:
    """Refuse a text, from which numbers will be read, that was written of a traced value in whatever thread."""
    tracer = written_elsewhere(text) if WRITTEN else None
    if tracer is not None:
        tracer.tape_.refuse(_unread(text))


def _unread(text: str) -> EscapeError:
    return EscapeError(
        f"a number would be read from {text!r}, which was written of a traced value and has lost its "
        f"gradient, {describe(user_frame())}.  Compute with the number instead of its text, or write "
        "tg.detach(x) if its gradient is not wanted"
    )


def _reads_back(guard: TapeGuard, text: str) -> bool:
    """Whether a text that was written of a traced value is all of it; else it was rounded, which is a step.

    One that was to be rounded is a step too where that changed nothing: it would elsewhere.
    """
    value, *spec = guard.args
    if spec and _ROUNDS.search(spec[0]):
        return False
    while records(value):
        value = value.value_
    try:
        return bool(float(text) == value)
    except ValueError:
        return False


#: a format with fewer digits than a float may need
_ROUNDS = re.compile(r"\.(\d|1[0-6])(?!\d)|^[^.]*[eEfFgG%]$")


def user_frame() -> FrameType:
    """The innermost frame that does not belong to this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        inside = IN_PACKAGE.get(frame.f_code.co_filename)
        if not (in_package(frame.f_code) if inside is None else inside):
            return frame
        frame = frame.f_back
    return sys._getframe(1)


def innermost(tapes: list[Tape]) -> Tape:
    """The tape that records an operation on values of several tapes: the deepest, if the others enclose it."""
    deepest = max(tapes, key=lambda tape: tape.depth)
    enclosing = deepest
    for tape in sorted(set_of(tapes), key=lambda tape: -tape.depth):
        walker: Tape | None = enclosing
        while walker is not None and walker is not tape:
            walker = walker.outer
        if walker is None:
            for ended in tapes:
                if type(ended) is ClosedTape:
                    ended.enter(user_frame())
            raise LeakError(
                f"values of two unrelated traces meet, {describe(user_frame())}: one was made in {deepest.title}, "
                f"the other in {tape.title}, which does not enclose it.  Trace one function that uses both"
            )
        enclosing = tape
    return deepest


def set_of(tapes: list[Tape]) -> list[Tape]:
    """The different tapes among ``tapes`` (lists cannot be hashed, so by identity)."""
    return list({id(tape): tape for tape in tapes}.values())
