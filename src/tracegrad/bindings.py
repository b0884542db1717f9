"""What becomes of the result of an instruction at once: the variables it is bound to, the places it is returned at.

In: a code object and the offset of an instruction.  Out: :func:`becomes`; :func:`sights`, the variables that an
instruction takes its operands from.  Read :func:`becomes` first.  Only bytecode is asked, and what it does not tell for
certain is not said.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import CodeType
from typing import Any, NamedTuple

from tracegrad.by_code import remembered
from tracegrad.instructions import (
    CALLS,
    Instruction,
    at,
    callee,
    giver,
    is_item,
    is_load,
    is_store,
    read,
    spelled,
    takers,
)

#: where in a result a value lies: ``(0, "k")`` is at ``result[0]["k"]``
Keys = tuple[Any, ...]

_RESUMABLE = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_NO_KEY = object()


class Becomes(NamedTuple):
    """The names a value is stored in, by the offset of that, and where in what the function returns it lies."""

    names: dict[str, int]
    returned: tuple[Keys, ...]


NOTHING = Becomes({}, ())


@remembered
def becomes(code: CodeType, lasti: int, keys: Keys = (), depth: int = 0) -> Becomes:
    """What becomes of the result of an instruction, or of what lies in it at ``keys``.

    ``depth`` is for an instruction of several results: how far below the top of the stack it has put this one.

    >>> import dis
    >>> def f(x):
    ...     a, b = x * 2, [x * 3]
    ...     return -x
    >>> products = [one.offset for one in dis.get_instructions(f) if one.opname == "BINARY_OP"]
    >>> [becomes(f.__code__, offset) for offset in products]
    [Becomes(names={'a': ...}, returned=()), Becomes(names={'b[0]': ...}, returned=())]
    """
    found = at(code, lasti)
    if found is None:
        return NOTHING
    instructions, index = found
    names: dict[str, int] = {}
    returned: list[Keys] = []
    for name, place, offset in _follow(instructions, index + 1, depth, keys):
        if name is None:
            returned.append(place)
        else:
            names.setdefault(name + "".join(f"[{key!r}]" for key in place), offset)
    if code.co_flags & _RESUMABLE:
        returned = []  # what these return reaches nobody at once
    return Becomes(names, tuple(returned))


def _follow(
    instructions: list[Instruction], start: int, depth: int, keys: Keys
) -> Iterator[tuple[str | None, Keys, int]]:
    """(name, keys, offset): from there on it lies in a variable; without a name, in what is returned."""
    for index, place in takers(instructions, start, depth):
        one = instructions[index]
        if one.opname == "RETURN_VALUE":
            yield None, keys, one.offset
        elif is_store(one):
            yield str(one.argval), keys, one.offset
            if _returned_next(instructions, index):
                yield None, keys, one.offset
        elif one.opname == "STORE_ATTR" and place == 1:
            base = spelled(instructions, index, 0)
            if base is not None:
                yield f"{base}.{one.argval}", keys, one.offset
        elif one.opname == "STORE_SUBSCR" and place == 2:
            base, key = spelled(instructions, index, 1), spelled(instructions, index, 0)
            if base is not None and key is not None:
                yield f"{base}[{key}]", keys, one.offset
        else:
            for deeper, rest in _through(instructions, index, place, keys):
                yield from _follow(instructions, index + 1, deeper, rest)


def _through(
    instructions: list[Instruction], index: int, place: int, keys: Keys
) -> Iterator[tuple[int, Keys]]:
    """Where a value is after it was put into a container, or its container taken apart: depth and keys."""
    one = instructions[index]
    if one.opname in ("BUILD_TUPLE", "BUILD_LIST"):
        yield 0, (one.arg - 1 - place, *keys)
    elif one.opname == "BUILD_MAP" and place % 2 == 0:
        key = _constant(instructions, index, place + 1)
        if key is not _NO_KEY:
            yield 0, (key, *keys)
    elif one.opname == "BUILD_CONST_KEY_MAP" and place > 0:
        every = _constant(instructions, index, 0)
        yield 0, (every[one.arg - place], *keys)
    elif one.opname == "UNPACK_SEQUENCE" and keys and type(keys[0]) is int and keys[0] < one.arg:
        yield keys[0], keys[1:]
    elif is_item(one) and place == 1 and keys:
        key = _constant(instructions, index, 0)
        if type(key) is type(keys[0]) and key == keys[0]:
            yield 0, keys[1:]


def _constant(instructions: list[Instruction], index: int, depth: int) -> Any:
    """A constant on the stack before an instruction."""
    found = giver(instructions, index, depth)
    if found is None or instructions[found[0]].opname != "LOAD_CONST":
        return _NO_KEY
    return instructions[found[0]].argval


def _returned_next(instructions: list[Instruction], index: int) -> bool:
    """Whether the variable that an instruction binds is returned by those that follow."""
    after = instructions[index + 1 : index + 3]
    return (
        [one.opname for one in after[1:]] == ["RETURN_VALUE"]
        and is_load(after[0])
        and after[0].argval == instructions[index].argval
        and not any(one.is_target for one in after)
    )


def unpacks(code: CodeType, lasti: int) -> int:
    """How many values an instruction takes its operand apart into; 0 if it does not."""
    found = at(code, lasti)
    one = None if found is None else found[0][found[1]]
    return one.arg if one is not None and one.opname == "UNPACK_SEQUENCE" else 0


def takes_next(code: CodeType, lasti: int) -> bool:
    """Whether an instruction takes the next value of a loop."""
    found = at(code, lasti)
    return found is not None and found[0][found[1]].opname == "FOR_ITER"


_HANDS_ON = CALLS | {"BINARY_OP", "BINARY_SUBSCR", "LOAD_ATTR"}


def hands_on(code: CodeType, lasti: int) -> bool:
    """Whether the result of an instruction is what the function returns that it has called."""
    found = at(code, lasti)
    one = None if found is None else found[0][found[1]]
    if one is None or one.opname == "BEFORE_WITH":  # which calls __enter__
        return one is not None
    return one.pushes == 1 and (one.opname in _HANDS_ON or one.opname.startswith("UNARY"))


#: what gives an iterator that may call functions when it is asked for values
_ITERATORS = frozenset({"enumerate", "filter", "from_iterable", "iter", "map", "zip", *dir(itertools)})


def gives_one(code: CodeType, lasti: int) -> bool:
    """Whether an instruction has one result; a call of a function with ``*`` may take its arguments from an iterator,
    which computes too.

    >>> import dis
    >>> def f(xs):
    ...     return [*map(abs, xs)] if xs else abs(*map(abs, xs)) + abs(*xs)
    >>> many = ("CALL_FUNCTION_EX", "LIST_EXTEND")
    >>> [gives_one(f.__code__, one.offset) for one in dis.get_instructions(f) if one.opname in many]
    [False, False, True]
    """
    found = at(code, lasti)
    if found is None:
        return True
    instructions, index = found
    one = instructions[index]
    if one.opname == "CALL_FUNCTION_EX":
        source = giver(instructions, index, one.pops - 3)
        return source is not None and callee(instructions, source[0]) not in _ITERATORS
    return one.pushes > 0


def called(code: CodeType, lasti: int) -> tuple[str, int] | None:
    """The last name of what an instruction calls, and the number of its arguments."""
    found = at(code, lasti)
    name = None if found is None else callee(*found)
    return None if found is None or name is None else (name, found[0][found[1]].arg)


@remembered
def given_to(code: CodeType, lasti: int) -> frozenset[str]:
    """The last names of what is called with the result of an instruction, at once or by a variable it is bound to.

    >>> import dis
    >>> def f(x, numpy):
    ...     a = x * 2
    ...     return numpy.float64(x * 3) + numpy.exp(a)
    >>> products = [one.offset for one in dis.get_instructions(f) if one.argrepr == "*"]
    >>> [sorted(given_to(f.__code__, offset)) for offset in products]
    [['exp'], ['float64']]
    """
    found = at(code, lasti)
    if found is None:
        return frozenset()
    instructions, index = found
    calls, variables, todo = [], set(), [index]
    while todo:
        for taker, place in takers(instructions, todo.pop() + 1):
            one = instructions[taker]
            if one.opname == "CALL" and place < one.arg:
                calls.append(taker)
            elif is_store(one):
                variables.add(one.argval)
            elif one.opname == "FORMAT_SIMPLE":  # what a text is in f"{x!r}" already
                todo.append(taker)
    if variables:
        calls += [
            number
            for number, one in enumerate(instructions)
            if one.opname == "CALL" and not variables.isdisjoint(text for _, text in sights(code, one.offset))
        ]
    return frozenset(name for name in (callee(instructions, one) for one in calls) if name is not None)


# ---- where operands come from -----------------------------------------------------------------------


class Sight(NamedTuple):
    """An operand of an instruction, by its position, was taken from a variable, an attribute or a constant item."""

    position: int
    text: str


@remembered
def sights(code: CodeType, lasti: int) -> tuple[Sight, ...]:
    """The operands of an operator or of the arguments of a call that are variables.

    >>> import dis
    >>> def f(x, y, z):
    ...     return (x * y) - z
    >>> [sights(f.__code__, one.offset) for one in dis.get_instructions(f) if one.opname == "BINARY_OP"]
    [(Sight(position=0, text='x'), Sight(position=1, text='y')), (Sight(position=1, text='z'),)]
    """
    found = at(code, lasti)
    if found is None:
        return ()
    instructions, index = found
    one = instructions[index]
    if one.opname == "CALL":
        count = one.arg
        before = instructions[index - 1] if index else one
        if before.opname == "KW_NAMES":
            return ()
    elif _is_operator(one) or one.opname.startswith("UNARY"):
        count = one.pops
    else:
        return ()
    texts = [_text(instructions, index, count - 1 - position) for position in range(count)]
    return tuple(Sight(position, text) for position, text in enumerate(texts) if text is not None)


def result_sights(code: CodeType) -> tuple[tuple[str, str], ...]:
    """(path, variable) of what a function returns, where it has one ``return`` only."""
    instructions = read(code)[1]
    ends = [index for index, one in enumerate(instructions) if one.opname in ("RETURN_VALUE", "RETURN_CONST")]
    if len(ends) != 1 or code.co_flags & _RESUMABLE:
        return ()
    found = giver(instructions, ends[0], 0)
    built = None if found is None else instructions[found[0]]
    if found is not None and built is not None and built.opname in ("BUILD_TUPLE", "BUILD_LIST"):
        texts = [_text(instructions, found[0], built.arg - 1 - i) for i in range(built.arg)]
        return tuple((f"[{i}]", text) for i, text in enumerate(texts) if text is not None)
    text = _text(instructions, ends[0], 0)
    return () if text is None else (("", text),)


def _text(instructions: list[Instruction], index: int, depth: int) -> str | None:
    """An operand as a variable, an attribute or an item by a constant key."""
    text = spelled(instructions, index, depth)
    if text is None or (base_of(text) == text and not text.isidentifier()):
        return None
    return text if all(_is_constant(key) for key in re.findall(r"\[([^]]*)\]", text)) else None


def _is_constant(key: str) -> bool:
    return not key.isidentifier() and "." not in key


def base_of(text: str) -> str:
    """The variable that an attribute or an item belongs to.

    >>> base_of("self.x"), base_of("w[0]"), base_of("x")
    ('self', 'w', 'x')
    """
    return re.split(r"[.[]", text, maxsplit=1)[0]


@remembered
def bound_how(code: CodeType, variable: str) -> str:
    """How a function binds a variable.

    ``argument`` is never bound again; ``direct`` gets the results of operators only, at once; ``other`` may get a value
    that was there before; ``elsewhere`` is not the function's own.
    """
    bound = _bound_at(code)
    stores = bound.get(variable)
    if stores is None:
        return "elsewhere"
    instructions = read(code)[1]
    if variable in parameters(code):
        return "rebound argument" if stores else "argument"
    givers = [giver(instructions, index, 0) for index in stores]
    direct = all(found is not None and _is_operator(instructions[found[0]]) for found in givers)
    return "direct" if direct else "other"


def _is_operator(one: Instruction) -> bool:
    return one.opname == "BINARY_OP" and not is_item(one)


@remembered
def _bound_at(code: CodeType) -> dict[str, list[int]]:
    """For each variable of a function the places of the instructions that bind it."""
    found: dict[str, list[int]] = {name: [] for name in (*code.co_varnames, *code.co_cellvars)}
    for index, one in enumerate(read(code)[1]):
        if is_store(one) and one.argval in found:
            found[one.argval].append(index)
    return found


@remembered
def parameters(code: CodeType) -> tuple[str, ...]:
    """The names of the arguments of a function, without ``*args`` and ``**kwargs``."""
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


@remembered
def stores_inside(code: CodeType) -> bool:
    """Whether a function binds attributes or items."""
    return any(one.opname in ("STORE_ATTR", "STORE_SUBSCR") for one in read(code)[1])


def argument_text(code: CodeType, lasti: int, function: CodeType, parameter: str) -> str | None:
    """The variable that a call passes for a parameter of the plain function that it calls by its own name."""
    names = function.co_varnames[: function.co_argcount]
    plain = not function.co_flags & (_RESUMABLE | 0x0C)  # neither *args nor **kwargs
    if not plain or parameter not in names or names[0] in ("self", "cls"):
        return None
    found = called(code, lasti)
    if found is None or found[0] != function.co_name:
        return None
    position = names.index(parameter)
    return next((sight.text for sight in sights(code, lasti) if sight.position == position), None)
