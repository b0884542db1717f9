"""Tips: what a picture says of each part when the pointer rests on it, or a screen reader comes by.

In: rows.  Out: text of a few lines, with every digit that labels have no room for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracegrad.document import Annotated, Cluster, Edge, Folded, Node, Output, Site, Stage
from tracegrad.export.numerals import full
from tracegrad.export.words import clipped
from tracegrad.flaws import MEANINGS

_TERMS = 12
_LONGEST = 200


def of_document(annotated: Annotated) -> str:
    """What the whole picture shows.

    >>> from tracegrad.document import Function
    >>> rows = dict(inputs=(), outputs=(), nodes=(), edges=(), stages=(), clusters=(), guards=(), source=())
    >>> f = Function(name="f", qualname="f", module=None, file=None)
    >>> of_document(Annotated(format="tracegrad", version=1, function=f, level="op", value=1.0, seed=1.0, **rows))
    'Computation of f as a graph: 0 nodes and 0 edges from 0 inputs to 0 outputs, each with its value and gradient.'
    """
    rows = {
        "node": annotated.nodes,
        "edge": annotated.edges,
        "input": annotated.inputs,
        "output": annotated.outputs,
    }
    nodes, edges, inputs, outputs = (f"{len(of)} {kind}{'s' * (len(of) != 1)}" for kind, of in rows.items())
    return (
        f"Computation of {annotated.function.qualname} as a graph: {nodes} and {edges} from {inputs} to {outputs}, "
        "each with its value and gradient."
    )


def of_node(node: Node, terms: Sequence[object], *, idle: bool = False) -> str:
    """Name, primitive, value, gradient with its terms, flags, source."""
    if node.kind == "const":
        return _lines(f"constant {full(node.value)}", _source(node.site))
    what = f"input {node.name or node.label}" if node.kind == "input" else _operation(node)
    lines = [what, *_spread(node.folded)] if node.folded is not None else [what, f"value {full(node.value)}"]
    if node.adjoint is not None:
        lines.append(f"{'gradient' if node.folded is None else 'sum of gradients'} {full(node.adjoint)}")
    if len(terms) > 1:
        more = f" + {len(terms) - _TERMS} more" if len(terms) > _TERMS else ""
        lines.append(f"  = {' + '.join(map(full, terms[:_TERMS]))}{more}")
    if node.hidden is not None:
        lines.append(f"  of it {full(node.hidden)} from uses that are not shown")
    lines += [f"⚠ {flag}: {MEANINGS[flag]}" if flag in MEANINGS else f"⚠ {flag}" for flag in node.flags]
    if idle:
        lines.append("leads to no output")
    return _lines(*lines, _source(node.site))


def _spread(folded: Folded) -> Iterator[str]:
    """What many values and gradients come to."""
    yield f"{folded.count:,} values"
    for what, of in (("value", folded.values), ("gradient", folded.adjoints)):
        if of is not None:
            yield f"{what}: first {full(of.first)}, last {full(of.last)}"
            yield f"  least {full(of.min)}, greatest {full(of.max)}, mean {full(of.mean)}"


def _operation(node: Node) -> str:
    if node.primitive in ("stage", "call"):
        return node.label if node.name is None else f"{node.name}: {node.label}"
    static = ", ".join(f"{name}={value!r}" for name, value in node.params.items())
    called = f"{node.primitive}({static})" if static else node.primitive
    return f"{node.name} ({called})" if node.name else called


def of_alias(tip: str) -> str:
    """What its source says, and that it is a copy."""
    return f"the same value as elsewhere in the picture:\n{tip}"


def of_edge(edge: Edge, source: Node, target: Node) -> str:
    """Local gradient, upstream gradient, flow."""
    ends = f"{_called(source)} → {_called(target)} (operand {edge.slot})"
    if edge.flow is None:
        return ends
    if edge.partial is None:
        return _lines(ends, f"{edge.count:,} uses", f"sum of flows {full(edge.flow)}")
    return _lines(
        ends,
        f"local gradient {edge.partial if isinstance(edge.partial, str) else full(edge.partial)}",
        f"× upstream gradient {full(target.adjoint)}",
        f"= flow {full(edge.flow)}",
    )


def _called(node: Node) -> str:
    if node.kind == "const":
        return full(node.value)
    return node.name or f"{node.label} {node.id}"


def of_output(output: Output) -> str:
    """Path, value, seed."""
    lines = [f"output {output.path}".rstrip(), f"value {full(output.value)}"]
    if output.node is None:
        lines.append("does not depend on any input")
    elif output.seed is not None:
        lines.append(f"seed {full(output.seed)}: the gradient that the backward pass starts with")
    return "\n".join(lines)


def of_stage(stage: Stage) -> str:
    """The whole statement."""
    return _lines(f"stage {stage.name or stage.label}", _source(stage.site))


def of_call(cluster: Cluster) -> str:
    """The function, and where it was called."""
    what = {"call": "call of ", "stage": "stage "}.get(cluster.kind, "")
    return _lines(f"{what}{cluster.name}", _source(cluster.site))


def place(site: Site | None) -> str:
    """Where something is in the user's source, in words.

    >>> place(Site(file="a.py", line=3, end_line=3, column=0, end_column=1, function="f", text="x"))
    'a.py, line 3, in f'
    """
    if site is None:
        return ""
    line = f"line {site.line}" if site.line is not None else ""
    return ", ".join(part for part in (site.file, line, f"in {site.function}") if part)


def _source(site: Site | None) -> str:
    if site is None or (site.text is None and site.line is None):
        return ""
    text = clipped(site.text, _LONGEST) if site.text else ""
    return f"line {site.line}: {text}".rstrip(": ") if site.line is not None else text


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
