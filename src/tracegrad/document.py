"""The rows of an annotated graph: the one thing that every exporter reads.

In: nothing; these are plain frozen records.  Out: :class:`Annotated`, whose literal dump is the JSON
document (``schema.json`` beside this file says the same to a machine).  Read :class:`Node` and
:class:`Edge` first.

Numbers here are exact; rounding is a matter of the exporters.  The law of a document::

    adjoint of a node = its seed + sum of the flows on the edges to its uses
    flow of an edge   = partial (the local gradient) * adjoint of its target
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = "tracegrad"
VERSION = 1

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where in the user's source something happened: lines from 1, columns from 0 in characters, end exclusive.

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
class Node:
    """One value of the computation.

    ``kind`` is ``input`` (varies), ``const`` (a literal; its ``adjoint`` is ``None``: it does not
    vary) or ``op``.  ``label`` is the sign drawn in the gate (``×``, ``exp``, ``^2``), the input's
    name, or the constant.  ``name`` is the user's variable, ``x#2`` for the second value bound to ``x``.
    ``params`` are static data of the primitive (the exponent of ``x**2``).
    """

    id: str
    kind: str
    primitive: str
    params: Mapping[str, Any]
    name: str | None
    label: str
    value: Any
    adjoint: Any
    shape: tuple[int, ...]
    dtype: str
    site: Site | None
    stage: str | None
    cluster: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One use of a value: ``source`` is operand number ``slot`` of ``target``.

    ``partial`` is the local gradient d(target)/d(source, this slot only) and ``flow`` is what returns along
    the edge, ``partial * adjoint(target)``; both are ``None`` for a constant source.
    """

    id: str
    source: str
    target: str
    slot: int
    partial: Any
    flow: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One execution of a statement of the user: the nodes it made, the last of which bears its ``name``."""

    id: str
    name: str | None
    label: str
    nodes: tuple[str, ...]
    cluster: str | None
    site: Site | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One call of a function of the user, nested in the ``parent`` call; ``site`` is the call itself."""

    id: str
    name: str
    parent: str | None
    site: Site | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A fact that the trace took for granted: ``operation`` on ``operands`` gave ``outcome``.

    An operand is ``{"node": id}`` or ``{"value": number}``.
    """

    id: str
    operation: str
    operands: tuple[Mapping[str, Any], ...]
    outcome: Any
    site: Site | None


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
    value: Any
    seed: Any


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """The annotated graph: everything that a picture, a page or a listing shows."""

    format: str
    version: int
    function: Function
    level: str
    value: Any
    seed: Any
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    stages: tuple[Stage, ...]
    clusters: tuple[Cluster, ...]
    guards: tuple[Guard, ...]
    source: tuple[SourceLine, ...]
