"""One adaptor per contender: from a workload to a call that gives the gradient.

An adaptor takes a `Workload` and returns a function without arguments: value and flat gradient, computed
afresh on every call, trace or graph included. Peers run as their users run them; what has to be added is
said on each. A peer that is not installed returns None.
"""

import math
import operator
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from workloads import Argument, Workload

import tracegrad as tg

Call = Callable[[], tuple[float, list[float]]]


def flat(values: Any) -> list[float]:
    """All floats of a nest of lists, in order."""
    out: list[float] = []
    for value in values:
        if isinstance(value, list | tuple) or getattr(value, "ndim", 0):
            out += flat(value)
        else:
            out.append(float(value))
    return out


# The library


def tracegrad_trace(work: Workload) -> Call:
    """`tg.trace`: the trace with sites and names, and its gradients."""
    fn = work.make(math)

    def call():
        trace = tg.trace(fn, *work.args)
        return trace.value, list(trace.gradients.values())

    return call


def tracegrad_value_and_grad(work: Workload) -> Call:
    """`tg.value_and_grad`: the gradient alone."""
    several = len(work.args) > 1
    fn = tg.value_and_grad(work.make(math), argnums=tuple(range(len(work.args))) if several else 0)

    def call():
        value, gradient = fn(*work.args)
        return value, list(gradient) if several else [gradient]

    return call


# micrograd


def micrograd(work: Workload) -> Call | None:
    """micrograd, with exp, log, sin and tanh added in its own manner: a Value and a closure per operation.

    Its `backward` recurses once per node of the longest chain: the recursion limit is lifted meanwhile.
    """
    try:
        from micrograd.engine import Value
    except ImportError:
        return None

    def unary(name: str, f: Callable[[float], float], derivative: Callable[[float, float], float]):
        def apply(x):
            out = Value(f(x.data), (x,), name)

            def _backward():
                x.grad += derivative(x.data, out.data) * out.grad

            out._backward = _backward
            return out

        return apply

    fn = work.make(
        SimpleNamespace(
            exp=unary("exp", math.exp, lambda x, y: y),
            log=unary("log", math.log, lambda x, y: 1.0 / x),
            sin=unary("sin", math.sin, lambda x, y: math.cos(x)),
            tanh=unary("tanh", math.tanh, lambda x, y: 1.0 - y * y),
        )
    )

    def call():
        args = [[Value(x) for x in arg] if isinstance(arg, list) else Value(arg) for arg in work.args]
        out = fn(*args)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(10_000_000)
        try:
            out.backward()
        finally:
            sys.setrecursionlimit(limit)
        return out.data, [[x.grad for x in arg] if isinstance(arg, list) else arg.grad for arg in args]

    return call


# autograd


def autograd(work: Workload) -> Call | None:
    """autograd, with autograd.numpy for `math`.

    A list goes in as an array and is taken apart once at the start: autograd differentiates a Python list in
    time quadratic in its length.
    """
    try:
        import autograd.numpy as anp
        from autograd import value_and_grad
    except ImportError:
        return None
    inner = work.make(anp)

    def fn(*args):
        return inner(*([a[i] for i in range(len(a))] if anp.ndim(a) else a for a in args))

    def convert(arg: Argument) -> Any:
        return anp.array(arg) if isinstance(arg, list) else arg

    gradient = value_and_grad(fn, argnum=tuple(range(len(work.args))))

    def call():
        value, gradients = gradient(*map(convert, work.args))
        return float(value), list(gradients)

    return call


# Counting


class Counted:
    """A number that counts the operations done with it and its descendants."""

    __slots__ = ("tally", "value")

    def __init__(self, value: float, tally: list[int]):
        self.value = value
        self.tally = tally

    def _counted(self, value: float) -> "Counted":
        self.tally[0] += 1
        return Counted(value, self.tally)

    def __neg__(self):
        return self._counted(-self.value)


def _binary(op: Callable[[Any, Any], Any]):
    def forward(self, other):
        return self._counted(op(self.value, getattr(other, "value", other)))

    def reflected(self, other):
        return self._counted(op(other, self.value))

    return forward, reflected


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _forward, _reflected = _binary(getattr(operator, _name))
    setattr(Counted, f"__{_name}__", _forward)
    setattr(Counted, f"__r{_name}__", _reflected)


def count_operations(work: Workload) -> int:
    """How many operations on inputs, or on what became of them, one plain call does."""

    def unary(f: Callable[[float], float]):
        return lambda x: x._counted(f(x.value))

    tally = [0]
    names = ("exp", "log", "sin", "tanh")
    fn = work.make(SimpleNamespace(**{name: unary(getattr(math, name)) for name in names}))
    fn(*([Counted(x, tally) for x in a] if isinstance(a, list) else Counted(a, tally) for a in work.args))
    return tally[0]
