"""What a backward pass leaves on a tape that records it.

In: a sweep over one tape while another is open around it, whose operators record the sweep's arithmetic.  Out: on the
recording tape, each entry has the site of the forward operation that it sends a gradient through, the whole is listed
as a pass, and adjoints are paired with the values they belong to, so that they can be called ``dx`` after ``x``.
"""

from __future__ import annotations

from typing import Any

from tracegrad.provenance import Call
from tracegrad.tape import Tape, TapePass
from tracegrad.tracer import isinstance_tracer


class BackwardPass:
    """One sweep, as the tape ``tape`` sees it: tell it which operation is reached, and when the sweep ends."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.start = self._settled = len(tape)
        self._at: tuple[Call | None, int] = (None, -1)
        self._asked: tuple[Call | None, int] = (None, -1)

    def reach(self, node: Any, adjoint: Any, call: Call | None) -> None:
        """The sweep is at this operation, made in ``call``, and its adjoint is complete."""
        self._settle()
        self._at = call, node.lasti_
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
        tape = self.tape
        if len(tape) > self._settled == self.start:
            calls = [call for index, call in tape.switches if index <= self.start]
            self._asked = calls[-1] if calls else None, tape[self.start].lasti_
        tape.settle(self._settled, *self._at)
        self._settled = len(tape)

    def _on_tape(self, value: Any) -> Any:
        """The entry of the recording tape that is, or lies under, a value; ``None`` where there is none."""
        while isinstance_tracer(value):
            if value.tape_ is self.tape:
                return value
            value = value.value_
        return None
