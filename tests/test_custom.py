"""Primitives of the user: one gate, a derivative by hand, every order, structures, and nothing lost in silence."""

from __future__ import annotations

import json
import math
from math import exp, log1p
from typing import Any

import jsonschema
import pytest

import tracegrad as tg
from tracegrad.document import schema
from tracegrad.laws import check_identity, lint

CALLS: list[Any] = []


@tg.primitive(partials=lambda out, x: 1 / (1 + exp(-x)), symbol="σ⁺")
def softplus(x: float) -> float:
    """log(1 + eˣ)"""
    CALLS.append(type(x))
    return log1p(exp(x))


def plain_softplus(x: float) -> float:
    return log1p(exp(x))


@tg.primitive(partials=[lambda out, x, y: y, lambda out, x, y: x], name="times")
def multiply(x: float, y: float) -> float:
    return x * y


@tg.primitive(
    vjp=lambda g, out, p: [g["product"] * p[1] + g["difference"], g["product"] * p[0] - g["difference"]]
)
def both(p: list[float]) -> dict[str, float]:
    return {"product": p[0] * p[1], "difference": p[0] - p[1]}


def plain_both(p: list[float]) -> dict[str, float]:
    return {"product": p[0] * p[1], "difference": p[0] - p[1]}


def test_the_plain_call_is_untouched() -> None:
    assert softplus(0.5) == plain_softplus(0.5)
    assert softplus.__name__ == "softplus"
    assert softplus.__doc__ == "log(1 + eˣ)"


def test_shows_as_one_gate_and_runs_on_plain_numbers() -> None:
    CALLS.clear()
    t = tg.trace(lambda x: softplus(x) * 2, 0.5)
    assert t.value == plain_softplus(0.5) * 2
    gates = [node for node in t.nodes if node.kind == "op"]
    assert [(node.primitive, node.label) for node in gates] == [("custom.softplus", "σ⁺"), ("mul", "×")]
    assert [float] == CALLS
    t.graph.lint()
    lint(t.document)
    check_identity(t.document)
    jsonschema.validate(json.loads(t.to_json()), schema())
    assert "σ⁺" in t.to_dot()


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_order_equals_the_traced_body(order: int) -> None:
    def derive(f: Any) -> Any:
        for _ in range(order):
            f = tg.grad(f)
        return f

    own = derive(lambda x: softplus(x * x) * x)(0.7)
    assert own == pytest.approx(derive(lambda x: plain_softplus(x * x) * x)(0.7), rel=1e-12)


def test_one_rule_for_each_operand() -> None:
    assert tg.grad(lambda x, y: multiply(x, y) ** 2, (0, 1))(3.0, 5.0) == (150.0, 90.0)
    assert tg.grad(lambda x: multiply(2.0, x))(3.0) == 2.0
    assert tg.grad(lambda x: multiply(x, x))(3.0) == 6.0
    assert tg.hessian(lambda v: multiply(v[0], v[1]))([3.0, 5.0]) == [[0.0, 1.0], [1.0, 0.0]]
    assert tg.trace(multiply, 3.0, 5.0).nodes[-1].primitive == "custom.times"


def test_structures_in_and_out_by_a_vjp() -> None:
    def f(function: Any, a: float, b: float) -> float:
        found = function([a, b * a])
        return found["product"] * exp(found["difference"])

    own, plain = tg.trace(f, both, 0.3, 0.4), tg.trace(f, plain_both, 0.3, 0.4)
    assert own.value == plain.value
    assert own.gradients["a"] == pytest.approx(plain.gradients["a"], rel=1e-14)
    own.graph.lint()
    check_identity(own.document)
    for order_two in (tg.hessian, lambda f, argnums: tg.jacobian(tg.grad(f, argnums), argnums)):
        found = order_two(lambda a, b: f(both, a, b), argnums=(0, 1))(0.3, 0.4)
        expected = tg.hessian(lambda a, b: f(plain_both, a, b), argnums=(0, 1))(0.3, 0.4)
        assert found[0] == pytest.approx(expected[0], rel=1e-13)
        assert found[1] == pytest.approx(expected[1], rel=1e-13)


def test_gradient_trace_and_jvp_read_the_same_rule() -> None:
    g = tg.trace(lambda x: softplus(x) ** 2, 0.5).gradient_trace()
    expected = tg.grad(lambda x: plain_softplus(x) ** 2)(0.5)
    assert g.value[1]["x"] == pytest.approx(expected, rel=1e-14)
    assert tg.jvp(lambda x: softplus(x) ** 2, (0.5,), (2.0,))[1] == pytest.approx(2 * expected, rel=1e-14)


def test_another_gradient_for_a_plain_function() -> None:
    @tg.custom_gradient(lambda g, out, x, factor: (-factor * g, None))
    def reverse(x: float, factor: float) -> float:
        return x

    assert tg.grad(lambda x: reverse(x, 3.0) ** 2)(5.0) == -30.0
    with pytest.raises(tg.UnsupportedError, match="no local gradient by argument 1, which is traced"):
        tg.grad(lambda k: reverse(5.0, k))(3.0)


def test_methods_and_keywords() -> None:
    class Spring:
        stiffness = 4.0

        @tg.primitive(partials=[0.0, lambda out, self, x, *, sign: sign * self.stiffness * x])
        def energy(self, x: float, *, sign: float) -> float:
            return sign * self.stiffness * x * x / 2

    assert tg.grad(lambda x: Spring().energy(x, sign=-1.0))(3.0) == -12.0
    with pytest.raises(tg.UnsupportedError, match="by its keyword arguments"):
        tg.grad(lambda s: Spring().energy(3.0, sign=s))(1.0)


def test_poles_give_inf_or_nan_and_no_exception() -> None:
    @tg.primitive(partials=lambda out, x: 0.5 / out)
    def root(x: float) -> float:
        return math.sqrt(x)

    assert tg.grad(root)(4.0) == 0.25
    assert tg.grad(root)(0.0) == math.inf

    @tg.primitive(partials=lambda out, x: math.log(x))
    def integral(x: float) -> float:
        return x * math.log(x) - x if x else 0.0

    assert math.isnan(tg.grad(integral)(0.0))


def test_what_is_missing_or_wrong_is_told() -> None:
    with pytest.raises(tg.InputError, match="needs one rule"):
        tg.primitive(lambda x: x)
    with pytest.raises(tg.InputError, match="needs one rule"):
        tg.primitive(lambda x: x, partials=1.0, vjp=lambda g, out, x: g)
    two = tg.primitive(lambda x, y: x, partials=lambda out, x, y: 1.0)
    with pytest.raises(tg.UnsupportedError, match="for 2 arguments; write one gradient for each"):
        tg.grad(two)(1.0, 2.0)
    shape = tg.primitive(lambda p: p[0], partials=lambda out, p: 1.0)
    with pytest.raises(tg.UnsupportedError, match="another structure"):
        tg.grad(shape)([1.0, 2.0])
    nothing = tg.primitive(lambda x: "text", partials=lambda out, x: 1.0)
    with pytest.raises(tg.UnsupportedError, match="returned no number"):
        tg.trace(lambda x: nothing(x), 1.0)

    def f(x: float) -> float:
        hidden = tg.primitive(lambda y: x * y, partials=lambda out, y: x)
        return hidden(x)

    with pytest.raises(tg.UnsupportedError, match="not among its arguments"):
        tg.grad(f)(2.0)


def test_an_exception_that_is_caught_is_a_guard() -> None:
    @tg.primitive(partials=lambda out, x: 1 / x)
    def strict(x: float) -> float:
        if x <= 0:
            raise KeyError(x)
        return math.log(x)

    def f(x: float) -> float:
        try:
            return strict(x * 1.0)
        except KeyError:
            return x * x

    t = tg.trace(f, -2.0)
    assert t.gradients == {"x": -4.0}
    assert [(guard.operation, guard.outcome) for guard in t.guards] == [("raised", "KeyError")]
    with pytest.raises(tg.UnsupportedError, match=r"custom\.strict is not among the operations"):
        t.document.replay(x=3.0)


def test_checked_at_definition_on_request() -> None:
    with pytest.raises(tg.CheckFailed, match=r"wrong[\s\S]*worst: n1 = custom\.cube"):

        @tg.primitive(partials=lambda out, x: 2 * x**2, check_at=(1.5,))
        def cube(x: float) -> float:
            return x**3

    with pytest.raises(tg.CheckFailed):
        # right at first order, but the rule hides its own derivative
        tg.primitive(lambda x: x**3, partials=lambda out, x: 3 * tg.detach(x) ** 2, check_at=(1.5,))


def test_documents_come_back(tmp_path: Any) -> None:
    t = tg.trace(lambda x, y: multiply(softplus(x), y), 0.5, 2.0)
    assert tg.load(t.save(tmp_path / "t.json")) == t.document
    assert t.graph.replay([0.5, 2.0]) == t.graph.values
    assert t.graph.replay([1.5, 2.0])[-1] == plain_softplus(1.5) * 2.0
