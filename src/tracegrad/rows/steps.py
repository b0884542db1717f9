"""Steps: whole numbers and truth values.  They have no derivative; a trace records them as guards."""

from __future__ import annotations

import operator

# names, not attributes of math: these are replaced while a trace is open
from math import frexp, isclose
from typing import Any

from tracegrad.row import step_row
from tracegrad.special import raised

COMPARISONS = {
    "lt": (operator.lt, "<"), "le": (operator.le, "<="), "gt": (operator.gt, ">"), "ge": (operator.ge, ">="),
    "eq": (operator.eq, "=="), "ne": (operator.ne, "!="),
}  # fmt: skip


def _isclose(a: Any, b: Any, rel_tol: Any = 1e-09, abs_tol: Any = 0.0) -> bool:
    return isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)


def _is_integer(x: Any) -> bool:
    return isinstance(x, int) or x.is_integer()


for _name, (_forward, _spelling) in COMPARISONS.items():
    _spelling = f"{{0}} {_spelling} {{1}}"
    step_row(
        _name,
        _forward,
        symbol=_spelling.split()[1],
        complex=_name in ("eq", "ne"),
        python=_spelling,
        c=_spelling,
        numpy=_spelling,
    )
step_row("bool", bool, python="bool({args})", c="({0} != 0)", numpy="({0} != 0)")
step_row("int", int, python="int({args})", c="trunc({args})", numpy="np.trunc({args})")
step_row("index", operator.index, python="operator.index({args})", c="{0}", numpy="{0}")
step_row("round", round, python="round({args})", c="rint({args})", numpy="np.rint({args})")
step_row(
    "is_integer", _is_integer, python="({0} % 1 == 0)", c="(fmod({args}, 1.0) == 0)", numpy="({0} % 1 == 0)"
)
for _name in ("floor", "ceil", "trunc"):
    step_row(_name)
for _name in ("isfinite", "isinf", "isnan", "signbit"):
    step_row(_name, c=f"({_name}({{args}}) != 0)")
step_row("isnormal", c="(isnormal({args}) != 0)", numpy="")
step_row("issubnormal", c="(fpclassify({args}) == FP_SUBNORMAL)", numpy="")
step_row(
    "isclose",
    _isclose,
    python="math.isclose({0}, {1}, rel_tol={2}, abs_tol={3})",
    c="tg_isclose({args})",
    numpy="np.isclose({0}, {1}, rtol=0, atol=np.maximum({2} * np.maximum(np.abs({0}), np.abs({1})), {3}))",
)
step_row(
    "frexp_exponent",
    lambda x: frexp(x)[1],
    python="math.frexp({args})[1]",
    c="tg_frexp_exponent({args})",
    numpy="np.frexp({args})[1]",
)
for _name in ("comb", "perm", "factorial", "gcd", "lcm", "isqrt"):
    step_row(_name, c="", numpy="")
step_row("hash", hash, python="hash({args})", c="", numpy="")
step_row("format", format, python="format({args})", c="", numpy="")

#: operators on the bits of whole numbers
BIT_OPERATORS = {"and_": "&", "or_": "|", "xor": "^", "lshift": "<<", "rshift": ">>"}
for _name, _sign in BIT_OPERATORS.items():
    _spelling = f"{{0}} {_sign} {{1}}"
    step_row(_name, getattr(operator, _name), symbol=_sign, python=_spelling, c="", numpy=_spelling)
step_row("invert", operator.invert, symbol="~", python="~{0}", c="", numpy="~{0}")
step_row("bit_length", lambda n: n.bit_length(), python="{0}.bit_length()", c="", numpy="")
step_row("bit_count", lambda n: n.bit_count(), python="{0}.bit_count()", c="", numpy="")
step_row("raised", raised, python="tracegrad.special.raised({args})", c="", numpy="")
