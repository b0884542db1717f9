"""What returns through an operation on arrays, as text: the rules of its row, run on sketches.

In: a row, the sketches of its result and operands, which of these are wanted, and the upstream gradient.  Out: an
expression for each.  Read :func:`flows` first; it follows :func:`tracegrad.reverse.returned`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tracegrad.array_formula import Sketch
from tracegrad.array_literals import static, tree_of
from tracegrad.arrays.elementwise import NUMPY
from tracegrad.arrays.fit import fit
from tracegrad.expressions import name, number_of, parse
from tracegrad.reverse import times
from tracegrad.row import Primitive


def flows(
    row: Primitive,
    out: Any,
    args: Sequence[Any],
    data: Sequence[Any],
    wanted: Sequence[bool],
    upstream: Any,
) -> Iterator[ast.expr | None]:
    """What returns along each wanted slot, as :func:`tracegrad.reverse.returned` has it.

    ``args`` are sketches, or constants as they are.
    """
    count = len(wanted)
    if row.vjps is None:
        found = row.rules(NUMPY, out, *args) if row.variadic else None  # type: ignore[operator]
        for slot in range(count):
            if not wanted[slot]:
                yield None
                continue
            rule = found[slot] if found is not None else row.rules[slot]  # type: ignore[index]
            local = rule(NUMPY, out, *args, *data) if callable(rule) else rule
            yield tree_of(_fitted(_times(local, upstream), args[slot]))
        return
    args = [_with_shape(arg) for arg in args]
    if type(out.like) is np.ndarray and not out.ndim:
        # what comes may be a number, which has no elements to take or to replace
        upstream = Sketch(ast.Call(parse("np.asarray"), [upstream.tree], []), upstream.like)
    if callable(row.vjps):
        every = row.vjps(upstream, out, *args, *data)
        yield from (
            tree_of(_fitted(every[slot], args[slot])) if wanted[slot] else None for slot in range(count)
        )
        return
    for slot, vjp in enumerate(row.vjps):
        if not wanted[slot]:
            yield None
        else:
            yield tree_of(_fitted(vjp(upstream, out, *args, *data), args[slot]))


def _times(local: Any, upstream: Any) -> Any:
    """The flow: a factor of 1 or -1, or an upstream gradient of 1, does not multiply."""
    if type(local) is float and local == -1.0:
        return -upstream
    if isinstance(local, Sketch) and isinstance(upstream, Sketch) and number_of(upstream.tree) == 1:
        floats = local.dtype.kind == "f" and local.shape == np.broadcast_shapes(local.shape, upstream.shape)
        return local if floats else times(local, upstream)
    return times(local, upstream)


def _with_shape(arg: Any) -> Any:
    return np.float64(arg) if type(arg) in (float, int) else arg


def _fitted(flow: Any, arg: Any) -> Any:
    """The flow in the shape and precision of the operand."""
    like = arg.like if isinstance(arg, Sketch) else arg
    if not isinstance(flow, Sketch):
        flow = Sketch(static(flow), flow)
    flow = fit(flow, like)
    if type(like) in (float, int) and flow.dtype.kind == "f" and flow.dtype != np.float64:
        return Sketch(
            ast.Call(name("float"), [flow.tree], []), float(flow.like)
        )  # to add up in double precision
    return flow
