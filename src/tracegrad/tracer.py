"""Tracers: the values that stand in for numbers while a function runs.

In: plain operators and calls on tracers.  Out: new tracers, each of which is at once the entry of its tape.  Read
:class:`Tracer` first: it is the whole behaviour, written plainly on :func:`~tracegrad.primitives.bind`.
:class:`NestedTracer` holds the tracers of an enclosing trace, which makes gradients of gradients;
:class:`ScalarTracer` holds plain numbers, and :mod:`tracegrad.fast` gives it operators that lose no time.

Four doors lead out of a trace: truth, whole numbers, text, and conversion to a float.  The first three are steps, give
plain results and are recorded as guards; the last would lose a gradient, and raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from numbers import Integral, Real
from types import FunctionType, WrapperDescriptorType
from typing import Any, NoReturn

from tracegrad.copies import copied
from tracegrad.errors import EscapeError, TraceError, UnsupportedError
from tracegrad.primitives import (
    FLOORDIV,
    LITERAL_POWER,
    MOD,
    POWER,
    ROUND,
    TABLE,
    Primitive,
    bind,
    namespace,
)
from tracegrad.pulls import ROW_OF, Pull, pull_for
from tracegrad.source import describe, formats, looks_up, tells_time
from tracegrad.tape import Tape, innermost, user_frame

#: stands in slot ``b_`` of a tracer that has one operand, or all of them in a tuple in ``a_``
NOTHING: Any = type("Nothing", (), {"__repr__": lambda self: "NOTHING"})()

_LITERAL = frozenset({int, float})

#: class of a value -> class of its tracers, where that is not the tape's own kind: arrays, once numpy is there
KINDS: dict[type, type[Tracer]] = {}

#: class of arrays that are made but not traced yet -> what gives the plain array
UNSETTLED: dict[type, Callable[[Any], Any]] = {}

#: class of tracers of Python's complex numbers -> what records one, once numpy is there
COMPLEX_NUMBERS: dict[type, Callable[..., Any]] = {}

#: attributes of numpy's scalars that tell nothing of the number
_STATIC = frozenset({"dtype", "itemsize", "nbytes", "ndim", "shape", "size"})


class _OfSomeKinds:
    """A method that some kinds of numbers have; for others it is no attribute."""

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self.method, self.name = method, method.__name__

    def __get__(self, tracer: Any, owner: Any = None) -> Any:
        if tracer is None:
            return self.method
        getattr(tracer.value_, self.name)  # raises the number's own error
        return functools.partial(self.method, tracer)


class Tracer:
    """A traced number, and the entry of its tape.

    ``value_`` is the plain result of the primitive ``row_`` on operands ``a_`` and ``b_`` (tracers of the same tape, or
    constants), ``pull_`` sends a gradient back to them, ``lasti_`` is the instruction that made it (in which call, the
    tape knows), and ``adjoint_`` is scratch space of the reverse sweep.  Their names end in ``_`` because user code
    asks for ``x.value`` to learn whether ``x`` is a box around a number, and must find out that it is not.

    There is no ``__getattr__`` here or below, since with one CPython (3.11 to 3.14) looks up every attribute the slow
    way, also the slots: :func:`lend` gives tracers the attributes that their numbers have.
    """

    __slots__ = ("a_", "adjoint_", "b_", "lasti_", "pull_", "tape_", "value_")

    value_: Any
    pull_: Pull
    a_: Any
    b_: Any
    tape_: Tape
    lasti_: int
    adjoint_: Any

    @property
    def row_(self) -> Primitive:
        """The primitive that made this value."""
        return ROW_OF[self.pull_]

    def _tracegrad_bind_(self, row: Primitive, args: tuple[Any, ...]) -> Any:
        """Apply ``row`` where at least one argument is a tracer: record it on the innermost tape."""
        tape = self.tape_
        if UNSETTLED and not UNSETTLED.keys().isdisjoint(map(type, args)):
            args = tuple(UNSETTLED[type(arg)](arg) if type(arg) in UNSETTLED else arg for arg in args)
        if KINDS and not KINDS.keys().isdisjoint(map(type, args)):
            for arg in args:
                if isinstance_tracer(arg) and type(arg) in KINDS:
                    arg._tracegrad_check_()
        if COMPLEX_NUMBERS and not row.step and type(self) not in KINDS:
            for arg in args:
                if type(arg) in COMPLEX_NUMBERS:
                    return arg._tracegrad_bind_(row, args)
        if any(isinstance_tracer(arg) and arg.tape_ is not tape for arg in args):
            tape = innermost([arg.tape_ for arg in args if isinstance_tracer(arg)])
        if row.params:
            static = len(row.params)
            args = (*args[:-static], *(operand_to_static(arg) for arg in args[-static:]))
        values = [arg.value_ if isinstance_tracer(arg) and arg.tape_ is tape else arg for arg in args]
        try:
            value = bind(row, *values)
        except Exception as error:
            raised(tape, row, args, error)
            raise
        if row.step:
            tape.guard(row, _as_now(args) if KINDS else args, _as_now(value) if KINDS else value)
            return value
        return record(tape, row, value, args)

    # ---- the doors

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the number: ``isinstance(x, float)`` answers as for the plain call."""
        return self.value_.__class__  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return bool(bind(TABLE["bool"], self))

    def __int__(self) -> int:
        return int(bind(TABLE["int"], self))

    def __index__(self) -> int:
        if self.__class__ is not int and tells_time(user_frame()):
            escape(self, "taken as a time")
        return int(bind(TABLE["index"], self))

    def __trunc__(self) -> Any:
        return bind(TABLE["trunc"], self)

    def __floor__(self) -> Any:
        return bind(TABLE["floor"], self)

    def __ceil__(self) -> Any:
        return bind(TABLE["ceil"], self)

    def __round__(self, digits: Any = None) -> Any:
        return bind(TABLE["round"], self) if digits is None else bind(ROUND, self, digits)

    def __hash__(self) -> int:
        if self.__class__ is not int and looks_up(user_frame()):
            escape(self, "used as a key, behind which a plain number may lie")
        return int(bind(TABLE["hash"], self))

    def __format__(self, spec: str) -> str:
        return str(bind(TABLE["format"], self, spec))

    def __str__(self) -> str:
        return format(self, "")

    def __repr__(self) -> str:
        return format(self, "") if type(self.tape_) is Tape else f"<value {self.value_!r} of an ended trace>"

    def __float__(self) -> float:
        if not formats(user_frame()):
            escape(self, "turned into a plain float")
        bind(TABLE["format"], self, ".17g")  # text % x: what becomes text is a guard, as for format()
        return float(plain(self))

    def __complex__(self) -> NoReturn:
        self.tape_.refuse(
            EscapeError(
                f"a traced value would be turned into a complex number and lose its gradient, "
                f"{describe(user_frame())}.  complex() and the functions of cmath are traced where numpy is loaded: "
                "import numpy, or write it with real numbers"
            )
        )

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        escape(self, "pickled")

    def __copy__(self) -> Tracer:
        return self

    def __deepcopy__(self, memo: Any) -> Tracer:
        return self

    # ---- what floats and ints have besides operators

    @property
    def real(self) -> Tracer:
        return self

    @property
    def imag(self) -> Any:
        return self.value_.__class__(0)

    def conjugate(self) -> Tracer:
        return self

    @_OfSomeKinds
    def is_integer(self) -> bool:
        return bool(bind(TABLE["is_integer"], self))

    @_OfSomeKinds
    def as_integer_ratio(self) -> NoReturn:
        escape(self, "turned into a ratio of two integers")

    @_OfSomeKinds
    def hex(self) -> NoReturn:
        escape(self, "written as hexadecimal text")

    def __divmod__(self, other: Any) -> Any:
        return (
            (bind(FLOORDIV, self, other), bind(MOD, self, other))
            if is_operand(MOD, other)
            else declined(FLOORDIV, self, other)
        )

    def __rdivmod__(self, other: Any) -> Any:
        return (
            (bind(FLOORDIV, other, self), bind(MOD, other, self))
            if is_operand(MOD, other)
            else declined(FLOORDIV, other, self)
        )

    @_OfSomeKinds
    def bit_length(self) -> Any:
        return bind(TABLE["bit_length"], self)

    @_OfSomeKinds
    def bit_count(self) -> Any:
        return bind(TABLE["bit_count"], self)

    def __invert__(self) -> Any:
        return bind(TABLE["invert"], self)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            return _whole_power(self, other, modulus)
        if not is_operand(POWER, other):
            return declined(POWER, self, other)
        return bind(POWER if isinstance_tracer(other) else LITERAL_POWER, self, other)

    def __rpow__(self, other: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            return _whole_power(other, self, modulus)  # asked for since Python 3.14
        return bind(POWER, other, self) if is_operand(POWER, other) else declined(POWER, other, self)


def isinstance_tracer(value: Any) -> bool:
    """Whether this is a tracer: asked of the type, because ``__class__`` answers as the number."""
    return issubclass(type(value), Tracer)


def as_number(value: Any) -> Any:
    """The number that an object of the user says it is: what its ``__float__`` gives, traced or not."""
    method = getattr(type(value), "__float__", None)
    return method(value) if type(method) is FunctionType and not isinstance_tracer(value) else value


def plain(value: Any) -> Any:
    """The number under a tracer of any level; anything else as it is."""
    while isinstance_tracer(value):
        value = value.value_
    return value


def is_operand(row: Primitive, other: Any) -> bool:
    """Whether a tracer computes with this by ``row``: tracers and numbers; :func:`record` refuses complex results."""
    kind = type(other)
    if kind in _LITERAL or issubclass(kind, Tracer):
        return True
    if issubclass(kind, complex):
        return row.complex
    return issubclass(kind, Real) and not issubclass(kind, Decimal)


def is_comparable(row: Primitive, other: Any) -> bool:
    """Whether a tracer can be compared with this: Python compares numbers with decimal ones, but does not add them."""
    return is_operand(row, other) or issubclass(type(other), Decimal)


def _whole_power(*args: Any) -> Any:
    """``pow`` with a modulus, which is for whole numbers only; of others the error is that of the plain call."""
    if not all(isinstance(plain(arg), int) for arg in args):
        return pow(*map(plain, args))
    return pow(*(arg.__index__() if isinstance_tracer(arg) else arg for arg in args))


def operand_to_static(arg: Any) -> Any:
    """A static operand (an exponent of two, a number of digits) as a plain whole number."""
    return arg.__index__() if isinstance_tracer(arg) else arg


#: rows whose methods are not called as the row is
_METHODS = {"div": "truediv", "power": "pow", "literal_power": "pow"}


def declined(row: Primitive, a: Any, b: Any) -> Any:
    """``NotImplemented``, for what a tracer does not compute with.

    Compiled code that computes with plain numbers, such as ``datetime.timedelta``, would not know a tracer: what plain
    numbers can do there is refused, all else is the same error as theirs.
    """
    other = b if isinstance_tracer(a) else a
    kind, name = type(other), _METHODS.get(row.name, row.name.rstrip("_"))
    found = [getattr(kind, method, None) for method in (f"__{name}__", f"__r{name}__")]
    if hasattr(kind, "__len__") or not any(type(method) is WrapperDescriptorType for method in found):
        return NotImplemented  # a sequence, which is repeated; a class of the user's
    if hasattr(kind, "__array__"):
        return NotImplemented  # numpy's own: it asks the tracer
    try:
        row.forward(plain(a), plain(b))
    except Exception:
        return NotImplemented
    escape(a if isinstance_tracer(a) else b, f"taken as a plain number by {kind.__module__}.{kind.__name__}")


def plain_constant(arg: Any) -> Any:
    """A constant operand as a plain Python number (numpy scalars, fractions and booleans become one)."""
    if type(arg) in _LITERAL or isinstance_tracer(arg):
        return arg
    if type(arg) in KINDS:
        return copied(arg)  # the user's code may write to it
    if not isinstance(arg, Real):
        return arg
    return int(arg) if isinstance(arg, Integral) else float(arg)


def made_plain(tape: Tape, args: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    """Operands with constants as plain numbers up to ``count``; the tape keeps of what class they were."""
    kept = (*map(plain_constant, args[:count]), *args[count:])
    changed = {slot: arg for slot, arg in enumerate(args) if type(kept[slot]) is not type(arg)}
    if changed:
        tape.originals[len(tape)] = changed
    return kept


def _as_now(value: Any) -> Any:
    """What a guard keeps of a value: of arrays, which the user's code may write to, a copy."""
    if type(value) is tuple:
        return tuple(map(_as_now, value))
    return copied(value) if type(value) in KINDS and not isinstance_tracer(value) else value


def escape(tracer: Tracer, how: str) -> NoReturn:
    """Refuse to let a traced value out; a handler in the user's code cannot hide it from the end of the trace."""
    tracer.tape_.refuse(
        EscapeError(
            f"a traced value would be {how} and lose its gradient, {describe(user_frame())}.  If a function is called "
            "there, tracegrad did not find it from the traced function: call it through tracegrad.math (or the math "
            "module), or wrap the argument in tg.detach(...) if its gradient is not wanted"
        )
    )


class NumberTracer(Tracer):
    """A tracer of a number, which has the number's attributes: see :func:`lend`."""

    __slots__ = ()


class NestedTracer(NumberTracer):
    """A tracer whose value is a tracer of an enclosing trace: differentiating a derivative records it there."""

    __slots__ = ()


class ScalarTracer(NumberTracer):
    """A tracer of a plain number."""

    __slots__ = ()

    def _tracegrad_bind_(self, row: Primitive, args: tuple[Any, ...]) -> Any:
        """The general way, shortened for the usual operands: tracers of one tape and plain numbers."""
        tape = self.tape_
        values = []
        for arg in args:
            if type(arg) is ScalarTracer:
                if arg.tape_ is not tape:
                    return Tracer._tracegrad_bind_(self, row, args)
                values.append(arg.value_)
            elif type(arg) is float or type(arg) is int:
                values.append(arg)
            else:
                return Tracer._tracegrad_bind_(self, row, args)
        if row.params or row.step:
            return Tracer._tracegrad_bind_(self, row, args)
        try:
            value = row.forward(*values)
        except Exception as error:
            raised(tape, row, args, error)
            raise
        return record(tape, row, value, args)


_USUAL = _LITERAL | {ScalarTracer, NestedTracer}

_LENDERS: set[type] = set()


def lend(number: Any) -> None:
    """Give tracers the attributes that a number has and they lack: facts are handed out, all else is refused."""
    if type(number) not in _LENDERS:
        _LENDERS.add(type(number))
        for name in dir(number):
            if not name.startswith("__") and not hasattr(NumberTracer, name):
                setattr(NumberTracer, name, property(functools.partial(_lent, name)))


def _lent(name: str, tracer: Tracer) -> Any:
    if name in _STATIC or not hasattr(tracer.value_, name):
        return getattr(tracer.value_, name)
    escape(tracer, f"asked for its attribute '{name}'")


lend(0)
lend(0.0)


def raised(tape: Tape, row: Primitive, args: tuple[Any, ...], error: Exception) -> None:
    """Record that an operation has raised: where the user's code catches that, another path is taken."""
    if not isinstance(error, TraceError) and not any(type(arg) in KINDS for arg in args):
        tape.guard(TABLE["raised"], (row.name, *args), type(error).__name__)


def record(tape: Tape, row: Primitive, value: Any, args: tuple[Any, ...]) -> Any:
    """Append the application of ``row`` to the tape; the general form of what the template below does in line."""
    if type(value) is complex or type(value) in COMPLEX_NUMBERS:
        for of_complex in COMPLEX_NUMBERS.values():
            if row.complex:
                return of_complex(tape, row, value, args)
        tape.refuse(
            UnsupportedError(
                f"{row.name} of {', '.join(map(str, args))} is a complex number, {describe(user_frame())}; "
                "complex numbers are traced where numpy is loaded, by functions that have a derivative for them: "
                "import numpy, or write it with real numbers"
            )
        )
    return noted(tape, row, value, args)


def noted(tape: Tape, row: Primitive, value: Any, args: tuple[Any, ...]) -> Any:
    """Append an application whose value may be recorded, with the instruction of the user's that made it."""
    frame = user_frame()
    if frame is not tape.frame:
        tape.enter(frame)
    node = add(tape, row, value, args)
    node.lasti_ = frame.f_lasti
    return node


def add(tape: Tape, row: Primitive, value: Any, args: tuple[Any, ...]) -> Any:
    """An entry for the application of ``row``, appended to the tape; where it was made is yet to be said."""
    node: Any = KINDS.get(type(value), tape.kind)()
    node.value_ = value
    if type(value) not in _USUAL:
        tape.foreign = True
        if type(node) is ScalarTracer:
            lend(value)
        kind = getattr(getattr(value, "dtype", None), "kind", "f")
        if kind == "c" and row.complex:
            tape.complex = True
        elif kind not in "fiub":
            what = "complex" if kind == "c" else "of no real numbers"
            tape.refuse(
                UnsupportedError(
                    f"{row.name} gives an array that is {what} ({value.dtype}), {describe(user_frame())}; its "
                    "derivative is that of real numbers"
                )
            )
    if not _USUAL.issuperset(map(type, args)):
        count = len(args) - len(row.params) if row.vjps is not None else len(args)
        args = made_plain(tape, args, count)
    if row.variadic or len(args) > 2 or not args:
        node.pull_ = pull_for(row, "n")
        node.a_, node.b_ = args, NOTHING
    else:
        node.pull_ = pull_for(row, "".join("v" if isinstance_tracer(arg) else "c" for arg in args))
        node.a_, node.b_ = args if len(args) == 2 else (*args, NOTHING)
    node.tape_ = tape
    node.lasti_ = -1
    node.adjoint_ = None
    tape.append(node)
    return node


def operands(node: Tracer) -> tuple[Any, ...]:
    """The operands of a tape entry in the order of their slots."""
    if node.b_ is not NOTHING:
        return (node.a_, node.b_)
    return node.a_ if type(node.a_) is tuple else (node.a_,)


#: the ``m`` of rules on tracers: every primitive through ``bind``
TRACED = namespace(lambda row: lambda *args: bind(row, *args))
TRACED.sech2 = lambda x: bind(TABLE["sech2"], x)
