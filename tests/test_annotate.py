"""Stages are executions of statements, clusters are calls; ids, names and bytes are the same each time."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tracegrad as tg
from tracegrad.laws import check_identity, lint

FILE = Path(__file__).read_text(encoding="utf-8")


def labels(f, *args):
    return [stage.label for stage in document(f, *args).stages]


def document(f, *args):
    t = tg.trace(f, *args)
    return t.backward(None if len(t._outputs) == 1 else {path: 1.0 for path, _ in t._outputs}).document


# ---- stages -----------------------------------------------------------------------------------------------


def staged(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    xpysqr = (x + y) ** 2
    return num / xpysqr


def test_one_stage_for_each_statement():
    found = document(staged, 3.0, -4.0)
    assert [(stage.name, stage.label) for stage in found.stages] == [
        ("sigy", "sigy = 1.0 / (1 + math.exp(-y))"),
        ("num", "num = x + sigy"),
        ("xpysqr", "xpysqr = (x + y) ** 2"),
        (None, "return num / xpysqr"),
    ]
    primitives = {node.id: node.primitive for node in found.nodes}
    operations = [
        [primitives[id] for id in stage.nodes if primitives[id] != "const"] for stage in found.stages
    ]
    assert operations == [["neg", "exp", "add", "div"], ["add"], ["add", "literal_power"], ["div"]]
    assert all(stage.label in FILE for stage in found.stages)


def test_constants_belong_to_the_stage_that_uses_them():
    found = document(staged, 3.0, -4.0)
    for stage in found.stages:
        assert all(found.nodes[int(id[1:])].stage == stage.id for id in stage.nodes)
    assert {node.stage for node in found.nodes if node.kind == "input"} == {None}


def loop(x):
    for _ in range(3):
        x = x * 2 + 1
    return x


def while_loop(x):
    while x < 20:
        x = x * 2 + 1
    return x


def loop_with_one_statement_inside(x):
    total = 0.0
    for k in (1, 2):
        for j in (3, 4):
            total += x * k * j
    return total


def comprehension(x):
    return sum([x * k + 1 for k in range(4)])


def generator(x):
    total = sum(x * k for k in range(4))
    return total * 2


def dict_and_set_comprehensions(x):
    table = {k: x * k for k in range(3)}
    return sum({v + 1 for v in table.values()})


def test_a_stage_is_one_execution_of_a_statement():
    assert labels(loop, 1.0) == ["x = x * 2 + 1"] * 3
    assert labels(while_loop, 1.0) == ["x = x * 2 + 1"] * 4
    assert labels(loop_with_one_statement_inside, 1.0) == ["total += x * k * j"] * 4
    assert labels(comprehension, 1.0) == ["return sum([x * k + 1 for k in range(4)])"]
    assert labels(generator, 1.0) == ["total = sum(x * k for k in range(4))", "return total * 2"]
    assert labels(dict_and_set_comprehensions, 1.5) == [
        "table = {k: x * k for k in range(3)}", "return sum({v + 1 for v in table.values()})",
    ]  # fmt: skip


def headers(x):
    if x * 2 > 1:
        y = x * 3
    while x * 4 < 0:
        pass
    for v in [x * 5]:
        y = y + v
    with open(os.devnull) as _:  # noqa: PTH123
        y = y + 1
    assert y * 6 > 0
    match int(x * 7):
        case _:
            y = y - 1
    return y


def test_a_compound_statement_is_shown_by_its_header():
    assert labels(headers, 1.0) == [
        "if x * 2 > 1", "y = x * 3", "while x * 4 < 0", "for v in [x * 5]", "y = y + v", "y = y + 1",
        "assert y * 6 > 0",
        "match int(x * 7)", "y = y - 1",
    ]  # fmt: skip


def same_statement_twice(x):
    y = math.sin(x) * math.sin(x)
    y = divmod(y, 0.3)[1] + y**2
    return y  # noqa: RET504


def test_operations_of_one_execution_stay_together():
    assert labels(same_statement_twice, 1.0) == [
        "y = math.sin(x) * math.sin(x)",
        "y = divmod(y, 0.3)[1] + y**2",
    ]


def several_lines(x):
    y = (
        x * 2
        + math.sin(
            x
        )
    )  # fmt: skip
    z = [
        y * k
        for k in range(2)
    ]  # fmt: skip
    return y + z[1]


def test_statements_over_several_lines():
    found = document(several_lines, 1.0)
    assert [stage.label for stage in found.stages] == [
        "y = ( x * 2 + math.sin( x ) )", "z = [ y * k for k in range(2) ]", "return y + z[1]",
    ]  # fmt: skip
    first = found.stages[0].site
    assert first.end_line - first.line == 5
    assert {line.line for line in found.source} >= set(range(first.line, first.end_line + 1))


def two_on_a_line(x):
    a = x * 2; b = a + 1  # noqa: E702  # fmt: skip
    return a * b


def test_statements_on_one_line():
    assert labels(two_on_a_line, 1.0) == ["a = x * 2", "b = a + 1", "return a * b"]


def test_a_lambda_is_a_stage_of_its_own():
    found = document(lambda x: x * x + 1, 3.0)
    assert [stage.label for stage in found.stages] == ["x * x + 1"]
    assert found.clusters == ()


# ---- clusters -----------------------------------------------------------------------------------------------


def square(v):
    return v * v


def norm(a, b):
    return math.sqrt(square(a) + square(b))


def calls(x, y):
    first = norm(x, y)
    return first + square(x)


def test_a_cluster_for_each_call():
    found = document(calls, 3.0, 4.0)
    assert [(cluster.id, cluster.name, cluster.parent, cluster.site.text) for cluster in found.clusters] == [
        ("c0", "norm", None, "norm(x, y)"),
        ("c1", "square", "c0", "square(a)"),
        ("c2", "square#2", "c0", "square(b)"),
        ("c3", "square#3", None, "square(x)"),
    ]
    by_cluster = {node.cluster for node in found.nodes}
    assert by_cluster == {None, "c0", "c1", "c2", "c3"}
    for stage in found.stages:
        assert {found.nodes[int(id[1:])].cluster for id in stage.nodes} == {stage.cluster}
    assert found.nodes[-1].name is None
    assert tg.trace(calls, 3.0, 4.0)["first"].value == 5.0


def recursive(x, n):
    return x if n == 0 else recursive(x, n - 1) * x


def test_recursion_nests_clusters():
    found = tg.trace(recursive, 2.0, 3).document
    assert [(cluster.name, cluster.parent) for cluster in found.clusters] == [
        ("recursive", None),
        ("recursive#2", "c0"),
    ]
    assert found.value == 16.0


def values(x):
    yield x * 1
    yield x * 2


def consumes(x):
    return sum(values(x))


def interleaved(x):
    one, two = values(x), values(x)
    a = next(one)
    b = next(two)
    c = next(one)
    return a + b + c


def test_a_generator_is_one_call():
    assert [cluster.name for cluster in document(consumes, 3.0).clusters] == ["values"]
    found = document(interleaved, 3.0)
    assert [cluster.name for cluster in found.clusters] == ["values", "values#2"]
    assert [node.cluster for node in found.nodes if node.primitive == "mul"] == ["c0", "c1", "c0"]


def through_builtins(x):
    return sum(map(square, [x, x])) + max([x], key=square)


def test_calls_through_builtins():
    assert [cluster.name for cluster in document(through_builtins, 3.0).clusters] == [
        "square",
        "square#2",
        "square#3",
    ]


class Model:
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, x):
        return self.step(x) * 2

    def step(self, x):
        return x * self.rate


def test_methods_are_calls():
    found = document(Model(3.0), 2.0)
    assert found.function.name == "Model"
    assert [cluster.name for cluster in found.clusters] == ["step"]


# ---- the document ---------------------------------------------------------------------------------------------

FUNCTIONS = [loop, while_loop, loop_with_one_statement_inside, comprehension, generator, headers, same_statement_twice,
             several_lines, two_on_a_line, consumes, interleaved, through_builtins]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_laws(f):
    found = document(f, 1.0)
    lint(found)
    check_identity(found)
    assert [node.id for node in found.nodes] == [f"n{i}" for i in range(len(found.nodes))]
    assert [edge.id for edge in found.edges] == [f"e{i}" for i in range(len(found.edges))]
    assert [stage.id for stage in found.stages] == [f"s{i}" for i in range(len(found.stages))]


def test_what_a_document_says_of_the_function():
    found = document(staged, 3.0, -4.0)
    function = found.function
    assert (function.name, function.qualname, function.module) == ("staged", "staged", __name__)
    assert function.file.endswith("test_annotate.py")
    assert not Path(function.file).is_absolute()
    assert document(math.hypot, 3.0, 4.0).function.file is None


def test_labels_and_params():
    found = document(lambda x: round(x**3, 2) + 2.5 * x - 1e-9, 1.5)
    assert [node.label for node in found.nodes] == ["x", "^3", "round", "2.5", "×", "+", "1e-09", "−"]
    assert [dict(node.params) for node in found.nodes if node.params] == [{"n": 3}, {"digits": 2}]
    assert [node.dtype for node in document(lambda n: n * 2.0, 3).nodes] == ["int", "float", "float"]


def test_guards_name_nodes_and_numbers():
    def f(x, y):
        if x > y and x < 10:
            return x
        return y

    found = document(f, 3.0, 2.0)
    assert [(guard.id, guard.operation, guard.operands, guard.outcome) for guard in found.guards] == [
        ("g0", "gt", ({"node": "n0"}, {"node": "n1"}), True),
        ("g1", "lt", ({"node": "n0"}, {"value": 10}), True),
    ]
    assert [guard.site.text for guard in found.guards] == ["x > y", "x < 10"]


def test_ties_are_marked():
    found = document(lambda x, y: max(x, y) + min(x, 5.0), 2.0, 2.0)
    assert [node.primitive for node in found.nodes if "tie" in node.flags] == ["max"]


def test_no_address_and_no_absolute_path_in_a_document():
    text = tg.trace(calls, 3.0, 4.0).to_json()
    assert str(Path(__file__).parent) not in text
    assert "0x" not in text


SCRIPT = """
import math, sys
sys.path.insert(0, {folder!r})
import test_annotate as these, tracegrad as tg

def f(x, w, table):
    words = {{"one", "two", "three", "four"}}
    total = 0.0
    for name in sorted(words):
        total += math.sin(x * len(name)) * w[0] + table[name[:1]]
    return {{"total": total, "x": max(x, *w)}}

t = tg.trace(f, 0.5, [1.0, 2.0], {{"o": 1.0, "t": 2.0, "f": 3.0}}).backward({{"total": 1.0, "x": 0.0}})
print(t.to_json())
print(tg.trace(these.calls, 3.0, 4.0).to_json())
print(tg.trace(these.headers, 1.0).to_json())
print(t.to_dot())
"""


def test_same_bytes_in_every_process():
    folder = str(Path(__file__).parent)
    outputs = set()
    for seed in ("0", "1", "12345"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        code = SCRIPT.format(folder=folder)
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
        )
        outputs.add(run.stdout)
    assert len(outputs) == 1
    (text,) = outputs
    assert '"format": "tracegrad"' in text
    assert "digraph" in text


def test_same_bytes_each_time():
    assert len({tg.trace(calls, 3.0, 4.0).to_json() for _ in range(3)}) == 1
