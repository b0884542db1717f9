"""Around the rows on arrays: conventions, memory, precision, doors, and a walk over all of numpy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy_surface
import pytest
from numpy import array, zeros

import tracegrad as tg


def grad(function: Callable[..., Any], *args: Any) -> Any:
    return tg.grad(lambda *given: function(*given).sum())(*map(np.asarray, args))


# ---- conventions ------------------------------------------------------------------------------------

KINKS: list[tuple[str, Callable[..., Any], Any, Any]] = [
    ("abs", np.abs, [0.0, -2.0], [0, -1]),
    ("sign", np.sign, [0.0, 2.0], [0, 0]),
    ("maximum", lambda x: np.maximum(x, 2.0), [2.0, 3.0, 1.0], [0.5, 1, 0]),
    ("minimum", lambda x: np.minimum(x, 2.0), [2.0, 3.0, 1.0], [0.5, 0, 1]),
    ("array max", np.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    ("array min", lambda x: np.min(x, axis=0), [[1.0, 3.0], [1.0, 4.0]], [[0.5, 1], [0.5, 0]]),
    ("clip", lambda x: np.clip(x, 0, 1), [0.0, 1.0, -0.1, 0.5, 1.1], [1, 1, 0, 1, 0]),
    ("floor", np.floor, [1.0, 1.5], [0, 0]),
    ("floor division", lambda x: x // 2, [4.0, 5.0], [0, 0]),
    ("mod", lambda x: 7.0 % x, [3.0, -3.0], [-2, 3]),
    ("x**0", lambda x: x**0, [0.0, 2.0], [0, 0]),
    ("x**2 at 0", lambda x: x**2, [0.0, 2.0], [0, 4]),
    ("x**y at 0", lambda x: np.power(x, np.array([0.0, 2.0])), [0.0, 0.0], [0, 0]),
    ("0**y", lambda y: np.power(np.zeros(2), y), [0.0, 2.0], [0, 0]),
    ("sqrt", np.sqrt, [0.0, 4.0], [np.inf, 0.25]),
    ("hypot", lambda x: np.hypot(x, x), [0.0], [0]),
    ("norm", np.linalg.norm, [0.0, 0.0], [0, 0]),
    ("std", np.std, [2.0, 2.0], [0, 0]),
    ("prod", np.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
    ("prod of zeros", np.prod, [0.0, 0.0, 3.0], [0, 0, 0]),
    ("det", np.linalg.det, [[1.0, 2.0], [2.0, 4.0]], [[4, -2], [-2, 1]]),
    ("copysign", lambda x: np.copysign(x, -1.0), [2.0, -2.0], [-1, 1]),
    ("comparison", lambda x: (x > 1) * x, [2.0, 0.0], [1, 0]),
    ("log", np.log, [0.0, 2.0], [np.inf, 0.5]),
]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # numpy's own, of the plain call
@pytest.mark.parametrize(
    ("function", "at", "expected"), [row[1:] for row in KINKS], ids=[row[0] for row in KINKS]
)
def test_kinks(function: Callable[..., Any], at: Any, expected: Any) -> None:
    np.testing.assert_allclose(grad(function, at), np.asarray(expected, float), atol=1e-14)


# ---- inputs -----------------------------------------------------------------------------------------


def test_whole_arrays_are_reals_and_stay_whole() -> None:
    t = tg.trace(lambda n: (n * n).sum(), np.array([1, 2, 3]))
    assert t.value == 14
    assert isinstance(t.value, np.integer)
    np.testing.assert_array_equal(t.gradients["n"], [2.0, 4.0, 6.0])
    assert t.gradients["n"].dtype == np.float64


@pytest.mark.parametrize("make", [
    lambda x: x[::2], lambda x: x[::-1], np.asfortranarray, lambda x: x.T, lambda x: np.broadcast_to(x, x.shape),
    lambda x: x[:0], lambda x: x[0, 0][...], lambda x: x.astype(">f8"), lambda x: x.astype(np.float16),
])  # fmt: skip
def test_layouts(make: Callable[[Any], Any]) -> None:
    x = make(np.linspace(0.5, 2.0, 12).reshape(4, 3))
    function = lambda x: (np.exp(x) * x).sum()  # noqa: E731
    t = tg.trace(lambda x: function(x), x)
    assert t.value == function(x)
    np.testing.assert_allclose(
        t.gradients["x"], np.exp(x) * (1 + x), rtol=1e-3 if x.dtype == np.float16 else 1e-15
    )
    assert t.gradients["x"].shape == x.shape


def test_arguments_are_not_changed_and_results_are_the_users() -> None:
    x = np.arange(3.0)

    def f(x: Any) -> Any:
        x[0] = 7.0
        x += 1
        return x, x.sum()

    t = tg.trace(f, x)
    np.testing.assert_array_equal(x, [0, 1, 2])
    np.testing.assert_array_equal(t.value[0], [8, 2, 3])
    t.value[0][:] = 0
    t.backward((np.ones(3), 1.0))
    t.gradients["x"][:] = 0
    x[:] = 100
    np.testing.assert_array_equal(t.backward((np.ones(3), 1.0)).gradients["x"], [0, 2, 2])


def test_constants_may_change_after_their_use() -> None:
    def f(x: Any) -> Any:
        weights = np.array([1.0, 2.0])
        y = x * weights
        weights[:] = 100.0
        return y.sum()

    np.testing.assert_array_equal(tg.grad(f)(np.ones(2)), [1, 2])


def test_unused_arguments_and_containers() -> None:
    t = tg.trace(
        lambda p, q: (p["w"] @ p["b"][0]).sum(), {"w": np.eye(2), "b": [np.ones(2), 3.0]}, np.ones((2, 2))
    )
    assert t.gradients["p"]["b"][1] == 0.0
    np.testing.assert_array_equal(t.gradients["p"]["w"], np.ones((2, 2)))
    np.testing.assert_array_equal(t.gradients["q"], np.zeros((2, 2)))


def test_seeds_of_arrays() -> None:
    value, pullback = tg.vjp(lambda x: x * x, np.arange(3.0))
    np.testing.assert_array_equal(pullback(np.array([1.0, 0.0, 2.0]))[0], [0, 0, 8])
    with pytest.raises(tg.InputError, match=r"shape \(2,\)"):
        pullback(np.ones(2))
    with pytest.raises(tg.InputError, match="array of shape"):
        _ = tg.trace(lambda x: x * x, np.arange(3.0)).gradients
    with pytest.raises(tg.InputError, match="gradient is that of one number"):
        tg.grad(lambda x: x * x)(np.arange(3.0))
    assert value.tolist() == [0, 1, 4]


def test_hessian_by_nesting() -> None:
    def rosenbrock(x: Any) -> Any:
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    x = np.array([1.2, 0.7, -0.4])
    found = np.array([tg.grad(lambda x, i=i: tg.grad(rosenbrock)(x)[i])(x) for i in range(3)])
    a, b = x[:-1], x[1:]
    exact = np.diag([*(1200 * a**2 - 400 * b + 2), 0.0]) + np.diag([0, 200.0, 200.0])
    exact += np.diag(-400 * a, 1) + np.diag(-400 * a, -1)
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_third_order() -> None:
    d = lambda f: lambda x: tg.grad(lambda x: f(x).sum())(x)  # noqa: E731
    x = np.array([0.3, 1.1])
    np.testing.assert_allclose(d(d(d(np.sin)))(x), -np.cos(x), rtol=1e-12)


# ---- arrays that user code fills --------------------------------------------------------------------


def test_names_imported_from_numpy() -> None:
    def f(x: Any) -> Any:
        a = zeros(2)
        a[1] = x[0] * x[1]
        return array([a[1], x[0]]).sum()

    np.testing.assert_array_equal(tg.grad(f)(np.array([2.0, 3.0])), [4, 2])
    assert type(zeros(2)) is np.ndarray
    assert np.zeros is zeros


@pytest.mark.parametrize("make", [
    lambda: np.zeros(shape=2), lambda: np.zeros(2, dtype=float), lambda: np.ones(2, order="C"),
    lambda: np.empty(dtype=float, shape=(2,)), lambda: np.full(2, fill_value=1.0),
    lambda: np.zeros(*(2,), dtype=float),
])  # fmt: skip
def test_arrays_made_with_keywords_are_filled(make: Any) -> None:
    def f(x: Any) -> Any:
        a = make()
        a[0], a[1] = x * 2, x * x
        return a.sum()

    assert tg.grad(f)(3.0) == 8.0


def test_fresh_arrays_stay_plain_where_nothing_traced_is_put() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(3)
        a[0] = 2.0
        a[1:] += 1
        b = copy.deepcopy(a) * 2
        assert type(b) is np.ndarray
        return x.sum() * a.sum(), a, [np.ones(2)], np.zeros(2, bool)

    t = tg.trace(f, np.ones(2))
    assert t.value[0] == 8.0
    assert type(t.value[1]) is type(t.value[2][0]) is type(t.value[3]) is np.ndarray
    np.testing.assert_array_equal(t.value[1], [2, 1, 1])


@pytest.mark.parametrize("alias", [
    "y = x.T; y[0] = 1.0", "y = x.ravel(); y[0] = 1.0", "y = x[0:1]; x[0] = 1.0; y.sum()",
    "y = x.reshape(4); x += y[0]; y + 1", "y = np.zeros((2, 2)); z = y[0]; y[0, 0] = x[0, 0]; z + x",
    "y = np.zeros((2, 2)); z = y.T; y[0, 0] = x[0, 0]; z + x",
    "y = np.zeros((2, 2)); z = np.asarray(y)[::-1]; y[0, 0] = x[0, 0]; z + x",
    "y = np.diagonal(x); x[0, 0] = 2.0; y + 1", "y = np.rot90(x); x[0, 0] = 2.0; y + 1",
])  # fmt: skip
def test_shared_memory_is_traced_or_refused(alias: str) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(f"def f(x):\n    {alias}\n    return x.sum() + y.sum()", scope)
    with pytest.raises(tg.UnsupportedError, match="shares its memory"):
        tg.trace(scope["f"], np.ones((2, 2)))


def test_plain_results_into_fresh_arrays() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(3)
        b = np.add(np.ones(3), 1.0, out=a)
        np.copyto(a[:1], 5.0)
        np.fill_diagonal(c := np.zeros((2, 2)), 3.0)
        return x.sum() * b.sum() * c.sum() * a[0]

    assert tg.trace(f, np.ones(2)).value == f(np.ones(2)) == 2 * 9 * 6 * 5


def test_writes_through_a_row_reach_the_array() -> None:
    def f(x: Any) -> Any:
        x = x * 1.0
        row = x[1]
        row[0] = 5 * x[0, 0]
        return (x * x).sum() + row.sum()

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert tg.trace(f, x).value == f(x)
    np.testing.assert_allclose(tg.grad(f)(x), [[2 + 50 + 5, 4], [0, 9]])


DOORS: list[tuple[str, type[Exception], str]] = [
    ("np.linspace(0, 1, 3, dtype=np.float32).__setitem__(0, x[0])", tg.EscapeError, "plain float"),
    ("np.zeros(2, int).__setitem__(0, x[0])", tg.UnsupportedError, "lose its gradient"),
    ("x * 1j", tg.UnsupportedError, "returned complex numbers"),
    ("float(x[0]) * 1j", tg.UnsupportedError, "returned complex numbers"),
    ("np.sort(x * 1j).real", tg.UnsupportedError, "sort of complex numbers has no row"),
    ("np.sign(x * 1j).real", tg.UnsupportedError, "sign of complex numbers has no row"),
    ("np.max(x + 1j).real", tg.UnsupportedError, "max of complex numbers has no row"),
    ("np.median(x * 1j).real", tg.UnsupportedError, "complex numbers has no row"),
    ("complex(x)", tg.EscapeError, "turned into a complex number"),
    ("np.array(['a', x[0]])", tg.UnsupportedError, "no real numbers"),
    ("np.fft.fft(x)", tg.UnsupportedError, "returned complex numbers"),
    ("np.add(x, 1, out=np.linspace(0, 1, 2))", tg.UnsupportedError, "from outside of the traced function"),
    ("np.sum(x, out=np.linspace(0, 1, 2)[0:1].reshape(()))", tg.UnsupportedError, "from outside"),
    ("np.copyto(np.linspace(0, 1, 2), x)", tg.UnsupportedError, "into a plain array"),
    ("np.log(x, where=x > 1)", tg.UnsupportedError, "leaves elements undefined"),
    ("np.add(x, x, out=np.zeros(2, int))", TypeError, "same_kind"),
    ("np.add(x, 1, dtype=int)", tg.UnsupportedError, "with dtype int64 has no row"),
    ("np.multiply.reduceat(x, [0, 1])", tg.UnsupportedError, "no row"),
    ("np.roots(np.array([1.0, x[0], 2.0]))", tg.UnsupportedError, "returned complex numbers"),
    ("np.histogram(x, 'auto')", tg.UnsupportedError, "a rule for its bins"),
    ("np.multiply.at(x, 0, 1)", tg.UnsupportedError, "no row"),
    ("np.add.at(np.linspace(0, 1, 2), [0, 1], x)", tg.UnsupportedError, "into a plain array"),
    ("np.sqrt([x[0], x[1]])", tg.UnsupportedError, r"Make it an array first: np.array\(\[...\]\)"),
    ("np.add([x[0], x[1]], 1)", tg.UnsupportedError, "a traced number is in a list"),
    ("np.linspace(0, 1, 2) * [x[0], x[1]]", tg.UnsupportedError, "a traced number is in a list"),
    ("np.r_['c', x]", tg.UnsupportedError, "directions in text"),
    ("np.vectorize(np.sum, signature='(n)->()')(x)", tg.UnsupportedError, "with a signature"),
    ("np.linalg.svd(np.outer(x, x) * 1j)[0].real", tg.UnsupportedError, "up to phases"),
    ("x.view(np.int64)", tg.UnsupportedError, "as another kind"),
    ("x.tofile('x')", tg.UnsupportedError, "no row"),
    ("memoryview(x)", tg.UnsupportedError, "compiled code"),
]


@pytest.mark.parametrize(("code", "error", "message"), DOORS, ids=[row[0] for row in DOORS])
def test_doors(code: str, error: type[Exception], message: str) -> None:
    function = eval(f"lambda x: {code}", {"np": np})
    with pytest.raises(error, match=message):
        tg.trace(function, np.array([1.0, 2.0]))


def test_what_is_no_derivative_is_refused_in_the_gradient() -> None:
    x = np.array([[1.0, 2.0, 0.5], [0.3, 1.0, 4.0]])
    with pytest.raises(tg.UnsupportedError, match="belong to no singular value"):
        tg.grad(lambda x: (np.linalg.svd(x).Vh[2] ** 2).sum())(x)
    hermitian = lambda x: x[:, :2] + x[:, :2].T + 1j * (x[:, :2] - x[:, :2].T)  # noqa: E731
    with pytest.raises(tg.UnsupportedError, match="phases"):
        tg.grad(lambda x: np.linalg.eigh(hermitian(x))[1].real.sum())(x)


def test_counts_are_guards() -> None:
    t = tg.trace(lambda x: np.histogram(x, [0.0, 1.0, 2.0])[0] @ x[:2], np.array([0.5, 1.5, 1.7]))
    np.testing.assert_array_equal(t.gradients["x"], [1, 2, 0])
    with pytest.raises(tg.GuardFailed):
        t.graph.replay([np.array([0.5, 0.6, 1.7])])
    t = tg.trace(lambda x: np.arange(x[0]).sum() * x[0], np.array([2.5]))
    assert t.gradients["x"] == 3
    with pytest.raises(tg.GuardFailed):
        t.graph.replay([np.array([3.5])])


def test_gradients_in_a_trace_may_be_written_to() -> None:
    def f(x: Any) -> Any:
        g = tg.grad(lambda x: x.sum() ** 2)(x)
        g *= x
        g[0] = x[1] ** 2
        return g.sum()

    np.testing.assert_array_equal(tg.grad(f)(np.array([2.0, 3.0])), [6, 6 + 10 + 6])


@pytest.mark.parametrize(("function", "other"), [
    (lambda x: np.histogram(x[:2], x[2:] - 1, weights=x[:2])[0], [1.0, 2.0, 1.0, 2.5, 4.0]),
    (lambda x: np.interp(x, [1.0, 2.0], [0.0, 1.0], left=x[0]), [1.5, 2.0, 1.0, 2.0, 4.0]),
    (lambda x: np.nansum(x), [1.0, np.nan, 1.0, 2.0, 4.0]),
    (lambda x: np.nanmedian(x) + np.nanmean(x), [1.0, np.nan, 1.0, 2.0, 4.0]),
])  # fmt: skip
def test_what_a_result_rests_on_is_a_guard(function: Callable[..., Any], other: list[float]) -> None:
    x = np.array([0.5, 1.5, 1.0, 2.0, 4.0])
    t = tg.trace(lambda x: function(x), x)
    np.testing.assert_array_equal(t.graph.replay([x])[t.graph.outputs[0].node], function(x))
    with pytest.raises(tg.GuardFailed):
        t.graph.replay([np.array(other)])


def test_arrays_of_objects_are_containers() -> None:
    def f(x: Any) -> Any:
        a = np.array([x[0], x[1]], dtype=object)
        b = np.empty(2, object)
        b[:] = [x[1], x[0]]
        return (a * b).sum() * a[0]

    np.testing.assert_array_equal(tg.grad(f)(np.array([2.0, 3.0])), [2 * 2 * 3 * 2, 2 * 2 * 2])


def test_guards_of_arrays() -> None:
    t = tg.trace(lambda x: x[x > 1].sum() if np.any(x > 1) else x[np.argmax(x)], np.array([0.5, 2.0]))
    assert [guard.operation for guard in t.guards] == ["gt", "gt"]
    with pytest.raises(tg.GuardFailed):
        t.graph.replay([np.array([2.0, 2.0])])
    assert t.graph.replay([np.array([0.1, 3.0])])[-1] == 3.0


# ---- all of numpy -----------------------------------------------------------------------------------

SURFACE = [*numpy_surface.functions(), *numpy_surface.methods()]
PAGE = Path(__file__).parent.parent / "docs" / "numpy.md"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", SURFACE, ids=lambda entry: f"{entry.home}.{entry.name}".lstrip("."))
def test_every_function_of_numpy_is_traced_or_guarded_or_refused(entry: numpy_surface.Entry) -> None:
    """A result that changes with the input depends on it in the graph, or a guard says so, or there is an error."""
    assert numpy_surface.outcomes(entry), "no call of it is known: give one"
    for call in entry.into:
        numpy_surface.outcome(call)


@pytest.mark.filterwarnings("ignore")
def test_the_page_says_what_comes_of_each(request: pytest.FixtureRequest) -> None:
    made = numpy_surface.page()
    if request.config.getoption("--update-exports"):
        PAGE.write_text(made, encoding="utf-8", newline="\n")
    version = ".".join(np.__version__.split(".")[:2])
    written = PAGE.read_text(encoding="utf-8")
    if f"numpy {version} " in written:  # another numpy has other functions
        assert written == made


def test_a_truth_value_of_numpy_is_a_factor() -> None:
    assert tg.grad(lambda x: x * np.bool_(True) + np.bool_(True) * x)(2.0) == 2.0
    gradient = tg.grad(lambda x: np.sum(x * np.bool_(False) + np.bool_(True) * x))(np.ones(2))
    assert gradient.tolist() == [1.0, 1.0]
