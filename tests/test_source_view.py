"""The source with value and gradient beside each line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from test_python import NAMES, recorded

import tracegrad as tg
from tracegrad.demo import f
from tracegrad.errors import InputError, MissingExtra
from tracegrad.export import terminal
from tracegrad.export.source_view import rows, source_html, source_text


def cells(text: str, line: str) -> list[str]:
    """The columns behind a line of source."""
    [found] = [row for row in text.splitlines() if f" {line} " in row]
    return found.partition(line)[2].split()


def test_value_and_gradient_beside_each_line() -> None:
    text = source_text(tg.trace(f, 3, -4).document)
    assert cells(text, "xpy = x + y") == ["-1", "1.58319", "████▎"]
    assert cells(text, "invden = 1.0 / den") == ["0.512144", "3.01799", "████████"]
    assert "x (input)" in text
    assert "2.05957" in text


def test_a_loop_shows_count_last_and_sum() -> None:
    def g(x):
        y = x
        for i in range(4):
            y = y * 0.5 + i
        return y

    assert cells(source_text(tg.trace(g, 8.0).document), "y = y * 0.5 + i")[:3] == ["×4", "4.75", "1.875"]


def test_several_variables_of_a_line() -> None:
    text = source_text(recorded("unpacked")[0].document)
    assert "a, b = x + y, x - y\n" in text
    assert [row.name for row in rows(recorded("unpacked")[0].document)][:3] == ["", "a", "b"]


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_has_a_line(name: str) -> None:
    t, _ = recorded(name)
    found = {(row.file, row.line) for row in rows(t.document)}
    for stage in t.document.stages:
        assert (stage.site.file, stage.site.line) in found
    assert all(0 <= row.heat <= 1 for row in rows(t.document))
    assert source_html(t.document).count("<tr") == source_html(t.document).count("</tr>")


def test_without_source() -> None:
    scope: dict = {}
    exec("def g(x):\n    y = x * x\n    return y + 1", scope)
    text = source_text(tg.trace(scope["g"], 2.0).document)
    assert cells(text, "line 2")[:2] == ["4", "1"]


def test_several_results() -> None:
    def g(x):
        return x * x, {"half": x / 2}

    text = source_text(tg.trace(g, 3.0).backward((1.0, {"half": 4.0})).document)
    assert cells(text, "return[0]") == ["9", "1", "██"]
    assert cells(text, "return[1]['half']") == ["1.5", "4", "████████"]


@pytest.mark.parametrize("size", [2, 200])
def test_arrays(size: int) -> None:
    def g(w):
        x = w
        for _ in range(3):
            x = np.tanh(x * w)
        return (x * 0.01).sum()

    t = tg.trace(g, np.linspace(0.5, 1.0, size))
    text = source_text(t.document)
    assert "w (input)" in text
    assert cells(text, "x = np.tanh(x * w)")[0] == "×3"
    assert text.splitlines()[5][-1] in "▎▍"
    assert "tanh" in t.to_text(level="line")


def test_what_is_not_finite_is_hottest() -> None:
    def g(x):
        y = x - x
        z = y + 2.0
        return math.sqrt(y) + z

    heat = {row.name: row.heat for row in rows(tg.trace(g, 1.0).document)}
    assert heat["y"] == 1.0


def test_the_page_shows_inputs_and_scales() -> None:
    page = source_html(tg.trace(f, 3, -4).document)
    assert '<td><td style="--in: 2">x (input)<td><td>3<td>2.05957<td></tr>' in page
    assert 'name="viewport"' in page
    assert '<div style="width: 100%"></div>' in page
    assert not re.search(r"<script|<link|@import|url\(", page)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a terminal of some columns is sent."""

    def shown(t: tg.Trace, columns: int = 80, **environment: str) -> str:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        for name, value in {
            "TERM": "xterm-256color",
            "COLUMNS": f"{columns}",
            "LINES": "40",
            **environment,
        }.items():
            monkeypatch.setenv(name, value)
        t.annotate_source()
        return capsys.readouterr().out

    monkeypatch.delenv("NO_COLOR", raising=False)
    return shown


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_colour_is_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, seen: Callable[..., str]
) -> None:
    t = tg.trace(f, 3, -4)
    plain = source_text(t.document)
    t.annotate_source()
    assert capsys.readouterr().out == f"{plain}\n"
    coloured = seen(t)
    assert coloured.count("\x1b[") > 40
    assert without_colours(coloured).split() == plain.split()
    assert without_colours(coloured).splitlines()[1] == ""
    assert "\x1b" not in seen(t, NO_COLOR="1")
    assert "\x1b" not in seen(t, NO_COLOR="", TERM="dumb")
    t.annotate_source(color=False)
    assert capsys.readouterr().out == f"{plain}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    t.annotate_source(color=True)
    assert "\x1b[" in capsys.readouterr().out


def long_lines(数: float, weights: dict[str, float]) -> float:
    """Names of double width,
    and a text on several lines."""
    结果 = 数 * 2.0 + math.sin(数) * weights["first"] - math.cos(数) * weights["second"]  # 汉字
    return 结果 / (1.0 + 结果)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_the_source_is_highlighted(name: str) -> None:
    found = terminal.rows_of(recorded(name)[0].document)
    lines = list(terminal._highlighted(found))
    assert [line.plain for line in lines] == [row.text for row in found]
    known = [line for row, line in zip(found, lines, strict=True) if row.file and row.text]
    assert not known or any(line.spans for line in known)


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_longer_than_the_terminal_is_wide(columns: int, seen: Callable[..., str]) -> None:
    t = tg.trace(long_lines, 2.0, {"first": 1.0, "second": 0.5})
    shown = without_colours(seen(t, columns))
    assert max(map(cell_len, shown.splitlines())) <= columns
    assert "█" in shown or columns < 76
    assert "weights" in shown
    for number in ("5.11", "0.02", "0.83"):
        assert number in shown
    values = [line for line in shown.splitlines() if re.search(r"^ +\d+ .*\d\.\d+ +-?\d\.\d+", line)]
    assert len({cell_len(line.partition("█")[0].rstrip("▏▎▍▌▋▊▉ ")) for line in values}) == 1


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_arrays_leave_room_for_the_source(columns: int, seen: Callable[..., str]) -> None:
    def g(w):
        scores = np.tanh(w * 2.0 + 1.0)
        return (scores * scores).mean()

    shown = without_colours(seen(tg.trace(g, np.linspace(0.5, 1.0, 200)), columns))
    assert max(map(cell_len, shown.splitlines())) <= columns
    assert "…" not in shown
    assert "np.tanh" in shown
    assert re.search(r"200,.*200,.*\n.*norm [\d.]+, +norm [\d.]+,.*\n.* mean [\d.]+ +mean [\d.]+", shown)


def test_lines_too_long_are_wrapped_below_their_indent(seen: Callable[..., str]) -> None:
    shown = without_colours(seen(tg.trace(long_lines, 2.0, {"first": 1.0, "second": 0.5}), 60)).splitlines()
    [at] = [index for index, line in enumerate(shown) if "数 * 2.0" in line]
    assert shown[at + 1][:10].isspace()
    assert "math" in shown[at + 1]


def test_without_rich_the_source_is_cut(
    monkeypatch: pytest.MonkeyPatch, seen: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "installed", lambda: False)
    t = tg.trace(f, 3, -4)
    narrow = seen(t, 60)
    assert "\x1b" not in narrow
    assert max(map(len, narrow.splitlines())) <= 60
    assert re.search(r"sigx = 1\.0 .*…  +0\.95", narrow)
    assert seen(t, 120) == f"{source_text(t.document)}\n"
    with pytest.raises(MissingExtra, match="pip install rich"):
        t.annotate_source(color=True)


def test_the_page_has_long_lines_whole_and_arrays_on_several() -> None:
    def g(w):
        return (w * 1.0 + w * 2.0 + w * 3.0 + w * 4.0 + w * 5.0 + w * 6.0 + w * 7.0 + w * 8.0 + w * 9.0).sum()

    page = source_html(tg.trace(g, np.linspace(0.5, 1.0, 200)).document)
    assert "+ w * 9.0).sum()<td>" in page
    assert re.search(r'<td class="array">200, norm\xa0[\d.]+, mean\xa00\.75<td class="array">', page)


def test_the_page_is_one_file_and_quotes(tmp_path: Path) -> None:
    t = tg.trace(f, 3, -4)
    t.annotate_source(tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert '<td style="--in: 6">    sigx = 1.0 / (1 + math.exp(-x))<td>' in page
    assert "http" not in page
    stage = replace(t.document.stages[0], label="<script>", site=None)
    assert "<script>" not in source_html(replace(t.document, stages=(stage,), source=()))


def test_only_a_page_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"write .*f\.html, not .*f\.svg"):
        tg.trace(f, 3, -4).annotate_source(tmp_path / "f.svg")
    assert not list(tmp_path.iterdir())
