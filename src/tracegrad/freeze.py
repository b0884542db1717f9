"""From the tape of a finished trace to its graph, and back.

In: a tape, the tracers of the inputs with their names, the numbers of the result with their paths.  Out: a
:class:`~tracegrad.graph.Graph` (:func:`freeze`).  Freezing waits until somebody looks at the graph: a gradient alone
needs the tape only.  :func:`thaw` makes an open tape of a graph, to which further operations can be added.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from tracegrad.graph import Graph, Group, Guard, Literal, Output, Pass
from tracegrad.primitives import CONST, INPUT, Primitive
from tracegrad.progress import track
from tracegrad.provenance import Call
from tracegrad.pulls import PATTERN_OF, ROW_OF, Pull
from tracegrad.tape import CURRENT, Tape, TapeGroup, TapeGuard, TapePass
from tracegrad.tracer import NestedTracer, ScalarTracer, add, isinstance_tracer
from tracegrad.tracer import operands as operands_of


def freeze(tape: Tape, names: Sequence[str], outputs: Sequence[tuple[str, Any]]) -> Graph:
    """The graph of a tape; the first ``len(names)`` entries of the tape are the inputs of these names.

    Each entry keeps the index of its node in ``adjoint``, which the next sweep clears.
    """
    graph = Graph()
    tape.swept = True
    for entry, name in zip(tape, names, strict=False):
        entry.adjoint_ = graph.append(INPUT, (), entry.value_, name=name)
    _operations(graph, tape, len(names))
    _originals(graph, tape)
    if tape.passes or tape.groups:
        _ranges(graph, tape)
    graph.adjoints = [(value.adjoint_, adjoint.adjoint_) for value, adjoint in tape.adjoints]
    graph.outputs = [_output(path, leaf, tape) for path, leaf in outputs]
    graph.guards = [
        Guard(
            primitive=guard.row,
            operands=tuple(_operand(arg, tape) for arg in guard.args),
            outcome=guard.outcome,
            call=guard.call,
            lasti=guard.lasti,
        )
        for guard in tape.guards
    ]
    return graph


def _operations(graph: Graph, tape: Tape, first: int) -> None:
    """Append the entries from ``first`` on, each right behind its constants: what ``graph.append`` does, in line."""
    primitives, values, calls = graph.primitives, graph.values, graph.calls
    operands, starts, lastis = graph.operands, graph.starts, graph.lastis
    rows = {pull: (ROW_OF[pull], _shape(pull, tape)) for pull in set(map(attrgetter("pull_"), tape))}
    index, edge = len(primitives), len(operands)
    for start, stop, call in _runs(tape, first):
        for entry in track(tape[start:stop], "graph", stop - start):
            row, shape = rows[entry.pull_]
            if shape == _CONSTANT_SECOND:
                operands.append(entry.a_.adjoint_)
                operands.append(index)
                values.append(entry.b_)
                primitives.append(CONST)
                starts.append(edge)
                lastis.append(-1)
                index += 1
                edge += 2
            elif shape == _TWO:
                operands.append(entry.a_.adjoint_)
                operands.append(entry.b_.adjoint_)
                edge += 2
            elif shape == _ONE:
                operands.append(entry.a_.adjoint_)
                edge += 1
            elif shape == _CONSTANT_FIRST:
                operands.append(index)
                operands.append(entry.b_.adjoint_)
                values.append(entry.a_)
                primitives.append(CONST)
                starts.append(edge)
                lastis.append(-1)
                index += 1
                edge += 2
            elif shape == _STATIC_SECOND:
                operands.append(entry.a_.adjoint_)
                edge += 1
                graph.params[index] = (entry.b_,)
            else:
                uses = _uses(graph, tape, entry, row, index)
                constants = len(primitives) - index
                starts.extend([edge] * constants)
                lastis.extend([-1] * constants)
                operands.extend(uses)
                index += constants
                edge += len(uses)
            entry.adjoint_ = index
            index += 1
            primitives.append(row)
            values.append(entry.value_)
            starts.append(edge)
            lastis.append(entry.lasti_)
        calls.extend([call] * (len(primitives) - len(calls)))


#: the operands of an entry: what is in its slots; ``_OTHER`` takes a closer look
_ONE, _TWO, _CONSTANT_FIRST, _CONSTANT_SECOND, _STATIC_SECOND, _OTHER = range(6)
_SHAPES = {"v": _ONE, "vv": _TWO, "cv": _CONSTANT_FIRST, "vc": _CONSTANT_SECOND}


def _shape(pull: Pull, tape: Tape) -> int:
    """What the slots of an entry hold; with a trace around, an operand may be of the tape of that."""
    if tape.kind is not ScalarTracer:
        return _OTHER
    pattern, static = PATTERN_OF[pull], ROW_OF[pull].params
    if static:
        return _STATIC_SECOND if pattern == "vc" and len(static) == 1 else _OTHER
    return _SHAPES.get(pattern, _OTHER)


def _uses(graph: Graph, tape: Tape, entry: Any, row: Primitive, index: int) -> list[int]:
    """The operands of an entry as nodes; constants among them are appended, from node ``index`` on."""
    args = operands_of(entry)
    count = len(args) - len(row.params)
    uses = []
    constants = 0
    for arg in args[:count]:
        if isinstance_tracer(arg) and arg.tape_ is tape:
            uses.append(arg.adjoint_)
        else:
            uses.append(index + constants)
            constants += 1
            graph.primitives.append(CONST)
            graph.values.append(arg)
    if row.params:
        graph.params[index + constants] = args[count:]
    return uses


def _runs(tape: Tape, first: int) -> Iterator[tuple[int, int, Call | None]]:
    """The entries from ``first`` on in runs that were made in one call: (start, stop, call)."""
    start, call = first, None
    for switch, following in [*tape.switches, (len(tape), None)]:
        if switch > start:
            yield start, switch, call
            start = switch
        call = following


def _originals(graph: Graph, tape: Tape) -> None:
    """Constants as the function has them, by their nodes; static data by that of the operation."""
    for position, changed in tape.originals.items():
        node = tape[position].adjoint_
        sources = graph.operands_of(node)
        for slot, original in changed.items():
            if slot < len(sources):
                graph.originals[sources[slot]] = original
            else:
                static = list(graph.static(node))
                static[slot - len(sources)] = original
                graph.original_params[node] = tuple(static)


def _ranges(graph: Graph, tape: Tape) -> None:
    """Backward passes and named stages: ranges of entries become ranges of nodes."""
    ends = [0, *(entry.adjoint_ + 1 for entry in tape)]
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


def thaw(graph: Graph) -> tuple[Tape, list[Any]]:
    """An open tape with the operations of a graph on it, and for each node its entry (or the constant it is)."""
    kind = ScalarTracer if CURRENT.get() is None else NestedTracer
    tape = Tape(kind, "a gradient", sys._getframe(1))
    entries: list[Any] = []
    ends = [0]
    for index, primitive in enumerate(graph.primitives):
        if primitive is CONST:
            entries.append(graph.originals.get(index, graph.values[index]))
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
    args = (*(entries[source] for source in graph.operands_of(index)), *graph.static(index))
    entry = add(tape, primitive, graph.values[index], args)
    entry.lasti_ = graph.lastis[index]
    call = graph.calls[index]
    if call is not None and call is not tape.call:
        tape.call = call
        tape.switches.append((len(tape) - 1, call))
    return entry


def _thawed(guard: Guard, entries: list[Any]) -> TapeGuard:
    args = tuple(arg.value if isinstance(arg, Literal) else entries[arg] for arg in guard.operands)
    return TapeGuard(guard.primitive, args, guard.outcome, guard.call, guard.lasti)


def _operand(arg: Any, tape: Tape) -> int | Literal:
    return arg.adjoint_ if isinstance_tracer(arg) and arg.tape_ is tape else Literal(arg)


def _output(path: str, leaf: Any, tape: Tape) -> Output:
    if isinstance_tracer(leaf) and leaf.tape_ is tape:
        return Output(path, leaf.adjoint_, leaf.value_)
    return Output(path, None, leaf)
