"""Emitted source: compiled, run, and held to the interpreter bit for bit; formatted, linted, read by names."""

from __future__ import annotations

import ast
import enum
import functools
import itertools
import math
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from functions import CORPUS, Entry
from hypothesis import HealthCheck, given, settings
from programs import load, points, programs

import tracegrad as tg
from tracegrad import export
from tracegrad.demo import f as staged
from tracegrad.expressions import lines, parse
from tracegrad.primitives import TABLE, bind
from tracegrad.tree import is_leaf, leaves, map_leaves

NAMES = [entry.name for entry in CORPUS]


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 80


def module(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(source, "<emitted>", "exec"), namespace)
    return namespace


def functions(source: str) -> tuple[Any, Any]:
    """The two functions of a module: the last ones in it."""
    namespace = module(source)
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return namespace[names[-2]], namespace[names[-1]]


def bits(structure: Any) -> list[str]:
    """The numbers of a structure, to the last bit; containers of the user's count as their contents."""
    return [f"{type(leaf).__name__} {leaf!r}" for _, leaf in leaves(structure)]


def seeded(t: tg.Trace) -> tg.Trace:
    """A trace with a seed for each of its outputs."""
    numbers = itertools.count(1)
    return t.backward(map_leaves(t.value, lambda _: float(next(numbers)))) if len(leaves(t.value)) > 1 else t


@functools.cache
def recorded(name: str) -> tuple[tg.Trace, str]:
    """The trace of an entry and its source."""
    entry = CORPUS[NAMES.index(name)]
    t = seeded(tg.trace(entry.function, *entry.args))
    return t, t.to_python()


def arguments(t: tg.Trace, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the emitted functions take: the arguments that hold an input."""
    star = [row.name for row in t.inputs if row.name.startswith("args[")]
    return (args,) if star else args


def both(entry: Entry, args: tuple[Any, ...], emitted: tuple[Any, Any]) -> None:
    """Value and gradients of the emitted functions are those of a trace of these arguments."""
    t = seeded(tg.trace(entry.function, *args))
    given = arguments(t, args)
    value, gradients = emitted[1](*given)
    assert bits(value) == bits(t.value)
    assert bits(emitted[0](*given)) == bits(t.value)
    assert bits(gradients) == bits(t.gradients)


@pytest.mark.parametrize("entry", CORPUS, ids=NAMES)
def test_the_same_numbers(entry: Entry) -> None:
    source = recorded(entry.name)[1]
    both(entry, entry.args, functions(source))


#: an exception that the function catches is a branch, and no guard records it
UNGUARDED = frozenset({"attempted"})


def outcomes(t: tg.Trace) -> list[Any]:
    return [(guard.operation, guard.outcome, guard.site) for guard in t.guards]


@pytest.mark.parametrize("factor", [1.0078125, 0.5, -1.25, 3.0])
@pytest.mark.parametrize("entry", CORPUS, ids=NAMES)
def test_other_inputs_give_their_numbers_or_an_error(entry: Entry, factor: float) -> None:
    t, source = recorded(entry.name)
    emitted = functions(source)
    args = map_leaves(entry.args, lambda x: x * factor if isinstance(x, float) else x + 1)
    try:
        entry.function(*args)
    except Exception as error:  # outside of its domain, traced or not
        with pytest.raises(type(error)):
            tg.trace(entry.function, *args)
        return
    try:
        other = seeded(tg.trace(entry.function, *args))
    except tg.UnsupportedError as error:
        assert "complex" in str(error)  # noqa: PT017 - as Python's own power of a negative number is
        return
    if outcomes(t) != outcomes(other):
        with pytest.raises((ValueError, ArithmeticError)):
            emitted[1](*arguments(t, args))
        return
    try:
        emitted[1](*arguments(t, args))
    except (ValueError, ArithmeticError):
        assert any("nonfinite" in node.flags for node in (*t.nodes, *other.nodes)), "raised without need"
        return
    if entry.name not in UNGUARDED:
        both(entry, args, emitted)


@pytest.mark.parametrize("entry", CORPUS, ids=NAMES)
def test_the_same_source_twice(entry: Entry) -> None:
    assert seeded(tg.trace(entry.function, *entry.args)).to_python() == recorded(entry.name)[1]


# ---- style ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emitted")
    for number, entry in enumerate(CORPUS):
        recorded(entry.name)[0].save(folder / f"m{number}.py")
    return folder


def run(tool: str, *args: str, folder: Path) -> None:
    found = subprocess.run([sys.executable, "-m", tool, *args, str(folder)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def assert_formatted(folder: Path) -> None:
    """No formatter would write the modules in a folder otherwise, and no linter finds anything in them."""
    run("ruff", "format", "--isolated", "--no-cache", "--check", folder=folder)
    run("black", "-q", "--check", folder=folder)
    rules = ("--select=E4,E7,E9,F,I,W,B,UP", "--ignore=E741")
    run("ruff", "check", "--isolated", "--no-cache", *rules, folder=folder)


def test_formatters_and_linters_leave_the_source_as_it_is(written: Path) -> None:
    assert_formatted(written)


@pytest.mark.parametrize("entry", CORPUS, ids=NAMES)
def test_nothing_multiplies_by_one(entry: Entry) -> None:
    lines = recorded(entry.name)[1].partition("_backward(")[2].partition("# backprop")[2].splitlines()[1:]
    code = "\n".join(line for line in lines if "#" not in line and "return" not in line)
    assert not re.search(r"(?<![\w.])1(\.0)? \*(?!\*)|\* -?1(\.0)?(?![\w.])|[+] 0\.0(?!\d)", code), code


def test_the_way_back_of_the_notes() -> None:
    """https://cs231n.github.io/optimization-2/#staged: the same variables, in order, ``+=`` where they have it."""
    source = tg.trace(staged, 3, -4).to_python()
    steps = re.findall(r"^    (d\w+) (\+?=)", source.partition("# backprop")[2], flags=re.MULTILINE)
    assert steps == [
        ("dnum", "="), ("dinvden", "="), ("dden", "="), ("dsigx", "="), ("dxpysqr", "="), ("dxpy", "="), ("dx", "="),
        ("dy", "="), ("dx", "+="), ("dx", "+="), ("dsigy", "="), ("dy", "+="),
    ]  # fmt: skip


def names_bound(entry: str) -> list[str]:
    tree = ast.parse(recorded(entry)[1]).body[-1]
    return [
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ("bound_again", ["y", "y_2", "y_3", "dy_2", "dy", "dx", "dx", "dx"]),
        ("gradient_names", ["dy", "ddx", "d_x", "dddx", "ddy", "ddy", "d_x_2", "d_x_2", "d_dx"]),
        ("names_of_builtins", ["sum_", "abs_", "value", "dabs_", "dsum_", "dsum_", "did", "dmax_", "did"]),
        ("items", ["d_k", "d_l", "value", "dd_l", "dd_k", "dd_k", "dx", "dx", "dx"]),
        ("neuron", ["w_0", "w_1", "w_2", "x_0", "x_1", "dot", "value_exp", "value_sum", "value",
                    "ddot", "dw_2", "dw_1", "dx_1", "dw_0", "dx_0"]),
        ("determinant", ["m_0_0", "m_0_1", "m_1_0", "m_1_1", "value", "dm_0_0", "dm_1_1", "dm_0_1", "dm_1_0"]),
    ],
)  # fmt: skip
def test_names_that_a_reader_would_expect(entry: str, names: list[str]) -> None:
    assert sorted(names_bound(entry)) == sorted(names)


def test_only_math_is_imported() -> None:
    for entry in CORPUS:
        imported = re.findall(r"^import (\S+)", recorded(entry.name)[1], flags=re.MULTILINE)
        assert imported in ([], ["math"]) or entry.name in ("gamma_functions", "index"), entry.name


def test_gates_of_one_operand_beside_those_of_two() -> None:
    def f(x: float, y: float) -> float:
        return (
            max([x]) * min({"a": y}.values()) + max(x, y) + math.hypot(x) * math.prod([y]) + math.hypot(x, y)
        )

    t = tg.trace(f, 3.0, 4.0)
    scope: dict[str, Any] = {}
    exec(t.to_python(), scope)
    assert scope["f_backward"](3.0, 4.0) == (t.value, t.gradients)


# ---- guards, poles, limits ----------------------------------------------------------------------------


def test_a_guard_names_the_line() -> None:
    def f(x):
        if x > 1:
            return x * x
        return -x

    _, backward = functions(tg.trace(f, 2.0).to_python())
    assert backward(3.0) == (9.0, {"x": 6.0})
    line = f.__code__.co_firstlineno + 1
    with pytest.raises(
        ValueError, match=rf"test_python.py:{line}: x > 1 gave True when this was recorded, now False"
    ):
        backward(0.5)


def test_a_pole_holds_for_its_numbers_only() -> None:
    _, backward = functions(tg.trace(math.sqrt, 0.0).to_python())
    assert backward(0.0) == (0.0, {"x": math.inf})
    with pytest.raises(ValueError, match="sqrt was at its pole"):
        backward(4.0)


def test_max_follows_the_numbers() -> None:
    _, backward = functions(tg.trace(lambda x, y: max(x, y), 1.0, 2.0).to_python())
    assert backward(3.0, 2.0) == (3.0, {"x": 1.0, "y": 0.0})
    assert backward(2.0, 2.0) == (2.0, {"x": 1.0, "y": 0.0})


def test_seeds_can_be_given() -> None:
    t = tg.trace(lambda x: (x * x, x**3), 2.0).backward((1.0, 0.0))
    _, backward = functions(t.to_python())
    assert backward(2.0) == ((4.0, 8.0), {"x": 4.0})
    assert backward(2.0, (0.0, 1.0)) == ((4.0, 8.0), {"x": 12.0})
    _, backward = functions(tg.trace(lambda x: x * x, 2.0).backward(5.0).to_python())
    assert backward(2.0) == (4.0, {"x": 20.0})


def test_a_long_loop_is_refused_with_advice() -> None:
    def f(x):
        dice = random.Random(1)
        for _ in range(3000):
            x = dice.choice([math.sin, math.cos, math.tanh, math.atan, abs])(x)
        return x

    t = tg.trace(f, 1.0)
    with pytest.raises(tg.InputError, match=r"f ran (\d+) operations that are no turns of a loop.*limit=\1"):
        t.to_python()
    assert functions(t.to_python(limit=3000))[0](1.0) == t.value


def test_text_of_a_document_never_becomes_code() -> None:
    t = tg.trace(lambda x: x * x, 2.0)
    evil = 'x"""\nimport os\x0c\u2028boom()\x00 # "\\'
    stage = t.document.stages[0]
    document = replace(
        t.document,
        stages=(replace(stage, label=evil),),
        function=replace(t.document.function, name=evil, qualname=evil),
        inputs=(replace(t.document.inputs[0], name=evil),),
        nodes=(replace(t.nodes[0], name=evil), *t.nodes[1:]),
    )
    source = export.dump(document, ".py")
    tree = ast.parse(source)
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.Call))]
    assert functions(source)[1](3.0)[0] == 9.0


def test_whole_results_stay_whole() -> None:
    t = tg.trace(lambda n: n * n + 1, 3)
    forward, backward = functions(t.to_python())
    assert repr(forward(3)) == "10"
    assert repr(backward(3)) == "(10, {'n': 6.0})"
    assert is_leaf(t.value)


# ---- every row, special values --------------------------------------------------------------------------

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2, 0, -3, 1e-320, 1e308, -1e200, math.inf, -math.inf, math.nan, 10**400]

ROWS = [
    row for row in TABLE.values() if row.rules and not row.step and row.name not in ("pole", "input", "const")
]


def static_of(row: Any) -> tuple[int, ...]:
    return {"polygamma": (1,), "nextafter_steps": (2,)}.get(row.name, (2,) * len(row.params))


def same(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b) if repr(a) != repr(b) else True


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_at_special_values(row: Any) -> None:
    """Numbers are those of the interpreter, also at kinks and poles and for whole numbers."""
    slots = len(row.domain)
    choice = random.Random(row.name).choice
    cases = [tuple(choice(SPECIAL) for _ in range(slots)) for _ in range(40)]
    cases += [tuple(low + (high - low) * 0.3 for low, high in row.domain), *((x,) * slots for x in SPECIAL)]
    if row.name == "power":
        cases = [args for args in cases if 10**400 not in args]  # two to the power of that never ends
    tried = 0
    for args in cases:
        static = static_of(row)
        try:
            t = tg.trace(lambda *xs: bind(row, *xs, *static), *args)  # noqa: B023
        except (ArithmeticError, ValueError, TypeError, AttributeError, tg.TracegradError):
            continue
        if not isinstance(t.value, (int, float)):
            continue
        tried += 1
        forward, backward = functions(t.to_python())
        assert same(forward(args), t.value), args
        value, gradients = backward(args)
        assert same(value, t.value), args
        expected = [gradient for _, gradient in leaves(t.gradients)]
        found = [gradient for _, gradient in leaves(gradients)]
        assert all(map(same, found, expected)), (args, found, expected, t.to_python())
    assert tried


def test_some_inputs_only() -> None:
    t = tg.traced(wrt=["w[1]"])(lambda w, x: w[0] * w[1] * x).trace([2.0, 3.0], 5.0)
    _, backward = functions(t.to_python())
    assert backward([2.0, 7.0]) == (70.0, {"w": {1: 10.0}})


def test_numpy_where_it_is_used() -> None:
    _, backward = functions(tg.trace(lambda x: numpy.exp(x) * math.sin(x), 2.0).to_python())
    t = tg.trace(lambda x: numpy.exp(x) * math.sin(x), 3.0)
    assert backward(3.0) == (t.value, t.gradients)


@settings(
    deadline=None, derandomize=True, database=None, max_examples=150, suppress_health_check=list(HealthCheck)
)
@given(programs(), points, points)
def test_whole_random_programs(source: str, point: tuple[float, ...], other: tuple[float, ...]) -> None:
    """The same bits on the recorded inputs, and on others that take the same path; an error on those that do not."""
    f = load(source, math)
    t = tg.trace(f, *point)
    emitted = functions(t.to_python())
    assert emitted[0](*point) == t.value
    assert bits(emitted[1](*point)) == bits((t.value, t.gradients))
    moved = tg.trace(f, *other)
    if outcomes(moved) == outcomes(t):
        assert bits(emitted[1](*other)) == bits((moved.value, moved.gradients))
    else:
        with pytest.raises(ValueError, match="trace it again"):
            emitted[1](*other)


def test_a_part_of_a_document_is_refused() -> None:
    document = tg.trace(lambda x, y: x * y + y, 2.0, 3.0).document
    with pytest.raises(tg.InputError, match="n3 lacks operands: source is written from the whole document"):
        export.dump(replace(document, edges=document.edges[:-1]), ".py")
    square = tg.trace(lambda x: x**2, 2.0).document
    nodes = (square.nodes[0], replace(square.nodes[1], params={"n": "boom()"}))
    with pytest.raises(tg.InputError, match="are no numbers"):
        export.dump(replace(square, nodes=nodes), ".py")
    with pytest.raises(tg.InputError, match="document of level 'op', and this is 'stage'"):
        export.dump(replace(document, level="stage"), ".py")


def test_keys_that_are_no_literals() -> None:
    """A key that cannot be written has its text for a name; nothing of an object's ``repr`` becomes code."""

    class Evil(enum.Enum):
        A = "__import__('os')"

    t = tg.trace(lambda table, x: {Evil.A: table[Evil.A] * x}, {Evil.A: 2.0}, 3.0)
    forward, backward = functions(t.to_python())
    assert list(forward(2.0, 3.0).values()) == [6.0]
    assert list(backward(2.0, 5.0)[1].values()) == [5.0, 2.0]


# ---- closed forms -------------------------------------------------------------------------------------


def way_back(t: tg.Trace, **options: Any) -> str:
    """The statements of the way back, without those of the way there."""
    return t.to_python(**options).partition("_backward(")[2].partition("\n\n")[2].partition("    return")[0]


def test_what_a_statement_returns_to_a_variable_is_one_expression() -> None:
    def f(a, b):
        c = a * a - math.sin(-b) / (a * b) + 2.0
        return c * c

    t = tg.trace(f, 1.5, 0.5)
    assert way_back(t) == (
        "    # backprop return c * c  (2)\n"
        "    dc = c + c\n"
        "    # backprop c = a * a - math.sin(-b) / (a * b) + 2.0  (1)\n"
        "    dc_product = c_quotient / c_product * dc\n"
        "    db = a * dc_product + math.cos(-b) * (1.0 / c_product * dc)\n"
        "    da = b * dc_product + a * dc + a * dc\n"
    )
    assert bits(functions(t.to_python())[1](1.5, 0.5)) == bits((t.value, t.gradients))


def test_each_operation_by_itself() -> None:
    """At level ``op`` nothing stands inside of anything else."""
    t = tg.trace(staged, 3, -4)
    source = t.to_python(level="op")
    assert "    sigy_minus = -y\n    sigy_exp = math.exp(sigy_minus)\n    sigy_sum = 1 + sigy_exp\n" in source
    assert way_back(t, level="op").endswith(
        "    # backprop sigy = 1.0 / (1 + math.exp(-y))  (1)\n"
        "    dsigy_sum = -sigy / sigy_sum * dsigy\n"
        "    dsigy_exp = dsigy_sum\n"
        "    dsigy_minus = sigy_exp * dsigy_exp\n"
        "    dy += -dsigy_minus\n"
    )
    with pytest.raises(tg.InputError, match="at level 'stage' or 'op', not 'nonsense'"):
        export.dump(t.document, ".py", level="nonsense")


@pytest.mark.parametrize("entry", CORPUS, ids=NAMES)
def test_the_same_numbers_at_level_op(entry: Entry) -> None:
    t = recorded(entry.name)[0]
    both(entry, entry.args, functions(t.to_python(level="op")))


def test_a_sum_that_does_not_fit_on_a_line_is_added_up_in_steps() -> None:
    def f(first_quantity, second_quantity):
        return sum(first_quantity**n * math.cos(second_quantity) for n in range(2, 6))

    t = tg.trace(f, 0.3, 0.7)
    lines = way_back(t).splitlines()
    assert all(len(line) <= 88 for line in lines if "#" not in line)
    assert sum("dfirst_quantity +=" in line for line in lines) > 0
    assert bits(functions(t.to_python())[1](0.3, 0.7)) == bits((t.value, t.gradients))


def test_the_sign_of_a_zero_in_a_sum() -> None:
    """A zero that is added is no dead term: -0.0 + 0.0 is 0.0."""

    def f(x):
        return math.copysign(0.0, x) * x + 0.0 * x

    for x in (1.0, -1.0, 0.0, -0.0):
        t = tg.trace(f, x)
        assert bits(functions(t.to_python())[1](x)) == bits((t.value, t.gradients))


@pytest.mark.parametrize(
    "text",
    [
        "-(first_of_all_the_numbers / math.hypot(first_of_all_the_numbers, second) / math.hypot(second, 2) * second)",
        "((first_of_all_the_numbers + first_of_all_the_numbers) * math.log(second_of_them_all**2 + 1.25)) ** 2",
        "(first_of_all_the_numbers * second_of_them_all + first_of_all_the_numbers * second).astype(second_of_them)",
    ],
)
def test_long_sums_under_a_sign_an_exponent_or_a_method(text: str, tmp_path: Path) -> None:
    formals = "first_of_all_the_numbers, second, second_of_them, second_of_them_all"
    body = "\n".join(f"    {line}" for line in lines("value_of_it = ", parse(text), 84))
    module = f"import math\n\n\ndef f({formals}):\n{body}\n    return math.exp(value_of_it)\n"
    (tmp_path / "f.py").write_text(module)
    assert_formatted(tmp_path)
