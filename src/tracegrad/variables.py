"""The user's names of the values of a computation.

In: a :class:`~tracegrad.graph.Graph`.  Out: :class:`Variables`.  Read :func:`variables` first.

A value is called by the variable it was stored in at once (``y = x * 2``; ``y[0]`` of ``y = [x * 2]``).  It may get
others later, its *aliases*: what a helper calls ``s`` and returns, its caller calls ``y``; ``r = q``, ``a, b = w``,
``for a in w``, ``with f(x) as y`` bind values that are there already.  No operation records that, but the next one that
takes its operand from ``r`` does: the instruction tells the variable, the graph the value.  So a name is known where it
is used, and none is guessed.

A variable bound again has occurrences, ``x#2`` is the second; both kinds of names count, in the order of time.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Container, Iterator
from types import CodeType
from typing import NamedTuple

from tracegrad.abridge import Abridged, Growth, abridged, outermost
from tracegrad.bindings import (
    Keys,
    argument_text,
    base_of,
    becomes,
    bound_how,
    called,
    gives_one,
    hands_on,
    result_sights,
    sights,
    stores_inside,
    takes_next,
    unpacks,
)
from tracegrad.graph import Graph
from tracegrad.passes import adjoint_names, occurrence, pass_of
from tracegrad.primitives import CONST, Primitive
from tracegrad.progress import track
from tracegrad.provenance import Call, in_package
from tracegrad.source import INLINE, assigned, called_name

#: a variable: the call it belongs to, and its text
Place = tuple[Call | None, str]
#: a variable, and the offsets there of the value's coming and of its binding
Storing = tuple[Call, str, int, int]

#: functions that take the very values of their arguments, however many there are
_GATES = frozenset({"hypot", "max", "min"})

#: builtins that compute by themselves
_COMPUTING = frozenset({"abs", "complex", "divmod", "float", "int", "max", "min", "pow", "round", "sum"})
#: what is no builtin and calls functions in turn
_IN_TURN = frozenset({
    "Counter", "OrderedDict", "bisect", "bisect_left", "bisect_right", "deque", "fromkeys", "insort", "insort_left",
    "insort_right", "reduce",
})  # fmt: skip


class Variables:
    """The name of each node that has one, and its other names.

    They are found in the short graph; a number counted there says which one it is in the whole.
    """

    def __init__(self, short: Abridged, line: _Timeline) -> None:
        self._short = short
        self._names, self._aliases = line.names, line.aliases
        self._turns, self._counts = line.counts[::2], line.counts[1::2]
        self._growths: dict[str, Growth] = {}

    def __contains__(self, index: int) -> bool:
        """Whether a node has a name."""
        return self._short.place(index)[0] in self._names

    def name(self, index: int) -> str | None:
        """What a value is called: ``x#2`` is the second value bound to ``x``, ``dx`` its adjoint."""
        return self.of(index)[0]

    def aliases(self, index: int) -> tuple[str, ...]:
        """The names that a value got later: for each variable, the last time it was bound to that."""
        return self.of(index)[1]

    def of(self, index: int) -> tuple[str | None, tuple[str, ...]]:
        """The name and the aliases of a node."""
        node, cut, turns = self._short.place(index)
        found, others = self._names.get(node), self._aliases.get(node)
        name = None if found is None else self._called(*found, cut, turns)
        if others is None:
            return name, ()
        return name, tuple([self._called(text, number, cut, turns) for text, number in others.items()])

    def _called(self, text: str, number: int, cut: int, turns: int) -> str:
        if self._short.cuts:
            growth = self._growth(text)
            number = growth.whole(number - 1) + 1 + growth.ahead(cut, turns)
        return occurrence(text, number)

    def _growth(self, text: str) -> Growth:
        found = self._growths.get(text)
        if found is None:
            marks = [count[text] for count in self._counts]
            steps = [mark - turn[text] for mark, turn in zip(marks, self._turns, strict=True)]
            found = self._growths[text] = Growth(self._short.cuts, marks, steps)
        return found


def variables(graph: Graph, short: Abridged | None = None) -> Variables:
    """The names of all nodes; ``short`` is the graph abridged, where that is known.

    >>> import tracegrad as tg
    >>> def square(v):
    ...     s = v * v
    ...     return s
    >>> def f(w):
    ...     a, b = w
    ...     y = square(a)
    ...     return y + b
    >>> found = variables(tg.trace(f, [2.0, 3.0]).graph)
    >>> [(found.name(node), *found.aliases(node)) for node in range(4)]
    [('w[0]', 'a'), ('w[1]', 'b'), ('s', 'y'), (None,)]
    """
    short = abridged(graph) if short is None else short
    line = _Timeline(short)
    line.follow(pass_of(short.graph))
    line.see_results()
    line.name_adjoints()
    return Variables(short, line)


class _Facts(NamedTuple):
    """What an instruction in a call tells: where its results are stored, which variables hold its operands.

    A variable is the number of calls outwards to the one it belongs to, and its text.  With what is stored come the
    offsets there of the call that gives the value and of the instruction that binds it; with what is seen the offset at
    which it was.
    """

    stored: tuple[tuple[tuple[int, str, int, int], ...], ...]
    seen: tuple[tuple[int, int, str, int], ...]
    called: tuple[str, int] | None


_NO_FACTS = _Facts((), (), None)


class _Timeline:
    """Who holds what, from the first operation to the last."""

    def __init__(self, short: Abridged) -> None:
        graph = self.graph = short.graph
        #: what each node is called: the variable, and the how manieth value bound to it this is
        self.names: dict[int, tuple[str, int]] = {node: (name, 1) for node, name in graph.names.items()}
        self.aliases: dict[int, dict[str, int]] = {}
        self.count = Counter(graph.names.values())
        #: the count as it was one turn before each gap and at it
        self.counts: list[Counter[str]] = []
        self._marks = [mark for cut in reversed(short.cuts) for mark in (cut.at, cut.at - cut.period)]
        self.latest = {name: node for node, name in graph.names.items()}
        self.top = outermost(graph)
        self.holds: dict[Place, int] = {(self.top, name): node for node, name in graph.names.items()}
        self._facts: dict[tuple[int, int, int], _Facts] = {}  # the same for every turn of a loop
        #: between these offsets the value that a variable will be is there, and the variable is still the old one
        self._meanwhile: dict[Place, tuple[int, int]] = {}
        self._room: dict[tuple[int, int], int] = {}
        self._shapes: dict[Call | None, int] = {None: 0}
        self._shape_numbers: dict[tuple[int, int, int], int] = {}

    def follow(self, left_out: Container[int]) -> None:
        """Go through the operations, but those that are left out, one by one.

        Those that one instruction made (``divmod``, ``math.modf``) come together: nobody sees their operands, and each
        result is stored in a variable of its own.
        """
        graph = self.graph
        calls, lastis = graph.calls, graph.lastis
        group: list[int] = []
        last_call, last_lasti, shape = None, -1, 0
        for index, (call, primitive) in enumerate(
            zip(track(calls, "names", len(graph)), graph.primitives, strict=True)
        ):
            if call is None or primitive is CONST:
                continue
            lasti = lastis[index]
            if group and call is last_call and lasti == last_lasti and self._is_sibling(group, index, call):
                group.append(index)
                continue
            if group and group[0] not in left_out:
                self._take(group, last_call, last_lasti, shape)
            if call is not last_call:
                shape = self._shape(call)
            group, last_call, last_lasti = [index], call, lasti
        if group and group[0] not in left_out:
            self._take(group, last_call, last_lasti, shape)

    def _take(self, siblings: list[int], call: Call | None, lasti: int, shape: int) -> None:
        """The operations of one instruction: first they take their operands, then they are stored."""
        while self._marks and siblings[0] >= self._marks[-1]:
            self.counts.append(self.count.copy())
            self._marks.pop()
        facts = self._facts.get((shape, lasti, len(siblings)))
        if facts is None:
            facts = _NO_FACTS if call is None else self._found(call, lasti, len(siblings))
            self._facts[shape, lasti, len(siblings)] = facts
        if facts is _NO_FACTS:
            return
        if facts.seen and len(siblings) == 1:
            self.see(siblings[0], call, facts)
        for index, stored in zip(siblings, facts.stored, strict=False):
            for hops, text, start, stop in stored:
                place = _outwards(call, hops) if hops else call, text
                self.bind(index, place, at_once=True)
                self._meanwhile[place] = start, stop

    def bind(self, index: int, place: Place, *, at_once: bool = False) -> None:
        """From now on this variable is this value."""
        self.holds[place] = index
        text = place[1]
        if self.latest.get(text) == index:
            return
        self.latest[text] = index
        self.count[text] += 1
        if at_once and index not in self.names:
            self.names[index] = text, self.count[text]
        else:
            self.aliases.setdefault(index, {})[text] = self.count[text]

    def see(self, index: int, call: Call | None, facts: _Facts) -> None:
        """Operands that an operation has taken from variables."""
        graph = self.graph
        start = graph.starts[index]
        count = graph.starts[index + 1] - start
        if facts.called is not None and not _takes_arguments(graph.primitives[index], count, facts.called):
            return
        for position, hops, text, offset in facts.seen:
            if position < count:
                operand = graph.operands[start + position]
                place = _outwards(call, hops) if hops else call, text
                if self.holds.get(place) != operand and graph.primitives[operand] is not CONST:
                    since, until = self._meanwhile.get(place, (0, 0))
                    if not since < offset < until:  # in x, y = y + 1, x + 1 the second x is the old one
                        self.bind(operand, place)

    def see_results(self) -> None:
        """What the traced function has returned from variables."""
        if self.top is None:
            return
        nodes = {output.path: output.node for output in self.graph.outputs}
        for path, text in result_sights(self.top.code):
            place = _own_place(self.top, text, self.top)
            node = nodes.get(path)
            if place is not None and node is not None and self.holds.get(place) != node:
                self.bind(node, place)

    def name_adjoints(self) -> None:
        """Call the adjoints after the values whose they are."""
        if self.graph.adjoints:
            called = {node: occurrence(text, number) for node, (text, number) in self.names.items()}
            found = adjoint_names(self.graph, called, self.count)
            self.names.update((node, (name, 1)) for node, name in found.items())

    def _shape(self, call: Call | None) -> int:
        """A number for a call, the same for those of one function from one place within calls of the same shape."""
        around = []
        while call not in self._shapes:
            around.append(call)
            call = None if call is None else call.parent
        shape = self._shapes[call]
        for one in reversed(around):
            if one is not None:
                key = (id(one.code), one.lasti, shape)
                shape = self._shapes[one] = self._shape_numbers.setdefault(key, len(self._shape_numbers) + 1)
        return shape

    def _found(self, call: Call, lasti: int, siblings: int) -> _Facts:
        if in_package(call.code):
            return _NO_FACTS
        seen = tuple(
            (sight.position, _hops(call, owner), text, offset)
            for sight in sights(call.code, lasti)
            for owner, text, offset in _places(call, lasti, sight.text, self.top)
        )
        stored = tuple(
            tuple((_hops(call, owner), text, start, stop) for owner, text, start, stop in places)
            for places in _stored(call, lasti, siblings)
        )
        if not seen and not any(stored):
            return _NO_FACTS
        return _Facts(stored, seen, called(call.code, lasti) if seen else None)

    def _is_sibling(self, group: list[int], index: int, call: Call) -> bool:
        graph, last = self.graph, group[-1]
        if graph.primitives[last] is not graph.primitives[index]:
            return True
        key = (id(call.code), graph.lastis[index])
        if key not in self._room:
            self._room[key] = 0 if in_package(call.code) else unpacks(call.code, graph.lastis[index])
        return len(group) < self._room[key]


def _outwards(call: Call | None, hops: int) -> Call | None:
    """The call so many calls outwards."""
    while hops and call is not None:
        call, hops = call.parent, hops - 1
    return call


def _hops(call: Call, owner: Call) -> int:
    """How many calls outwards one is."""
    hops = 0
    walker: Call | None = call
    while walker is not owner and walker is not None:
        walker, hops = walker.parent, hops + 1
    return hops


def _takes_arguments(primitive: Primitive, count: int, called: tuple[str, int]) -> bool:
    """Whether the operands are the arguments of the call, one by one.

    They are not those of ``list(map(exp, x))``, which calls ``exp`` too, nor those of ``max(x)``.
    """
    return called == (primitive.name, count) and (
        not primitive.variadic or (primitive.name in _GATES and count > 1)
    )


# ---- stored at once ---------------------------------------------------------------------------------


def _stored(call: Call, lasti: int, siblings: int) -> Iterator[list[Storing]]:
    """The variables of so many operations of one instruction."""
    room = unpacks(call.code, lasti)
    if room:
        yield from (_bound(call, lasti, (), depth) for depth in range(room if siblings == room else 0))
    elif not gives_one(call.code, lasti) or _calls_in_turn(call.code, lasti, but=_COMPUTING):
        return
    elif takes_next(call.code, lasti):
        yield _bound(call, lasti, (), 0) if siblings == 1 else []
    elif siblings > 1:
        yield from (_bound(call, lasti, (position,), 0) for position in range(siblings))
    else:
        # of ``mantissa, exponent = math.frexp(x)`` only the first is an operation
        yield _bound(call, lasti, (), 0) or _bound(call, lasti, (0,), 0)


def _bound(call: Call, lasti: int, keys: Keys, depth: int) -> list[Storing]:
    """The variables that a result is stored in; what a function returns, its caller stores."""
    found: list[Storing] = []
    while True:
        here = becomes(call.code, lasti, keys, depth)
        found += [(scope(call), name, lasti, offset) for name, offset in here.names.items()]
        if not here.names and not here.returned and not keys:
            name = assigned(call.code, lasti)
            return found if name is None else [*found, (scope(call), name, lasti, lasti)]
        if not here.returned or call.parent is None or call.code.co_name in INLINE:
            return found
        keys, depth, own = here.returned[0], 0, call.code.co_name
        call, lasti = call.parent, call.lasti
        if (
            in_package(call.code)
            or not (hands_on(call.code, lasti) and gives_one(call.code, lasti))
            or _calls_in_turn(call.code, lasti, but=(own,))
        ):
            return found


def _calls_in_turn(code: CodeType, lasti: int, but: Container[str]) -> bool:
    """Whether an instruction calls what calls functions, or asks iterators that do, as ``list(map(sin, xs))`` does: a
    builtin or the like, as far as its name tells.  What these functions give is not what the instruction gives."""
    found = called(code, lasti)
    name = called_name(code, lasti) if found is None else found[0]
    return name is not None and name not in but and (name in _IN_TURN or hasattr(builtins, name))


# ---- seen later -------------------------------------------------------------------------------------


def scope(call: Call) -> Call:
    """The call whose variables these are: some Pythons run a comprehension in the frame around it, others do not."""
    while call.code.co_name in INLINE and call.code.co_name != "<genexpr>" and call.parent is not None:
        call = call.parent
    return call


def _places(call: Call, lasti: int, text: str, top: Call | None) -> Iterator[tuple[Call, str, int]]:
    """The variables that hold what an instruction takes from one: itself, and what was passed for a parameter."""
    while True:
        place = _own_place(call, text, top)
        if place is not None:
            yield *place, lasti
        if call is top or call.parent is None or bound_how(call.code, text) != "argument":
            return
        passed = argument_text(call.parent.code, call.lasti, call.code, text)
        if passed is None or in_package(call.parent.code):
            return
        call, lasti, text = call.parent, call.lasti, passed


def _own_place(call: Call, text: str, top: Call | None) -> tuple[Call, str] | None:
    """A variable that the function of a call binds; parameters keep the names that they have where they come from."""
    owner = scope(call)
    base = base_of(text)
    how = bound_how(call.code, base)
    if how == "elsewhere" and owner is not call:
        how = bound_how(owner.code, base)
    if how == "elsewhere":
        return None
    if base != text:
        inside = how == "other" or (base == "self" and text.startswith("self.")) or _binds_inside(owner, top)
        return (owner, text) if inside else None
    return (owner, text) if how == "other" or (how == "rebound argument" and owner is top) else None


def _binds_inside(call: Call, top: Call | None) -> bool:
    return call is top and stores_inside(call.code)
