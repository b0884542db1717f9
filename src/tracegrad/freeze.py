"""From the tape of a finished trace to its graph, and back.

In: a tape, the tracers of the inputs with their names, the numbers of the result with their paths.  Out: a
:class:`~tracegrad.graph.Graph` and the node index of each tape entry (:func:`freeze`).  Freezing waits until somebody
looks at the graph: a gradient alone needs the tape only.  :func:`thaw` makes an open tape of a graph, to which further
operations can be added.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tracegrad.graph import Graph, Group, Guard, Literal, Output, Pass
from tracegrad.primitives import CONST, INPUT, Primitive
from tracegrad.provenance import Call
from tracegrad.tape import CURRENT, Tape, TapeGroup, TapeGuard, TapePass
from tracegrad.tracer import NestedTracer, ScalarTracer, add, isinstance_tracer, operands


def freeze(tape: Tape, names: Sequence[str], outputs: Sequence[tuple[str, Any]]) -> tuple[Graph, list[int]]:
    """The graph of a tape; the first ``len(names)`` entries of the tape are the inputs of these names."""
    graph = Graph()
    index_of: dict[int, int] = {}
    for position, (entry, call) in enumerate(zip(tape, tape.entry_calls(), strict=True)):
        if entry.row is INPUT:
            index = graph.append(INPUT, (), entry.value, name=names[position])
        else:
            index = _append(graph, entry, call, index_of)
        index_of[id(entry)] = index
    ends = [0, *(index_of[id(entry)] + 1 for entry in tape)]
    graph.passes = [
        Pass(start=ends[one.start], stop=ends[one.stop], call=one.call, lasti=one.lasti)
        for one in tape.passes
    ]
    graph.groups = [
        Group(
            name=one.name,
            start=ends[one.start],
            stop=ends[one.stop],
            call=one.call,
            lasti=one.lasti,
            code=one.code,
        )
        for one in tape.groups
        if one.stop is not None
    ]
    graph.adjoints = [(index_of[id(value)], index_of[id(adjoint)]) for value, adjoint in tape.adjoints]
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


def thaw(graph: Graph) -> tuple[Tape, list[Any]]:
    """An open tape with the operations of a graph on it, and for each node its entry (or the constant it is)."""
    kind = ScalarTracer if CURRENT.get() is None else NestedTracer
    tape = Tape(kind, "a gradient", sys._getframe(1))
    entries: list[Any] = []
    ends = [0]
    for index, primitive in enumerate(graph.primitives):
        if primitive is CONST:
            entries.append(graph.values[index])
        else:
            entries.append(_entry(tape, graph, index, primitive, entries))
        ends.append(len(tape))
    tape.passes = [TapePass(ends[one.start], ends[one.stop], one.call, one.lasti) for one in graph.passes]
    tape.groups = [
        TapeGroup(one.name, ends[one.start], ends[one.stop], one.call, one.lasti, one.code)
        for one in graph.groups
    ]
    tape.adjoints = [(entries[value], entries[adjoint]) for value, adjoint in graph.adjoints]
    tape.guards = [_thawed(guard, entries) for guard in graph.guards]
    return tape, entries


def _entry(tape: Tape, graph: Graph, index: int, primitive: Primitive, entries: list[Any]) -> Any:
    args = (*(entries[source] for source in graph.operands_of(index)), *graph.params.get(index, ()))
    entry = add(tape, primitive, graph.values[index], args)
    entry.lasti = graph.lastis[index]
    call = graph.calls[index]
    if call is not None and call is not tape.call:
        tape.call = call
        tape.switches.append((len(tape) - 1, call))
    return entry


def _thawed(guard: Guard, entries: list[Any]) -> TapeGuard:
    args = tuple(arg.value if isinstance(arg, Literal) else entries[arg] for arg in guard.operands)
    return TapeGuard(guard.primitive, args, guard.outcome, guard.call, guard.lasti)


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
