"""From the tape of a finished trace to its graph.

In: a tape, the tracers of the inputs with their names, the numbers of the result with their paths.  Out: a
:class:`~tracegrad.graph.Graph` and the node index of each tape entry.  Freezing waits until somebody looks at the
graph: a gradient alone needs the tape only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracegrad.graph import Graph, Guard, Literal, Output
from tracegrad.primitives import CONST, INPUT
from tracegrad.provenance import Call
from tracegrad.tape import Tape
from tracegrad.tracer import isinstance_tracer, operands


def freeze(tape: Tape, names: Sequence[str], outputs: Sequence[tuple[str, Any]]) -> tuple[Graph, list[int]]:
    """The graph of a tape; the first ``len(names)`` entries of the tape are the inputs of these names."""
    graph = Graph()
    index_of: dict[int, int] = {}
    for position, (entry, call) in enumerate(zip(tape, _calls(tape), strict=True)):
        if entry.row is INPUT:
            index = graph.append(INPUT, (), entry.value, name=names[position])
        else:
            index = _append(graph, entry, call, index_of)
        index_of[id(entry)] = index
    graph.outputs = [_output(path, leaf, tape, index_of) for path, leaf in outputs]
    graph.guards = [
        Guard(
            primitive=guard.row,
            operands=tuple(_operand(arg, tape, index_of) for arg in guard.args),
            outcome=guard.outcome,
            call=guard.call,
            lasti=guard.lasti,
        )
        for guard in tape.guards
    ]
    return graph, [index_of[id(entry)] for entry in tape]


def _calls(tape: Tape) -> Iterator[Call | None]:
    """The call that each entry was made in."""
    switches = iter([*tape.switches, (len(tape), None)])
    call: Call | None = None
    until, following = next(switches)
    for position in range(len(tape)):
        while position >= until:
            call = following
            until, following = next(switches)
        yield call


def _append(graph: Graph, entry: Any, call: Call | None, index_of: dict[int, int]) -> int:
    args, tape = operands(entry), entry.tape
    traced = len(args) - len(entry.row.params)
    nodes = [
        index_of[id(arg)]
        if isinstance_tracer(arg) and arg.tape is tape
        else graph.append(CONST, (), arg, call=call)
        for arg in args[:traced]
    ]
    return graph.append(entry.row, nodes, entry.value, params=args[traced:], call=call, lasti=entry.lasti)


def _operand(arg: Any, tape: Tape, index_of: dict[int, int]) -> int | Literal:
    return index_of[id(arg)] if isinstance_tracer(arg) and arg.tape is tape else Literal(arg)


def _output(path: str, leaf: Any, tape: Tape, index_of: dict[int, int]) -> Output:
    if isinstance_tracer(leaf) and leaf.tape is tape:
        return Output(path, index_of[id(leaf)], leaf.value)
    return Output(path, None, leaf)
