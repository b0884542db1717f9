"""Inputs: tracers in place of the numbers to differentiate by.

In: arguments, and which of their numbers are wanted.  Out: the arguments with tracers in them, and for each parameter
an :class:`Entered` that puts gradients into the same structure.  Read :func:`enter`.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from tracegrad.aliases import Aliases
from tracegrad.arguments import Arguments, title_of
from tracegrad.arrays.fit import twin
from tracegrad.errors import InputError
from tracegrad.primitives import INPUT
from tracegrad.pulls import pull_for
from tracegrad.substitute import substitute
from tracegrad.tape import Tape
from tracegrad.tracer import KINDS, NOTHING, ScalarTracer, lend
from tracegrad.tree import follow, is_leaf, leaves, map_leaves, replaced, steps_of

#: paths or parameter names to differentiate by; ``None`` for all
Wrt = Sequence[str] | None

_INERT = frozenset({str, bytes, bool, type(None)})
_PLAIN_NUMBERS = frozenset({int, float})
_INPUT_PULL = pull_for(INPUT, "n")


def _same(value: Any) -> Any:
    return value


class Entered(NamedTuple):
    """A parameter with inputs in it: the argument, and for each number there whether it is an input (``None``: all)."""

    argument: Any
    chosen: list[bool] | None

    def map(
        self, leaf: Callable[[Any], Any], rest: Callable[[Any], Any], other: Callable[[Any], Any] = _same
    ) -> Any:
        """The argument with its inputs replaced by ``leaf`` and its other numbers by ``rest``."""
        if self.chosen is None:
            if type(self.argument) in _PLAIN_NUMBERS:
                return leaf(self.argument)
            return map_leaves(self.argument, leaf, other)
        chosen = iter(self.chosen)
        return map_leaves(self.argument, lambda number: leaf(number) if next(chosen) else rest(number), other)


def names_of(entered: dict[str, Entered]) -> list[str]:
    """The paths of the inputs, in order."""
    return [
        path
        for parameter, one in entered.items()
        for (path, _), chosen in zip(
            leaves(one.argument, parameter), one.chosen or repeat(True), strict=False
        )
        if chosen
    ]


def enter(tape: Tape, bound: Arguments, wrt: Wrt, roots: list[Any]) -> dict[str, Entered]:
    """Put tracers in place of the numbers to differentiate by; whatever else can hold functions is a root."""

    def other(value: Any) -> Any:
        if type(value) not in _INERT:
            roots.append(value)
        return substitute(value)

    entered: dict[str, Entered] = {}
    arguments, containers = bound.arguments, []
    for name, value in arguments.items():
        if name not in bound.given and not is_leaf(value):
            arguments[name] = substitute(value)  # a container stays in place: it may be the function's memory
            continue
        before = len(tape)
        one = Entered(value, _chosen(name, value, wrt))
        arguments[name] = one.map(functools.partial(_input, tape), _same, other)
        if len(tape) > before:
            entered[name] = one
        if type(value) not in _PLAIN_NUMBERS:
            containers.append((value, arguments[name]))
    if containers:
        tape.aliases = Aliases(containers)
    return entered


def _input(tape: Tape, number: Any) -> Any:
    if type(number) in _PLAIN_NUMBERS:
        node: Any = tape.kind()
        node.value_ = number
    else:
        node = KINDS.get(type(number), tape.kind)()
        node.value_ = twin(number)
        tape.foreign = True
        if type(node) is ScalarTracer:
            lend(number)
    node.pull_ = _INPUT_PULL
    node.a_, node.b_ = (), NOTHING
    node.tape_ = tape
    node.lasti_ = -1
    node.adjoint_ = None
    tape.append(node)
    return node


def _chosen(parameter: str, value: Any, wrt: Wrt) -> list[bool] | None:
    if wrt is None or parameter in wrt:
        return None
    return [any(covers(name, path) for name in wrt) for path, _ in leaves(value, parameter)]


def covers(name: str, path: str) -> bool:
    """Whether a path is that of a name, or inside of it: ``w`` covers ``w[0]``.

    >>> covers("w", "w[0]"), covers("w", "width")
    (True, False)
    """
    return path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "[")


def enter_attributes(
    tape: Tape, function: Any, bound: Arguments, wrt: Sequence[str], entered: dict[str, Entered]
) -> Any:
    """Enter the numbers that are attributes of objects (``body.mass``, ``self.rate``), each named in ``wrt``.

    The objects are copied along the path, for those of the caller are never changed; hence the function given back,
    which may be bound to a copy.
    """
    everything = [path for name, value in bound.arguments.items() for path, _ in leaves(value, name)]
    known = names_of(entered) or everything
    for wanted in wrt:
        if any(covers(wanted, path) for path in known):
            continue
        parameter = re.split(r"[.[]", wanted)[0]
        steps = steps_of(wanted[len(parameter) :])
        own = parameter == "self" and type(function) is types.MethodType
        holder = function.__self__ if own else bound.arguments.get(parameter)
        number = _number_at(holder, steps) if steps else None
        if steps is None or number is None:
            there = f"there are: {', '.join(everything[:20])}" if everything else "there are none"
            raise InputError(
                f"{title_of(function)} has no number called {wanted!r} to differentiate by; {there}"
            )
        entered[wanted] = Entered(number, None)
        changed = replaced(holder, steps, _input(tape, number))
        if own:
            function = types.MethodType(function.__func__, changed)
        else:
            bound.arguments[parameter] = changed
    if not entered:
        raise InputError(
            f"{title_of(function)} was given no number to differentiate by: inputs are the ints and floats among its "
            "arguments, also inside of lists, tuples, dicts and dataclasses; numbers in other objects are named, as "
            "in @tg.traced(wrt=['body.mass'])"
        )
    return function


def _number_at(holder: Any, steps: list[tuple[str, Any]]) -> Any:
    try:
        number = follow(holder, steps)
    except (AttributeError, LookupError, TypeError):
        return None
    return number if is_leaf(number) else None
