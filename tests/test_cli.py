"""The command line: what it prints, what it writes, what it says of mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tracegrad.cli import main

MODEL = """
import math
LIMIT = 3
def f(x, y=2.0):
    return math.log(x) * y
def pair(x):
    return x * x, 2 * x
"""


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "model", raising=False)
    path = tmp_path / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


def test_table_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.py:f", "2", "y=-3e0", "-o", "f.svg", "-o", "f.json", "--backward"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("f(x, y) = -2.07944\n")
    assert "gradient so far" in shown
    assert shown.endswith("written: f.svg, f.json\n")
    assert json.loads(Path("f.json").read_text(encoding="utf-8"))["format"] == "tracegrad"


def test_in_a_terminal_the_table_has_its_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("long.py").write_text("def g(x):\n    return x * x + 2 * x + 3 * x + 4 * x + 5 * x\n")
    monkeypatch.setenv("COLUMNS", "50")
    assert main(["long.py:g", "2.0"]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["long.py:g", "2.0"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, whole.splitlines())) > 50 >= max(map(len, shown.splitlines()))
    assert "return x * x + 2 * x + 3…" in shown.replace(" …", "…")


@pytest.mark.parametrize("target", ["model.py:f", "model:f"])
def test_negative_and_other_numbers(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([target, "inf", "-1e-3", "--wrt", "x"]) == 0
    assert capsys.readouterr().out.startswith("f(x) = -inf\n")


def test_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "model.py:pair", "3", "--seed", "(1, 0)"]) == 0
    assert re.search(r"\nx +3 +6 +input\nreturn\[0\] +9 +1 .*\nreturn\[1\] +6 +0 ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model.py:f"], "missing a required argument|missing 1 required positional argument: 'x'"),
        (["model.py:f", "0"], r"line 5, in f\n.*log.*\nValueError"),
        (["model.py:f", "word"], "'word' is not a Python literal"),
        (["model.py:nothing", "1"], "no 'nothing' in model.py; its functions are: f, pair"),
        (["model.py:LIMIT", "1"], "not a function but int"),
        (["other.py:f", "1"], "no file other.py"),
        (["nowhere:f", "1"], "cannot import nowhere"),
        (["trace", "model.py"], "names no function: write model.py:f; its functions are: f, pair"),
        (["model.py"], "names no function: write model.py:f; its functions are: f, pair"),
        (["trace", "model"], "names no function: write model:function"),
        (["model.py:pair", "3"], r"returned 2 numbers.*on the command line: --seed '\(1.0, 0.0\)'"),
        (["model.py:f", "3", "--focus", "z"], "no variable 'z'"),
        (["model.py:f", "3", "-o", "f.pdf"], "no exporter writes '.pdf'"),
        (["model.py:f", "3", "-o", "no/f.svg"], "no directory no"),
    ],
)
def test_mistakes_are_told_in_a_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.err.startswith("tracegrad: ")
    assert re.search(words, said.err, re.DOTALL), said.err


@pytest.mark.parametrize("arguments", [["draw"], [], ["model.py:f", "1", "--top", "many"]])
def test_arguments_without_sense_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert re.search(r"^tracegrad( trace)?: error: ", capsys.readouterr().err, re.MULTILINE)


@pytest.mark.parametrize("arguments", [["--help"], ["trace", "--help"]])
def test_help_has_examples(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    shown = capsys.readouterr().out
    assert shown.startswith("usage: tracegrad file.py:function argument ...")
    assert "tracegrad model.py:loss 3 scale=2.5 -o loss.svg" in shown


def test_source_diagnosis_and_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.py:f", "1", "--top", "1", "--source", "--diagnose", "-o", "f.svg"]) == 0
    table, source, finding, _ = capsys.readouterr().out.split("\n\n", 1)[1].rsplit("\n\n", 3)
    assert "1 of 4 nodes shown" in Path("f.svg").read_text(encoding="utf-8")
    assert "return math.log(x) * y" in table
    assert "    5      return math.log(x) * y" in source
    assert finding == "nothing is odd"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f'"{sys.executable}" -m tracegrad model.py:f 2 | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "f(x, y) = 1.38629\n"
    assert "Traceback" not in done.stderr
