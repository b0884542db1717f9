"""The staged program of a document: its statements forward, and the statements of the way back.

In: an :class:`~tracegrad.document.Annotated`.  Out: a :class:`Program` of assignments in order, from which source and
listings are written.  Read :func:`program` first, then :class:`_Back`.

The way back is that of :mod:`tracegrad.reverse`, statement by statement: the operations from last to first, the first
contribution to a gradient stored (``dx = ...``), later ones added (``dx += ...``).  So its numbers are those of the
interpreter to the last bit.  What has no name of the user's and is used once stands in the expression that uses it.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from tracegrad.document import Annotated, Guard
from tracegrad.errors import InputError
from tracegrad.expressions import (
    Reals,
    constant,
    fill,
    name,
    number_of,
    parse,
    placeholders,
    product,
    size,
    source,
)
from tracegrad.formula import Answers, Formulas, Local, Text, written
from tracegrad.ieee import lift, plain
from tracegrad.naming import Names, identifier
from tracegrad.outline import Outline, row_of
from tracegrad.primitives import PLAIN, Primitive, partials

#: an expression longer than this gets temporaries
_LONGEST = 76
#: an unnamed gradient that mentions more values than this gets a name
_LARGEST = 5

#: how temporaries are called after operations that are signs
_WORDS = {
    "add": "sum", "sub": "difference", "mul": "product", "div": "quotient", "floordiv": "quotient", "mod": "rest",
    "literal_power": "power", "neg": "minus", "sum_from": "sum", "sumprod": "dot",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """``target = expression`` or ``target += expression``.

    ``node`` is the one whose value or gradient the target is, ``through`` the one that is computed, or that the
    gradient returns through; ``value`` is what the expression gave when it was recorded.
    """

    target: str
    sign: str
    expression: ast.expr
    node: int
    through: int
    value: Any
    back: bool = False

    @property
    def computes(self) -> bool:
        """Whether the target is a value of the user's function, and not of the way back."""
        return not self.back

    @property
    def text(self) -> str:
        return f"{self.target} {self.sign} {source(self.expression)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A fact that the trace took for granted: ``expression`` gave ``outcome``; ``where`` is said where it does not."""

    expression: ast.expr
    outcome: str
    where: str
    through: int


Statement = Assign | Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function and its way back.

    ``values`` are the names of nodes.  ``short`` is the function alone; ``forward`` gives a name to every value that
    ``backward`` needs.  Results are expressions by output path, ``gradients`` expressions by input path.  ``helpers``
    are definitions of functions that the statements call; ``seed`` is the name of the seed, where one is needed.
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
    seed: str | None


def program(
    annotated: Annotated,
    names: Names | None = None,
    parameters: Mapping[str, str] | None = None,
    *,
    limit: int = 2000,
) -> Program:
    """The staged program of a document.

    ``names`` are those that are taken already, among them those of ``parameters``: input path -> parameter.

    >>> import tracegrad as tg
    >>> def f(x):
    ...     y = x * x
    ...     return y + x
    >>> found = program(tg.trace(f, 3.0).document)
    >>> [statement.text for statement in (*found.forward, *found.backward)]
    ['y = x * x', 'value = y + x', 'dy = 1.0', 'dx = 1.0', 'dx += x * dy', 'dx += x * dy']
    """
    operations = sum(node.kind == "op" for node in annotated.nodes)
    if operations > limit:
        raise InputError(
            f"{annotated.function.name} ran {operations} operations, and its loops would be written out as so many "
            f"statements: trace a smaller call, or raise the limit with limit={operations}"
        )
    outline = Outline(annotated)
    formulas = Formulas()
    naming = _Naming(outline, names or Names(), parameters or {})
    back = _Back(outline, formulas, naming)
    backward = list(back.statements())
    needed = {i for statement in backward for i in placeholders(statement.expression, "N")}
    forward, results = _forward(outline, formulas, naming, needed)
    short, short_results = _forward(outline, formulas, naming, None)
    known = naming.known(backward)
    return Program(
        outline=outline,
        values=naming.values,
        short=tuple(short),
        short_results=short_results,
        forward=tuple(forward),
        results=results,
        backward=tuple(_named(one, known) for one in backward),
        gradients={path: fill(back.gradient(index), known) for path, index in outline.inputs},
        helpers=formulas.helpers,
        seed=back.seed,
    )


def _named(statement: Statement, known: Mapping[str, ast.expr]) -> Statement:
    """A statement with names in place of placeholders."""
    expression = fill(statement.expression, known)
    if isinstance(statement, Check):
        return replace(statement, expression=expression)
    return replace(statement, expression=expression, target=source(known[statement.target]), back=True)


# ---- names ------------------------------------------------------------------------------------------


class _Naming:
    """The names of values and of their gradients."""

    def __init__(self, outline: Outline, free: Names, parameters: Mapping[str, str]) -> None:
        self.outline = outline
        self.free = free
        self.values = {index: parameters[path] for path, index in outline.inputs if path in parameters}
        self.gradients: dict[int, str] = {}
        self.locals: dict[int, str] = {}
        for index in sorted(outline.live | {index for _, index in outline.inputs}):
            node = outline.nodes[index]
            if node.name is not None and index not in self.values:
                self.values[index] = free.take(node.name)
        for output, index in outline.outputs:
            if index not in self.values:
                self.values[index] = free.numbered(identifier(f"value{output.path}"))

    def value(self, index: int) -> str:
        """A variable, or a temporary called by its statement and its operation; a call's result by its function."""
        if index not in self.values:
            node = self.outline.nodes[index]
            last = self.outline.last_of_stage(index)
            word = _WORDS.get(node.primitive, node.primitive.rpartition(".")[2])
            statement = self.values.get(last) or self.outline.function(index)
            if last != index and last not in self.values and statement is not None:
                statement = self.value(last)
            wish = word if statement is None else statement if index == last else f"{statement}_{word}"
            self.values[index] = self.free.numbered(identifier(wish))
        return self.values[index]

    def gradient(self, index: int) -> str:
        """``dx`` for ``x``, unless the user has a variable of that name."""
        if index not in self.gradients:
            own = self.value(index)
            wish = f"d{own}"
            self.gradients[index] = self.free.numbered(f"d_{own}" if wish in self.free else wish)
        return self.gradients[index]

    def local(self, index: int) -> str:
        """The name for all local gradients of a gate."""
        if index not in self.locals:
            self.locals[index] = self.free.numbered(f"{self.value(index)}_partials")
        return self.locals[index]

    def known(self, backward: list[Statement]) -> dict[str, ast.expr]:
        """What the placeholders stand for; the targets of the way back get their names here."""
        for one in backward:
            if isinstance(one, Assign):
                self.gradient(one.node) if one.target.startswith("D") else self.local(one.node)
        columns = {"N": self.values, "D": self.gradients, "L": self.locals}
        return {
            f"{letter}_{i}": name(text) for letter, column in columns.items() for i, text in column.items()
        }


# ---- forward ----------------------------------------------------------------------------------------


def _forward(
    outline: Outline, formulas: Formulas, naming: _Naming, needed: set[int] | None
) -> tuple[list[Statement], dict[str, ast.expr]]:
    """The statements up to the result, and the results by path; what is ``needed`` later and all results get names.

    ``None`` stands for the function alone, which needs nothing.
    """
    returned = {index for _, index in outline.outputs}
    named = set() if needed is None else needed | returned
    once = outline.used_once()
    known: dict[str, ast.expr] = {}
    statements: list[Statement] = list(_checks(outline, formulas, -1, known))
    for index in sorted(outline.live):
        node = outline.nodes[index]
        tree = fill(_operation(outline, formulas, naming, index), known)
        inside = node.name is None and index not in named and index in once
        inside = inside and (index in returned or len(source(tree)) <= _LONGEST)
        if node.kind == "op" and not inside:
            own = naming.value(index)
            statements.append(
                Assign(target=own, sign="=", expression=tree, node=index, through=index, value=node.value)
            )
            tree = name(own)
        known[f"N_{index}"] = tree
        statements += _checks(outline, formulas, index, known)
    at = {output.path: known[f"N_{index}"] for output, index in outline.outputs}
    constants = {o.path: parse(written(o.value)) for o in outline.annotated.outputs if o.node is None}
    return statements, {output.path: (at | constants)[output.path] for output in outline.annotated.outputs}


def _operation(outline: Outline, formulas: Formulas, naming: _Naming, index: int) -> ast.expr:
    """A node as an expression of its operands' placeholders."""
    node = outline.nodes[index]
    if node.kind == "input":
        return name(naming.value(index))
    if node.kind == "const":
        return parse(written(node.value))
    operands = [f"N_{operand}" for operand in outline.sources(index)]
    return parse(formulas.call(outline.row(index), operands, dict(node.params)))


def _checks(
    outline: Outline, formulas: Formulas, index: int, known: Mapping[str, ast.expr]
) -> Iterator[Check]:
    for guard in outline.guards[index]:
        operands = iter(outline.guarded(guard))
        texts = [
            f"N_{next(operands)}" if "node" in operand else written(operand["value"])
            for operand in guard.operands
        ]
        yield Check(
            expression=fill(parse(formulas.call(row_of(guard.operation), texts, {})), known),
            outcome=written(guard.outcome),
            where=_place(guard),
            through=index,
        )


def _place(guard: Guard) -> str:
    """Where a guard stands, in the user's words."""
    if guard.site is None:
        return guard.operation
    text = " ".join((guard.site.text or guard.operation).split())
    return f"{guard.site.file or guard.site.function}:{guard.site.line}: {text}"


# ---- the way back -----------------------------------------------------------------------------------


class _Back:
    """The backward pass as statements on placeholders."""

    def __init__(self, outline: Outline, formulas: Formulas, naming: _Naming) -> None:
        self.outline = outline
        self.formulas = formulas
        self.naming = naming
        self.reals = Reals([node.dtype for node in outline.nodes])
        self.reached = self._reached()
        self.seed = self._name_of_seed()
        #: how many contributions the gradient of a node has
        self.terms: Counter[int] = Counter({index: 1 for _, index in outline.outputs})
        self.terms.update(s for index in self.reached for s in outline.sources(index) if outline.varies(s))
        #: gradients that stand in the expression that uses them
        self.inside: dict[int, ast.expr] = {}
        self.begun: set[int] = set()

    def _reached(self) -> list[int]:
        """The operations that a gradient returns through, last first."""
        found = {index for _, index in self.outline.outputs}
        for index in range(len(self.outline.nodes) - 1, -1, -1):
            if index in found:
                found.update(filter(self.outline.varies, self.outline.sources(index)))
        return sorted((index for index in found if self.outline.nodes[index].kind == "op"), reverse=True)

    def _name_of_seed(self) -> str | None:
        outputs = self.outline.outputs
        if len(outputs) == 1:
            return None if outputs[0][0].seed == 1 else self.naming.free.numbered("seed")
        return self.naming.free.numbered("seeds") if outputs else None

    def statements(self) -> Iterator[Statement]:
        """Seeds, then the operations from last to first."""
        for index, seed in self._seeds().items():
            yield from self._contribute(index, seed, index, self._recorded_seed(index))
        for index in self.reached:
            upstream = self.inside.get(index, name(f"D_{index}"))
            found = list(self._locals(index))
            longest = max((size(local) for _, _, local in found if local is not None), default=0)
            if longest + size(upstream) > _LARGEST and not _bare(upstream):
                yield self._assign(index, upstream, index, self.outline.nodes[index].adjoint)
                upstream = name(f"D_{index}")
            for statement, slot, local in found:
                if statement is not None:
                    yield statement
                if local is not None:
                    edge = self.outline.edges[index][slot]
                    flow = product(local, upstream, self.reals, real=isinstance(edge.partial, float))
                    yield from self._contribute(self.outline.sources(index)[slot], flow, index, edge.flow)

    def gradient(self, index: int) -> ast.expr:
        """The gradient of an input when all is done."""
        return name(f"D_{index}") if index in self.begun else constant(0.0)

    def _seeds(self) -> dict[int, ast.expr]:
        """The seed of each output, as an expression; a node that is in the result twice gets the sum."""
        if self.seed is None:
            return {index: constant(1.0) for _, index in self.outline.outputs}
        found: dict[int, str] = {}
        for number, (_, index) in enumerate(self.outline.outputs):
            text = self.seed if len(self.outline.outputs) == 1 else f"{self.seed}[{number}]"
            found[index] = f"{found[index]} + {text}" if index in found else text
        return {index: parse(text) for index, text in found.items()}

    def _recorded_seed(self, index: int) -> Any:
        seeds: list[Any] = [output.seed for output, node in self.outline.outputs if node == index]
        return reduce(operator.add, seeds)

    def _contribute(self, index: int, flow: ast.expr, through: int, value: Any) -> Iterator[Assign]:
        if index not in self.begun and self.terms[index] == 1 and self._stands_inside(index, flow):
            self.inside[index] = flow
            return
        yield self._assign(index, flow, through, value)

    def _assign(self, index: int, flow: ast.expr, through: int, value: Any) -> Assign:
        sign = "+=" if index in self.begun else "="
        self.begun.add(index)
        return Assign(
            target=f"D_{index}", sign=sign, expression=flow, node=index, through=through, value=value
        )

    def _stands_inside(self, index: int, flow: ast.expr) -> bool:
        """Whether a gradient with one contribution goes without a name: the seed 1, and steps within a statement."""
        node = self.outline.nodes[index]
        if node.kind == "input" or (node.name is not None and index not in self._seeded()):
            return False
        if _bare(flow):
            return True
        uses = sum(map(self.outline.varies, self.outline.sources(index)))
        return node.name is None and uses <= 1 and size(flow) <= _LARGEST

    def _seeded(self) -> set[int]:
        return {index for _, index in self.outline.outputs} if self.seed is None else set()

    # ---- local gradients

    def _locals(self, index: int) -> Iterator[tuple[Statement | None, int, ast.expr | None]]:
        """Slot and local gradient of each operand that varies, and statements that must precede them."""
        operands = self.outline.sources(index)
        wanted = [slot for slot, operand in enumerate(operands) if self.outline.varies(operand)]
        row = self.outline.row(index)
        poles = [slot for slot in wanted if self._at_pole(row, index, slot)]
        for operand in dict.fromkeys(operands if poles else ()):
            yield self._pole_check(index, operand, row), 0, None
        found = self._texts(row, index, [slot for slot in wanted if slot not in poles])
        if isinstance(found, str):
            call = parse(found)
            if len(wanted) > 1:
                shared = f"L_{index}"
                value = [edge.partial for edge in self.outline.edges[index]]
                all_of_them = Assign(
                    target=shared, sign="=", expression=call, node=index, through=index, value=value
                )
                yield all_of_them, 0, None
                call = name(shared)
            found = {slot: ast.Subscript(call, ast.Constant(slot), ast.Load()) for slot in wanted}
        for slot in wanted:
            local = self._literal(index, slot) if slot in poles else found[slot]
            yield None, slot, local

    def _texts(self, row: Primitive, index: int, slots: list[int]) -> dict[int, ast.expr] | str:
        if not slots:
            return {}
        out, *operands = (self._text(i) for i in (index, *self.outline.sources(index)))
        static = list(self.outline.nodes[index].params.values())
        if row.variadic:
            found = self.formulas.all_locals(row, out, operands)
            return found if isinstance(found, str) else {slot: _tree(found[slot]) for slot in slots}
        return {slot: _tree(self.formulas.local(row, slot, out, operands, static)) for slot in slots}

    def _text(self, index: int) -> Any:
        """A node for a rule: a constant as the number it is, anything else as a text."""
        node = self.outline.nodes[index]
        if node.kind == "const":
            return node.value
        return Text(f"N_{index}", Answers(self.formulas), real=node.dtype == "float")

    # ---- poles

    def _at_pole(self, row: Primitive, index: int, slot: int) -> bool:
        """Whether Python's arithmetic raises where the interpreter goes on with inf or nan."""
        node = self.outline.nodes[index]
        arguments = [node.value, *self.outline.values(index), *node.params.values()]
        try:
            if row.variadic:
                local = partials(row, PLAIN, arguments[0], arguments[1:])[slot]
            else:
                rule = row.rules[slot]  # type: ignore[index]
                local = rule(PLAIN, *arguments) if callable(rule) else rule
            local * (node.adjoint or 0.0)
        except (ArithmeticError, ValueError):
            return True
        return False

    def _literal(self, index: int, slot: int) -> ast.expr:
        return constant(float(plain(lift(self.outline.edges[index][slot].partial))))

    def _pole_check(self, index: int, operand: int, row: Primitive) -> Check:
        """At a pole the local gradient is that of the trace, so the operands must be too."""
        site = self.outline.nodes[index].site
        place = f"{site.file or site.function}:{site.line}: " if site is not None else ""
        return Check(
            expression=name(f"N_{operand}")
            if self.outline.varies(operand)
            else parse(self._constant(operand)),
            outcome=written(self.outline.nodes[operand].value),
            where=f"{place}{row.name} was at its pole",
            through=index,
        )

    def _constant(self, operand: int) -> str:
        return written(self.outline.nodes[operand].value)


def _bare(tree: ast.expr) -> bool:
    """A name or a number: what costs nothing to write twice."""
    return isinstance(tree, ast.Name) or number_of(tree) is not None


def _tree(local: Local) -> ast.expr:
    return parse(local) if isinstance(local, str) else constant(local)
