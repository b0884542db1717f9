"""A corpus of small plain functions with varied statements, as data: each with the arguments of a call.

Written as people write them, so that names and statements can be judged; :data:`CORPUS` is all of them.
"""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass
from functools import partial, reduce
from math import cos, exp, sqrt
from math import log as ln
from typing import Any, NamedTuple


class Entry(NamedTuple):
    function: Any
    args: tuple[Any, ...]

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", "call")


CORPUS: list[Entry] = []


def entry(*args: Any) -> Any:
    """Enter a function with the arguments of its call."""

    def enter(function: Any) -> Any:
        CORPUS.append(Entry(function, args))
        return function

    return enter


Point = namedtuple("Point", "x y")


@dataclass
class Rates:
    growth: float
    decay: float


# ---- expressions ------------------------------------------------------------------------------------


@entry(3.0)
def identity(x):
    return x


@entry(3.0, 2.0)
def unused_argument(x, y):
    return x * 2.0


@entry(3)
def whole_number(x):
    return x * x * 3 - x


@entry(2.0, 5.0)
def operators(a, b):
    return a + b - a * b / (a - b)


@entry(7.5, 2.0)
def rests(a, b):
    return a % b + a // b


@entry(2.0, 3.0)
def nested_signs(a, b):
    return -(-a * -b) - -(a - -b)


@entry(1.5)
def powers(x):
    return x**3 + x**0.5 + x**-2 + x**1 + x**0


@entry(1.5, 2.5)
def power_of_two_values(x, y):
    return x**y


@entry(0.0, 2.0)
def power_at_zero(x, y):
    return x**y


@entry(2.5)
def power_of_constant(y):
    return 2.0**y


@entry(-2.5)
def distance_from_zero(x):
    return abs(x)


@entry(0.0)
def kink_of_abs(x):
    return abs(x) + math.fabs(x)


@entry(2.0)
def rounded(x):
    y = round(x / 3, 2)
    return y * x


@entry(1.0)
def constant_result(x):
    return 2.0


@entry(1.0)
def constant_infinity(x):
    return x + math.inf


@entry(0.3)
def many_terms(x):
    return x + 2 * x + 3 * x + 4 * x + 5 * x + 6 * x + 7 * x + 8 * x + 9 * x + 10 * x + 11 * x + 12 * x


@entry(0.3, 0.4)
def long_names(the_first_quantity_of_interest, the_second_quantity_of_interest):
    the_difference_of_the_two = the_first_quantity_of_interest - the_second_quantity_of_interest
    the_sum_of_the_two = the_first_quantity_of_interest + the_second_quantity_of_interest
    return math.exp(the_difference_of_the_two * the_sum_of_the_two / (1 + the_sum_of_the_two**2))


# ---- functions of math ------------------------------------------------------------------------------


@entry(0.3, 0.7)
def trigonometry(x, y):
    return math.sin(x) * math.cos(y) + math.tan(x) - math.atan2(y, x)


@entry(0.3)
def inverse_trigonometry(x):
    return math.asin(x) + math.acos(x) + math.atan(x)


@entry(1.3)
def hyperbolic(x):
    return math.sinh(x) + math.cosh(x) + math.tanh(x) + math.asinh(x) + math.acosh(x) + math.atanh(x / 2)


@entry(1.3)
def logarithms(x):
    return ln(x) + math.log2(x) + math.log10(x) + math.log1p(x) + math.log(x, 3.0)


@entry(1.3)
def exponentials(x):
    return exp(x) + math.exp2(x) + math.expm1(x) + math.pow(x, 2.5)


@entry(1.3)
def roots(x):
    return sqrt(x) + math.cbrt(x)


@entry(0.0)
def root_at_zero(x):
    return math.sqrt(x)


@entry(3.0, 4.0)
def lengths(x, y):
    return math.hypot(x, y) + math.dist([x, y], [1.0, 2.0])


@entry(0.0, 0.0)
def length_at_origin(x, y):
    return math.hypot(x, y)


@entry(0.8)
def error_functions(x):
    return math.erf(x) * math.erfc(x)


@entry(2.3)
def gamma_functions(x):
    return math.gamma(x) + math.lgamma(x)


@entry(2.3, -1.5)
def signs(x, y):
    return math.copysign(x, y) + math.fmod(x, y) + math.remainder(x, y)


@entry(2.3)
def pieces(x):
    fraction, whole = math.modf(x)
    mantissa, exponent = math.frexp(x)
    return fraction + whole * mantissa + math.ldexp(x, exponent)


@entry(90.0)
def angles(degrees):
    return math.sin(math.radians(degrees)) + math.degrees(degrees)


# ---- gates ------------------------------------------------------------------------------------------


@entry(1.0, 2.0, 3.0)
def largest(x, y, z):
    return max(x, y, z) - min(x, y, z)


@entry(2.0, 2.0)
def tie(x, y):
    return max(x, y) + 2 * min(x, y)


@entry(-0.5)
def relu(x):
    return max(0.0, x)


@entry([1.0, 2.0, 4.0])
def total(values):
    return sum(values) / len(values)


@entry([1.0, 2.0, 4.0])
def accurate_total(values):
    return math.fsum(values) * sum(values, 1.0)


@entry([1.0, 0.0, 4.0])
def product_with_zero(values):
    return math.prod(values)


@entry([1.0, 2.0], [3.0, 4.0])
def dot_product(u, v):
    return sum(a * b for a, b in zip(u, v))


@entry([3.0, 1.0, 2.0])
def middle(values):
    return sorted(values)[1]


# ---- statements -------------------------------------------------------------------------------------


@entry(2.0, 3.0)
def several_stages(x, y):
    s = x + y
    p = x * y
    q = s / p
    r = q * s - p
    return r


@entry(2.0)
def bound_again(x):
    y = x * x
    y = y + x
    y = y * y
    return y


@entry(2.0)
def augmented(x):
    y = x * 1.5
    y += x
    y *= x
    y -= 2.0
    y /= 3.0
    y **= 2
    return y


@entry(2.0, 3.0)
def unpacked(x, y):
    a, b = x + y, x - y
    (c, d), e = (a * b, a + b), a
    return c * d * e


@entry(2.0, 3.0)
def swapped(x, y):
    x, y = y * 2.0, x * 3.0
    return x - y


@entry(2.0)
def walrus(x):
    return (y := x * x) + y * (z := y + 1.0) + z


@entry(2.0)
def chained(x):
    a = b = x * x
    return a * b


@entry(2.0)
def several_on_a_line(x):
    a = x * 2.0; b = a * a; c = b - a  # fmt: skip
    return c


@entry(2.0, 3.0)
def over_several_lines(x, y):
    result = (
        x * x
        + 2.0 * x * y
        + y * y
    )  # fmt: skip
    return math.sqrt(
        result,
    )


@entry(2.0)
def annotated(x: float) -> float:
    y: float = x * x
    return y - 1.0


@entry(2.0)
def deleted(x):
    y = x * x
    z = y + x
    del y
    return z


@entry(2.0)
def left_out(x):
    unused = x * 100.0
    return x + 1.0


@entry(2.0)
def asserted(x):
    assert x > 0, "positive"
    return math.log(x)


@entry(2.0)
def attempted(x):
    try:
        y = math.acos(x)
    except ValueError:
        y = x / 2
    finally:
        z = x * 3.0
    return y * z


# ---- branches and loops -------------------------------------------------------------------------------


@entry(2.0, 1.0)
def branch(x, y):
    if x > y:
        z = x * x
    else:
        z = y - x
    return z * y


@entry(0.5)
def expression_branch(x):
    return x * x if 0 < x < 1 else -x


@entry(3.0, 4.0)
def many_branches(x, y):
    if x < 0:
        return -x
    elif x < y and y > 3:
        return x * y
    return y


@entry(2.0)
def matched(x):
    match x > 1, x > 5:
        case True, False:
            return x * 3.0
        case _:
            return x


@entry(1.0)
def loop(x):
    y = x
    for i in range(5):
        y = y * 0.9 + i * x
    return y


@entry(10.0)
def halving(x):
    while x > 1:
        x = x / 2
    return x


@entry(0.5, [1.0, 2.0, 3.0])
def horner(x, coefficients):
    result = 0.0
    for c in coefficients:
        result = result * x + c
    return result


@entry(0.3)
def nested_loops(x):
    total = 0.0
    for i in range(3):
        for j in range(i):
            total += x**i * math.cos(j * x)
    return total


@entry([1.0, 2.0, 3.0])
def comprehension(values):
    squares = [v * v for v in values]
    return sum(s / (i + 1) for i, s in enumerate(squares))


@entry([3.0, -1.0, 2.0])
def skipping(values):
    total = 0.0
    for v in values:
        if v < 0:
            continue
        total += math.sqrt(v)
        if total > 3:
            break
    return total


@entry(2.6)
def whole_steps(x):
    return x * int(x) + math.floor(x) * math.ceil(x) + round(x)


@entry(3)
def index(n):
    return [10.0, 20.0, 30.0, 40.0][n] * n


@entry(2.0)
def newton(a):
    guess = a
    for _ in range(20):
        if abs(guess * guess - a) < 1e-9:
            break
        guess = (guess + a / guess) / 2
    return guess


# ---- containers ---------------------------------------------------------------------------------------


@entry([2.0, -3.0, -3.0], [-1.0, -2.0])
def neuron(w, x):
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    return 1.0 / (1 + math.exp(-dot))


@entry({"width": 3.0, "heights": [1.0, 4.0]}, 2.0)
def area(shape, scale):
    return scale * shape["width"] * max(shape["heights"])


@entry(Point(1.0, 2.0))
def norm_of_point(point):
    return math.sqrt(point.x**2 + point.y**2)


@entry(Rates(0.3, 0.1), 2.0)
def balance(rates, years):
    return math.exp((rates.growth - rates.decay) * years)


@entry(2.0)
def pair(x):
    return x * x, x + 1.0


@entry(2.0, 3.0)
def dictionary(x, y):
    return {"sum": x + y, "parts": [x, y * y], "name": "text", "none": None, "one": 1.0}


@entry(2.0)
def point(x):
    return Point(x * x, x)


@entry(2.0)
def twice_the_same(x):
    y = x * x
    return y, y


@entry(2.0)
def items(x):
    d = {}
    d["k"] = x * x
    d["l"] = d["k"] + x
    return d["l"] * d["k"]


@entry(2.0)
def attributes(x):
    class Box:
        pass

    box = Box()
    box.v = x * x
    box.v = box.v + 1.0
    return box.v * x


@entry([[1.0, 2.0], [3.0, 4.0]])
def determinant(m):
    return m[0][0] * m[1][1] - m[0][1] * m[1][0]


@entry({"a": 1.0, "b b": 2.0, 3: 4.0})
def odd_keys(table):
    return table["a"] * table["b b"] + table[3]


# ---- calls --------------------------------------------------------------------------------------------


def sigmoid(x):
    return 1.0 / (1 + math.exp(-x))


def square(x):
    y = x * x
    return y


@entry(0.3, 0.7)
def helpers(x, y):
    return sigmoid(x) * square(sigmoid(y)) + square(x)


@entry(5.0)
def recursion(x):
    return x if x < 1 else x * recursion(x - 1.0)


@entry(2.0)
def closure(x):
    def scaled(y):
        return x * y

    return scaled(3.0) + scaled(x)


@entry(2.0)
def generator(x):
    def terms():
        term = 1.0
        for n in range(1, 5):
            yield term
            term = term * x / n

    return sum(terms())


@entry(2.0)
def folded(x):
    return reduce(lambda total, c: total * x + c, [1.0, 2.0, 3.0], 0.0)


@entry(2.0, 3.0)
def starred(*args):
    return args[0] * args[1]


@entry(2.0)
def applied(x):
    triple = partial(lambda a, b: a * b, 3.0)
    return triple(x) + list(map(math.sin, [x]))[0]


CORPUS.append(Entry(lambda x, y: x * math.exp(-y), (2.0, 0.5)))

# ---- names ----------------------------------------------------------------------------------------------


@entry(2.0, 3.0)
def gradient_names(x, dx):
    dy = x * dx
    ddx = dy + x
    d_x = ddx * dy
    return d_x


@entry(2.0, 3.0)
def names_of_builtins(max, id):
    sum = max * id
    abs = sum + id
    return abs * sum


@entry(2.0)
def names_of_modules(math):
    operator = math * math
    value = operator + 1.0
    return value * exp(value) * cos(operator)


@entry(2.0, 3.0)
def ambiguous(l, I):
    O = l * I
    return O * l


@entry(2.0)
def θ(µ):
    σ = µ * µ
    ﬁ = σ + µ
    return ﬁ * math.exp(σ)


@entry(2.0)
def own_name(x):
    own_name = x * x
    own_name_backward = own_name * x
    return own_name_backward + own_name


@entry(2.0)
def temporaries(x):
    y_sum = 3.0 * x
    y_exp = y_sum * x
    y = 1.0 / (1.0 + math.exp(x * y_sum)) + y_exp
    return y


@entry(2.0)
def underscores(_):
    __x = _ * _
    _max_partials = __x + 1.0
    return _max_partials * max(__x, 1.0)


@entry(2.0)
def placeholders(N_0):
    D_1 = N_0 * N_0
    N_2 = D_1 * N_0
    return N_2 * D_1


@entry(2.0)
def seeds(seed):
    seeds = seed * 2.0
    return seeds, seed * seeds


# ---- methods that Python calls ----------------------------------------------------------------------


class Plane:
    """A vector of the plane."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Plane(self.x + other.x, self.y + other.y)

    def __mul__(self, factor):
        return Plane(self.x * factor, self.y * factor)

    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y

    def __abs__(self):
        return sqrt(self @ self)


@entry(1.0, 2.0)
def special_methods(a, b):
    start = Plane(a, 1.0)
    way = Plane(b, 2.0)
    there = start + way * 3
    return abs(there)


class SoftNeuron:
    def __init__(self, weights):
        self.weights = weights

    def __call__(self, xs):
        act = sum(w * x for w, x in zip(self.weights, xs, strict=True))
        return math.tanh(act)


class SoftLayer:
    def __init__(self, *weights):
        self.neurons = [SoftNeuron(one) for one in weights]

    def __call__(self, xs):
        return [neuron(xs) for neuron in self.neurons]


@entry(0.5, -0.25)
def called_objects(a, b):
    hidden = SoftLayer([0.1, 0.2], [0.3, -0.4])
    out = SoftNeuron([2.0, 3.0])
    prediction = out(hidden([a, b]))
    error = prediction - 1.0
    return error * error
