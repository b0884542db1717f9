"""Folding: the same computation in the user's own words, with as few nodes as a person can read.

In: an :class:`~tracegrad.document.Annotated` at level ``op``.  Out: one at another level, so that every exporter
shows every level.  Read :func:`fold` first.

- ``stage``: a node for each statement executed (:mod:`tracegrad.fold.groups`),
- ``call``: a node for each call of a function,
- ``line``: a node for each statement, however often it was executed (:mod:`tracegrad.fold.lines`).

``columns.py`` is what folds read, ``contract.py`` the chain rule within a group, ``part.py`` takes a part of a
document: what leads to a node, what is near it, what carries the largest gradients.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from tracegrad.collector import collector_paused
from tracegrad.document import LEVELS, Annotated
from tracegrad.errors import InputError
from tracegrad.fold.columns import NONE, Columns, columns_of
from tracegrad.fold.groups import calls, stages
from tracegrad.fold.lines import lines

#: the options that say what of a computation is shown: those of ``Trace.at`` but ``level``
VIEW_OPTIONS = (
    "depth", "expand", "focus", "radius", "upstream_of", "downstream_of", "top", "hide_zero", "hide_constants",
    "progress",
)  # fmt: skip

#: nodes of a picture up to which a person can read it
READABLE = 300


def check_view(options: Collection[str]) -> None:
    """Refuse an option that is none of :data:`VIEW_OPTIONS`."""
    for name in options:
        if name not in VIEW_OPTIONS:
            raise InputError(f"there is no option {name!r}; there are level, {', '.join(VIEW_OPTIONS)}")


def fold(annotated: Annotated, level: str, *, depth: int = 0, expand: Collection[str] = ()) -> Annotated:
    """Give a document at another level; ``"auto"`` is the most detailed one with at most some 300 nodes.

    At level ``call``, calls nested deeper than ``depth`` are one node each, except those of the functions named in
    ``expand``.

    >>> import tracegrad as tg
    >>> def f(x):
    ...     y = x * x + 1
    ...     return y * y
    >>> folded = fold(tg.trace(f, 2.0).document, "stage")
    >>> [(edge.source, edge.target, edge.partial) for edge in folded.edges]
    [('n0', 'n3', 4.0), ('n3', 'n4', 10.0)]
    """
    if level == annotated.level or (level == "auto" and len(annotated.nodes) <= READABLE):
        return annotated
    if annotated.level != "op":
        raise InputError(
            f"a document at level {annotated.level!r} cannot be unfolded: fold the one at level 'op'"
        )
    return fold_columns(columns_of(annotated), level, depth=depth, expand=expand)


def automatic(columns: Columns) -> str:
    """The most detailed level at which a picture can be read."""
    if len(columns) <= READABLE:
        return "op"
    statements = len({stage for stage in columns.stage_of if stage != NONE})
    single = sum(stage == NONE for stage in columns.stage_of)
    return "stage" if statements + single <= READABLE else "line"


def fold_columns(columns: Columns, level: str, *, depth: int = 0, expand: Collection[str] = ()) -> Annotated:
    """The document at a level other than ``op``, with a note that says what was folded."""
    if level == "auto":
        level = automatic(columns)
    if level not in LEVELS:
        raise InputError(f"level {level!r} is none of {', '.join(LEVELS)}, auto")
    if isinstance(expand, str):
        raise InputError(f"expand={expand!r}: write a list of names, expand=[{expand!r}]")
    with collector_paused():
        folded = calls(columns, depth, expand) if level == "call" else _FOLDS[level](columns)
    notes = filter(None, (columns.head.note, _note(columns, folded)))
    return dataclasses.replace(folded, note="; ".join(notes))


_FOLDS = {"stage": stages, "line": lines}
_WORDS = {"stage": "statements", "call": "calls and statements", "line": "lines"}


def _note(columns: Columns, folded: Annotated) -> str:
    operations = sum(kind == "op" for kind in columns.kinds)
    nodes = sum(node.kind == "op" for node in folded.nodes)
    one = nodes == 1
    words = (
        {"stage": "statement", "call": "node", "line": "line"}[folded.level] if one else _WORDS[folded.level]
    )
    return f"{operations:,} operation{'s' * (operations != 1)} folded into {nodes:,} {words}"
