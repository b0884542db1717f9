"""Answers about code, remembered by the code object itself.

In: a function of a code object and more.  Out: the same function, with a memory (:func:`remembered`).

``functools.lru_cache`` would ask a code object for its hash, which goes through all of its constants and names each
time: for a function of a hundred thousand statements that is slower than any answer.  It would also take two code
objects of one text in two files for the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import CodeType
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: code objects that a function remembers; the first to come is the first to go
MOST = 4096


def remembered(function: Callable[Concatenate[CodeType, P], T]) -> Callable[Concatenate[CodeType, P], T]:
    """Remember what a function has said of each code object.

    >>> asked = []
    >>> count = remembered(lambda code, extra: asked.append(extra) or len(code.co_names) + extra)
    >>> [count((lambda x: abs(x)).__code__, 10) for _ in range(3)], asked
    ([11, 11, 11], [10])
    """
    known: dict[
        int, tuple[CodeType, dict[Any, T]]
    ] = {}  # an identity is that of the code as long as this holds it

    def answer(code: CodeType, /, *args: P.args, **kwargs: P.kwargs) -> T:
        entry = known.get(id(code))
        if entry is None:
            entry = known[id(code)] = code, {}
            if len(known) > MOST:
                known.pop(next(iter(known)), None)
        answers = entry[1]
        if args not in answers:
            answers[args] = function(code, *args, **kwargs)
        return answers[args]

    return update_wrapper(answer, function)
