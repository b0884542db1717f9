"""The laws of a document, as checks: what holds on every graph, whoever made or loaded it.

In: an :class:`~tracegrad.document.Annotated`.  Out: nothing, or a :class:`DocumentError` that names the
first row to break a law.  :func:`lint` asks whether the rows fit together, :func:`check_identity` whether
the numbers do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tracegrad.arrays.fit import fit, quiet
from tracegrad.document import CLUSTER_KINDS, FORMAT, KINDS, LEVELS, VERSION, Annotated, Edge, Node
from tracegrad.errors import DocumentError
from tracegrad.structures import Array

#: levels at which every use of a value comes after it; a folded loop closes a cycle
ORDERED_LEVELS = frozenset({"op", "stage", "call"})

#: at these levels no flow is a sum of flows, so that the identity holds to the last bit
EXACT_LEVELS = frozenset({"op"})


def lint(annotated: Annotated) -> None:
    """Check that ids are well formed and unique, that what they name exists, and that uses follow values.

    >>> from tracegrad.document import Function
    >>> empty = dict(inputs=(), outputs=(), nodes=(), edges=(), stages=(), clusters=(), guards=(), source=())
    >>> f = Function(name="f", qualname="f", module=None, file=None)
    >>> lint(Annotated(format="tracegrad", version=1, function=f, level="op", value=1.0, seed=1.0, **empty))
    >>> lint(Annotated(format="tracegrad", version=7, function=f, level="op", value=1.0, seed=1.0, **empty))
    Traceback (most recent call last):
    tracegrad.errors.DocumentError: the document has version 7; this tracegrad reads version 1
    """
    if annotated.format != FORMAT:
        raise DocumentError(f"not a tracegrad document: its format is {annotated.format!r}")
    if annotated.version != VERSION:
        raise DocumentError(
            f"the document has version {annotated.version!r}; this tracegrad reads version {VERSION}"
        )
    if annotated.level not in LEVELS:
        raise DocumentError(f"level {annotated.level!r} is none of {', '.join(LEVELS)}")
    nodes = _ids("n", "node", annotated.nodes)
    stages = _ids("s", "stage", annotated.stages)
    clusters = _ids("c", "cluster", annotated.clusters)
    _ids("e", "edge", annotated.edges)
    _ids("g", "guard", annotated.guards)
    for node in annotated.nodes:
        if node.kind not in KINDS:
            raise DocumentError(f"{node.id}: kind {node.kind!r} is none of {', '.join(KINDS)}")
        _named(node.id, "stage", node.stage, stages)
        _named(node.id, "cluster", node.cluster, clusters)
    _lint_edges(annotated, nodes)
    for stage in annotated.stages:
        _named(stage.id, "cluster", stage.cluster, clusters)
        for member in stage.nodes:
            _named(stage.id, "node", member, nodes)
    for cluster in annotated.clusters:
        if cluster.kind not in CLUSTER_KINDS:
            raise DocumentError(f"{cluster.id}: kind {cluster.kind!r} is none of {', '.join(CLUSTER_KINDS)}")
        _named(cluster.id, "parent", cluster.parent, clusters)
        if cluster.parent is not None and clusters[cluster.parent] >= clusters[cluster.id]:
            raise DocumentError(f"{cluster.id}: its parent {cluster.parent} does not stand before it")
    _lint_ends(annotated, nodes)


def _ids(letter: str, what: str, rows: Sequence[Any]) -> dict[str, int]:
    """Position by id."""
    pattern = re.compile(f"{letter}(0|[1-9][0-9]*)")
    positions: dict[str, int] = {}
    for position, row in enumerate(rows):
        if not pattern.fullmatch(row.id):
            raise DocumentError(f"{row.id!r} is not the id of a {what}: write {letter}0, {letter}1, ...")
        if positions.setdefault(row.id, position) != position:
            raise DocumentError(f"two {what}s have the id {row.id}")
    return positions


def _named(row: str, field: str, id: str | None, known: dict[str, int]) -> None:
    if id is not None and id not in known:
        raise DocumentError(f"{row}: its {field} {id} is not in the document")


def _lint_edges(annotated: Annotated, nodes: dict[str, int]) -> None:
    ordered = annotated.level in ORDERED_LEVELS
    seen: set[tuple[str, int]] = set()
    for edge in annotated.edges:
        _named(edge.id, "source", edge.source, nodes)
        _named(edge.id, "target", edge.target, nodes)
        if not ordered:
            continue
        if nodes[edge.source] >= nodes[edge.target]:
            raise DocumentError(
                f"{edge.id}: {edge.target} uses {edge.source}, which does not stand before it"
            )
        if (edge.target, edge.slot) in seen:
            raise DocumentError(f"{edge.id}: slot {edge.slot} of {edge.target} has an edge already")
        seen.add((edge.target, edge.slot))


def _lint_ends(annotated: Annotated, nodes: dict[str, int]) -> None:
    for row in annotated.inputs:
        _named(f"input {row.name!r}", "node", row.node, nodes)
        if annotated.nodes[nodes[row.node]].kind != "input":
            raise DocumentError(f"input {row.name!r}: its node {row.node} is no input")
    for output in annotated.outputs:
        _named(f"output {output.path!r}", "node", output.node, nodes)
    for guard in annotated.guards:
        for operand in guard.operands:
            _named(guard.id, "operand", operand.get("node"), nodes)


def check_identity(annotated: Annotated, tolerance: float | None = None) -> None:
    """Check that each flow is partial * adjoint of the target, and each adjoint its seed plus its flows.

    Terms are added in the order of the backward pass (seed first, then uses from the last target to the
    first, by slot), which makes both sides equal to the last bit where a node is one operation.
    ``tolerance`` allows a difference relative to the sum of the magnitudes; by default 0 at level ``op`` and
    1e-12 at the others, where sums of products are formed in another order.

    A node that stands for several values has the sum of their adjoints, an edge the sum of its flows: the second
    equation holds for these as well, the first is not asked of them.  In a part of a document, ``hidden`` is a term.

    >>> import tracegrad as tg
    >>> check_identity(tg.trace(lambda x: x * x + x, 3.0).document)
    """
    if tolerance is None:
        exact = annotated.level in EXACT_LEVELS and all(node.hidden is None for node in annotated.nodes)
        tolerance = 0.0 if exact else 1e-12
    position = {node.id: index for index, node in enumerate(annotated.nodes)}
    terms: dict[str, list[Any]] = {node.id: [] for node in annotated.nodes}
    for output in annotated.outputs:
        if output.node is not None and output.seed is not None:
            terms[output.node].append(output.seed)
    for edge in sorted(annotated.edges, key=lambda edge: (-position[edge.target], edge.slot)):
        source, target = (annotated.nodes[position[id]] for id in (edge.source, edge.target))
        _check_flow(edge, source, target, tolerance)
        if edge.flow is not None:
            terms[edge.source].append(edge.flow)
    for node in annotated.nodes:
        if node.hidden is not None:
            terms[node.id].append(node.hidden)
        _check_adjoint(node, terms[node.id], tolerance)


def _check_flow(edge: Edge, source: Node, target: Node, tolerance: float) -> None:
    if source.kind == "const" or target.adjoint is None:
        if edge.flow is not None:
            why = f"{source.id} is a constant" if source.kind == "const" else f"{target.id} has no adjoint"
            raise DocumentError(f"{edge.id}: a flow of {edge.flow!r}, but {why}")
        return
    several = edge.count > 1 or target.folded is not None
    if several and edge.partial is None and edge.flow is not None:
        return  # a sum over several uses, perhaps of several values of the source
    if edge.flow is None or edge.partial is None:
        raise DocumentError(f"{edge.id}: no flow from {target.id} to {source.id}, which varies")
    if isinstance(edge.partial, str):  # a linear map: its transpose is not in the document
        return
    if any(isinstance(part, Array | complex) for part in (edge.flow, edge.partial, target.adjoint)):
        _check_array_flow(edge, source, target, tolerance)
        return
    if repr(edge.flow) == repr(target.adjoint) == "0.0":
        return  # from where no gradient has arrived none returns, whatever the local gradient
    expected = _product(edge.partial, target.adjoint)
    if not _close(edge.flow, expected, tolerance, abs(expected)):
        raise DocumentError(
            f"{edge.id}: its flow is {edge.flow!r}, but partial * adjoint of {target.id} "
            f"is {edge.partial!r} * {target.adjoint!r} = {expected!r}"
        )


def _product(partial: Any, adjoint: Any) -> Any:
    """Their product; a whole number beyond the floats counts as infinite."""
    try:
        return partial * adjoint
    except OverflowError:
        return (math.inf if partial > 0 else -math.inf) * adjoint


def _check_adjoint(node: Node, terms: Sequence[Any], tolerance: float) -> None:
    if node.kind == "const":
        if node.adjoint is not None:
            raise DocumentError(f"{node.id}: it is a constant, but its adjoint is {node.adjoint!r}")
        return
    if not terms:
        # nothing depends on it: there is no adjoint, or a plain zero
        if node.adjoint not in (None, 0):
            raise DocumentError(f"{node.id}: nothing depends on it, but its adjoint is {node.adjoint!r}")
        return
    if isinstance(node.adjoint, Array | complex):
        _check_array_adjoint(node, terms, tolerance)
        return
    expected = _total(terms)
    if node.adjoint == expected == 0:
        return  # a use that no seed depends on has the flow 0.0, which turns a sum of -0.0 into 0.0
    if node.adjoint is None or not _close(node.adjoint, expected, tolerance, sum(map(abs, terms))):
        raise DocumentError(
            f"{node.id}: its adjoint is {node.adjoint!r}, but its seed and the flows of its uses add up to "
            f"{' + '.join(map(repr, terms))} = {expected!r}"
        )


def _numpy(*parts: Any) -> list[Any]:
    """Numbers and arrays for computing with; none if one of them is only a summary."""
    import numpy as np

    if any(isinstance(part, Array) and part.values is None for part in parts):
        return []
    return [
        np.array(part.values, part.dtype).reshape(part.shape)
        if isinstance(part, Array)
        else np.complex128(part)
        if isinstance(part, complex)
        else part
        for part in parts
    ]


def _check_array_flow(edge: Edge, source: Node, target: Node, tolerance: float) -> None:
    """Element by element; what was broadcast is summed."""
    found = _numpy(edge.flow, edge.partial, target.adjoint, source.value)
    if not found:
        return
    flow, partial, adjoint, value = found
    if getattr(flow, "shape", ()) == () and flow == 0.0:
        return  # nothing returns
    with quiet():
        expected = fit(partial * adjoint, value)
        if not _close_arrays(flow, expected, max(tolerance, _ROUNDING)):
            raise DocumentError(
                f"{edge.id}: its flow is {flow}, but partial * adjoint of {target.id} is {expected}"
            )


#: a document does not say in which precision the sum over a broadcast axis was formed
_ROUNDING = 1e-6


def _check_array_adjoint(node: Node, terms: Sequence[Any], tolerance: float) -> None:
    found = _numpy(node.adjoint, *terms)
    if not found:
        return
    adjoint, *terms = found
    with quiet():
        if not _close_arrays(adjoint, _total(terms), tolerance):
            raise DocumentError(
                f"{node.id}: its adjoint is {adjoint}, but its seed and flows add up to {_total(terms)}"
            )


def _close_arrays(a: Any, b: Any, tolerance: float) -> bool:
    import numpy as np

    return bool(np.allclose(a, b, rtol=tolerance, atol=0.0, equal_nan=True)) and np.shape(a) == np.shape(b)


def _total(terms: Iterable[Any]) -> Any:
    """The sum as the backward pass forms it: the first term is stored, so that -0.0 stays -0.0."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


def _close(a: float, b: float, tolerance: float, scale: float) -> bool:
    if a != a or b != b:
        return a != a and b != b
    if a == b:
        return tolerance > 0 or a != 0 or math.copysign(1.0, a) == math.copysign(1.0, b)
    return math.isfinite(scale) and abs(a - b) <= tolerance * scale
