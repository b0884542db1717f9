"""The short ways of arrays, beside the general way: the same entries, the same bits, the same errors and lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tracegrad as tg

X = np.random.default_rng(3).normal(size=(3, 4))
W = np.random.default_rng(4).normal(size=(4, 2))
V = np.random.default_rng(5).normal(size=4)

CALLS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: np.sum(x),
    "sum along": lambda x: np.sum(x, 0),
    "sum along all": lambda x: np.sum(x, axis=(0, -1), keepdims=True),
    "sum in words": lambda x: np.sum(a=x, axis=1),
    "sum in single": lambda x: np.sum(x, dtype=np.float32),
    "sum from": lambda x: np.sum(x, initial=2.0),
    "sum method": lambda x: x.sum(1, keepdims=True),
    "sum of sum": lambda x: x.sum(1).sum(),
    "mean": lambda x: np.mean(x, axis=1),
    "mean method": lambda x: x.mean(axis=(0, 1)),
    "prod": lambda x: np.prod(x, -1),
    "max": lambda x: np.max(x, axis=0),
    "amax": lambda x: np.amax(x),
    "max method": lambda x: x.max(1, keepdims=True),
    "min": lambda x: x.min(),
    "var": lambda x: np.var(x, 0, ddof=1),
    "std": lambda x: x.std(axis=1, keepdims=True),
    "var where": lambda x: np.var(x, 0, where=X > -2),
    "std everywhere": lambda x: np.std(x, axis=1, where=True),
    "cumsum": lambda x: np.cumsum(x, 1),
    "cumsum of all": lambda x: x.cumsum(),
    "cumprod": lambda x: np.cumprod(x, axis=0),
    "sort": lambda x: np.sort(x),
    "sort stably": lambda x: np.sort(x, axis=0, kind="stable"),
    "diagonal": lambda x: np.diagonal(x, 1),
    "diagonal method": lambda x: x.diagonal(),
    "trace": lambda x: np.trace(x),
    "reshape": lambda x: np.reshape(x, (2, -1)),
    "reshape to one": lambda x: np.reshape(x, -1),
    "reshape method": lambda x: x.reshape(4, 3),
    "reshape to list": lambda x: x.reshape([6, 2]),
    "reshape in columns": lambda x: np.reshape(x, (4, 3), order="F"),
    "reshape in columns, by place": lambda x: np.reshape(x, (4, 3), "F"),
    "transpose": lambda x: np.transpose(x),
    "transpose axes": lambda x: np.transpose(x, (1, 0)),
    "transpose list": lambda x: np.transpose(x, [1, 0]),
    "transpose method": lambda x: x.transpose(1, 0),
    "T": lambda x: x.T,
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "ravel": lambda x: np.ravel(x),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "item": lambda x: x[1, 2],
    "row": lambda x: x[-1],
    "rows": lambda x: x[::-1],
    "part": lambda x: x[1:, :-1],
    "new axis": lambda x: x[..., None, 1],
    "numpy's number": lambda x: x[np.int64(1)],
    "places": lambda x: x[np.array([2, 0, 2])],
    "mask": lambda x: x[X > 0],
    "list of places": lambda x: x[[0, 2]],
    "places and slice": lambda x: x[np.array([1, 1]), ::2],
    "truth": lambda x: x[True],
    "without axes": lambda x: x.sum(keepdims=True)[0, 0] * x[0, 0],
    "dot": lambda x: np.dot(x, W),
    "dot before": lambda x: np.dot(X.T, x),
    "dot of both": lambda x: np.dot(x.T, x),
    "dot method": lambda x: x.dot(V),
    "dot of vectors": lambda x: np.dot(V, x[0]),
    "dot of a number": lambda x: np.dot(x, 2.0),
    "inner of a number": lambda x: np.inner(3, x),
    "dot of a traced number": lambda x: np.dot(x[0, 0], x),
    "matmul": lambda x: V @ x.T @ (x @ W),
    "matmul in words": lambda x: np.matmul(X.T, x),
    "vector @ matrix": lambda x: x[:, 0] @ x,
    "numpy's float": lambda x: x * np.float64(3) + np.float64(2) / x,
    "scalar of the trace": lambda x: x / np.sum(x) + x[0, 1] * x - x[0, 0] / x,
    "scalars of the trace": lambda x: np.sum(x) / len(x) * x[0, 0] - x[1, 1] ** 2 + 1.0 / np.sum(x),
    "scalar in single": lambda x: x * np.float32(2),
    "concatenate": lambda x: np.concatenate([x, X], axis=1),
    "concatenate flat": lambda x: np.concatenate((x, x[:1], X), axis=None),
    "concatenate of lists": lambda x: np.concatenate([x[0], [1.0, 2.0]]),
    "concatenate numbers": lambda x: np.concatenate([np.atleast_1d(x[0, 0]), x[1]]),
    "stack": lambda x: np.stack([x[0], x[1]]),
    "stack last": lambda x: np.stack([x, X], axis=-1),
    "outer": lambda x: np.outer(x[0], x),
    "where": lambda x: np.where(x > 0, x, 0.0),
    "where a number is": lambda x: np.where(x > x[0, 0], x[0, 0], x[1]),
    "where in lists": lambda x: np.where([True, False, True, True], x, [1.0, 2.0, 3.0, 4.0]),
    "where whole numbers are": lambda x: np.where(np.array([1, 0, 2, 0]), x, X),
    "where not": lambda x: np.where(~(x <= V), 1, x),
    "clip": lambda x: np.clip(x, -0.5, 1),
    "clip by arrays": lambda x: np.clip(x, V - 2, x[0, 0]),
    "clip from below": lambda x: x.clip(0.0),
    "clip from above": lambda x: np.clip(x, None, 0.5),
    "clip in words": lambda x: np.clip(x, a_min=-0.5, a_max=0.5),
    "norm": lambda x: np.linalg.norm(x),
    "norms": lambda x: np.linalg.norm(x, axis=1, keepdims=True),
    "norm of zeros": lambda x: np.linalg.norm(x * 0.0) + np.linalg.norm(x[0], axis=0),
    "norm of order 1": lambda x: np.linalg.norm(x, 1),
    "norm of order 3": lambda x: np.linalg.norm(x, ord=3, axis=0),
    "comparisons": lambda x: x * (x >= V) * (x < np.mean(x)) * (x != X.T[0, 0]) + (x < 2) * x,
    "comparison of a number": lambda x: x * (x[0, 0] < x) * (x.sum() == x),
    "array": lambda x: np.array([x[0, 1], 1.0, x[2, 2] * 2]),
    "arrays": lambda x: np.array([x[0], x[1]]),
}


def generally(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function on a tape on which nothing is short: one that may hold complex numbers."""

    def run(x: Any) -> Any:
        x.tape_.complex = True
        return function(x)

    return run


def shape_of_trace(trace: tg.Trace) -> list[tuple[Any, ...]]:
    """What is on record, values by their bytes."""
    graph = trace.graph
    return [
        (
            row.name,
            type(value),
            np.asarray(value).tobytes(),
            graph.params.get(node),
            list(graph.operands_of(node)),
        )
        for node, (row, value) in enumerate(zip(graph.primitives, graph.values, strict=True))
    ]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_short_way_records_what_the_general_way_does(name: str, kind: Any) -> None:
    function, x = CALLS[name], X.astype(kind)
    short, general = tg.trace(function, x), tg.trace(generally(function), x)
    assert str(shape_of_trace(short)) == str(shape_of_trace(general))
    plain = function(x)
    assert type(short.value) is type(plain)
    assert np.asarray(short.value).tobytes() == np.asarray(plain).tobytes()
    assert short.value.dtype == plain.dtype


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_gradients_are_those_of_the_general_way(name: str, kind: Any) -> None:
    function, x = CALLS[name], X.astype(kind)
    weights = np.random.default_rng(1).normal(size=np.shape(function(x))).astype(kind)
    short = tg.grad(lambda x: (function(x) * weights).sum())(x)
    general = tg.grad(generally(lambda x: (function(x) * weights).sum()))(x)
    assert short.dtype == general.dtype == kind
    assert short.tobytes() == general.tobytes()


def error_of(call: Callable[[Any], Any]) -> Exception:
    try:
        call(X)
    except Exception as error:
        return error
    raise AssertionError("no error")


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, axis=5),
        lambda x: np.sum(x, 0, None, None, False, 0.0, True, 1),
        lambda x: np.sum(x, axes=0),
        lambda x: x.mean(axis=(0, 0)),
        lambda x: np.max(x[:0]),
        lambda x: x.reshape(5, 5),
        lambda x: np.reshape(x, (3, "a")),
        lambda x: np.transpose(x, (0, 0)),
        lambda x: np.broadcast_to(x, (5, 5)),
        lambda x: np.stack([x, x], axis=5),
        lambda x: np.stack([x, x[0]]),
        lambda x: np.concatenate([x, x[0]]),
        lambda x: np.concatenate([x, X], axis=2),
        lambda x: x > V[:3],
        lambda x: np.linalg.norm(x, axis=4),
        lambda x: x[7],
        lambda x: x[0, 0, 0],
        lambda x: x[np.array([0.5])],
        lambda x: np.dot(x, x),
        lambda x: x @ x,
    ],
)
def test_errors_are_those_of_the_plain_call(call: Callable[[Any], Any]) -> None:
    plain, traced = error_of(call), error_of(tg.grad(call))
    assert type(traced) is type(plain)
    assert str(traced) == str(plain)


def lines(x: Any) -> Any:
    first = np.sum(x)
    second = np.where(x > 0, x, 1.0)
    third = x[0]
    fourth = x.reshape(-1)
    fifth = np.dot(x, W)
    sixth = np.stack([part[0] for part in x])
    return first + second.mean() + third.max() + fourth.T[2] + np.matmul(fifth.T, x).sum() + sixth[0]


def test_each_entry_knows_its_line() -> None:
    trace = tg.trace(lines, X)
    for number, name in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), start=1):
        assert trace[name].site.line == lines.__code__.co_firstlineno + number
        assert trace[name].site.function == "lines"
    assert all(node.site.function.startswith("lines") for node in trace.nodes if node.site)


def test_what_the_user_changes_later_counts_as_it_was() -> None:
    places, factor, shape = np.array([0, 2]), np.ones(4), [4, 3]

    def function(x: Any) -> Any:
        nonlocal places
        chosen = x[places]
        places[:] = 1
        scaled = x * factor + (factor - x)
        factor[:] = 7.0
        shaped = x.reshape(shape)
        shape[:] = [12, 1]
        return chosen.sum() + scaled.sum() + (shaped * shaped).sum()

    expected = 2 * X
    expected[[0, 2]] += 1.0
    np.testing.assert_allclose(tg.grad(function)(X), expected, rtol=1e-14)


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.array(2.0), np.array([np.nan, np.inf, -0.0])])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x),
        lambda x: np.mean(x * x, axis=None, keepdims=True).sum(),
        lambda x: np.reshape(x, -1)[::-1].sum(),
        lambda x: np.sum(x.T * 2.0),
        lambda x: (x[...] * x[()]).sum(),
        lambda x: np.cumsum(x).sum(),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_empty_arrays_numbers_without_axes_and_what_is_not_finite(x: Any, call: Any) -> None:
    short, general = tg.value_and_grad(call)(x), tg.value_and_grad(generally(call))(x)
    assert np.asarray(short[0]).tobytes() == np.asarray(call(x)).tobytes()
    np.testing.assert_array_equal(short[1], general[1])
    assert short[1].shape == x.shape


@pytest.mark.parametrize(
    ("call", "slope"),
    [
        (lambda x: (np.array([x, x]) * x).sum(), 4.0),
        (lambda x: (np.array([x, x]) + x)[0], 2.0),
        (lambda x: (np.sort(np.array([x, -x])) * x).sum() + x, 1.0),
    ],
)
def test_the_only_array_is_one_of_traced_numbers(call: Any, slope: float) -> None:
    """Of numbers alone a sweep could be one over numbers, in which nothing is summed over axes."""
    found = tg.grad(call)(1.0)
    assert type(found) is float
    assert found == slope


@pytest.mark.parametrize("name", ["sum along", "max method", "std", "part", "places", "dot of both", "T"])
def test_second_derivatives_go_the_same_way(name: str) -> None:
    def energy(x: Any) -> Any:
        return (CALLS[name](x) ** 3).sum()

    vector = np.random.default_rng(8).normal(size=X.shape)
    found = tg.hessian_vector_product(energy)(X, vector)
    step = 1e-5 * vector
    expected = (tg.grad(energy)(X + step) - tg.grad(energy)(X - step)) / 2e-5
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_guards_keep_what_was_there() -> None:
    edges = np.array([-1.0, 0.5, 2.0])

    def function(x: Any) -> Any:
        mask = x > edges
        mask[:] = True
        places = np.searchsorted(edges, x)
        edges[:] = 7.0
        places[:] = 0
        return x[mask].sum()

    x = np.array([0.0, 1.0, 1.0])
    above, found = tg.trace(function, x).guards
    assert above.outcome.values == (True, True, False)
    assert found.outcome.values == (1, 2, 2)
    assert "7.0" not in str([*above.operands, *found.operands])


@pytest.mark.parametrize(
    "use",
    [
        lambda old, new: old * 2.0,
        lambda old, new: 2.0 - old,
        lambda old, new: new * old,
        lambda old, new: old / new,
        lambda old, new: new[0] * old,
        lambda old, new: new[0] < old,
        lambda old, new: np.where(V > 0, new[0], old),
        lambda old, new: np.hypot(new[0], old),
        lambda old, new: -old,
        lambda old, new: old**2,
        lambda old, new: V @ old,
        lambda old, new: np.dot(new, old),
        lambda old, new: np.sin(old),
        lambda old, new: np.maximum(new, old),
        lambda old, new: new > old,
        lambda old, new: old.sum(),
        lambda old, new: np.reshape(old, (2, 2)),
        lambda old, new: old[1],
        lambda old, new: np.concatenate([new, old]),
        lambda old, new: np.where(V > 0, new, old),
        lambda old, new: np.expand_dims(old, 0),
        lambda old, new: np.einsum("i,i->", new, old),
    ],
)
def test_what_lies_in_memory_written_to_is_refused_in_the_short_way_too(use: Any) -> None:
    def function(x: Any) -> Any:
        copied = x.copy()
        view = copied[0]
        copied[1] = 2.0 * x[0]
        return np.sum(use(view, copied[2]))

    with pytest.raises(tg.UnsupportedError, match="shares its memory"):
        tg.grad(function)(X)


def test_after_an_assignment_the_short_way_goes_on() -> None:
    def function(x: Any) -> Any:
        total = np.zeros(4)
        for row in x:
            total += row * row
            total *= 0.5
        x[0] = total
        return np.sum(x * x) + np.max(x[0]) + np.concatenate([x[0], total]).sum()

    def of_new_arrays(x: Any) -> Any:
        total = x[0] * 0.0
        for row in (x[0], x[1], x[2]):
            total = (total + row * row) * 0.5
        x = np.stack([total, x[1], x[2]])
        return np.sum(x * x) + np.max(x[0]) + np.concatenate([x[0], total]).sum()

    found, expected = tg.value_and_grad(function)(X), tg.value_and_grad(of_new_arrays)(X)
    assert found[0] == expected[0] == function(X.copy())
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-13)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_in_place_arithmetic_is_that_of_numpy(kind: Any) -> None:
    def function(x: Any) -> Any:
        y = x.copy()
        y += V
        y *= np.float64(1.1)
        y -= x[0]
        return (y * y).sum()

    x = X.astype(kind)
    value, gradient = tg.value_and_grad(function)(x)
    assert value == function(x)
    assert gradient.dtype == kind
    with pytest.raises(ValueError, match="broadcast"):
        tg.grad(lambda x: (x.__iadd__(np.ones((2, 3, 4)))).sum())(X)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.array([x, -x]),
        lambda x: np.array((x, 2.0 * x, 3)),
        lambda x: np.where(V > 0, x, 1.0),
        lambda x: np.where(V > 0, x, x * x),
        lambda x: np.where(V > 0, V, x),
        lambda x: V * x,
        lambda x: x - V,
        lambda x: np.multiply(x, V),
        lambda x: np.clip(V, x - 1, x),
        lambda x: np.stack([x, x * x]),
    ],
)
@pytest.mark.parametrize("kind", [float, np.float64])
def test_arrays_that_come_of_a_number(function: Callable[[Any], Any], kind: Any) -> None:
    def total(x: Any) -> Any:
        made = function(x) * x
        return (made * np.arange(1.0, 1.0 + len(made))).sum()

    x = kind(0.7)
    found, general = tg.grad(total)(x), tg.trace(total, x).gradients["x"]
    expected = (total(x + 1e-6) - total(x - 1e-6)) / 2e-6
    np.testing.assert_allclose([found, general], expected, rtol=1e-7)
    assert np.shape(found) == np.shape(general) == ()
