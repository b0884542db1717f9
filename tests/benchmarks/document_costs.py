"""What a document costs, against the trace that it shows.

Each step is timed on a trace of its own, in rounds in which the steps take turns, so that a busy machine is unfair to
all alike; given are medians, and ratios of medians to that of the trace with its gradients. A step includes those that
it needs: the document has its graph in it, an export its document.

    python tests/benchmarks/document_costs.py            # 100,000 operations each
    python tests/benchmarks/document_costs.py --operations 1000000 --rounds 3 --workload loop

Workloads:
    loop      x += dt * sin(x), over and over: three operations on one line
    calls     the same through a helper function: a call for each turn
    branches  a loop whose turns go three ways, in no order that repeats
    nested    a loop with a call in it and an inner loop, each time of another length
    distinct  as many operations in a function of distinct statements, in a file of its own
"""

from __future__ import annotations

import argparse
import gc
import math
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tracegrad as tg
from tracegrad.variables import variables

Step = Callable[[tg.Trace], Any]


def loop(x, turns):
    dt = 1e-5
    for _ in range(turns):
        x += dt * math.sin(x)
    return x


def slope(x):
    return math.sin(x)


def calls(x, turns):
    dt = 1e-5
    for _ in range(turns):
        x += dt * slope(x)
    return x


def branches(x, turns):
    dt, state = 1e-5, 1
    for _ in range(turns):
        state = (1103515245 * state + 12345) % 2**31
        way = state >> 16 & 3
        if way == 0:
            x += dt * math.sin(x)
        elif way == 1:
            slope = math.cos(x)
            x = x - dt * slope
        else:
            x = x * (1 - dt * x)
    return x


def nested(x, turns):
    dt, state = 1e-5, 1
    while turns > 0:
        state = (1103515245 * state + 12345) % 2**31
        rate = dt * slope(x)
        x = x - rate
        inner = min(state >> 16 & 7, turns - 1)
        for _ in range(inner):
            x += rate * math.cos(x)
        turns -= inner + 1
    return x


def distinct(turns, folder):
    """A function of that many statements, of which nothing is known yet."""
    lines = ["import math", "def distinct(x, dt):", "    x0 = x"]
    lines += [f"    x{turn} = x{turn - 1} + dt * math.sin(x{turn - 1})" for turn in range(1, turns + 1)]
    lines += [f"    return x{turns}"]
    path = Path(folder) / f"distinct_{len(list(Path(folder).iterdir()))}.py"
    path.write_text("\n".join(lines), encoding="utf-8")
    scope = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    return scope["distinct"]


def flagged(trace: tg.Trace) -> None:
    """Everything that rows are made of, and no row but one."""
    assert trace.document.nodes[-1].flags is not None


def saved(trace: tg.Trace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trace.save(Path(folder) / "trace.json")


def rows(trace: tg.Trace) -> None:
    for row in (*trace.document.nodes, *trace.document.edges, *trace.document.stages):
        assert row.id


STEPS: dict[str, Step] = {
    "gradients": lambda trace: trace.gradients,
    "graph": lambda trace: trace.graph,
    "names": lambda trace: variables(trace.graph),
    "document": lambda trace: trace.document,
    "document, names and flags": flagged,
    "every row made": rows,
    "at stage": lambda trace: trace.at("stage"),
    "at line": lambda trace: trace.at("line"),
    "JSON in a file": saved,
    "JSON at line": lambda trace: trace.to_json(level="line"),
    "DOT at line": lambda trace: trace.to_dot(level="line"),
}


def measure(make: Callable[[], tuple[Any, ...]], rounds: int) -> dict[str, float]:
    """Seconds of the trace, and of each step after it: medians."""
    times: dict[str, list[float]] = {"trace": []}
    for _ in range(rounds):
        for name, step in STEPS.items():
            fn, *args = make()
            gc.collect()
            start = time.process_time()
            trace = tg.trace(fn, *args)
            traced = time.process_time()
            step(trace)
            times["trace"].append(traced - start)
            times.setdefault(name, []).append(time.process_time() - traced)
            del trace
    return {name: statistics.median(found) for name, found in times.items()}


def report(found: dict[str, dict[str, float]], operations: int) -> str:
    """A Markdown table: milliseconds, and how many traces that is."""
    names = list(next(iter(found.values())))
    lines = [
        f"| {operations:,} operations | " + " | ".join(f"{name}, ms | / trace" for name in found) + " |",
        "|" + "---|" + "---:|" * (2 * len(found)),
    ]
    for name in names:
        cells = [
            f"{times[name] * 1e3:,.0f} | {times[name] / (times['trace'] + times['gradients']):.1f}"
            for times in found.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += ["", f"Python {platform.python_version()}; {peak:,.0f} MB at the peak, of the whole process"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="document_costs.py [options]",
    )
    parser.add_argument("--operations", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument(
        "--workload", choices=["loop", "calls", "branches", "nested", "distinct"], action="append"
    )
    options = parser.parse_args(argv)
    turns = options.operations // 3
    with tempfile.TemporaryDirectory() as folder:
        workloads = {
            "loop": lambda: (lambda x: loop(x, turns), 0.5),
            "calls": lambda: (lambda x: calls(x, turns), 0.5),
            "branches": lambda: (lambda x: branches(x, turns), 0.5),
            "nested": lambda: (lambda x: nested(x, turns), 0.5),
            "distinct": lambda: (distinct(turns, folder), 0.5, 1e-5),
        }
        chosen = options.workload or list(workloads)
        found = {name: measure(workloads[name], options.rounds) for name in chosen}
    print(report(found, 3 * turns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
