"""Bars are for people at a terminal, and change nothing."""

from __future__ import annotations

import io
import sys

import pytest

import tracegrad as tg
from tracegrad import progress
from tracegrad.errors import MissingExtra


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def impatient(monkeypatch):
    """Any work is long enough for a bar."""
    pytest.importorskip("tqdm")
    monkeypatch.setattr(progress, "MANY", 1)
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    monkeypatch.setattr(progress, "_INTERVAL", 0.0)


def at_terminal(monkeypatch):
    """Somebody looks at what goes to stderr."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def loop(x):
    for _ in range(500):
        x = x * 1.001 + 0.1
    return x


def test_a_bar_is_shown_on_a_terminal(impatient, monkeypatch):
    terminal = at_terminal(monkeypatch)
    assert tg.trace(loop, 1.0).to_json(level="line")
    shown = terminal.getvalue()
    expected = ("graph:", "gradients:", "statements:", "names:", "lines:", "edges:", "writing …")
    assert [what for what in expected if what not in shown] == []


def test_a_picture_says_when_it_is_drawn(impatient, monkeypatch):
    terminal = at_terminal(monkeypatch)
    assert tg.trace(loop, 1.0).to_dot()
    assert "drawing …" in terminal.getvalue()
    assert terminal.getvalue().endswith(" \r")  # and nothing is left of it


def test_rows_are_written_under_a_bar(impatient, monkeypatch, tmp_path):
    terminal = at_terminal(monkeypatch)
    tg.trace(loop, 1.0).save(tmp_path / "loop.json")
    assert "nodes:" in terminal.getvalue()


def test_a_bar_changes_nothing(impatient, monkeypatch):
    at_terminal(monkeypatch)
    shown, plain = tg.trace(loop, 1.0), tg.trace(loop, 1.0)
    assert shown.to_json(level="line") == plain.to_json(level="line", progress=False)
    assert shown.document == plain.document


def test_no_bar_where_none_is_wanted(impatient, monkeypatch):
    terminal = at_terminal(monkeypatch)
    tg.trace(loop, 1.0).at("line", progress=False)
    assert tg.trace(loop, 1.0).gradients
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    tg.trace(loop, 1.0).at("line")
    assert terminal.getvalue() == ""
    tg.trace(loop, 1.0).at("line", progress=True)
    assert "lines" in terminal.getvalue()


def test_little_work_has_no_bar(impatient, monkeypatch):
    terminal = at_terminal(monkeypatch)
    monkeypatch.setattr(progress, "MANY", 100_000)
    tg.trace(loop, 1.0).at("line", progress=True)
    assert terminal.getvalue() == ""


def test_without_tqdm_there_is_none(monkeypatch):
    monkeypatch.setattr(progress, "_installed", lambda: False)
    terminal = at_terminal(monkeypatch)
    tg.trace(loop, 1.0).at("line")
    assert terminal.getvalue() == ""
    with pytest.raises(MissingExtra, match="pip install tqdm"):
        tg.trace(loop, 1.0).at("line", progress=True)
    monkeypatch.setattr(sys, "stderr", None)
    tg.trace(loop, 1.0).at("line")
