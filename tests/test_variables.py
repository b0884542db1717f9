"""Every name of a value, those it got later too; what is not certain has none."""

# ruff: noqa: RET504, RUF015, E501  the variables are what the tests are about

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import math
import operator
import os
import subprocess
import sys
from pathlib import Path

import pytest
from counted import events

import tracegrad as tg

HERE = Path(__file__).parent


def named(f, *args):
    """Each value with its names: ``{"expression or input": [names]}``, for values that have any."""
    t = tg.trace(f, *args)
    ones = None if len(t._outputs) == 1 else {path: 1.0 for path, _ in t._outputs}
    return [
        (node.name, *node.aliases)
        for node in t.backward(ones).nodes
        if node.kind != "const" and (node.kind == "op" or node.aliases)
    ]


# ---- what a helper returns --------------------------------------------------------------------------


def square(v):
    s = v * v
    return s


def later(v):
    s = v * v
    t = s + 1.0
    return s if t > 0 else t


def both(v):
    return v * 2, v * 3


def returned_by_a_helper(x):
    y = square(x)
    return y + 1.0


def returned_later(x):
    y = later(x)
    return y + 1.0


def returned_and_bound_again(x):
    y = x * 3
    y = square(y)
    y = y + x
    return y


def two_returned(x):
    a, b = both(x)
    return a * b


def kept_as_a_pair(x):
    pair = both(x)
    return pair[0] * pair[1]


def returned_twice(x):
    y = square(square(x))
    return y


def same_name_inside(x):
    s = square(x)
    return s


# ---- values that are there already ------------------------------------------------------------------


def unpacked_inputs(w):
    w0, w1 = w
    return w0 * w1


def unpacked_for_a_helper(w):
    w0, w1 = w
    return product(w0, w1)


def product(a, b):
    return a * b


def alias(x):
    q = x * 2
    r = q
    return r + q


def alias_returned(x):
    q = x * 2
    r = q
    return r


def swapped(x):
    a, b = x * 2, x * 3
    a, b = b, a
    a, b = b, a
    return a - b


def exchanged(x, y):
    x, y = y * 2.0, x * 3.0
    x, y = product(y, 1.0), x * 3.0
    return x - y


def rebound_parameter(x):
    q = x * 2
    x = q
    return x + 1.0


def looped(xs, ys):
    total = 0.0
    for a, b in zip(xs, ys, strict=True):
        total += a * b
    return total


def looped_over_values(x):
    total = 0.0
    for v in [x, x * 2]:
        total += v
    return total


def enumerated(xs):
    total = 0.0
    for i, v in enumerate(xs):
        total += v * i
    return total


def in_a_with(x):
    with contextlib.nullcontext(x * 2) as y:
        return y + 1.0


def chained(x):
    a = b = x * 2
    return a + b


def walrus(x):
    y = (z := x * 2)
    return y + z


def generated(xs):
    total = 0.0
    for v in (x * 2 for x in xs):
        total += v
    return total


def in_a_comprehension(xs):
    return sum([v * 2 for v in xs])


def from_math(x):
    w = [x * 2]
    (q,) = w
    return math.atan2(q, 1.0)


def nearer(x):
    q, p = x * 2, x * 3
    r = q
    return max(r, 1.0) + math.hypot(p, r)


# ---- attributes and items ---------------------------------------------------------------------------


class Model:
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, x):
        self.last = x * self.rate
        return self.last + 1.0


def attributes(w):
    return Model(w)(2.0)


def items(x):
    d = {"k": x * 2}
    d["l"] = x * 3
    q = x * 4
    d["m"] = q
    return d["k"] * d["l"] + d["m"]


def deeper(x):
    d = {"k": [0.0, 0.0]}
    d["k"][1] = x * 2
    d["k"][1] += 1.0
    return d["k"][1]


def in_a_list(x):
    values = [x * 2, x * 3]
    return values[0] + values[1]


def spread_generator(x):
    y = product(*(w * 2 for w in (x, 3.0)))
    return y + 1.0


class Entered:
    def __init__(self, x):
        self.x = x

    def __enter__(self):
        return self.x * 2

    def __exit__(self, *error):
        pass


def entered(x):
    with Entered(x) as y:
        return y + 1.0


def taken_out(x):
    pair = x * 2, x * 3
    v = pair[0]
    return v + 1.0


def taken_out_of_an_error(x):
    try:
        raise ValueError(x * 2)
    except ValueError as error:
        v = error.args[0]
        return v + 1.0


NAMES = [
    (returned_by_a_helper, (2.0,), [("s", "y"), (None,)]),
    (returned_later, (2.0,), [("s", "y"), ("t",), (None,)]),
    (returned_and_bound_again, (2.0,), [("y",), ("s", "y#2"), ("y#3",)]),
    (two_returned, (2.0,), [("a",), ("b",), (None,)]),
    (kept_as_a_pair, (2.0,), [("pair[0]",), ("pair[1]",), (None,)]),
    (returned_twice, (2.0,), [("s",), ("s#2", "y")]),
    (same_name_inside, (2.0,), [("s",)]),
    (unpacked_inputs, ([2.0, 3.0],), [("w[0]", "w0"), ("w[1]", "w1"), (None,)]),
    (unpacked_for_a_helper, ([2.0, 3.0],), [("w[0]", "w0"), ("w[1]", "w1"), (None,)]),
    (alias, (2.0,), [("q", "r"), (None,)]),
    (alias_returned, (2.0,), [("q", "r")]),
    (swapped, (2.0,), [("a",), ("b",), (None,)]),
    (exchanged, (2.0, 3.0), [("x#2",), ("y#2",), ("x#3",), ("y#3",), (None,)]),
    (rebound_parameter, (2.0,), [("q", "x#2"), (None,)]),
    (
        looped,
        ([1.0, 2.0], [3.0, 4.0]),
        [("xs[0]", "a"), ("xs[1]", "a#2"), ("ys[0]", "b"), ("ys[1]", "b#2"), (None,), ("total",), (None,), ("total#2",)],
    ),
    (looped_over_values, (2.0,), [("x", "v"), (None, "v#2"), ("total",), ("total#2",)]),
    (enumerated, ([1.0, 2.0],), [("xs[0]", "v"), ("xs[1]", "v#2"), (None,), ("total",), (None,), ("total#2",)]),
    (in_a_with, (2.0,), [(None, "y"), (None,)]),
    (chained, (2.0,), [("a", "b"), (None,)]),
    (walrus, (2.0,), [("z", "y"), (None,)]),
    (generated, ([1.0, 2.0],), [("xs[0]", "x"), ("xs[1]", "x#2"), (None, "v"), ("total",), (None, "v#2"), ("total#2",)]),
    (in_a_comprehension, ([1.0, 2.0],), [("xs[0]", "v"), ("xs[1]", "v#2"), (None,), (None,), (None,)]),
    (from_math, (2.0,), [("w[0]", "q"), (None,)]),
    (nearer, (2.0,), [("q", "r"), ("p",), (None,), (None,), (None,)]),
    (attributes, (3.0,), [("w", "self.rate"), ("self.last",), (None,)]),
    (items, (2.0,), [("d['k']",), ("d['l']",), ("q", "d['m']"), (None,), (None,)]),
    (deeper, (2.0,), [("d['k'][1]",), ("d['k'][1]#2",)]),
    (spread_generator, (2.0,), [("x", "w"), (None,), ("y",), (None,)]),
    (entered, (2.0,), [("x", "self.x"), ("y",), (None,)]),
    (taken_out, (2.0,), [("pair[0]", "v"), ("pair[1]",), (None,)]),
    (taken_out_of_an_error, (2.0,), [(None, "v"), (None,)]),
    (in_a_list, (2.0,), [("values[0]",), ("values[1]",), (None,)]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "args", "expected"), NAMES, ids=lambda value: getattr(value, "__name__", ""))
def test_names(f, args, expected):
    assert named(f, *args) == expected


# ---- looking them up --------------------------------------------------------------------------------


def test_a_value_is_found_under_each_of_its_names():
    t = tg.trace(returned_and_bound_again, 2.0)
    assert (t["y", 0].value, t["y", 1].value, t["y", 2].value, t["y"].value) == (6.0, 36.0, 38.0, 38.0)
    assert t["s"] is t["y", 1]
    assert t["y#2"] is t["y", 1]
    t = tg.trace(unpacked_inputs, [2.0, 3.0])
    assert (t["w0"].grad, t["w1"].grad) == (3.0, 2.0)
    assert t["w0"] is t["w[0]"]


def swapped_once(x):
    a, b = x * 2, x * 3
    c = a + b
    a, b = b, a
    return c + a - b


def test_the_last_value_is_the_one_the_variable_holds():
    t = tg.trace(swapped_once, 1.0)
    assert (t["a", 0].value, t["a"].value, t["b", 0].value, t["b"].value) == (2.0, 3.0, 3.0, 2.0)


def many_turns(ws):
    total = 0.0
    for _ in range(50):
        for w in ws:
            total += w
    return total


def test_a_value_has_one_alias_for_each_variable():
    t = tg.trace(many_turns, [1.0, 2.0])
    assert [node.aliases for node in t.nodes[:2]] == [("w#99",), ("w#100",)]
    assert t["w"].value == 2.0


def test_an_unknown_name_is_told_what_is_near():
    t = tg.trace(swapped_once, 1.0)
    with pytest.raises(KeyError, match="no variable 'cc' in this trace; did you mean 'c'"):
        t["cc"]
    with pytest.raises(KeyError, match="there are: x, a, b, c"):
        t["rate"]
    with pytest.raises(KeyError, match=r"no value number 7 of 'a' \(there are 2\)"):
        t["a", 7]


# ---- nothing is guessed -----------------------------------------------------------------------------


def list_of_a_map(xs):
    m = map(math.exp, xs)
    return list(m)[0]


def sum_of_one(xs):
    ys = xs
    return sum(ys)


def largest_of_one(xs):
    ys = xs
    return max(ys)


def reduced(xs):
    ys = [xs[0], 2.0]
    return functools.reduce(math.atan2, ys)


def called_by_keyword(x):
    q = x * 2
    r = q
    return product(b=3.0, a=r)


def either(x):
    y = x * 2
    z = x * 3
    return (y if x > 0 else z) * x


def chosen(x):
    y = x * 2
    z = x * 3
    best = y if x > 0 else z
    return best * x


def other_function(x):
    product = operator.sub
    a, b = x * 2, x * 3
    return product(a, b)


def listed(xs):
    m = list(map(math.sin, xs))
    return m[0]


def spread_in_a_list(xs):
    m = [*map(math.sin, xs)]
    return m[0]


def spread_in_a_tuple(xs):
    m = (*map(math.sin, xs), 1.0)
    return m[0]


def spread_in_a_call(xs):
    s = math.hypot(*map(math.sin, xs))
    return s


def doubled(x):
    return x * 2


def spread_by_a_function(xs):
    s = math.hypot(*map(doubled, xs))
    return s


def unpacked_with_a_star(xs):
    first, *_ = map(math.sin, xs)
    return first


def ordered(xs):
    least, _ = sorted(xs, key=math.exp)
    return least * 2


def ordered_by_a_choice(xs):
    least, _ = sorted(xs if xs else [0.0], key=math.exp)
    return least * 2


def accumulated(xs):
    s = list(itertools.accumulate(xs, operator.mul))
    return s[-1]


def queued(xs):
    m = collections.deque(map(doubled, xs))
    return m[0]


def folded(xs):
    p = functools.reduce(operator.mul, xs)
    return p


def counted(xs):
    total = 0.0
    for i, _ in enumerate(map(math.sin, xs)):
        total += xs[i]
    return total


def sliced(x):
    v = [x, x]
    v[1:] = [x * 2]
    return v[1]


#: what is computed on the way to the value of a variable is not called by it
ON_THE_WAY = [
    (listed, 2),
    (spread_in_a_list, 2),
    (spread_in_a_tuple, 2),
    (spread_in_a_call, 3),
    (spread_by_a_function, 3),
    (unpacked_with_a_star, 2),
    (ordered, 3),
    (ordered_by_a_choice, 3),
    (accumulated, 1),
    (queued, 2),
    (folded, 1),
]


@pytest.mark.parametrize(("f", "count"), ON_THE_WAY, ids=lambda value: getattr(value, "__name__", ""))
def test_what_comes_before_a_result_has_not_its_name(f, count):
    assert [node.name for node in tg.trace(f, [1.0, 2.0]).nodes if node.kind == "op"] == [None] * count


def test_the_counter_of_a_loop_is_not_the_value():
    t = tg.trace(counted, [1.0, 2.0])
    assert [node.name for node in t.nodes if node.primitive == "sin"] == [None, None]


def test_an_item_of_a_slice_is_not_called_by_the_slice():
    assert named(sliced, 1.0) == [(None, "v[1]")]  # which it is seen to be


def test_a_function_with_the_name_of_a_builtin_is_itself():
    def sorted(x, y):
        return x * y

    def f(x):
        y = sorted(x, 2.0)
        return y + 1.0

    assert named(f, 1.0) == [("y",), (None,)]


def test_a_plus_sees_its_operand():
    def f(x):
        q = x * 2
        r = q
        return +r

    assert named(f, 1.0)[0] == ("q", "r")


def test_nothing_is_guessed():
    assert named(list_of_a_map, [1.0]) == [(None,)]
    assert named(sum_of_one, [1.0]) == [(None,)]
    assert named(largest_of_one, [1.0]) == [(None,)]
    assert named(reduced, [1.0]) == [(None,)]
    assert named(called_by_keyword, 1.0) == [("q",), (None,)]
    assert named(either, 1.0) == [("y",), ("z",), (None,)]
    assert named(chosen, 1.0) == [("y", "best"), ("z",), (None,)]
    assert named(other_function, 1.0) == [("a",), ("b",), (None,)]


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from test_variables import NAMES, named
print([named(f, *args) for f, args, _ in NAMES])
"""


def test_the_same_without_positions():
    """Names are read from the instructions: neither columns nor the source file are asked."""
    command = [sys.executable, "-X", "no_debug_ranges", "-c", SCRIPT.format(here=str(HERE))]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout == f"{[expected for _, _, expected in NAMES]}\n"


def of_statements(count):
    """A function of so many statements, in a file that is not there."""
    lines = [
        "def f(x):",
        "    x0 = x",
        *(f"    x{i} = x{i - 1} * 1.0" for i in range(1, count)),
        f"    return x{count - 1}",
    ]
    scope = {}
    exec(compile("\n".join(lines), "<statements>", "exec"), scope)
    return scope["f"]


def test_names_in_long_functions_take_a_time_in_proportion():
    def looked_at(count):
        t = tg.trace(of_statements(count), 1.0)
        found = []
        seen = events(lambda: found.append(t["x9"].value))
        assert found == [1.0]
        return seen

    looked_at(100)
    assert looked_at(800) < 2.4 * looked_at(400)


@pytest.mark.parametrize(
    ("f", "args"), [one[:2] for one in NAMES], ids=lambda one: getattr(one, "__name__", "")
)
def test_a_backward_pass_leaves_the_names_of_values(f, args):
    """The first of its operations may stand at the very instruction of the last one before it."""
    t = tg.trace(f, *args)
    if len(t.outputs) == 1:
        names = [node.name for node in t.nodes]
        assert [node.name for node in t.gradient_trace().nodes[: len(names)]] == names
