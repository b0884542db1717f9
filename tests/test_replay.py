"""A document replayed gives what the function gives, or says where it would not."""

from __future__ import annotations

import decimal
import math

import pytest
from functions import CORPUS

import tracegrad as tg
from tracegrad.errors import GuardFailed, InputError, UnsupportedError
from tracegrad.export.json import from_json
from tracegrad.graph import same
from tracegrad.replay import replay
from tracegrad.tree import map_leaves


def back(t):
    """The document as a file gives it."""
    ones = map_leaves(t._recording.result, lambda leaf: 1.0, lambda other: None)
    return from_json(t.backward(None if len(t._outputs) == 1 else ones).to_json())


def branches(x, n):
    y = x * n
    if y > 4.0:
        y = math.log(y)
    return {"y": y, "n": range(10)[n], "label": "text"}


def test_new_inputs_give_what_the_function_gives():
    document = tg.Document.of(back(tg.trace(branches, 3.0, 2)))
    for x in (2.5, 7.0, 1e300):
        assert document.replay(x=x)["['y']"] == branches(x, 2)["y"]
    assert document.replay() == document.replay(x=3.0, n=2)


def test_another_path_is_an_error_that_names_the_line():
    document = back(tg.trace(branches, 3.0, 2))
    with pytest.raises(GuardFailed, match=r"gt\(2\.0, 4\.0\) is False .* at test_replay\.py:\d+ `y > 4\.0`"):
        replay(document, {"x": 1.0})
    with pytest.raises(GuardFailed, match="index"):
        replay(document, {"n": 3})


def logarithm(x):
    try:
        return math.log(x)
    except ValueError:
        return x * x


def reciprocal(x, n):
    try:
        return 1 / (x - n)
    except ZeroDivisionError:
        return 3 * x


def whole(x):
    try:
        return int(x / 0.5) * x
    except (OverflowError, ValueError):
        return x


def power(x):
    try:
        return x**-2
    except ZeroDivisionError:
        return x + 1


@pytest.mark.parametrize(
    ("f", "args", "other"),
    [
        (logarithm, (-2.0,), {"x": 3.0}),
        (reciprocal, (2.0, 2), {"x": 3.0}),
        (whole, (math.inf,), {"x": 3.0}),
        (power, (0.0,), {"x": 3.0}),
    ],
)
def test_an_exception_that_the_function_catches_is_a_branch(f, args, other):
    t = tg.trace(f, *args)
    assert [guard.operation for guard in t.guards] == ["raised"]
    document = back(t)
    assert replay(document, {}) == f(*args)
    with pytest.raises(
        GuardFailed, match=r"raised\(.*\) is '' .* when the function was traced at test_replay\.py"
    ):
        replay(document, other)
    scope = {}
    exec(t.to_python(), scope)
    assert scope[f.__name__](*args) == f(*args)
    with pytest.raises(ValueError, match="trace it again"):
        scope[f.__name__](other["x"], *args[1:])


def test_an_exception_is_a_branch_of_each_level():
    assert tg.grad(tg.grad(logarithm))(-2.0) == 2.0
    inner = []

    def outer(x):
        t = tg.trace(logarithm, x)
        inner.extend(guard.operation for guard in t.guards)
        return t.gradients["x"] * x

    t = tg.trace(outer, -2.0)
    assert t.gradients == {"x": -8.0}
    assert inner == [guard.operation for guard in t.guards] == ["raised"]


def test_a_guard_on_what_no_document_holds_is_not_passed_over():
    t = tg.trace(lambda x: 3.0 * x if x == 1.5 + 0j or x > decimal.Decimal(9) else x, 2.5)
    assert t.gradients == {"x": 1.0}
    with pytest.raises(UnsupportedError, match="this guard cannot be checked"):
        replay(t.document, {"x": 1.5})
    with pytest.raises(UnsupportedError, match="asks what is no number"):
        t.to_python()


def test_what_does_not_fit_is_said():
    t = tg.trace(branches, 3.0, 2)
    document = back(t)
    with pytest.raises(InputError, match="no input 'z'; there are: x, n"):
        replay(document, {"z": 1.0})
    with pytest.raises(InputError, match=r"n = 2\.5: the function was traced with a number of class int"):
        replay(document, {"n": 2.5})
    assert same(replay(document, {"x": 3})["['y']"], branches(3.0, 2)["y"])
    with pytest.raises(InputError, match="not a part of it"):
        replay(t.at("op", focus="y", radius=1), {})
    with pytest.raises(InputError):
        replay(t.at("stage"), {})

    @tg.primitive(partials=lambda out, x: 2 * x)
    def square(x):
        return x * x

    with pytest.raises(UnsupportedError, match="not among those that can be replayed"):
        replay(back(tg.trace(lambda x: square(x) + 1, 2.0)), {})


def test_errors_of_the_function_are_its_own():
    document = back(tg.trace(lambda x: math.log(x), 2.0))
    with pytest.raises(ValueError, match=r"math domain error|positive"):
        replay(document, {"x": -1.0})


def test_arrays_are_refused():
    np = pytest.importorskip("numpy")
    with pytest.raises(UnsupportedError, match="documents of numbers"):
        replay(back(tg.trace(lambda x: np.sum(x * x), np.ones(3))), {})


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_the_recorded_inputs_give_the_recorded_result(number):
    entry = CORPUS[number]
    t = tg.trace(entry.function, *entry.args)
    document = back(t)
    try:
        found = replay(document, {})
    except UnsupportedError:
        pytest.skip("arrays, or operations of the user's own")
    expected = {output.path: output.value for output in document.outputs}
    found = {"": found} if expected.keys() == {""} else found
    assert found.keys() == expected.keys()
    assert all(same(found[path], expected[path]) for path in expected)
