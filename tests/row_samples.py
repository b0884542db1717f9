"""What the tests of the primitive table know about each row, independently of the table itself."""

from __future__ import annotations

import math
import operator
import random
import statistics
from collections.abc import Iterator
from typing import Any

import mpmath

from tracegrad.ieee import partials_at_pole, rule_at_pole
from tracegrad.primitives import PLAIN, TABLE, Primitive, partials

mp = mpmath.mp.clone()
mp.dps = 50

#: static data with which a row is sampled
PARAMS: dict[str, list[Any]] = {
    "literal_power": [2, 3, 1, 0, -1, -2, 0.5, 1.5, -2.5, 7],
    "round_digits": [0, 1],
    "polygamma": [1, 2, 3],
    "ldexp": [-3, 0, 5],
    "nextafter_steps": [1, 3],
}

#: the plain function of each row that is not simply a function of ``math`` by the same name
PLAIN_FUNCTIONS: dict[str, Any] = {
    "sech2": lambda x: (1.0 / math.cosh(x)) ** 2,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "power": operator.pow,
    "literal_power": operator.pow,
    "neg": operator.neg,
    "pos": operator.pos,
    "abs": abs,
    "float": float,
    "round_digits": round,
    "max": lambda *args: max(args),
    "min": lambda *args: min(args),
    "sum": lambda *args: sum(args),
    "sum_from": lambda start, *args: sum(args, start),
    "fsum": lambda *args: math.fsum(args),
    "prod": lambda *args: math.prod(args),
    "dist": lambda a, b, c, d: math.dist((a, b), (c, d)),
    "sumprod": lambda a, b, c, d: math.sumprod((a, b), (c, d)),
    "log_base": math.log,
    "digamma": lambda x: float(mp.digamma(x)),
    "polygamma": lambda x, n: float(mp.polygamma(n, x)),
    "sign": lambda x: math.copysign(1.0, x),
    "nextafter_steps": lambda x, y, steps: math.nextafter(x, y, steps=steps),
    "frexp_mantissa": lambda x: math.frexp(x)[0],
    "modf_fraction": lambda x: math.modf(x)[0],
    "modf_whole": lambda x: math.modf(x)[1],
    "mean": lambda *args: statistics.mean(args),
    "variance": lambda *args: statistics.variance(args),
    "pvariance": lambda *args: statistics.pvariance(args),
    "stdev": lambda *args: statistics.stdev(args),
    "pstdev": lambda *args: statistics.pstdev(args),
    "harmonic_mean": lambda *args: statistics.harmonic_mean(args),
    "normal_inv_cdf": lambda p, mu, sigma: statistics.NormalDist(mu, sigma).inv_cdf(p),
}


def _squares(args: tuple[Any, ...]) -> Any:
    """The sum of the squared deviations from the mean."""
    mean = sum(args) / len(args)
    return sum((arg - mean) ** 2 for arg in args)


#: the mathematics of each row, valid in its domain, for numbers of any precision
MATHEMATICS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "floordiv": lambda x, y: mp.floor(x / y),
    "mod": lambda x, y: x - y * mp.floor(x / y),
    "power": lambda x, y: mp.exp(y * mp.log(x)),
    "literal_power": lambda x, n: mp.exp(n * mp.log(x)),
    "pow": lambda x, y: mp.exp(y * mp.log(x)),
    "neg": lambda x: -x,
    "pos": lambda x: x,
    "float": lambda x: x,
    "abs": abs,
    "fabs": abs,
    "round_digits": lambda x, digits: mp.nint(x * 10**digits) / 10**digits,
    "max": lambda *args: max(args),
    "min": lambda *args: min(args),
    "fmax": lambda *args: max(args),
    "fmin": lambda *args: min(args),
    "sum": lambda *args: sum(args),
    "sum_from": lambda *args: sum(args),
    "fsum": lambda *args: sum(args),
    "prod": lambda a, b, c: a * b * c,
    "hypot": lambda a, b, c: mp.sqrt(a * a + b * b + c * c),
    "dist": lambda a, b, c, d: mp.sqrt((a - c) ** 2 + (b - d) ** 2),
    "sumprod": lambda a, b, c, d: a * c + b * d,
    "exp": mp.exp,
    "exp2": lambda x: mp.mpf(2) ** x,
    "expm1": lambda x: mp.exp(x) - 1,
    "log": mp.log,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "log1p": lambda x: mp.log(1 + x),
    "log_base": lambda x, b: mp.log(x) / mp.log(b),
    "sqrt": mp.sqrt,
    "cbrt": mp.cbrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "sech2": lambda x: mp.sech(x) ** 2,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "fma": lambda x, y, z: x * y + z,
    "degrees": mp.degrees,
    "radians": mp.radians,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "gamma": mp.gamma,
    "lgamma": lambda x: mp.log(mp.gamma(x)),
    "digamma": mp.digamma,
    "polygamma": lambda x, n: mp.polygamma(n, x),
    "sign": mp.sign,
    "copysign": lambda x, y: abs(x) * mp.sign(y),
    "fmod": lambda x, y: x - y * mp.floor(x / y),
    "remainder": lambda x, y: x - y * mp.nint(x / y),
    "nextafter": lambda x, y: x,
    "nextafter_steps": lambda x, y, steps: x,
    "ulp": lambda x: mp.mpf(2) ** -52,
    "ldexp": lambda x, i: x * mp.mpf(2) ** i,
    "frexp_mantissa": lambda x: x / 8,
    "modf_fraction": lambda x: x - mp.floor(x),
    "modf_whole": mp.floor,
    "mean": lambda *args: sum(args) / len(args),
    "variance": lambda *args: _squares(args) / (len(args) - 1),
    "pvariance": lambda *args: _squares(args) / len(args),
    "stdev": lambda *args: mp.sqrt(_squares(args) / (len(args) - 1)),
    "pstdev": lambda *args: mp.sqrt(_squares(args) / len(args)),
    "harmonic_mean": lambda *args: len(args) / sum(1 / arg for arg in args),
    "normal_inv_cdf": lambda p, mu, sigma: mu + sigma * mp.sqrt(2) * mp.erfinv(2 * p - 1),
}

#: steps: operands, and what they give
STEPS: dict[str, list[tuple[tuple[Any, ...], Any]]] = {
    "lt": [((1, 2.0), True), ((2.0, 2.0), False)],
    "le": [((2.0, 2), True), ((3.0, 2.0), False)],
    "gt": [((3.0, 2.0), True), ((2, 2), False)],
    "ge": [((2.0, 2.0), True), ((1.0, 2.0), False)],
    "eq": [((2, 2.0), True), ((math.nan, math.nan), False)],
    "ne": [((2.0, 2.0), False), ((1.0, 2.0), True)],
    "bool": [((0.0,), False), ((-0.5,), True), ((math.nan,), True)],
    "int": [((2.9,), 2), ((-2.9,), -2)],
    "index": [((7,), 7)],
    "round": [((2.5,), 2), ((3.5,), 4), ((-0.6,), -1)],
    "hash": [((1.5,), hash(1.5))],
    "format": [((1.5, ".3f"), "1.500")],
    "raised": [(("log", -1.0), "ValueError"), (("div", 1.0, 0.0), "ZeroDivisionError"), (("log", 1.0), "")],
    "floor": [((-0.5,), -1), ((2.0,), 2)],
    "ceil": [((-0.5,), 0), ((2.1,), 3)],
    "trunc": [((-2.9,), -2), ((2.9,), 2)],
    "isfinite": [((1.0,), True), ((math.inf,), False)],
    "isinf": [((-math.inf,), True), ((1.0,), False)],
    "isnan": [((math.nan,), True), ((1.0,), False)],
    "isnormal": [((1.0,), True), ((5e-324,), False)],
    "issubnormal": [((1.0,), False), ((5e-324,), True)],
    "signbit": [((-0.0,), True), ((0.0,), False)],
    "isclose": [
        ((1.0, 1.0 + 1e-10, 1e-9, 0.0), True),
        ((1.0, 1.1, 1e-9, 0.2), True),
        ((1.0, 1.1, 1e-9, 0.0), False),
    ],
    "is_integer": [((2.0,), True), ((2.5,), False), ((3,), True), ((math.inf,), False)],
    "frexp_exponent": [((4.0,), 3), ((0.0,), 0)],
    "comb": [((5, 2), 10)],
    "perm": [((5, 2), 20)],
    "factorial": [((5,), 120)],
    "gcd": [((12, 18), 6)],
    "lcm": [((4, 6), 12)],
    "isqrt": [((17,), 4)],
    "and_": [((6, 3), 2)],
    "or_": [((6, 3), 7)],
    "xor": [((6, 3), 5)],
    "lshift": [((3, 2), 12)],
    "rshift": [((13, 2), 3)],
    "invert": [((5,), -6)],
    "bit_length": [((5,), 3)],
    "bit_count": [((5,), 2)],
}

#: rows that stand for values instead of operations
LEAVES = frozenset({"input", "const", "pole"})

#: functions of ``math`` with several results
TAKEN_APART = {"frexp": {"frexp_mantissa", "frexp_exponent"}, "modf": {"modf_fraction", "modf_whole"}}

#: rows that only Python can write
PYTHON_ONLY = frozenset(
    {"nextafter_steps", "mean", "variance", "pvariance", "stdev", "pstdev", "harmonic_mean", "normal_inv_cdf"}
)

#: every row that has local gradients
SMOOTH = [row for row in TABLE.values() if not row.step and row.name not in LEAVES]


def plain_function(row: Primitive) -> Any:
    return PLAIN_FUNCTIONS.get(row.name) or getattr(math, row.name)


def samples(row: Primitive, count: int, margin: float = 0.0) -> Iterator[tuple[float, ...]]:
    """Operands in the row's domain, with static data, the same on every run."""
    dice = random.Random(row.name)
    for _ in range(count):
        for static in PARAMS.get(row.name, [None]):
            numbers = tuple(
                dice.uniform(low + margin * (high - low), high - margin * (high - low))
                for low, high in row.domain
            )
            yield numbers if static is None else (*numbers, static)


def split(row: Primitive, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Operands and static data."""
    count = len(args) - len(row.params)
    return args[:count], args[count:]


def exact_partial(row: Primitive, args: tuple[Any, ...], *slots: int) -> Any:
    """The derivative by the operands in ``slots``, from the mathematics at 50 digits."""
    numbers, static = split(row, args)
    orders = tuple(slots.count(slot) for slot in range(len(numbers)))
    function = MATHEMATICS[row.name]
    if len(numbers) == 1:
        return mp.diff(lambda x: function(x, *static), mp.mpf(numbers[0]), len(slots))
    return mp.diff(lambda *xs: function(*xs, *static), tuple(map(mp.mpf, numbers)), orders)


def local_gradients(row: Primitive, args: tuple[Any, ...], out: Any = None) -> list[Any]:
    """The local gradients as the interpreter takes them: in plain numbers, and where that raises, in IEEE ones."""
    out = row.forward(*args) if out is None else out
    if row.variadic:
        try:
            return partials(row, PLAIN, out, args)
        except (ArithmeticError, ValueError):
            return partials_at_pole(row, out, args)
    return [_local(rule, out, args) for rule in row.rules]  # type: ignore[union-attr]


def _local(rule: Any, out: Any, args: tuple[Any, ...]) -> Any:
    if not callable(rule):
        return rule
    try:
        return rule(PLAIN, out, *args)
    except (ArithmeticError, ValueError):
        return rule_at_pole(rule, out, *args)
