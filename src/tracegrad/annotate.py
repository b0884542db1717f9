"""From a graph and its backward pass to the annotated rows that every exporter reads.

In: a :class:`~tracegrad.graph.Graph`, seeds on its outputs, and the function it came from.  Out:
:class:`~tracegrad.document.Annotated`.  All naming is here: ids, labels, variables, stages, clusters.  Read
:func:`columns` first; :mod:`tracegrad.places` finds the statement and the call that each node belongs to.
"""

from __future__ import annotations

import dataclasses
import inspect
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from tracegrad.abridge import Abridged, abridged
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
)
from tracegrad.flaws import Sheet, flags
from tracegrad.fold.columns import NONE, Columns, base_name
from tracegrad.fold.columns import part as part_of
from tracegrad.graph import Graph, Literal
from tracegrad.lazy import LazyRows
from tracegrad.places import Places
from tracegrad.primitives import CONST, INPUT
from tracegrad.provenance import in_package
from tracegrad.quick_rows import maker
from tracegrad.reverse import Backward
from tracegrad.source import relative, site
from tracegrad.structures import is_array, quantity, structure
from tracegrad.texts import is_there, looked_at_once, text_of
from tracegrad.tracer import plain
from tracegrad.variables import Variables, variables


def document(found: Columns) -> Annotated:
    """The document of all operations, whose rows are made when they are asked for."""
    return dataclasses.replace(
        found.head,
        nodes=LazyRows(len(found), found.node, found, found.nodes),
        edges=LazyRows(len(found.sources), partial(_edge, found), found, partial(_edges, found)),
        stages=LazyRows(found.stages, found.stage, found),
    )


def columns(
    graph: Graph,
    seeds: Mapping[str, Any],
    found: Backward,
    *,
    function: Callable[..., Any],
    value: Any,
    seed: Any,
) -> Columns:
    """What folds read of a graph and its backward pass: rows are made when they are asked for."""
    with collector_paused(), looked_at_once():
        short = abridged(graph)
        places = Places(graph, short)
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
            source=_source(places),
            note=_changed(places),
        )
        rows = _Rows(graph, short, found, places)
        return Columns(
            head=head,
            kinds=rows.kinds,
            values=graph.values,
            adjoints=rows.adjoints,
            starts=graph.starts,
            sources=graph.operands,
            partials=found.partials,
            flows=found.flows,
            stage_of=places.stage_of,
            stages=len(places.executions),
            cluster_of=places.cluster_of,
            flags=lambda: rows.flags,
            node=rows.node,
            nodes=rows.nodes,
            part=rows.part,
            stage=rows.stage,
            statement=lambda stage: places.executions[stage].identity,
            index_of=lambda id: int(id[1:]),
            graph=graph,
            like=rows.like,
            clusters_like=places.clusters_like,
        )


_node, _an_edge, _stage = maker(Node), maker(Edge), maker(Stage)

_NO_NAMES: tuple[None, tuple[str, ...]] = None, ()


# ---- rows -------------------------------------------------------------------------------------------


class _Rows:
    """The rows of nodes and stages, each made when asked for."""

    def __init__(self, graph: Graph, short: Abridged, found: Backward, places: Places) -> None:
        self.graph = graph
        self._short = short
        self.like = short.like
        self.places = places
        self.kinds = ["const" if primitive is CONST else "op" for primitive in graph.primitives]
        for index in graph.inputs:
            self.kinds[index] = "input"
        self.adjoints = found.adjoints
        if not found.plain:
            self.adjoints = list(map(_number, found.adjoints))
        self._found = found

    @cached_property
    def flags(self) -> dict[int, tuple[str, ...]]:
        with quiet():
            return flags(self._sheet())

    def _sheet(self) -> Sheet:
        """The columns that flaws are looked for in."""
        graph, found = self.graph, self._found
        return Sheet(
            kinds=self.kinds,
            rows=graph.primitives,
            values=graph.values if found.plain else _plain(graph.values),
            adjoints=self.adjoints,
            starts=graph.starts,
            sources=graph.operands,
            partials=found.partials if found.plain else _plain(found.partials),
            flows=found.flows if found.plain else _plain(found.flows),
            params=lambda index: graph.params.get(index, ()),
            named=self.names.__contains__,
            outputs=[output.node for output in graph.outputs if output.node is not None],
            plain=found.plain,
        )

    @cached_property
    def names(self) -> Variables:
        with collector_paused(), looked_at_once():
            return variables(self.graph, self._short)

    def node(self, index: int) -> Node:
        return next(self.nodes((index,)))

    def nodes(self, indices: Iterable[int]) -> Iterator[Node]:
        """The rows of some nodes."""
        graph, kinds, adjoints, flags = self.graph, self.kinds, self.adjoints, self.flags
        primitives, values, names_of, site = graph.primitives, graph.values, self.names.of, self.places.site
        stage_of, cluster_of = self.places.stage_of, self.places.cluster_of
        originals = graph.originals
        for index in indices:
            primitive, value = primitives[index], values[index]
            stage, cluster = stage_of[index], cluster_of[index]
            is_float = type(value) is float
            is_simple = primitive.rules and not primitive.params
            name, aliases = _NO_NAMES if primitive is CONST else names_of(index)
            yield _node(
                f"n{index}",
                kinds[index],
                primitive.name,
                _params(graph, index) if primitive.params else {},
                name,
                primitive.symbol if is_simple else _label(graph, index),
                value if is_float else _number(value),
                adjoints[index],
                () if is_float else shape_of(value),
                "float" if is_float and not originals else self._dtype(index, value),
                site(index),
                None if stage == NONE else f"s{stage}",
                None if cluster == NONE else f"c{cluster}",
                flags.get(index, ()),
                aliases,
                None,
                None,
            )

    def _dtype(self, index: int, value: Any) -> str:
        """The class of a number, or the precision of an array; of a constant, as the function has it."""
        value = plain(self.graph.originals.get(index, value) if self.kinds[index] == "const" else value)
        return str(value.dtype) if is_array(value) else type(value).__name__

    def part(self, index: int) -> Hashable:
        name = self.names.name(index)
        if name is not None:
            return base_name(name)
        return part_of(None, self.places.site(index), self.graph.primitives[index].name)

    def stage(self, number: int) -> Stage:
        members, executed = self.places.members[number], self.places.executions[number]
        cluster = self.places.cluster_of[members[-1]]
        return _stage(
            f"s{number}",
            self.names.name(members[-1]),
            executed.label,
            tuple([f"n{index}" for index in members]),
            None if cluster == NONE else f"c{cluster}",
            executed.site,
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


def _plain(values: list[Any]) -> list[Any]:
    """What a column holds, without the tracers of enclosing traces."""
    return [value if type(value) is float else plain(value) for value in values]


def _number(value: Any) -> Any:
    """A value as a plain number, whatever stands for it."""
    return value if type(value) is float or value is None else quantity(plain(value))


def _partial(local: Any) -> Any:
    return local if type(local) is str else _number(local)


def _params(graph: Graph, index: int) -> dict[str, Any]:
    names = graph.primitives[index].params
    return {name: structure(value) for name, value in zip(names, graph.params.get(index, ()), strict=False)}


def _edge(found: Columns, edge: int) -> Edge:
    return next(_edges(found, range(edge, edge + 1)))


def _edges(found: Columns, numbers: range) -> Iterator[Edge]:
    """The rows of some edges."""
    starts, sources, partials, flows = found.starts, found.sources, found.partials, found.flows
    first = end = 0
    target = -1
    for edge in numbers:
        if not first <= edge < end:
            target = bisect_right(starts, edge) - 1
            first, end = starts[target], starts[target + 1]
        local, flow = partials[edge], flows[edge]
        yield _an_edge(
            f"e{edge}",
            f"n{sources[edge]}",
            f"n{target}",
            edge - first,
            local if type(local) is float else _partial(local),
            flow if type(flow) is float else _number(flow),
            1,
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


def _source(places: Places) -> tuple[SourceLine, ...]:
    """The lines of every statement that the document names, as far as their text is at hand."""
    found: dict[tuple[str, int], str] = {}
    for one in places.statements:
        where, text = one.site, text_of(one.code)
        if text and where.text and where.file and where.line and where.end_line:
            lines = text.lines[where.line - 1 : where.end_line]
            found |= {
                (where.file, number): line.rstrip("\n") for number, line in enumerate(lines, where.line)
            }
    return tuple(SourceLine(file=file, line=line, text=text) for (file, line), text in sorted(found.items()))


def _changed(places: Places) -> str | None:
    """What to say of files that are no longer those that were loaded."""
    files = {
        one.site.file: None
        for one in places.statements
        if one.site.text is None and text_of(one.code) is None and is_there(one.code.co_filename)
    }
    return (
        f"{', '.join(map(str, files))}: changed since it was loaded, its text is not shown" if files else None
    )
