"""The reverse-mode interpreter: the chain rule carried back over the recorded operations.

In: a tape or a graph, and seeds on its outputs.  Out: adjoints, and what flows back along each edge.  Read
:func:`steps` first: it is the whole method, one instruction at a time.  :func:`sweep` does the same on a tape for the
adjoints alone, with nothing in its way; the tests hold the two to the same bits.

Both walk the operations from last to first.  An operand's first contribution is stored, later ones are added, so that

    adjoint of a node = its seed + the flows on the edges to its uses, in that order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracegrad.arrays.fit import astype, fit, quiet
from tracegrad.backward_pass import BackwardPass
from tracegrad.column_pulls import pulls_on
from tracegrad.graph import Graph
from tracegrad.ieee import lift, partials_at_pole, rule_at_pole
from tracegrad.ieee import plain as from_ieee
from tracegrad.primitives import CONST, INPUT, PLAIN, POLE, Primitive, bind, partials
from tracegrad.progress import track
from tracegrad.tape import Tape
from tracegrad.tracer import KINDS, TRACED, ScalarTracer, isinstance_tracer, operands, plain, plain_constant


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Step:
    """One instruction of the backward pass: ``adjoint[source] += partial * upstream``.

    ``node`` is the operation, ``source`` its operand number ``slot``; ``upstream`` is the adjoint of ``node``,
    ``partial`` its local gradient by that operand, ``flow`` their product and ``total`` the running sum of the
    operand's adjoint.
    ``first`` tells whether this contribution is stored (``=``) or added (``+=``).
    """

    node: int
    source: int
    slot: int
    upstream: Any
    partial: Any
    flow: Any
    total: Any
    first: bool

    def __repr__(self) -> str:
        sign = "=" if self.first else "+="
        return (
            f"<Step adjoint[{self.source}] {sign} {self.partial} * {self.upstream}, back through {self.node}>"
        )


def local_gradients(row: Primitive, out: Any, args: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
    """d(out)/d(operand) for each wanted slot, ``None`` for the others; inf or nan where it does not exist."""
    if KINDS and any(type(value) in KINDS for value in (out, *args)):
        from tracegrad.arrays.elementwise import NUMPY

        m = NUMPY
    else:
        m, out, args = _of_numbers(out, args)
    if row.variadic:
        found = _all_locals(row, m, out, args)
        return [value if want else None for value, want in zip(found, wanted, strict=True)]
    return [
        _local(rule, m, out, args) if want else None
        for rule, want in zip(row.rules, wanted, strict=True)  # type: ignore[arg-type]
    ]


def _of_numbers(out: Any, args: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
    """The namespace for rules on numbers, and the numbers; plain ones do not warn where there is a pole."""
    out, *args = map(plain_constant, (out, *args))
    return (TRACED if any(map(isinstance_tracer, (out, *args))) else PLAIN), out, args


def _all_locals(row: Primitive, m: Any, out: Any, args: Sequence[Any]) -> list[Any]:
    try:
        return partials(row, m, out, args)
    except (ArithmeticError, ValueError):
        at_pole = partials_at_pole(row, plain(out), list(map(plain, args)))
        traced = [arg for arg in args if isinstance_tracer(arg)]
        return [bind(POLE, *traced, value) for value in at_pole] if traced else at_pole


def _is_traced_float(value: Any) -> bool:
    return isinstance_tracer(value) and value.__class__ is float


def product(local: Any, upstream: Any) -> Any:
    """The flow: local gradient times upstream gradient; an int beyond the floats counts as infinite.

    A traced one is not recorded as multiplied by 1 or -1: that changes no bit, and keeps the graphs of gradients small.
    """
    if type(local) is float and abs(local) == 1.0 and _is_traced_float(upstream):
        return upstream if local > 0 else -upstream
    if type(upstream) is float and upstream == 1.0 and _is_traced_float(local):
        return local
    try:
        return local * upstream
    except OverflowError:
        flow = from_ieee(lift(plain(local)) * lift(plain(upstream)))
        traced = [factor for factor in (local, upstream) if isinstance_tracer(factor)]
        return bind(POLE, *traced, flow) if traced else flow


def _local(rule: Any, m: Any, out: Any, args: Sequence[Any]) -> Any:
    if not callable(rule):
        return rule
    try:
        return rule(m, out, *args)
    except (ArithmeticError, ValueError):
        at_pole = rule_at_pole(rule, *map(plain, (out, *args)))
        traced = [arg for arg in args if isinstance_tracer(arg)]
        return bind(POLE, *traced, at_pole) if traced else at_pole


def returned(
    row: Primitive, out: Any, args: Sequence[Any], wanted: Sequence[bool], upstream: Any
) -> list[tuple[Any, Any] | None]:
    """For each wanted slot what goes back along it: (local gradient, flow).

    Where the derivative of an operation on arrays is a linear map, its local gradient is the name of that: ``× Bᵀ``.
    """
    arrays = KINDS and any(type(value) in KINDS for value in (out, *args))
    if row.vjps is None and not arrays:
        found = local_gradients(row, out, args, wanted)
        return [None if local is None else (local, product(local, upstream)) for local in found]
    with quiet():
        if row.vjps is None:
            return [
                None if local is None else (local, fit(times(local, upstream), arg))
                for local, arg in zip(local_gradients(row, out, args, wanted), args, strict=False)
            ]
        return [
            None if flow is None else (_map_label(row, slot), fit(flow, args[slot]))
            for slot, flow in enumerate(_pulled_back(row, out, args, wanted, upstream))
        ]


def times(local: Any, upstream: Any) -> Any:
    """The flow between arrays: local gradient times upstream gradient."""
    return upstream if type(local) is float and local == 1.0 else local * upstream


def _pulled_back(
    row: Primitive, out: Any, args: Sequence[Any], wanted: Sequence[bool], upstream: Any
) -> list[Any]:
    vjps, count = row.vjps, len(wanted)
    out, args = _with_shape(out), [*map(_with_shape, args[:count]), *args[count:]]
    if callable(vjps):
        found = vjps(upstream, out, *args)
        return [flow if want else None for flow, want in zip(found, wanted, strict=True)]
    return [
        vjp(upstream, out, *args) if want else None
        for vjp, want in zip(vjps, wanted, strict=True)  # type: ignore[arg-type]
    ]


def _with_shape(value: Any) -> Any:
    """A number of Python's as one of numpy's, which has a shape: rules on arrays ask for it."""
    kind = type(plain(value))
    if kind not in (float, int, complex):
        return value
    return astype(value, sys.modules["numpy"].dtype(complex if kind is complex else float))


def _map_label(row: Primitive, slot: int) -> str:
    return row.maps[min(slot, len(row.maps) - 1)] if row.maps else f"{row.symbol}ᵀ"


def sow(tape: Tape, seeds: Sequence[tuple[Any, Any]]) -> None:
    """Give the entries of a tape their seeds and no other adjoint, to begin a sweep."""
    if tape.swept:
        for node in tape:
            node.adjoint_ = None
    tape.swept = True
    for node, seed in seeds:
        node.adjoint_ = seed if node.adjoint_ is None else node.adjoint_ + seed


def sweep(tape: Tape, seeds: Sequence[tuple[Any, Any]], wanted: int | None = None) -> list[Any]:
    """The adjoint of each entry of a tape (or of the first ``wanted``), ``None`` where nothing depends on it.

    ``seeds`` are pairs (entry, adjoint given to it); an entry named twice gets the sum.
    """
    sow(tape, seeds)
    if tape.kind is ScalarTracer and not tape.foreign:
        _sweep_plain(tape)
    elif tape.kind is not ScalarTracer or tape.complex:
        _sweep_recorded(tape)
    elif all(type(node) is ScalarTracer for node in tape):
        _sweep_foreign(tape)
    elif not any(isinstance_tracer(seed) for _, seed in seeds):
        _sweep_arrays(tape)
    else:
        _sweep_recorded(tape)
    return [node.adjoint_ for node in tape[:wanted]]


def _sweep_recorded(tape: Tape) -> None:
    """The sweep in its general form, which the enclosing traces record as a backward pass of theirs."""
    passes = [BackwardPass(outer) for outer in tape.enclosing()]
    calls = list(tape.entry_calls()) if passes else [None] * len(tape)
    for node, call in zip(reversed(tape), reversed(calls), strict=True):
        if node.adjoint_ is None:
            continue
        for one in passes:
            one.reach(node, node.adjoint_, call)
        if node.row_ is not INPUT:
            contribute(node, node.adjoint_)
    for one in passes:
        one.end()


def sweep_onto(tape: Tape, seeds: Sequence[tuple[Any, Any]]) -> list[Any]:
    """The adjoint of each entry of an open tape, as entries that are appended to the same tape.

    The values of the sweep are then the entries themselves: the backward pass becomes a part of the computation.
    """
    entries, calls = list(tape), list(tape.entry_calls())
    one = BackwardPass(tape)
    adjoints: dict[int, Any] = {}
    for entry, seed in seeds:
        adjoints[id(entry)] = adjoints[id(entry)] + seed if id(entry) in adjoints else seed
    for entry, call in zip(reversed(entries), reversed(calls), strict=True):
        upstream = adjoints.get(id(entry))
        if upstream is None:
            continue
        one.reach(entry, upstream, call)
        if entry.row_ is not INPUT:
            args, _, wanted = arguments_on(entry)
            for arg, found in zip(args, returned(entry.row_, entry, args, wanted, upstream), strict=False):
                if found is not None:
                    adjoints[id(arg)] = adjoints[id(arg)] + found[1] if id(arg) in adjoints else found[1]
    one.end()
    tape.close()
    return [adjoints.get(id(entry)) for entry in entries if entry.row_ is INPUT]


def _sweep_plain(tape: Tape) -> None:
    """The sweep over plain numbers: each entry has its backward instruction."""
    for node in reversed(tape):
        upstream = node.adjoint_
        if upstream is not None:
            pull = node.pull_
            try:
                pull(node, upstream)
            except (ArithmeticError, ValueError):
                contribute(node, upstream)


def _sweep_foreign(tape: Tape) -> None:
    """The same over numbers of other classes, numpy's scalars say: each as a plain one meanwhile."""
    foreign = [(node, node.value_) for node in tape if type(node.value_) is not float]
    for node, value in foreign:
        node.value_ = plain_constant(value)
    try:
        _sweep_plain(tape)
    finally:
        for node, value in foreign:
            node.value_ = value


def _sweep_arrays(tape: Tape) -> None:
    """The same over plain arrays, with numbers among them."""
    from tracegrad.arrays.pulls import ON_ARRAYS, ON_NUMBERS

    with quiet():
        for node in reversed(tape):
            upstream = node.adjoint_
            if upstream is None:
                continue
            pull = (ON_NUMBERS if type(node) is ScalarTracer else ON_ARRAYS)[node.pull_]
            if pull is None:
                if node.row_ is not INPUT:
                    contribute(node, upstream)
                continue
            try:
                pull(node, upstream)
            except (ArithmeticError, ValueError):
                contribute(node, upstream)


def contribute(node: Any, upstream: Any) -> None:
    """One turn of the loop in its general form: any number of operands, poles, operands of enclosing traces."""
    args, values, wanted = arguments_on(node)
    for arg, found in zip(args, returned(node.row_, node.value_, values, wanted, upstream), strict=False):
        if found is not None:
            arg.adjoint_ = found[1] if arg.adjoint_ is None else arg.adjoint_ + found[1]


def arguments_on(node: Any) -> tuple[tuple[Any, ...], list[Any], list[bool]]:
    """The operands of a tape entry, what they are worth, and which of them are entries of the same tape."""
    args = operands(node)
    tape = node.tape_
    inside = [isinstance_tracer(arg) and arg.tape_ is tape for arg in args]
    values = [arg.value_ if own else arg for arg, own in zip(args, inside, strict=True)]
    return args, values, inside[: len(args) - len(node.row_.params)]


def as_adjoint(seed: Any) -> Any:
    """A seed as adjoints are: a float, where it was given as a whole number."""
    if type(seed) in KINDS and seed.dtype.kind not in "fc":
        return seed.astype(float)
    return float(seed) if type(seed) in (int, bool) else seed


def node_seeds(graph: Graph, by_path: Mapping[str, Any]) -> dict[int, Any]:
    """Node -> adjoint given to it, from seeds by output path; a node that is in the result twice gets the sum."""
    seeds: dict[int, Any] = {}
    for output in graph.outputs:
        if output.node is not None:
            seed = by_path[output.path]
            seeds[output.node] = seeds[output.node] + seed if output.node in seeds else seed
    return seeds


@dataclass(frozen=True, slots=True)
class Backward:
    """The result of a backward pass over a graph: an adjoint for each node, and for each entry of
    ``graph.operands`` its local gradient and its flow (``None`` where the operand is a constant).

    Where nothing that was seeded depends on a node, adjoint and flows are 0; a constant has no adjoint.
    It is ``plain`` if all values of the graph and all that was found are known to be Python's own numbers.
    """

    adjoints: list[Any]
    partials: list[Any]
    flows: list[Any]
    plain: bool = False


def backward(graph: Graph, seeds: Mapping[int, Any]) -> Backward:
    """Go through all :func:`steps` and keep what each finds."""
    adjoints: list[Any] = [None] * len(graph)
    partials_: list[Any] = [None] * len(graph.operands)
    flows: list[Any] = [None] * len(graph.operands)
    for index, seed in seeds.items():
        adjoints[index] = seed
    if _is_plain(graph.values) and all(type(seed) is float for seed in seeds.values()):
        _pull_all(graph, adjoints, partials_, flows)
    else:
        for turn in _turns(graph, adjoints):
            _keep(graph, turn, adjoints, partials_, flows)
    for node, adjoint in enumerate(adjoints):
        if adjoint is None:
            _fill_unreached(graph, node, partials_, flows)
            adjoints[node] = None if graph.primitives[node] is CONST else 0.0
    return Backward(adjoints, partials_, flows)


def _is_plain(values: Sequence[Any]) -> bool:
    """Whether all values are Python's own numbers."""
    return {float, int}.issuperset(map(type, values))


def _pull_all(graph: Graph, adjoints: list[Any], partials_: list[Any], flows: list[Any]) -> None:
    """The turns over plain numbers: each row has its backward instruction, others take the general form."""
    pulls = pulls_on(graph, adjoints, partials_, flows)
    varies = [primitive is not CONST for primitive in graph.primitives]
    nodes = range(len(graph) - 1, -1, -1)
    turns = zip(nodes, reversed(graph.primitives), reversed(adjoints), strict=True)
    for node, primitive, upstream in track(turns, "gradients", len(graph)):
        if upstream is None:
            continue
        try:
            pulls[primitive](node, upstream)
        except (ArithmeticError, ValueError, KeyError):
            _keep(graph, _turn(graph, node, upstream, varies), adjoints, partials_, flows)


def _keep(graph: Graph, turn: Turn, adjoints: list[Any], partials_: list[Any], flows: list[Any]) -> None:
    """Write down what a turn has found."""
    node, _, sources, found = turn
    for edge, (source, pair) in enumerate(zip(sources, found, strict=True), graph.starts[node]):
        if pair is not None:
            partials_[edge], flows[edge] = pair
            flow = pair[1]
            adjoints[source] = flow if adjoints[source] is None else adjoints[source] + flow


def _fill_unreached(graph: Graph, node: int, partials_: list[Any], flows: list[Any]) -> None:
    """The local gradients of an operation that the seeds do not depend on; what flows there is nothing."""
    if graph.starts[node] == graph.starts[node + 1]:
        return
    sources = graph.operands_of(node)
    wanted = [graph.primitives[source] is not CONST for source in sources]
    if not any(wanted):
        return
    found = shown_locals(graph.primitives[node], graph.values[node], graph.arguments(node), wanted)
    for edge, local in enumerate(found, graph.starts[node]):
        if local is not None:
            partials_[edge], flows[edge] = local, 0.0


def shown_locals(row: Primitive, out: Any, args: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
    """The local gradients that are shown where no gradient arrives."""
    if row.vjps is not None:
        return [_map_label(row, slot) if want else None for slot, want in enumerate(wanted)]
    with quiet():
        return local_gradients(row, out, args, wanted)


def steps(graph: Graph, seeds: Mapping[int, Any]) -> Iterator[Step]:
    """The backward pass over a graph, one instruction at a time; ``seeds`` gives adjoints to nodes.

    Nodes that nothing depends on are passed over, as are constant operands.
    """
    adjoints: list[Any] = [None] * len(graph)
    for index, seed in seeds.items():
        adjoints[index] = seed
    for node, upstream, sources, found in _turns(graph, adjoints):
        for slot, (source, pair) in enumerate(zip(sources, found, strict=True)):
            if pair is None:
                continue
            local, flow = pair
            first = adjoints[source] is None
            adjoints[source] = flow if first else adjoints[source] + flow
            yield Step(
                node=node, source=source, slot=slot, upstream=upstream,
                partial=local, flow=flow, total=adjoints[source], first=first,
            )  # fmt: skip


#: node, its adjoint by then, its operands, what returns to each
Turn = tuple[int, Any, Sequence[int], Sequence[Any]]


def _turns(graph: Graph, adjoints: Sequence[Any]) -> Iterator[Turn]:
    """The operations that the backward pass comes by."""
    varies = [primitive is not CONST for primitive in graph.primitives]
    for node in range(len(graph) - 1, -1, -1):
        if adjoints[node] is not None and graph.starts[node] < graph.starts[node + 1]:
            yield _turn(graph, node, adjoints[node], varies)


def _turn(graph: Graph, node: int, upstream: Any, varies: Sequence[bool]) -> Turn:
    sources = graph.operands_of(node)
    wanted = [varies[source] for source in sources]
    primitive, value, args = graph.primitives[node], graph.values[node], graph.arguments(node)
    return node, upstream, sources, returned(primitive, value, args, wanted, upstream)
