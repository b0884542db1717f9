"""The staged program of a document: its statements forward, and the statements of the way back.

In: an :class:`~tracegrad.document.Annotated`.  Out: a :class:`Program` of statements in order, from which source and
listings are written.  Read :func:`program` first; it is the way there (:mod:`tracegrad.way_there`), the way back
(:mod:`tracegrad.way_back`), and the loops that :mod:`tracegrad.repeats` finds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tracegrad.code_names import CodeNames
from tracegrad.collector import collector_paused
from tracegrad.document import Annotated
from tracegrad.errors import InputError
from tracegrad.expressions import fill, parse, placeholders, source
from tracegrad.formula import Formulas
from tracegrad.gathered import gathered
from tracegrad.joined import Function, joined
from tracegrad.listed import at_once
from tracegrad.naming import Names
from tracegrad.outline import Outline
from tracegrad.repeats import inside, nest
from tracegrad.stacks import stacked
from tracegrad.statements import (
    Assign,
    Check,
    Loop,
    Move,
    Statement,
    each,
    mentioned,
    needed,
    renamed,
    used,
)  # fmt: skip
from tracegrad.units import Units
from tracegrad.way_back import WayBack
from tracegrad.way_there import WayThere

#: loops of so many turns are written out
UNROLL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function and its way back.

    ``values`` are the names of nodes.  ``short`` is the function alone; ``forward`` gives a name to every value that
    ``backward`` needs.  Results are expressions by output path, ``gradients`` expressions by input path.  ``helpers``
    are definitions of functions that the statements call, ``tables`` long series of literals that loops go through,
    and long arrays; ``seed`` is the name of the seed, where one is needed.  ``vectors`` are the arguments that a loop
    goes through, with the variable for the gradient of each, ``lists`` what loops leave in a list, with its length;
    ``begun`` are the inputs that get a gradient.  ``recorded`` are the gradients by name, and what loops count and run
    through, in the turn that is shown.
    """

    outline: Outline
    values: dict[int, str]
    short: tuple[Statement, ...]
    short_results: dict[str, ast.expr]
    forward: tuple[Statement, ...]
    results: dict[str, ast.expr]
    backward: tuple[Statement, ...]
    gradients: dict[str, ast.expr]
    helpers: dict[str, str]
    tables: dict[str, tuple[ast.expr, ...] | ast.expr]
    seed: str | None
    vectors: dict[str, str]
    lists: dict[str, int]
    begun: frozenset[str]
    recorded: dict[str, Any]


def program(
    annotated: Annotated,
    names: Names | None = None,
    roots: Mapping[str, str] | None = None,
    *,
    limit: int = 2000,
    unroll: int = UNROLL,
    join: bool = True,
    closed: bool = True,
    gather: bool = True,
) -> Program:
    """The staged program of a document; loops of more than ``unroll`` turns are loops in it.

    ``names`` are those that are taken already, among them those of ``roots``: parameter -> its name.  With ``join``
    a variable is changed in place where it can be, without it every name has one value in a turn of a loop.  With
    ``closed`` each statement of the user's stays one where that can be read, without it every operation is a statement;
    with ``gather`` the terms that a statement adds to a gradient are one sum.

    >>> import tracegrad as tg
    >>> def f(x):
    ...     y = x * x
    ...     return y + x
    >>> found = program(tg.trace(f, 3.0).document)
    >>> [statement.text for statement in (*found.forward, *found.backward)]
    ['y = x * x', 'value = y + x', 'dy = 1.0', 'dx = 1.0', 'dx += x * dy', 'dx += x * dy']
    """
    with collector_paused():
        outline = Outline(annotated)
        items = nest(Units(outline), unroll)
    operations = {item for item in inside(items) if isinstance(item, int)}
    if len(operations) > limit:
        raise InputError(
            f"{annotated.function.name} ran {len(operations)} operations that are no turns of a loop, and would be "
            "written out as so many statements: trace a smaller call, or raise the limit with "
            f"limit={len(operations)}"
        )
    outline.show_only(operations)
    formulas = Formulas()
    variables = CodeNames(outline, items, names or Names(), roots or {})
    way_back = WayBack(outline, formulas, variables, closed)
    backward = list(way_back.statements(items))
    if gather:
        backward = list(gathered(backward, outline.stage, way_back.reals, way_back.reads))
    wanted = {i for one in each(backward) for tree in _trees(one) for i in placeholders(tree, "N")}
    there, short = (WayThere(outline, formulas, variables, one, closed) for one in (wanted, None))
    forward, alone = ([*one.shapes(), *one.statements(items)] for one in (there, short))
    known = variables.known(backward)
    backward = list(_named(backward, known))
    if variables.lists:
        lengths = {own: turns for _, own, turns in variables.lists.values()}
        backward = list(at_once(backward, lengths, variables.free.numbered("each")))
        mentioned_names = {own for one in each(backward) for own in used(one)}
        idle = lengths.keys() - mentioned_names
        backward = [one for one in backward if not (isinstance(one, Move) and idle.issuperset(one.targets))]
    forward, backward = stacked(forward, backward, variables.free)
    forward, alone = (list(map(_without_idle_index, one)) for one in (forward, alone))
    results, alone_results = there.results(), short.results()
    reached = {index for node in outline.reached for index in outline.sources(node)}
    reached |= {index for _, index in outline.outputs}
    gradients = {path: fill(way_back.gradient(index), known) for path, index in outline.inputs}
    found = Program(
        outline=outline,
        values=variables.values,
        short=tuple(alone),
        short_results=alone_results,
        forward=tuple(forward),
        results=results,
        backward=tuple(backward),
        gradients=gradients,
        helpers=formulas.helpers | (variables.arrays.helpers if outline.arrays else {}),
        tables={**dict(variables.tables.values()), **variables.tables_of_arrays},
        seed=way_back.seed,
        vectors=variables.vectors,
        lists={own: turns for own, _, turns in variables.lists.values()},
        begun=frozenset(path for path, index in outline.inputs if index in reached),
        recorded=variables.recorded
        | {own: outline.nodes[index].adjoint for index, own in variables.gradients.items()},
    )
    if not variables.loops or not join:
        return found
    seed = {way_back.seed} if way_back.seed else set()
    return _joined(
        found, variables.stems | {own: own for own in seed}, frozenset((roots or {}).values()) | seed
    )


def _without_idle_index(one: Statement) -> Statement:
    """A loop without an index that only its way back needs."""
    if not isinstance(one, Loop):
        return one
    body = tuple(map(_without_idle_index, one.body))
    iterable = one.iterable
    zipped = (
        isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and iterable.func.id == "zip"
    )
    series = iterable.args if zipped else [iterable]  # type: ignore[attr-defined]
    wanted = needed(body)
    runs = [(own, tree) for own, tree in zip(one.targets, series, strict=False) if own in wanted]
    if len(runs) == len(one.targets):
        return replace(one, body=body)
    if len(runs) > 1:
        iterable = ast.Call(iterable.func, [tree for _, tree in runs], iterable.keywords)  # type: ignore[attr-defined]
    else:
        iterable = runs[0][1] if runs else parse(f"range({one.turns})")
    return replace(one, targets=tuple(own for own, _ in runs), iterable=iterable, body=body)


def _trees(one: Statement) -> tuple[ast.expr, ...]:
    match one:
        case Assign(expression=expression) | Check(expression=expression):
            return (expression,)
        case Move(sources=sources):
            return sources
    return ()


def _named(statements: Iterable[Statement], known: Mapping[str, ast.expr]) -> Iterator[Statement]:
    """Statements with names in place of placeholders."""
    for one in statements:
        match one:
            case Assign(target=target, expression=expression):
                target = source(fill(parse(target), known))
                yield replace(one, expression=fill(expression, known), target=target, back=True)
            case Check(expression=expression):
                yield replace(one, expression=fill(expression, known))
            case Move(targets=targets, sources=sources):
                yield Move(
                    targets=tuple(source(fill(parse(target), known)) for target in targets),
                    sources=tuple(fill(tree, known) for tree in sources),
                )
            case Loop(body=body):
                yield replace(one, body=tuple(_named(body, known)))


def _joined(found: Program, stems: Mapping[str, str], fixed: frozenset[str]) -> Program:
    """The program with fewer names: a copy that is not needed beside the original is the original."""
    given = fixed | {found.values[index] for _, index in found.outline.inputs if index in found.values}
    results = {name for tree in found.results.values() for name in mentioned(tree)}
    gradients = {name for tree in found.gradients.values() for name in mentioned(tree)}
    alone = {name for tree in found.short_results.values() for name in mentioned(tree)}
    whole = Function(
        given=given, statements=(*found.forward, *found.backward), results=frozenset(results | gradients)
    )
    short = Function(given=given, statements=found.short, results=frozenset(alone))
    names = joined([whole, short], stems, fixed)
    trees = {old: parse(new) for old, new in names.items()}
    return replace(
        found,
        values={index: names.get(own, own) for index, own in found.values.items()},
        short=tuple(renamed(found.short, names)),
        short_results={path: fill(tree, trees) for path, tree in found.short_results.items()},
        forward=tuple(renamed(found.forward, names)),
        results={path: fill(tree, trees) for path, tree in found.results.items()},
        backward=tuple(renamed(found.backward, names)),
        gradients={path: fill(tree, trees) for path, tree in found.gradients.items()},
    )
