"""Primitives of the user: a function with local gradients of its own, recorded as one operation.

In: a function and its rule.  Out: a function that is called as before and shows as one gate in traces.  Read
:func:`primitive` first.  A rule is plain code on numbers; where an enclosing trace differentiates it again, it is
traced like any other code, which makes higher orders.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from math import nan
from types import MethodType
from typing import Any, TypeVar

from tracegrad import intercept
from tracegrad.arguments import title_of
from tracegrad.arrays.fit import own, shape_of, zero_like
from tracegrad.check import check
from tracegrad.errors import InputError, UnsupportedError
from tracegrad.ieee import Ieee
from tracegrad.primitives import Primitive, bind
from tracegrad.substitute import substitute
from tracegrad.tape import innermost
from tracegrad.tracer import KINDS, isinstance_tracer, plain, raised
from tracegrad.tree import leaves, map_leaves, short

F = TypeVar("F", bound=Callable[..., Any])

#: local gradients: one function for all arguments, or one function or number for each
Partials = Callable[..., Any] | Sequence[Any]


def primitive(
    function: Any = None,
    /,
    *,
    partials: Partials | None = None,
    vjp: Callable[..., Any] | None = None,
    name: str | None = None,
    symbol: str | None = None,
    check_at: tuple[Any, ...] | None = None,
) -> Any:
    """Make a function one operation of traces, with a derivative written by hand.

    ``partials(out, *args)`` gives the local gradients of a result that is one number, or of each element of an
    array that is computed element by element: for one argument its gradient, for several a tuple; or ``partials``
    is a sequence with a function ``(out, *args)`` or a number for each argument, ``None`` for one that is not
    differentiated. ``vjp(g, out, *args)`` gives ``g`` times these, ``g`` and ``out`` in the structure of the
    result; it is linear in ``g``. A gradient has the structure of its argument; keyword arguments are passed to the
    rule as they are.

    ``symbol`` is what the gate shows; documents call the primitive ``custom.`` and ``name``.  ``check_at`` are
    arguments at which the derivative is compared with differences at once (:func:`tracegrad.check`), orders 1 and 2.

    Raises :class:`InputError` if there is no rule or two; :class:`CheckFailed` if the check fails;
    :class:`UnsupportedError` in a trace, if a gradient is asked for that the rule does not give.

    >>> import math
    >>> import tracegrad as tg
    >>> @tg.primitive(partials=lambda out, x: 1 - math.exp(-out), symbol="softplus", check_at=(0.5,))
    ... def softplus(x):
    ...     return math.log1p(math.exp(x))
    >>> tg.grad(softplus)(0.0), tg.grad(tg.grad(softplus))(0.0)
    (0.5, 0.25)
    >>> tg.trace(lambda x: 3 * softplus(x), 0.0).nodes[1].label
    'softplus'

    Source of the convention (result first, then arguments): the ``@scalar_rule`` of Julia's ChainRules.
    """
    if function is None:
        return functools.partial(
            primitive, partials=partials, vjp=vjp, name=name, symbol=symbol, check_at=check_at
        )
    if (partials is None) == (vjp is None):
        raise InputError(
            f"the primitive {title_of(function)} needs one rule: write partials=lambda out, x: ... or "
            "vjp=lambda g, out, x: ..."
        )
    made = CustomPrimitive(function, partials, vjp, name, symbol)
    if check_at is not None:
        check(made, *check_at).raise_if_wrong()
    return made


def custom_gradient(rule: Callable[..., Any]) -> Callable[[F], F]:
    """Give a plain function another gradient: ``rule(g, out, *args)`` instead of the chain rule through its body.

    ``g`` is the gradient that arrives, in the structure of the result ``out``; the rule gives one gradient for each
    argument (not in a tuple where there is one), and is linear in ``g``.  The same as ``primitive(vjp=rule)``.

    >>> import tracegrad as tg
    >>> @tg.custom_gradient(lambda g, out, x: -g)
    ... def reversed_gradient(x):
    ...     return x
    >>> tg.grad(lambda x: reversed_gradient(x) ** 2)(3.0)
    -6.0
    """
    return lambda function: primitive(function, vjp=rule)


class CustomPrimitive:
    """A function that traces record as one operation; calling it on plain numbers is the plain call."""

    def __init__(
        self,
        function: Callable[..., Any],
        partials: Partials | None,
        vjp: Callable[..., Any] | None,
        name: str | None,
        symbol: str | None,
    ) -> None:
        functools.update_wrapper(self, function)
        self._function, self._partials, self._vjp = function, partials, vjp
        called = str(name or getattr(function, "__name__", "primitive"))
        self._row = Primitive(
            name=f"custom.{called}", forward=_forward, rules=_rules, symbol=symbol or called, python="", c="", numpy="",
            params=("call",), variadic=True,
        )  # fmt: skip
        #: the same where a ``vjp`` works on arrays: not a product with numbers but a linear map
        self._map = dataclasses.replace(self._row, rules=(), vjps=_vjps) if vjp else self._row

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        operands = [leaf for _, leaf in leaves([args, kwargs])]
        if not any(map(isinstance_tracer, operands)):
            return self._function(*args, **kwargs)
        call = _Call(self, args, kwargs, [isinstance_tracer(operand) for operand in operands])
        try:
            result = call.run(list(map(plain, operands)))
        except Exception as error:
            tape = innermost([operand.tape_ for operand in operands if isinstance_tracer(operand)])
            raised(tape, self._row, tuple(operands), error)
            raise
        outputs = len(leaves(result))
        if not outputs:
            raise UnsupportedError(
                f"the primitive {title_of(self._function)} returned no number ({type(result).__name__}) for a traced "
                "argument: its gradient would be lost"
            )
        numbers = iter(range(outputs))
        arrays = any(
            type(value) in KINDS for value in map(plain, [*operands, *(leaf for _, leaf in leaves(result))])
        )
        row = self._map if arrays else self._row
        return map_leaves(result, lambda _: bind(row, *operands, Output(call, next(numbers))))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<primitive {title_of(self._function)}>"

    def gradients(self, seed: Any, out: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[Any]:
        """What the rule gives, one gradient for each positional argument."""
        if self._vjp is not None:
            found = self._vjp(seed, out, *args, **kwargs)
        elif callable(self._partials):
            found = self._partials(out, *args, **kwargs)
        else:
            return [
                substitute(one)(out, *args, **kwargs) if callable(one) else one
                for one in self._partials or ()
            ]
        return [found] if len(args) == 1 else found

    def rules(self) -> list[Any]:
        """The user's functions in which derivatives are computed."""
        given = self._vjp or self._partials
        return [given] if callable(given) else [one for one in given or () if callable(one)]


class _Call:
    """One call of a primitive: the structure of its arguments, in which numbers are put anew."""

    def __init__(
        self, of: CustomPrimitive, args: tuple[Any, ...], kwargs: dict[str, Any], traced: list[bool]
    ) -> None:
        self.of = of
        self.structure = map_leaves([args, kwargs], lambda _: 0.0)
        self.traced = traced
        self._values: list[Any] | None = None
        self.result: Any = None

    def arguments(self, values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        numbers = iter(values)
        args, kwargs = map_leaves(self.structure, lambda _: next(numbers))
        return args, kwargs

    def run(self, values: list[Any]) -> Any:
        """The function's result for plain numbers; kept, because each number of a result asks for it."""
        known = self._values
        if known is None or not all(a is b for a, b in zip(known, values, strict=True)):
            args, kwargs = self.arguments(values)
            self._values, self.result = values, self.of._function(*args, **kwargs)
            if any(isinstance_tracer(leaf) for _, leaf in leaves(self.result)):
                raise UnsupportedError(
                    f"the primitive {title_of(self.of._function)} computes with a traced value that is not among its "
                    "arguments, whose gradient would be lost: pass it as an argument"
                )
        return self.result

    def slots(self, gradients: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
        """The gradient of each operand, from those of the arguments."""
        if not isinstance(gradients, Sequence) or len(gradients) != len(args):
            raise UnsupportedError(
                f"the rule of {title_of(self.of._function)} gave {short(gradients)} for {len(args)} arguments; "
                "write one gradient for each, in a tuple"
            )
        traced = iter(self.traced)
        for number, (gradient, arg) in enumerate([*zip(gradients, args, strict=True), (None, kwargs)]):
            operands = leaves(arg)
            wanted = [next(traced) for _ in operands]
            if not operands:
                continue  # an instance, a text: whatever the rule says of it
            if gradient is None:
                if any(wanted):
                    what = f"argument {number}" if number < len(args) else "its keyword arguments"
                    raise UnsupportedError(
                        f"the primitive {title_of(self.of._function)} has no local gradient by {what}, which is "
                        "traced: add one to its rule, or wrap the argument in tg.detach(...)"
                    )
                yield from [0.0] * len(operands)
                continue
            found = dict(leaves(gradient))
            if [path for path, _ in operands] != list(found):
                raise UnsupportedError(
                    f"the rule of the primitive {title_of(self.of._function)} gave {short(gradient)} for argument "
                    f"{number}, which has another structure"
                )
            yield from map(own, found.values())  # an array may be one that the rule keeps


class Output(str):
    """Number ``number`` of the result of a call; its text is what documents show."""

    __slots__ = ("call", "number")
    call: _Call
    number: int

    def __new__(cls, call: _Call, number: int) -> Output:
        made = super().__new__(cls, f"result {number}")
        made.call, made.number = call, number
        return made


def _forward(*operands: Any) -> Any:
    *values, output = operands
    return leaves(output.call.run(values))[output.number][1]


def _rules(m: Any, out: Any, *operands: Any) -> list[Any]:
    """All local gradients of one number of the result."""
    *values, output = operands
    try:
        found = _flows(1.0, out, values, output)
    except (ArithmeticError, ValueError):
        if any(type(value) is Ieee for value in values):
            return [nan] * len(values)
        raise
    for local in found:
        _refuse_matrix(output.call.of, local, out)
    return found


def _refuse_matrix(of: CustomPrimitive, local: Any, out: Any) -> None:
    """Local gradients are multiplied element by element: a matrix of them would be summed the wrong way."""
    given, shape = shape_of(local), shape_of(out)
    fits = len(given) <= len(shape) and all(
        one in (1, other) for one, other in zip(given[::-1], shape[::-1], strict=False)
    )
    if shape and not fits:
        raise UnsupportedError(
            f"the partials of the primitive {title_of(of)} have shape {given} for a result of shape {shape}, and they "
            "are multiplied element by element: write vjp=lambda g, out, ...: ... for any other map"
        )


def _vjps(g: Any, out: Any, *operands: Any) -> list[Any]:
    """What returns to all operands from one number or array of the result."""
    *values, output = operands
    return _flows(g, out, values, output)


def _flows(g: Any, out: Any, values: list[Any], output: Output) -> list[Any]:
    """What the rule gives where ``g`` arrives at one number or array of the result, and nothing at the others."""
    call = output.call
    args, kwargs = call.arguments(values)
    own = object()
    key = id(own)
    try:
        intercept.start(key, call.of.rules())
        number = iter(range(len(leaves(call.result))))
        seed = map_leaves(call.result, lambda leaf: g if next(number) == output.number else zero_like(leaf))
        single = len(leaves(call.result)) == 1
        result = map_leaves(call.result, lambda _: out) if single else call.of(*args, **kwargs)
        return list(call.slots(call.of.gradients(seed, result, args, kwargs), args, kwargs))
    finally:
        try:
            intercept.stop(key)
        except BaseException:  # an interrupt on the way there
            intercept.stop(key)
            raise
