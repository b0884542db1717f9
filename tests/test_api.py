"""The public functions: what they take, give, keep and refuse."""

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import inspect
import math
import pickle
import sys
from typing import NamedTuple

import pytest

import tracegrad as tg


def f(x, y):
    """x y + exp(x)"""
    return x * y + math.exp(x)


@tg.traced
def decorated(x: float, y: float = 2.0, *, scale: float = 1.0) -> float:
    """A doc."""
    return scale * x * y


@tg.traced(wrt=["x"])
def only_x(x, y):
    return x * y


@tg.traced(wrt="w[1]")
def second(w):
    return w[0] * w[1]


class Model:
    """Methods of every kind."""

    rate = 3.0

    def __init__(self, factor=2.0):
        self.factor = factor

    @tg.traced
    def method(self, x):
        return self.factor * x

    @tg.traced(wrt=["self.factor"])
    def by_factor(self, x):
        return self.factor * x

    @tg.traced
    @staticmethod
    def static(x):
        return x * x

    @staticmethod
    @tg.traced
    def static_inside(x):
        return x * x

    @tg.traced
    @classmethod
    def class_method(cls, x):
        return cls.rate * x

    @classmethod
    @tg.traced
    def class_method_inside(cls, x):
        return cls.rate * x

    @tg.traced
    def __call__(self, x):
        return x**2


# ---- traced -----------------------------------------------------------------------------------------------


def test_traced_keeps_what_a_function_is_known_by():
    assert decorated.__name__ == "decorated"
    assert decorated.__qualname__ == "decorated"
    assert decorated.__doc__ == "A doc."
    assert decorated.__module__ == __name__
    assert (
        str(inspect.signature(decorated))
        == "(x: 'float', y: 'float' = 2.0, *, scale: 'float' = 1.0) -> 'float'"
    )
    assert decorated.__wrapped__.__name__ == "decorated"
    assert inspect.unwrap(decorated) is decorated.__wrapped__
    assert repr(decorated) == "<traced decorated>"
    assert isinstance(decorated, tg.TracedFunction)


def test_traced_call_is_the_plain_call():
    seen = []

    @tg.traced
    def g(x, *rest, **options):
        seen.append((type(x), x, rest, options))
        return x

    marker = object()
    assert g(marker, 1, a=2) is marker
    assert seen == [(object, marker, (1,), {"a": 2})]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        g()


def test_traced_functions_pickle_by_reference():
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert copy.deepcopy(decorated) is decorated
    assert pickle.loads(pickle.dumps(only_x)) is only_x


def test_traced_can_give_trace_gradient_and_both():
    assert decorated.trace(3.0).value == 6.0
    assert decorated.grad(3.0) == {"x": 2.0, "y": 3.0, "scale": 6.0}
    assert decorated.value_and_grad(3.0, scale=2.0) == (12.0, {"x": 4.0, "y": 6.0, "scale": 6.0})


def test_wrt():
    assert only_x.grad(2.0, 3.0) == {"x": 3.0}
    assert only_x.trace(2.0, 3.0).value == 6.0
    assert [row.name for row in only_x.trace(2.0, 3.0).inputs] == ["x"]
    assert second.grad([2.0, 3.0]) == {"w": [None, 2.0]}
    assert second([2.0, 3.0]) == 6.0


@pytest.mark.parametrize("wrt", [["z"], ["w[7]"], ["x.rate"], ["w."], ["x", "nothing"], ["self"], ["w[0"]])
def test_unknown_names_to_differentiate_by(wrt):
    g = tg.traced(wrt=wrt)(lambda x, w: x * w[0])
    with pytest.raises(
        tg.InputError, match=r"<lambda> has no number called '.*' to differentiate by; there are: x, w\[0\]"
    ):
        g.trace(1.0, [2.0])


@pytest.mark.parametrize(("name", "expected"), [
    ("method", {"x": 2.0}), ("by_factor", {"self.factor": 3.0}), ("static", {"x": 6.0}), ("static_inside", {"x": 6.0}),
    ("class_method", {"x": 3.0}), ("class_method_inside", {"x": 3.0}), ("__call__", {"x": 6.0}),
])  # fmt: skip
def test_methods(name, expected):
    model = Model()
    method = getattr(model, name)
    if name == "class_method_inside" and sys.version_info >= (3, 13):
        # since then a classmethod no longer asks what it wraps to bind itself
        assert method(3.0) == 9.0
        return
    assert method.trace(3.0).gradients == expected
    assert method.trace(3.0).value == method(3.0)
    assert method.grad(3.0) == expected
    assert vars(model) == {"factor": 2.0}
    if "static" in name or "class" in name:
        assert getattr(Model, name).trace(3.0).gradients == expected
        assert getattr(Model, name)(3.0) == method(3.0)


def test_method_through_its_class():
    assert Model.method(Model(), 3.0) == 6.0
    assert Model.method.trace(Model(), 3.0).gradients == {"x": 2.0}
    assert tg.trace(Model().method, 3.0).gradients == {"x": 2.0}
    assert tg.trace(Model(), 3.0).gradients == {"x": 6.0}


def test_inherited_and_overridden_methods():
    class Child(Model):
        rate = 5.0

        @tg.traced
        def method(self, x):
            return super().method(x) * x

    assert Child().method.trace(3.0).gradients == {"x": 12.0}
    assert Child.class_method.trace(3.0).gradients == {"x": 5.0}
    assert Child.class_method_inside(3.0) == 15.0


def test_traced_lambda_partial_and_callable_object():
    assert tg.traced(lambda x: x * x).grad(3.0) == {"x": 6.0}
    partial = functools.partial(f, y=2.0)
    assert tg.traced(partial).trace(1.0).gradients["x"] == 2.0 + math.e

    class Callable:
        def __call__(self, x):
            return x * x

    assert tg.traced(Callable()).grad(3.0) == {"x": 6.0}
    assert list(tg.traced(math.sin).grad(0.0).values()) == [1.0]


def test_traced_twice_is_traced():
    assert tg.traced(decorated).grad(3.0) == {"x": 2.0, "y": 3.0, "scale": 6.0}


@pytest.mark.parametrize("thing", [3, "text", None, [f]])
def test_traced_refuses_what_is_no_function(thing):
    if thing is None:
        assert callable(tg.traced(None))
        return
    with pytest.raises(tg.InputError, match=f"@traced decorates a function, not {type(thing).__name__}"):
        tg.traced(thing)


# ---- trace: parameters ----------------------------------------------------------------------------------------


def test_every_kind_of_parameter():
    def g(a, b, /, c, d=4.0, *args, e, h=6.0, **kwargs):
        return a + 2 * b + 3 * c + 4 * d + 5 * sum(args) + 6 * e + 7 * h + 8 * kwargs["k"]

    t = tg.trace(g, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, e=1.0, k=1.0)
    assert t.gradients == {
        "a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "args": (5.0, 5.0), "e": 6.0, "h": 7.0, "kwargs": {"k": 8.0},
    }  # fmt: skip
    names = ["a", "b", "c", "d", "args[0]", "args[1]", "e", "h", "kwargs['k']"]
    assert [row.name for row in t.inputs] == names
    assert t.value == g(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, e=1.0, k=1.0)
    short = tg.trace(g, 1.0, 1.0, e=1.0, c=2.0, k=3.0)
    assert short.gradients["d"] == 4.0
    assert short.value == g(1.0, 1.0, e=1.0, c=2.0, k=3.0)


def test_keyword_parameter_with_a_positional_only_twin():
    def g(x, /, **kwargs):
        return x * kwargs["x"]

    assert tg.trace(g, 2.0, x=3.0).gradients == {"x": 3.0, "kwargs": {"x": 2.0}}


def test_wrong_arguments_raise_what_the_plain_call_raises():
    for args, kwargs in [
        ((), {}),
        ((1.0,), {}),
        ((1.0, 2.0, 3.0), {}),
        ((1.0, 2.0), {"z": 1}),
        ((1.0,), {"x": 1}),
    ]:
        with pytest.raises(TypeError) as plain:
            f(*args, **kwargs)
        for run in (lambda a, k: tg.trace(f, *a, **k), lambda a, k: tg.traced(f).trace(*a, **k)):
            with pytest.raises(TypeError) as traced:
                run(args, kwargs)
            assert str(traced.value) == str(plain.value)


def test_callables_of_every_kind():
    assert tg.trace(math.hypot, 3.0, 4.0).value == 5.0
    assert list(tg.trace(math.hypot, 3.0, 4.0).gradients.values()) in ([0.6, 0.8], [(0.6, 0.8)])
    assert tg.trace(functools.partial(f, 1.0), 2.0).gradients == {"y": 1.0}
    assert tg.trace(functools.partial(f, y=2.0), 1.0).gradients["x"] == 2.0 + math.e


def test_builtin_functions():
    assert tg.grad(math.sin)(0.0) == 1.0
    assert tg.grad(math.pow)(2.0, 3.0) == 12.0
    assert tg.grad(math.pow, argnums=1)(2.0, 3.0) == 8.0 * math.log(2.0)
    assert tg.grad(abs)(-2.0) == -1.0
    assert tg.grad(pow)(3.0, 2) == 6.0
    assert tg.grad(max, argnums=(0, 1))(1.0, 2.0) == (0.0, 1.0)
    assert tg.grad(sum)([1.0, 2.0]) == [1.0, 1.0]
    assert tg.grad(tg.grad(math.sin))(0.5) == -math.sin(0.5)
    assert tg.grad(float)(2.0) == 1.0
    assert tg.grad(math.log)(8.0, 2.0) == pytest.approx(1 / (8 * math.log(2)))


# ---- trace: values --------------------------------------------------------------------------------------------


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Params:
    rate: float
    steps: int = 2
    name: str = "p"
    on: bool = True


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: float
    point: Point


def bits(value):
    """To the bit, classes included."""
    return repr(value), type(value)


@pytest.mark.parametrize(("g", "args"), [
    (lambda x: x * 2, (3,)),
    (lambda x: x / 2, (3,)),
    (lambda x, y: (x, y, x + y), (3, 4.0)),
    (lambda x: [x, [x, "text", None, True]], (2.5,)),
    (lambda x: {"a": x, "b": {"c": (x,)}}, (2.5,)),
    (lambda x: Point(x, 2 * x), (2.5,)),
    (lambda p: p, (Point(1, 2.0),)),
    (lambda p: p.rate * p.steps, (Params(0.5),)),
    (lambda p: dataclasses.replace(p, rate=p.rate * 2), (Params(0.5),)),
    (lambda p: p, (Frozen(1.0, Point(2.0, 3)),)),
    (lambda w: w, ([1, 2.0, [3, (4,)], {"k": 5}],)),
    (lambda x: None, (1.0,)),
    (lambda x: "text", (1.0,)),
    (lambda x: True, (1.0,)),
    (lambda x: x > 0, (1.0,)),
    (lambda x: 3, (1.0,)),
    (lambda x, flag: x if flag else -x, (1.0, True)),
    (lambda x, name: {name: x}, (1.0, "k")),
    (lambda d: collections.OrderedDict(reversed(d.items())), (collections.OrderedDict(a=1.0, b=2.0),)),
    (lambda d: d["missing"] + d["a"], (collections.defaultdict(lambda: 0.5, a=1.0),)),
    (lambda x: collections.Counter(a=x), (2,)),
    (lambda x: collections.deque([x, x], maxlen=2), (2.5,)),
    (lambda x: 10**30 * x, (7,)),
    (lambda x: x, (2**100,)),
    (lambda x: -x, (0.0,)),
    (lambda x: x, (math.nan,)),
    (lambda x, y: divmod(x, y), (7, 2)),
    (lambda x: [], (1.0,)),
    (lambda x: ((), {}, [[]]), (1.0,)),
    (lambda x: (v for v in [x]).__class__, (1.0,)),
    (lambda x: x.imag, (1.5,)),
])  # fmt: skip
def test_value_is_that_of_the_plain_call(g, args):
    before = copy.deepcopy(args)
    t = tg.trace(g, *args)
    assert bits(t.value) == bits(g(*copy.deepcopy(args)))
    assert bits(args) == bits(before)


def test_gradients_in_the_structure_of_the_arguments():
    def g(x, point, params, table, words):
        return (
            x * point.x
            + point.y**2
            + params.rate * params.steps
            + table["k"][0] * table["k"][1][0]
            + len(words)
        )

    args = (2.0, Point(3.0, 4.0), Params(0.5), {"k": [5.0, (6.0,)]}, ["a", None])
    t = tg.trace(g, *args)
    assert t.gradients == {
        "x": 3.0,
        "point": Point(2.0, 8.0),
        "params": Params(2.0, 0.5, "p", True),
        "table": {"k": [6.0, (5.0,)]},
    }
    assert type(t.gradients["point"]) is Point
    assert type(t.gradients["params"]) is Params
    names = ["x", "point.x", "point.y", "params.rate", "params.steps", "table['k'][0]", "table['k'][1][0]"]
    assert [row.name for row in t.inputs] == names


def test_what_is_no_number_passes_through_untouched():
    marker = object()

    def g(x, flag, text, nothing, thing, raw):
        assert flag is True
        assert text == "text"
        assert nothing is None
        assert thing is marker
        assert raw == b"raw"
        return x * 2

    assert tg.trace(g, 1.0, True, "text", None, marker, b"raw").gradients == {"x": 2.0}


def test_unused_inputs_have_the_gradient_zero():
    t = tg.trace(lambda x, y, w: x * 2, 1.0, 2.0, [3.0])
    assert bits(t.gradients) == bits({"x": 2.0, "y": 0.0, "w": [0.0]})
    assert tg.grad(lambda x, y: x, argnums=(0, 1))(1.0, 2.0) == (1.0, 0.0)


def test_constant_results_have_the_gradient_zero():
    t = tg.trace(lambda x: 5.0, 1.0)
    assert t.value == 5.0
    assert t.gradients == {"x": 0.0}
    assert t.outputs[0].node is None
    assert tg.grad(lambda x: 5)(1.0) == 0.0
    assert tg.trace(lambda x: (x, 5.0), 1.0).backward((2.0, 3.0)).gradients == {"x": 2.0}


def test_whole_numbers_stay_whole_and_have_gradients():
    t = tg.trace(lambda n, m: n * n + m, 3, 4)
    assert bits(t.value) == bits(13)
    assert t.gradients == {"n": 6.0, "m": 1.0}
    assert all(type(value) is float for value in t.gradients.values())


def test_the_result_is_an_input():
    t = tg.trace(lambda x: x, 2.0)
    assert t.gradients == {"x": 1.0}
    assert tg.trace(lambda x: (x, x), 2.0).backward((1.0, 3.0)).gradients == {"x": 4.0}


def test_the_same_node_twice_in_the_result():
    def g(x):
        y = x * x
        return [y, y, (y,)]

    t = tg.trace(g, 3.0).backward([1.0, 10.0, (100.0,)])
    assert t.gradients == {"x": 666.0}
    assert t["y"].grad == 111.0


def test_aliased_arguments_are_inputs_of_their_own():
    shared = [2.0]
    t = tg.trace(lambda a, b: a[0] * b[0], shared, shared)
    assert t.gradients == {"a": [2.0], "b": [2.0]}
    number = 3.5
    assert tg.trace(lambda x, y: x * y, number, number).gradients == {"x": 3.5, "y": 3.5}


def test_writing_to_a_list_that_is_there_twice_is_refused():
    def write(a, b):
        a[0] = a[0] * 2
        return a[0] * b[0]

    def grow(table):
        table["first"].append(table["first"][0] * 2)
        return table["second"][-1] * 1.0

    def rows(grid):
        grid[0][1] = grid[0][0] * 2
        return grid[1][1] * grid[0][0]

    shared = [3.0]
    for f, args in [
        (write, (shared, shared)),
        (grow, ({"first": shared, "second": shared},)),
        (rows, ([[1.0, 2.0]] * 2,)),
    ]:
        with pytest.raises(
            tg.UnsupportedError, match="writes to a list that is more than once among its arguments"
        ):
            tg.trace(f, *args)
        with pytest.raises(tg.UnsupportedError):
            tg.grad(f)(*args)
    assert shared == [3.0]
    assert tg.trace(write, [3.0], [3.0]).gradients == {"a": [6.0], "b": [6.0]}
    assert tg.trace(lambda a, b: a[0] * b[0], shared, shared).gradients == {"a": [3.0], "b": [3.0]}


def test_a_container_inside_of_itself_is_refused():
    loop = [1.0]
    loop.append(loop)
    with pytest.raises(tg.InputError, match="a list contains itself"):
        tg.trace(lambda w: w[0], loop)


def test_no_numbers_at_all():
    with pytest.raises(tg.InputError, match="was given no number to differentiate by"):
        tg.trace(lambda text: text, "text")
    with pytest.raises(tg.InputError, match="was given no number"):
        tg.trace(lambda: 1.0)


# ---- gradients and seeds ------------------------------------------------------------------------------------


def test_backward_can_be_repeated():
    t = tg.trace(lambda x, y: (x * y, x + y), 2.0, 3.0)
    first = t.backward((1.0, 0.0)).gradients
    assert first == {"x": 3.0, "y": 2.0}
    assert t.backward((1.0, 0.0)).gradients == first
    assert t.backward((0.0, 1.0)).gradients == {"x": 1.0, "y": 1.0}
    assert [node.grad for node in t.nodes[:2]] == [1.0, 1.0]
    assert t.backward((1.0, 0.0)).gradients == first
    assert [node.grad for node in t.nodes[:2]] == [3.0, 2.0]
    assert t.backward({"[0]": 2.0}).gradients == {"x": 6.0, "y": 4.0}
    assert t.backward((1, 2)).gradients == {"x": 5.0, "y": 4.0}


def test_gradients_do_not_accumulate():
    t = tg.trace(lambda x: x * x * x, 2.0)
    assert [t.gradients["x"] for _ in range(3)] == [12.0] * 3
    assert t.backward().gradients == t.backward(1.0).gradients == {"x": 12.0}
    assert t.backward(-2.0).gradients == {"x": -24.0}
    assert t.backward().gradients == {"x": 12.0}
    assert t.document.seed == 1.0


def test_seeds_in_the_structure_of_the_result():
    cases = [
        (lambda x: [x, 2 * x], [1.0, 10.0]),
        (lambda x: {"a": x, "b": [2 * x]}, {"a": 1.0, "b": [10.0]}),
        (lambda x: Point(x, 2 * x), Point(1.0, 10.0)),
        (lambda x: Params(x, 2 * x), Params(1.0, 10.0)),
        (lambda x: (x, "text", 2 * x), (1.0, None, 10.0)),
        (lambda x: (x, (2 * x, None)), {"[0]": 1.0, "[1][0]": 10.0}),
        (lambda x: Point(x, 2 * x), {".x": 1.0, ".y": 10.0}),
    ]
    for g, seed in cases:
        assert tg.trace(g, 3.0).backward(seed).gradients == {"x": 21.0}, seed


def test_seeds_left_out_count_as_zero():
    assert tg.trace(lambda x: {"a": x, "b": 2 * x}, 3.0).backward({"b": 1.0}).gradients == {"x": 2.0}


@pytest.mark.parametrize("seed", [2.0, (1.0,), (1.0, 2.0, 3.0), {"[9]": 1.0}, "text", (), [[1.0]]])
def test_seeds_that_do_not_fit(seed):
    t = tg.trace(lambda x: (x, 2 * x), 3.0)
    with pytest.raises(tg.InputError, match=r"the seed .* the result of .*<lambda> .*'\[0\]', '\[1\]'"):
        t.backward(seed)
    assert t.backward((1.0, 0.0)).gradients == {"x": 1.0}


def test_messages_about_many_numbers_are_short():
    many = [1.0] * 3000
    t = tg.trace(lambda v: [2 * x for x in v], many)
    wrong = [
        lambda: t.gradients,
        lambda: t.backward(many[1:]),
        lambda: t.backward({"[1]": 1.0, "[3000]": 1.0}),
        lambda: tg.jvp(sum, (many,), (many[1:],)),
        lambda: tg.hessian_vector_product(sum)(many, many[1:]),
        lambda: tg.trace(sum, many).document.replay(x=1.0),
        lambda: tg.grad(tg.primitive(vjp=lambda g, out, v: v[1:])(sum))(many),
    ]
    for attempt in wrong:
        with pytest.raises(tg.TracegradError) as caught:
            attempt()
        assert 60 < len(str(caught.value)) < 500


def test_several_numbers_need_a_seed():
    t = tg.trace(lambda x: (x, 2 * x), 3.0)
    with pytest.raises(tg.InputError) as caught:
        t.gradients  # noqa: B018
    assert str(caught.value).endswith(
        "returned 2 numbers: say which to differentiate by a seed in the structure of the result, or by name, for "
        "instance t.backward(seed=(1.0, 0.0))"
    )
    assert t.backward(seed=(1.0, 0.0)).gradients == {"x": 1.0}


def test_results_without_numbers():
    t = tg.trace(lambda x: "text", 3.0)
    with pytest.raises(tg.InputError, match=r"returned no number \(str\): there is nothing to differentiate"):
        t.gradients  # noqa: B018
    assert t.value == "text"


def test_gradient_after_the_graph_was_looked_at_is_the_same():
    def g(x, y):
        return math.sin(x * y) / (x + y) ** 2 - max(x, y)

    one, two = tg.trace(g, 0.7, 1.3), tg.trace(g, 0.7, 1.3)
    assert len(two.graph) > 5
    assert bits(one.gradients) == bits(two.gradients)
    assert bits(one.gradients) == bits({row.name: one[row.name].grad for row in one.inputs})


# ---- grad, value_and_grad, vjp ----------------------------------------------------------------------------------


def test_grad_by_argnums():
    g = lambda x, w, y: x * w[0] + y * w[1]  # noqa: E731
    assert tg.grad(g)(2.0, [3.0, 4.0], 5.0) == 3.0
    assert tg.grad(g, 1)(2.0, [3.0, 4.0], 5.0) == [2.0, 5.0]
    assert tg.grad(g, -1)(2.0, [3.0, 4.0], 5.0) == 4.0
    assert tg.grad(g, (2, 0))(2.0, [3.0, 4.0], 5.0) == (4.0, 3.0)
    assert tg.grad(g, [0])(2.0, [3.0, 4.0], 5.0) == (3.0,)
    assert tg.value_and_grad(g, (0, 1))(2.0, [3.0, 4.0], y=5.0) == (26.0, (3.0, [2.0, 5.0]))


def test_grad_leaves_other_arguments_alone():
    def g(x, n, flag):
        assert type(n) is int
        assert n.__class__ is int
        return x**n if flag else x

    assert tg.grad(g)(2.0, 3, True) == 12.0
    assert tg.grad(g)(2.0, n=3, flag=False) == 1.0


@pytest.mark.parametrize("argnums", [2, -3, (0, 5)])
def test_argnums_beyond_the_arguments(argnums):
    with pytest.raises(tg.InputError, match=r"argnums=-?\d but f was given 2 positional arguments"):
        tg.grad(f, argnums)(1.0, 2.0)


def test_an_argument_named_twice():
    assert tg.grad(lambda x, y: x * y, (0, 0, 1))(2.0, 3.0) == (3.0, 3.0, 2.0)
    with pytest.raises(tg.InputError, match="names an argument twice"):
        tg.hessian_vector_product(lambda x: x * x, (0, 0))(2.0, (1.0, 1.0))


def test_argnums_that_are_no_numbers():
    with pytest.raises(TypeError):
        tg.grad(f, "x")(1.0, 2.0)
    with pytest.raises(TypeError):
        tg.grad(f, 0.5)(1.0, 2.0)


def test_grad_of_something_that_is_not_one_number():
    with pytest.raises(
        tg.InputError, match=r"f2 returned tuple with 2 numbers, and a gradient is that of one number"
    ):
        tg.grad(f2)(1.0)
    with pytest.raises(tg.InputError, match="returned NoneType with 0 numbers"):
        tg.grad(lambda x: None)(1.0)


def f2(x):
    return x, x


def test_derived_functions_are_known_by_the_names_of_the_original():
    assert tg.grad(f).__name__ == "f"
    assert tg.grad(f).__doc__ == "x y + exp(x)"
    assert inspect.signature(tg.grad(f)) == inspect.signature(f)
    assert tg.grad(functools.partial(f, y=1.0))(1.0) == 1.0 + math.e


def test_higher_orders():
    orders = [math.sin, math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x), math.sin]
    g = math.sin
    for expected in orders:
        assert g(0.7) == pytest.approx(expected(0.7), rel=1e-14)
        g = tg.grad(g)


def test_second_order_through_trace_and_traced():
    t = tg.trace(tg.grad(lambda x, y: x**3 * y), 2.0, 5.0)
    assert (t.value, t.gradients) == (60.0, {"x": 60.0, "y": 12.0})
    inner = tg.traced(lambda x: x**3)
    assert tg.grad(lambda x: inner.trace(x).gradients["x"])(2.0) == 12.0
    assert tg.grad(lambda x: inner.grad(x)["x"])(2.0) == 12.0
    assert tg.grad(lambda x: tg.value_and_grad(inner)(x)[1])(2.0) == 12.0
    assert tg.grad(lambda x: tg.vjp(inner, x)[1](1.0)[0])(2.0) == 12.0
    assert (
        tg.grad(lambda x: tg.trace(lambda y: (y * x, y), 3.0).backward((x, 0.0)).gradients["y"])(2.0) == 4.0
    )


def test_vjp():
    value, pullback = tg.vjp(lambda x, y: {"p": x * y, "s": [x + y]}, 3.0, 5.0)
    assert value == {"p": 15.0, "s": [8.0]}
    assert pullback({"p": 1.0, "s": [0.0]}) == (5.0, 3.0)
    assert pullback({"p": 0.0, "s": [1.0]}) == (1.0, 1.0)
    assert pullback({"p": 1.0, "s": [1.0]}) == (6.0, 4.0)
    value, pullback = tg.vjp(lambda x, text, w: x * w[0], 3.0, "text", [2.0])
    assert pullback(2.0) == (4.0, None, [6.0])


# ---- views --------------------------------------------------------------------------------------------------


def staged(x):
    y = x * x
    y = y + x
    z = math.exp(-y)
    return z * y


def test_nodes_by_name():
    t = tg.trace(staged, 0.5)
    assert t["x"].value == 0.5
    assert t["x"].grad == t.gradients["x"]
    assert t["y"].value == t["y", -1].value == t["y", 1].value == 0.75
    assert t["y", 0].value == 0.25
    assert t["y#2"].value == 0.75
    assert t["z"].value == math.exp(-0.75)
    assert t["z"].grad == 0.75
    assert t["y"].name == "y#2"


def test_names_that_are_not_there():
    t = tg.trace(staged, 0.5)
    with pytest.raises(KeyError, match="no variable 'w' in this trace; there are: x, y, z"):
        t["w"]
    with pytest.raises(KeyError, match=r"no value number 2 of 'y' \(there are 2\)"):
        t["y", 2]


def test_steps_are_the_chain_rule():
    t = tg.trace(staged, 0.5)
    adjoint = {}
    for step in t.steps():
        assert step.flow == step.partial * step.upstream
        adjoint[step.source] = step.flow if step.first else adjoint[step.source] + step.flow
        assert adjoint[step.source] == step.total
    assert adjoint[t.graph.inputs[0]] == t.gradients["x"]


def test_repr_and_text():
    t = tg.trace(staged, 0.5)
    assert repr(t) == f"<Trace of staged, value {t.value!r}>"
    assert "z" in str(t)
    assert set(t._repr_mimebundle_()) >= {"text/plain"}


def test_a_trace_outlives_its_function_and_the_next_traces():
    traces = [tg.trace(lambda x, k=k: k * x * x, 3.0) for k in range(4)]
    assert [t.gradients["x"] for t in traces] == [0.0, 6.0, 12.0, 18.0]


def test_guards_and_inputs_and_outputs():
    t = tg.trace(lambda x, y: (x if x > y else y, 1.0), 3.0, 2.0).backward((1.0, 0.0))
    assert [guard.operation for guard in t.guards] == ["gt"]
    assert [(row.path, row.value, row.seed) for row in t.outputs] == [("[0]", 3.0, 1.0), ("[1]", 1.0, 0.0)]


# ---- first steps --------------------------------------------------------------------------------------


def two_results(x, y):
    s = x * y
    if s > 1:
        s = s + 1
    return s, x


def test_several_results_can_be_looked_at_before_a_seed_is_chosen():
    t = tg.trace(two_results, 2.0, 3.0)
    assert [(node.name, node.value, node.adjoint) for node in t.nodes if node.name] == [
        ("x", 2.0, None),
        ("y", 3.0, None),
        ("s", 6.0, None),
        ("s#2", 7.0, None),
    ]
    assert [(output.path, output.seed) for output in t.outputs] == [("[0]", None), ("[1]", None)]
    assert (len(t.guards), [row.name for row in t.inputs], t["s"].value) == (1, ["x", "y"], 7.0)
    text = str(t)
    assert "s = s + 1" in text
    assert "no gradients: two_results returned 2 numbers: say which" in text
    with pytest.raises(tg.InputError, match="returned 2 numbers"):
        t.to_json()
    t.backward((1.0, 0.0))
    assert (t["s"].grad, t.nodes[0].grad) == (1.0, 3.0)


def test_rows_say_in_short_what_they_are():
    t = tg.trace(two_results, 2.0, 3.0).backward((1.0, 0.0))
    assert repr(t["s", 0]) == "<Node n2 s = ×, value 6, grad 1>"
    assert repr(t["x"]) == "<Node n0 x, value 2, grad 3>"
    assert repr(t.document.edges[0]) == "<Edge e0 n0 -> n2[0], flow 3>"
    assert repr(t.document.stages[0]) == "<Stage s0 s = x * y, 1 node>"
    assert repr(t.guards[0]).startswith("<Guard g0 gt(n2, 1) is True, line ")
    assert repr(next(t.steps())) == "<Step adjoint[2] = 1.0 * 1.0, back through 4>"


@pytest.mark.parametrize("ask", [
    lambda t: t.to_svg(colour=1), lambda t: t.to_json(colour=1), lambda t: t.to_networkx(colour=1),
    lambda t: t.at("op", colour=1),
])  # fmt: skip
def test_an_unknown_option_is_told_which_there_are(ask):
    with pytest.raises(tg.InputError, match=r"no option 'colour'; .*level, depth, expand, focus"):
        ask(tg.trace(lambda x: x * x, 3.0))
