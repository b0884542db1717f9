"""The graph of one trace: flat columns in SSA order, in which every operand precedes its use.

In: rows from a tape (:mod:`tracegrad.freeze`) or from a document.  Out: columns for engines, :class:`Node` views for
people, text, and :meth:`Graph.replay`.  Read :class:`Graph` first.

Node *i* is ``primitives[i]`` applied to the nodes ``operands[starts[i]:starts[i + 1]]``.  Leaves are ``input`` (varies)
and ``const`` (a literal; each use has its own).  Columns of plain ints stay cheap at a million nodes; a view is made
when somebody looks.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from tracegrad.errors import GraphError, GuardFailed
from tracegrad.primitives import CONST, INPUT, Primitive, bind
from tracegrad.provenance import Call
from tracegrad.tracer import KINDS


def same(a: Any, b: Any) -> bool:
    """Equal as values of a computation: nan is nan, 1 is not 1.0 and 0.0 is not -0.0."""
    if type(a) in KINDS:
        return type(b) in KINDS and (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()
    return type(a) is type(b) and (a == b or a != a) and (type(a) is int or repr(a) == repr(b))


@dataclass(frozen=True, slots=True)
class Literal:
    """A plain number among the operands of a guard (the others are node indices)."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A fact the trace took for granted: ``primitive`` on ``operands`` gave ``outcome``, at (call, lasti)."""

    primitive: Primitive
    operands: tuple[int | Literal, ...]
    outcome: Any
    call: Call | None = None
    lasti: int = -1

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """The operands as numbers, given the values of all nodes."""
        return [arg.value if isinstance(arg, Literal) else values[arg] for arg in self.operands]


@dataclass(frozen=True, slots=True)
class Output:
    """A number of the result: its path there, its node (``None``: a constant), its value."""

    path: str
    node: int | None
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The nodes from ``start`` to ``stop`` are a backward pass, asked for at (call, lasti)."""

    start: int
    stop: int
    call: Call | None
    lasti: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """The nodes from ``start`` to ``stop`` are a stage that the user has named, opened at (call, lasti).

    ``code`` is that of the function which is the stage, where it is one.
    """

    name: str
    start: int
    stop: int
    call: Call | None
    lasti: int
    code: CodeType | None = None


@dataclass(slots=True)
class Graph:
    """A computation as columns; ``len(graph)`` is the number of nodes."""

    primitives: list[Primitive] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("q", [0]))
    operands: array[int] = field(default_factory=lambda: array("q"))
    values: list[Any] = field(default_factory=list)
    calls: list[Call | None] = field(default_factory=list)
    lastis: array[int] = field(default_factory=lambda: array("q"))
    params: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    #: constants that are plain numbers here and of another class in the function, as they are there; such static data
    originals: dict[int, Any] = field(default_factory=dict)
    original_params: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    #: backward passes among the nodes, and (node, the node that is its adjoint) as they have found them
    passes: list[Pass] = field(default_factory=list)
    adjoints: list[tuple[int, int]] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.primitives)

    def __iter__(self) -> Iterator[Node]:
        return (Node(self, index) for index in range(len(self)))

    def __getitem__(self, index: int) -> Node:
        return Node(self, range(len(self))[index])

    def append(
        self,
        primitive: Primitive,
        operands: Sequence[int] = (),
        value: Any = None,
        *,
        params: tuple[Any, ...] = (),
        name: str | None = None,
        call: Call | None = None,
        lasti: int = -1,
    ) -> int:
        """Add one node and give its index.

        >>> from tracegrad.primitives import TABLE
        >>> graph = Graph()
        >>> x = graph.append(INPUT, (), 3.0, name="x")
        >>> y = graph.append(TABLE["mul"], (x, x), 9.0)
        >>> print(graph)
        n0 = input x                            # 3.0
        n1 = mul(n0, n0)                        # 9.0
        """
        index = len(self.primitives)
        self.primitives.append(primitive)
        self.operands.extend(operands)
        self.starts.append(len(self.operands))
        self.values.append(value)
        self.calls.append(call)
        self.lastis.append(lasti)
        if params:
            self.params[index] = params
        if name is not None:
            self.names[index] = name
        return index

    def static(self, index: int) -> tuple[Any, ...]:
        """The static data of an operation as the function has it."""
        return self.original_params.get(index) or self.params.get(index, ())

    def applied_to(self, index: int, values: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """The same as :meth:`arguments` with constants as the function has them."""
        column, originals = self.values if values is None else values, self.originals
        operands = (originals[i] if i in originals else column[i] for i in self.operands_of(index))
        return (*operands, *self.static(index))

    @property
    def inputs(self) -> list[int]:
        """The nodes that vary."""
        return list(self.names)

    def operands_of(self, index: int) -> array[int]:
        """The operand nodes of a node in the order of their slots."""
        return self.operands[self.starts[index] : self.starts[index + 1]]

    def arguments(self, index: int) -> tuple[Any, ...]:
        """What a node's primitive is applied to: operand values, then static data."""
        return (*(self.values[i] for i in self.operands_of(index)), *self.params.get(index, ()))

    def replay(self, inputs: Sequence[Any], apply: Callable[..., Any] = bind) -> list[Any]:
        """The values of all nodes for new inputs, through the primitive table; every guard is checked.

        Raises :class:`GuardFailed` where the new inputs would take another path than the recorded one.
        """
        fresh = iter(inputs)
        values: list[Any] = []
        for index, primitive in enumerate(self.primitives):
            if primitive is INPUT:
                values.append(next(fresh))
            elif primitive is CONST:
                values.append(self.values[index])
            else:
                values.append(apply(primitive, *self.applied_to(index, values)))
        for guard in self.guards:
            outcome = apply(guard.primitive, *guard.arguments(values))
            if not same(outcome, guard.outcome):
                raise GuardFailed(guard_failure(guard, values, outcome))
        return values

    def lint(self) -> None:
        """Check the laws of a graph; raises :class:`GraphError` that names the first node to break one."""
        size = len(self)
        columns = (self.values, self.calls, self.lastis)
        if any(len(column) != size for column in columns) or len(self.starts) != size + 1:
            raise GraphError("the columns of the graph differ in length")
        for index, primitive in enumerate(self.primitives):
            self._lint_node(index, primitive)
        for output in self.outputs:
            if output.node is not None and not 0 <= output.node < size:
                raise GraphError(f"output {output.path!r} names node {output.node} of {size}")

    def _lint_node(self, index: int, primitive: Primitive) -> None:
        operands = self.operands_of(index)
        if any(not 0 <= operand < index for operand in operands):
            raise GraphError(
                f"n{index} = {primitive.name} uses a node that does not precede it: {list(operands)}"
            )
        if (primitive is INPUT) != (index in self.names):
            raise GraphError(f"n{index} = {primitive.name}: inputs, and only they, have a name")
        if primitive in (INPUT, CONST):
            if operands:
                raise GraphError(f"n{index} is a leaf and has operands")
            return
        if not primitive.variadic and len(operands) != len(primitive.rules):  # type: ignore[arg-type]
            raise GraphError(f"n{index} = {primitive.name} has {len(operands)} operands")
        if len(self.params.get(index, ())) != len(primitive.params):
            raise GraphError(f"n{index} = {primitive.name} lacks its static data {primitive.params}")
        if not same(bind(primitive, *self.applied_to(index)), self.values[index]):
            raise GraphError(f"n{index} = {primitive.name} does not give its value {self.values[index]!r}")

    def __str__(self) -> str:
        return "\n".join(f"{node.text:<39} # {node.value!r}" for node in self)


def guard_failure(guard: Guard, values: Sequence[Any], outcome: Any) -> str:
    """What to tell a user whose new inputs leave the recorded path."""
    arguments = ", ".join(repr(arg) for arg in guard.arguments(values))
    return (
        f"{guard.primitive.name}({arguments}) is {outcome!r} for these inputs but was {guard.outcome!r} when the "
        "function was traced, so the recorded operations do not apply: trace the function again with these inputs"
    )


@dataclass(frozen=True, slots=True)
class Node:
    """A view of one node."""

    graph: Graph
    index: int

    @property
    def primitive(self) -> Primitive:
        return self.graph.primitives[self.index]

    @property
    def value(self) -> Any:
        return self.graph.values[self.index]

    @property
    def name(self) -> str | None:
        """The path of an input (``x``, ``w[0]``), ``None`` for other nodes."""
        return self.graph.names.get(self.index)

    @property
    def operands(self) -> tuple[Node, ...]:
        return tuple(Node(self.graph, index) for index in self.graph.operands_of(self.index))

    @property
    def params(self) -> dict[str, Any]:
        return dict(zip(self.primitive.params, self.graph.params.get(self.index, ()), strict=True))

    @property
    def text(self) -> str:
        """The node as a line of SSA code."""
        if self.primitive is INPUT:
            return f"n{self.index} = input {self.name}"
        if self.primitive is CONST:
            return f"n{self.index} = {self.value!r}"
        static = [f"{name}={value!r}" for name, value in self.params.items()]
        arguments = ", ".join([*(f"n{node.index}" for node in self.operands), *static])
        return f"n{self.index} = {self.primitive.name}({arguments})"

    def __repr__(self) -> str:
        return f"<Node {self.text}, value {self.value!r}>"
