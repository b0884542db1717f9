"""One run of a function on tracers: numbers among the arguments become inputs, the operations on them a tape.

In: a function and its arguments.  Out: a :class:`Recording`.  Read :func:`record`.
"""

from __future__ import annotations

import functools
import gc
import re
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any

from tracegrad import intercept, ufuncs
from tracegrad.arguments import Arguments, title_of
from tracegrad.arrays import PATCHES, include
from tracegrad.arrays.fit import own, zero_like
from tracegrad.class_stand_ins import StandInClass
from tracegrad.errors import TraceError, UnsupportedError
from tracegrad.inputs import Entered, Wrt, enter, enter_attributes, names_of
from tracegrad.provenance import in_library, in_package
from tracegrad.source import describe
from tracegrad.substitute import substitute
from tracegrad.tape import CURRENT, ClosedTape, Tape
from tracegrad.tracer import KINDS, UNSETTLED, NestedTracer, ScalarTracer, isinstance_tracer, operands
from tracegrad.tree import leaves, map_leaves

ufuncs.install()


@dataclass(slots=True, kw_only=True)
class Recording:
    """What a run has left: the tape, whose first entries are the inputs, and the result that still holds tracers."""

    function: Callable[..., Any]
    tape: Tape
    entered: dict[str, Entered]
    count: int
    result: Any

    @property
    def value(self) -> Any:
        """The result as the plain call gives it."""
        if type(self.result) is ScalarTracer and self.result.tape_ is self.tape:
            return self.result.value_
        return map_leaves(self.result, lambda leaf: own(leaf.value_) if self.owns(leaf) else leaf)

    def owns(self, leaf: Any) -> bool:
        """Whether this is a tracer of this run."""
        return isinstance_tracer(leaf) and leaf.tape_ is self.tape

    @property
    def names(self) -> list[str]:
        """The paths of the inputs, in order."""
        return names_of(self.entered)

    @property
    def outputs(self) -> list[tuple[str, Any]]:
        """The numbers in the result with their paths."""
        return leaves(self.result)

    def in_structure(self, adjoints: Iterable[Any]) -> dict[str, Any]:
        """Values of the inputs, parameter by parameter, in the structure of the arguments."""
        values = list(adjoints)
        alone = _alone(self.tape, values)
        following_values = iter(values)

        def following(number: Any) -> Any:
            found = next(following_values)
            if type(found) is float or id(found) in alone:
                return found
            return zero_like(number) if found is None else own(found)

        return {parameter: one.map(following, lambda _: None) for parameter, one in self.entered.items()}


#: bytes, from which on copying an array costs more than finding out whether somebody else has it
_LARGE = 1 << 15


def _alone(tape: Tape, adjoints: list[Any]) -> set[int]:
    """The ids of large arrays among adjoints that are nothing else on their tape, so that the user can have them."""
    large = {
        id(one)
        for one in adjoints
        if type(one) in KINDS and not isinstance_tracer(one) and one.base is None and one.nbytes >= _LARGE
    }
    if not large:
        return large
    held = Counter(
        id(thing)
        for node in tape
        for thing in (node.adjoint_, node.value_, *operands(node))
        if id(thing) in large
    )
    return {one for one in large if held[one] == 1}


def _settled(value: Any) -> Any:
    return UNSETTLED[type(value)](value) if type(value) in UNSETTLED else value


def record(
    function: Callable[..., Any], bound: Arguments, wrt: Wrt = None, *, may_be_complex: bool = False
) -> Recording:
    """Run a function on tracers.

    Whatever the function raises reaches the caller untouched; whatever was patched is restored.
    """
    if not PATCHES:
        include()
    kind = ScalarTracer if CURRENT.get() is None else NestedTracer
    tape = Tape(kind, title_of(function), sys._getframe())
    roots: list[Any] = [function]
    entered = enter(tape, bound, wrt, roots)
    if not entered or not entered.keys() >= set(wrt or ()):
        function = enter_attributes(tape, function, bound, wrt or (), entered)
    count = len(tape)
    try:
        result = _run(function, bound, tape, roots)
        if issubclass(type(result), StandInClass):
            result = result.original
        if tape.fresh:
            result = map_leaves(result, _settled, _settled)
    except Exception as error:
        if tape.escape is not None and error is not tape.escape:
            raise tape.escape from error  # C code puts an error of its own in its place
        _make_plain(error, tape)
        text = str(error) if isinstance(error, (TypeError, AttributeError)) else ""
        of_numpy = tape.foreign and text.endswith("object is not subscriptable")  # numpy's scalars have x[()]
        if of_numpy or _REFUSAL.search(text) or (_TRACER_NAME.search(text) and not _INTERPRETER.search(text)):
            raise UnsupportedError(_refused(error)) from error
        if _TRACER_NAME.search(text):  # the user's own mistake, in the plain call's words
            error.args = (
                _TRACER_NAME.sub(functools.partial(_class_name, getattr(error, "obj", None)), text),
            )
        raise
    if tape.escape is not None:
        raise tape.escape
    if tape.aliases is not None:
        tape.aliases.check(tape.title)
    if isinstance(result, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)):
        if not isinstance(result, types.AsyncGeneratorType):
            result.close()  # or Python would warn that nobody has awaited it
        how = "list(f(x))" if isinstance(result, types.GeneratorType) else "asyncio.run(f(x))"
        raise TraceError(
            f"{tape.title} returned a {type(result).__name__}, whose body has not run yet: trace a function that "
            f"consumes it, for instance lambda x: {how}"
        )
    for _, leaf in leaves(result):
        if isinstance_tracer(leaf) and type(leaf.tape_) is ClosedTape and leaf.tape_ is not tape:
            leaf.tape_.enter(sys._getframe())  # raises
        if tape.complex and not may_be_complex and getattr(getattr(leaf, "dtype", None), "kind", "") == "c":
            raise UnsupportedError(
                f"{tape.title} returned complex numbers: return real ones, such as np.abs(z), z.real or z.imag"
            )
    return Recording(function=function, tape=tape, entered=entered, count=count, result=result)


_TRACER_NAME = re.compile(
    r"(tracegrad\.(arrays\.)?(tracer|complex_numbers)\.)?((Scalar|Nested|Array|Complex)Tracer|FreshArray)"
)


def _class_name(value: Any, found: re.Match[str]) -> str:
    """The class of what has no such attribute, where the error tells; else a traced number is called a float."""
    if value is None:
        return "numpy.ndarray" if "Array" in found[0] else "float"
    kind = value.__class__
    return f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else str(kind.__name__)


#: what Python itself says where a number is used as something else
_INTERPRETER = re.compile(
    r"^'[\w.]+' object (is not|does not|has no|can't be)|^'async for' requires"
    r"|^object of type|unsupported operand|not supported between|^bad operand"
    r"|can only concatenate|can't (multiply|concat)|must be str, not|must be an iterable, not|^cannot unpack"
    r"|expected str instance|^argument of type .* is not|^object \w+ can't be used in|has no attribute|has no setter$"
)

#: what compiled code says of a tracer though it would take a float
_REFUSAL = re.compile(r"^Object of type (float|int) is not JSON serializable|^argument must be int or float$")


def _make_plain(error: Exception, tape: Tape) -> None:
    """Put plain numbers in place of the tracers that an error carries."""

    def number(leaf: Any) -> Any:
        return leaf.value_ if isinstance_tracer(leaf) and leaf.tape_ is tape else leaf

    if any(isinstance_tracer(leaf) for arg in error.args for _, leaf in leaves(arg)):
        error.args = tuple(map_leaves(arg, number) for arg in error.args)


def _refused(error: Exception) -> str:
    """What to say where compiled code has refused a tracer by its class."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    own = [frame for frame in frames if not in_library(frame.f_code) and not in_package(frame.f_code)]
    where = f", {describe((own or frames)[-1])}" if frames else ""
    return (
        f"compiled code refused a traced number ({error}){where}.  It cannot be traced: write the computation in plain "
        "Python, or wrap the argument in tg.detach(...) if its gradient is not wanted"
    )


def _run(function: Callable[..., Any], bound: Arguments, tape: Tape, roots: list[Any]) -> Any:
    """The call itself, with stand-ins in place."""
    outer, collects, key = CURRENT.get(), gc.isenabled(), id(tape)
    try:  # what is done is undone, wherever an interrupt comes: no call stands before its ``try``
        CURRENT.set(tape)
        try:
            gc.disable()
            try:
                intercept.start(key, roots, on_numbers=tape.aliases is None and not tape.foreign)
                return substitute(function)(*bound.args, **bound.kwargs)
            finally:
                try:
                    intercept.stop(key)
                except BaseException:  # an interrupt on the way there
                    intercept.stop(key)
                    raise
        finally:
            if collects:
                gc.enable()
    finally:
        CURRENT.set(outer)
        tape.close()
