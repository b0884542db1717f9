"""The words on each shape, wire and frame of a picture.

In: the rows of a document.  Out: lines of words.  Read :class:`Pen`.

Words carry a *role* (``value``, ``gradient``, ``local`` ...), never a colour: one label mixes several roles, and
DOT without HTML labels has a single colour for each label.

"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracegrad.document import Annotated, Edge, Node, Output
from tracegrad.export.numerals import flow, short
from tracegrad.export.numerals import lines as lines_of_array
from tracegrad.structures import Array

#: (role, text)
Word = tuple[str, str]
Line = tuple[Word, ...]

LEGEND: Line = (
    ("value", "value"),
    ("legend", " · "),
    ("gradient", "∂ gradient"),
    ("legend", " · edges: "),
    ("local", "local gradient"),
    ("times", " × "),
    ("upstream", "upstream gradient"),
    ("legend", " "),
    ("gradient", "= flow"),
)

#: where nodes stand for several executions
LINE_LEGEND: Line = (
    ("value", "first → last value"),
    ("legend", " · "),
    ("gradient", "Σ ∂ gradients, summed"),
    ("legend", " · edges: "),
    ("times", "uses (↻ in the next turn)"),
    ("legend", " · "),
    ("gradient", "Σ = sum of flows"),
)

_SHORT_SIGN = 4  # characters, up to which the sign of a gate is drawn larger
_TERMS = 4  # of a sum of flows; more are counted
_INPUTS = 4  # in the title
_LONGEST_TEXT = 48
_LONGEST_PRODUCT = 24  # on one line of an edge; longer ones, of arrays, would make a picture very wide
_STATEMENT = 26  # characters of a statement on one line of a node
_STATEMENT_LINES = 4
_TOKEN = re.compile(r" ?(?:\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\w+|\*\*|//|:=|[<>=!]=|\W)")
#: what stays with the operand behind it
_BINDING = frozenset(
    ["+", "-", "*", "/", "//", "%", "@", "&", "|", "^", "<", ">", "<=", ">=", "==", "!=", "**", "=", ":=",
     "and", "or", "not", "in", "is", "if", "else", "for"]
)  # fmt: skip
_TIGHT = frozenset(["**", "=", ":="])  # also with the operand before it

#: nodes whose label is a text of the user's, not the sign of an operation
TEXTS = frozenset({"stage", "call"})


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes the words of each kind of row.

    ``terms`` are those of each gradient; ``referred`` nodes have an alias, ``idle`` ones lead to no output;
    ``order`` is that of the nodes.
    """

    float_format: str
    terms: Mapping[str, Sequence[object]]
    referred: Container[str]
    idle: Container[str]
    order: Mapping[str, int]

    def gate(self, node: Node) -> str:
        kind = node.primitive if node.primitive in TEXTS else "gate"
        return kind if node.id not in self.idle else "idle" if kind == "gate" else "idle stage"

    def wire(self, edge: Edge) -> str:
        kind = "constant" if edge.flow is None else "idle" if self.nothing_returns(edge) else "flow"
        return f"{kind} back" if self.goes_back(edge) else kind

    def goes_back(self, edge: Edge) -> bool:
        """Whether a value comes from an earlier turn of a folded loop."""
        return self.order[edge.source] >= self.order[edge.target]

    def nothing_returns(self, edge: Edge) -> bool:
        return edge.target in self.idle and not edge.flow

    def number(self, value: object) -> str:
        return short(value, self.float_format)

    def flow(self, value: object) -> str:
        """A gradient, at the place of whose array its shape is known."""
        return flow(value, self.float_format)

    def node(self, node: Node) -> tuple[Line, ...]:
        if node.kind == "const":
            return lines_of("const", node.label)
        lines = self.head(node)
        if node.folded is not None:
            lines += ((("count", f"× {node.folded.count:,}"),),)
        lines += (*self.values(node), *self.gradient(node))
        return (*lines, *(line for flag in node.flags for line in lines_of("flag", f"⚠ {flag}")))

    def head(self, node: Node) -> tuple[Line, ...]:
        """What a node is: the sign of its operation and its name, or a whole statement or call."""
        if node.kind == "op" and node.primitive in TEXTS:
            name = (
                lines_of("name", node.name)
                if node.name and not node.label.startswith(f"{node.name} =")
                else ()
            )
            return (*_wrapped("statement", node.label), *name)
        short_sign = len(node.label) <= _SHORT_SIGN
        lines = lines_of("name" if node.kind == "input" or not short_sign else "sign", node.label)
        if node.kind != "input" and (node.name or node.id in self.referred):
            lines += lines_of("name", node.name or node.id)
        return lines

    def values(self, node: Node) -> Iterator[Line]:
        """The value: a number, or an array on lines of its own."""
        if node.folded is not None or not isinstance(node.value, Array):
            yield (("value", self.value(node)),)
            return
        for line in lines_of_array(node.value, self.float_format):
            yield (("value", line),)

    def value(self, node: Node) -> str:
        """The value; of several those of the first and the last execution, and the range if they are not that."""
        if node.folded is None:
            return self.number(node.value)
        values = node.folded.values
        text = f"{self.number(values.first)} → {self.number(values.last)}"
        if {values.min, values.max} <= {values.first, values.last}:
            return text
        return f"{text}  in {self.number(values.min)} … {self.number(values.max)}"

    def gradient(self, node: Node) -> Iterator[Line]:
        """A gradient that accumulates is shown term by term."""
        if node.adjoint is None or (node.id in self.idle and node.adjoint == 0 and node.kind != "input"):
            return
        terms = [*self.terms.get(node.id, ()), *([] if node.hidden is None else [node.hidden])]
        sign = "∂" if node.folded is None else "Σ ∂"
        if len(terms) < 2:
            yield (("gradient", f"{sign} {self.flow(node.adjoint)}"),)
            return
        shown = terms if len(terms) <= _TERMS else terms[: _TERMS - 1]
        yield (("gradient", f"{sign} {self.flow(shown[0])}"),)
        for term in shown[1:]:
            text = self.flow(term)
            yield (("gradient", f"- {text[1:]}" if text.startswith("-") else f"+ {text}"),)
        if len(shown) < len(terms):
            yield (("gradient", f"+ {len(terms) - len(shown)} more"),)
        yield (("sum", f"= {self.flow(node.adjoint)}"),)

    def alias(self, node: Node) -> tuple[Line, ...]:
        if node.kind == "op" and node.primitive in TEXTS and node.name is None:
            return lines_of("stage", clipped(node.label, _STATEMENT))
        return lines_of("name", node.label if node.kind != "op" else node.name or node.id)

    def edge(self, edge: Edge, adjoint: object) -> tuple[Line, ...]:
        if edge.flow is None or self.nothing_returns(edge):
            return ()
        if edge.partial is None:
            return ((("times", self.uses(edge)),), (("flow", f"Σ = {self.flow(edge.flow)}"),))
        local = ("local", self.flow(edge.partial))
        if isinstance(edge.partial, str):  # a linear map of arrays, by its name
            return ((local,), (("flow", f"= {self.flow(edge.flow)}"),))
        if adjoint is None:
            return ((local,),)
        upstream, flow = ("upstream", self.flow(adjoint)), (("flow", f"= {self.flow(edge.flow)}"),)
        if len(local[1] + upstream[1]) > _LONGEST_PRODUCT:
            return ((local,), (("times", "× "), upstream), flow)
        return ((local, ("times", " × "), upstream), flow)

    def uses(self, edge: Edge) -> str:
        """How many uses an edge stands for; those of a value of an earlier turn of a loop go round."""
        if self.goes_back(edge):
            return f"↻ {edge.count:,}"
        return f"{edge.count:,} use{'s' * (edge.count != 1)}"

    def output(self, output: Output) -> tuple[Line, ...]:
        return (*lines_of("name", output.path or "output"), (("value", self.number(output.value)),))

    def seed(self, output: Output) -> tuple[Line, ...]:
        return ((("seed", f"seed {self.number(output.seed)}"),),) if output.seed is not None else ()

    def given(self, name: str, node: Node) -> str:
        if node.folded is not None:
            return name
        if (
            isinstance(node.value, Array)
            and len(node.value.shape)
            and "norm" in (text := self.number(node.value))
        ):
            return f"{name}: {text.partition(',')[0]}"  # only its shape
        return f"{name}={self.number(node.value)}"

    def notes(self, annotated: Annotated) -> tuple[Line, ...]:
        return () if annotated.note is None else ((("note", annotated.note),),)

    def title(self, annotated: Annotated) -> Line:
        """The call with its result: some inputs if there are many, or they are long."""
        nodes = {node.id: node for node in annotated.nodes}
        given = [self.given(row.name, nodes[row.node]) for row in annotated.inputs[:_INPUTS]]
        result = f" = {self.number(annotated.value)}" if isinstance(annotated.value, int | float) else ""
        for count in range(len(given), -1, -1):
            shown = given[:count] + ["…"] * (count < max(len(annotated.inputs), 1))
            call = f"{annotated.function.name}({', '.join(shown)}){result}"
            if len(call) <= 2 * _LONGEST_TEXT:
                break
        return (("title", clipped(call, 2 * _LONGEST_TEXT)),)


def clipped(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Put a text on one line of bounded length.

    >>> clipped("y = (a +\\n     b)"), clipped("abcdefgh", 5)
    ('y = (a + b)', 'abcd…')
    """
    return _shortened(" ".join(text.split()), longest)


def _shortened(line: str, longest: int = _LONGEST_TEXT) -> str:
    return line if len(line) <= longest else line[: longest - 1] + "…"


def lines_of(role: str, text: str) -> tuple[Line, ...]:
    """One line for each line of a text that has ink; a very long one (a path, a big constant) is shortened."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return tuple(((role, _shortened(line)),) for line in lines if line.strip())


def _wrapped(role: str, text: str) -> tuple[Line, ...]:
    """A statement on a few short lines, broken at spaces, before operators, and after commas and brackets.

    >>> [line for ((_, line),) in _wrapped("statement", "angle = angle - error / slope")]
    ['angle = angle - error', '/ slope']
    >>> [line for ((_, line),) in _wrapped("statement", "y=x*math.sin(angle)+z*math.cos(angle)")]
    ['y=x*math.sin(angle)+z', '*math.cos(angle)']
    """
    lines = [""]
    for piece in _pieces(" ".join(text.split())):
        if lines[-1] and len((lines[-1] + piece).strip()) > _STATEMENT:
            lines.append("")
        lines[-1] += piece
    lines = [line.strip() for line in lines]
    if len(lines) > _STATEMENT_LINES:
        lines = [*lines[: _STATEMENT_LINES - 1], lines[_STATEMENT_LINES - 1][: _STATEMENT - 1] + "…"]
    return tuple(((role, _shortened(line)),) for line in lines)


def _pieces(text: str) -> list[str]:
    """A statement in pieces that stay whole."""
    pieces: list[str] = []
    before = "="
    for token in _TOKEN.findall(text):
        sign = token.strip()
        opens = token[0] == " " or sign in _BINDING or before == ","
        if opens and sign not in _TIGHT and before not in _BINDING:
            pieces.append(token)
        elif pieces:
            pieces[-1] += token
        else:
            pieces = [token]
        before = sign
    return [part for piece in pieces for part in (_inner(piece) if len(piece) > _STATEMENT else [piece])]


def _inner(piece: str) -> list[str]:
    """A long piece, broken after its brackets."""
    return [part for part in re.split(r"(?<=[(\[])", piece) if part]
