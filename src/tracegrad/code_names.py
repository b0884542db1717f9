"""Which variable holds what: the names of values and of their gradients in generated code.

In: an :class:`~tracegrad.outline.Outline` and its nest of :mod:`tracegrad.repeats`.  Out: :class:`CodeNames`.  Read
:meth:`CodeNames.value` and :meth:`CodeNames.gradient` first.

In a loop the name of a value is the user's, whatever the turn: ``x`` is what the turn begins with, ``x_next`` what it
makes of it, as long as the two are not joined.  The elements of an argument that a loop runs through have no names but
their index: ``w[k]``, and ``dw[k]`` for the gradient.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from tracegrad.expressions import fill, key_source, name, parse, placeholders, source
from tracegrad.fold.columns import base_name
from tracegrad.formula import written
from tracegrad.listed import WholeLists
from tracegrad.naming import Names, identifier, steps_of
from tracegrad.outline import Outline
from tracegrad.repeats import Item, Repeat, inside, repeats
from tracegrad.scalars import kind_of
from tracegrad.spelling import literal
from tracegrad.statements import Assign, Move, Statement, each

if TYPE_CHECKING:
    from tracegrad.array_code import ArrayCode

#: literals that a loop runs through: each an expression, or all an array
Series: TypeAlias = tuple[ast.expr, ...] | ast.expr

#: a series of literals longer than this stands by itself
_LONGEST = 50

#: how temporaries are called after operations that are signs
_WORDS = {
    "add": "sum", "sub": "difference", "mul": "product", "div": "quotient", "floordiv": "quotient", "mod": "rest",
    "literal_power": "power", "neg": "minus", "sum_from": "sum", "sumprod": "dot",
}  # fmt: skip


class CodeNames:
    """The names of values and of their gradients.

    ``roots`` are the names of parameters: the user's -> ours.
    """

    def __init__(
        self, outline: Outline, items: Sequence[Item], free: Names, roots: Mapping[str, str]
    ) -> None:
        self.outline = outline
        self.free = free
        self.loops = list(repeats(items))
        self.values: dict[int, str] = {}
        self.gradients: dict[int, str] = {}
        self.locals: dict[int, str] = {}
        #: the user's variable that a name was made of
        self.stems: dict[str, str] = {}
        self.ways = {index: steps_of(path) or (path, []) for path, index in outline.inputs}
        self.roots = dict(roots)
        #: the loop that leaves a value in a list, by node
        self.listed: dict[int, Repeat] = {}
        #: such lists: root of the way to an element -> the name, that for the gradients, and how many there are
        self.lists: dict[str, tuple[str, str, int]] = {}
        for loop in self.loops:
            for nodes in loop.listed.values():
                self.listed.update(dict.fromkeys(nodes, loop))
                self.ways.update((node, (f"@{nodes[0]}", [("[", i)])) for i, node in enumerate(nodes))
        self._own = {node for loop in self.loops for node in loop.listed}
        #: the arguments that a loop runs through: parameter -> the variable for its gradient
        self.vectors: dict[str, str] = {}
        #: for each loop its index, and the name of each series of literals
        self.indices: dict[Repeat, str] = {}
        self.series: dict[Repeat, list[str]] = {}
        #: long series of literals: name of one of them -> name of all, and these
        self.tables: dict[str, tuple[str, Series]] = {}
        #: what goes by the name of an element or of a literal that varies, in the turn that speaks for all
        self.recorded: dict[str, Any] = {}
        self._around: list[Repeat] = []
        #: the innermost loop around an operation
        self._home = dict(_homes(items, None))
        self._endings = {node: "_final" for loop in self.loops for node in loop.after}
        self._endings |= {node: "_next" for loop in self.loops for node, _ in loop.carried.values()}
        self._name_values(items)
        self._name_loops()

    def _name_values(self, items: Sequence[Item]) -> None:
        for path, index in self.outline.inputs:
            root, steps = self.ways[index]
            if not steps and root in self.roots:
                self.values[index] = self.roots[root]
                self.stems[self.roots[root]] = base_name(path)
        shown = {item for item in inside(items) if isinstance(item, int)} if self.loops else self.outline.live
        shown = (
            shown | {index for _, index in self.outline.inputs} | {index for _, index in self.outline.outputs}
        )
        for loop in self.loops:
            shown |= {*loop.carried, *loop.after, *loop.after.values()}
        entries = {entry for loop in self.loops for entry in loop.carried}
        for index in sorted(shown):
            if index in self.listed and index not in self._own and index not in entries:
                continue
            node = self.outline.nodes[index]
            if node.name is not None and index not in self.values:
                self._name_value(index, node.name)
        for output, index in self.outline.outputs:
            if index not in self.values and index not in self.listed:
                self.values[index] = self.free.numbered(identifier(f"value{output.path}"))

    def _name_value(self, index: int, own: str) -> None:
        if not self.loops:
            self.values[index] = self.free.take(own)
            return
        stem = base_name(own)
        wish = f"{stem}{self._endings.get(index, '')}"
        self.values[index] = (
            self.free.take(wish) if wish not in self.free else self.free.numbered(identifier(wish))
        )
        if self.outline.nodes[index].kind != "input":
            self.stems[self.values[index]] = stem

    def _name_loops(self) -> None:
        for loop in self.loops:
            for rep, nodes in loop.listed.items():
                own = self.value(rep)
                own = self.free.numbered(f"{self.stems.get(own) or own}_values")
                self.lists[f"@{nodes[0]}"] = own, self.free.numbered(f"d{own}"), len(nodes)
            for index in loop.strides:
                root = self.ways[index][0]
                if root not in self.vectors and root not in self.lists:
                    if root not in self.roots:
                        self.roots[root] = self.free.take(root)
                    wish = f"d{self.roots[root]}"
                    self.vectors[root] = self.free.numbered(
                        f"d_{self.roots[root]}" if wish in self.free else wish
                    )
            if loop.strides or loop.listed:
                self.indices[loop] = self.free.numbered("k")
            self.series[loop] = self._series_of(loop)

    def _series_of(self, loop: Repeat) -> list[str]:
        """How each series of literals is written: a name, or another one's and a number, as ``c + 1``."""
        bases: dict[int, tuple[int, str]] = {}
        found: list[str] = []
        steps = [_step(values) for values in loop.series]
        if loop in self.indices:
            bases[1] = self.turns(loop)[0], self.indices[loop]
        for own_step in dict.fromkeys(filter(None, steps)):
            if own_step in bases:
                continue
            starts = sorted(
                values[0] for values, own in zip(loop.series, steps, strict=True) if own == own_step
            )
            bases[own_step] = starts[(len(starts) - 1) // 2], self.free.numbered("c")
        for values, step in zip(loop.series, steps, strict=True):
            if step is None:
                found.append(self.free.numbered("c"))
            else:
                base, own = bases[step]
                found.append(own if values[0] == base else _moved_by(own, values[0] - base))
        return found

    def value(self, index: int) -> str:
        """A variable, or a temporary called by its statement and its operation; a call's result by its function."""
        if index not in self.values:
            last = self.outline.last_of_stage(index)
            if last not in (index, *self.values) and self.outline.function(index) is not None:
                self.value(last)
            self.values[index] = self.free.numbered(identifier(self._wish(index)))
        return self.values[index]

    def _wish(self, index: int) -> str:
        """How a temporary would be called if nothing else were."""
        node = self.outline.nodes[index]
        last = self.outline.last_of_stage(index)
        word = _WORDS.get(node.primitive, node.primitive.rpartition(".")[2])
        statement = self.values.get(last) or self.outline.function(index)
        statement = self.stems.get(statement or "", statement)
        return word if statement is None else statement if index == last else f"{statement}_{word}"

    def draft(self, tree: ast.expr) -> ast.expr:
        """An expression with names about as long as those that it will get; none is taken for it."""
        tree = self.here(tree)
        known = {}
        for letter, more in (("N", ""), ("D", "d"), ("L", "_partials")):
            for index in placeholders(tree, letter):
                known[f"{letter}_{index}"] = name(f"{more}{self.values.get(index) or self._wish(index)}")
        return fill(tree, known)

    def gradient(self, index: int) -> str:
        """``dx`` for ``x``, unless the user has a variable of that name."""
        if index not in self.gradients:
            own = self.value(index)
            wish = f"d{own}"
            self.gradients[index] = self.free.numbered(f"d_{own}" if wish in self.free else wish)
            if self.stems.get(own):
                self.stems[self.gradients[index]] = f"d{self.stems[own]}"
        return self.gradients[index]

    def part(self, index: int) -> str:
        """The name of a part of what returns through an operation."""
        return self.free.numbered(f"d{self.value(index)}_part")

    def local(self, index: int) -> str:
        """The name for all local gradients of a gate."""
        if index not in self.locals:
            self.locals[index] = self.free.numbered(f"{self.value(index)}_partials")
        return self.locals[index]

    def known(self, backward: Sequence[Statement]) -> dict[str, ast.expr]:
        """What the placeholders stand for; the targets of the way back get their names here."""
        for one in each(backward):
            targets = (
                (one.target,) if isinstance(one, Assign) else one.targets if isinstance(one, Move) else ()
            )
            for target in targets:
                for index in placeholders(parse(target), "D"):
                    self.gradient(index)
                for index in placeholders(parse(target), "L"):
                    self.local(index)
        columns = {"N": self.values, "D": self.gradients, "L": self.locals}
        return {
            f"{letter}_{i}": name(text) for letter, column in columns.items() for i, text in column.items()
        }

    # ---- loops

    def is_element(self, index: int) -> bool:
        """Whether a value is an element here: of an argument that a loop runs through, or of what one has left."""
        if index in self.listed:
            return self.listed[index] not in self._around
        return index in self.ways and self.ways[index][0] in self.vectors

    def lists_of_arrays(self, shapes: Mapping[int, tuple[int, ...]]) -> dict[str, list[int]]:
        """The arguments that a loop runs through and that are lists of arrays of one shape, with these."""
        found: dict[str, list[int]] = {}
        for index, (root, _) in self.ways.items():
            if root in self.vectors:
                found.setdefault(root, []).append(index)
        return {
            root: indices
            for root, indices in found.items()
            if [self.ways[index][1] for index in indices] == [[("[", i)] for i in range(len(indices))]
            and len({shapes.get(index) for index in indices}) == 1
            and indices[0] in shapes
        }

    @contextmanager
    def within(self, loop: Repeat) -> Iterator[None]:
        """In the body of a loop, where some operands go by other names."""
        self._around.append(loop)
        try:
            yield
        finally:
            self._around.pop()

    def here(self, tree: ast.expr) -> ast.expr:
        """An expression with the placeholders of what varies with the loops around."""
        known: dict[str, ast.expr] = {}
        for index in placeholders(tree, "N"):
            found = self._in_loops(index)
            if found is not None:
                known[f"N_{index}"] = found
                self.recorded[source(found)] = self.outline.value(index)
        for index in placeholders(tree, "D"):
            if self.is_element(index):
                root = self.ways[index][0]
                container = self.lists[root][1] if root in self.lists else self.vectors[root]
                known[f"D_{index}"] = self._element(container, index)
        return fill(tree, known) if known else tree

    def _in_loops(self, index: int) -> ast.expr | None:
        for loop in reversed(self._around):
            if index in loop.literals:
                return parse(self.series[loop][loop.literals[index]])
        if index in self.listed:
            if self.listed[index] in self._around:
                return None
            return self._element(self.lists[self.ways[index][0]][0], index)
        if any(index in loop.strides for loop in self._around):
            return self._element(self.roots[self.ways[index][0]], index)
        return None

    def is_made_here(self, index: int) -> bool:
        """Whether an operation stands in this very turn, and not in a loop before or around."""
        here = self._around[-1] if self._around else None
        return index in self._home and self._home[index] is here

    @property
    def depth(self) -> int:
        """In how many loops a statement stands."""
        return len(self._around)

    def whole_lists(self, tree: ast.expr) -> ast.expr:
        """An expression with lists in the place of all their elements."""
        if not self.lists:
            return tree
        found: ast.expr = WholeLists({own: turns for own, _, turns in self.lists.values()}).visit(tree)
        return found

    def returned_to_turn(self, rep: int, loop: Repeat, back: int, before: ast.expr) -> ast.expr:
        """What has returned to a listed value of a turn of its loop from after it.

        With ``back`` to that of the turn before, and in the first turn to what was ``before``.
        """
        gradients = self.lists[self.ways[rep][0]][1]
        own, first = self.indices[loop], self.turns(loop)[0]
        moved = own if first + back == 0 else f"{own} - {first + back}"
        if not back:
            return parse(f"{gradients}[{moved}]")
        return ast.IfExp(parse(f"{own} > {first}"), parse(f"{gradients}[{moved}]"), before)

    def varies_here(self, index: int) -> bool:
        """Whether an operand is a literal that is another one in each turn."""
        return any(index in loop.literals for loop in self._around)

    def mixed(self) -> set[int]:
        """The operands that are a float in some turns only."""
        return {index for loop in self.loops for index in loop.mixed}

    def turns(self, loop: Repeat) -> range:
        """The values of the loop's index."""
        first = next(
            (
                key - loop.at
                for index, strides in loop.strides.items()
                for (_, key), stride in zip(self.ways[index][1], strides, strict=True)
                if stride == 1
            ),
            0,
        )
        return range(first, first + loop.turns)

    def _element(self, container: str, index: int) -> ast.expr:
        """The element, its indices in terms of those of the loops around."""
        text = container
        for at, (sign, key) in enumerate(self.ways[index][1]):
            if sign == ".":
                text += f"[{key_source(key)}]" if container in self.vectors.values() else f".{key}"
                continue
            terms = [
                (loop.strides[index][at], loop)
                for loop in self._around
                if index in loop.strides and loop.strides[index][at]
            ]
            text += f"[{self._index(key, terms) if terms else key_source(key)}]"
        return parse(text)

    def _index(self, key: int, terms: Sequence[tuple[int, Repeat]]) -> str:
        rest = key - sum(stride * self.turns(loop)[loop.at] for stride, loop in terms)
        text = ""
        for stride, loop in sorted(terms, key=lambda term: term[0] < 0):
            own = self.indices[loop]
            own = own if abs(stride) == 1 else f"{abs(stride)} * {own}"
            if not text and stride < 0:
                text, rest = f"{rest}", 0
            text += f" - {own}" if stride < 0 else f" + {own}" if text else own
        return text if rest == 0 else f"{text} {'-' if rest < 0 else '+'} {abs(rest)}"

    def header(self, loop: Repeat) -> tuple[tuple[str, ...], ast.expr]:
        """The names that a loop gives values to by itself, and what it takes these from."""
        runs: dict[str, ast.expr] = {}
        if loop in self.indices:
            runs[self.indices[loop]] = _range(self.turns(loop))
            self.recorded[self.indices[loop]] = self.turns(loop)[loop.at]
        for own, values in zip(self.series[loop], loop.series, strict=True):
            if own.isidentifier() and own not in runs:
                runs[own] = self._series(own, values)
                self.recorded[own] = values[loop.at]
        if not runs:
            return (), _range(range(loop.turns))
        if len(runs) == 1:
            return tuple(runs), next(iter(runs.values()))
        strict = ast.keyword("strict", ast.Constant(True))
        return tuple(runs), ast.Call(name("zip"), list(runs.values()), [strict])

    def _series(self, own: str, values: tuple[Any, ...]) -> ast.expr:
        """Literals as a range or a tuple; one that is longer than a line has a name and stands by itself."""
        step = _step(values)
        if step is not None:
            return _range(range(values[0], values[-1] + (1 if step > 0 else -1), step))
        kinds = set(map(kind_of, values))
        if len(kinds) == 1 and (own_kind := kinds.pop()) and own_kind != "Fraction":
            return self._array_of(own, own_kind, values)
        trees = tuple(map(self.constant, values))
        if sum(len(source(tree)) + 2 for tree in trees) <= _LONGEST:
            return ast.Tuple(list(trees), ast.Load())
        return name(self.tables.setdefault(own, (self.free.numbered(f"{own}_values"), trees))[0])

    def _array_of(self, own: str, kind: str, values: tuple[Any, ...]) -> ast.expr:
        """Scalars of one class of numpy's as the elements of an array, which are of that class."""
        trees = [parse(literal(value.item(), "python")) for value in values]
        dtype = [] if kind in ("float64", "int64") else [ast.keyword("dtype", parse(f"np.{kind}"))]
        tree = ast.Call(parse("np.array"), [ast.List(trees, ast.Load())], dtype)
        if len(source(tree)) <= _LONGEST:
            return tree
        return name(self.tables.setdefault(own, (self.free.numbered(f"{own}_values"), tree))[0])

    def literal(self, index: int) -> ast.expr:
        """A constant as an expression."""
        return self.constant(self.outline.constant(index))

    def constant(self, value: Any) -> ast.expr:
        """A number or an array as an expression; a long array has a name and stands by itself."""
        is_array = hasattr(value, "dtype") and not kind_of(value)
        return self.arrays.constant(value) if is_array else parse(written(value))

    @property
    def tables_of_arrays(self) -> dict[str, ast.expr]:
        """The arrays that stand by themselves: without numpy at work, perhaps among the results."""
        return self.arrays.tables if "arrays" in vars(self) else {}

    @cached_property
    def arrays(self) -> ArrayCode:
        """What writes operations on arrays, where numpy is at work."""
        from tracegrad.array_code import ArrayCode

        return ArrayCode(self.outline, self.free, self.varies_here)


def _homes(items: Sequence[Item], loop: Repeat | None) -> Iterator[tuple[int, Repeat | None]]:
    for item in items:
        if isinstance(item, Repeat):
            yield from _homes(item.body, item)
        elif isinstance(item, int):
            yield item, loop


def _step(values: tuple[Any, ...]) -> int | None:
    """By how much whole numbers grow from turn to turn, if always by the same."""
    if not all(type(value) is int for value in values):
        return None
    steps = {later - earlier for earlier, later in pairwise(values)}
    return steps.pop() if len(steps) == 1 and 0 not in steps else None


def _moved_by(own: str, number: int) -> str:
    return f"{own} {'-' if number < 0 else '+'} {abs(number)}"


def _range(numbers: range) -> ast.expr:
    start, stop, step = numbers.start, numbers.stop, numbers.step
    return parse(
        f"range({start}, {stop}, {step})"
        if step != 1
        else f"range({start}, {stop})"
        if start
        else f"range({stop})"
    )
