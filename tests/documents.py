"""Documents made by hand for the tests of pictures: values and local gradients are given, the rest follows.

The sums of the chain rule are done here in their plainest form, so that a test of a picture does not lean on the
tracer, the reverse pass or the annotator.
"""

from __future__ import annotations

import math
import random
from typing import Any

from tracegrad.document import (
    FORMAT,
    VERSION,
    Annotated,
    Cluster,
    Edge,
    Function,
    Input,
    Node,
    Output,
    Site,
    Stage,
)


class Draft:
    """Rows being collected; ``finish`` carries the seeds back and gives the document."""

    def __init__(self, function: str = "f") -> None:
        self.function = function
        self.nodes: list[dict[str, Any]] = []
        self.uses: list[tuple[int, int, int, float | None]] = []
        self.stages: list[dict[str, Any]] = []
        self.clusters: list[Cluster] = []
        self.calls: list[str] = []

    def input(self, name: str, value: float) -> int:
        return self._node("input", "input", name, value, name=name, stage=None, cluster=None)

    def const(self, value: float) -> int:
        return self._node("const", "const", repr(value), value)

    def op(
        self, label: str, value: float, operands: list[int], partials: list[float | None],
        *, primitive: str = "op", name: str | None = None, flags: tuple[str, ...] = (),
    ) -> int:  # fmt: skip
        node = self._node("op", primitive, label, value, name=name, flags=flags)
        self.uses += [(a, node, slot, p) for slot, (a, p) in enumerate(zip(operands, partials, strict=True))]
        return node

    def stage(self, text: str | None, name: str | None = None) -> None:
        """Open a stage for the following nodes; no text ends it."""
        line = len(self.stages) + 2
        if text is not None:
            self.stages.append(
                {"id": f"s{len(self.stages)}", "name": name, "label": text, "cluster": self._call(),
                 "site": Site(file="example.py", line=line, end_line=line, column=4, end_column=4 + len(text),
                              function=self.function, text=text)}
            )  # fmt: skip
        self.open = text is not None

    open = False

    def call(self, name: str) -> None:
        site = Site(
            file="example.py", line=9, end_line=9, column=0, end_column=3, function=name, text=f"{name}(…)"
        )
        cluster = Cluster(id=f"c{len(self.clusters)}", name=name, parent=self._call(), site=site)
        self.clusters.append(cluster)
        self.calls.append(cluster.id)

    def back(self) -> None:
        self.calls.pop()

    def _call(self) -> str | None:
        return self.calls[-1] if self.calls else None

    def _node(self, kind: str, primitive: str, label: str, value: Any, **more: Any) -> int:
        row = {"name": None, "flags": (), "stage": self.stages[-1]["id"] if self.open else None,
               "cluster": self._call()} | more  # fmt: skip
        self.nodes.append(row | {"kind": kind, "primitive": primitive, "label": label, "value": value})
        return len(self.nodes) - 1

    def finish(self, *outputs: int, seeds: tuple[float, ...] = (1.0,)) -> Annotated:
        adjoint: dict[int, float] = {}
        for output, seed in zip(outputs, seeds, strict=True):
            adjoint[output] = adjoint.get(output, 0) + seed
        flows: dict[int, float | None] = {}
        for index in range(len(self.uses) - 1, -1, -1):
            source, target, _, partial = self.uses[index]
            flow = flows[index] = None if partial is None else partial * adjoint.get(target, 0.0)
            if flow is not None:
                adjoint[source] = flow if source not in adjoint else adjoint[source] + flow
        values = [self.nodes[output]["value"] for output in outputs]
        paths = [""] if len(outputs) == 1 else [f"[{index}]" for index in range(len(outputs))]
        sites = {stage["id"]: stage["site"] for stage in self.stages}
        members: dict[str, list[str]] = {}
        for index, node in enumerate(self.nodes):
            members.setdefault(node["stage"], []).append(f"n{index}")
        return Annotated(
            format=FORMAT,
            version=VERSION,
            function=Function(name=self.function, qualname=self.function, module="example", file="example.py"),
            level="op",
            value=values[0] if len(values) == 1 else tuple(values),
            seed=seeds[0] if len(values) == 1 else seeds,
            inputs=tuple(
                Input(name=node["name"], node=f"n{i}") for i, node in enumerate(self.nodes) if node["kind"] == "input"
            ),
            outputs=tuple(
                Output(path=path, node=f"n{node}", value=value, seed=seed)
                for path, node, value, seed in zip(paths, outputs, values, seeds, strict=True)
            ),
            nodes=tuple(
                Node(
                    id=f"n{i}", params={}, shape=(), dtype=type(node["value"]).__name__,
                    site=sites.get(node["stage"]),
                    adjoint=None if node["kind"] == "const" else adjoint.get(i, 0.0), **node,
                )
                for i, node in enumerate(self.nodes)
            ),
            edges=tuple(
                Edge(id=f"e{i}", source=f"n{source}", target=f"n{target}", slot=slot, partial=partial, flow=flows[i])
                for i, (source, target, slot, partial) in enumerate(self.uses)
            ),
            stages=tuple(Stage(nodes=tuple(members.get(stage["id"], ())), **stage) for stage in self.stages),
            clusters=tuple(self.clusters),
            guards=(),
            source=(),
        )  # fmt: skip


def staged(x: float = 3, y: float = -4) -> Annotated:
    """The example of the cs231n notes, a stage for each line."""
    d = Draft()
    nx, ny = d.input("x", x), d.input("y", y)

    def sigmoid(name: str, argument: int, value: float) -> int:
        d.stage(f"{name} = 1.0 / (1 + math.exp(-{'xy'[argument]}))", name)
        negative = d.op("-", -value, [argument], [-1.0], primitive="neg")
        power = math.exp(-value)
        exp = d.op("exp", power, [negative], [power], primitive="exp")
        one = d.const(1)
        total = d.op("+", 1 + power, [one, exp], [None, 1.0], primitive="add")
        above = d.const(1.0)
        out = 1.0 / (1 + power)
        return d.op("÷", out, [above, total], [None, -out / (1 + power)], primitive="div", name=name)

    sigy = sigmoid("sigy", ny, y)
    d.stage("num = x + sigy", "num")
    vsigy = d.nodes[sigy]["value"]
    num = d.op("+", x + vsigy, [nx, sigy], [1.0, 1.0], primitive="add", name="num")
    sigx = sigmoid("sigx", nx, x)
    vsigx = d.nodes[sigx]["value"]
    d.stage("xpy = x + y", "xpy")
    xpy = d.op("+", x + y, [nx, ny], [1.0, 1.0], primitive="add", name="xpy")
    d.stage("xpysqr = xpy**2", "xpysqr")
    xpysqr = d.op("^2", (x + y) ** 2, [xpy], [2 * (x + y)], primitive="power", name="xpysqr")
    d.stage("den = sigx + xpysqr", "den")
    vden = vsigx + (x + y) ** 2
    den = d.op("+", vden, [sigx, xpysqr], [1.0, 1.0], primitive="add", name="den")
    d.stage("invden = 1.0 / den", "invden")
    one = d.const(1.0)
    invden = d.op("÷", 1.0 / vden, [one, den], [None, -1.0 / vden**2], primitive="div", name="invden")
    d.stage("return num * invden")
    vnum = x + vsigy
    f = d.op("×", vnum * (1.0 / vden), [num, invden], [1.0 / vden, vnum], primitive="mul")
    return d.finish(f)


def square_plus(x: float = 3.0) -> Annotated:
    """``x*x + x``: one value, three uses."""
    d = Draft()
    n = d.input("x", x)
    square = d.op("×", x * x, [n, n], [x, x], primitive="mul")
    return d.finish(d.op("+", x * x + x, [square, n], [1.0, 1.0], primitive="add"))


def gate(x: float = 2.0, y: float = 2.0, seed: float = 0.5) -> Annotated:
    """A max gate at a tie, seeded with one half."""
    d = Draft("gate")
    nx, ny = d.input("x", x), d.input("w[0]['a'].b", y)
    d.stage("m = max(x, w[0]['a'].b)", "m")
    return d.finish(
        d.op("max", max(x, y), [nx, ny], [1.0, 0.0], primitive="max", name="m", flags=("tie",)), seeds=(seed,)
    )


def calls(depth: int = 3) -> Annotated:
    """Nested calls of user functions, with two outputs, one of which is also used."""
    d = Draft("outer")
    value, node = 0.5, d.input("x", 0.5)
    for level in range(depth):
        d.call(f"inner{level}")
        d.stage("y = math.tanh(x)", "y")
        value = math.tanh(value)
        node = d.op("tanh", value, [node], [1 - value * value], primitive="tanh", name="y")
    for _ in range(depth):
        d.back()
    d.stage("return y, y * y")
    square = d.op("×", value * value, [node, node], [value, value], primitive="mul")
    return d.finish(node, square, seeds=(1.0, 2.0))


def horner(steps: int) -> Annotated:
    """``acc = acc * x + c`` in a loop: one value used along the whole chain."""
    d = Draft("horner")
    x, acc, value = d.input("x", 0.5), d.input("c[0]", 1.0), 1.0
    for step in range(steps):
        d.stage("acc = acc * x + c", "acc")
        c = d.const(step)
        product = d.op("×", value * 0.5, [acc, x], [0.5, value], primitive="mul")
        value = value * 0.5 + step
        acc = d.op(
            "+", value, [product, c], [1.0, None], primitive="add", name=f"acc#{step}" if step else "acc"
        )
    return d.finish(acc)


def chain(nodes: int) -> Annotated:
    d = Draft("chain")
    node = d.input("x", 0.5)
    for _ in range(nodes - 1):
        node = d.op("sin", 0.4, [node], [0.9], primitive="sin")
    return d.finish(node)


def labelled(text: str) -> Annotated:
    """One text in every place where a user's text is shown."""
    d = Draft(text)
    d.call(text)
    x = d.input(text, 2.0)
    d.stage(text, text)
    return d.finish(d.op(text, 4.0, [x], [2.0], primitive=text, name=text, flags=(text,)))


def idle() -> Annotated:
    """An operation that only decided a branch: it leads to no output."""
    d = Draft()
    x = d.input("x", 2.0)
    d.op("|x|", 2.0, [x], [1.0], primitive="abs")
    return d.finish(d.op("×3", 6.0, [x], [3.0], primitive="mul"))


def crossing() -> Annotated:
    """Newton's method for a root: edges enter the frame of each step from far outside."""
    d = Draft("square_root")
    a, guess = 2.0, 1.0
    first = d.input("a", a)
    last = d.input("guess", guess)
    for _ in range(3):
        d.stage("guess = (guess + a / guess) / 2", "guess")
        ratio = d.op("÷", a / guess, [first, last], [1 / guess, -a / guess**2], primitive="div")
        total = d.op("+", guess + a / guess, [last, ratio], [1.0, 1.0], primitive="add")
        two = d.const(2)
        guess = (guess + a / guess) / 2
        last = d.op("÷", guess, [total, two], [0.5, None], primitive="div", name="guess")
    return d.finish(last)


def tangle(operations: int, seed: int) -> Annotated:
    """Random operations on recent values, a stage for each two: what Graphviz's frames are not up to."""
    choose = random.Random(seed).choice
    d = Draft("tangle")
    values = [d.input(name, 0.5) for name in "xyz"]
    for step in range(operations):
        if step % 2 == 0:
            d.stage("v.append(math.sin(a * b))")
        a, b = choose(values[-15:]), choose(values[-15:])
        product = d.op("×", 0.25, [a, b], [0.5, 0.5], primitive="mul")
        values.append(d.op("sin", 0.25, [product], [0.9], primitive="sin"))
    d.stage("return sum(v)")
    total = values[0]
    for value in values[1:]:
        total = d.op("+", 0.5, [total, value], [1.0, 1.0], primitive="add")
    return d.finish(total)
