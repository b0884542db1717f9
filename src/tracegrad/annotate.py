"""From a graph and its backward pass to the annotated rows that every exporter reads.

In: a :class:`~tracegrad.graph.Graph`, seeds on its outputs, and the function it came from.  Out:
:class:`~tracegrad.document.Annotated`.  All naming is here: ids, labels, variables, stages, clusters.  Read
:func:`columns` first; :mod:`tracegrad.places` finds the statement and the call that each node belongs to.
"""

from __future__ import annotations

import dataclasses
import inspect
import linecache
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from tracegrad.arrays.fit import quiet, shape_of
from tracegrad.collector import collector_paused
from tracegrad.document import (
    FORMAT,
    VERSION,
    Annotated,
    Edge,
    Function,
    Guard,
    Input,
    Node,
    Output,
    SourceLine,
    Stage,
    is_array,
    quantity,
    structure,
)
from tracegrad.fold.columns import NONE, Columns, base_name
from tracegrad.fold.columns import part as part_of
from tracegrad.graph import Graph, Literal
from tracegrad.lazy import LazyRows
from tracegrad.passes import adjoint_names, pass_of
from tracegrad.places import Places
from tracegrad.primitives import CONST, INPUT, MAX, MIN
from tracegrad.provenance import Call, in_package
from tracegrad.reverse import Backward, backward, node_seeds
from tracegrad.source import (
    INLINE,
    calls_builtin,
    relative,
    returns,
    site,
    stored_name,
    unpacked_names,
)
from tracegrad.tracer import plain


def document(found: Columns) -> Annotated:
    """The document of all operations, whose rows are made when they are asked for."""
    return dataclasses.replace(
        found.head,
        nodes=LazyRows(len(found), found.node),
        edges=LazyRows(len(found.sources), partial(_edge, found)),
        stages=LazyRows(max(found.stage_of, default=NONE) + 1, found.stage),
    )


def columns(
    graph: Graph, seeds: Mapping[str, Any], *, function: Callable[..., Any], value: Any, seed: Any
) -> Columns:
    """What folds read of a graph and its backward pass: rows are made when they are asked for."""
    with collector_paused():
        found = backward(graph, node_seeds(graph, seeds))
        places = Places(graph)
        head = Annotated(
            format=FORMAT,
            version=VERSION,
            function=_function(function),
            level="op",
            value=structure(value),
            seed=structure(seed),
            inputs=tuple(Input(name=name, node=f"n{index}") for index, name in graph.names.items()),
            outputs=_outputs(graph, seeds),
            nodes=(),
            edges=(),
            stages=(),
            clusters=places.clusters(),
            guards=_guards(graph),
            source=_source(graph, places),
        )
        rows = _Rows(graph, found, places)
        return Columns(
            head=head,
            kinds=rows.kinds,
            values=graph.values,
            adjoints=rows.adjoints,
            starts=graph.starts.tolist(),
            sources=graph.operands.tolist(),
            partials=found.partials,
            flows=found.flows,
            stage_of=places.stage_of,
            cluster_of=places.cluster_of,
            flags=rows.flags,
            node=rows.node,
            part=rows.part,
            stage=rows.stage,
            statement=lambda stage: places.executions[stage].identity,
            index_of=lambda id: int(id[1:]),
        )


# ---- rows -------------------------------------------------------------------------------------------


class _Rows:
    """The rows of nodes and stages, each made when asked for."""

    def __init__(self, graph: Graph, found: Backward, places: Places) -> None:
        self.graph = graph
        self.places = places
        self.kinds = ["op"] * len(graph)
        for index, primitive in enumerate(graph.primitives):
            if primitive is CONST:
                self.kinds[index] = "const"
        for index in graph.inputs:
            self.kinds[index] = "input"
        self.adjoints = [
            None if kind == "const" else adjoint if type(adjoint) is float else _number(adjoint)
            for kind, adjoint in zip(self.kinds, found.adjoints, strict=True)
        ]
        with quiet():
            self.flags = _flags(graph, found.adjoints)

    @cached_property
    def names(self) -> dict[int, str]:
        return _names(self.graph)

    def node(self, index: int) -> Node:
        graph, primitive = self.graph, self.graph.primitives[index]
        stage, cluster = self.places.stage_of[index], self.places.cluster_of[index]
        value = graph.values[index]
        return Node(
            id=f"n{index}",
            kind=self.kinds[index],
            primitive=primitive.name,
            params=_params(graph, index) if primitive.params else {},
            name=self.names.get(index),
            label=_label(graph, index),
            value=value if type(value) is float else _number(value),
            adjoint=self.adjoints[index],
            shape=() if type(value) is float else shape_of(value),
            dtype="float" if type(value) is float else _dtype(value),
            site=self.places.site(index),
            stage=None if stage == NONE else f"s{stage}",
            cluster=None if cluster == NONE else f"c{cluster}",
            flags=self.flags.get(index, ()),
        )

    def part(self, index: int) -> Hashable:
        name = self.names.get(index)
        if name is not None:
            return base_name(name)
        return part_of(None, self.places.site(index), self.graph.primitives[index].name)

    def stage(self, number: int) -> Stage:
        places = self.places
        members, cluster, executed = (
            places.members[number],
            places.stage_clusters[number],
            places.executions[number],
        )
        return Stage(
            id=f"s{number}",
            name=self.names.get(members[-1]),
            label=executed.label,
            nodes=tuple([f"n{index}" for index in members]),
            cluster=None if cluster == NONE else f"c{cluster}",
            site=executed.site,
        )


def _label(graph: Graph, index: int) -> str:
    primitive = graph.primitives[index]
    if primitive is INPUT:
        return graph.names[index]
    if primitive is CONST:
        return _literal(graph.values[index])
    label = primitive.symbol
    for name, value in zip(primitive.params, graph.params.get(index, ()), strict=False):
        label = label.replace(f"{{{name}}}", _literal(value))
    return label


def _literal(value: Any) -> str:
    """A constant as a reader would write it: short, and never with more digits than he would look at."""
    try:
        text = repr(value)
    except ValueError:  # an int beyond the limit of digits
        return f"int of {value.bit_length()} bits"
    if is_array(value):
        return f"{'×'.join(map(str, value.shape))} constant".strip()
    return (
        text
        if len(text) <= 8
        else f"{value:.6g}"
        if isinstance(value, (int, float)) and abs(value) < 1e300
        else text
    )


def _flags(graph: Graph, adjoints: Sequence[Any]) -> dict[int, tuple[str, ...]]:
    """The flags of those nodes that have any."""
    flags: dict[int, tuple[str, ...]] = {}
    if {MAX, MIN}.intersection(graph.primitives):
        for index, primitive in enumerate(graph.primitives):
            if primitive in (MAX, MIN) and list(graph.arguments(index)).count(graph.values[index]) > 1:
                flags[index] = ("tie",)
    for index in sorted({*_nonfinite(graph.values), *_nonfinite(adjoints)}):
        flags[index] = (*flags.get(index, ()), "nonfinite")
    return flags


def _nonfinite(values: Sequence[Any]) -> list[int]:
    """Where a column has what is no finite number."""
    if {float, int}.issuperset(map(type, values)):
        return [index for index, value in enumerate(values) if value - value != 0]
    return [index for index, value in enumerate(values) if not _finite(value)]


def _number(value: Any) -> Any:
    """A value as a plain number, whatever stands for it."""
    return value if type(value) is float or value is None else quantity(plain(value))


def _partial(local: Any) -> Any:
    return local if type(local) is str else _number(local)


def _params(graph: Graph, index: int) -> dict[str, Any]:
    names = graph.primitives[index].params
    return {name: structure(value) for name, value in zip(names, graph.params.get(index, ()), strict=False)}


def _dtype(value: Any) -> str:
    value = plain(value)
    return str(value.dtype) if is_array(value) else type(value).__name__


def _finite(value: Any) -> bool:
    value = plain(value)
    if type(value) is float:
        return value - value == 0.0
    if is_array(value):
        return bool((value - value == 0).all())
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the floats
        return True


def _edge(found: Columns, edge: int) -> Edge:
    target = bisect_right(found.starts, edge) - 1
    return Edge(
        id=f"e{edge}",
        source=f"n{found.sources[edge]}",
        target=f"n{target}",
        slot=edge - found.starts[target],
        partial=_partial(found.partials[edge]),
        flow=_number(found.flows[edge]),
    )


def _outputs(graph: Graph, seeds: Mapping[str, Any]) -> tuple[Output, ...]:
    return tuple(
        Output(
            path=output.path,
            node=None if output.node is None else f"n{output.node}",
            value=_number(output.value),
            seed=_number(seeds[output.path]),
        )
        for output in graph.outputs
    )


def _guards(graph: Graph) -> tuple[Guard, ...]:
    return tuple(
        Guard(
            id=f"g{index}",
            operation=guard.primitive.name,
            operands=tuple(
                {"value": structure(plain(operand.value))}
                if isinstance(operand, Literal)
                else {"node": f"n{operand}"}
                for operand in guard.operands
            ),
            outcome=structure(plain(guard.outcome)),
            site=None
            if guard.call is None or in_package(guard.call.code)
            else site(guard.call.code, guard.lasti),
        )
        for index, guard in enumerate(graph.guards)
    )


def _function(function: Callable[..., Any]) -> Function:
    inner = inspect.unwrap(function) if callable(function) else function
    inner = getattr(inner, "func", inner)
    code = getattr(inner, "__code__", None)
    kind = type(function)
    return Function(
        name=getattr(inner, "__name__", kind.__name__),
        qualname=getattr(inner, "__qualname__", kind.__qualname__),
        module=getattr(inner, "__module__", None),
        file=None if code is None else relative(code.co_filename),
    )


def _source(graph: Graph, places: Places) -> tuple[SourceLine, ...]:
    """The lines of every statement that the document names, as far as their text is at hand."""
    found: dict[tuple[str, int], str] = {}
    for one in {id(one): one for one in places.executions}.values():
        filename, where = one.filename, one.site
        lines = linecache.getlines(filename)
        for line in range(where.line or 1, (where.end_line or 0) + 1):
            if where.file is not None and line <= len(lines):
                found[where.file, line] = lines[line - 1].rstrip("\n")
    return tuple(SourceLine(file=file, line=line, text=text) for (file, line), text in sorted(found.items()))


# ---- the user's names ---------------------------------------------------------------------------------


def _names(graph: Graph) -> dict[int, str]:
    """The variable of each node that has one: ``x#2`` is the second one bound to ``x``, ``dx`` its adjoint."""
    names = dict(graph.names)
    bound = Counter(names.values())
    backward = pass_of(graph)
    known: dict[tuple[Call | None, int, int], list[str | None]] = {}  # a loop stores by the same instruction
    for siblings in _siblings(graph):
        if siblings[0] in backward:
            continue
        where = graph.calls[siblings[0]], graph.lastis[siblings[0]], len(siblings)
        found = known.get(where)
        if found is None:
            found = known[where] = _bound_names(*where)
        for index, name in zip(siblings, found, strict=False):
            if name is not None:
                bound[name] += 1
                names[index] = name if bound[name] == 1 else f"{name}#{bound[name]}"
    return names | adjoint_names(graph, names, bound)


def _siblings(graph: Graph) -> Iterator[list[int]]:
    """The operations one by one, but those together that one instruction made (``divmod``, ``math.modf``)."""
    group: list[int] = []
    for index, call in enumerate(graph.calls):
        if call is None or graph.primitives[index] is CONST:
            continue
        last = group[-1] if group else -1
        same = group and graph.calls[last] is call and graph.lastis[last] == graph.lastis[index]
        if not same or graph.primitives[last] is graph.primitives[index]:
            if group:
                yield group
            group = []
        group.append(index)
    if group:
        yield group


def _bound_names(call: Call | None, lasti: int, siblings: int) -> list[str | None]:
    """The variables of so many operations of one instruction."""
    if call is None or in_package(call.code):
        return []
    return unpacked_names(call.code, lasti) or ([_bound_name(call, lasti)] if siblings == 1 else [])


def _bound_name(call: Call, lasti: int) -> str | None:
    """The variable that a result is stored in; what a function returns, its caller stores."""
    name = stored_name(call.code, lasti)
    while name is None and returns(call.code, lasti) and call.code.co_name not in INLINE:
        if call.parent is None or in_package(call.parent.code):
            return None
        call, lasti = call.parent, call.lasti
        if calls_builtin(call.code, lasti):
            return None
        name = stored_name(call.code, lasti)
    return name


# ---- looking up ------------------------------------------------------------------------------------


def occurrences(nodes: Sequence[Node], name: str) -> list[Node]:
    """The nodes that a variable was bound to, in order: ``x``, ``x#2``, ``x#3``."""
    return [
        node
        for node in nodes
        if node.name is not None and (node.name == name or node.name.rpartition("#")[0] == name)
    ]
