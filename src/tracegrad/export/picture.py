"""What is drawn: the shapes, wires and frames of an annotated graph, and the words on each.

In: an :class:`~tracegrad.document.Annotated`.  Out: a :class:`Picture`, which ``dot.py`` writes as DOT and by which
``svg.py`` colours the words that Graphviz placed.  Read :func:`compose` first.

Ids are ``n12`` for a node, ``a3`` for an alias, ``o0`` for an output, ``e5`` and ``r0`` for the wires of an edge and
of an output, ``cluster_4`` for a frame.  Nothing of the user's text gets into an id.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracegrad.document import Annotated, Cluster, Edge, Node, Output, Stage
from tracegrad.export.numerals import FLOAT_FORMAT
from tracegrad.export.ranks import LONGEST_SPAN, long_pairs, tangled_pairs
from tracegrad.export.words import LEGEND, LINE_LEGEND, Line, Pen, clipped, lines_of

_LONGEST_IN_LOOPS = (
    3  # ranks that a wire may span in a folded loop, whose statements use each other to and fro
)
_DEEPEST = 8  # nested calls drawn; Graphviz and pydot recurse over frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Something with an outline: ``kind`` is ``input``, ``const``, ``gate``, ``stage``, ``call``, ``output`` ...

    An ``idle`` gate or ``idle stage`` leads to no output; mostly it decided which branch was taken.
    """

    id: str
    kind: str
    lines: tuple[Line, ...]
    frame: str | None
    row: Node | Output

    @property
    def flags(self) -> tuple[str, ...]:
        """What to be wary of here; an alias leaves that to its source."""
        return self.row.flags if isinstance(self.row, Node) and self.kind != "alias" else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """An arrow: ``kind`` is ``flow``, ``constant`` or ``idle`` (nothing returns), or ``seed`` (into an output).

    An arrow that goes ``back`` (``flow back``) is that of a loop.
    """

    id: str
    source: str
    target: str
    kind: str
    lines: tuple[Line, ...]
    row: Edge | Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A box around shapes: ``kind`` is ``stage`` or ``call``; a parent stands before its children."""

    id: str
    kind: str
    lines: tuple[Line, ...]
    parent: str | None
    row: Stage | Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything drawn; ``len(shapes)`` and ``len(wires)`` are the counts that a layout must have."""

    title: tuple[Line, ...]
    frames: tuple[Frame, ...]
    shapes: tuple[Shape, ...]
    wires: tuple[Wire, ...]


def compose(annotated: Annotated, float_format: str = FLOAT_FORMAT, *, frames: bool = True) -> Picture:
    """Decide what is drawn.

    Each node is a shape and each edge a wire.  An output is a shape of its own behind the node that gives it.  A
    wire that would cross many ranks starts at an alias of its source instead.  Stages and calls are ``frames``.
    """
    boxes, home = _frames(annotated) if frames else ([], {node.id: None for node in annotated.nodes})
    aliases = _aliases(annotated)
    idle = _idle(annotated)
    pen = Pen(
        float_format,
        terms(annotated, idle),
        frozenset(source for source, _ in aliases),
        idle,
        {node.id: index for index, node in enumerate(annotated.nodes)},
    )
    ids = {node.id: f"n{index}" for index, node in enumerate(annotated.nodes)}
    shapes = [
        *_nodes(annotated, pen, ids, home),
        *_alias_shapes(annotated, pen, aliases, home, {frame.id: frame.parent for frame in boxes}),
        *_outputs(annotated, pen),
    ]
    wires = [*_edges(annotated, pen, ids, aliases), *_seeds(annotated, pen, ids)]
    used = _used(boxes, (shape.frame for shape in shapes))
    return Picture(
        title=(pen.title(annotated), *pen.notes(annotated), LINE_LEGEND if _sums(annotated) else LEGEND),
        frames=tuple(frame for frame in boxes if frame.id in used),
        shapes=tuple(shapes),
        wires=tuple(wires),
    )


def _sums(annotated: Annotated) -> bool:
    return any(node.folded is not None for node in annotated.nodes)


def terms(annotated: Annotated, idle: Container[str] = ()) -> dict[str, list[object]]:
    """The terms of each node's gradient: its seeds, then the flows on the edges to its uses.

    The zeros that return from ``idle`` nodes are left out.
    """
    found: dict[str, list[object]] = {}
    for output in annotated.outputs:
        if output.node is not None and output.seed is not None:
            found.setdefault(output.node, []).append(output.seed)
    for edge in annotated.edges:
        if edge.flow is not None and (edge.flow != 0 or edge.target not in idle):
            found.setdefault(edge.source, []).append(edge.flow)
    return found


def _idle(annotated: Annotated) -> set[str]:
    """The nodes that lead to no output, and to no use that is not shown."""
    sources: dict[str, list[str]] = {}
    for edge in annotated.edges:
        sources.setdefault(edge.target, []).append(edge.source)
    idle = {node.id for node in annotated.nodes}
    waiting = [output.node for output in annotated.outputs if output.node is not None]
    waiting += [node.id for node in annotated.nodes if node.hidden is not None]
    while waiting:
        node = waiting.pop()
        if node in idle:
            idle.remove(node)
            waiting += sources.get(node, ())
    return idle


# ---- shapes and wires -------------------------------------------------------------------------------


def _nodes(
    annotated: Annotated, pen: Pen, ids: Mapping[str, str], home: Mapping[str, str | None]
) -> Iterator[Shape]:
    for node in annotated.nodes:
        kind = node.kind if node.kind in ("input", "const") else pen.gate(node)
        yield Shape(id=ids[node.id], kind=kind, lines=pen.node(node), frame=home[node.id], row=node)


def _alias_shapes(
    annotated: Annotated,
    pen: Pen,
    aliases: Mapping[tuple[str, str], str],
    home: Mapping[str, str | None],
    parents: Mapping[str, str | None],
) -> Iterator[Shape]:
    """An alias stands beside its use, but only inside the frames that its source is in as well.

    In the innermost frame of the use it would bar the way of the wires that come from outside.
    """
    rows = {node.id: node for node in annotated.nodes}
    for (source, target), alias in aliases.items():
        around = set(_outward(home[source], parents))
        frame = next((frame for frame in _outward(home[target], parents) if frame in around), None)
        yield Shape(id=alias, kind="alias", lines=pen.alias(rows[source]), frame=frame, row=rows[source])


def _outward(frame: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    while frame is not None:
        yield frame
        frame = parents[frame]


def _outputs(annotated: Annotated, pen: Pen) -> Iterator[Shape]:
    for index, output in enumerate(annotated.outputs):
        yield Shape(id=f"o{index}", kind="output", lines=pen.output(output), frame=None, row=output)


def _edges(
    annotated: Annotated, pen: Pen, ids: Mapping[str, str], aliases: Mapping[tuple[str, str], str]
) -> Iterator[Wire]:
    adjoint = {node.id: node.adjoint for node in annotated.nodes}
    for index, edge in enumerate(annotated.edges):
        yield Wire(
            id=f"e{index}",
            source=aliases.get((edge.source, edge.target), ids[edge.source]),
            target=ids[edge.target],
            kind=pen.wire(edge),
            lines=pen.edge(edge, adjoint[edge.target]),
            row=edge,
        )


def _seeds(annotated: Annotated, pen: Pen, ids: Mapping[str, str]) -> Iterator[Wire]:
    for index, output in enumerate(annotated.outputs):
        if output.node is not None:
            lines = pen.seed(output)
            yield Wire(
                id=f"r{index}",
                source=ids[output.node],
                target=f"o{index}",
                kind="seed",
                lines=lines,
                row=output,
            )


# ---- aliases and frames -----------------------------------------------------------------------------


def _aliases(annotated: Annotated) -> dict[tuple[str, str], str]:
    """An alias for each (source, target) whose wire would be long, or part of a tangle."""
    ids = [node.id for node in annotated.nodes]
    pairs = [(edge.source, edge.target) for edge in annotated.edges]
    span = _LONGEST_IN_LOOPS if annotated.level == "line" else LONGEST_SPAN
    hard = map(any, zip(long_pairs(ids, pairs, span), tangled_pairs(ids, pairs), strict=True))
    distinct = dict.fromkeys(pair for pair, aliased in zip(pairs, hard, strict=True) if aliased)
    return {pair: f"a{index}" for index, pair in enumerate(distinct)}


def _frames(annotated: Annotated) -> tuple[list[Frame], dict[str, str | None]]:
    """All frames, and the innermost one of each node."""
    calls, of_cluster = _calls(annotated)
    frames, of_stage = list(calls), {}
    shown = annotated.stages if annotated.level == "op" else ()  # else each of them is a node
    for index, stage in enumerate(shown, len(calls)):
        of_stage[stage.id] = f"cluster_{index}"
        words = lines_of("stage", clipped(_statement(stage)))
        outer = of_cluster.get(stage.cluster)
        frames.append(Frame(id=f"cluster_{index}", kind="stage", lines=words, parent=outer, row=stage))
    return frames, {
        node.id: of_stage.get(node.stage) or of_cluster.get(node.cluster)  # type: ignore[arg-type]
        for node in annotated.nodes
    }


def _calls(annotated: Annotated) -> tuple[list[Frame], dict[str | None, str | None]]:
    """A frame for each call of a function but the traced one, which the title names."""
    frames: list[Frame] = []
    frame_of: dict[str | None, str | None] = {None: None}
    depth: dict[str | None, int] = {None: 0}
    for cluster in annotated.clusters:
        outer = frame_of[cluster.id] = frame_of[cluster.parent]
        depth[cluster.id] = depth[cluster.parent] + 1
        is_root = cluster.kind == "call" and cluster.parent is None and cluster.site is None
        if is_root or depth[cluster.id] > _DEEPEST:
            continue  # its members stand in the frame around it
        frame_of[cluster.id] = name = f"cluster_{len(frames)}"
        words = lines_of("call", clipped(_call(cluster) if cluster.kind == "call" else cluster.name))
        frames.append(Frame(id=name, kind="call", lines=words, parent=outer, row=cluster))
    return frames, frame_of


def _call(cluster: Cluster) -> str:
    return f"{cluster.name}()" if cluster.count == 1 else f"{cluster.name}() × {cluster.count:,}"


def _statement(stage: Stage) -> str:
    """The user's statement where the source is at hand, else what is known."""
    text = stage.site.text if stage.site is not None else None
    return text or stage.label or stage.name or ""


def _used(frames: Sequence[Frame], members: Iterable[str | None]) -> set[str | None]:
    """The frames that hold something: Graphviz ignores the others."""
    used = set(members)
    for frame in reversed(frames):
        if frame.id in used:
            used.add(frame.parent)
    return used
