"""The forward-mode interpreter: the chain rule carried along the recorded operations.

In: a tape and the tangents of its inputs.  Out: the tangent of every entry.  Read :func:`push`; it reads the same rules
as :mod:`tracegrad.reverse`, and

    tangent of a node = the sum over its operands of local gradient * tangent of the operand.

Where the rule of an operation on arrays is a linear map that carries gradients back, its transpose carries tangents
forward.  Nobody has to write that: a linear map is traced like any other function, and its gradient is the transpose.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tracegrad.arguments import by_position
from tracegrad.arrays.fit import dtype_kind, fit, quiet, spread, zero_like
from tracegrad.primitives import INPUT, Primitive
from tracegrad.recording import record
from tracegrad.reverse import arguments_on, contribute, local_gradients, product, returned, times
from tracegrad.tape import Tape
from tracegrad.tracer import KINDS


def push(tape: Tape, tangents: Sequence[Any]) -> None:
    """Leave the tangent of each entry in ``entry.adjoint_``, ``None`` where it depends on no input.

    ``tangents`` are those of the inputs, which are the first entries of a tape.
    """
    tape.swept = True
    for node, tangent in zip(tape, tangents, strict=False):
        node.adjoint_ = tangent
    for node in tape[len(tangents) :]:
        node.adjoint_ = _tangent(node)


def _tangent(node: Any) -> Any:
    args, values, inside = arguments_on(node)
    tangents = [arg.adjoint_ if own else None for arg, own in zip(args, inside, strict=False)]
    if all(tangent is None for tangent in tangents):
        return None
    if node.tape_.complex:  # a traced number alone is real, an array without axes may be complex
        asarray = sys.modules["numpy"].asarray
        tangents = [None if tangent is None else asarray(tangent) for tangent in tangents]
    if node.row_.vjps is not None:
        return transposed(node.row_, node.value_, values, tangents)
    wanted = [tangent is not None for tangent in tangents]
    if not KINDS or not any(type(value) in KINDS for value in (node.value_, *values)):
        return _sum(product, local_gradients(node.row_, node.value_, values, wanted), tangents)
    with quiet():
        found = local_gradients(node.row_, node.value_, values, wanted)
        return spread(_sum(times, found, tangents), node.value_)


def _sum(multiply: Any, found: Sequence[Any], tangents: Sequence[Any]) -> Any:
    flows = [
        multiply(local, tangent) for local, tangent in zip(found, tangents, strict=True) if local is not None
    ]
    total = flows[0]
    for flow in flows[1:]:
        total = total + flow
    return total


def transposed(row: Primitive, out: Any, values: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """What a linear map carries forward from the tangents of the operands (``None`` for one that is constant).

    The map from an upstream gradient to the flows is recorded, and the tangents are seeds on the flows.  A complex
    upstream gradient g is recorded as its two parts, which gives back Re(t) and Re(i t) of the tangent t, for a change
    of g counts by Re(t dg).
    """
    wanted = [tangent is not None for tangent in tangents]
    complex_ = dtype_kind(out) == "c"

    def flows(*parts: Any) -> list[Any]:
        upstream = parts[0] + 1j * sys.modules["numpy"].asarray(parts[1]) if complex_ else parts[0]
        return [pair and pair[1] for pair in returned(row, out, values, wanted, upstream)]

    parts = (zero_like(out.real), zero_like(out.real)) if complex_ else (zero_like(out),)
    run = record(flows, by_position(parts, {}), may_be_complex=True)
    with quiet():
        for flow, tangent in zip(run.result, tangents, strict=True):
            if run.owns(flow):
                flow.adjoint_ = tangent if flow.adjoint_ is None else flow.adjoint_ + tangent
        for entry in reversed(run.tape):
            if entry.adjoint_ is not None and entry.row_ is not INPUT:
                contribute(entry, entry.adjoint_)
        found = [entry.adjoint_ for entry in run.tape[: len(parts)]]
    run.tape.clear()
    if complex_ and any(part is not None for part in found):
        real, imaginary = (0.0 if part is None else part for part in found)
        return real - 1j * sys.modules["numpy"].asarray(imaginary)
    return None if found[0] is None else fit(found[0], out)
