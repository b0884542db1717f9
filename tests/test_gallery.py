"""The gallery: each example is drawn again and must give the files in `exports/`, byte for byte.

    pytest tests/test_gallery.py --update-exports

writes them anew; look at the pictures before committing them.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tracegrad import Trace
from tracegrad.cli import main
from tracegrad.laws import check_identity

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
EXPORTS = ROOT / "exports"
FORMATS = (".dot", ".json", ".svg", ".png")


#: examples on arrays: the last digits of numpy's sums and functions depend on the processor
ARRAYS = frozenset({"gaussian_process", "layer"})


def without_numbers(text: str) -> str:
    return re.sub(r"-?\d[\d.]*(e[+-]?\d+)?", "#", text)


def traced(example: Path) -> Trace:
    """The trace that an example makes when it is imported."""
    return runpy.run_path(str(example))["t"]


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("in_root")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_gives_the_files_of_the_gallery(
    example: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    t = traced(example)
    check_identity(t.document)
    if example.stem in ARRAYS and not request.config.getoption("--update-exports"):
        for suffix in (".dot", ".json"):
            made = t.save(tmp_path / f"{example.stem}{suffix}").read_text(encoding="utf-8")
            golden = EXPORTS / f"{example.stem}{suffix}"
            assert without_numbers(made) == without_numbers(golden.read_text(encoding="utf-8")), golden.name
        return
    for suffix in FORMATS:
        golden = EXPORTS / f"{example.stem}{suffix}"
        if request.config.getoption("--update-exports"):
            t.save(golden)
        assert t.save(tmp_path / golden.name).read_bytes() == golden.read_bytes(), golden.name


@pytest.mark.usefixtures("in_root")
def test_demo_gives_the_files_of_the_gallery(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if request.config.getoption("--update-exports"):
        assert main(["demo"]) == 0
    capsys.readouterr()
    assert main(["demo", "-o", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for suffix in FORMATS:
        assert (tmp_path / f"demo{suffix}").read_bytes() == (EXPORTS / f"demo{suffix}").read_bytes(), suffix
        assert f"demo{suffix}" in shown


def test_nothing_else_lies_in_the_gallery() -> None:
    stems = {"demo", *(path.stem for path in EXAMPLES)}
    assert {path.name for path in EXPORTS.iterdir()} == {
        stem + suffix for stem in stems for suffix in FORMATS
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_as_a_script(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(example), run_name="__main__")
    assert "gradient" in capsys.readouterr().out
    assert (tmp_path / f"{example.stem}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_values_of_the_notes() -> None:
    staged = traced(ROOT / "examples" / "staged.py")
    assert staged.value == 1.5456448841066441
    assert staged.gradients == {"x": 2.0595697955721652, "y": 1.5922327514838093}
    neuron = traced(ROOT / "examples" / "neuron.py")
    assert neuron.value == pytest.approx(0.7310585786300049, rel=1e-15)
    assert neuron.gradients["w"] == pytest.approx([-0.19661193, -0.39322387, 0.19661193], abs=1e-8)
    assert neuron.gradients["x"] == pytest.approx([0.39322387, -0.5898358], abs=1e-7)
