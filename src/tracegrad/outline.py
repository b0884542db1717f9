"""Look-ups in a document of operations, for those who write code or equations from it.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: :class:`Outline`: nodes by number, the operands,
uses and guards of each, which of them anything depends on, and which a gradient returns through.

The literals that guards compare with are numbered on from the nodes, so that "operand" means one thing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from functools import cached_property
from itertools import zip_longest
from math import isfinite
from typing import Any

from tracegrad.document import Annotated, Guard, Node, Stage
from tracegrad.errors import InputError, UnsupportedError
from tracegrad.fold.columns import NONE, base_name, columns_at_hand, columns_of
from tracegrad.graph import Guard as GraphGuard
from tracegrad.graph import Literal
from tracegrad.ieee import lift, plain
from tracegrad.lazy import Kept
from tracegrad.primitives import PLAIN, TABLE, Primitive, partials
from tracegrad.scalars import DOUBLES, KINDS_OF_NUMBERS, as_numpy_takes, kind_of, of_kind, plain_by
from tracegrad.structures import quantity
from tracegrad.tracer import KINDS
from tracegrad.tracer import plain as under


class Outline:
    """A document, asked by number of node."""

    def __init__(self, annotated: Annotated) -> None:
        if annotated.level != "op":
            raise InputError(
                f"source is written from a document of level 'op', and this is {annotated.level!r}"
            )
        self.annotated = annotated
        self.columns = columns_at_hand(annotated) or columns_of(annotated)
        self.whole = self.columns.graph is not None or _has_no_gaps(annotated)
        #: rows of nodes, made when asked for
        self.nodes = Kept(annotated.nodes)
        self.kinds = self.columns.kinds
        self._starts, self._operands = self.columns.starts, self.columns.sources
        self._literals: list[Any] = []
        self._asked = {guard.id: self._codes(guard) for guard in annotated.guards}
        #: guards by the last node that they need; -1 where they need none
        self.guards: dict[int, list[Guard]] = defaultdict(list)
        for guard in annotated.guards:
            self.guards[max(self.guarded(guard), default=-1)].append(guard)
        #: the outputs that depend on an input, with their nodes
        index_of = self.columns.index_of
        self.outputs = [(o, index_of(o.node)) for o in annotated.outputs if o.node is not None]
        self.inputs = [(row.name, index_of(row.node)) for row in annotated.inputs]
        self.live = self._above([index for _, index in self.outputs] + self._all_guarded())
        self._stages = Kept(annotated.stages)
        #: numbers of the stages that are shown, where some are not
        self._numbers: dict[int, int] | None = None
        self._clusters = {cluster.id: cluster for cluster in annotated.clusters}
        self._rows: dict[int, Primitive] = {}
        self._positions: dict[int, list[int]] = {}

    def sources(self, index: int) -> Sequence[int]:
        """The operands of a node, slot by slot; a literal has none."""
        return (
            self._operands[self._starts[index] : self._starts[index + 1]] if index < len(self.kinds) else ()
        )

    def varies(self, index: int) -> bool:
        return index < len(self.kinds) and self.kinds[index] != "const"

    def asked(self, guard: Guard) -> list[int]:
        """The operands of a guard, literals among them."""
        return self._asked[guard.id]

    def guarded(self, guard: Guard) -> list[int]:
        """The nodes among the operands of a guard."""
        return [index for index in self._asked[guard.id] if index < len(self.kinds)]

    def value(self, index: int) -> Any:
        """The recorded value of a node or literal."""
        if index >= len(self.kinds):
            literal = self._literals[index - len(self.kinds)]
            return _number(literal) if kind_of(literal) else literal
        return _number(self.columns.values[index])

    def partial(self, index: int, slot: int) -> Any:
        """The recorded local gradient of an operation by an operand; the name of a linear map."""
        found = self.columns.partials[self._starts[index] + slot]
        return found if type(found) is str else _number(found)

    def flow(self, index: int, slot: int) -> Any:
        """What was recorded to return to an operand."""
        return _number(self.columns.flows[self._starts[index] + slot])

    def adjoint(self, index: int) -> Any:
        """The recorded adjoint of a node, as it is where the trace is at hand."""
        return under(self.columns.adjoints[index])

    @cached_property
    def classes_of_flows(self) -> dict[int, set[str]]:
        """For each node the classes of the numbers that were recorded to return to it."""
        found: dict[int, set[str]] = defaultdict(set)
        for index in self.reached:
            for slot, operand in enumerate(self.sources(index)):
                found[operand].add(kind_of(under(self.columns.flows[self._starts[index] + slot])))
        return found

    def dtype(self, index: int) -> str:
        at_hand = self.columns.graph is not None
        return "float" if at_hand and type(self.raw(index)) is float else self.nodes[index].dtype

    def kind(self, index: int) -> str:
        """The name of the class of a number that is not Python's own float or whole number."""
        if index >= len(self.kinds) or self.columns.graph is not None:
            return kind_of(self.raw(index))
        dtype = self.dtype(index)
        return dtype if dtype in KINDS_OF_NUMBERS and not self.nodes[index].shape else ""

    def plain_by(self, index: int) -> str:
        """What makes a plain number of this one, where it computes otherwise than one."""
        return plain_by(self.kind(index))

    def form(self, index: int) -> Hashable:
        """What is equal for arrays of one shape and precision, and for numbers that compute alike.

        Beside single ones, numpy's doubles do not compute as Python's do.
        """
        value = self.raw(index)
        if type(value) in KINDS:
            return value.shape, str(value.dtype)
        kind = self.kind(index)
        return kind if self.narrow else plain_by(kind)

    @cached_property
    def narrow(self) -> bool:
        """Whether a number or an array that anything depends on is of less, or more, than double precision."""
        kinds = {str(getattr(self.raw(index), "dtype", "")) for index in self.live} | self.scalars
        return not kinds.isdisjoint(_NARROW)

    def operation(self, index: int) -> Hashable:
        """What is equal for nodes that do the same: primitive and static data."""
        graph = self.columns.graph
        if self._is_power(index):
            return "literal_power", self.form(index)
        if graph is None:
            node = self.nodes[index]
            return node.primitive, tuple(map(repr, node.params.items())), self.form(index)
        params = graph.static(index) or None
        if params is not None and self._indexes(index):
            params = (_places(params[0]), *params[1:])
        return graph.primitives[index].name, None if params is None else repr(params), self.form(index)

    def _indexes(self, index: int) -> bool:
        """Whether an operation takes elements from an array or puts them into one."""
        graph = self.columns.graph
        return graph is not None and graph.primitives[index].name in _INDEXING and self.arrays

    def _is_power(self, index: int) -> bool:
        """Whether an operation is a number to the power of a literal of Python's."""
        graph = self.columns.graph
        name = self.nodes[index].primitive if graph is None else graph.primitives[index].name
        return name == "literal_power" and not self.on_arrays(index) and not kind_of(self.given(index)[0])

    @cached_property
    def _by_class(self) -> set[int]:
        """The constants among numpy's doubles that meet none: these make the result one, and divide without error."""
        graph = self.columns.graph
        found: set[int] = set()
        if graph is None or not graph.originals:
            return found
        for index in self.live:
            sources = self.sources(index)
            doubles = any(_is_double(self.raw(source)) for source in sources if self.varies(source))
            if not doubles or graph.primitives[index].name.endswith("power"):
                found.update(source for source in sources if source in graph.originals)
        return found

    def constant(self, index: int) -> Any:
        """A constant as it is to be written: one of numpy's doubles beside others as a plain number."""
        value = self.raw(index)
        if kind_of(value) in DOUBLES and index not in self._by_class and not self.narrow:
            return self.value(index)
        return as_numpy_takes(value) if self.arrays or self.scalars - {"Fraction"} else value

    def positions(self, index: int) -> list[int]:
        """An exponent, or the whole numbers in an index, as literals: in a loop they may be others in each turn."""
        if not self._is_power(index) and not self._indexes(index):
            return []
        if index not in self._positions:
            at = self.static(index)[0]
            numbers = [one for one in (at if type(at) is tuple else (at,)) if type(one) in (int, float)]
            first = len(self.kinds) + len(self._literals)
            self._literals += numbers
            self._positions[index] = list(range(first, first + len(numbers)))
        return self._positions[index]

    def place(self, index: int) -> Hashable:
        """What is equal for all executions of the expression that made a node."""
        at = self.columns.stage_of[index]
        return self.columns.part(index), None if at == NONE else self.columns.statement(at)

    def _codes(self, guard: Guard) -> list[int]:
        found: list[int] = []
        asks = self.asks(guard)
        raw = () if asks is None else asks.operands
        for operand, original in zip_longest(guard.operands, raw):
            if "node" in operand:
                found.append(self.columns.index_of(operand["node"]))
            else:
                found.append(len(self.kinds) + len(self._literals))
                literal = under(original.value) if isinstance(original, Literal) else None
                self._literals.append(literal if kind_of(literal) else operand["value"])
        return found

    @property
    def results(self) -> list[Any]:
        """The numbers of the result, as they are where the trace is at hand."""
        graph = self.columns.graph
        found = self.annotated.outputs if graph is None else graph.outputs
        return [under(output.value) for output in found]

    @cached_property
    def reached(self) -> set[int]:
        """The operations that a gradient returns through."""
        kinds, starts, operands = self.kinds, self._starts, self._operands
        found = {index for _, index in self.outputs}
        for index in range(max(found, default=-1), -1, -1):
            if index in found:
                found.update([i for i in operands[starts[index] : starts[index + 1]] if kinds[i] != "const"])
        return {index for index in found if kinds[index] == "op"}

    def _all_guarded(self) -> list[int]:
        return [index for guard in self.annotated.guards for index in self.guarded(guard)]

    def _above(self, nodes: list[int]) -> set[int]:
        """These nodes and all that they are computed from."""
        starts, operands = self._starts, self._operands
        found = set(nodes)
        for index in range(max(found, default=-1), -1, -1):
            if index in found:
                found.update(operands[starts[index] : starts[index + 1]])
        return found

    @cached_property
    def used_once(self) -> set[int]:
        """The values with one use among what anything depends on: in their own statement, by an output or a guard."""
        uses = Counter(index for _, index in self.outputs) + Counter(self._all_guarded())
        starts, operands, stage_of = self._starts, self._operands, self.columns.stage_of
        abroad = set()
        for index in self.live:
            for source in operands[starts[index] : starts[index + 1]]:
                uses[source] += 1
                if stage_of[source] != stage_of[index]:
                    abroad.add(source)
        return {index for index, count in uses.items() if count == 1} - abroad

    def stage(self, index: int) -> tuple[int, Stage] | None:
        """The stage of a node and its number, from 1."""
        at = NONE if index < 0 else self.columns.stage_of[index]
        if at == NONE or (self._numbers is not None and at not in self._numbers):
            return None
        return (at + 1 if self._numbers is None else self._numbers[at]), self._stages[at]

    def show_only(self, operations: set[int]) -> None:
        """Number only the stages of these operations, unless they are all that anything depends on."""
        stage_of = self.columns.stage_of
        if any(index not in operations and self.kinds[index] == "op" for index in self.live):
            shown = sorted({stage_of[index] for index in operations} - {NONE})
            self._numbers = {stage: number for number, stage in enumerate(shown, 1)}

    @cached_property
    def _ends(self) -> dict[int, int]:
        return {self.columns.stage_of[index]: index for index in sorted(self.live)}

    def completes(self, index: int) -> bool:
        """Whether a node is the last of its stage."""
        at = self.columns.stage_of[index]
        return at != NONE and self._ends.get(at) == index

    def last_of_stage(self, index: int) -> int:
        at = self.columns.stage_of[index]
        nodes = () if at == NONE else self._stages[at].nodes
        return self.columns.index_of(nodes[-1]) if nodes else index

    def function(self, index: int) -> str | None:
        """The function of the user that was called where a node was made; of the traced one itself, none."""
        cluster = self._clusters.get(self.nodes[index].cluster or "")
        if cluster is None:
            return None
        owner, special, method = base_name(cluster.name).rpartition(".__")
        return _variable(owner, method[:-2]) if special else method

    def raw(self, index: int) -> Any:
        """The recorded value itself: an array where it is one and the trace is at hand."""
        if index >= len(self.kinds):
            return self._literals[index - len(self.kinds)]
        graph = self.columns.graph
        value = under(self.columns.values[index])
        if graph is not None:
            return graph.originals.get(index, value)
        kind = self.kind(index)
        return of_kind(kind, value) if kind else value

    def on_arrays(self, index: int) -> bool:
        """Whether an operation has an array among its operands, or gives one, or is made for them."""
        if not KINDS:
            return False
        graph = self.columns.graph
        if graph is not None and getattr(graph.primitives[index], "vjps", None) is not None:
            return True  # of numbers only: the sum of one
        return any(type(self.raw(i)) in KINDS for i in (index, *self.sources(index)))

    @cached_property
    def arrays(self) -> bool:
        """Whether numpy is at work in what anything depends on."""
        graph = self.columns.graph
        if graph is None:
            return False
        kinds = {type(value) for value in self.columns.values}
        rows = {
            row for row in [*graph.primitives, *(guard.primitive for guard in graph.guards)] if not row.python
        }
        return not kinds.isdisjoint(KINDS) or any(row.name.startswith(("numpy.", "scipy.")) for row in rows)

    @cached_property
    def scalars(self) -> set[str]:
        """The classes of the numbers that anything depends on, but for Python's own."""
        return set(map(self.kind, self.live)) - {""}

    def in_numpy(self, index: int) -> bool:
        """Whether an operation is written with numpy."""
        graph = self.columns.graph
        return (
            self.arrays
            and graph is not None
            and (not graph.primitives[index].python or self.on_arrays(index))
        )

    def static(self, index: int) -> tuple[Any, ...]:
        """The static data of a node, as its derivative takes it."""
        graph = self.columns.graph
        return tuple(self.nodes[index].params.values()) if graph is None else graph.params.get(index, ())

    def given(self, index: int) -> tuple[Any, ...]:
        """The static data of a node, as the function has it."""
        graph = self.columns.graph
        return self.static(index) if graph is None else graph.static(index)

    def asks(self, guard: Guard) -> GraphGuard | None:
        """A guard as it is, where the trace is at hand."""
        graph, number = self.columns.graph, int(guard.id[1:])
        return None if graph is None or number >= len(graph.guards) else graph.guards[number]

    def row(self, index: int) -> Primitive:
        """The primitive of a node."""
        found = self._rows.get(index)
        if found is None:
            graph = self.columns.graph
            _refuse_custom(self.nodes[index].primitive if graph is None else graph.primitives[index].name)
            if self.in_numpy(index) and graph is not None:
                found = graph.primitives[index]
            else:
                operands = len(self.sources(index)) if self.whole else -1
                found = row_of_node(self.nodes[index], operands)
            self._rows[index] = found
        return found

    def values(self, index: int) -> list[Any]:
        """The recorded operands of a node."""
        return [self.value(source) for source in self.sources(index)]

    def at_pole(self, index: int, slot: int) -> bool:
        """Whether Python's arithmetic raises at a local gradient, where the interpreter goes on with inf or nan."""
        recorded = self.columns.partials[self._starts[index] + slot]
        if type(recorded) is float and isfinite(recorded) and recorded != 0:
            return False  # an overflow on the way would have left inf, nan or, as a divisor, 0
        if self.on_arrays(index):
            return False  # numpy does not raise
        node, row = self.nodes[index], self.row(index)
        try:
            if row.variadic:
                local = partials(row, PLAIN, node.value, self.values(index))[slot]
            else:
                rule = row.rules[slot]  # type: ignore[index]
                arguments = (node.value, *self.values(index), *node.params.values())
                local = rule(PLAIN, *arguments) if callable(rule) else rule
            local * (node.adjoint or 0.0)
        except (ArithmeticError, ValueError):
            return True
        return False

    def local_gradient(self, index: int, slot: int) -> float:
        """The recorded one."""
        return float(plain(lift(self.partial(index, slot))))


def _is_double(value: Any) -> bool:
    return str(getattr(value, "dtype", "")) in DOUBLES


#: precisions other than Python's own
_NARROW = frozenset({"float16", "float32", "longdouble", "float128", "complex64", "complex256"})

#: operations with an index for their first static data
_INDEXING = frozenset({"getitem", "setitem", "scatter"})


def _variable(owner: str, method: str) -> str:
    """A variable for what a special method of a class returns.

    >>> _variable("SoftPlus", "call"), _variable("Vector", "matmul")
    ('soft_plus', 'vector_matmul')
    """
    known = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", owner).lower()
    return known if method == "call" else f"{known}_{method}"


def _places(index: Any) -> Any:
    """An index without its whole numbers."""
    if type(index) is tuple:
        return tuple(map(_places, index))
    return int if type(index) is int else index


def identity(value: Any) -> Hashable:
    """What is equal for values that are the same to the last bit."""
    return (str(value.dtype), value.shape, value.tobytes()) if type(value) in KINDS else repr(value)


def _number(value: Any) -> Any:
    """A recorded number as a document has it."""
    return value if type(value) in _PLAIN else quantity(under(value))


_PLAIN = frozenset({float, int, type(None)})


def _has_no_gaps(annotated: Annotated) -> bool:
    """Whether each node has an edge for each of its slots."""
    slots: dict[str, set[int]] = defaultdict(set)
    for edge in annotated.edges:
        slots[edge.target].add(edge.slot)
    return all(found == set(range(len(found))) for found in slots.values())


def _refuse_custom(operation: str) -> None:
    """A primitive of the user's runs a derivative of which there is no text."""
    prefix, _, own = operation.partition(".")
    if prefix == "custom":
        raise UnsupportedError(
            f"{own} is a primitive of yours (tg.primitive, tg.custom_gradient): its derivative is a function that is "
            f"run, not a formula that could be written, so that no source can be.  Where its own operations will do, "
            f"call the function in it instead, {own}.__wrapped__: these are written as any others are"
        )


def row_of(operation: str) -> Primitive:
    """The row of an operation that can be written in Python."""
    _refuse_custom(operation)
    row = TABLE.get(operation)
    if operation.startswith(("numpy.", "scipy.")):
        raise UnsupportedError(
            f"{operation}: source with numpy is written from a trace at hand, and a loaded document lacks its arrays"
        )
    if row is None or not row.python:
        raise UnsupportedError(
            f"{operation} has no spelling in plain Python, so that no source can be written; use the functions of math"
        )
    return row


def row_of_node(node: Node, operands: int) -> Primitive:
    """The row of a node, which must be a number and have all its operands."""
    if node.shape:
        raise UnsupportedError(
            "source is written for functions of numbers, and this one computes with arrays"
        )
    row = row_of(node.primitive)
    if not all(isinstance(value, (int, float)) for value in node.params.values()):
        raise InputError(f"{node.id}: its static data {dict(node.params)!r} are no numbers")
    if operands < 0 or not (row.variadic or operands == len(row.rules)):  # type: ignore[arg-type]
        raise InputError(
            f"{node.id} lacks operands: source is written from the whole document, not from a part of it"
        )
    return row
