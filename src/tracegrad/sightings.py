"""What an instruction in a call tells of variables: where its results are stored, which ones hold its operands.

In: a :class:`~tracegrad.provenance.Call`, and the offset of an instruction there.  Out: :class:`Facts`.  Read
:func:`facts_of` first.

It is the same for all calls of one function from one place in calls that are alike (of one *shape*), so a variable is
the number of calls outwards to the one it belongs to, and its text.
"""

from __future__ import annotations

import builtins
from collections.abc import Container, Iterator
from types import CodeType
from typing import NamedTuple

from tracegrad.bindings import (
    Keys,
    argument_text,
    base_of,
    becomes,
    bound_how,
    called,
    gives_one,
    hands_on,
    sights,
    stores_inside,
    takes_next,
    unpacks,
)
from tracegrad.provenance import Call, in_package
from tracegrad.source import INLINE, assigned, called_name

#: a variable, and the offsets there of the value's coming and of its binding
Storing = tuple[Call, str, int, int]


#: a variable that is stored in: calls outwards, text, offsets of the call that gives the value and of the binding
Stored = tuple[int, str, int, int]
#: an operand that is taken from a variable: its position, calls outwards, text, offset at which it was
Seen = tuple[int, int, str, int]

#: builtins that compute by themselves
_COMPUTING = frozenset({"abs", "complex", "divmod", "float", "int", "max", "min", "pow", "round", "sum"})
#: what is no builtin and calls functions in turn
_IN_TURN = frozenset({
    "Counter", "OrderedDict", "bisect", "bisect_left", "bisect_right", "deque", "fromkeys", "insort", "insort_left",
    "insort_right", "reduce",
})  # fmt: skip


class Facts(NamedTuple):
    """What is known of the operations that an instruction makes.

    ``stored`` has the variables of each of them, ``called`` is what a call calls, with how many arguments.
    """

    stored: tuple[tuple[Stored, ...], ...]
    seen: tuple[Seen, ...]
    called: tuple[str, int] | None


NO_FACTS = Facts((), (), None)


def facts_of(call: Call | None, lasti: int, siblings: int, top: Call | None) -> Facts:
    """What is known of so many operations by one instruction; ``top`` is the call of the traced function."""
    if call is None or in_package(call.code):
        return NO_FACTS
    seen = tuple(
        (sight.position, _hops(call, owner), text, offset)
        for sight in sights(call.code, lasti)
        for owner, text, offset in _places(call, lasti, sight.text, top)
    )
    stored = tuple(
        tuple((_hops(call, owner), text, start, stop) for owner, text, start, stop in places)
        for places in _stored(call, lasti, siblings)
    )
    if not seen and not any(stored):
        return NO_FACTS
    return Facts(stored, seen, called(call.code, lasti) if seen else None)


def outwards(call: Call | None, hops: int) -> Call | None:
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
        place = own_place(call, text, top)
        if place is not None:
            yield *place, lasti
        if call is top or call.parent is None or bound_how(call.code, text) != "argument":
            return
        passed = argument_text(call.parent.code, call.lasti, call.code, text)
        if passed is None or in_package(call.parent.code):
            return
        call, lasti, text = call.parent, call.lasti, passed


def own_place(call: Call, text: str, top: Call | None) -> tuple[Call, str] | None:
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
