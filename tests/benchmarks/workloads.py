"""The workloads of the benchmark: plain Python functions on floats.

Each `make_*` function takes the sizes of a workload and `m`, the namespace its mathematics comes from, and
returns the function to differentiate. With the default, the `math` module, that function is what a user would
write for himself; a system that cannot differentiate `math` is given a namespace of its own (see `peers.py`).

Arguments are floats and flat lists of floats, and all of them are differentiated. Data, as opposed to
parameters, is held by the closure.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Function = Callable[..., Any]
Argument = float | list[float]


@dataclass(frozen=True)
class Workload:
    """A function to differentiate, where, and its adjoint by hand if there is one."""

    name: str
    make: Callable[[Any], Function]
    """Takes a namespace like `math`, gives the function."""
    args: tuple[Argument, ...]
    adjoint: Callable[..., tuple[float, list[float]]] | None = None
    """Value and gradient, the gradient flat in the order of the arguments."""
    size: int | None = None
    """N, for the workload whose growth is measured."""


# The staged example


def make_staged(m: Any = math) -> Function:
    """The staged computation of the cs231n notes on backpropagation.

    Source: https://cs231n.github.io/optimization-2/#staged
    """

    def staged(x, y):
        sigy = 1.0 / (1 + m.exp(-y))
        num = x + sigy
        sigx = 1.0 / (1 + m.exp(-x))
        xpy = x + y
        xpysqr = xpy**2
        den = sigx + xpysqr
        invden = 1.0 / den
        return num * invden

    return staged


def staged_adjoint(x: float, y: float) -> tuple[float, list[float]]:
    """The backward pass as the same notes write it."""
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden

    dnum = invden
    dinvden = num
    dden = (-1.0 / (den**2)) * dinvden
    dsigx = dden
    dxpysqr = dden
    dxpy = (2 * xpy) * dxpysqr
    dx = dxpy
    dy = dxpy
    dx += ((1 - sigx) * sigx) * dsigx
    dx += dnum
    dsigy = dnum
    dy += ((1 - sigy) * sigy) * dsigy
    return f, [dx, dy]


# The loop


def make_loop(steps: int, m: Any = math) -> Function:
    """Euler's method on dx/dt = sin(x) over one unit of time: three operations a step, one long chain.

    Source: the textbook example of a loop that is unrolled by tracing. The step shrinks with their number, so
    that the gradient stays of order one however long the loop.
    """
    dt = 1.0 / steps

    def loop(x):
        for _ in range(steps):
            x += dt * m.sin(x)
        return x

    return loop


def make_loop_adjoint(steps: int) -> Callable[[float], tuple[float, list[float]]]:
    """The loop's adjoint: keep each x on the way forward, walk them back."""
    dt = 1.0 / steps

    def loop_adjoint(x):
        sin, cos = math.sin, math.cos
        xs = []
        for _ in range(steps):
            xs.append(x)
            x += dt * sin(x)
        dx = 1.0
        for before in reversed(xs):
            dx += dt * cos(before) * dx
        return x, [dx]

    return loop_adjoint


# The multilayer perceptron


def two_moons(count: int) -> list[tuple[tuple[float, float], float]]:
    """Points of two interleaved half circles with some noise, labelled -1 and 1."""
    noise = random.Random(1)
    points = []
    for i in range(count):
        label = 1.0 if i % 2 else -1.0
        angle = math.pi * i / count
        x, y = math.cos(angle), math.sin(angle)
        if label > 0:
            x, y = 1.0 - x, 0.5 - y
        points.append(((x + noise.gauss(0.0, 0.1), y + noise.gauss(0.0, 0.1)), label))
    return points


MLP_SIZES = (2, 16, 16, 1)
MLP_PARAMETERS = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(MLP_SIZES))


def make_mlp(count: int, m: Any = math) -> Function:
    """Squared loss of a 2-16-16-1 perceptron on two moons, one scalar at a time.

    Source: the demo of micrograd, https://github.com/karpathy/micrograd/blob/master/demo.ipynb, with tanh for
    its relu and squares for its hinge.
    """
    points = two_moons(count)

    def neurons(w):
        layers, start = [], 0
        for fan_in, fan_out in pairwise(MLP_SIZES):
            layer = []
            for _ in range(fan_out):
                layer.append((w[start], w[start + 1 : start + 1 + fan_in]))
                start += 1 + fan_in
            layers.append(layer)
        return layers

    def mlp(w):
        *hidden, ((last_bias, last_weights),) = neurons(w)
        loss = 0.0
        for x, label in points:
            for layer in hidden:
                x = [m.tanh(sum((wi * xi for wi, xi in zip(ws, x, strict=True)), bias)) for bias, ws in layer]
            score = sum((wi * xi for wi, xi in zip(last_weights, x, strict=True)), last_bias)
            loss += (score - label) ** 2
        return loss / count

    return mlp


# Rosenbrock's function


def make_rosenbrock(m: Any = math) -> Function:
    """Rosenbrock's function of n variables, the chained form: elementary operations alone, from no namespace.

    Source: Rosenbrock (1960), An automatic method for finding the greatest or least value of a function.
    """

    def rosenbrock(x):
        total = 0.0
        for i in range(len(x) - 1):
            total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
        return total

    return rosenbrock


# The Gaussian mixture


def make_mixture(points: Sequence[tuple[float, float]], m: Any = math) -> Function:
    """Log-likelihood of points in the plane under a mixture of Gaussians, up to a constant.

    Source: the GMM objective of ADBench (Srajer, Kukelova, Fitzgibbon 2018), without its prior and without
    the shift of log-sum-exp. A component has a weight `alphas[k]`, a centre (two of `means`) and the factor
    of its inverse covariance, [[exp(a), 0], [l, exp(b)]] (a, b and l of `icf`).
    """

    def mixture(alphas, means, icf):
        components = []
        for k in range(len(alphas)):
            a, b, low = icf[3 * k : 3 * k + 3]
            components.append((alphas[k] + a + b, means[2 * k], means[2 * k + 1], m.exp(a), m.exp(b), low))
        total = 0.0
        for px, py in points:
            density = 0.0
            for weight, cx, cy, qa, qb, low in components:
                dx, dy = px - cx, py - cy
                u = qa * dx
                v = low * dx + qb * dy
                density += m.exp(weight - 0.5 * (u * u + v * v))
            total += m.log(density)
        return total - len(points) * m.log(sum(m.exp(alpha) for alpha in alphas))

    return mixture


# The list


def loop_workload(operations: int) -> Workload:
    """The loop with about this many operations."""
    steps = operations // 3
    return Workload(
        f"loop 1e{round(math.log10(operations))}",
        lambda m: make_loop(steps, m),
        (0.5,),
        make_loop_adjoint(steps),
        operations,
    )


def all_workloads(max_n: int, mlp_points: int) -> list[Workload]:
    """Every workload, the loop once for each power of ten from 1e3 to `max_n`."""
    draw = random.Random(0)
    weights = [draw.gauss(0.0, 0.4) for _ in range(MLP_PARAMETERS)]
    valley = [draw.uniform(-2.0, 2.0) for _ in range(1000)]
    points = [(draw.gauss(0.0, 1.0), draw.gauss(0.0, 1.0)) for _ in range(100)]
    mixture = tuple([draw.gauss(0.0, 0.5) for _ in range(5 * width)] for width in (1, 2, 3))
    loops, size = [], 1000
    while size <= max_n:
        loops.append(loop_workload(size))
        size *= 10
    return [
        Workload("staged example", make_staged, (3.0, -4.0), staged_adjoint),
        *loops,
        Workload("Rosenbrock n=1000", make_rosenbrock, (valley,)),
        Workload("mixture d=2 K=5 N=100", lambda m: make_mixture(points, m), mixture),
        Workload(f"MLP 2-16-16-1, {mlp_points} points", lambda m: make_mlp(mlp_points, m), (weights,)),
    ]
