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
PICTURES = (".dot", ".json", ".svg", ".png")
LISTINGS = (".py", ".md")
FORMATS = PICTURES + LISTINGS

#: the levels at which an example is shown; by itself each operation is
LEVELS = {
    "black_scholes": ("op", "stage"),
    "horner": ("line",),
    "kepler": ("line",),
    "layers": ("line",),
    "mlp": ("stage", "call", "line"),
    "newton": ("op", "line"),
    "orbit": ("call", "line"),
    "staged": ("op", "stage"),
    "year": (),  # its picture is that of `orbit`
}
#: examples on arrays: the last digits of numpy's sums and functions depend on the processor
ARRAYS = frozenset({"gaussian_process", "layer"})
#: a gate of the user's own has no source
LISTED = [example for example in EXAMPLES if example.stem != "fixed_point"]
SHOWN = [(example, level) for example in EXAMPLES for level in LEVELS.get(example.stem, ("op",))]


def stem(example: Path, level: str) -> str:
    return example.stem if level == "op" else f"{example.stem}.{level}"


def without_numbers(text: str) -> str:
    return re.sub(r"-?\d[\d.]*(e[+-]?\d+)?", "#", text)


def traced(example: Path) -> Trace:
    """The trace that an example makes when it is imported."""
    return runpy.run_path(str(example))["t"]


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("in_root")
@pytest.mark.parametrize(("example", "level"), SHOWN, ids=[stem(*shown) for shown in SHOWN])
def test_example_gives_the_files_of_the_gallery(
    example: Path, level: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    t = traced(example)
    check_identity(t.at(level))
    for suffix in PICTURES:
        golden = EXPORTS / f"{stem(example, level)}{suffix}"
        if request.config.getoption("--update-exports"):
            t.save(golden, level=level)
        made = t.save(tmp_path / golden.name, level=level)
        if example.stem not in ARRAYS:
            assert made.read_bytes() == golden.read_bytes(), golden.name
        elif suffix in (".dot", ".json"):
            texts = [path.read_text(encoding="utf-8") for path in (made, golden)]
            assert without_numbers(texts[0]) == without_numbers(texts[1]), golden.name


@pytest.mark.usefixtures("in_root")
@pytest.mark.parametrize("example", LISTED, ids=lambda path: path.stem)
def test_example_gives_the_listings_of_the_gallery(
    example: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    t = traced(example)
    for suffix in LISTINGS:
        golden = EXPORTS / f"{example.stem}{suffix}"
        if request.config.getoption("--update-exports"):
            t.save(golden)
        texts = [path.read_text(encoding="utf-8") for path in (t.save(tmp_path / golden.name), golden)]
        if example.stem in ARRAYS:
            texts = list(map(without_numbers, texts))
        assert texts[0] == texts[1], golden.name


@pytest.mark.parametrize("example", LISTED, ids=lambda path: path.stem)
def test_source_of_the_gallery_gives_the_numbers_of_the_trace(example: Path) -> None:
    t = traced(example)
    module = runpy.run_path(str(EXPORTS / f"{example.stem}.py"))
    by_title = {name: function for name, function in module.items() if name.endswith("_backward")}
    [(title, backward)] = by_title.items()
    arguments = [one.argument for one in t._recording.entered.values()]
    value, gradients = backward(*arguments)
    if example.stem in ARRAYS:
        assert value == pytest.approx(t.value, rel=1e-12)
        assert all(gradients[name] == pytest.approx(found, rel=1e-9) for name, found in t.gradients.items())
        return
    assert (value, gradients) == (t.value, t.gradients)
    assert module[title.removesuffix("_backward")](*arguments) == t.value


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
    pictures = {stem(*shown) + suffix for shown in SHOWN for suffix in PICTURES}
    listings = {example.stem + suffix for example in LISTED for suffix in LISTINGS}
    assert {path.name for path in EXPORTS.iterdir()} == pictures | listings | {
        f"demo{one}" for one in FORMATS
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
