"""Copies of large arrays: memory is used again where nobody can tell."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import tracegrad as tg
from tracegrad import copies

SIZE = copies.LARGE + 5


@pytest.fixture(autouse=True)
def nothing_kept() -> Any:
    copies._kept.clear()
    yield
    copies._kept.clear()


def test_memory_is_used_again_once_it_is_free() -> None:
    first = copies.copied(np.ones(SIZE))
    address = first.ctypes.data
    del first
    second = copies.copied(np.full(SIZE, 2.0))
    assert second.ctypes.data == address
    assert (second == 2.0).all()


@pytest.mark.parametrize("view", [lambda a: a, lambda a: a[3:], lambda a: a[None].T, memoryview, iter])
def test_what_is_referred_to_in_any_way_stays_as_it_is(view: Any) -> None:
    held = view(copies.copied(np.ones(SIZE)))
    gc.collect()
    others = [copies.copied(np.full(SIZE, 2.0)) for _ in range(3)]
    del others
    assert copies.copied(np.full(SIZE, 3.0))[0] == 3.0
    assert next(held) == 1.0 if view is iter else np.all(np.asarray(held) == 1.0)


@pytest.mark.parametrize(
    "array",
    [
        np.ones((SIZE, 2)),
        np.asfortranarray(np.arange(2.0 * SIZE).reshape(SIZE, 2)),
        np.arange(4.0 * SIZE).reshape(SIZE, 4)[:, ::2],
        np.arange(2.0 * SIZE).reshape(SIZE, 2).astype(np.float32),
        np.arange(2 * SIZE).reshape(SIZE, 2),
        np.ones((SIZE, 2), dtype=complex),
        np.arange(SIZE * 2).astype(object).reshape(SIZE, 2),
    ],
    ids=lambda array: f"{array.dtype} {array.strides}",
)
def test_a_copy_is_laid_out_as_numpy_does_it(array: Any) -> None:
    copies._kept.extend([np.zeros((SIZE, 2)), np.zeros((SIZE, 2), order="F")])
    for _ in range(2):
        found = copies.copied(array)
        assert found.strides == array.copy("K").strides
        assert found.dtype == array.dtype
        assert not np.may_share_memory(found, array)
        assert (found == array).all()
        del found


def test_little_is_kept() -> None:
    for size in range(SIZE, SIZE + 100):
        copies.copied(np.zeros(size))
    copies.copied(np.zeros(copies._MOST))
    assert len(copies._kept) <= copies._MANY
    for size in range(5):
        copies.copied(np.zeros(copies._MOST // 16 + size))
    assert sum(one.nbytes for one in copies._kept) <= copies._MOST


def test_what_nobody_may_write_to_is_left_alone() -> None:
    copies.copied(np.ones(SIZE)).flags.writeable = False
    assert (copies.copied(np.full(SIZE, 2.0)) == 2.0).all()


def test_a_step_repeated_takes_no_new_memory_for_its_copies() -> None:
    x, w = np.ones((64, 200)), np.ones((200, 5))
    step = tg.value_and_grad(lambda w: ((x @ w) ** 2).sum())
    step(w)
    kept = {one.ctypes.data for one in copies._kept}
    for _ in range(3):
        step(w)
    assert {one.ctypes.data for one in copies._kept} == kept
    assert len(kept) == 1  # x; w is small


def test_values_taken_out_of_a_trace_stay_as_they_are() -> None:
    taken: list[Any] = []

    def function(x: Any) -> Any:
        taken.append(tg.detach(x))
        return (x * x).sum()

    ones = np.ones(SIZE)
    trace = tg.trace(function, ones)
    tg.grad(function)(ones)
    for value in (2.0, 3.0):
        tg.grad(lambda x: (x * x).sum())(np.full(SIZE, value))
    assert all((one == 1.0).all() for one in taken)
    ones[:] = 5.0
    assert (trace.gradients["x"] == 2.0).all()


def test_arrays_changed_within_the_function_count_as_they_were() -> None:
    x, factor = np.ones(SIZE), np.full(SIZE, 3.0)

    def function(value: Any) -> Any:
        scaled = value * factor
        factor[:] = 0.0
        x[:] = 0.0
        return (scaled * value).sum()

    assert (tg.grad(function)(x) == 6.0).all()
