"""Named stages: clusters of the user's choice, and nothing else changes."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import exp
from typing import Any

import pytest

import tracegrad as tg
from tracegrad.laws import check_identity, lint


@tg.stage
def sigmoid(z: float) -> float:
    """A docstring."""
    return 1 / (1 + exp(-z))


@tg.stage("squash")
def other(z: float) -> float:
    return exp(z)


def helper(z: float) -> float:
    return z * z


def clusters(t: tg.Trace) -> list[tuple[str, str | None]]:
    names = {cluster.id: cluster.name for cluster in t.document.clusters}
    lint(t.document)
    check_identity(t.document)
    return [(cluster.name, names.get(cluster.parent)) for cluster in t.document.clusters]


def test_blocks_nest_with_calls() -> None:
    def f(x: float) -> float:
        before = x + 1
        with tg.stage("outer"):
            a = sigmoid(before)
            with tg.stage("inner"):
                b = helper(a) + 1
        return other(b) * a

    t = tg.trace(f, 0.5)
    assert clusters(t) == [
        ("outer", None), ("sigmoid", "outer"), ("inner", "outer"), ("helper", "inner"), ("squash", None),
    ]  # fmt: skip
    by_id = {cluster.id: cluster.name for cluster in t.document.clusters}
    assert t["before"].cluster is None
    assert by_id[t["b"].cluster] == "inner"
    assert t.nodes[-1].cluster is None


def test_each_turn_of_a_loop_is_a_stage_of_its_own() -> None:
    def f(x: float) -> float:
        for _ in range(3):
            with tg.stage("turn"):
                x = x * x
        return x

    assert clusters(tg.trace(f, 1.1)) == [("turn", None), ("turn#2", None), ("turn#3", None)]


def test_plain_calls_are_plain() -> None:
    assert sigmoid(0.0) == 0.5
    assert sigmoid.__doc__ == "A docstring."
    with tg.stage("nothing"):
        assert math.exp(0.0) == 1.0


def test_an_exception_closes_the_stage() -> None:
    def f(x: float) -> float:
        with contextlib.suppress(ZeroDivisionError), tg.stage("broken"):
            y = x * 2
            y / 0
        return x * 3

    t = tg.trace(f, 1.0)
    assert clusters(t) == [("broken", None)]
    assert t.nodes[-1].cluster is None


def test_stages_survive_in_gradients() -> None:
    def f(x: float) -> float:
        with tg.stage("block"):
            return x * sigmoid(x)

    g = tg.trace(f, 0.3).gradient_trace()
    assert [name for name, _ in clusters(g)] == ["block", "sigmoid", "backward"]
    nested = tg.trace(lambda x: tg.grad(f)(x), 0.3)
    assert [name for name, _ in clusters(nested)] == ["f", "block", "sigmoid", "backward"]


def test_an_empty_stage_is_not_shown() -> None:
    def f(x: float) -> float:
        with tg.stage("empty"):
            pass
        return x * 2

    assert clusters(tg.trace(f, 1.0)) == []


def test_recursion_through_a_stage() -> None:
    @tg.stage
    def power(x: float, n: int) -> Any:
        return x if n == 1 else x * power(x, n - 1)

    t = tg.trace(lambda x: power(x, 3), 2.0)
    assert t.gradients == {"x": 12.0}
    assert [name for name, _ in clusters(t)] == ["power", "power#2"]


def test_one_stage_in_coroutines_and_generators_that_take_turns() -> None:
    shared = tg.stage("shared")

    async def square(x: float, turns: int) -> float:
        with shared:
            y = x * 1.5
            for _ in range(turns):
                await asyncio.sleep(0)
            return y * x

    async def both(x: float) -> float:
        first, second = await asyncio.gather(square(x, 2), square(x, 1))
        return first + second

    def pairs(x: float) -> Iterator[float]:
        with shared:
            yield x * 2
            yield x * 3

    def turns(x: float) -> float:
        return sum(a * b for a, b in zip(pairs(x), pairs(x), strict=True))

    # the second is done first; what was made meanwhile is in both
    groups = tg.trace(lambda x: asyncio.run(both(x)), 2.0)._recording.tape.groups
    assert [(one.start, one.stop) for one in groups] == [(1, 5), (2, 4)]
    assert tg.trace(turns, 2.0).gradients == {"x": 52.0}


def test_one_stage_in_several_threads() -> None:
    shared, barrier = tg.stage("shared"), threading.Barrier(4)

    def f(x: float) -> float:
        with shared:
            barrier.wait()
            y = x * 2
            barrier.wait()
        return y * x

    with ThreadPoolExecutor(4) as pool:
        traces = list(pool.map(lambda x: tg.trace(f, x), [1.0, 2.0, 3.0, 4.0]))
    assert [clusters(t) for t in traces] == [[("shared", None)]] * 4
    assert [t.gradients["x"] for t in traces] == [4.0, 8.0, 12.0, 16.0]


def test_a_coroutine_function_as_a_stage() -> None:
    @tg.stage("half")
    async def halved(x: float) -> float:
        await asyncio.sleep(0)
        return x / 2

    t = tg.trace(lambda x: asyncio.run(halved(x)), 3.0)
    assert t.gradients == {"x": 0.5}
    assert "half" in [name for name, _ in clusters(t)]
    assert asyncio.run(halved(3.0)) == 1.5


def test_a_stage_closed_in_another_frame() -> None:
    def f(x: float) -> float:
        with contextlib.ExitStack() as stack:
            stack.enter_context(tg.stage("stacked"))
            y = x * 2
        return y * x

    assert clusters(tg.trace(f, 1.0)) == [("stacked", None)]


def test_what_is_no_name_is_told() -> None:
    with pytest.raises(tg.InputError, match="named by text"):
        tg.stage(3)  # type: ignore[type-var]
