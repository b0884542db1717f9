"""Emitted source of programs on arrays: compiled, run, and held to the interpreter bit for bit, here and elsewhere."""

from __future__ import annotations

import inspect
from random import Random
from typing import Any

import numpy as np
import pytest
from array_cases import CASES, Case
from array_programs import array_program
from programs import load
from test_python import assert_formatted, functions

import tracegrad as tg
from tracegrad.tree import leaves, map_leaves

NAMES = [f"{case.name} ({number})" for number, case in enumerate(CASES)]

#: what is not written, for which formula holds, or whether one does, depends on the values of an array: whether a
#: determinant is zero, whether phases of complex vectors matter, whether vectors do that belong to no singular value
UNWRITTEN = frozenset({"det", "det batch", "complex det", "complex eigh vectors", "svd full"})


def bits(structure: Any) -> list[Any]:
    """The numbers of a structure, to the last bit, with their precision and shape; numpy's doubles are Python's."""
    found = [np.asarray(leaf) for _, leaf in leaves(structure)]
    return [(leaf.dtype, leaf.shape, leaf.tobytes()) for leaf in found]


def moved(value: Any) -> Any:
    """Other numbers near by, of the same shape; whole numbers stay."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return value
    shift = 1 + 0.01 * np.cos(np.arange(array.size)).reshape(array.shape)
    found = (array * shift).astype(array.dtype)
    return found if isinstance(value, np.ndarray) else type(value)(found)


def seeded(t: tg.Trace) -> tuple[tg.Trace, tuple[Any, ...]]:
    """A trace with a seed where it needs one, and what the emitted function is given for it."""
    results = [leaf for _, leaf in leaves(t.value)]
    if len(results) == 1 and np.shape(results[0]) == ():
        return t, ()
    random = np.random.default_rng(1)
    t = t.backward(
        map_leaves(t.value, lambda leaf: random.normal(size=np.shape(leaf)) if np.shape(leaf) else 1.5)
    )
    random = np.random.default_rng(1)
    seeds = [random.normal(size=np.shape(leaf)) if np.shape(leaf) else 1.5 for leaf in results]
    return t, (seeds[0] if len(seeds) == 1 else tuple(seeds),)


def recorded(case: Case, args: tuple[Any, ...]) -> tuple[tg.Trace, tuple[Any, ...]]:
    return seeded(tg.trace(case.function, *args))


def source(case: Case) -> str:
    return recorded(case, case.args)[0].to_python()


def given(case: Case, args: tuple[Any, ...], t: tg.Trace) -> tuple[Any, ...]:
    """What the emitted functions take: the arguments that hold an input, defaults among them."""
    bound = inspect.signature(case.function).bind(*args)
    bound.apply_defaults()
    roots = dict.fromkeys(row.name.partition("[")[0] for row in t.inputs)
    return tuple(bound.arguments[root] for root in roots)


def both(case: Case, args: tuple[Any, ...], emitted: tuple[Any, Any]) -> None:
    t, seeds = recorded(case, args)
    arguments = given(case, args, t)
    value, gradients = emitted[1](
        *arguments, *seeds[: len(inspect.signature(emitted[1]).parameters) - len(arguments)]
    )
    assert bits(emitted[0](*arguments)) == bits(t.value)
    assert bits(value) == bits(t.value)
    assert bits(gradients) == bits(t.gradients)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_same_numbers(case: Case) -> None:
    if case.name in UNWRITTEN:
        with pytest.raises(tg.UnsupportedError, match="depends on the values of an array"):
            source(case)
        return
    both(case, case.args, functions(source(case)))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in UNWRITTEN], ids=lambda case: case.name
)
def test_other_numbers_give_theirs_or_an_error(case: Case) -> None:
    """Nothing of the recorded numbers is left in the source."""
    args = map_leaves(case.args, moved)
    try:
        both(case, args, functions(source(case)))
    except ValueError as error:
        assert "trace it again" in str(error)  # noqa: PT017 - another path


@pytest.mark.parametrize("name", ["diag of", "diagonal", "trace", "norm", "complex vdot", "take", "cumsum"])
def test_zeros_keep_their_signs(name: str) -> None:
    """Also among seeds, and a seed may be a number of Python's."""
    case = next(case for case in CASES if case.name == name)
    t = tg.trace(case.function, *case.args)
    shape = np.shape(t.value)
    seed = np.where(np.arange(np.prod(shape)).reshape(shape) % 2 == 0, -0.0, 1.5) if shape else -0.0
    found = t.backward(seed)
    _, gradients = functions(found.to_python())[1](*given(case, case.args, found), seed)
    assert bits(gradients) == bits(found.gradients)


def test_a_norm_at_the_origin() -> None:
    emitted(np.linalg.norm, np.array([0.0, -0.0]))


@pytest.mark.parametrize(
    ("function", "here", "there"),
    [
        (lambda x: np.nansum(x * x), [1.0, np.nan, 3.0], [1.0, 2.0, 3.0]),
        (lambda x: np.nanmean(x * x), [1.0, 2.0, 3.0], [1.0, np.nan, 3.0]),
        (lambda x: np.nanmedian(x * x), [1.0, np.nan, 3.0], [1.0, 2.0, 3.0]),
        (lambda x: np.interp(x[0], x[1:], x[1:] ** 2, left=x[2]), [0.0, 1.0, 3.0], [1.5, 1.0, 3.0]),
        (lambda x: np.interp(x, [1.0, 3.0], [4.0, 9.0], right=x[2]).sum(), [0.0, 1.0, 4.0], [0.0, 1.0, 2.0]),
    ],
)
def test_where_nan_is_and_what_is_outside_is_checked(function: Any, here: Any, there: Any) -> None:
    _, backward = functions(tg.trace(function, np.array(here)).to_python())
    assert backward(np.array(here))[0] == function(np.array(here))
    with pytest.raises(ValueError, match="trace it again"):
        backward(np.array(there))


# ---- as a person would write it ---------------------------------------------------------------------------


def emitted(function: Any, *args: Any, **options: Any) -> str:
    """The source of a function, the numbers of which are those of the interpreter."""
    case = Case("", function, args)
    t, _ = recorded(case, args)
    text = t.to_python(**options)
    both(case, args, functions(text))
    both(case, tuple(map_leaves(args, moved)), functions(text))
    return text


def random(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def mlp(w1, b1, w2, b2, x, y):
    hidden = np.maximum(x @ w1 + b1, 0.0)
    scores = hidden @ w2 + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -((shifted - log_sum) * y).sum() / len(x)


MLP = (random(5, 4), random(4), random(4, 3), random(3), random(6, 5), np.eye(3)[[0, 1, 2, 0, 1, 2]])


def way_back(text: str) -> str:
    """What f_backward does after the way there."""
    return text.partition("_backward(")[2].partition("\n\n")[2]


def test_a_network_with_two_layers() -> None:
    assert (
        way_back(emitted(mlp, *MLP))
        == """\
    # backprop return -((shifted - log_sum) * y).sum() / len(x)  (5)
    dvalue_product = np.full((6, 3), -0.16666666666666666)
    dvalue_difference = y * dvalue_product
    dy = value_difference * dvalue_product
    dshifted = dvalue_difference
    dlog_sum = np.sum(-dvalue_difference, axis=1, keepdims=True)
    # backprop log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))  (4)
    dshifted = dshifted + log_sum_exp * np.tile(1.0 / log_sum_sum * dlog_sum, (1, 3))
    # backprop shifted = scores - scores.max(axis=1, keepdims=True)  (3)
    dshifted_max = np.sum(-dshifted, axis=1, keepdims=True)
    dshifted_max_part = np.sum(scores == shifted_max, axis=1, keepdims=True)
    dscores = dshifted + dshifted_max * ((scores == shifted_max) / dshifted_max_part)
    # backprop scores = hidden @ w2 + b2  (2)
    db2 = np.sum(dscores, axis=0)
    dhidden = dscores @ w2.T
    dw2 = hidden.T @ dscores
    # backprop hidden = np.maximum(x @ w1 + b1, 0.0)  (1)
    dhidden_part = np.where(hidden_sum == 0.0, 0.5, 1.0 * (hidden_sum == hidden))
    dhidden_sum = dhidden_part * dhidden
    db1 = np.sum(dhidden_sum, axis=0)
    dx = dhidden_sum @ w1.T
    dw1 = x.T @ dhidden_sum
    return value, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2, "x": dx, "y": dy}
"""
    )


def rnn(w, u, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(w @ h + u @ x)
    return h.sum()


def test_a_loop_over_the_rows_of_an_array() -> None:
    text = emitted(rnn, random(3, 3), random(3, 2), random(7, 2))
    assert (
        "    for c in range(7):\n        x = xs[c]  # (1)\n        h = np.tanh(w @ h + u @ x)  # (2)\n"
        in text
    )
    assert "    for c, h, x, h_sum in reversed(stack):\n" in text
    assert "        dxs = dxs + _placed(dx, c, (7, 2))\n" in text


def test_a_loop_over_a_list_of_arrays() -> None:
    text = emitted(rnn, random(3, 3), random(3, 2), [random(2) * k for k in range(1, 8)])
    assert '_require(list(map(np.shape, xs)), [(2,)] * 7, "the shapes of xs")' in text
    assert "        h = np.tanh(w @ h + u @ xs[k])  # (1)\n" in text
    assert "        dxs[k] = dxs[k] + " in text


def test_neighbours_in_an_array() -> None:
    def roughness(u):
        total = 0.0
        for i in range(1, 11):
            total = total + (u[i + 1] - 2 * u[i] + u[i - 1]) ** 2
        return total

    text = emitted(roughness, random(12))
    assert "    for c in range(1, 11):\n        total = total + (u[c + 1] - 2 * u[c] + u[c - 1]) ** 2" in text


def test_an_array_that_is_filled_in_a_loop() -> None:
    def path(x):
        places = np.zeros(8)
        for i in range(8):
            places[i] = x
            x = np.sin(x)
        return (places * places).sum()

    assert "in reversed(stack)" in emitted(path, 0.7)


def test_steps_of_a_system() -> None:
    def orbit(state, dt):
        for _ in range(40):
            slope = np.array([state[1], -state[0]])
            state = state + dt * slope
        return state @ state

    assert emitted(orbit, np.array([1.0, 0.5]), 0.1).count("\n") < 60


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed: int) -> None:
    """To the last bit on the recorded arrays, and on others that take the same path."""
    f = load(array_program(Random(seed)), np)
    numbers = np.random.default_rng(seed)
    args = (*(numbers.normal(size=(3, 3)) for _ in range(3)), 0.7)
    case = Case("", f, args)
    emitted = functions(recorded(case, args)[0].to_python())
    both(case, args, emitted)
    try:
        both(case, tuple(map_leaves(args, moved)), emitted)
    except ValueError as error:
        assert "trace it again" in str(error)  # noqa: PT017 - another path


def test_other_shapes_are_refused() -> None:
    _, backward = functions(emitted(rnn, random(3, 3), random(3, 2), random(7, 2)))
    with pytest.raises(
        ValueError, match="the shape of xs was another when this was recorded: trace it again"
    ):
        backward(random(3, 3), random(3, 2), random(8, 2))


def test_a_branch_on_an_array_is_checked() -> None:
    def f(x):
        return (x * x).sum() if (x > 0).all() else x.sum()

    _, backward = functions(emitted(f, np.array([1.0, 2.0])))
    with pytest.raises(ValueError, match="trace it again"):
        backward(np.array([1.0, -2.0]))


def test_an_array_on_which_nothing_depends() -> None:
    def f(x, y):
        return x.sum() + 0.0 * np.shape(y)[0]

    assert '{"x": dx, "y": np.zeros((2, 3))}' in emitted(f, random(4), random(2, 3))


def test_single_precision() -> None:
    def f(x, w):
        return np.tanh(w @ x).sum() * np.float32(0.1)

    x, w = random(3).astype(np.float32), random(2, 3).astype(np.float32)
    t = tg.trace(f, x, w)
    value, gradients = functions(t.to_python())[1](x, w)
    assert bits((value, gradients)) == bits((t.value, t.gradients))


def test_numbers_among_arrays() -> None:
    def f(x, rate, n):
        scale = np.exp(-rate) * n
        return (x * scale).sum() + rate

    assert "scale = np.exp(-rate) * n" in emitted(f, random(3), 0.3, 2)


def test_long_constants_are_refused_with_advice() -> None:
    large = random(40, 40)
    with pytest.raises(tg.UnsupportedError, match=r"constant array of shape \(40, 40\).*make it an argument"):
        tg.trace(lambda x: (large @ x).sum(), random(40)).to_python()


def test_a_loaded_document_has_no_arrays_to_write(tmp_path: Any) -> None:
    path = tg.trace(lambda x: np.tanh(x).sum(), random(3)).save(tmp_path / "f.json")
    with pytest.raises(
        tg.UnsupportedError, match=r"numpy.sum: source with numpy is written from a trace at hand"
    ):
        tg.load(path).to_python()


def test_names_of_modules() -> None:
    def f(np_, numbers, _placed):
        return (np_ * numbers).sum() + _placed[0] * np.array(
            [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]
        ).sum()

    f.__code__ = f.__code__.replace(co_varnames=("np", "numbers", "_placed"))
    emitted(f, random(3), random(3), random(2))


def test_formatters_leave_the_source_as_it_is(tmp_path: Any) -> None:
    programs = [(mlp, *MLP), (rnn, random(3, 3), random(3, 2), random(7, 2))]
    programs += [(case.function, *case.args) for case in CASES if case.name in FORMATTED]
    for number, (function, *args) in enumerate(programs):
        t, _ = seeded(tg.trace(function, *args))
        t.save(tmp_path / f"m{number}.py")
    assert_formatted(tmp_path)


#: some of the cases; formatters would break the longest lines of others in another way
FORMATTED = frozenset({
    *(case.name for case in CASES[:90]), "where", "where traced", "clip", "average", "cumsum", "sort", "norm", "solve",
    "inv", "cholesky", "einsum", "tensordot", "concatenate", "stack",
})  # fmt: skip


#: numbers and arrays without axes on the way, of which the one comes where the other is meant
NUMBERS = [
    lambda x, v: np.abs(np.array([np.sum(v) + 1j * v[1], np.prod(v)])).sum(),
    lambda x, v: np.abs((np.sum(v) + 1j * v[1]) * np.max(v)),
    lambda x, v: np.sum(x * v[0]) + np.var(x),
    lambda x, v: np.sum(np.fmin(np.array([True, False, True]), v)),
    lambda x, v: np.vecdot(v, v) * x,
    lambda x, v: np.sum(np.where(np.array([0.1, 0.9, -1.0]) > x, v, 2 * x)),
]


@pytest.mark.parametrize("function", NUMBERS)
def test_numbers_where_arrays_are_meant(function: Any) -> None:
    args = 0.7, np.array([0.3, -1.2, 2.5])
    t = tg.trace(function, *args)
    value, gradients = functions(t.to_python())[1](*args)
    assert bits((value, gradients)) == bits((t.value, t.gradients))
    assert tg.check(function, *args)


def test_an_array_without_axes_is_changed_in_place() -> None:
    def f(x: Any, v: Any) -> Any:
        total = np.array(x)
        total *= v[1]
        total[...] = total + x
        return total * x

    args = 0.7, np.array([0.3, -1.2, 2.5])
    t = tg.trace(f, *args)
    np.testing.assert_allclose(t.gradients["v"], [0.0, 0.7 * 0.7, 0.0])
    assert t.gradients["x"] == pytest.approx(2 * 0.7 * (-1.2 + 1))
    value, gradients = functions(t.to_python())[1](*args)
    assert bits((value, gradients)) == bits((t.value, t.gradients))
    assert tg.hessian(f)(*args) == pytest.approx(2 * (-1.2 + 1))


def test_a_formula_that_depends_on_values_is_refused_by_name() -> None:
    with pytest.raises(
        tg.UnsupportedError, match=r"numpy\.linalg\.det: a derivative whose formula depends on"
    ):
        tg.trace(np.linalg.det, np.eye(2)).to_python()


def held(function: Any, *args: Any, seed: Any = None) -> str:
    """The source of a function of arrays: with the numbers of the trace, to the last bit."""
    t = tg.trace(function, *args)
    t = t if seed is None else t.backward(seed)
    text = t.to_python()
    value, gradients = functions(text)[1](*args, *([] if seed is None else [seed]))
    assert bits(value) == bits(t.value)
    assert bits(gradients) == bits(t.gradients)
    return text


def test_numbers_that_vary_with_the_turns() -> None:
    def f(x):
        for i in range(1, 8):
            x = np.sin(x) * i + 0.1
        return x.sum()

    def g(x):
        for i in [0, 2, 1, 0, 1, 2]:
            x = x * 0.5 + x / (i + 1.5) - i
        return x.sum()

    text = held(f, random(3))
    assert "    for c in range(1, 8):\n" in text
    assert "        x = np.sin(x) * c + 0.1  # (1)\n" in text
    assert "        dx = np.cos(x) * (c * dx)\n" in text
    held(g, random(3))


def test_a_first_turn_of_another_shape_or_precision_stands_by_itself() -> None:
    def f(x, y):
        for _ in range(6):
            x = x * 0.5 + y
        return x.sum()

    held(f, random(1), random(3))
    held(f, random(3).astype(np.float32), random(3))


def test_single_precision_among_double() -> None:
    single = np.float32(0.3)

    def f(x, w):
        for _ in range(3):
            x = x - w * np.array([0.1, 0.2, 0.3], np.float32)
        return x.mean() * single

    held(f, np.array(0.5), 1.537)
    held(f, random(3), 1.537)
    held(lambda x: np.sum(x.astype(np.float32) * x), random(3))
    held(lambda x, a: (2.0 * x.sum() + a.sum()) * x.max(), random(3).astype(np.float32), random(2, 2))


def test_the_slope_of_a_deviation_in_the_order_of_its_rule() -> None:
    held(lambda x: np.sum(np.std(x) * x), random(5))
    held(lambda x: np.sum(np.std(x) * x), random(5).astype(np.float32))
    held(lambda x: np.std(x) * 3.7, np.ones(3))


def test_what_returns_from_a_sum_is_an_array_as_in_the_trace() -> None:
    def f(x, w):
        return np.sum(x @ w)

    assert "dvalue_matmul = np.full((3, 4), 1.0)" in held(f, random(3, 5), random(5, 4))
    held(lambda x, w: np.mean(np.log(np.sum(np.exp(x @ w), axis=1))), random(3, 5), random(5, 4))


def test_the_order_of_memory() -> None:
    def f(x, y):
        z = np.maximum(x, y) * np.where(y > np.array([1.0, 0.0, 1.0]), y, -y)
        return np.sum(np.maximum(np.logaddexp(z, x), 0.1) * x)

    x, y = np.asfortranarray(random(3, 1)), np.asfortranarray(np.random.default_rng(5).normal(size=(2, 3, 3)))
    assert "order=" in held(f, x, y)


def test_a_long_array_among_the_results_where_nothing_else_is_one() -> None:
    table = np.linspace(0.0, 1.0, 7) ** 2
    t = tg.trace(lambda x: (x, table), 2.0).backward((1.0, np.zeros(7)))
    value, _ = functions(t.to_python())[1](2.0)
    assert bits(value) == bits(t.value)
