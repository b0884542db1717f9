"""The listing of equations: every step is there, with its numbers, and nothing of the user's becomes markup."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import pytest
from test_python import NAMES, recorded

import tracegrad as tg
from tracegrad.demo import f
from tracegrad.export import dump
from tracegrad.export.latex import formula
from tracegrad.staged import program


@pytest.mark.parametrize("name", NAMES)
def test_a_line_for_each_statement(name: str) -> None:
    t, _ = recorded(name)
    found = program(t.document)
    lines = [line for line in t.to_markdown().splitlines() if line.startswith("- ")]
    assert len(lines) == len(found.forward) + len(found.backward)
    for line in lines:
        assert line.count("$") % 2 == 0
        assert line.count("{") == line.count("}") or "`" in line
        assert not re.search(r"\\[^A-Za-z]", line.split("`")[0]), "Markdown would take it for an escape"


def test_numbers_are_filled_in() -> None:
    text = tg.trace(f, 3, -4).to_markdown()
    assert r"$\mathit{xpysqr} = \mathit{xpy}^{2} = (-1)^{2} = 1$" in text
    assert r"$\mathit{dx} \mathrel{+}= \mathit{dnum} = 0.5121$, in sum $2.06$" in text
    assert r"= 3.0 \cdot" not in text


def test_float_format() -> None:
    assert "= 0.51214445$" in tg.trace(f, 3, -4).to_markdown(float_format=".8g")


@pytest.mark.parametrize(
    ("source", "latex"),
    [
        ("(a + b) * c", r"(a + b) \cdot c"),
        ("a - (b - c)", r"a - (b - c)"),
        ("-(a / b) ** 2", r"-\left( \frac{a}{b} \right)^{2}"),
        ("(-a) ** 2", r"(-a)^{2}"),
        ("2 ** (a + 1)", r"2^{a + 1}"),
        ("math.sqrt(a) % b // c", r"\lfloor \frac{\sqrt{a} \bmod b}{c} \rfloor"),
        ("abs(a) * 1e-20", r"\left| a \right| \cdot 1 \cdot 10^{-20}"),
        ("math.exp(a) ** 2", r"(e^{a})^{2}"),
        ("sum([a, b])", r"\operatorname{sum}\left( [a, b] \right)"),
        ("math.inf + math.nan", r"\infty + \mathrm{nan}"),
    ],
)
def test_formulas(source: str, latex: str) -> None:
    assert formula(ast.parse(source, mode="eval").body) == latex


def test_text_of_the_user_is_no_markup() -> None:
    t = tg.trace(lambda x: x * x, 2.0)
    evil = "x`` <script>$\\evil$ \n# head ```"
    document = replace(
        t.document,
        stages=(replace(t.document.stages[0], label=evil),),
        function=replace(t.document.function, name=evil),
    )
    text = dump(document, ".md")
    assert "**1** ```` x`` <script>$\\evil$ # head ``` ````" in text
    assert text.splitlines()[0].count("\\<script\\>\\$") == 1
    assert not re.search("^# head", text, flags=re.MULTILINE)


def test_a_long_loop_is_refused() -> None:
    def long(x):
        for _ in range(600):
            x = x * 0.999
        return x

    with pytest.raises(tg.InputError, match="limit=600"):
        tg.trace(long, 1.0).to_markdown()
