"""The way there: the user's function as statements.

In: an :class:`~tracegrad.outline.Outline`, its nest, and the :class:`~tracegrad.code_names.CodeNames`.  Out: statements
up to the result.  Read :class:`WayThere` first.

What has no name of the user's and is used once stands in the expression that uses it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from tracegrad.code_names import CodeNames
from tracegrad.document import Guard
from tracegrad.errors import UnsupportedError
from tracegrad.expressions import fill, name, parse, source
from tracegrad.formula import Formulas, written
from tracegrad.outline import Outline, row_of
from tracegrad.primitives import POWER
from tracegrad.repeats import Item, Repeat
from tracegrad.statements import Assign, Check, Loop, Move, Push, Stack, Statement
from tracegrad.structures import Opaque

#: an expression longer than this gets temporaries
_LONGEST = 76


class WayThere:
    """Writes the statements; what is ``needed`` later and all results get names.

    ``None`` stands for the function alone, which needs nothing.  Without ``closed`` every operation is a statement.
    """

    def __init__(
        self,
        outline: Outline,
        formulas: Formulas,
        variables: CodeNames,
        needed: set[int] | None,
        closed: bool = True,
    ) -> None:
        self.outline = outline
        self.formulas = formulas
        self.variables = variables
        self.returned = {index for _, index in outline.outputs}
        self.alone = needed is None
        self.closed = closed
        self.named = set() if needed is None else needed | self.returned
        for loop in variables.loops:
            self.named |= {*loop.carried, *loop.after, *loop.exposed, *loop.listed}
        self.once = outline.used_once
        self.known: dict[int, ast.expr] = {}

    def statements(self, items: Iterable[Item]) -> Iterator[Statement]:
        """The statements of a nest."""
        for item in items:
            if isinstance(item, Guard):
                yield self._check(item)
            elif isinstance(item, Repeat):
                yield from self._loop(item)
            else:
                yield from self._operation(item)

    def shapes(self) -> Iterator[Check]:
        """What was taken for granted of arguments that are arrays: numbers that come of their shapes are literals."""
        shapes = {
            index: shape
            for path, index in self.outline.inputs
            if (shape := getattr(self.outline.raw(index), "shape", None)) is not None
            and index in self.outline.live
            and (self.outline.arrays or not self.outline.kind(index))
        }
        for root, indices in self.variables.lists_of_arrays(shapes).items():
            asked = ast.Call(name("list"), [parse(f"map(np.shape, {self.variables.roots[root]})")], [])
            outcome = f"[{shapes[indices[0]]!r}] * {len(indices)}"
            yield Check(expression=asked, outcome=outcome, where=f"the shapes of {root}", through=-1)
            for index in indices:
                del shapes[index]
        for path, index in self.outline.inputs:
            if index in shapes:
                asked = ast.Call(parse("np.shape"), [name(self.variables.value(index))], [])
                where = f"the shape of {path}"
                yield Check(expression=asked, outcome=repr(shapes[index]), where=where, through=-1)

    def results(self) -> dict[str, ast.expr]:
        """The results by path."""
        at = {output.path: index for output, index in self.outline.outputs}
        return {
            output.path: self.variables.constant(value)
            if output.node is None
            else self._result(at[output.path])
            for output, value in zip(self.outline.annotated.outputs, self.outline.results, strict=True)
        }

    def _result(self, index: int) -> ast.expr:
        return self._filled(name(f"N_{index}"), [index])

    def _operation(self, index: int) -> Iterator[Statement]:
        node, sources = self.outline.nodes[index], self.outline.sources(index)
        call = self._call(index)
        tree = self._filled(call, sources)
        if self.outline.arrays:
            while len(source(tree)) > _LONGEST and (longest := self._longest_inside(sources)) is not None:
                yield self._assign(longest, self.known[longest])
                tree = self._filled(call, sources)
        inside = self.closed and node.name is None and index not in self.named and index in self.once
        if inside and (index in self.returned or len(source(tree)) <= _LONGEST):
            self.known[index] = tree
            return
        yield self._assign(index, tree)

    def _call(self, index: int) -> ast.expr:
        """The operation on placeholders."""
        if self.outline.in_numpy(index):
            return self.variables.arrays.call(index)
        operands = [f"N_{operand}" for operand in self.outline.sources(index)]
        exponents = [f"N_{one}" for one in self.outline.positions(index) if self.variables.varies_here(one)]
        if exponents:
            return parse(self.formulas.call(POWER, [*operands, *exponents], {}))
        row = self.outline.row(index)
        static = dict(zip(row.params, self.outline.given(index), strict=True))
        return parse(self.formulas.call(row, operands, static))

    def _assign(self, index: int, tree: ast.expr) -> Assign:
        own, value = self.variables.value(index), self.outline.value(index)
        self.known[index] = name(own)
        return Assign(target=own, sign="=", expression=tree, node=index, through=index, value=value)

    def _longest_inside(self, operands: Sequence[int]) -> int | None:
        """The operand with the longest expression, of those that have no name."""
        inside = [i for i in operands if i in self.known and not isinstance(self.known[i], ast.Name)]
        return max(inside, key=lambda i: len(source(self.known[i])), default=None)

    def _check(self, guard: Guard) -> Check:
        asked = self.outline.asked(guard)
        if self.outline.arrays and self.outline.asks(guard) is not None:
            tree, outcome = self.variables.arrays.question(guard)
        elif any(isinstance(self.outline.raw(operand), Opaque) for operand in asked):
            raise UnsupportedError(
                f"{_place(guard)} asks what is no number, so that no source can be written"
            )
        else:
            texts = [f"N_{operand}" for operand in asked]
            if guard.operation == "raised":
                attempted, texts, asked = row_of(guard.operands[0]["value"]), texts[1:], asked[1:]
                static = dict(zip(attempted.params, texts[len(texts) - len(attempted.params) :], strict=True))
                text = self.formulas.attempt(attempted, texts[: len(texts) - len(static)], static)
            else:
                text = self.formulas.call(row_of(guard.operation), texts, {})
            tree, outcome = parse(text), written(guard.outcome)
        return Check(
            expression=self._filled(tree, asked),
            outcome=outcome,
            where=_place(guard),
            through=max(self.outline.guarded(guard), default=-1),
        )

    def _filled(self, tree: ast.expr, operands: Sequence[int]) -> ast.expr:
        tree = self.variables.here(tree)
        filled = fill(tree, {f"N_{operand}": self._operand(operand) for operand in operands})
        return self.variables.whole_lists(filled) if len(operands) > 1 else filled

    def _operand(self, index: int) -> ast.expr:
        """What stands for a value."""
        if index in self.known:
            return self.known[index]
        if self.outline.varies(index):
            return name(self.variables.value(index))
        return self.variables.literal(index)

    # ---- loops

    def _loop(self, loop: Repeat) -> Iterator[Statement]:
        """The loop: what is carried gets its first value before, and its next one at the end of a turn."""
        entries = list(loop.carried)
        yield from self._move(entries, [self._before(loop, entry) for entry in entries])
        lists = {rep: self.variables.lists[self.variables.ways[rep][0]][0] for rep in loop.listed}
        for own in lists.values():
            yield Stack(name=own)
        with self.variables.within(loop):
            body = list(self.statements(loop.body))
            for rep, own in lists.items():
                body.append(Push(stack=own, values=(self.variables.value(rep),)))
            latest = [loop.carries(node, back - 1) for node, back in loop.carried.values()]
            body += self._move(entries, [self._operand(node) for node in latest])
        targets, iterable = self.variables.header(loop)
        yield Loop(
            targets=targets,
            iterable=iterable,
            body=tuple(body),
            turns=loop.turns,
            at=loop.at,
            number=self.variables.loops.index(loop),
        )
        last = {node: self._operand(stand_in) for node, stand_in in loop.after.items()}
        if self.alone:
            self.known |= last  # no way back takes values off a stack into these names
        else:
            yield from self._move(list(last), list(last.values()))

    def _before(self, loop: Repeat, entry: int) -> ast.expr:
        index = loop.before[entry]
        return fill(self.variables.here(parse(f"N_{index}")), {f"N_{index}": self._operand(index)})

    def _move(self, nodes: Sequence[int], sources: Sequence[ast.expr]) -> Iterator[Move]:
        if nodes:
            yield Move(targets=tuple(map(self.variables.value, nodes)), sources=tuple(sources))


def _place(guard: Guard) -> str:
    """Where a guard stands, in the user's words."""
    if guard.site is None:
        return guard.operation
    text = " ".join((guard.site.text or guard.operation).split())
    return f"{guard.site.file or guard.site.function}:{guard.site.line}: {text}"
