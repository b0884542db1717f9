"""Tracers behave as the numbers they stand for, and every door out of a trace is a step, a guard or an error."""

# ruff: noqa: UP031  the old ways to format are meant

from __future__ import annotations

import array
import ast
import copy
import ctypes
import datetime
import decimal
import fractions
import itertools
import json
import marshal
import math
import operator
import pickle
import random
import struct
import sys
import time
from fractions import Fraction

import pytest

import tracegrad as tg

# ---- operators ----------------------------------------------------------------------------------------

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod,
            operator.ipow]  # fmt: skip
UNARY = [operator.neg, operator.pos, operator.abs, abs, bool, int, round, math.floor, math.ceil, math.trunc,
         operator.not_, operator.truth]  # fmt: skip
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]

NUMBERS = [0, 1, -3, 7, 2**70, -(10**25), 0.0, -0.0, 2.5, -7.25, 1e-300, 1e308, math.inf, -math.inf, math.nan]
OTHERS = [True, False, Fraction(3, 4), Fraction(-7, 2)]


def outcome(f, *args):
    """What a call gives, to the bit, or what it raises."""
    try:
        value = f(*args)
    except Exception as error:
        return type(error), str(error)
    return type(value), repr(value)


def traced_outcome(f, *args):
    """The same with every int and float traced; an operation that leaves the real numbers may be refused."""
    try:
        return outcome(lambda: tg.trace(f, *args).value)
    except tg.TraceError:
        return None


def agree(f, *args):
    plain = outcome(f, *args)
    if plain[0] is complex:
        with pytest.raises(tg.UnsupportedError, match="complex"):
            tg.trace(f, *args)
        return
    assert outcome(lambda: tg.trace(f, *args).value) == plain, (f, args)


@pytest.mark.parametrize("op", BINARY + COMPARISONS, ids=lambda op: op.__name__)
def test_binary_operators(op):
    small = [n for n in NUMBERS if not (op is operator.pow and abs(n) > 1e6 and n == n and not math.isinf(n))]
    for a, b in itertools.product(small, small):
        agree(lambda x, y: op(x, y), a, b)
        agree(lambda x, b=b: op(x, detached(b)), a)
        agree(lambda y, a=a: op(detached(a), y), b)


def detached(number):
    return number


@pytest.mark.parametrize("op", BINARY + COMPARISONS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_binary_operators_with_numbers_of_other_classes(op, other):
    for a in (0, 2, -3, 2.5, -0.5, math.inf, math.nan):
        agree(lambda x: op(x, other), a)
        if type(other) is Fraction and (type(a) is int or (op in COMPARISONS and math.isfinite(a))):
            with pytest.raises(tg.EscapeError):  # a fraction on the left takes what it meets to pieces
                tg.trace(lambda x: op(other, x), a)
        else:
            agree(lambda x: op(other, x), a)


@pytest.mark.parametrize("op", IN_PLACE, ids=lambda op: op.__name__)
def test_in_place_operators(op):
    for a, b in itertools.product((2, -3, 2.5, 0.0), (1, 2, -1.5)):
        agree(lambda x, y: op(x, y), a, b)
        agree(lambda x, b=b: op(x, detached(b)), a)
        agree(lambda y, a=a: op(detached(a), y), b)


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.__name__)
def test_unary_operators(op):
    for number in NUMBERS:
        agree(lambda x: op(x), number)


@pytest.mark.parametrize("op", BITS, ids=lambda op: op.__name__)
def test_bit_operators_of_whole_numbers(op):
    for a, b in itertools.product((0, 5, -7, 2**65), (0, 3, 9)):
        agree(lambda x, y: op(x, y), a, b)
        agree(lambda x, b=b: op(x, detached(b)), a)
        agree(lambda y, a=a: op(detached(a), y), b)
    assert_same_error(lambda x: op(x, 1), 2.5)
    assert_same_error(lambda x: op(1, x), 2.5)


def assert_same_error(f, *args):
    kind, text = outcome(f, *args)
    assert issubclass(kind, Exception)
    assert outcome(tg.trace, f, *args) == (kind, text)


@pytest.mark.parametrize("op", [divmod, pow, round], ids=lambda op: op.__name__)
def test_builtins_of_two_numbers(op):
    for a, b in itertools.product((7, -7, 7.5, -0.25), (2, 3, -2)):
        agree(lambda x, b=b: op(x, detached(b)), a)
        if op is not round:
            agree(lambda x, y: op(x, y), a, b)
            agree(lambda y, a=a: op(detached(a), y), b)


def test_pow_with_modulus():
    assert outcome(lambda x: pow(7, 3, 5), 1.0) == outcome(
        tg.trace(lambda x: x and pow(7, 3, 5), 1.0).value.__pos__
    )
    assert_same_error(lambda x: pow(x, 3, 5), 2.0)
    t = tg.trace(lambda x: pow(x, 3, 5) * x, 2)
    assert (t.value, t.gradients) == (6, {"x": 3.0})


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before, pow asks its first argument only")
def test_pow_with_modulus_asks_the_exponent():
    assert_same_error(lambda x: pow(3, x, 5), 2.0)
    t = tg.trace(lambda x: pow(3, x, 5) * x, 2)
    assert (t.value, t.gradients) == (8, {"x": 4.0})


WRONG = ["a", None, [1], (1,), {}, object, b"a", 1j, decimal.Decimal(2), decimal.Decimal("2.5")]


@pytest.mark.parametrize("other", WRONG, ids=repr)
@pytest.mark.parametrize("op", [*BINARY, *COMPARISONS, divmod], ids=lambda op: op.__name__)
def test_operands_that_are_no_real_numbers(op, other):
    for f in (lambda x: op(x, other), lambda x: op(other, x)):
        kind, text = outcome(f, 2.5)
        if kind is complex:
            with pytest.raises(tg.UnsupportedError, match="complex"):
                tg.trace(f, 2.5)
        else:
            found = outcome(lambda f=f: tg.trace(f, 2.5).value)
            if "non-int of type" in text:
                assert found == (TypeError, "'float' object cannot be interpreted as an integer")
            else:
                assert found == (kind, text)


@pytest.mark.parametrize("f", [
    lambda n: [10, 20, 30][n], lambda n: "abc" * n, lambda n: n * [0], lambda n: (1, 2) * n, lambda n: list(range(n)),
    lambda n: list(range(0, 10, n)), lambda n: "abcdef"[n:], lambda n: [0, 1, 2, 3][::n], lambda n: bytes(n),
    lambda n: hex(n), lambda n: bin(n), lambda n: oct(n), lambda n: chr(n + 64), lambda n: operator.index(n),
    lambda n: math.factorial(n), lambda n: math.comb(5, n), lambda n: math.gcd(n, 4), lambda n: math.lcm(n, 3),
    lambda n: math.perm(5, n), lambda n: math.isqrt(n), lambda n: n.bit_length(), lambda n: n.bit_count(),
    lambda n: ~n, lambda n: n.real, lambda n: n.imag, lambda n: n.conjugate(), lambda n: int(n),
    lambda n: round(2.71828, n),
    lambda n: "%d" % n, lambda n: f"{n:03d}", lambda n: str(n), lambda n: repr(n), lambda n: f"{n}",
    lambda n: list(itertools.islice(itertools.count(), n)), lambda n: list(itertools.repeat(1, n)),
    lambda n: [1, 2, 3].pop(n), lambda n: {1: "one", 2: "two"}.keys() & {n}, lambda n: n in (1, 2, 3),
    lambda n: [1, 2, 3].index(n), lambda n: [1, 2, 2].count(n), lambda n: sorted([3, n, 1]), lambda n: max([3, n, 1]),
    lambda n: hash(n), lambda n: n == 2, lambda n: isinstance(n, int), lambda n: type(n) is int, lambda n: n // 2,
    lambda n: divmod(7, n), lambda n: 2**n, lambda n: n**n, lambda n: 7 % n, lambda n: n and 5, lambda n: not n,
    lambda n: math.ldexp(1.0, n), lambda n: "x".ljust(n, "-"), lambda n: (5).to_bytes(n, "big"), lambda n: sum([n, n]),
    lambda n: math.prod([n, n]), lambda n: math.floor(n), lambda n: math.trunc(n), lambda n: math.ceil(n),
    lambda n: abs(-n), lambda n: (n > 1) + 1, lambda n: float(n), lambda n: bool(n), lambda n: complex,
    lambda n: n.__class__, lambda n: isinstance(n, (int, str)), lambda n: issubclass(type(n), int),
])  # fmt: skip
def test_whole_numbers(f):
    agree(f, 2)


@pytest.mark.parametrize("x", [2.75, -0.5, 3.0, 1e-7, -0.0])
@pytest.mark.parametrize("f", [
    lambda x: round(x), lambda x: round(x, 1), lambda x: int(x), lambda x: math.floor(x), lambda x: math.ceil(x),
    lambda x: math.trunc(x), lambda x: x.is_integer(), lambda x: f"{x:.2f} {x!r} {x}", lambda x: str(x),
    lambda x: f"{x:+010.3e}", lambda x: "%.3f" % x, lambda x: "%s" % x, lambda x: "%5.1f|%d" % (x, x),
    lambda x: f"{x:.1f}", lambda x: repr([x]), lambda x: hash(x), lambda x: {x}, lambda x: (x, x) in {(x, x)},
    lambda x: sorted([x, 1.0, -x]), lambda x: max(x, 1.0), lambda x: min([x, 2, 3]), lambda x: sum([x, x], 1),
    lambda x: copy.copy(x), lambda x: copy.deepcopy([x, {"a": x}]), lambda x: x.real, lambda x: x.imag,
    lambda x: x.conjugate(), lambda x: isinstance(x, float), lambda x: isinstance(x, int), lambda x: type(x) is float,
    lambda x: type(x) == float, lambda x: type(x).__name__, lambda x: x.__class__, lambda x: float(x),  # noqa: E721
    lambda x: bool(x),
    lambda x: abs(x), lambda x: divmod(x, 2), lambda x: x or 1.0, lambda x: x and 1.0, lambda x: not x,
    lambda x: x == x,
    lambda x: x in [1.0, 2.75], lambda x: [1.0, 2.75, x].index(x), lambda x: [x].count(x), lambda x: 0 < x < 3,
    lambda x: math.isnan(x), lambda x: math.isfinite(x), lambda x: math.isinf(x), lambda x: math.isclose(x, 3.0),
    lambda x: math.modf(x), lambda x: math.frexp(x), lambda x: math.ldexp(x, 3), lambda x: math.fsum([x, 1, x]),
    lambda x: math.hypot(x, 1, x), lambda x: math.dist([x, 1], [2, x]), lambda x: math.prod([x, 2], start=x),
    lambda x: math.copysign(x, -1), lambda x: math.copysign(3.0, x), lambda x: math.nextafter(x, 9),
    lambda x: math.ulp(x),
    lambda x: math.remainder(x, 2), lambda x: math.fmod(x, 2), lambda x: math.pow(3, x), lambda x: math.atan2(x, 1),
    lambda x: x if x > 0 else -x, lambda x: (lambda *a: a)(*[x, x]), lambda x: next(iter([x])), lambda x: x.__round__(),
    lambda x: x.__add__(1.0), lambda x: float.__name__, lambda x: [*map(abs, [x])], lambda x: "abc"[int(abs(x)) % 3],
    lambda x: print(x, end=""), lambda x: x.numerator if isinstance(x, int) else x, lambda x: [x] * 3, lambda x: x != 2,
    lambda x: any([x, 0]), lambda x: all([x, 1]), lambda x: list(filter(None, [x, 0.0])), lambda x: list(zip([x], [x])),  # noqa: B905
    lambda x: random.Random(1).random() * x,
])  # fmt: skip
def test_floats(f, x):
    agree(f, x)


class Celsius(float):
    pass


def test_subclasses_of_numbers_are_inputs_and_constants():
    class Count(int):
        pass

    t = tg.trace(lambda x, n: x * n, Celsius(2.5), Count(3))
    assert t.value == 7.5
    assert t.gradients == {"x": 3.0, "n": 2.5}
    assert tg.trace(lambda x: x * Celsius(2.0), 3.0).gradients == {"x": 2.0}


def test_matching_of_patterns():
    def f(x, n):
        match x:
            case int():
                kind = "int"
            case float() if x > 1:
                kind = "big"
            case float(y):
                kind = y
        match n:
            case 1 | 2:
                return kind, "few"
            case _:
                return kind, "many"

    for x, n in itertools.product((2.5, 0.5, 3), (1, 3)):
        agree(f, x, n)


# ---- the doors out of a trace ---------------------------------------------------------------------------

CALLS = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda v: v)
unreachable = itertools.repeat(math.exp)  # hands out math.exp, and no search can see it

REFUSED = {
    "struct": lambda x: struct.pack("d", x),
    "array": lambda x: array.array("d", [x]),
    "array append": lambda x: array.array("d").append(x),
    "Decimal": lambda x: decimal.Decimal(x),
    "Decimal.from_float": lambda x: decimal.Decimal.from_float(x),
    "Fraction": lambda x: Fraction(x),
    "Fraction.from_float": lambda x: fractions.Fraction.from_float(x),
    "Decimal of text": lambda x: decimal.Decimal(str(x)) * 2,
    "Decimal with a context": lambda x: decimal.Decimal(value=x),
    "Fraction of text": lambda x: Fraction(f"{x}") * 2,
    "Fraction through its module": lambda x: fractions.Fraction(repr(x)),
    "text with spaces": lambda x: float(f" {x} "),
    "bytes": lambda x: float(str(x).encode()),
    "text with a sign": lambda x: float("-" + str(x)),
    "float by its maker": lambda x: float.__new__(float, str(x)),
    "complex of text": lambda x: complex(str(x)),
    "complex of text with two parts": lambda x: complex(f"1+{x}j"),
    "fromhex of text": lambda x: float.fromhex(str(x)),
    "decimal context": lambda x: decimal.Context(prec=40).create_decimal(str(x)),
    "decimal context, from where it is": lambda x: decimal.getcontext().create_decimal(f"{x}"),
    "decimal context by a variable": lambda x: (t := str(x)) and decimal.getcontext().create_decimal(t),
    "marshal": lambda x: marshal.dumps(x),
    "marshal in a list": lambda x: marshal.dumps([1, {"a": x}]),
    "json of a key": lambda x: json.dumps({x: 1}),
    "json of a key passed by": lambda x: json.dumps([{x: 1}], skipkeys=True),
    "eval": lambda x: eval(f"{x} * 2"),
    "eval of a list": lambda x: eval(repr([x, 1]))[0],
    "literal_eval": lambda x: ast.literal_eval(f"[{x}, 1]"),
    "json back": lambda x: json.loads(f'{{"x": {x}}}'),
    "json by a default": lambda x: json.dumps(x, default=lambda value: 7.0),
    "sleep": lambda x: time.sleep(x / 1e9),
    "json": lambda x: json.dumps(x),
    "json in a list": lambda x: json.dumps({"a": [x]}),
    "json with indent": lambda x: json.dumps([x], indent=1),
    "pickle": lambda x: pickle.dumps(x),
    "pickle in a list": lambda x: pickle.dumps([x]),
    "as_integer_ratio": lambda x: x.as_integer_ratio(),
    "hex": lambda x: x.hex(),
    "float method": lambda x: float.__add__(x, 1.0),
    "float method, second": lambda x: float.__mul__(2.0, x),
    "float hex": lambda x: float.hex(x),
    "ctypes": lambda x: CALLS(x),
    "ctypes value": lambda x: ctypes.c_double(x),
    "unreachable C function": lambda x: next(unreachable)(x),
    "map of an unreachable function": lambda x: list(map(next(unreachable), [x])),
    "dunder float": lambda x: x.__float__(),
    "timedelta": lambda x: x * datetime.timedelta(hours=1),
    "timedelta in front": lambda x: datetime.timedelta(hours=1) / x,
    "timedelta in the ratio": lambda x: datetime.timedelta(hours=1) * x,
    "operator.methodcaller": lambda x: operator.methodcaller("__float__")(x),
    "statistics": lambda x: __import__("statistics").median([x, Fraction(1, 2)]).limit_denominator(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """The error names the file, the line and the expression, and is raised by ``grad`` and ``trace`` alike."""
    f = REFUSED[name]
    for run in (tg.trace, lambda f, x: tg.grad(f)(x)):
        with pytest.raises(tg.TraceError) as caught:
            run(f, 0.5)
        text = str(caught.value)
        assert f"test_tracer.py:{f.__code__.co_firstlineno} in <lambda>" in text, text
        assert "`" in text


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_a_trace_inside_of_another(name):
    f = REFUSED[name]
    with pytest.raises(tg.TraceError):
        tg.grad(tg.grad(f))(0.5)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_though_the_user_catches_the_error(name):
    f = REFUSED[name]

    def careless(x):
        try:
            f(x)
        except Exception:
            return 2.0 * x
        return 3.0 * x

    with pytest.raises(tg.TraceError) as caught:
        tg.trace(careless, 0.5)
    assert f"test_tracer.py:{f.__code__.co_firstlineno}" in str(caught.value)


def test_message_of_an_escape():
    def f(x):
        hidden = next(unreachable)
        return x + hidden(2 * x)

    line = f.__code__.co_firstlineno + 2
    with pytest.raises(tg.EscapeError) as caught:
        tg.trace(f, 0.5)
    assert str(caught.value) == (
        f"a traced value would be turned into a plain float and lose its gradient, at {relative_name()}:{line} in "
        "test_message_of_an_escape.<locals>.f: `hidden(2 * x)`.  If a function is called there, tracegrad did not "
        "find it from the traced function: call it through tracegrad.math (or the math module), or wrap the argument "
        "in tg.detach(...) if its gradient is not wanted"
    )


def relative_name():
    from tracegrad.source import relative

    return relative(__file__)


GUARDED = {
    "bool": lambda x: 1 if x else 0,
    "comparison": lambda x: 1 if x > 0 else 0,
    "equality": lambda x: x == 2.5,
    "chained comparison": lambda x: 0 < x < 3,
    "int": lambda x: int(x),
    "round": lambda x: round(x),
    "floor": lambda x: math.floor(x),
    "ceil": lambda x: math.ceil(x),
    "trunc": lambda x: math.trunc(x),
    "isclose": lambda x: math.isclose(x, 2.5),
    "isnan": lambda x: math.isnan(x),
    "is_integer": lambda x: x.is_integer(),
    "format": lambda x: f"{x:.1f}",
    "str": lambda x: str(x),
    "repr": lambda x: repr(x),
    "percent": lambda x: "%.1f" % x,
    "hash": lambda x: hash(x),
    "set": lambda x: len({x, 2.5}),
    "in": lambda x: x in [1.0, 2.5],
    "sorted": lambda x: sorted([x, 1.0]).index(1.0),
    "frexp": lambda x: math.frexp(x)[1],
    "any": lambda x: any([x]),
    "max with key": lambda x: max([1, 2], key=lambda v: v * x),
    "while": lambda x: [0 for _ in iter(lambda: x > 0, True)],
}


@pytest.mark.parametrize("name", GUARDED)
def test_guarded(name):
    f = GUARDED[name]
    t = tg.trace(lambda x: (f(x), x), 2.5)
    assert t.value[0] == f(2.5)
    assert t.backward({"[1]": 1.0}).guards
    for guard in t.guards:
        assert guard.site is not None
        assert guard.site.line == f.__code__.co_firstlineno


TRACED = {
    "float": (lambda x: float(x) * 2, 2.0),
    "rounded text": (lambda x: float(f"{x:.3f}") + x, 1.0),
    "padded text": (lambda x: float(f"{x:>12}") * 2, 2.0),
    "abs": (lambda x: abs(x), 1.0),
    "round to digits": (lambda x: round(x, 2), 0.0),
    "sum": (lambda x: sum([x, x, 1]), 2.0),
    "prod": (lambda x: math.prod([x, x]), 5.0),
    "reduce": (lambda x: __import__("functools").reduce(operator.mul, [x, x]), 5.0),
    "modulo": (lambda x: x % 2, 1.0),
    "floor division": (lambda x: x // 2 + x, 1.0),
    "copy": (lambda x: copy.copy(x) * copy.deepcopy([x])[0], 5.0),
    "accumulate": (lambda x: list(itertools.accumulate([x, x, x]))[-1], 3.0),
    "sorted": (lambda x: sorted([3 * x, x])[1], 3.0),
    "max": (lambda x: max(x, 3 * x), 3.0),
    "max with key": (lambda x: max([x, 3 * x], key=lambda v: -v), 1.0),
    "max with default": (lambda x: max([x], default=0), 1.0),
    "random": (lambda x: random.Random(1).uniform(0, 1) * 0 + x, 1.0),
    "conditional": (lambda x: x if x > 0 else -x, 1.0),
    "dict": (lambda x: {"a": x}["a"], 1.0),
    "exception": (lambda x: _through_exception(x), 1.0),
    "generator": (lambda x: sum(v for v in (x, x)), 2.0),
    "nonlocal": (lambda x: _through_closure(x), 2.0),
    "attribute": (lambda x: _through_attribute(x), 3.0),
    "string keys": (lambda x: float(f"{2:d}") * x, 2.0),
}


def _through_exception(x):
    try:
        raise ValueError(x)
    except ValueError as error:
        return error.args[0]


def _through_closure(x):
    total = 0

    def add():
        nonlocal total
        total += x

    add()
    add()
    return total


class Holder:
    pass


def _through_attribute(x):
    holder = Holder()
    holder.value = x
    holder.value *= 3
    return holder.value


@pytest.mark.parametrize("name", TRACED)
def test_traced(name):
    f, gradient = TRACED[name]
    t = tg.trace(f, 2.5)
    assert repr(t.value) == repr(f(2.5))
    assert t.gradients == {"x": gradient}


def test_detach_is_the_way_out():
    t = tg.trace(lambda x: x * json.loads(json.dumps(tg.detach(x))), 2.5)
    assert t.gradients == {"x": 2.5}
    assert tg.detach(4.0) == 4.0
    assert tg.trace(lambda x: x * tg.detach({"a": [x]})["a"][0], 2.5).gradients == {"x": 2.5}


# ---- the user's own errors --------------------------------------------------------------------------------

FAILING = {
    "domain": lambda x: math.log(-x),
    "sqrt": lambda x: math.sqrt(-x),
    "range": lambda x: math.exp(x * 1e4),
    "division": lambda x: 1 / (x - x),
    "power": lambda x: (x - x) ** -1,
    "overflow": lambda x: (x * 1e307) ** 2,
    "floor division": lambda x: x // 0,
    "modulo": lambda x: x % 0.0,
    "key": lambda x: {}["a"],
    "index": lambda x: [1][int(x)],
    "attribute": lambda x: x.nothing,
    "call": lambda x: x(),
    "iteration": lambda x: list(x),
    "length": lambda x: len(x),
    "subscript": lambda x: x[0],
    "item assignment": lambda x: operator.setitem(x, 0, 1),
    "attribute assignment": lambda x: setattr(x, "nothing", 1),
    "text": lambda x: x + "a",
    "text reflected": lambda x: "a" + x,
    "order": lambda x: x < "a",
    "index of a float": lambda x: [1, 2, 3][x],
    "range of a float": lambda x: range(x),
    "unpacking": lambda x: (lambda a, b: a)(*x),
    "matrix product": lambda x: x @ x,
    "assertion": lambda x: operator.truth(x) and (_ for _ in ()).throw(AssertionError("no")),
    "join": lambda x: ",".join([x]),
    "int of nan": lambda x: int(x * math.nan),
    "floor of inf": lambda x: math.floor(x * math.inf),
    "negative shift": lambda x: 1 << int(-x),
    "factorial": lambda x: math.factorial(x),
    "bits": lambda x: x & 1,
    "negation": lambda x: ~x,
    "raised": lambda x: _raise(x),
    "in": lambda x: 1 in x,
    "await": lambda x: _send(x),
    "with": lambda x: _enter(x),
    "async with": lambda x: _enter_later(x),
    "async for": lambda x: _iterate_later(x),
}


def _raise(x):
    raise ValueError(f"bad value {x:.3f}", x)


def _send(x):
    async def wait():
        await x

    wait().send(None)


def _enter(x):
    with x:
        pass


def _enter_later(x):
    async def enter():
        async with x:
            pass

    enter().send(None)


def _iterate_later(x):
    async def iterate():
        async for _ in x:
            pass

    iterate().send(None)


@pytest.mark.parametrize("name", FAILING)
def test_errors_of_the_user_s_code_are_those_of_the_plain_call(name):
    f = FAILING[name]
    expected = outcome(f, 2.5)
    assert issubclass(expected[0], Exception)
    if name in WORDED_BY_INDEX:
        assert outcome(tg.trace, f, 2.5) == (TypeError, "'float' object cannot be interpreted as an integer")
        return
    assert outcome(tg.trace, f, 2.5) == expected
    assert outcome(tg.grad(f), 2.5) == expected


#: a tracer may be a whole number, so Python asks it, and words the refusal differently
WORDED_BY_INDEX = {"index of a float"}


def test_errors_inside_of_traces_within_traces():
    for name in ("domain", "division", "index", "text"):
        expected = outcome(FAILING[name], 2.5)
        assert outcome(tg.grad(tg.grad(FAILING[name])), 2.5) == expected


def test_what_an_error_carries_out_is_plain():
    with pytest.raises(ValueError, match="bad value") as caught:
        tg.trace(_raise, 2.5)
    text, number = caught.value.args
    assert (text, type(number), number) == ("bad value 2.500", float, 2.5)


# ---- tracers after their trace, and of other traces --------------------------------------------------------


def leaked():
    kept = []
    tg.trace(lambda x: kept.append(x * 2) or x, 3.0)
    return kept[0]


USES = {
    "add": lambda x: x + 1,
    "reflected": lambda x: 1.0 - x,
    "negative": lambda x: -x,
    "function": lambda x: tg.math.exp(x),
    "comparison": lambda x: x > 0,
    "bool": lambda x: bool(x),
    "int": lambda x: int(x),
    "power": lambda x: x**2,
    "float": lambda x: float(x),
    "math": lambda x: math.exp(x),
    "format": lambda x: f"{x:.2f}",
    "str": lambda x: str(x),
    "sum": lambda x: sum([x, x]),
    "hash": lambda x: hash(x),
    "round": lambda x: round(x),
}


@pytest.mark.parametrize("name", USES)
def test_leaked_tracer(name):
    x = leaked()
    f = USES[name]
    with pytest.raises(tg.LeakError) as caught:
        f(x)
    text = str(caught.value)
    assert "a value traced in leaked.<locals>.<lambda> is used after its trace ended" in text
    assert f"test_tracer.py:{f.__code__.co_firstlineno} in <lambda>" in text
    assert "tg.detach(value)" in text


@pytest.mark.parametrize("name", USES)
def test_leaked_tracer_inside_of_another_trace(name):
    x = leaked()
    with pytest.raises(tg.LeakError, match="after its trace ended"):
        tg.trace(lambda y: y + USES[name](x) * 1, 1.0)


def test_leaked_tracer_meets_another():
    x = leaked()
    with pytest.raises(tg.LeakError):
        tg.trace(lambda y: y * x, 1.0)
    with pytest.raises(tg.LeakError):
        tg.trace(lambda y: x * y, 1.0)
    with pytest.raises(tg.LeakError):
        tg.trace(lambda y: tg.math.atan2(y, x), 1.0)


def test_repr_of_a_leaked_tracer_tells_its_value():
    assert repr(leaked()) == "<value 6.0 of an ended trace>"


def test_leaked_tracer_as_result_or_input_of_another_trace():
    x = leaked()
    with pytest.raises(tg.TracegradError):
        tg.trace(lambda y: x, 1.0).gradients  # noqa: B018
    with pytest.raises(tg.TracegradError):
        tg.trace(lambda y: y * y, x).gradients  # noqa: B018


def test_tracer_kept_in_a_global_cache():
    cache = {}

    def f(x):
        if "y" not in cache:
            cache["y"] = x * x
        return cache["y"] * x

    assert tg.trace(f, 2.0).gradients == {"x": 12.0}
    with pytest.raises(tg.LeakError, match=r"a value traced in .*f is used after"):
        tg.trace(f, 2.0)


def test_generator_kept_from_an_ended_trace():
    kept = []

    def values(x):
        while True:
            yield x * x

    def f(x):
        kept.append(values(x))
        return next(kept[0])

    assert tg.trace(f, 3.0).gradients == {"x": 6.0}
    with pytest.raises(tg.LeakError):
        next(kept[0])


def test_tracers_of_unrelated_traces():
    def outer(x):
        inner_value = []

        def first(y):
            inner_value.append(y * x)
            return y

        tg.trace(first, 1.0)
        with pytest.raises(tg.LeakError):
            tg.trace(lambda z: z * inner_value[0], 2.0)
        return x

    assert tg.trace(outer, 1.0).gradients == {"x": 1.0}


def test_two_open_traces_in_two_threads():
    import threading

    ready, done = threading.Event(), threading.Event()
    shared = {}

    def slow(x):
        shared["x"] = x
        ready.set()
        assert done.wait(10)
        return x

    thread = threading.Thread(target=tg.trace, args=(slow, 1.0))
    thread.start()
    assert ready.wait(10)
    try:
        with pytest.raises(
            tg.LeakError, match=r"two unrelated traces meet.*`y \* shared\[.x.\]`.*Trace one function"
        ):
            tg.trace(lambda y: y * shared["x"], 2.0)
    finally:
        done.set()
        thread.join()


# ---- levels -----------------------------------------------------------------------------------------------


def test_operations_on_values_of_two_levels():
    def f(x):
        inner = tg.grad(lambda y: x * y * y + math.sin(x))  # 2 x y
        return inner(3.0) * x  # 6 x^2

    assert tg.trace(f, 2.0).value == 24.0
    assert tg.trace(f, 2.0).gradients == {"x": 24.0}


def test_perturbations_are_not_confused():
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert tg.grad(lambda x: x * tg.grad(lambda y: x)(1.0))(1.0) == 0.0
    assert tg.grad(lambda x: tg.grad(lambda y: tg.grad(lambda z: x * y * z * z)(x))(x))(2.0) == pytest.approx(
        8.0
    )


def test_branches_inside_of_levels_are_guards_of_each():
    def f(x):
        return tg.grad(lambda y: y * y * x if y > x else y)(x + 1)

    assert tg.trace(f, 2.0).value == 12.0
    assert tg.trace(f, 2.0).gradients == {"x": 2 * (2.0 + 1) + 2 * 2.0}


def test_arguments_are_never_changed():
    w = [1.0, {"a": [2, 3.0]}, (4.0,)]
    before = copy.deepcopy(w)

    def f(w):
        w[0] = w[0] * 2
        w[1]["a"].append(w[0])
        return w[0] * w[1]["a"][0]

    t = tg.trace(f, w)
    assert w == before
    assert t.gradients == {"w": [4.0, {"a": [2.0, 0.0]}, (0.0,)]}


# ---- attributes ---------------------------------------------------------------------------------------


def test_no_tracer_slows_the_lookup_of_its_slots():
    """With a ``__getattr__`` CPython looks up all attributes the slow way: a sweep takes twice as long."""
    import tracegrad.arrays.tracer
    import tracegrad.tracer as tracers

    classes = (tracers.ScalarTracer, tracers.NestedTracer, tracegrad.arrays.tracer.ArrayTracer)
    found = {(base, name) for one in classes for base in one.__mro__[:-1] for name in vars(base)}
    assert not [pair for pair in found if pair[1] in ("__getattr__", "__getattribute__", "__setattr__")]


class Money(float):
    """A number with attributes of its own."""

    currency = "EUR"

    def __init__(self, value):
        self.note = "bill"


@pytest.mark.parametrize("name", ["currency", "note"])
def test_attributes_of_the_users_own_numbers_do_not_vanish(name):
    with pytest.raises(tg.EscapeError, match=f"asked for its attribute '{name}'"):
        tg.trace(lambda x: getattr(x, name), Money(3.0))
    assert getattr(tg.trace(lambda x: x * 2.0, 3.0).value, name, None) is None


@pytest.mark.parametrize("value", [3.0, 3])
@pytest.mark.parametrize("name", ["nothing", "shape", "currency"])
def test_attributes_that_a_number_lacks(name, value):
    assert traced_outcome(lambda x: getattr(x, name), value) == outcome(lambda x: getattr(x, name), value)
    assert tg.trace(lambda x: hasattr(x, name), value).value is False


def test_a_number_has_the_attributes_of_the_plain_one():
    """Units and wrappers are told from numbers by what they have: a tracer has more, and says so to nobody."""

    def magnitude(q):
        return q.value if hasattr(q, "value") else q

    def f(x):
        assert not any(
            hasattr(x, name) for name in ("tape", "adjoint", "a", "b", "row", "pull", "lasti", "__len__")
        )
        assert hasattr(x, "is_integer") is isinstance(x, float) or sys.version_info >= (3, 12)
        assert hasattr(x, "__index__") is hasattr(x, "numerator") is isinstance(x, int)
        with pytest.raises(AttributeError, match="object has no attribute 'value'"):
            getattr(x, "value")  # noqa: B009
        return magnitude(x) * getattr(x, "value", x) * getattr(x, "real") * getattr(x, "b", 1.0)  # noqa: B009

    assert tg.trace(f, 2.5).gradients == {"x": 3 * 2.5**2}
    assert tg.trace(f, 2).gradients == {"x": 12.0}
    assert tg.grad(tg.grad(f))(2.0) == 12.0


def test_the_largest_is_one_of_the_operands():
    def f(x, y):
        best = max(x, y)
        return best * 2 if best is x else best * 3

    assert tg.trace(f, 2.0, 1.0).gradients == {"x": 2.0, "y": 0.0}
    assert tg.trace(f, 1.0, 2.0).gradients == {"x": 0.0, "y": 3.0}
    assert [guard.operation for guard in tg.trace(f, 1.0, 2.0).guards] == ["gt"]
    assert "max" in [node.primitive for node in tg.trace(lambda x: max(x, 1.0), 2.0).nodes]
