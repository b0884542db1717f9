"""Text: a table of stages with value and gradient, and the backward pass as a list of steps.

Read :func:`to_text`; :func:`backward_listing` is the second half.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from tracegrad.document import Annotated, Edge, Node
from tracegrad.export.numerals import short

SUFFIXES = (".txt",)

_MOST_ROWS = 60
_NARROWEST = 16  # characters of a statement
_FLAGS = "  ["


def dump(
    annotated: Annotated, *, float_format: str = ".6g", backward: bool = False, width: int | None = None
) -> str:
    """The table, and with ``backward=True`` the steps of the backward pass below it."""
    text = to_text(annotated, float_format=float_format, width=width)
    return f"{text}\n\n{backward_listing(annotated, float_format=float_format)}" if backward else text


def to_text(annotated: Annotated, *, float_format: str = ".6g", width: int | None = None) -> str:
    """One line for each input and each value that a stage binds or returns: name, value, gradient, statement.

    In a folded document it is one for each node; of several executions, the last value and the sum of the gradients.
    Of a long table the middle is left out, and the line in its place says how much.  For a ``width`` in characters,
    long statements are cut.
    """
    nodes = {node.id: node for node in annotated.nodes}
    rows = [_row(nodes[row.node], row.name, "input", float_format) for row in annotated.inputs]
    outputs = {output.node: f"return{output.path}" for output in reversed(annotated.outputs)}
    for result, name, statement in _results(annotated, nodes, outputs):
        rows.append(_row(result, name or outputs.get(result.id, ""), statement, float_format))
    head = ["stage", "value", "gradient", "statement"]
    title = "\n".join(filter(None, (heading(annotated, float_format), annotated.note)))
    if width is not None:
        rows = _narrowed(head, rows, width)
    text = f"{title}\n\n{_table(head, rows)}"
    decided = _only_decided(annotated)
    if decided:
        text += (
            f"\n\nnote: no gradient by {', '.join(decided)}: only compared or made whole numbers (see guards)"
        )
    return text


def _results(
    annotated: Annotated, nodes: Mapping[str, Node], outputs: Container[str | None]
) -> Iterator[tuple[Node, str | None, str]]:
    """The results of each stage with name and text, which is said once; in a folded document these are the nodes."""
    if annotated.level == "op":
        for stage in annotated.stages:
            members = [nodes[id] for id in stage.nodes]
            others = [node for node in members[:-1] if node.name is not None or node.id in outputs]
            for number, node in enumerate([*others, members[-1]]):
                name = stage.name if node is members[-1] else node.name
                yield node, name, "″" if number else stage.label
        return
    for node in annotated.nodes:
        if node.kind == "op":
            times = "" if node.folded is None else f"  × {node.folded.count:,}"
            yield node, node.name, f"{node.label}{times}"


def _only_decided(annotated: Annotated) -> list[str]:
    """The inputs that decided a branch (an index, a text) and reach no output by arithmetic.

    A result that comes of comparisons alone, as by bisection, has gradient 0 along the path taken, whatever the
    mathematics behind it: that is worth saying.
    """
    operands: dict[str, list[str]] = {}
    for edge in annotated.edges:
        operands.setdefault(edge.target, []).append(edge.source)
    reaching = _above([output.node for output in annotated.outputs if output.node is not None], operands)
    guarded = [
        operand["node"] for guard in annotated.guards for operand in guard.operands if "node" in operand
    ]
    deciding = _above(guarded, operands)
    return [row.name for row in annotated.inputs if row.node in deciding and row.node not in reaching]


def _above(nodes: list[str], operands: dict[str, list[str]]) -> set[str]:
    """These nodes and everything they were computed from."""
    todo, found = list(nodes), set(nodes)
    while todo:
        for source in operands.get(todo.pop(), ()):
            if source not in found:
                found.add(source)
                todo.append(source)
    return found


def heading(annotated: Annotated, float_format: str) -> str:
    """The call and what it gave, in a line."""
    names = [row.name for row in annotated.inputs[:8]]
    if not 0 < len(annotated.inputs) <= 8:
        names.append("…")  # there are more, or they are not shown
    values = ", ".join(short(output.value, float_format) for output in annotated.outputs[:8])
    return f"{annotated.function.name}({', '.join(names)})" + (f" = {values}" if values else "")


def _row(node: Node, name: str, statement: str, float_format: str) -> list[str]:
    flags = f"{_FLAGS}{', '.join(node.flags)}]" if node.flags else ""
    gradient = "" if node.adjoint is None else short(node.adjoint, float_format)
    return [name, short(node.value, float_format), gradient, statement + flags]


def _narrowed(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The rows, statements cut so that a line of the table has this width; what is odd there is still said."""
    others = sum(max(map(len, column)) + 2 for column in list(zip(head, *rows, strict=True))[:-1])
    room = max(width - others, _NARROWEST)
    found = []
    for *cells, text in rows:
        statement, sign, flags = text.partition(_FLAGS)
        most = max(room - len(sign + flags), _NARROWEST)
        found.append(
            [*cells, (statement if len(statement) <= most else f"{statement[: most - 1]}…") + sign + flags]
        )
    return found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    left_out = len(rows) - _MOST_ROWS
    if left_out > 0:
        half = _MOST_ROWS // 2
        rows = [*rows[:half], [f"… {left_out} more", "", "", ""][: len(head)], *rows[-half:]]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(_line(cells, widths) for cells in [head, ["─" * width for width in widths], *rows])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def backward_listing(annotated: Annotated, *, float_format: str = ".6g") -> str:
    """The backward pass, one step a line: ``operand += local gradient × upstream gradient``.

    The last column is the operation that the step goes back through; a sum of several flows shows how far it has
    come.
    """
    head = ["step", "operand", "", "local × upstream = flow", "gradient so far", "back through"]
    rows = list(_steps(annotated, float_format))
    left_out = len(rows) - _MOST_ROWS
    if left_out > 0:
        half = _MOST_ROWS // 2
        rows = [*rows[:half], ["…", f"{left_out} more", "", "", "", ""], *rows[-half:]]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(_line(cells, widths) for cells in [head, ["─" * width for width in widths], *rows])


def _steps(annotated: Annotated, float_format: str) -> Iterator[list[str]]:
    nodes = {node.id: node for node in annotated.nodes}
    so_far: dict[str, Any] = {
        output.node: output.seed for output in annotated.outputs if output.node and output.seed
    }
    for number, edge in enumerate(_backward(annotated), 1):
        source, target = nodes[edge.source], nodes[edge.target]
        first = source.id not in so_far
        so_far[source.id] = edge.flow if first else so_far[source.id] + edge.flow
        numbers = [_short(value, float_format) for value in (edge.partial, target.adjoint, edge.flow)]
        total = short(so_far[source.id], float_format)
        sign = "=" if first else "+="
        yield [
            str(number),
            _adjoint_of(source),
            sign,
            "{}{}{} = {}".format(
                numbers[0], " of G = " if isinstance(edge.partial, str) else " × ", *numbers[1:]
            ),
            total,
            _spelled(target),
        ]


def _short(value: Any, float_format: str) -> str:
    return "…" if value is None else short(value, float_format)


def _backward(annotated: Annotated) -> Iterator[Edge]:
    """The edges that something flows back along, in the order of the backward pass."""
    order = {node.id: index for index, node in enumerate(annotated.nodes)}
    varying = [edge for edge in annotated.edges if edge.flow is not None]
    return iter(sorted(varying, key=lambda edge: (-order[edge.target], edge.slot)))


def _adjoint_of(node: Node) -> str:
    return f"d{node.name}" if node.name is not None and node.name.isidentifier() else f"d({_spelled(node)})"


def _spelled(node: Node) -> str:
    """A node as the user writes it: its variable, else its expression, else its id."""
    if node.name is not None:
        return node.name
    text = " ".join(node.site.text.split()) if node.site is not None and node.site.text else ""
    return text if 0 < len(text) <= 40 else f"{node.id} {node.label}"
