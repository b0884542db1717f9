"""The rows of an annotated graph: the one thing that every exporter reads.

In: nothing; these are plain frozen records.  Out: :class:`Annotated`, whose literal dump is the JSON
document (``schema.json`` beside this file says the same to a machine).  Read :class:`Node` and
:class:`Edge` first.

Numbers here are exact; rounding is a matter of the exporters.  The law of a document, which
:func:`tracegrad.laws.check_identity` checks::

    adjoint of a node = its seed + sum of the flows on the edges to its uses
    flow of an edge   = partial (the local gradient) * adjoint of its target

A node that stands for several (``folded``) has the sum of their adjoints and a flow the sum of theirs, so that the
first line holds there as well; it has no single local gradient.  In a part of a document the flows on the edges left
out are the ``hidden`` term of a node's adjoint.  Fields with a default are left out of the JSON where they have it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeAlias

from tracegrad.structures import Quantity, Structure

FORMAT = "tracegrad"
VERSION = 1
KINDS = ("input", "const", "op")
CLUSTER_KINDS = ("call", "stage", "backward")
LEVELS = ("op", "stage", "call", "line")

#: a local gradient: a :data:`Quantity`, or the name of a linear map as text (``× Bᵀ``)
Partial: TypeAlias = Any
#: static data by name, each a :data:`Structure`
Params: TypeAlias = Mapping[str, Any]
#: an operand of a guard: ``{"node": id}`` or ``{"value": structure}``
Operand: TypeAlias = Mapping[str, Any]


def _brief(value: Any) -> str:
    """A number in a few digits."""
    return f"{value:.6g}" if type(value) is float else repr(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where in the user's source something happened.

    Lines count from 1, columns from 0 in characters; ``end_column`` is exclusive.
    ``file`` is relative to the working directory or to the import path, never absolute; what is not
    known is ``None``.
    """

    file: str | None
    line: int | None
    end_line: int | None
    column: int | None
    end_column: int | None
    function: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What many numbers come to."""

    first: Quantity
    last: Quantity
    min: Quantity
    max: Quantity
    mean: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a node for ``count`` values comes to: the spread of these and of their adjoints."""

    count: int
    values: Spread
    adjoints: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Node:
    """One value of the computation.

    ``kind`` is ``input`` (varies), ``const`` (a literal; its ``adjoint`` is ``None``: it does not
    vary) or ``op``.  ``label`` is the sign drawn in the gate (``×``, ``exp``, ``^2``), the input's
    name, or the constant.  ``name`` is the user's variable, ``x#2`` for the second value bound to ``x``.
    ``params`` are static data of the primitive (the exponent of ``x**2``).

    In a folded document ``primitive`` is ``stage`` or ``call`` where the node is that, and ``label`` is its text.
    ``aliases`` are the names that the value got later: what a helper calls ``s`` and returns, its caller calls ``y``.
    A node with ``folded`` stands for several: ``value`` is the last of them and ``adjoint`` the sum of theirs.
    ``hidden`` is the sum of the flows on edges to uses that this part of a document leaves out.
    """

    id: str
    kind: str
    primitive: str
    params: Params
    name: str | None
    label: str
    value: Quantity
    adjoint: Quantity | None
    shape: tuple[int, ...]
    dtype: str
    site: Site | None
    stage: str | None
    cluster: str | None
    flags: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    folded: Folded | None = None
    hidden: Quantity | None = None

    @property
    def grad(self) -> Quantity:
        """The adjoint, by the name that users know."""
        return self.adjoint

    def __repr__(self) -> str:
        what = f"{self.name} = {self.label}" if self.name not in (None, self.label) else self.label
        gradient = "" if self.adjoint is None else f", grad {_brief(self.adjoint)}"
        return f"<Node {self.id} {what}, value {_brief(self.value)}{gradient}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Edge:
    """One use of a value: ``source`` is operand number ``slot`` of ``target``.

    ``partial`` is the local gradient d(target)/d(source, this slot only) and ``flow`` is what returns along
    the edge, ``partial * adjoint(target)`` summed over what was broadcast; both are ``None`` for a constant source.
    Where an operation on arrays is a linear map, ``partial`` is its name, and ``flow`` what the transposed map returns.
    An edge that stands for ``count`` uses has the sum of their flows, and no ``partial``.
    """

    id: str
    source: str
    target: str
    slot: int
    partial: Partial | None
    flow: Quantity | None
    count: int = 1

    def __repr__(self) -> str:
        flow = "" if self.flow is None else f", flow {_brief(self.flow)}"
        return f"<Edge {self.id} {self.source} -> {self.target}[{self.slot}]{flow}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stage:
    """One execution of a statement of the user: the nodes it made, the last of which bears its ``name``."""

    id: str
    name: str | None
    label: str
    nodes: tuple[str, ...]
    cluster: str | None
    site: Site | None

    def __repr__(self) -> str:
        count = len(self.nodes)
        return f"<Stage {self.id} {self.label}, {count} node{'s' * (count != 1)}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One call of a function of the user, nested in the ``parent`` call; ``site`` is the call itself.

    Of another ``kind`` than ``call``: ``stage`` is what the user has grouped under a name, and ``backward`` a backward
    pass that is a part of the computation; ``site`` is where it was opened or asked for.
    In a folded document it may stand for ``count`` calls from the same place.
    """

    id: str
    name: str
    parent: str | None
    site: Site | None
    kind: str = "call"
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Guard:
    """A fact that the trace took for granted: ``operation`` on ``operands`` gave ``outcome``.

    An operand is ``{"node": id}`` or ``{"value": number}``, the latter for a plain number.
    """

    id: str
    operation: str
    operands: tuple[Operand, ...]
    outcome: Structure
    site: Site | None

    def __repr__(self) -> str:
        operands = ", ".join(str(one.get("node") or one.get("value")) for one in self.operands)
        line = "" if self.site is None else f", line {self.site.line}"
        return f"<Guard {self.id} {self.operation}({operands}) is {self.outcome!r}{line}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A differentiable input: its path (``x``, ``w[0]``, ``params.rate``) and its node."""

    name: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A number of the function's result: path in the result (``""``, ``[0]``, ``['a']``), node, seed.

    ``node`` is ``None`` where the result does not depend on any input.
    """

    path: str
    node: str | None
    value: Quantity
    seed: Quantity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The traced function; ``file`` as in :class:`Site`."""

    name: str
    qualname: str
    module: str | None
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line of the user's source that the document refers to."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Annotated:
    """The annotated graph: everything that a picture, a page or a listing shows.

    ``value`` is the function's own result and ``seed`` the adjoint given to it, both as :func:`structure`
    writes them.  ``nodes`` stand in the order of evaluation and ``edges`` in the order of their targets,
    then slots.  ``note`` says what was folded or left out, if anything was.

    >>> import tracegrad as tg
    >>> document = tg.trace(lambda x: x * 2.0, 3.0).document
    >>> [(node.id, node.label, node.value, node.adjoint) for node in document.nodes]
    [('n0', 'x', 3.0, 2.0), ('n1', '2.0', 2.0, None), ('n2', '×', 6.0, 1.0)]
    >>> [(edge.source, edge.target, edge.partial, edge.flow) for edge in document.edges]
    [('n0', 'n2', 2.0, 2.0), ('n1', 'n2', None, None)]
    """

    format: str
    version: int
    function: Function
    level: str
    value: Structure
    seed: Structure
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    stages: Sequence[Stage]
    clusters: Sequence[Cluster]
    guards: tuple[Guard, ...]
    source: tuple[SourceLine, ...]
    note: str | None = None

    def __repr__(self) -> str:
        counts = f"{len(self.nodes):,} nodes, {len(self.edges):,} edges"
        return f"<{type(self).__name__} of {self.function.name} at level {self.level!r}: {counts}>"


def without_gradients(annotated: Annotated) -> Annotated:
    """The values alone: no adjoint, no flow, no seed; local gradients stay."""
    return dataclasses.replace(
        annotated,
        seed=None,
        nodes=tuple(dataclasses.replace(node, adjoint=None) for node in annotated.nodes),
        edges=tuple(dataclasses.replace(edge, flow=None) for edge in annotated.edges),
        outputs=tuple(dataclasses.replace(output, seed=None) for output in annotated.outputs),
    )


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a document.

    >>> schema()["title"]
    'tracegrad document'
    >>> schema()["$defs"]["edge"]["properties"]["flow"]["description"]
    'What returns along this edge: partial * adjoint of the target. Null for a constant source.'
    """
    text = files("tracegrad").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
