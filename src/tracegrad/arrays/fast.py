"""The operators of :class:`~tracegrad.arrays.tracer.ArrayTracer`, and ufuncs on it: the hot path of arrays.

In: rows.  Out: methods compiled from one template, that compute a value and append it to the tape in line, as
:mod:`tracegrad.fast` does for numbers.  They know the usual operands: traced values of one tape on plain arrays, plain
arrays and numbers; anything else goes the general way.  Read :data:`BINARY` and :data:`_RECORD` first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tracegrad.arrays.assigning import served
from tracegrad.arrays.memory import is_stale
from tracegrad.arrays.products import MATMUL
from tracegrad.arrays.table import HANDLERS
from tracegrad.arrays.tracer import ArrayTracer
from tracegrad.copies import LARGE, copied
from tracegrad.operators import BINARY as OPERATORS
from tracegrad.operators import UNARY
from tracegrad.primitives import COMPARISONS, LITERAL_POWER, TABLE, Primitive
from tracegrad.provenance import PACKAGE, in_package
from tracegrad.pulls import pull_for
from tracegrad.tape import TapeGuard, user_frame
from tracegrad.tracer import NOTHING, ScalarTracer, lend
from tracegrad.ufuncs import UFUNCS, row_of

#: what traced values that meet an array are worth, in the usual case
_NUMBERS = frozenset({float, int, np.float64, np.float32, np.int64, np.ndarray})

#: appends a node to the tape: ``value`` is its result on {a} and {b}; a result that is neither an array nor a number of
#: double precision goes another way
_RECORD = """
    kind = type(value)
    if kind is ndarray:
        node = ArrayTracer()
    elif kind is float64:
        node = ScalarTracer()
        lend(value)
    else:
        return {unusual}
    node.value_ = value
    node.pull_ = pull
    node.a_ = {a}
    node.b_ = {b}
    node.tape_ = tape
    frame = getframe({depth})
    if frame is not tape.frame:
        frame = enter(tape, frame)
    node.lasti_ = frame.f_lasti
    node.adjoint_ = None
    tape.append(node)
    return node
"""

#: the traced array itself, on a plain one that is up to date, with no complex numbers about
SELF = """
    array = self.value_
    tape = self.tape_
    if type(array) is not ndarray or type(self) is not ArrayTracer or tape.complex:
        return {otherwise}
    if tape.stale and is_stale(tape, array):
        return {otherwise}
"""

BINARY = (
    """
def {name}(self, other):
"""
    + SELF
    + """
    kind = type(other)
    if kind is float or kind is int:
        operand = other
        pull = pull_vc
    elif kind is ArrayTracer or kind is ScalarTracer:
        operand = other.value_
        if other.tape_ is not tape or type(operand) not in NUMBERS or tape.stale and is_stale(tape, operand):
            return {otherwise}
        pull = pull_vv
    elif kind is ndarray and other.dtype.kind in "fiub":
        operand, other = other, other.copy("K") if other.size < LARGE else copied(other)
        pull = pull_vc
    elif kind is float64 and array.dtype is double:
        operand = other
        other = float(other)
        pull = pull_vc
    else:
        return {otherwise}
    value = {compute}
"""
)

#: the same with the constant on the left
REFLECTED = BINARY.replace("pull_vc", "pull_cv")

_UNARY = (
    """
def {name}(self):
"""
    + SELF
    + """
    value = {compute}
"""
)

_COMPARISON = (
    """
def {name}(self, other):
"""
    + SELF
    + """
    kind = type(other)
    if kind is float or kind is int:
        operand = other
    elif kind is ArrayTracer or kind is ScalarTracer:
        operand = other.value_
        if other.tape_ is not tape or type(operand) not in NUMBERS or tape.stale and is_stale(tape, operand):
            return {otherwise}
    elif kind is ndarray and other.dtype.kind in "fiub":
        operand = other = other.copy("K")
    else:
        return {otherwise}
    value = {compute}
    if type(value) is not ndarray:
        return {otherwise}
    frame = getframe(1)
    if frame is not tape.frame:
        frame = enter(tape, frame)
    tape.guards.append(TapeGuard(row, (self, other), value.copy(), tape.call, frame.f_lasti))
    return value
"""
)

_POWER = (
    """
def {name}(self, other, modulus=None):
    if modulus is not None or type(other) is not int and type(other) is not float:
        return {otherwise}
"""
    + SELF
    + """
    value = array ** other
"""
)


def enter(tape: Any, frame: Any) -> Any:
    """Tell the tape that operations now come from another frame: that of the user's code."""
    if in_package(frame.f_code):
        frame = user_frame()
    if frame is not tape.frame:
        tape.enter(frame)
    return frame


def compiled(template: str, name: str, names: dict[str, Any], record: str = _RECORD, **fields: Any) -> Any:
    """The function that a template makes, recording included."""
    fields = {"a": "self", "b": "NOTHING", "depth": 1, "otherwise": "general(self, other)"} | fields
    fields.setdefault("unusual", fields["otherwise"])
    source = (template + record).format(name=name, **fields)
    scope: dict[str, Any] = {
        "ArrayTracer": ArrayTracer,
        "ScalarTracer": ScalarTracer,
        "LARGE": LARGE,
        "NOTHING": NOTHING,
        "NUMBERS": _NUMBERS,
        "copied": copied,
        "double": np.dtype(float),
        "enter": enter,
        "float64": np.float64,
        "is_stale": is_stale,
        "getframe": sys._getframe,
        "lend": lend,
        "ndarray": np.ndarray,
        **names,
    }
    exec(compile(source, f"{PACKAGE}/<arrays {name}>", "exec"), scope)
    return scope[name]


def _install() -> None:
    """Give :class:`ArrayTracer` its operators; those it has so far are the general way."""
    for name, row in OPERATORS.items():
        sign = row.python.split()[1]
        _put(BINARY, f"__{name}__", pulls_of(row), compute=f"array {sign} operand", b="other")
        _put(REFLECTED, f"__r{name}__", pulls_of(row), compute=f"operand {sign} array", a="other", b="self")
    for name, row in UNARY.items():
        sign = row.python.replace("{0}", "").replace("()", "")
        _put(_UNARY, f"__{name}__", _pull(row, "v"), compute=f"{sign}(array)", otherwise="general(self)")
    for name, row in ((name, TABLE[name]) for name in COMPARISONS):
        sign = row.python.split()[1]
        names = {"row": row, "TapeGuard": TapeGuard}
        _put(_COMPARISON, f"__{name}__", names, compute=f"array {sign} operand", record="")
    _put(_POWER, "__pow__", _pull(LITERAL_POWER, "vc"), b="other", otherwise="general(self, other, modulus)")
    _put(BINARY, "__matmul__", pulls_of(MATMUL), compute="array @ operand", a="(self, other)")
    _put(REFLECTED, "__rmatmul__", pulls_of(MATMUL), compute="operand @ array", a="(other, self)")


def _put(template: str, name: str, names: dict[str, Any], **fields: Any) -> None:
    general = getattr(ArrayTracer, name)
    setattr(ArrayTracer, name, compiled(template, name, {"general": general, **names}, **fields))


def _pull(row: Primitive, pattern: str) -> dict[str, Any]:
    return {"pull": pull_for(row, pattern)}


def pulls_of(row: Primitive) -> dict[str, Any]:
    patterns = ("vv", "vc", "cv")
    return {f"pull_{pattern}": pull_for(row, "n" if row.variadic else pattern) for pattern in patterns}


_install()


class _Compiled(dict[Any, Callable[..., Any]]):
    """ufunc -> what records it in line, ``None`` where that is for the general way; made when first asked for."""

    def __init__(self, template: str, compute: str, first: str, second: str) -> None:
        self._template, self._compute, self._operands = template, compute, (first, second)

    def __missing__(self, ufunc: Any) -> Callable[..., Any]:
        self[ufunc] = made = self._made(ufunc)
        return made

    def _made(self, ufunc: Any) -> Callable[..., Any]:
        row = MATMUL if ufunc is np.matmul else row_of(ufunc)
        if row is None or row.step or row.params or ufunc.nout != 1 or ufunc.nin > 2:
            return lambda *operands: None
        fields: dict[str, Any] = {"otherwise": "None", "depth": 2}
        names: dict[str, Any] = {"ufunc": ufunc}
        if ufunc.nin == 1:
            made = compiled(_UNARY, "function", names | _pull(row, "v"), compute="ufunc(array)", **fields)
        else:
            first, second = self._operands
            fields |= {"a": f"({first}, {second})"} if row.variadic else {"a": first, "b": second}
            names |= pulls_of(row)
            made = compiled(self._template, "function", names, compute=self._compute, **fields)
        return made  # type: ignore[no-any-return]


#: ufuncs whose first operand is the traced array, and (operands exchanged) those whose second one is
UFUNCS.update(
    forward=_Compiled(BINARY, "ufunc(array, operand)", "self", "other"),
    reflected=_Compiled(REFLECTED, "ufunc(operand, array)", "other", "self"),
    handlers=HANDLERS,
    served=served,
)
