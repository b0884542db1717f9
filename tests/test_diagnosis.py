"""Diagnosis: each kind of finding, and silence where nothing is to be found."""

from __future__ import annotations

import math

import tracegrad as tg
from tracegrad.demo import f as staged


def kinds(function, *args):
    return [(finding.kind, finding.node) for finding in tg.trace(function, *args).diagnose()]


def test_nothing_to_say():
    assert tg.trace(staged, 3, -4).diagnose() == []


def test_where_a_value_is_born():
    lost, finding = tg.trace(lambda x: (x * 1e200 * 1e200) + 1.0, 1.0).diagnose()
    assert (lost.kind, finding.kind) == ("lost", "born")
    assert finding.text.startswith("the value inf is born in ×")
    assert "test_diagnosis.py" in finding.text


def test_where_a_gradient_is_lost():
    (finding,) = tg.trace(lambda x: math.sqrt(x) + 1.0, 0.0).diagnose()
    assert finding.kind == "lost"
    assert "becomes inf on the way back" in finding.text


def test_saturated():
    assert [kind for kind, _ in kinds(lambda x: math.tanh(x * 10), 3.0)] == ["saturated"]
    assert kinds(lambda x: math.tanh(x), 0.5) == []


def test_dead():
    def f(x, y):
        unused = y * x  # noqa: F841
        return x * 2

    assert kinds(f, 1.0, 2.0) == [("dead", "n1"), ("dead", "n2")]


def test_what_decides_a_branch_is_not_dead():
    assert kinds(lambda x, y: x if y > 0 else -x, 1.0, 2.0) == []


def test_cancelled():
    (finding,) = tg.trace(lambda x: (x + 1e10) - 1e10, 0.3).diagnose()
    assert "about 11 digits cancel" in finding.text or "about 10 digits cancel" in finding.text


def test_tie():
    (finding,) = tg.trace(lambda x, y: max(x, y), 1.0, 1.0).diagnose()
    assert finding.kind == "kink"
    assert str(finding).startswith("kink: max: a tie")
