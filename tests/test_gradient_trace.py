"""The gradient as a trace: its bits, its names, its places, and that it is a trace like any other."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
import pytest

import tracegrad as tg
from tracegrad.document import schema
from tracegrad.laws import check_identity, lint


def staged(x: float, y: float) -> float:
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden


def loop(a: float) -> float:
    x = a
    for _ in range(3):
        x = x - (x * x - a) / (2 * x)
    return x


def several(p: dict[str, Any], k: int) -> dict[str, Any]:
    return {"a": p["x"] ** k, "b": [math.sin(p["y"] * p["x"]), 4.0]}


@pytest.mark.parametrize(("f", "args"), [
    (staged, (3, -4)), (loop, (2.0,)), (math.hypot, (3.0, 4.0)), (lambda x: x, (2.0,)), (lambda x: 5.0, (2.0,)),
    (lambda x: max(x, 2 * x) + abs(x) + sum([x, x, 1.0]) + math.prod([x, x]), (1.5,)),
    (lambda x: math.sqrt(x), (0.0,)), (lambda xs: math.fsum(x * x for x in xs), ([1.0, 2.0, 3],)),
])  # fmt: skip
def test_values_are_those_of_the_trace_bit_for_bit(f: Any, args: tuple[Any, ...]) -> None:
    t = tg.trace(f, *args)
    g = t.gradient_trace()
    assert repr(g.value) == repr((t.value, t.gradients))
    g.graph.lint()
    lint(g.document)
    if all(math.isfinite(node.value) for node in g.nodes):
        check_identity(g.document)
    jsonschema.validate(json.loads(g.to_json()), schema())


def test_adjoints_are_named_after_their_values() -> None:
    t = tg.trace(staged, 3, -4)
    g = t.gradient_trace()
    for name in ("x", "y", "sigy", "num", "sigx", "xpy", "xpysqr", "den"):
        assert g[f"d{name}"].value == t[name].grad, name
    assert g["dden"].id == g["dsigx"].id == g["dxpysqr"].id  # a sum hands its gradient on
    with pytest.raises(KeyError, match="no variable 'dnothing'"):
        g["dnothing"]


def test_a_variable_that_is_called_like_an_adjoint() -> None:
    def f(x: float) -> float:
        dx = x * x
        return dx * dx

    g = tg.trace(f, 3.0).gradient_trace()
    assert g["dx", 0].value == 9.0
    assert g["dx", 1].value == 4 * 27.0
    assert g["ddx"].value == 18.0
    names = [node.name for node in g.nodes if node.name is not None]
    assert names == ["x", "dx", "ddx", "dx#2"]


def test_backward_operations_stand_at_the_statement_they_belong_to() -> None:
    g = tg.trace(staged, 3, -4).gradient_trace()
    first = staged.__code__.co_firstlineno
    assert g["dden"].site is not None
    assert g["dden"].site.line == first + 7
    clusters = {cluster.id: cluster.name for cluster in g.document.clusters}
    assert {clusters[node.cluster] for node in g.nodes if node.name in ("dden", "dx")} == {"backward"}
    assert all(node.cluster is None for node in g.nodes if node.name in ("den", "x"))
    stages = {stage.id: stage.label for stage in g.document.stages}
    assert stages[g["dden"].stage] == "backward of invden = 1.0 / den"
    assert stages[g["den"].stage] == "den = sigx + xpysqr"


def test_backward_stages_are_contiguous() -> None:
    for f, args in ((staged, (3, -4)), (loop, (2.0,))):
        g = tg.trace(f, *args).gradient_trace()
        for stage in g.document.stages:
            if stage.label.startswith("backward"):
                numbers = [int(node[1:]) for node in stage.nodes]
                assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_differentiated_again_it_gives_the_hessian() -> None:
    t = tg.trace(staged, 3, -4)
    g = t.gradient_trace()
    assert g.gradients == t.gradients  # the seed is on the value, at first
    expected = tg.hessian(staged, (0, 1))(3, -4)
    for row, name in zip(expected, "xy", strict=True):
        found = g.backward({f"[1]['{name}']": 1.0}).gradients
        assert (found["x"], found["y"]) == pytest.approx(row, rel=1e-12)
        second = t.gradient_trace().gradient_trace({f"[1]['{name}']": 1.0})
        assert second.value[1] == pytest.approx(dict(zip("xy", row, strict=True)), rel=1e-12)
        assert second["ddden"].stage is not None


def test_several_outputs_need_a_seed_as_always() -> None:
    t = tg.trace(several, {"x": 1.3, "y": 0.4}, 3)
    with pytest.raises(tg.InputError, match="say which to differentiate"):
        t.gradient_trace()
    seed = {"a": 2.0, "b": [1.0, 0.0]}
    g = t.gradient_trace(seed)
    assert g.value == (t.value, t.backward(seed).gradients)
    assert g.gradients == t.gradients


def test_guards_are_kept_and_replay_works() -> None:
    def f(x: float) -> float:
        return x * x if x > 1 else x

    g = tg.trace(f, 2.0).gradient_trace()
    assert g.guards[0].operation == "gt"
    values = g.graph.replay([3.0])
    outputs = [values[out.node] if out.node is not None else out.value for out in g.graph.outputs]
    assert outputs == [9.0, 6.0]
    with pytest.raises(tg.GuardFailed):
        g.graph.replay([0.5])


def test_small_graphs_for_small_gradients() -> None:
    g = tg.trace(lambda x: x * x * x + x, 2.0).gradient_trace()
    backward = [node for node in g.nodes if node.cluster is not None and node.kind == "op"]
    assert len(backward) <= 6
    assert len(tg.trace(lambda x, y: x + y - 2, 1.0, 2.0).gradient_trace().nodes) <= 5


def test_a_long_chain_does_not_recurse() -> None:
    def chain(x: float) -> float:
        for _ in range(20_000):
            x = x * 1.0001
        return x

    g = tg.trace(chain, 1.0).gradient_trace()
    assert g.value[1]["x"] == g.value[0]


def test_gradients_inside_of_a_traced_function_are_placed_the_same_way() -> None:
    def inner(x: float) -> float:
        square = x * x
        return math.sin(square)

    def outer(x: float) -> float:
        slope = tg.grad(inner)(x)
        return slope * x

    t = tg.trace(outer, 0.5)
    names = [cluster.name for cluster in t.document.clusters]
    assert names == ["inner", "backward"]
    assert t["dsquare"].value == math.cos(0.25)
    assert t["dsquare"].site is not None
    assert t["dsquare"].site.text == "math.sin(square)"
    lint(t.document)
    check_identity(t.document)
