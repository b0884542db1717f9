"""Diagnosis: what in a computation to be wary of, in plain words.

In: an :class:`~tracegrad.document.Annotated` at level ``op``.  Out: :class:`Finding` rows in the order of the
computation.  Read :func:`diagnose`; each function below it looks for one thing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracegrad.document import Annotated, Edge, Node
from tracegrad.primitives import TABLE

#: a local gradient below this lets nothing through
SATURATED = 1e-6
#: a difference that is smaller than this part of its operands has lost half of its digits
CANCELLED = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to be wary of: its ``kind``, the node it is at, and the words for it."""

    kind: str
    node: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def diagnose(annotated: Annotated) -> list[Finding]:
    """Find where non-finite numbers are born, gradients die or saturate, digits cancel, and kinks are touched.

    >>> import math
    >>> import tracegrad as tg
    >>> def f(x, y):
    ...     squashed = math.tanh(x)
    ...     unused = y * 2
    ...     return squashed
    >>> for finding in diagnose(tg.trace(f, 20.0, 1.0).document):
    ...     print(finding)
    dead: y leads to no output: its gradient is 0
    saturated: squashed = tanh has a local gradient of 1.7e-17, so hardly any gradient gets through, at ...
    dead: unused leads to no output: its gradient is 0, at ...
    """
    nodes = {node.id: node for node in annotated.nodes}
    into: dict[str, list[Edge]] = {node.id: [] for node in annotated.nodes}
    for edge in annotated.edges:
        into[edge.target].append(edge)
    alive = _alive(annotated, into)
    found: list[Finding] = []
    for node in annotated.nodes:
        operands = [nodes[edge.source] for edge in into[node.id]]
        for kind, text in _at(node, operands, into[node.id], alive):
            found.append(Finding(kind=kind, node=node.id, text=text + _place(node)))
    return found


def _at(
    node: Node, operands: Sequence[Node], edges: Sequence[Edge], alive: Mapping[str, bool]
) -> Iterator[tuple[str, str]]:
    looks: tuple[Callable[..., str | None], ...] = (_born, _lost, _dead, _saturated, _cancelled, _kink)
    for look in looks:
        text = look(node, operands, edges, alive)
        if text is not None:
            yield look.__name__.removeprefix("_"), text


def _born(node: Node, operands: Sequence[Node], *_: Any) -> str | None:
    if _finite(node.value) or not all(_finite(operand.value) for operand in operands):
        return None
    return f"the value {node.value!r} is born in {_called(node)}; all its operands are finite"


def _lost(node: Node, operands: Sequence[Node], edges: Sequence[Edge], alive: Any) -> str | None:
    if node.adjoint is None or not _finite(node.adjoint):
        return None
    for operand, edge in zip(operands, edges, strict=True):
        if edge.flow is not None and not _finite(edge.flow):
            return (
                f"the gradient becomes {edge.flow!r} on the way back through {_called(node)} to {_called(operand)}: "
                f"the local gradient is {edge.partial!r}"
            )
    return None


def _dead(node: Node, operands: Sequence[Node], edges: Any, alive: Mapping[str, bool]) -> str | None:
    if alive[node.id] or node.kind == "const" or node.name is None:
        return None
    return f"{node.name} leads to no output: its gradient is 0"


def _saturated(node: Node, operands: Any, edges: Sequence[Edge], alive: Mapping[str, bool]) -> str | None:
    partials = [abs(edge.partial) for edge in edges if edge.partial is not None]
    if not partials or max(partials) > SATURATED or not alive[node.id] or not node.adjoint:
        return None
    return f"{_called(node)} has a local gradient of {max(partials):.3g}, so hardly any gradient gets through"


def _cancelled(node: Node, operands: Sequence[Node], *_: Any) -> str | None:
    if node.primitive not in ("add", "sub") or not node.value or not _finite(node.value):
        return None
    largest = max(abs(operand.value) for operand in operands)
    if abs(node.value) >= CANCELLED * largest:
        return None
    digits = round(math.log10(largest / abs(node.value)))
    return f"{_called(node)} is the small difference of large numbers: about {digits} digits cancel"


def _kink(node: Node, *_: Any) -> str | None:
    if "tie" not in node.flags:
        return None
    row = TABLE.get(node.primitive)
    return f"{_called(node)}: {row.kink if row is not None and row.kink else 'a tie'}"


# ---- words ------------------------------------------------------------------------------------------


def _alive(annotated: Annotated, into: Mapping[str, Sequence[Edge]]) -> dict[str, bool]:
    """Whether each node leads to an output, or decided a branch."""
    ids = [output.node for output in annotated.outputs]
    ids += [operand.get("node") for guard in annotated.guards for operand in guard.operands]
    alive = dict.fromkeys(into, False)
    waiting = [id for id in ids if id is not None]
    while waiting:
        id = waiting.pop()
        if not alive[id]:
            alive[id] = True
            waiting += [edge.source for edge in into[id]]
    return alive


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _called(node: Node) -> str:
    if node.kind != "op":
        return node.name or node.label
    return node.label if node.name is None else f"{node.name} = {node.label}"


def _place(node: Node) -> str:
    site = node.site
    if site is None or site.line is None:
        return ""
    text = f": `{' '.join(site.text.split())}`" if site.text else ""
    return f", at {site.file}:{site.line}{text}"
