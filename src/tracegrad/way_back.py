"""The way back: the chain rule through a program, statement by statement.

In: an :class:`~tracegrad.outline.Outline`, its nest, and the :class:`~tracegrad.code_names.CodeNames`.  Out: statements
on placeholders.  Read :meth:`WayBack.statements` first, then :meth:`WayBack._through`.

It is that of :mod:`tracegrad.reverse`: the operations from last to first, the first contribution to a gradient stored
(``dx = ...``), later ones added (``dx += ...``).  So its numbers are those of the interpreter to the last bit.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any

from tracegrad.code_names import CodeNames
from tracegrad.divided import Divided
from tracegrad.expressions import (
    Reals,
    constant,
    depth,
    fill,
    name,
    number_of,
    parse,
    product,
    signed,
    size,
    source,
)
from tracegrad.formula import Answers, Formulas, Local, Text, written
from tracegrad.outline import Outline
from tracegrad.primitives import Primitive
from tracegrad.repeats import Item, Repeat, inside
from tracegrad.statements import Assign, Check, Loop, Move, Statement, each, used

#: a gradient that stands inside of an expression makes it no wider, deeper and larger than this
_WIDEST, _DEEPEST, _LARGEST = 84, 3, 8


class WayBack:
    """The backward pass as statements on placeholders.

    With ``closed`` the gradient of a value inside of a statement stands in the expression that uses it, as long as
    that can be read; else each operation has its own.
    """

    def __init__(
        self, outline: Outline, formulas: Formulas, variables: CodeNames, closed: bool = True
    ) -> None:
        self.outline = outline
        self.formulas = formulas
        self.variables = variables
        self.closed = closed
        mixed = variables.mixed()
        self.reals = Reals(lambda index: "mixed" if index in mixed else _kind(outline.dtype(index)))
        reached = outline.reached
        self.seed = self._name_of_seed()
        #: how many contributions the gradient of a node has
        self.terms: Counter[int] = Counter({index: 1 for _, index in outline.outputs})
        self.terms.update(s for index in reached for s in outline.sources(index) if outline.varies(s))
        #: gradients that stand in the expression that uses them
        self.inside: dict[int, ast.expr] = {}
        self.begun: set[int] = set()
        #: gradients that pass from turn to turn, or into a loop
        self.passing = {index for loop in variables.loops for index in self._passing(loop)}
        self.passing |= variables.listed.keys()

    def _name_of_seed(self) -> str | None:
        outputs = self.outline.outputs
        if len(outputs) == 1:
            seed = outputs[0][0].seed
            return (
                None
                if seed == 1 or getattr(seed, "values", None) == (1.0,)
                else self.variables.free.numbered("seed")
            )
        return self.variables.free.numbered("seeds") if outputs else None

    def statements(self, items: Sequence[Item]) -> Iterator[Statement]:
        """Seeds, then the operations from last to first."""
        seeds = self._seeds()
        yield from self._lists(seeds)
        for index, seed in seeds.items():
            yield from self._contribute(index, seed, index, self._recorded_seed(index))
        yield from self._way(items)

    def _way(self, items: Sequence[Item]) -> Iterator[Statement]:
        for item in reversed(items):
            if isinstance(item, Repeat):
                yield from self._loop(item)
            elif isinstance(item, int) and item in self.outline.reached:
                yield from self._through(item)

    def _through(self, index: int) -> Iterator[Statement]:
        """What returns through an operation to its operands."""
        if self.outline.on_arrays(index):
            yield from self._through_arrays(index)
            return
        upstream = self.inside.get(index, name(f"D_{index}"))
        found = list(self._locals(index))
        if not self._bare(upstream) and not all(
            self._reads(product(local, upstream, self.reals), self.outline.sources(index)[slot])
            for _, slot, local in found
            if local is not None
        ):
            yield self._assign(index, upstream, index, self.outline.nodes[index].adjoint)
            upstream = name(f"D_{index}")
        for statement, slot, local in found:
            if statement is not None:
                yield statement
            if local is not None:
                real = isinstance(self.outline.partial(index, slot), float)
                flow = product(local, upstream, self.reals, real=real)
                source, recorded = self.outline.sources(index)[slot], self.outline.flow(index, slot)
                yield from self._contribute(source, flow, index, recorded)

    def _through_arrays(self, index: int) -> Iterator[Statement]:
        """The same where the derivative of the operation may be a linear map."""
        operands = self.outline.sources(index)
        wanted = list(map(self.outline.varies, operands))
        upstream = self.inside.get(index, name(f"D_{index}"))
        found = self.variables.arrays.returned(
            index, wanted, upstream if self._bare(upstream) else name(f"D_{index}")
        )
        literals = {
            f"N_{operand}": self.variables.literal(operand)
            for operand in operands
            if not self.outline.varies(operand) and not self.variables.varies_here(operand)
        }
        flows = {
            slot: signed(fill(tree, literals), self.reals)
            for slot, tree in reversed(list(enumerate(found)))
            if tree is not None
        }
        if not self._bare(upstream):
            known = {f"D_{index}": upstream}
            filled = {slot: signed(fill(tree, known), self.reals) for slot, tree in flows.items()}
            mentions = sum(
                isinstance(node, ast.Name) and node.id in known
                for tree in flows.values()
                for node in ast.walk(tree)
            )
            if mentions <= 1 and all(self._reads(tree, operands[slot]) for slot, tree in filled.items()):
                flows = filled
            else:
                yield self._assign(index, upstream, index, None)
        divided = Divided(
            [flows[slot] for slot in sorted(flows)],
            _WIDEST - 4 * self.variables.depth - 6 - 2 * max(map(self._width_of_gradient, operands)),
            lambda: self.variables.part(index),
            self.variables.draft,
            self._width_of_gradient(index) + len("_part_10"),
            _WIDEST - 4 * self.variables.depth - self._width_of_gradient(index) - len("_part_10 = "),
        )
        for own, tree in divided.parts:
            yield Assign(
                target=own,
                sign="=",
                expression=self.variables.here(tree),
                node=index,
                through=index,
                value=None,
            )
        flows = dict(zip(sorted(flows), divided.trees, strict=True))
        for slot in sorted(flows):
            yield from self._contribute(operands[slot], flows[slot], index, self.outline.flow(index, slot))

    def gradient(self, index: int) -> ast.expr:
        """The gradient of an input when all is done."""
        is_array = hasattr(self.outline.raw(index), "shape") and not self.outline.kind(index)
        if index not in self.begun:
            return self.variables.arrays.zeros(index) if is_array else constant(0.0)
        own = self.variables.here(name(f"D_{index}"))
        if is_array or not (self.outline.arrays or self.outline.scalars):
            return own
        if self.outline.arrays and self.outline.kind(index):
            return own
        return ast.Call(name("float"), [own], [])

    def _seeds(self) -> dict[int, ast.expr]:
        """The seed of each output, as an expression; a node that is in the result twice gets the sum."""
        if self.seed is None:
            return {index: self._one_like(index) for _, index in self.outline.outputs}
        found: dict[int, str] = {}
        for number, (_, index) in enumerate(self.outline.outputs):
            text = self.seed if len(self.outline.outputs) == 1 else f"{self.seed}[{number}]"
            found[index] = f"{found[index]} + {text}" if index in found else text
        return {index: parse(text) for index, text in found.items()}

    def _lists(self, seeds: dict[int, ast.expr]) -> Iterator[Move]:
        """The gradients of values that loops leave in lists, before anything is added: seeds, if all have one."""
        for loop in self.variables.loops:
            for rep, nodes in loop.listed.items():
                _, own, turns = self.variables.lists[self.variables.ways[rep][0]]
                numbers = [_number_of_seed(seeds.get(node), self.seed) for node in nodes]
                first = numbers[0]
                if first is not None and numbers == list(range(first, first + turns)):
                    every = len(self.outline.outputs) == turns
                    part = "" if every else f"[{first}:{first + turns}]"
                    start = parse(f"list({self.seed}{part})")
                    for node in nodes:
                        del seeds[node]
                else:
                    start = parse(f"[-0.0] * {turns}")
                yield Move(targets=(own,), sources=(start,))

    def _one_like(self, index: int) -> ast.expr:
        value = self.outline.raw(index)
        if not hasattr(value, "shape") or not self.outline.on_arrays(index):
            return constant(1.0)
        return self.variables.arrays.one(index)

    def _recorded_seed(self, index: int) -> Any:
        return reduce(operator.add, self._recorded_seeds[index])

    @cached_property
    def _recorded_seeds(self) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for output, index in self.outline.outputs:
            found.setdefault(index, []).append(output.seed)
        return found

    def _contribute(self, index: int, flow: ast.expr, through: int, value: Any) -> Iterator[Assign]:
        if index not in self.begun and self.terms[index] == 1 and self._stands_inside(index, flow, through):
            self.inside[index] = flow
            return
        yield self._assign(index, flow, through, value)

    def _assign(self, index: int, flow: ast.expr, through: int, value: Any) -> Assign:
        sign = "+=" if index in self.begun or self.variables.is_element(index) else "="
        self.begun.add(index)
        return Assign(
            target=source(self.variables.here(name(f"D_{index}"))),
            sign=sign,
            expression=self.variables.here(flow),
            node=index,
            through=through,
            value=value,
            in_place=not self.outline.arrays,
        )

    def _stands_inside(self, index: int, flow: ast.expr, through: int) -> bool:
        """Whether a gradient with one contribution goes without a name: the seed 1, and steps within a statement."""
        node = self.outline.nodes[index]
        seeded = index in self._seeded()
        if index in self.passing or node.kind == "input" or (node.name is not None and not seeded):
            return False
        if not self.closed:
            return seeded and self._bare(flow)
        if self._bare(flow):
            return True
        uses = sum(map(self.outline.varies, self.outline.sources(index)))
        within = self.outline.stage(index) == self.outline.stage(through)
        return node.name is None and uses <= 1 and within and self._reads(flow, index)

    def _width_of_gradient(self, index: int) -> int:
        return len(source(self.variables.draft(name(f"D_{index}"))))

    def _reads(self, flow: ast.expr, target: int) -> bool:
        """Whether an expression for the gradient of ``target`` can be read."""
        return size(flow) <= _LARGEST and self.reads(f"D_{target}", flow, self.variables.depth)

    def reads(self, target: str, expression: ast.expr, loops: int) -> bool:
        """Whether a statement in so many loops can be read: on one line, and with few brackets in one another."""
        tree = self.variables.draft(expression)
        line = f"{source(self.variables.draft(parse(target)))} += {source(tree)}"
        return len(line) + 4 * loops <= _WIDEST and depth(tree) <= _DEEPEST

    def _bare(self, tree: ast.expr) -> bool:
        """A name or a number, perhaps with a minus sign: what costs nothing to write twice."""
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.operand, ast.Name):
            own = tree.operand.id
            return self.closed and not (own[:2] == "D_" and int(own[2:]) in self.passing)
        return isinstance(tree, ast.Name) or number_of(tree) is not None

    def _seeded(self) -> set[int]:
        return {index for _, index in self.outline.outputs} if self.seed is None else set()

    # ---- loops

    def _passing(self, loop: Repeat) -> Iterator[int]:
        yield from loop.exposed
        yield from loop.carried
        yield from self._outside(loop)

    def _outside(self, loop: Repeat) -> set[int]:
        """The values from outside of a loop to which its turns return gradients."""
        return {index for index in self._returned_to(loop.body) if index not in loop.carried}

    def _returned_to(self, items: Sequence[Item]) -> set[int]:
        """The values that are not of these items, and to which they return gradients."""
        found: set[int] = set()
        own: set[int] = set()
        for item in items:
            if isinstance(item, Repeat):
                returned = self._returned_to(item.body)
                found |= returned - set(item.carried)
                found |= {node for entry, node in item.before.items() if entry in returned}
                own |= set(item.after) | {index for index in inside(item.body) if isinstance(index, int)}
            elif isinstance(item, int):
                own.add(item)
                if item in self.outline.reached:
                    found |= set(self.outline.sources(item))
        return set(filter(self.outline.varies, found - own))

    def _loop(self, loop: Repeat) -> Iterator[Statement]:
        """The turns from last to first; what they pass on is at the begin that of what comes after the loop.

        ``-0.0`` is what a sum starts with: a number added to it is that number, to the sign of a zero.
        """
        if self.outline.reached.isdisjoint(item for item in inside(loop.body) if isinstance(item, int)):
            return
        last = {stand_in: node for node, stand_in in loop.after.items()}
        states = {node: last.get(node, node) for node in sorted(loop.exposed & self.outline.reached)}
        for entry, (node, back) in loop.carried.items():
            if node in states and back < loop.reach(node):
                states[entry] = last.get(loop.carries(node, back + 1), -1)
        yield from self._move(
            {
                node: self._from_after(loop, node) if node in loop.listed else self._at_end(node, after)
                for node, after in states.items()
            }
        )
        sums = sorted(i for i in self._outside(loop) - self.begun if not self.variables.is_element(i))
        yield from self._move({index: constant(-0.0) for index in sums})
        self.begun |= {*states, *sums}
        before = {entry: self._at_begin(index) for entry, index in loop.before.items()}
        with self.variables.within(loop):
            begins = list(self._begin_listed(loop, before))
            body = list(self._way(loop.body))
            body += self._move({node: self._earlier(loop, node) for node in states})
            body[:0] = [one for one in begins if any(_mentions(other, one.target) for other in each(body))]
        if body:
            yield Loop(
                targets=(),
                iterable=constant(0),
                body=tuple(body),
                turns=loop.turns,
                at=loop.at,
                number=self.variables.loops.index(loop),
            )
        yield from self._to_what_was_before(loop)

    def _from_after(self, loop: Repeat, rep: int) -> ast.expr:
        """What has returned to a listed value of the last turn."""
        _, own, turns = self.variables.lists[self.variables.ways[rep][0]]
        return parse(f"{own}[{turns - 1}]")

    def _at_begin(self, index: int) -> ast.expr:
        """What has returned so far to a value that a loop begins with."""
        if self.variables.is_element(index) or index in self.begun:
            return self.variables.here(name(f"D_{index}"))
        return self.inside.get(index, constant(-0.0))

    def _begin_listed(self, loop: Repeat, before: Mapping[int, ast.expr]) -> Iterator[Assign]:
        """A turn on its way back begins with what returns from after the loop to the values that it has left."""
        for rep in loop.listed:
            entry = loop.carries(rep, 1)
            node, back = (rep, 0) if entry == rep else (entry, 1)
            self.begun.add(node)
            yield Assign(
                target=f"D_{node}",
                sign="=",
                expression=self.variables.returned_to_turn(
                    rep, loop, back, before.get(entry, constant(-0.0))
                ),
                node=node,
                through=rep,
                value=None,
                in_place=not self.outline.arrays,
            )

    def _at_end(self, node: int, after: int) -> ast.expr:
        """What the gradient of a value of the last turn is, before the way back through that turn."""
        if after in self.inside:
            return self.inside[after]
        return name(f"D_{after}") if after in self.begun else constant(-0.0)

    def _earlier(self, loop: Repeat, node: int) -> ast.expr:
        """The gradient that the turn before knows under the name of this one."""
        own, back = loop.carried.get(node, (node, 0))
        entry = loop.carries(own, back + 1)
        return name(f"D_{entry}") if entry != own and entry in self.begun else constant(-0.0)

    def _to_what_was_before(self, loop: Repeat) -> Iterator[Statement]:
        for entry, (own, back) in loop.carried.items():
            index = loop.before[entry]
            if entry in self.begun and self.outline.varies(index):
                of = loop.carries(own, back - 1)
                flow = name(self.variables.gradient(of) if of in self.variables.listed else f"D_{of}")
                if own in loop.listed:  # that has begun with what was there
                    self.begun.add(index)
                    target = source(self.variables.here(name(f"D_{index}")))
                    yield Move(targets=(target,), sources=(flow,))
                elif index in self.begun or self.variables.is_element(index):
                    yield self._assign(index, flow, own, None)
                else:
                    self.begun.add(index)
                    yield from self._move({index: flow})

    def _move(self, pairs: Mapping[int, ast.expr]) -> Iterator[Move]:
        pairs = {index: tree for index, tree in pairs.items() if not _is(tree, f"D_{index}")}
        if any(self.variables.is_element(index) for index in pairs):
            for index in pairs:
                self.variables.gradient(index)
        if pairs:
            yield Move(targets=tuple(f"D_{index}" for index in pairs), sources=tuple(pairs.values()))

    # ---- local gradients

    def _locals(self, index: int) -> Iterator[tuple[Statement | None, int, ast.expr | None]]:
        """Slot and local gradient of each operand that varies, and statements that must precede them."""
        operands = self.outline.sources(index)
        wanted = [slot for slot, operand in enumerate(operands) if self.outline.varies(operand)]
        row = self.outline.row(index)
        poles = [slot for slot in wanted if self.outline.at_pole(index, slot)]
        for operand in dict.fromkeys(operands if poles else ()):
            yield self._pole_check(index, operand), 0, None
        found = self._texts(row, index, [slot for slot in wanted if slot not in poles])
        if isinstance(found, str):
            call = parse(found)
            if len(wanted) > 1:
                shared = f"L_{index}"
                value = [self.outline.partial(index, slot) for slot in range(len(operands))]
                all_of_them = Assign(
                    target=shared,
                    sign="=",
                    expression=self.variables.here(call),
                    node=index,
                    through=index,
                    value=value,
                )
                yield all_of_them, 0, None
                call = name(shared)
            found = {slot: ast.Subscript(call, ast.Constant(slot), ast.Load()) for slot in wanted}
        for slot in wanted:
            local = constant(self.outline.local_gradient(index, slot)) if slot in poles else found[slot]
            yield None, slot, local

    def _texts(self, row: Primitive, index: int, slots: list[int]) -> dict[int, ast.expr] | str:
        if not slots:
            return {}
        out, *operands = (self._text(i) for i in (index, *self.outline.sources(index)))
        static = list(self.outline.static(index))
        exponents = [one for one in self.outline.positions(index) if self.variables.varies_here(one)]
        if exponents:  # operands, as long as it is a loop that says which
            operands, static = [*operands, *map(self._text, exponents)], []
        if row.variadic:
            found = self.formulas.all_locals(row, out, operands)
            return found if isinstance(found, str) else {slot: _tree(found[slot]) for slot in slots}
        return {slot: _tree(self.formulas.local(row, slot, out, operands, static)) for slot in slots}

    def _text(self, index: int) -> Any:
        """A node for a rule: a constant as the number it is, anything else as a text."""
        text = f"N_{index}"
        if not self.outline.varies(index):
            value = self.outline.value(index)
            varies = self.variables.varies_here(index)
            real = type(value) is float and index < len(self.outline.kinds)
            return Text(self._plain(index, text), Answers(self.formulas), real=real) if varies else value
        node = self.outline.nodes[index]
        plain = node.name is None and node.primitive == "neg" and self.variables.is_made_here(index)
        if self.closed and plain:
            operand = self.outline.sources(index)[0]
            text = f"-{self._plain(operand, f'N_{operand}')}"
        else:
            text = self._plain(index, text)
        return Text(text, Answers(self.formulas), real=self.reals.dtype(index) == "float")

    def _plain(self, index: int, text: str) -> str:
        """A number as a rule takes it: as one of Python's, where its own class would compute another one."""
        plain = self.outline.plain_by(index)
        return f"{plain}({text})" if plain else text

    # ---- poles

    def _pole_check(self, index: int, operand: int) -> Check:
        """At a pole the local gradient is that of the trace, so the operands must be too."""
        site = self.outline.nodes[index].site
        place = f"{site.file or site.function}:{site.line}: " if site is not None else ""
        return Check(
            expression=name(f"N_{operand}")
            if self.outline.varies(operand)
            else self.variables.literal(operand),
            outcome=written(self.outline.nodes[operand].value),
            where=f"{place}{self.outline.row(index).name} was at its pole",
            through=index,
        )


def _mentions(one: Statement, target: str) -> bool:
    """Whether a statement needs a gradient, or adds to it."""
    return target in used(one) or (isinstance(one, Assign) and one.target == target)


def _number_of_seed(tree: ast.expr | None, seeds: str | None) -> int | None:
    """Which of several seeds an expression is, if it is one."""
    match tree:
        case ast.Subscript(value=ast.Name(id=id), slice=ast.Constant(value=int() as number)) if id == seeds:
            return number
    return None


def _kind(dtype: str) -> str:
    return "float" if dtype.startswith("float") else dtype


def _tree(local: Local) -> ast.expr:
    return parse(local) if isinstance(local, str) else constant(local)


def _is(tree: ast.expr, text: str) -> bool:
    return isinstance(tree, ast.Name) and tree.id == text
