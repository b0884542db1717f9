"""Time of a gradient of array code, beside autograd, and beside torch where that is installed.

    python tests/benchmarks/arrays.py [--rounds 21] [--apart]

A row is a workload; times are microseconds per operation of numpy (for the network: milliseconds per step):

    ops         operations of numpy in the function
    plain       the function called on plain arrays
    tracegrad   `tg.value_and_grad(f)(*args)`
    autograd    its `value_and_grad`
    torch       eager, one thread: the forward pass and `backward()`
    autograd /  how many times longer autograd takes than tracegrad; the same for torch

The chains work on arrays of three numbers, so that they show what an operation costs beside numpy's own work: operators
alone, operators and functions, products with a matrix, moves (reductions, indexing, reshaping), statistics, choices by
conditions and bounds, arrays joined, and arithmetic of single elements.  The network is a step of a 784-128-10
perceptron on a batch of 64, where numpy's work is nearly all there is.

All systems run in this one process, in turn, round after round; a time is the median over rounds, a ratio the median of
the ratios within a round.  With `--apart` each system has processes of its own, in turn, and a ratio is that of the
medians: for the network this counts, since what a system gives back to the operating system it has to ask for again.
Before a workload is timed, the gradients are compared to 1e-9.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import numpy as np

import tracegrad as tg

STEPS = 25


class Workload(NamedTuple):
    """A function of (namespace of numpy, arguments), how many operations it has, how many calls are one sample."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    ops: int
    calls: int


def operators(xp: Any, x: Any) -> Any:
    for _ in range(STEPS):
        x = (x * 1.01 + x) / 1.3 - 0.3
    return xp.sum(x)


def functions(xp: Any, x: Any) -> Any:
    for _ in range(STEPS):
        x = xp.sin(x * 1.01) + xp.exp(-x)
    return xp.sum(x)


def products(xp: Any, x: Any, w: Any) -> Any:
    for _ in range(STEPS):
        x = xp.tanh(x @ w + 0.1)
    return xp.sum(x)


def moves(xp: Any, x: Any) -> Any:
    for _ in range(STEPS):
        x = xp.reshape(x[::-1], (3, 1))[:, 0] / xp.sum(x)
    return xp.sum(x * x)


def statistics(xp: Any, x: Any) -> Any:
    for _ in range(STEPS):
        x = x - 0.1 * (x - xp.mean(x, axis=0, keepdims=True)) / (xp.std(x) + xp.max(x))
    return xp.sum(x)


def choices(xp: Any, x: Any) -> Any:
    for _ in range(STEPS):
        x = xp.where(x > 0.15, xp.maximum(x, 0.2), xp.minimum(x, 0.1)) + xp.clip(x, -1.0, 1.0) - xp.abs(x)
    return xp.sum(x)


def joins(xp: Any, x: Any, w: Any) -> Any:
    for _ in range(STEPS):
        pair = xp.stack([xp.concatenate([x[1:], x[:1]]), x])
        x = xp.dot(pair.T, w) / (1.0 + xp.outer(x, x).sum(axis=1))
    return xp.sum(x)


def elements(xp: Any, x: Any) -> Any:
    total = 0.0
    for _ in range(STEPS):
        total = total * x[0] + x[1] * x[2]
    return total


def network(xp: Any, w1: Any, b1: Any, w2: Any, b2: Any, x: Any, labels: Any) -> Any:
    scores = xp.tanh(x @ w1 + b1) @ w2 + b2
    scores = scores - xp.max(scores, axis=1, keepdims=True)
    log_odds = scores - xp.log(xp.sum(xp.exp(scores), axis=1, keepdims=True))
    return -xp.sum(log_odds * labels) / len(x)


def torch_step(args: tuple[Any, ...]) -> Callable[[], Any]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    *weights, x, labels = (torch.tensor(arg) for arg in args)
    for weight in weights:
        weight.requires_grad_(True)

    def step() -> Any:
        for weight in weights:
            weight.grad = None
        scores = torch.tanh(x @ weights[0] + weights[1]) @ weights[2] + weights[3]
        (-(torch.log_softmax(scores, dim=1) * labels).sum() / len(x)).backward()
        return [weight.grad.numpy() for weight in weights]

    return step


def workloads() -> list[Workload]:
    rng = np.random.default_rng(0)
    x, w = np.array([0.1, 0.2, 0.3]), rng.normal(size=(3, 3))
    parameters = (
        rng.normal(size=(784, 128)) / 28,
        np.zeros(128),
        rng.normal(size=(128, 10)) / 11,
        np.zeros(10),
    )
    batch = (rng.normal(size=(64, 784)), np.eye(10)[rng.integers(0, 10, 64)])
    return [
        Workload("operators", operators, (x,), 4 * STEPS + 1, 20),
        Workload("functions", functions, (x,), 5 * STEPS + 1, 20),
        Workload("products", products, (x, w), 3 * STEPS + 1, 20),
        Workload("moves", moves, (x,), 5 * STEPS + 2, 10),
        Workload("statistics", statistics, (x,), 8 * STEPS + 1, 10),
        Workload("choices", choices, (x,), 8 * STEPS + 1, 10),
        Workload("joins", joins, (x, np.array([0.6, 0.5])), 10 * STEPS + 1, 10),
        Workload("elements", elements, (x,), 6 * STEPS, 20),
        Workload("network", network, parameters + batch, 1000, 3),
    ]


def systems(work: Workload) -> dict[str, Callable[[], Any]]:
    numbers = tuple(range(4)) if work.name == "network" else (0,)
    own = tg.value_and_grad(lambda *args: work.function(np, *args), numbers)
    other = autograd.value_and_grad(lambda *args: work.function(anp, *args), numbers)
    found: dict[str, Callable[[], Any]] = {
        "plain": lambda: work.function(np, *work.args),
        "tracegrad": lambda: own(*work.args)[1],
        "autograd": lambda: other(*work.args)[1],
    }
    if work.name == "network" and importlib.util.find_spec("torch"):
        found["torch"] = torch_step(work.args)
    for name in list(found)[2:]:
        for one, expected in zip(found["tracegrad"](), found[name](), strict=True):
            np.testing.assert_allclose(one, expected, rtol=1e-9, atol=1e-12, err_msg=f"{work.name}, {name}")
    return found


def seconds(run: Callable[[], Any], calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        run()
    return (perf_counter() - start) / calls


def together(work: Workload, rounds: int) -> list[dict[str, float]]:
    """Seconds per call by system, round after round."""
    runs = systems(work)
    return [{name: seconds(run, work.calls) for name, run in runs.items()} for _ in range(rounds)]


def apart(work: Workload, rounds: int) -> list[dict[str, float]]:
    """The same, each system in a process of its own: one round, of medians over rounds in three processes each."""
    names = list(systems(work))
    command = [sys.executable, __file__, "--rounds", str(rounds), "--workload", work.name, "--system"]
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(3):
        for name in names:
            found[name].append(float(subprocess.check_output([*command, name], text=True)))
    return [{name: median(times) for name, times in found.items()}]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--apart", action="store_true", help="each system in processes of its own")
    parser.add_argument("--workload", help="only this one")
    parser.add_argument("--system", help="seconds per call of this system, and nothing else")
    options = parser.parse_args()
    works = [work for work in workloads() if options.workload in (None, work.name)]
    if options.system:
        (work,) = works
        run = systems(work)[options.system]
        print(median(seconds(run, work.calls) for _ in range(options.rounds)))
        return
    print(
        f"{'workload':10} {'ops':>5} {'plain':>8} {'tracegrad':>10} {'autograd':>9} {'torch':>7} {'autograd /':>11}"
    )
    for work in works:
        times = (apart if options.apart else together)(work, options.rounds)
        shown = {name: median(one[name] for one in times) / work.ops * 1e6 for name in times[0]}
        ratios = [median(one[name] / one["tracegrad"] for one in times) for name in list(shown)[2:]]
        torch = f"{shown['torch']:7.2f}" if "torch" in shown else "      -"
        print(
            f"{work.name:10} {work.ops if work.ops != 1000 else 'step':>5} {shown['plain']:8.2f} "
            f"{shown['tracegrad']:10.2f} {shown['autograd']:9.2f} {torch} {ratios[0]:11.2f}",
            *(f"  torch / {ratio:.2f}" for ratio in ratios[1:]),
        )


if __name__ == "__main__":
    main()
