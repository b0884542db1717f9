"""What a reader of gradients looks for when they are not what was hoped for, in plain words.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: :class:`Finding` rows.  Read :func:`diagnose`.

What is found is what the ``flags`` of the nodes say (:mod:`tracegrad.flaws`): where the first inf or nan is born, in
values and on the way back; saturated operations, which let no gradient through; values that no path leads from to the
result; kinks and steps, with the convention that was used; digits lost in differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracegrad.document import Annotated, Node
from tracegrad.errors import InputError
from tracegrad.export.numerals import short
from tracegrad.flaws import Flaw, Sheet, digits_lost, finite, flaws
from tracegrad.fold.columns import Columns, columns_of
from tracegrad.primitives import TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing worth knowing: its ``kind``, the ``node`` it is about, where that is, and what to know.

    ``count`` tells how many nodes of the same line have it; ``node`` is the first of them.
    """

    kind: str
    node: str
    place: str
    words: str
    count: int = 1

    def __str__(self) -> str:
        times = f"  (×{self.count})" if self.count > 1 else ""
        return f"{self.place}: {self.words}{times}"


def diagnose(annotated: Annotated) -> list[Finding]:
    """All findings, the most pressing kind first.

    >>> import math
    >>> import tracegrad as tg
    >>> def f(x, y, z):
    ...     return math.sqrt(x) + math.tanh(9.0 * z)
    >>> for finding in diagnose(tg.trace(f, 0.0, 2.0, 1.0).document):
    ...     print(finding.kind, "|", finding.words)
    gradient | the gradient becomes inf here: the local gradient of √ by x = 0 is inf
    saturated | flat: the local gradient of tanh is 6.092e-08, hardly any gradient gets through
    kink | at a kink or a step of √; the convention: inf at 0
    dead | y = 2 has no path to the result: its gradient is 0
    """
    if annotated.level != "op":
        raise InputError(
            f"flaws are those of operations: a document of level 'op', and this is {annotated.level!r}"
        )
    words = _Words(annotated)
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for flaw in flaws(words.sheet):
        node = annotated.nodes[flaw.node]
        finding = Finding(kind=flaw.kind, node=node.id, place=_place(node), words=words.of(flaw))
        found.setdefault((flaw.kind, finding.place, node.primitive), []).append(finding)
    return [replace(group[0], count=len(group)) for group in found.values()]


def _place(node: Node) -> str:
    if node.kind == "input":
        return f"input {node.name}"
    if node.site is None:
        return node.id
    text = " ".join((node.site.text or "").split())
    return f"{node.site.file or node.site.function}:{node.site.line}" + (f" `{text[:60]}`" if text else "")


def _named(node: Node) -> str:
    """A value as a reader knows it: ``x = 3`` or just the number."""
    return short(node.value) if node.name is None else f"{node.name} = {short(node.value)}"


class _Words:
    """A flaw in words."""

    def __init__(self, annotated: Annotated) -> None:
        self.nodes: Sequence[Node] = annotated.nodes
        self.columns = columns_of(annotated)
        self.sheet = _sheet(self.nodes, self.columns)
        self._guarded = {operand.get("node") for guard in annotated.guards for operand in guard.operands}

    def of(self, flaw: Flaw) -> str:
        words: str = getattr(self, f"_{flaw.kind}")(self.nodes[flaw.node], flaw)
        return words

    def _operands(self, index: int) -> list[Node]:
        return [self.nodes[self.columns.sources[edge]] for edge in self.sheet.edges(index)]

    def _value(self, node: Node, flaw: Flaw) -> str:
        if node.kind == "input":
            return f"the input is {_shown(node)}"
        return f"{_shown(node)} is born here: {node.label} of {', '.join(map(_named, self._operands(flaw.node)))}"

    def _gradient(self, node: Node, flaw: Flaw) -> str:
        partial, flow = self.columns.partials[flaw.edge], self.columns.flows[flaw.edge]
        source = self.nodes[self.columns.sources[flaw.edge]]
        why = (
            f"{short(partial)} × {short(node.adjoint)} is beyond the floats"
            if finite(partial) and not isinstance(partial, str)
            else f"the local gradient of {node.label} by {_named(source)} is {short(partial)}"
        )
        return f"the gradient becomes {short(flow)} here: {why}"

    def _saturated(self, node: Node, flaw: Flaw) -> str:
        size = short(self.columns.partials[flaw.edge])
        return f"flat: the local gradient of {node.label} is {size}, hardly any gradient gets through"

    def _dead(self, node: Node, flaw: Flaw) -> str:
        only = (
            "only decides which branch is taken" if node.id in self._guarded else "has no path to the result"
        )
        return f"{_named(node)} {only}: its gradient is 0"

    def _kink(self, node: Node, flaw: Flaw) -> str:
        return f"at a kink or a step of {node.label}; the convention: {TABLE[node.primitive].kink}"

    def _cancellation(self, node: Node, flaw: Flaw) -> str:
        operands = [operand.value for operand in self._operands(flaw.node)]
        lost = int(digits_lost(node.value, operands))
        shown = ", ".join(map(short, operands))
        return f"cancellation: {shown} leave {short(node.value)}, with {lost} of 16 digits lost"


def _shown(node: Node) -> str:
    return short(node.value) if node.shape else str(node.value)


def _sheet(nodes: Sequence[Node], columns: Columns) -> Sheet:
    return Sheet(
        kinds=columns.kinds,
        rows=[TABLE.get(node.primitive) for node in nodes],
        values=columns.values,
        adjoints=columns.adjoints,
        starts=columns.starts,
        sources=columns.sources,
        partials=columns.partials,
        flows=columns.flows,
        params=lambda index: list(nodes[index].params.values()),
        named=lambda index: nodes[index].name is not None,
        outputs=[columns.index_of(output.node) for output in columns.head.outputs if output.node is not None],
    )
