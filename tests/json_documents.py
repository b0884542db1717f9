"""Small documents made by hand, in which every kind of row occurs and every number is checked by hand."""

from __future__ import annotations

from typing import Any

from tracegrad.document import (
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
)


def site(line: int, text: str, function: str = "f") -> Site:
    return Site(
        file="example.py",
        line=line,
        end_line=line,
        column=4,
        end_column=4 + len(text),
        function=function,
        text=text,
    )


def node(index: int, kind: str, primitive: str, label: str, value: Any, adjoint: Any, **more: Any) -> Node:
    fields: dict[str, Any] = {
        "params": {}, "name": None, "shape": (), "dtype": type(value).__name__, "site": None, "stage": None,
        "cluster": None, "flags": (),
    }  # fmt: skip
    fields |= more
    return Node(
        id=f"n{index}", kind=kind, primitive=primitive, label=label, value=value, adjoint=adjoint, **fields
    )


def edge(index: int, source: int, target: int, slot: int, partial: Any, flow: Any) -> Edge:
    return Edge(
        id=f"e{index}", source=f"n{source}", target=f"n{target}", slot=slot, partial=partial, flow=flow
    )


def square_plus(x: float = 3.0) -> Annotated:
    """``def f(x): y = x * x; return y + 2 if x > 0 else y``: a value used twice, a constant and a guard."""
    return Annotated(
        format="tracegrad",
        version=1,
        function=Function(name="f", qualname="f", module="example", file="example.py"),
        level="op",
        value=x * x + 2,
        seed=1.0,
        inputs=(Input(name="x", node="n0"),),
        outputs=(Output(path="", node="n3", value=x * x + 2, seed=1.0),),
        nodes=(
            node(0, "input", "input", "x", x, x * 1.0 + x * 1.0, name="x"),
            node(1, "op", "mul", "×", x * x, 1.0, name="y", site=site(2, "x * x"), stage="s0", cluster="c0"),
            node(2, "const", "const", "2", 2, None, site=site(3, "y + 2"), stage="s1", cluster="c0"),
            node(3, "op", "add", "+", x * x + 2, 1.0, site=site(3, "y + 2"), stage="s1", cluster="c0"),
        ),
        edges=(
            edge(0, 0, 1, 0, x, x * 1.0),
            edge(1, 0, 1, 1, x, x * 1.0),
            edge(2, 1, 3, 0, 1.0, 1.0),
            edge(3, 2, 3, 1, None, None),
        ),
        stages=(
            Stage(id="s0", name="y", label="y", nodes=("n1",), cluster="c0", site=site(2, "y = x * x")),
            Stage(
                id="s1",
                name=None,
                label="return",
                nodes=("n2", "n3"),
                cluster="c0",
                site=site(3, "return y + 2"),
            ),
        ),
        clusters=(Cluster(id="c0", name="f", parent=None, site=None),),
        guards=(
            Guard(
                id="g0",
                operation="gt",
                operands=({"node": "n0"}, {"value": 0}),
                outcome=True,
                site=site(3, "x > 0"),
            ),
        ),
        source=(SourceLine(file="example.py", line=2, text="    y = x * x"),),
    )
