"""A traced value has the attributes of the plain one and no others: code that takes boxes apart finds no box."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tracegrad as tg
from tracegrad.arrays.tracer import ArrayTracer
from tracegrad.tracer import ScalarTracer, Tracer

VALUES = [2.5, 2, np.float64(2.5), np.array([[2.5, 1.0]])]

#: how code asks for an attribute
ASK = {
    "directly": lambda name: eval(f"lambda x: x.{name}"),
    "getattr": lambda name: lambda x: getattr(x, name),
    "attrgetter": operator.attrgetter,
    "of the class": lambda name: lambda x: getattr(type(x), name),
}


def names_of(kind: type) -> list[str]:
    """What a class of tracers has, but for what Python's own protocols are made of."""
    return sorted({name for cls in type.mro(kind) for name in vars(cls) if not name.startswith("_")})


def lacks(value: Any) -> list[str]:
    """The names that a tracer of a value has and the value has not."""
    return [
        name
        for name in names_of(ArrayTracer if isinstance(value, np.ndarray) else ScalarTracer)
        if not hasattr(value, name)
    ]


def total(x: Any) -> Any:
    return x.sum() if hasattr(x, "sum") else x


def number_of(ask: Callable[[Any], Any], x: Any) -> Any:
    """The value of a quantity, of an enumeration, of a box of another library; a number is its own."""
    try:
        return ask(x)
    except AttributeError:
        return x


@pytest.mark.parametrize("how", ASK)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_no_attribute_of_the_plain_value_is_none_of_the_traced_one(value: Any, how: str) -> None:
    names = {"value", "_value", "a", "b", "tape", "adjoint", "pull", "lasti", "row", "node", "magnitude"}
    if how != "attrgetter":  # which is compiled code, as is numpy that asks for functions of its own
        names.update(lacks(value))
    # the slots, whose names nobody asks for, are found where Python is asked past the stand-ins
    for name in names - {*Tracer.__slots__, "row_"}:
        ask = ASK[how](name)
        t = tg.trace(lambda x, ask=ask: total(number_of(ask, x) * 3.0), value)
        assert np.all(t.gradients["x"] == 3.0), name
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'") as plain:
            ask(value)
        with pytest.raises(AttributeError) as traced:
            tg.trace(lambda x, ask=ask: ask(x), value)
        assert str(traced.value) == str(plain.value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_hasattr_and_getattr_agree_with_the_plain_value(value: Any) -> None:
    def f(x: Any) -> Any:
        for name in names_of(ArrayTracer if isinstance(value, np.ndarray) else ScalarTracer):
            there = hasattr(x, name)
            assert there is hasattr(value, name), name
            assert there or getattr(x, name, f) is f, name
        assert set(dir(x)) == set(dir(value)) or isinstance(value, np.ndarray)
        return total(x)

    assert np.all(tg.trace(f, value).gradients["x"] == 1.0)


def test_slots_have_names_that_no_code_asks_for() -> None:
    assert all(name.endswith("_") and not name.startswith("_") for name in Tracer.__slots__)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "sqrt", "square", "maximum", "hypot"])
def test_functions_of_numpy_are_no_methods_of_numbers(name: str) -> None:
    """numpy asks the elements of an array of objects for them; the user's code must take its own way."""

    method = eval(f"lambda x: x.{name}()")

    def f(x: Any) -> Any:
        try:
            return method(x)
        except AttributeError:
            return math.expm1(x)

    assert tg.trace(f, 0.7).value == math.expm1(0.7)
    assert tg.trace(f, 0.7).gradients == {"x": math.exp(0.7)}


def test_arrays_of_objects_still_find_the_functions_of_numpy() -> None:
    def f(x: Any) -> Any:
        objects = np.empty(2, dtype=object)
        objects[:] = [x, x * x]
        return np.exp(objects).sum()

    found = tg.trace(f, 0.5)
    assert found.gradients["x"] == pytest.approx(math.exp(0.5) + 2 * 0.5 * math.exp(0.25))


def _set(name: str) -> Callable[[Any], None]:
    scope: dict[str, Any] = {}
    exec(f"def put(x): x.{name} = 1.0", scope)
    return scope["put"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["foo", "value", "tape", "a", "real"])
@pytest.mark.parametrize("value", [2.5, 2, np.float64(2.5)], ids=repr)
def test_numbers_take_no_attributes(value: Any, name: str) -> None:
    def f(x: Any) -> Any:
        try:
            _set(name)(x)
        except AttributeError:
            return x * 3.0
        return None

    assert tg.trace(f, value).gradients == {"x": 3.0}
    with pytest.raises(AttributeError):
        tg.trace(lambda x: _set(name)(x), value)


@pytest.mark.parametrize("name", ["foo", "value"])
def test_arrays_take_no_attributes(name: str) -> None:
    outcomes = []
    for call in (lambda: _set(name)(np.ones(2)), lambda: tg.trace(lambda x: _set(name)(x), np.ones(2))):
        with pytest.raises(AttributeError) as error:
            call()
        outcomes.append(str(error.value))
    assert outcomes[0].startswith(outcomes[1])  # since 3.13 Python says more


def test_the_shape_of_a_traced_array_is_not_set_in_silence() -> None:
    def f(x: Any) -> Any:
        try:
            x.shape = (2, 1)
        except Exception:
            return x.sum()
        return (x * x).sum()

    with pytest.raises(tg.UnsupportedError, match=r"assignment to numpy\.ndarray\.shape"):
        tg.trace(f, np.ones(2))


def test_the_real_part_of_an_array_is_assigned_to() -> None:
    def f(x: Any, y: Any) -> Any:
        x = x * 1.0
        x.real = y
        return (x * x).sum()

    t = tg.trace(f, np.ones(2), np.array([3.0, 4.0]))
    assert t.value == 25.0
    assert t.gradients["y"].tolist() == [6.0, 8.0]
    assert t.gradients["x"].tolist() == [0.0, 0.0]
