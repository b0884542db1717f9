"""From a graph and its backward pass to the annotated rows that every exporter reads.

In: a :class:`~tracegrad.graph.Graph`, seeds on its outputs, and the function it came from.  Out:
:class:`~tracegrad.document.Annotated`.  All naming is here: ids, labels, variables, stages, clusters.  Read
:func:`annotate` first, then :class:`Places`, which finds the statement and the call that each node belongs to.
"""

from __future__ import annotations

import inspect
import linecache
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tracegrad.arrays.fit import quiet, shape_of
from tracegrad.document import (
    FORMAT,
    VERSION,
    Annotated,
    Cluster,
    Edge,
    Function,
    Guard,
    Input,
    Node,
    Output,
    Site,
    SourceLine,
    Stage,
    is_array,
    quantity,
    structure,
)
from tracegrad.graph import Graph, Literal
from tracegrad.primitives import CONST, INPUT, MAX, MIN, Primitive
from tracegrad.provenance import Call, in_package
from tracegrad.reverse import Backward, backward, node_seeds
from tracegrad.source import (
    INLINE,
    calls_builtin,
    relative,
    returns,
    site,
    statement,
    stored_name,
    unpacked_names,
)
from tracegrad.tracer import plain


def annotate(
    graph: Graph, seeds: Mapping[str, Any], *, function: Callable[..., Any], value: Any, seed: Any
) -> Annotated:
    """The annotated rows of a graph, one node for each operation; ``seeds`` are adjoints by output path."""
    found = backward(graph, node_seeds(graph, seeds))
    places = Places(graph)
    names = _names(graph)
    with quiet():
        flags = [_flags(graph, index, found.adjoints[index]) for index in range(len(graph))]
    nodes = tuple(
        Node(
            id=f"n{index}",
            kind=_kind(graph, index),
            primitive=primitive.name,
            params=_params(graph, index),
            name=names.get(index),
            label=_label(graph, index),
            value=_number(graph.values[index]),
            adjoint=None if primitive is CONST else _number(found.adjoints[index]),
            shape=shape_of(graph.values[index]),
            dtype=_dtype(graph.values[index]),
            site=places.site(index),
            stage=places.stage_of.get(index),
            cluster=places.cluster_of.get(index),
            flags=flags[index],
        )
        for index, primitive in enumerate(graph.primitives)
    )
    return Annotated(
        format=FORMAT,
        version=VERSION,
        function=_function(function),
        level="op",
        value=structure(value),
        seed=structure(seed),
        inputs=tuple(Input(name=name, node=f"n{index}") for index, name in graph.names.items()),
        outputs=_outputs(graph, seeds),
        nodes=nodes,
        edges=_edges(graph, found),
        stages=places.stages(names),
        clusters=tuple(places.clusters),
        guards=_guards(graph),
        source=_source(graph, places),
    )


# ---- rows -------------------------------------------------------------------------------------------


def _kind(graph: Graph, index: int) -> str:
    primitive = graph.primitives[index]
    return "input" if primitive is INPUT else "const" if primitive is CONST else "op"


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


def _flags(graph: Graph, index: int, adjoint: Any) -> tuple[str, ...]:
    value = graph.values[index]
    flags = []
    if graph.primitives[index] in (MAX, MIN) and list(graph.arguments(index)).count(value) > 1:
        flags.append("tie")
    if not _finite(value) or not _finite(adjoint):
        flags.append("nonfinite")
    return tuple(flags)


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
    if is_array(value):
        return bool((value - value == 0).all())
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the floats
        return True


def _edges(graph: Graph, found: Backward) -> tuple[Edge, ...]:
    return tuple(
        Edge(
            id=f"e{edge}",
            source=f"n{graph.operands[edge]}",
            target=f"n{index}",
            slot=edge - graph.starts[index],
            partial=_partial(found.partials[edge]),
            flow=_number(found.flows[edge]),
        )
        for index in range(len(graph))
        for edge in range(graph.starts[index], graph.starts[index + 1])
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
    for filename, where in places.spans:
        lines = linecache.getlines(filename)
        for line in range(where.line or 1, (where.end_line or 0) + 1):
            if where.file is not None and line <= len(lines):
                found[where.file, line] = lines[line - 1].rstrip("\n")
    return tuple(SourceLine(file=file, line=line, text=text) for (file, line), text in sorted(found.items()))


# ---- the user's names ---------------------------------------------------------------------------------


def _names(graph: Graph) -> dict[int, str]:
    """The variable of each node that has one; the second value bound to ``x`` is ``x#2``."""
    names = dict(graph.names)
    bound = Counter(names.values())
    for siblings in _siblings(graph):
        for index, name in zip(siblings, _bound_names(graph, siblings), strict=False):
            if name is not None:
                bound[name] += 1
                names[index] = name if bound[name] == 1 else f"{name}#{bound[name]}"
    return names


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


def _bound_names(graph: Graph, siblings: list[int]) -> list[str | None]:
    call, lasti = graph.calls[siblings[0]], graph.lastis[siblings[0]]
    if call is None or in_package(call.code):
        return []
    unpacked = unpacked_names(call.code, lasti)
    return unpacked or ([_bound_name(call, lasti)] if len(siblings) == 1 else [])


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


# ---- statements and calls -------------------------------------------------------------------------------


_BEFORE: tuple[int, Primitive | None] = (-1, None)


class Places:
    """The stage and the cluster of each node.

    A stage is one execution of a statement in one call.  Within an execution instructions go forward, so a step back
    (outside of comprehensions, which are loops inside of a statement) begins the next one, and so does the same
    operation by the same instruction (``divmod`` is two different ones).
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.stage_of: dict[int, str] = {}
        self.cluster_of: dict[int, str] = {}
        self.clusters: list[Cluster] = []
        self.spans: dict[tuple[str, Site], None] = {}
        self._cluster_ids: dict[Call, str] = {}
        self._cluster_names: Counter[str] = Counter()
        self._members: list[list[int]] = []
        self._sites: list[Site] = []
        self._stage_clusters: list[str | None] = []
        self._running: dict[Call, tuple[Any, tuple[int, Primitive | None], int]] = {}
        for index, primitive in enumerate(graph.primitives):
            if primitive not in (INPUT, CONST):
                self._place(index)

    def site(self, index: int) -> Site | None:
        """Where the expression of a node stands."""
        call = self.graph.calls[index]
        if call is None or self.graph.lastis[index] < 0 or in_package(call.code):
            return None
        return site(call.code, self.graph.lastis[index])

    def stages(self, names: Mapping[int, str]) -> tuple[Stage, ...]:
        """The rows of all stages, in the order in which they began."""
        return tuple(
            Stage(
                id=f"s{number}",
                name=names.get(members[-1]),
                label=_stage_label(where),
                nodes=tuple(f"n{index}" for index in members),
                cluster=cluster,
                site=where,
            )
            for number, (members, where, cluster) in enumerate(
                zip(self._members, self._sites, self._stage_clusters, strict=True)
            )
        )

    def _place(self, index: int) -> None:
        call, lasti, inline = _statement_call(self.graph.calls[index], self.graph.lastis[index])
        if call is None:
            return
        cluster = self._cluster(call)
        stage = self._stage(call, (lasti, self.graph.primitives[index]), inline, cluster)
        constants = [node for node in self.graph.operands_of(index) if self.graph.primitives[node] is CONST]
        for node in (*constants, index):
            self.stage_of[node] = f"s{stage}"
            self._members[stage].append(node)
            if cluster is not None:
                self.cluster_of[node] = cluster

    def _stage(self, call: Call, now: tuple[int, Primitive], inline: bool, cluster: str | None) -> int:
        found = statement(call.code, now[0])
        free = inline or found.looped
        key, last, number = self._running.get(call, (None, _BEFORE, -1))
        if key != found.key or (not free and (now[0] < last[0] or now == last)):
            number = len(self._members)
            self._members.append([])
            self._sites.append(found.site)
            self._stage_clusters.append(cluster)
            self.spans[call.code.co_filename, found.site] = None
            last = _BEFORE
        self._running[call] = (found.key, last if free else now, number)
        return number

    def _cluster(self, call: Call) -> str | None:
        """The cluster of a call, made with those around it when first met; the traced function itself has none."""
        missing = []
        walker: Call | None = call
        while walker is not None and walker not in self._cluster_ids:
            missing.append(walker)
            walker = _user_parent(walker)
        for one in reversed(missing):
            parent = _user_parent(one)
            self._cluster_ids[one] = "" if parent is None else self._new_cluster(one, parent)
        return self._cluster_ids[call] or None

    def _new_cluster(self, call: Call, parent: Call) -> str:
        name = call.code.co_name
        self._cluster_names[name] += 1
        count = self._cluster_names[name]
        row = Cluster(
            id=f"c{len(self.clusters)}",
            name=name if count == 1 else f"{name}#{count}",
            parent=self._cluster_ids[parent] or None,
            site=None
            if call.parent is None or in_package(call.parent.code)
            else site(call.parent.code, call.lasti),
        )
        self.clusters.append(row)
        return row.id


def _statement_call(call: Call | None, lasti: int) -> tuple[Call | None, int, bool]:
    """The call of the user whose statement is at work, its instruction, and whether that loops inside of itself."""
    inline = False
    walker = call
    while walker is not None and (walker.code.co_name in INLINE or in_package(walker.code)):
        inline = inline or walker.code.co_name in INLINE
        lasti = walker.lasti
        walker = walker.parent
    return walker, lasti, inline


def _user_parent(call: Call) -> Call | None:
    return _statement_call(call.parent, call.lasti)[0]


def _stage_label(where: Site) -> str:
    return f"line {where.line}" if where.text is None else " ".join(where.text.split())


def occurrences(nodes: Sequence[Node], name: str) -> list[Node]:
    """The nodes that a variable was bound to, in order: ``x``, ``x#2``, ``x#3``."""
    return [
        node
        for node in nodes
        if node.name is not None and (node.name == name or node.name.rpartition("#")[0] == name)
    ]
