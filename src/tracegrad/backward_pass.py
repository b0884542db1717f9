"""What a backward pass leaves on a tape that records it.

In: a sweep over one tape while another is open around it, whose operators record the sweep's arithmetic.  Out: on the
recording tape, each entry has the site of the forward operation that it sends a gradient through, the whole is listed
as a pass, and adjoints are paired with the values they belong to, so that they can be called ``dx`` after ``x``.
"""

from __future__ import annotations

from typing import Any

from tracegrad.tape import Tape, TapePass
from tracegrad.tracer import isinstance_tracer


class BackwardPass:
    """One sweep, as the tape ``tape`` sees it: tell it which operation is reached, and when the sweep ends."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.start = self._settled = len(tape)
        self._node: Any = None
        self._asked: tuple[Any, int] = (None, -1)

    def reach(self, node: Any, adjoint: Any) -> None:
        """The sweep is at this operation, and its adjoint is complete."""
        self._settle()
        self._node = node
        value, adjoint = self._on_tape(node), self._on_tape(adjoint)
        if value is not None and adjoint is not None:
            self.tape.adjoints.append((value, adjoint))

    def end(self) -> None:
        """The sweep is over."""
        self._settle()
        if len(self.tape) > self.start:
            self.tape.passes.append(TapePass(self.start, len(self.tape), *self._asked))

    def _settle(self) -> None:
        """Give what was recorded since the last operation that operation's site."""
        if len(self.tape) > self._settled and self._settled == self.start:
            first = self.tape[self.start]
            self._asked = first.call, first.lasti
        if self._node is not None:
            for entry in self.tape[self._settled :]:
                entry.call, entry.lasti = self._node.call, self._node.lasti
        self._settled = len(self.tape)

    def _on_tape(self, value: Any) -> Any:
        """The entry of the recording tape that is, or lies under, a value; ``None`` where there is none."""
        while isinstance_tracer(value):
            if value.tape is self.tape:
                return value
            value = value.value
        return None
