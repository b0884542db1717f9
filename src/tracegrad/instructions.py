"""What the instructions of a code object do to the stack: who put a value there, and who takes it.

In: a code object and the offset of an instruction (``frame.f_lasti``).  Out: :func:`read`, its instructions, the same
on every Python as far as names go; :func:`giver`, which instruction a value on the stack comes from; :func:`takers`,
what becomes of one.  Read :func:`giver` first.

Both follow straight lines only: where several ways meet, or an instruction is not known here, they say nothing.
"""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import CodeType
from typing import Any

from tracegrad.by_code import remembered


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; one of two at once (``STORE_FAST_LOAD_FAST``) is split into them."""

    opname: str
    arg: int
    argval: Any
    argrepr: str
    offset: int
    is_target: bool
    pops: int
    pushes: int


#: what instructions leave on the stack that are not listed below: nothing certain
_UNKNOWN = -1
_SILENT = frozenset({"CACHE", "NOP", "EXTENDED_ARG", "NOT_TAKEN"})
CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
_LOADS = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_KINDS_OF_LOAD = re.compile("_(BORROW|CHECK)$")
_CONSTANTS = re.compile("LOAD_(SMALL_INT|COMMON_CONSTANT)")
#: instructions of their own on Python 3.11
_INTRINSICS = {"INTRINSIC_UNARY_POSITIVE": "UNARY_POSITIVE", "INTRINSIC_LIST_TO_TUPLE": "LIST_TO_TUPLE"}

_PUSH_ONE = frozenset({
    "BINARY_OP", "BINARY_SLICE", "BINARY_SUBSCR", "BUILD_CONST_KEY_MAP", "BUILD_LIST", "BUILD_MAP", "BUILD_SET",
    "BUILD_SLICE", "BUILD_STRING", "BUILD_TUPLE", "CALL_FUNCTION_EX", "CALL_KW", "COMPARE_OP", "CONTAINS_OP",
    "CONVERT_VALUE", "FORMAT_SIMPLE", "FORMAT_VALUE", "FORMAT_WITH_SPEC", "FOR_ITER", "GET_ITER", "IMPORT_FROM",
    "IMPORT_NAME", "IS_OP", "LIST_TO_TUPLE", "LOAD_BUILD_CLASS", "LOAD_CLOSURE", "LOAD_CONST",
    "LOAD_DEREF", "LOAD_FAST", "LOAD_FAST_AND_CLEAR", "LOAD_NAME", "MAKE_FUNCTION", "PUSH_NULL",
    "TO_BOOL", "UNARY_INVERT", "UNARY_NEGATIVE", "UNARY_NOT", "UNARY_POSITIVE",
})  # fmt: skip
_PUSH_NONE = frozenset({
    "COPY_FREE_VARS", "DELETE_ATTR", "DELETE_FAST", "DELETE_SUBSCR", "DICT_MERGE", "DICT_UPDATE", "KW_NAMES",
    "LIST_APPEND", "LIST_EXTEND", "MAKE_CELL", "MAP_ADD", "POP_TOP", "RESUME", "SET_ADD", "SET_UPDATE", "STORE_ATTR",
    "STORE_DEREF", "STORE_FAST", "STORE_GLOBAL", "STORE_NAME", "STORE_SLICE", "STORE_SUBSCR",
})  # fmt: skip


@remembered
def read(code: CodeType) -> tuple[dict[int, int], list[Instruction]]:
    """The instructions of a code object, and the index of each by its offset.

    A warm function of Python 3.11 calls what is written in C from PRECALL, a cold one from the CALL that follows; while
    it calls what is written in Python it may be at one of the caches behind the instruction.
    """
    indices: dict[int, int] = {}
    found: list[Instruction] = []
    everything = list(dis.get_instructions(code))
    ends = [*(instruction.offset for instruction in everything[1:]), len(code.co_code)]
    reached = False  # by a jump to what is left out
    for instruction, end in zip(everything, ends, strict=True):
        reached = reached or bool(instruction.is_jump_target)
        if instruction.opname not in _SILENT:
            indices.update(dict.fromkeys(range(instruction.offset, end, 2), len(found)))
            if instruction.opname != "PRECALL":
                found.extend(_split(instruction, reached))
                reached = False
    return indices, found


def at(code: CodeType, lasti: int) -> tuple[list[Instruction], int] | None:
    """The instructions of a code object, and where among them the one at an offset is."""
    indices, instructions = read(code)
    index = indices.get(lasti)
    return None if index is None or index >= len(instructions) else (instructions, index)


def _split(instruction: dis.Instruction, is_target: bool) -> Iterator[Instruction]:
    """An instruction as those it stands for."""
    opname, argval, arg = instruction.opname, instruction.argval, instruction.arg or 0
    if isinstance(argval, tuple) and opname.count("_FAST") == 2:
        for kind, name in zip(re.findall("LOAD|STORE", opname), argval, strict=True):
            effect = (0, 1) if kind == "LOAD" else (1, 0)
            yield Instruction(f"{kind}_FAST", 0, name, "", instruction.offset, is_target, *effect)
            is_target = False
        return
    opname = _CONSTANTS.sub("LOAD_CONST", _KINDS_OF_LOAD.sub("", opname))
    opname = _INTRINSICS.get(instruction.argrepr, opname)
    effect = _effect(opname, instruction, arg)
    yield Instruction(opname, arg, argval, instruction.argrepr, instruction.offset, is_target, *effect)


def _effect(opname: str, instruction: dis.Instruction, arg: int) -> tuple[int, int]:
    """How many values an instruction takes from the stack and puts there, where execution goes on behind it."""
    if opname == "CALL":
        return arg + 2, 1
    if opname == "RETURN_VALUE" or opname.startswith("POP_JUMP"):
        return 1, 0
    if opname == "LOAD_GLOBAL":
        return 0, 1 + arg % 2
    if opname == "LOAD_METHOD":
        return 1, 2
    if opname == "LOAD_ATTR":
        return 1, 1 + (arg % 2 if sys.version_info >= (3, 12) else 0)
    if opname == "UNPACK_SEQUENCE":
        return 1, arg
    if opname == "BEFORE_WITH":
        return 1, 2
    pushes = 1 if opname in _PUSH_ONE else 0 if opname in _PUSH_NONE else _UNKNOWN
    if pushes == _UNKNOWN:
        return _UNKNOWN, _UNKNOWN
    takes_argument = instruction.opcode >= dis.HAVE_ARGUMENT
    return pushes - dis.stack_effect(instruction.opcode, arg if takes_argument else None, jump=False), pushes


# ---- backwards: where a value comes from ------------------------------------------------------------


def giver(instructions: list[Instruction], index: int, depth: int) -> tuple[int, int] | None:
    """The instruction that has put the value there which lies ``depth`` below the top before instruction ``index``.

    With it comes which of its results that is, counted from the top; ``None`` where more than one may have.
    """
    while index > 0 and not instructions[index].is_target:
        index -= 1
        one = instructions[index]
        if one.opname == "COPY":
            depth = one.arg - 1 if depth == 0 else depth - 1
        elif one.opname == "SWAP":
            depth = {0: one.arg - 1, one.arg - 1: 0}.get(depth, depth)
        elif one.pushes == _UNKNOWN or one.opname == "RETURN_VALUE":
            return None
        elif depth < one.pushes:
            return index, depth
        else:
            depth += one.pops - one.pushes
    return None


def spelled(instructions: list[Instruction], index: int, depth: int) -> str | None:
    """A value on the stack as the user spells it: a variable, its attributes and items; else ``None``."""
    found = giver(instructions, index, depth)
    if found is None:
        return None
    place, which = found
    one = instructions[place]
    if one.opname in _LOADS and one.opname != "LOAD_GLOBAL":
        return str(one.argval)
    if one.opname == "LOAD_CONST":
        return None if _has_slice(one.argval) else repr(one.argval)
    if one.opname == "LOAD_GLOBAL":
        return None if _is_null(one, which) else str(one.argval)
    if one.opname == "LOAD_ATTR" and one.pushes == 1:
        base = spelled(instructions, place, 0)
        return None if base is None else f"{base}.{one.argval}"
    if is_item(one):
        base, key = spelled(instructions, place, 1), spelled(instructions, place, 0)
        return None if base is None or key is None else f"{base}[{key}]"
    return None


def _has_slice(constant: Any) -> bool:
    """Whether this is a slice, or a key with one, which some Pythons build while the function runs."""
    return type(constant) is slice or (type(constant) is tuple and any(map(_has_slice, constant)))


def is_item(one: Instruction) -> bool:
    """Whether this takes an item of a container."""
    return one.opname == "BINARY_SUBSCR" or (one.opname == "BINARY_OP" and one.argrepr == "[]")


def _is_null(one: Instruction, which: int) -> bool:
    """Whether a result of LOAD_GLOBAL is the empty place beside a function to be called."""
    return one.pushes == 2 and which != (0 if sys.version_info < (3, 13) else 1)


def callee(instructions: list[Instruction], index: int) -> str | None:
    """The last name of what an instruction calls: ``exp`` of ``math.exp(x)``."""
    one = instructions[index]
    if one.opname not in CALLS:
        return None
    for depth in (one.pops - 2, one.pops - 1):  # the other is empty, or the object of a method
        found = giver(instructions, index, depth)
        name = None if found is None else instructions[found[0]]
        if name is not None and name.opname in (*_LOADS, "LOAD_ATTR", "LOAD_METHOD"):
            return str(name.argval)
    return None


# ---- forwards: what becomes of a value --------------------------------------------------------------


def takers(instructions: list[Instruction], index: int, depth: int = 0) -> Iterator[tuple[int, int]]:
    """The instructions that take a value, which lies ``depth`` below the top before instruction ``index``.

    With each comes how far below the top the value lies for it.  A value that was copied has several.
    """
    places = {depth}
    while places and index < len(instructions):
        one = instructions[index]
        if one.opname == "COPY":
            copied = one.arg - 1 in places
            places = {place + 1 for place in places} | ({0} if copied else set())
        elif one.opname == "SWAP":
            places = {{0: one.arg - 1, one.arg - 1: 0}.get(place, place) for place in places}
        elif one.pushes == _UNKNOWN:
            return
        else:
            for place in sorted(places):
                if place < one.pops:
                    yield index, place
            if one.opname.startswith("POP_JUMP") or one.opname in ("RETURN_VALUE", "FOR_ITER"):
                return
            places = {place - one.pops + one.pushes for place in places if place >= one.pops}
        index += 1


def is_load(one: Instruction) -> bool:
    """Whether this puts a variable on the stack."""
    return one.opname in _LOADS


def is_store(one: Instruction) -> bool:
    """Whether this binds a variable."""
    return one.opname in _STORES


@remembered
def compares_identity(code: CodeType) -> bool:
    """Whether code asks if one value *is* another, other than a constant or a global such as a class.

    >>> compares_identity((lambda a, b: a is b).__code__), compares_identity((lambda a: a is None).__code__)
    (True, False)
    """
    _, found = read(code)
    return any(
        one.opname == "IS_OP" and before.opname not in ("LOAD_CONST", "LOAD_GLOBAL")
        for before, one in pairwise(found)
    )
