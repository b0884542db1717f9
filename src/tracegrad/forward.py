"""The forward-mode interpreter: the chain rule carried along the recorded operations.

In: a tape and the tangents of its inputs.  Out: the tangent of every entry.  Read :func:`push`; it reads the same rules
as :mod:`tracegrad.reverse`, and

    tangent of a node = the sum over its operands of local gradient * tangent of the operand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracegrad.errors import UnsupportedError
from tracegrad.reverse import arguments_on, local_gradients, product
from tracegrad.tape import Tape
from tracegrad.tracer import KINDS


def push(tape: Tape, tangents: Sequence[Any]) -> None:
    """Leave the tangent of each entry in ``entry.adjoint``, ``None`` where it depends on no input.

    ``tangents`` are those of the inputs, which are the first entries of a tape.
    """
    tape.swept = True
    for node, tangent in zip(tape, tangents, strict=False):
        node.adjoint = tangent
    for node in tape[len(tangents) :]:
        node.adjoint = _tangent(node)


def _tangent(node: Any) -> Any:
    if type(node) in KINDS or node.row.vjps is not None:
        raise UnsupportedError(
            f"{node.row.name} works on arrays, through which tangents are not carried forward: use tg.vjp or tg.grad"
        )
    args, values, inside = arguments_on(node)
    wanted = [own and arg.adjoint is not None for arg, own in zip(args, inside, strict=False)]
    total = None
    for arg, local in zip(args, local_gradients(node.row, node.value, values, wanted), strict=False):
        if local is not None:
            flow = product(local, arg.adjoint)
            total = flow if total is None else total + flow
    return total
