"""Time of a gradient per elementary operation, beside the peers and beside the limit.

    python tests/benchmarks/run.py [--quick] [--max-n 1000000] [--sample 0.005] [--json]

The systems compared are those which, like tracegrad, run a plain Python function on scalars and build its
graph anew on every call. autograd is in the `dev` extra, micrograd is on PyPI; one that is not installed is
a column of dashes.

First table. A row is a workload (`workloads.py` says where each comes from), times are nanoseconds per
operation:

    ops            operations of Python on inputs or on what became of them, counted by running the function
    plain          the function called on floats
    by hand        value and gradient by an adjoint written by hand: the limit for anything in Python
    tracegrad      `tg.trace(f, *args)` and its `.gradients`: a whole trace, with sites and names
    value_and_grad `tg.value_and_grad(f)(*args)`: the gradient alone
    micrograd      graph and `backward()`
    autograd       `value_and_grad`
    micrograd /    how many times longer a peer takes than `tracegrad`: above 1 the peer is slower
    autograd /

Ratios are the figure to read; times depend on the machine. All systems run in this one process, in turn,
round after round (A B C A B C ...), so that a slow spell of the machine meets all of them. A time is the
median over rounds; a ratio is the median over rounds of the ratio within a round.

The cyclic garbage collector is on, as users have it. It is what makes systems slow at size that keep a
graph of objects in reference cycles, and that belongs in the figure. Between samples the garbage of the
previous system is collected off the clock, so nobody pays for another's. A sample is one call, or as many as
fill 5 ms. That is kind to the peers: in a row of calls, as in training, each also meets the garbage of the
ones before (`--sample 0.2` shows it).

`loop 1e6` is `x += dt * sin(x)` with N = 1e6 operations, one chain. The growth exponent is the slope of its
log time over log N from N = 1e3 up (least squares): 1 is linear.

Second table. Memory per operation of the longest loop, in a process of its own; what `@tg.traced` adds to a
plain call; what a trace costs that holds a single operation.

Before a workload is timed, value and gradient of all systems are compared to 1e-9; on a difference the
script stops with status 1 and prints no table.
"""

import argparse
import gc
import json
import math
import os
import platform
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import linear_regression, median
from time import perf_counter
from typing import Any

import peers
from workloads import Workload, all_workloads, loop_workload

import tracegrad as tg

TOLERANCE = 1e-9
LONGEST = 45.0
"""Seconds: a peer expected to take longer is not run."""
SLOW, SLOWER = 1.0, 8.0
"""Seconds: a call longer than this is timed in three rounds, or in one."""

OURS = "tracegrad"
PEERS = ("micrograd", "autograd")
TIMED = ("plain", "by hand", OURS, "value_and_grad", *PEERS)
TRUSTED = ("plain", "by hand", *PEERS, OURS, "value_and_grad")

Row = dict[str, Any]


def say(text: str) -> None:
    """Progress, beside the tables."""
    print(text, file=sys.stderr, flush=True)


# Timing


def sample(call: Callable[[], Any], repeats: int) -> float:
    """Seconds per call, over some calls in a row."""
    gc.collect()
    turns = range(repeats)
    start = perf_counter()
    for _ in turns:
        call()
    return (perf_counter() - start) / repeats


def interleave(
    calls: dict[str, Callable[[], Any]], rounds: int, span: float, first: dict[str, float]
) -> dict[str, list[float]]:
    """Samples A B C A B C ..., each of one call or of as many as fill `span` seconds.

    `first` is how long a call of each took once; the slow ones sit out the later rounds.
    """
    repeats, turns = {}, {}
    for name, call in calls.items():
        once = first[name]
        if once < span:
            once = min(once, sample(call, max(3, min(1000, int(span / once)))))
        repeats[name] = max(1, math.ceil(span / once))
        turns[name] = 1 if once > SLOWER else min(rounds, 3) if once > SLOW else rounds
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        for name, call in calls.items():
            if turn < turns[name]:
                samples[name].append(sample(call, repeats[name]))
    return samples


def ratio(samples: dict[str, list[float]], name: str) -> float | None:
    """How many times longer than tracegrad: the median of the rounds' own ratios."""
    if name not in samples:
        return None
    return median(theirs / ours for theirs, ours in zip(samples[name], samples[OURS], strict=False))


def slope(rows: list[Row], name: str) -> float | None:
    """The exponent of growth with N, where there are two sizes to see it by."""
    seen = [(row["size"], row["ns"][name]) for row in rows if row["size"] and row["ns"].get(name)]
    if len(seen) < 2:
        return None
    xs = [math.log(size) for size, _ in seen]
    return linear_regression(xs, [math.log(size * ns) for size, ns in seen]).slope


# Agreement


class Disagreement(Exception):
    """Two systems give different derivatives, so their times mean nothing."""


def compare(work: Workload, name: str, found: Any, reference_name: str, reference: Any) -> None:
    """All components agree; one that cancels to nothing, by the measure of the largest."""
    expected, got = peers.flat(reference), peers.flat(found)
    if len(got) != len(expected):
        raise Disagreement(f"{work.name}: {name} gives {len(got)} numbers, {reference_name} {len(expected)}")
    slack = 1e-3 * TOLERANCE * max(map(abs, expected))
    for i, (a, b) in enumerate(zip(got, expected, strict=True)):
        if not math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=slack):
            raise Disagreement(f"{work.name}: component {i} is {a!r} by {name} and {b!r} by {reference_name}")


def check(work: Workload, calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Compare all systems, in the order of `TRUSTED`; how long a call of each took, not the first if that was short."""
    took = {}
    results = {}
    for name in sorted(calls, key=TRUSTED.index):
        for _ in range(2):
            gc.collect()
            start = perf_counter()
            results[name] = calls[name]()
            took[name] = perf_counter() - start
            if took[name] > SLOW:
                break
    plain = results.pop("plain")
    reference, (_, expected) = next(iter(results.items()))
    for name, (value, gradient) in results.items():
        compare(work, name, [value], "the plain call", [plain])
        compare(work, name, gradient, reference, expected)
    return took


# The first table


def calls_of(work: Workload, operations: int, earlier: Row | None, missing: set[str]) -> dict[str, Any]:
    """What there is to time on a workload, in the order of the columns."""
    plain = work.make(math)
    calls: dict[str, Any] = {"plain": lambda: plain(*work.args)}
    if adjoint := work.adjoint:
        calls["by hand"] = lambda: adjoint(*work.args)
    calls[OURS] = peers.tracegrad_trace(work)
    calls["value_and_grad"] = peers.tracegrad_value_and_grad(work)
    for name in PEERS:
        call = getattr(peers, name)(work)
        if call is None:
            missing.add(name)
        elif not too_long(name, operations, earlier):
            calls[name] = call
    return calls


def too_long(name: str, operations: int, earlier: Row | None) -> bool:
    """Would this peer need over `LONGEST`, by what it took for a smaller size and a growth of 1.25?"""
    if earlier is None:
        return False
    before = earlier["ns"].get(name)
    if before is None:
        return True
    seconds = before * earlier["ops"] / 1e9
    return seconds * (operations / earlier["ops"]) ** 1.25 > LONGEST


def measure(workloads: list[Workload], rounds: int, span: float, notes: list[str]) -> list[Row]:
    """Check and time every workload."""
    rows: list[Row] = []
    missing: set[str] = set()
    skipped: dict[str, list[str]] = {}
    unchecked = []
    earlier: Row | None = None
    for work in workloads:
        say(f"{work.name} ...")
        operations = peers.count_operations(work)
        calls = calls_of(work, operations, earlier if work.size else None, missing)
        took = check(work, calls)
        if not {"by hand", *PEERS} & set(calls):
            unchecked.append(work.name)
        samples = interleave(calls, rounds, span, took)
        row: Row = {
            "workload": work.name,
            "size": work.size,
            "ops": operations,
            "ns": {name: median(times) / operations * 1e9 for name, times in samples.items()},
            "rounds": {name: len(times) for name, times in samples.items()},
            "ratio": {name: ratio(samples, name) for name in PEERS},
        }
        for name in PEERS:
            if name not in calls and name not in missing:
                skipped.setdefault(name, []).append(work.name)
        rows.append(row)
        if work.size:
            earlier = row
    notes += [f"{name} is not installed: pip install {name}" for name in sorted(missing)]
    for name, names in skipped.items():
        notes.append(f"{name} not run on {', '.join(names)}: it would take over {LONGEST:.0f} s")
    if unchecked:
        notes.append(f"no second system to compare the gradient with on: {', '.join(unchecked)}")
    once = [f"{name} on {row['workload']}" for row in rows for name, n in row["rounds"].items() if n < rounds]
    if once:
        notes.append(f"slow, hence timed in fewer rounds than {rounds}: {'; '.join(once)}")
    return rows


# The second table

MEMORY = {
    "peak": "allocated at the peak",
    "held": "held by trace and gradients",
    "resident": "resident at the peak, of the process",
}


def peak_resident() -> int | None:
    """The process's own peak of resident memory in bytes, where Linux tells."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = [line.split() for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(lines[0][1]) * 1024 if lines else None


def memory_here(size: int) -> dict[str, float | None]:
    """Bytes per operation of a trace and its gradients. Needs a fresh process: a peak never goes down."""
    fn, args = loop_workload(size).make(math), (0.5,)
    operations = peers.count_operations(loop_workload(size))
    small = loop_workload(1000).make(math)
    peers.flat(tg.trace(small, *args).gradients.values())  # imports and caches are not the trace's
    gc.collect()
    before = peak_resident()
    trace = tg.trace(fn, *args)
    gradients = trace.gradients
    after = peak_resident()
    del trace, gradients
    gc.collect()
    tracemalloc.start()
    trace = tg.trace(fn, *args)
    gradients = trace.gradients
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert gradients
    return {
        "operations": operations,
        "peak": peak / operations,
        "held": held / operations,
        "resident": None if before is None or after is None else (after - before) / operations,
    }


def memory(size: int) -> dict[str, float | None]:
    """The same, in a process of its own."""
    say(f"memory of loop {size:.0e} ...")
    command = [sys.executable, str(Path(__file__)), "--memory-here", str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def one_operation(x):
    """The smallest function there is something to trace in."""
    return x + 1.0


def overheads(rounds: int, span: float) -> dict[str, float]:
    """Seconds of a plain call, of a decorated one, and of a trace of one operation."""
    say("overheads ...")
    decorated = tg.traced(one_operation)
    if decorated(3.0) != 4.0 or tg.trace(one_operation, 3.0).gradients != {"x": 1.0}:
        raise Disagreement("x + 1.0 at 3.0: not 4.0, or its derivative not 1.0")
    calls = {
        "plain call": lambda: one_operation(3.0),
        "decorated call": lambda: decorated(3.0),
        "trace": lambda: tg.trace(one_operation, 3.0),
        "trace and gradient": lambda: tg.trace(one_operation, 3.0).gradients,
    }
    return {
        name: median(times)
        for name, times in interleave(calls, rounds, span, dict.fromkeys(calls, 1e-5)).items()
    }


# Printing


def number(value: float | None, digits: int = 0) -> str:
    """With thousands separated; a dash for what was not measured."""
    return "-" if value is None else f"{value:,.{digits}f}"


def table(head: list[str], body: list[list[str]]) -> str:
    """A Markdown table whose columns line up: text to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]

    def line(cells: list[str]) -> str:
        first, *rest = map(str.rjust, cells, widths)
        return " | ".join([f"| {cells[0].ljust(len(first))}", *rest]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(head), rule, *map(line, body)])


def report(result: dict[str, Any]) -> str:
    """Everything as text."""
    head = ["ns per operation", "ops", *TIMED, *(f"{name} /" for name in PEERS)]
    body = []
    for row in result["rows"]:
        times = [number(row["ns"].get(name), 0 if row["ns"].get(name, 0) >= 100 else 1) for name in TIMED]
        ratios = [number(row["ratio"][name], 1) for name in PEERS]
        body.append([row["workload"], number(row["ops"]), *times, *ratios])
    growth = ", ".join(f"{name} {number(value, 2)}" for name, value in result["growth"].items())
    used, spent = result["memory"], result["overheads"]
    added = spent["decorated call"] - spent["plain call"]
    small = [
        *([f"memory {name}, bytes per operation", number(used[key])] for key, name in MEMORY.items()),
        ["call of a plain function, ns", number(spent["plain call"] * 1e9)],
        ["call of the same, decorated, ns", number(spent["decorated call"] * 1e9)],
        ["added by @tg.traced, ns", number(added * 1e9)],
        ["trace of one operation, us", number(spent["trace"] * 1e6, 1)],
        ["the same with its gradient, us", number(spent["trace and gradient"] * 1e6, 1)],
    ]
    return "\n".join(
        [
            result["versions"],
            "",
            table(head, body),
            "",
            f"Growth exponent of the loop in N: {growth}",
            "",
            table([f"loop of {number(used['operations'])} operations; one call", OURS], small),
            *([""] if result["notes"] else []),
            *(f"note: {note}" for note in result["notes"]),
        ]
    )


def versions() -> str:
    """What was compared, and on what."""
    named = [f"{platform.python_implementation()} {platform.python_version()}"]
    for name in (OURS, *PEERS):
        try:
            named.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            named.append(f"{name} -")
    return ", ".join([*named, f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"])


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="run.py [options]"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    parser.add_argument("--max-n", type=float, metavar="N", help="longest loop (1000000; with --quick 10000)")
    parser.add_argument("--sample", type=float, default=0.005, metavar="S", help="seconds per sample (0.005)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    parser.add_argument("--memory-here", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.memory_here:
        print(json.dumps(memory_here(options.memory_here)))
        return 0

    rounds, points = (3, 20) if options.quick else (15, 100)
    max_n = int(options.max_n or (10_000 if options.quick else 1_000_000))
    if max_n < 1000:
        parser.error("--max-n: the loop starts at 1000")
    notes: list[str] = []
    try:
        workloads = all_workloads(max_n, points)
        longest = max(work.size for work in workloads if work.size)
        rows = measure(workloads, rounds, options.sample, notes)
        result = {
            "versions": versions(),
            "rounds": rounds,
            "rows": rows,
            "growth": {name: slope(rows, name) for name in (OURS, "value_and_grad", *PEERS)},
            "memory": memory(longest),
            "overheads": overheads(rounds, options.sample),
            "notes": notes,
        }
    except Disagreement as difference:
        print(f"not timed, the results differ: {difference}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2) if options.json else report(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
