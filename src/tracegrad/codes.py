"""What code objects say of themselves: the names they use, the modules they import, what they compare.

In: a code object.  Out: answers about it and the code inside it (nested functions, lambdas, comprehensions).
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import resolve_name
from types import CodeType
from typing import Any

from tracegrad.class_stand_ins import CLASSES

_IMPORT = dis.opmap["IMPORT_NAME"]
#: the names of the classes that have a stand-in
NAMED_CLASSES = frozenset({*CLASSES, "Decimal"})
_BUILD_CLASS = dis.opmap["LOAD_BUILD_CLASS"]
_COMPARISONS = frozenset({"IS_OP", "CONTAINS_OP", "COMPARE_OP"})


def _with_nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and all code inside it."""
    todo = [code]
    while todo:
        one = todo.pop()
        yield one
        todo += [const for const in one.co_consts if isinstance(const, CodeType)]


def names_of_code(code: CodeType) -> frozenset[str]:
    """Every global or attribute name that code uses.

    >>> sorted(names_of_code((lambda x: math.exp(y)).__code__))
    ['exp', 'math', 'y']
    """
    return frozenset(name for one in _with_nested(code) for name in one.co_names)


def modules_imported(code: CodeType, namespace: dict[str, Any]) -> Iterator[str]:
    """The full names of the modules that code imports when it runs."""
    for one in _with_nested(code):
        if _IMPORT not in one.co_code[::2]:
            continue
        level: Any = 0
        for instruction in dis.get_instructions(one):
            if instruction.opcode == _IMPORT:
                package = namespace.get("__package__")
                if not level or package:
                    with suppress(ImportError):
                        yield resolve_name("." * level + instruction.argval, package)
            elif instruction.opname.startswith("LOAD_") and type(instruction.argval) is int:
                level = instruction.argval


def derives_class(code: CodeType) -> bool:
    """Whether a class statement may name a class that has a stand-in."""
    return any(
        _BUILD_CLASS in one.co_code[::2] and not NAMED_CLASSES.isdisjoint(one.co_names)
        for one in _with_nested(code)
    )


def compared_classes(code: CodeType) -> frozenset[str]:
    """Which classes that have a stand-in some line compares with a ``__class__``, which is the class itself."""
    return frozenset(name for one in _with_nested(code) for name in _compared_classes(one))


def _compared_classes(code: CodeType) -> set[str]:
    if "__class__" not in code.co_names or CLASSES.keys().isdisjoint(code.co_names):
        return set()
    lines: dict[int | None, set[Any]] = {}
    for instruction in dis.get_instructions(code):
        line = lines.setdefault(instruction.positions and instruction.positions.lineno, set())
        called = "NULL" in instruction.argrepr  # type(x) is no class that is compared
        line |= {
            instruction.opname,
            instruction.argval if instruction.opcode in dis.hasname and not called else None,
        }
    compared = [line for line in lines.values() if "__class__" in line and line & _COMPARISONS]
    return CLASSES.keys() & set().union(*compared)
