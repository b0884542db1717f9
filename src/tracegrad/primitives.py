"""The primitive table: one row for each operation that a trace can hold.

In: nothing.  Out: :data:`TABLE` (name -> :class:`Primitive`) and :func:`bind`, the single door through which a
primitive is applied.  Read a few rows first (``mul``, ``exp``, ``power``), then :class:`Primitive`.

A row's *rule* is its derivative, written once.  It is a plain function ``rule(m, out, *args)`` of the result and the
operands that gives d(out)/d(operand); ``m`` is a namespace with a function for
each row.  Because the rule names neither floats nor
tracers, the same formula serves plain numbers (:data:`PLAIN`), numbers at poles (:mod:`tracegrad.ieee`), traced numbers
(higher order), and any other namespace that spells these functions alike.

Conventions at kinks are stated on the row (``kink``); formulas of the special functions are those of the NIST Digital
Library of Mathematical Functions (5.2 gamma, 7.2 error function).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from tracegrad import special

#: d(out)/d(operand): a function of (m, out, *args), or a number where the local gradient is constant
Rule = Callable[..., Any] | float

Interval = tuple[float, float]

REAL: Interval = (-20.0, 20.0)
POSITIVE: Interval = (1e-3, 20.0)
UNIT: Interval = (-0.99, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Primitive:
    """One row of the table.

    ``forward``   the operation on plain numbers, the very callable of the plain function
    ``rules``     one :data:`Rule` per operand slot; for ``variadic`` rows a single function of (m, out, *args)
                  that gives all local gradients at once; none for a step
    ``symbol``    what the gate shows; ``{n}`` is filled in from the static data
    ``python``, ``c``, ``numpy``   the spelling in source, operands as ``{0}``, ``{1}``, ``{args}``
    ``domain``    one interval per slot in which the row is smooth (sampled by the tests)
    ``kink``      where it is not smooth, and which value the derivative takes there
    ``params``    names of trailing operands that are static data and never traced
    ``step``      piecewise constant with a whole or truth value: gives a plain result, and a guard records it
    """

    name: str
    forward: Callable[..., Any]
    rules: tuple[Rule, ...] | Callable[..., Sequence[Any]] = ()
    symbol: str
    python: str
    c: str
    numpy: str
    domain: tuple[Interval, ...] = ()
    kink: str = ""
    params: tuple[str, ...] = ()
    variadic: bool = False
    step: bool = False

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


#: every row by its name, in the order of this file
TABLE: dict[str, Primitive] = {}


def bind(row: Primitive, *args: Any) -> Any:
    """Apply a primitive: on plain numbers its ``forward``, else as the first argument's class decides.

    A class takes part by having a method ``_tracegrad_bind_(row, args)``.

    >>> bind(TABLE["mul"], 3, -4.0)
    -12.0
    """
    for arg in args:
        recorder = getattr(type(arg), "_tracegrad_bind_", None)
        if recorder is not None:
            return recorder(arg, row, args)
    return row.forward(*args)


def _row(name: str, forward: Callable[..., Any], rules: Any = (), **columns: Any) -> Primitive:
    columns.setdefault("symbol", name)
    columns.setdefault("python", f"math.{name}({{args}})")
    columns.setdefault("c", f"{name}({{args}})")
    columns.setdefault("numpy", f"np.{name}({{args}})")
    row = TABLE[name] = Primitive(name=name, forward=forward, rules=rules, **columns)
    return row


def _operator(name: str, sign: str, forward: Callable[..., Any], rules: Any, symbol: str, **columns: Any) -> Primitive:
    spelling = f"{{0}} {sign} {{1}}"
    defaults = {"python": spelling, "c": spelling, "numpy": spelling}
    return _row(name, forward, rules, symbol=symbol, **(defaults | columns))


def _math(name: str, *rules: Rule, **columns: Any) -> None:
    """A row for a function of the ``math`` module, where this Python has it."""
    if hasattr(math, name):
        _row(name, getattr(math, name), rules, **columns)


# ---- leaves -----------------------------------------------------------------------------------------

INPUT = _row("input", lambda value: value, symbol="{name}", python="{name}", c="{name}", numpy="{name}")
CONST = _row("const", lambda value: value, symbol="{value}", python="{value}", c="{value}", numpy="{value}")

# ---- operators --------------------------------------------------------------------------------------


def _power_x(m: Any, out: Any, x: Any, y: Any) -> Any:
    return 0.0 if x == 0 and y == 0 else y * x ** (y - 1)


def _power_y(m: Any, out: Any, x: Any, y: Any) -> Any:
    return 0.0 if x == 0 and y >= 0 else out * m.log(x)


ADD = _operator("add", "+", operator.add, (1.0, 1.0), "+", domain=(REAL, REAL))
SUB = _operator("sub", "-", operator.sub, (1.0, -1.0), "−", domain=(REAL, REAL))
MUL = _operator("mul", "*", operator.mul, (lambda m, out, x, y: y, lambda m, out, x, y: x), "×", domain=(REAL, REAL))
DIV = _operator(
    "div", "/", operator.truediv, (lambda m, out, x, y: 1.0 / y, lambda m, out, x, y: -(out / y)), "÷",
    domain=(REAL, POSITIVE), c="(double){0} / {1}",
)  # fmt: skip
FLOORDIV = _operator(
    "floordiv", "//", operator.floordiv, (0.0, 0.0), "//",
    domain=((3.1, 3.9), (1.0, 1.0)), kink="0 everywhere, also at the steps", c="floor({0} / {1})",
)  # fmt: skip
MOD = _operator(
    "mod", "%", operator.mod, (1.0, lambda m, out, x, y: -(x // y)), "%",
    domain=((3.1, 3.9), (1.7, 1.9)), kink="(1, -floor(x/y)) also at the jumps",
    c="({0} - {1} * floor({0} / {1}))",
)  # fmt: skip
POWER = _operator(
    "power", "**", operator.pow, (_power_x, _power_y), "^",
    domain=(POSITIVE, (-3.0, 3.0)), kink="at x = 0: d/dx is 0 for y = 0 and y > 1, d/dy is 0 for y >= 0; d/dy is nan for x < 0",
    c="pow({0}, {1})",
)  # fmt: skip
LITERAL_POWER = _operator(
    "literal_power", "**", operator.pow, (lambda m, out, x, n: n * x ** (n - 1) if n != 0 else 0.0,), "^{n}",
    domain=(POSITIVE,), params=("n",), kink="0 for n = 0", c="pow({0}, {n})", python="{0} ** {n}", numpy="{0} ** {n}",
)  # fmt: skip
NEG = _operator("neg", "-", operator.neg, (-1.0,), "−", domain=(REAL,), python="-{0}", c="-{0}", numpy="-{0}")
POS = _operator("pos", "+", operator.pos, (1.0,), "+", domain=(REAL,), python="+{0}", c="+{0}", numpy="+{0}")


def _abs_rule(m: Any, out: Any, x: Any) -> Any:
    return m.sign(x)


ABS = _operator(
    "abs", "", abs, (_abs_rule,), "|x|",
    domain=(POSITIVE,), kink="0 at 0", python="abs({0})", c="fabs({0})", numpy="np.abs({0})",
)  # fmt: skip
ROUND = _row(
    "round_digits", round, (0.0,), symbol="round",
    domain=((3.11, 3.14),), params=("digits",), kink="0 everywhere, also at the steps",
    python="round({0}, {digits})", c="rint({0} * 1e{digits}) / 1e{digits}", numpy="np.round({0}, {digits})",
)  # fmt: skip

# ---- gates of several operands ----------------------------------------------------------------------


def _winner(m: Any, out: Any, *args: Any) -> list[float]:
    """1 for the first operand that is the result, 0 for the others."""
    first = next((i for i, arg in enumerate(args) if arg is out or arg == out), 0)
    return [float(i == first) for i in range(len(args))]


def _others(m: Any, out: Any, *args: Any) -> list[Any]:
    """The product of all the other operands, exact also where one of them is zero."""
    before, after = [1.0], [1.0]
    for arg in args[:-1]:
        before.append(before[-1] * arg)
    for arg in args[:0:-1]:
        after.append(after[-1] * arg)
    return [a * b for a, b in zip(before, reversed(after), strict=True)]


def _halves(m: Any, out: Any, *args: Any) -> list[Any]:
    half = len(args) // 2
    return [*args[half:], *args[:half]]


def _hypot(m: Any, out: Any, *args: Any) -> list[Any]:
    return [0.0] * len(args) if out == 0 else [arg / out for arg in args]


def _dist(m: Any, out: Any, *args: Any) -> list[Any]:
    half = len(args) // 2
    if out == 0:
        return [0.0] * len(args)
    towards = [(p - q) / out for p, q in zip(args[:half], args[half:], strict=True)]
    return [*towards, *(-t for t in towards)]


def _ones(m: Any, out: Any, *args: Any) -> list[float]:
    return [1.0] * len(args)


def _first_of(choose: Callable[..., Any]) -> Callable[..., Any]:
    """``max`` or ``min`` of operands, the winner found by Python's own comparisons."""

    def forward(*args: Any) -> Any:
        return args[choose(range(len(args)), key=args.__getitem__)]

    return forward


def _many(name: str, forward: Callable[..., Any], rules: Callable[..., Any], **columns: Any) -> Primitive:
    return _row(name, forward, rules, variadic=True, **columns)


MAX = _many(
    "max", _first_of(max), _winner, domain=((0.0, 1.0), (2.0, 3.0)), kink="a tie: all to the one that Python returns, the first",
    python="max({args})", c="fmax({args})", numpy="np.maximum({args})",
)  # fmt: skip
MIN = _many(
    "min", _first_of(min), _winner, domain=((0.0, 1.0), (2.0, 3.0)), kink="a tie: all to the one that Python returns, the first",
    python="min({args})", c="fmin({args})", numpy="np.minimum({args})",
)  # fmt: skip
SUM = _many(
    "sum", lambda *args: sum(args[1:], args[0]), _ones, domain=(REAL, REAL, REAL), symbol="Σ",
    python="sum([{tail}], {0})", c="({args:+})", numpy="sum([{tail}], {0})",
)  # fmt: skip
FSUM = _many("fsum", lambda *args: math.fsum(args), _ones, domain=(REAL, REAL, REAL), symbol="fsum", python="math.fsum([{args}])")
PROD = _many(
    "prod", lambda *args: math.prod(args[1:], start=args[0]), _others, domain=(REAL, REAL, REAL), symbol="Π",
    kink="exact with zeros: each operand gets the product of the others", python="math.prod([{tail}], start={0})",
)  # fmt: skip
HYPOT = _many("hypot", math.hypot, _hypot, domain=(REAL, POSITIVE, REAL), kink="0 at the origin")
DIST = _many(
    "dist", lambda *args: math.dist(args[: len(args) // 2], args[len(args) // 2 :]), _dist,
    domain=(REAL, REAL, (30.0, 40.0), REAL), kink="0 where the points coincide", python="math.dist(({head}), ({tail}))",
)  # fmt: skip
if hasattr(math, "sumprod"):
    _many(
        "sumprod", lambda *args: math.sumprod(args[: len(args) // 2], args[len(args) // 2 :]), _halves,
        domain=(REAL, REAL, REAL, REAL), symbol="Σ×", python="math.sumprod([{head}], [{tail}])",
    )  # fmt: skip

# ---- smooth functions of math -----------------------------------------------------------------------

_math("exp", lambda m, out, x: out, domain=(REAL,))
_math("exp2", lambda m, out, x: out * math.log(2), domain=(REAL,))
_math("expm1", lambda m, out, x: m.exp(x), domain=(REAL,))
_math("log", lambda m, out, x: 1.0 / x, domain=(POSITIVE,), kink="inf at 0")
_math("log2", lambda m, out, x: 1.0 / (x * math.log(2)), domain=(POSITIVE,), kink="inf at 0")
_math("log10", lambda m, out, x: 1.0 / (x * math.log(10)), domain=(POSITIVE,), kink="inf at 0")
_math("log1p", lambda m, out, x: 1.0 / (1.0 + x), domain=((-0.9, 20.0),), kink="inf at -1")
_row(
    "log_base", math.log, (lambda m, out, x, b: 1.0 / (x * m.log(b)), lambda m, out, x, b: -out / (b * m.log(b))),
    symbol="log_b", domain=(POSITIVE, (1.5, 20.0)), kink="inf at 0",
    python="math.log({args})", c="(log({0}) / log({1}))", numpy="(np.log({0}) / np.log({1}))",
)  # fmt: skip
_math("sqrt", lambda m, out, x: 0.5 / out, domain=(POSITIVE,), kink="inf at 0", symbol="√")
_math("cbrt", lambda m, out, x: 1.0 / (3.0 * out * out), domain=(POSITIVE,), kink="inf at 0", symbol="∛")
_math("sin", lambda m, out, x: m.cos(x), domain=(REAL,))
_math("cos", lambda m, out, x: -m.sin(x), domain=(REAL,))
_math("tan", lambda m, out, x: 1.0 + out * out, domain=((-1.4, 1.4),))
_math("asin", lambda m, out, x: 1.0 / m.sqrt((1.0 - x) * (1.0 + x)), domain=(UNIT,), kink="inf at ±1", numpy="np.arcsin({0})")
_math("acos", lambda m, out, x: -1.0 / m.sqrt((1.0 - x) * (1.0 + x)), domain=(UNIT,), kink="-inf at ±1", numpy="np.arccos({0})")
_math("atan", lambda m, out, x: 1.0 / (1.0 + x * x), domain=(REAL,), numpy="np.arctan({0})")
_math("sinh", lambda m, out, x: m.cosh(x), domain=(REAL,))
_math("cosh", lambda m, out, x: m.sinh(x), domain=(REAL,))
_math("tanh", lambda m, out, x: 1.0 / m.cosh(x) ** 2, domain=(REAL,))
_math("asinh", lambda m, out, x: 1.0 / m.hypot(x, 1.0), domain=(REAL,), numpy="np.arcsinh({0})")
_math(
    "acosh", lambda m, out, x: 1.0 / (m.sqrt(x - 1.0) * m.sqrt(x + 1.0)), domain=((1.01, 20.0),),
    kink="inf at 1", numpy="np.arccosh({0})",
)  # fmt: skip
_math("atanh", lambda m, out, x: 1.0 / ((1.0 - x) * (1.0 + x)), domain=(UNIT,), kink="inf at ±1", numpy="np.arctanh({0})")
_math("erf", lambda m, out, x: 2.0 / math.sqrt(math.pi) * m.exp(-(x * x)), domain=((-5.0, 5.0),), numpy="scipy.special.erf({0})")
_math("erfc", lambda m, out, x: -2.0 / math.sqrt(math.pi) * m.exp(-(x * x)), domain=((-5.0, 5.0),), numpy="scipy.special.erfc({0})")
_math("gamma", lambda m, out, x: out * m.digamma(x), domain=(POSITIVE,), kink="nan at the poles", symbol="Γ", c="tgamma({0})", numpy="scipy.special.gamma({0})")
_math("lgamma", lambda m, out, x: m.digamma(x), domain=(POSITIVE,), kink="nan at the poles", symbol="log Γ", numpy="scipy.special.gammaln({0})")
_math("degrees", math.degrees(1.0), domain=(REAL,), symbol="deg", c="({0} * (180 / M_PI))")
_math("radians", math.radians(1.0), domain=(REAL,), symbol="rad", c="({0} * (M_PI / 180))")
_math(
    "atan2", lambda m, out, y, x: _over_square(x, m.hypot(x, y)), lambda m, out, y, x: -_over_square(y, m.hypot(x, y)),
    domain=(REAL, POSITIVE), kink="nan at the origin", numpy="np.arctan2({args})",
)  # fmt: skip
_math("pow", _power_x, _power_y, domain=(POSITIVE, (-3.0, 3.0)), symbol="pow", kink="as power", numpy="np.power({args})")


def _over_square(x: Any, r: Any) -> Any:
    """x / r², in an order that neither overflows nor underflows early."""
    return x / r / r


_row(
    "digamma", special.digamma, (lambda m, out, x: m.polygamma(x, 1),), symbol="ψ", domain=(POSITIVE,),
    kink="nan at the poles", python="tracegrad.special.digamma({0})", numpy="scipy.special.digamma({0})",
)  # fmt: skip
_row(
    "polygamma", lambda x, n: special.polygamma(n, x), (lambda m, out, x, n: m.polygamma(x, n + 1),), symbol="ψ^({n})",
    domain=(POSITIVE,), params=("n",), kink="nan at the poles",
    python="tracegrad.special.polygamma({n}, {0})", c="polygamma({n}, {0})", numpy="scipy.special.polygamma({n}, {0})",
)  # fmt: skip

# ---- kinked functions of math -----------------------------------------------------------------------

_math("fabs", _abs_rule, domain=(POSITIVE,), kink="0 at 0", symbol="|x|")
_math("copysign", lambda m, out, x, y: _agreement(m, x, y), 0.0, domain=(POSITIVE, POSITIVE), kink="±1 by agreement of the signs, also at 0; 0 for the sign's giver")
_math("fmod", 1.0, lambda m, out, x, y: -m.round((x - out) / y), domain=((3.1, 3.9), (1.7, 1.9)), kink="(1, -trunc(x/y)) also at the jumps")
_math("remainder", 1.0, lambda m, out, x, y: -m.round((x - out) / y), domain=((3.1, 3.9), (1.7, 1.9)), kink="(1, -n) with n the nearest whole number to x/y, also at the jumps", numpy="np.remainder({args})")
_math("nextafter", 1.0, 0.0, domain=(POSITIVE, POSITIVE), kink="the step itself counts as constant")
_math("ulp", 0.0, domain=((1.1, 1.9),), kink="0 everywhere", c="(nextafter(fabs({0}), INFINITY) - fabs({0}))", numpy="np.spacing(np.abs({0}))")
_math("fma", lambda m, out, x, y, z: y, lambda m, out, x, y, z: x, 1.0, domain=(REAL, REAL, REAL))
_math("ldexp", lambda m, out, x, i: m.ldexp(1.0, i), domain=(REAL,), params=("i",), symbol="×2^{i}", python="math.ldexp({0}, {i})", c="ldexp({0}, {i})", numpy="np.ldexp({0}, {i})")
_row("frexp_mantissa", lambda x: math.frexp(x)[0], (lambda m, out, x: m.ldexp(1.0, -m.frexp_exponent(x)),), domain=((4.1, 7.9),), kink="the exponent counts as constant", python="math.frexp({0})[0]", numpy="np.frexp({0})[0]")
_row("modf_fraction", lambda x: math.modf(x)[0], (1.0,), domain=((3.1, 3.9),), kink="1 also at the jumps", python="math.modf({0})[0]", numpy="np.modf({0})[0]")
_row("modf_whole", lambda x: math.modf(x)[1], (0.0,), domain=((3.1, 3.9),), kink="0 everywhere", python="math.modf({0})[1]", numpy="np.modf({0})[1]")
_row("sign", special.sign, (0.0,), domain=(POSITIVE,), kink="0 everywhere", python="tracegrad.special.sign({0})", c="(({0} > 0) - ({0} < 0))")


POLE = _row(
    "pole", lambda *args: args[-1], lambda m, out, *args: [math.nan] * (len(args) - 1), variadic=True,
    params=("value",), kink="a local gradient taken where it does not exist; its own derivative is nan", python="{value}",
)  # fmt: skip


def _agreement(m: Any, x: Any, y: Any) -> Any:
    return m.copysign(1.0, x) * m.copysign(1.0, y)


# ---- steps: whole numbers and truth values, recorded as guards ----------------------------------------

COMPARISONS = {
    "lt": (operator.lt, "<"), "le": (operator.le, "<="), "gt": (operator.gt, ">"), "ge": (operator.ge, ">="),
    "eq": (operator.eq, "=="), "ne": (operator.ne, "!="),
}  # fmt: skip


def _step(name: str, forward: Callable[..., Any] | None = None, **columns: Any) -> None:
    if forward is not None or hasattr(math, name):
        _row(name, forward or getattr(math, name), (), step=True, **columns)


for _name, (_forward, _sign) in COMPARISONS.items():
    _step(_name, _forward, symbol=_sign, python=f"{{0}} {_sign} {{1}}", c=f"{{0}} {_sign} {{1}}", numpy=f"{{0}} {_sign} {{1}}")
for _name, _forward in {"bool": bool, "int": int, "index": operator.index, "round": round, "hash": hash}.items():
    _step(_name, _forward, python=f"{_name}({{args}})")
for _name in ("floor", "ceil", "trunc", "isfinite", "isinf", "isnan", "isclose"):
    _step(_name)
for _name in ("comb", "perm", "factorial", "gcd", "lcm", "isqrt"):
    _step(_name)
_step("frexp_exponent", lambda x: math.frexp(x)[1], python="math.frexp({0})[1]", numpy="np.frexp({0})[1]")
_step("format", format, python="format({args})")
_step("is_integer", lambda x: x.is_integer() if hasattr(x, "is_integer") else True, python="{0}.is_integer()")


def namespace(function: Callable[[Primitive], Callable[..., Any]]) -> SimpleNamespace:
    """What rules call ``m``: every row's name, bound to ``function(row)``."""
    return SimpleNamespace(**{name: function(row) for name, row in TABLE.items()})


#: the ``m`` of rules on plain numbers
PLAIN = namespace(lambda row: row.forward)


def partials(row: Primitive, m: Any, out: Any, args: Sequence[Any]) -> list[Any]:
    """The local gradients of one application, slot by slot; static trailing operands have none.

    >>> partials(TABLE["mul"], PLAIN, -12.0, (3.0, -4.0))
    [-4.0, 3.0]
    """
    if row.variadic:
        return list(row.rules(m, out, *args))  # type: ignore[operator]
    return [rule(m, out, *args) if callable(rule) else rule for rule in row.rules]  # type: ignore[union-attr]
