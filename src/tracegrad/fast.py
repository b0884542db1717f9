"""The operators of :class:`~tracegrad.tracer.ScalarTracer`: the hot path of a trace, compiled from one template.

In: rows of the primitive table.  Out: methods that compute a value and append it to the tape in line, and
:func:`fast_function`, the same for functions of one number.  What they do is what ``bind`` and
:func:`~tracegrad.tracer.record` do, for the usual operands: tracers of one tape, floats and ints.  Read :data:`_RECORD`
and :data:`_BINARY` first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tracegrad.operators import BINARY, UNARY
from tracegrad.primitives import LITERAL_POWER, Primitive, bind
from tracegrad.provenance import PACKAGE
from tracegrad.pulls import pull_for
from tracegrad.tracer import NOTHING, NumberTracer, ScalarTracer, Tracer, declined, is_operand, raised

#: appends a node to the tape: ``value`` is its result, ``pull`` its backward instruction, {a} and {b} its operands
_RECORD = """
    node = ScalarTracer()
    node.value_ = value
    node.pull_ = pull
    node.a_ = {a}
    node.b_ = {b}
    tape = node.tape_ = self.tape_
    frame = getframe(1)
    if frame is not tape.frame:
        tape.enter(frame)
    node.lasti_ = frame.f_lasti
    node.adjoint_ = None
    tape.append(node)
    return node
"""

_BINARY = """
def {name}(self, other):
    if type(other) is ScalarTracer:
        if other.tape_ is not self.tape_:
            return general(row, self, other)
        try:
            value = self.value_ {sign} other.value_
        except Exception as error:
            raised(self.tape_, row, (self, other), error)
            raise
        pull = pull_vv
    elif type(other) is float or type(other) is int:
        try:
            value = self.value_ {sign} other
        except Exception as error:
            raised(self.tape_, row, (self, other), error)
            raise
        pull = pull_vc
    else:
        return general(row, self, other)
"""

_REFLECTED = """
def {name}(self, other):
    if type(other) is float or type(other) is int:
        try:
            value = other {sign} self.value_
        except Exception as error:
            raised(self.tape_, row, (other, self), error)
            raise
    else:
        return general(row, other, self)
"""

_UNARY = """
def {name}(self):
    value = {sign}(self.value_)
"""

_POWER = """
def __pow__(self, other, modulus=None):
    if modulus is None and (type(other) is int or type(other) is float):
        try:
            value = self.value_ ** other
        except Exception as error:
            raised(self.tape_, row, (self, other), error)
            raise
        if type(value) is complex:
            return general(row, self, other)
    else:
        return power(self, other, modulus)
"""

_FUNCTION = """
def {name}(self, /{rest}):
    if type(self) is not ScalarTracer{plain}:
        return otherwise(self{given})
    try:
        value = forward(self.value_)
    except Exception as error:
        raised(self.tape_, row, (self,), error)
        raise
"""


def _general(row: Primitive, a: Any, b: Any) -> Any:
    """An operand that the fast path does not know: another trace's tracer, a number of another class, or no number."""
    other = b if type(a) is ScalarTracer else a
    if issubclass(type(other), Tracer) and not issubclass(type(other), NumberTracer):
        return NotImplemented  # an array's own operator has the short way
    return bind(row, a, b) if is_operand(row, other) else declined(row, a, b)


def _compile(template: str, name: str, row: Primitive, names: dict[str, Any], **fields: str) -> Any:
    source = (template + _RECORD).format(**{"name": name, "a": "self", "b": "NOTHING"} | fields)
    scope: dict[str, Any] = {
        "ScalarTracer": ScalarTracer,
        "getframe": sys._getframe,
        "NOTHING": NOTHING,
        "general": _general,
        "raised": raised,
        "row": row,
        **names,
    }
    exec(compile(source, f"{PACKAGE}/<{name}>", "exec"), scope)
    return scope[name]


def _install() -> None:
    """Give :class:`ScalarTracer` its operators: value, operands and site stored in line."""
    for name, row in BINARY.items():
        sign = row.python.split()[1]
        pulls = {"pull_vv": pull_for(row, "vv"), "pull_vc": pull_for(row, "vc")}
        setattr(
            ScalarTracer, f"__{name}__", _compile(_BINARY, f"__{name}__", row, pulls, sign=sign, b="other")
        )
        reflected = _compile(
            _REFLECTED, f"__r{name}__", row, _pull(row, "cv"), sign=sign, a="other", b="self"
        )
        setattr(ScalarTracer, f"__r{name}__", reflected)
    for name, row in UNARY.items():
        sign = row.python.replace("{0}", "").replace("()", "")
        setattr(ScalarTracer, f"__{name}__", _compile(_UNARY, f"__{name}__", row, _pull(row, "v"), sign=sign))
    names = {"power": Tracer.__pow__, **_pull(LITERAL_POWER, "vc")}
    ScalarTracer.__pow__ = _compile(_POWER, "__pow__", LITERAL_POWER, names, b="other")  # type: ignore[method-assign]


def _pull(row: Primitive, pattern: str) -> dict[str, Any]:
    return {"pull": pull_for(row, pattern)}


_install()


def fast_function(row: Primitive, otherwise: Callable[..., Any], optional: str = "") -> Callable[..., Any]:
    """A function of one traced number, recorded in line; ``otherwise`` serves every other argument.

    ``optional`` names a second argument that, when given, is for ``otherwise`` as well.
    """
    fields = {"rest": "", "plain": "", "given": ""}
    if optional:
        fields = {
            "rest": f", {optional}=NOTHING",
            "plain": f" or {optional} is not NOTHING",
            "given": f", *(() if {optional} is NOTHING else ({optional},))",
        }
    names = {"forward": row.forward, "otherwise": otherwise, **_pull(row, "v")}
    function: Callable[..., Any] = _compile(_FUNCTION, row.name, row, names, **fields)
    return function
