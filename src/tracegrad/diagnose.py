"""What a reader of gradients looks for when they are not what was hoped for, in plain words.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: :class:`Finding` rows.  Read :func:`diagnose`.

What is looked for: where the first inf or nan is born, in values and on the way back; saturated operations, which let
no gradient through; values that no path leads from to the result; kinks and steps, with the convention that was used;
digits lost in differences.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tracegrad.document import Annotated, Edge, Node
from tracegrad.export.numerals import short
from tracegrad.outline import Outline
from tracegrad.primitives import DIV, LITERAL_POWER, MUL, PLAIN, POWER, TABLE, Primitive, partials

#: local gradients below this let nothing through
_FLAT = 1e-6
#: operations that scale, and are not said to saturate
_OPERATORS = frozenset({MUL, DIV, LITERAL_POWER, POWER, TABLE["ldexp"]})
#: digits of 16 that a difference may lose before it is worth saying
_LOST = 8


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
    outline = Outline(annotated)
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for look in (_birth_of_value, _birth_of_gradient, _saturated, _kinks, _cancelled, _dead):
        for index, words in look(outline):
            node = outline.nodes[index]
            kind = _KINDS[look]
            finding = Finding(kind=kind, node=node.id, place=_place(node), words=words)
            found.setdefault((kind, finding.place, node.primitive), []).append(finding)
    return [_counted(group) for group in found.values()]


def _counted(group: list[Finding]) -> Finding:
    first = group[0]
    return Finding(kind=first.kind, node=first.node, place=first.place, words=first.words, count=len(group))


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


def _finite(value: Any) -> bool:
    return value is None or isinstance(value, int) or math.isfinite(value)


Looked = Iterator[tuple[int, str]]


# ---- inf and nan --------------------------------------------------------------------------------------


def _birth_of_value(outline: Outline) -> Looked:
    """Values that are not finite, of finite operands."""
    for index, node in enumerate(outline.nodes):
        if _finite(node.value) or node.kind == "const":
            continue
        if node.kind == "input":
            yield index, f"the input is {node.value}"
        elif all(map(_finite, outline.values(index))):
            operands = ", ".join(_named(outline.nodes[operand]) for operand in outline.sources(index))
            yield index, f"{node.value} is born here: {node.label} of {operands}"
            return


def _birth_of_gradient(outline: Outline) -> Looked:
    """The first step of the way back from a finite gradient to one that is not."""
    for index in range(len(outline.nodes) - 1, -1, -1):
        target = outline.nodes[index]
        for edge, operand in zip(outline.edges[index], outline.sources(index), strict=True):
            if not _finite(edge.flow) and _finite(target.adjoint):
                source = outline.nodes[operand]
                why = (
                    f"the local gradient of {target.label} by {_named(source)} is {edge.partial}"
                    if not _finite(edge.partial)
                    else f"{short(edge.partial)} × {short(target.adjoint)} is beyond the floats"
                )
                yield index, f"the gradient becomes {edge.flow} here: {why}"
                return


# ---- nothing gets through -------------------------------------------------------------------------------


def _saturated(outline: Outline) -> Looked:
    """Smooth functions with a local gradient of nearly zero, where a gradient arrives."""
    for index, node in enumerate(outline.nodes):
        row = TABLE.get(node.primitive)
        edges = outline.edges[index]
        if row is None or row.variadic or row in _OPERATORS or len(edges) != 1 or not node.adjoint:
            continue
        size = edges[0].partial
        if size is None or not abs(size) < _FLAT or (size == 0 and (row.kink or 0.0 in row.rules)):  # type: ignore[operator]
            continue
        yield (
            index,
            f"flat: the local gradient of {node.label} is {short(size)}, hardly any gradient gets through",
        )


def _dead(outline: Outline) -> Looked:
    """Inputs and variables that the result does not depend on."""
    reached = {index for _, index in outline.outputs}
    for index in range(len(outline.nodes) - 1, -1, -1):
        if index in reached:
            reached.update(outline.sources(index))
    guarded = {
        index for guards in outline.guards.values() for guard in guards for index in outline.guarded(guard)
    }
    for index, node in enumerate(outline.nodes):
        if index not in reached and node.name is not None:
            only = "only decides which branch is taken" if index in guarded else "has no path to the result"
            yield index, f"{_named(node)} {only}: its gradient is 0"


# ---- kinks and digits -----------------------------------------------------------------------------------


def _kinks(outline: Outline) -> Looked:
    """Operations at a place where the local gradient is a convention."""
    for index, node in enumerate(outline.nodes):
        row = TABLE.get(node.primitive)
        if row is None or not row.kink or node.kind != "op":
            continue
        values = outline.values(index)
        static = list(node.params.values())
        for slot, (edge, value) in enumerate(zip(outline.edges[index], values, strict=True)):
            if edge.partial is not None and _finite(value) and _is_kink(row, edge, values, static, slot):
                yield index, f"at a kink or a step of {node.label}; the convention: {row.kink}"
                break


def _is_kink(row: Primitive, edge: Edge, values: Sequence[Any], static: Sequence[Any], slot: int) -> bool:
    """Whether value or slope of an operation differ on both sides of an operand."""
    if not _finite(edge.partial):
        return True
    step = 1e-9 * (abs(float(values[slot])) or 1.0)
    sides = []
    for sign in (-step, step):
        moved = [value + sign * (i == slot) for i, value in enumerate(values)]
        try:
            out = row.forward(*moved, *static)
            sides.append((out, partials(row, PLAIN, out, [*moved, *static])[slot]))
        except (ArithmeticError, ValueError, TypeError):
            return True
    (before, slope_before), (after, slope_after) = sides
    jump = abs(after - before) > 1e-6 * max(1.0, abs(before), abs(slope_before))
    bend = abs(slope_after - slope_before) > 1e-3 * max(1.0, abs(slope_before))
    return bool(jump or bend)


def _cancelled(outline: Outline) -> Looked:
    """Sums and differences of computed numbers that nearly cancel."""
    for index, node in enumerate(outline.nodes):
        if node.primitive not in ("add", "sub", "sum", "sum_from") or not isinstance(node.value, float):
            continue
        operands = [outline.nodes[operand] for operand in outline.sources(index)]
        largest = max((abs(operand.value) for operand in operands), default=0.0)
        if all(operand.kind != "op" for operand in operands) or not node.value or not math.isfinite(largest):
            continue
        lost = math.log10(largest / abs(node.value)) if largest else 0.0
        if lost >= _LOST:
            shown = ", ".join(short(operand.value) for operand in operands)
            yield (
                index,
                f"cancellation: {shown} leave {short(node.value)}, with {int(lost)} of 16 digits lost",
            )


_KINDS = {
    _birth_of_value: "value", _birth_of_gradient: "gradient", _saturated: "saturated", _kinks: "kink",
    _cancelled: "cancellation", _dead: "dead",
}  # fmt: skip
