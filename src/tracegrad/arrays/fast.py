"""The operators of :class:`~tracegrad.arrays.tracer.ArrayTracer`, and ufuncs on it: the hot path of arrays.

In: rows.  Out: methods compiled from one template, that compute a value and append it to the tape in line, as
:mod:`tracegrad.fast` does for numbers.  They know the usual operands: traced values of one tape on plain arrays, plain
arrays and numbers; anything else goes the general way.  Read :data:`_BINARY` and :data:`_RECORD` first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tracegrad.arrays.products import MATMUL
from tracegrad.arrays.tracer import ArrayTracer
from tracegrad.primitives import LITERAL_POWER, Primitive
from tracegrad.provenance import PACKAGE, in_package
from tracegrad.pulls import pull_for
from tracegrad.tape import user_frame
from tracegrad.tracer import BINARY, NOTHING, UNARY, ScalarTracer
from tracegrad.ufuncs import UFUNCS, row_of

#: appends a node to the tape: ``value`` is its result on {a} and {b}; a result that is no array goes the general way
_RECORD = """
    if type(value) is not ndarray:
        return {otherwise}
    node = ArrayTracer()
    node.value = value
    node.pull = pull
    node.a = {a}
    node.b = {b}
    tape = node.tape = self.tape
    frame = getframe({depth})
    if frame is not tape.frame:
        frame = enter(tape, frame)
    node.lasti = frame.f_lasti
    node.adjoint = None
    tape.append(node)
    return node
"""

#: the traced array itself, on a plain one, with nothing assigned to and no complex numbers about
_SELF = """
    array = self.value
    if type(array) is not ndarray or type(self) is not ArrayTracer or self.tape.stale or self.tape.complex:
        return {otherwise}
"""

_BINARY = (
    """
def {name}(self, other):
    kind = type(other)
    if kind is float or kind is int:
        operand = other
        pull = pull_vc
    elif kind is ArrayTracer or kind is ScalarTracer:
        operand = other.value
        if other.tape is not self.tape or kind is ArrayTracer and type(operand) is not ndarray:
            return {otherwise}
        pull = pull_vv
    elif kind is ndarray and other.dtype.kind in "fiub":
        operand, other = other, other.copy("K")
        pull = pull_vc
    else:
        return {otherwise}
"""
    + _SELF
    + """
    value = {compute}
"""
)

_REFLECTED = (
    """
def {name}(self, other):
    kind = type(other)
    if kind is ndarray and other.dtype.kind in "fiub":
        other = other.copy("K")
    elif kind is not float and kind is not int:
        return {otherwise}
"""
    + _SELF
    + """
    value = {compute}
"""
)

_UNARY = (
    """
def {name}(self):
"""
    + _SELF
    + """
    value = {compute}
"""
)

_POWER = (
    """
def {name}(self, other, modulus=None):
    if modulus is not None or type(other) is not int and type(other) is not float:
        return {otherwise}
"""
    + _SELF
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


def _compile(template: str, name: str, names: dict[str, Any], **fields: Any) -> Any:
    fields = {"a": "self", "b": "NOTHING", "depth": 1, "otherwise": "general(self, other)"} | fields
    source = (template + _RECORD).format(name=name, **fields)
    scope: dict[str, Any] = {
        "ArrayTracer": ArrayTracer,
        "ScalarTracer": ScalarTracer,
        "NOTHING": NOTHING,
        "enter": enter,
        "getframe": sys._getframe,
        "ndarray": np.ndarray,
        **names,
    }
    exec(compile(source, f"{PACKAGE}/<arrays {name}>", "exec"), scope)
    return scope[name]


def _install() -> None:
    """Give :class:`ArrayTracer` its operators; those it has so far are the general way."""
    for name, row in BINARY.items():
        sign = row.python.split()[1]
        _put(_BINARY, f"__{name}__", _pulls(row), compute=f"array {sign} operand", b="other")
        _put(_REFLECTED, f"__r{name}__", _pull(row, "cv"), compute=f"other {sign} array", a="other", b="self")
    for name, row in UNARY.items():
        sign = row.python.replace("{0}", "").replace("()", "")
        _put(_UNARY, f"__{name}__", _pull(row, "v"), compute=f"{sign}(array)", otherwise="general(self)")
    _put(_POWER, "__pow__", _pull(LITERAL_POWER, "vc"), b="other", otherwise="general(self, other, modulus)")
    both = pull_for(MATMUL, "n")
    names = {"pull_vc": both, "pull_vv": both}
    _put(_BINARY, "__matmul__", names, compute="array @ operand", a="(self, other)")


def _put(template: str, name: str, names: dict[str, Any], **fields: Any) -> None:
    general = getattr(ArrayTracer, name)
    setattr(ArrayTracer, name, _compile(template, name, {"general": general, **names}, **fields))


def _pull(row: Primitive, pattern: str) -> dict[str, Any]:
    return {"pull": pull_for(row, pattern)}


def _pulls(row: Primitive) -> dict[str, Any]:
    return {"pull_vv": pull_for(row, "vv"), "pull_vc": pull_for(row, "vc")}


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
            made = _compile(_UNARY, "function", names | _pull(row, "v"), compute="ufunc(array)", **fields)
        else:
            first, second = self._operands
            variadic = row.variadic
            fields |= {"a": f"({first}, {second})"} if variadic else {"a": first, "b": second}
            patterns = {"pull_vv": "vv", "pull_vc": "vc", "pull": "cv"}
            names |= {name: pull_for(row, "n" if variadic else pattern) for name, pattern in patterns.items()}
            made = _compile(self._template, "function", names, compute=self._compute, **fields)
        return made  # type: ignore[no-any-return]


#: ufuncs whose first operand is the traced array, and (operands exchanged) those whose second one is
UFUNCS.update(
    forward=_Compiled(_BINARY, "ufunc(array, operand)", "self", "other"),
    reflected=_Compiled(_REFLECTED, "ufunc(other, array)", "other", "self"),
)
