"""The listing of equations: every step is there, with its numbers, and nothing of the user's becomes markup."""

from __future__ import annotations

import ast
import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest
from loop_programs import loop_program
from programs import load
from test_python import NAMES, recorded, seeded

import tracegrad as tg
from tracegrad.demo import f
from tracegrad.export import dump
from tracegrad.export.latex import formula
from tracegrad.staged import program
from tracegrad.statements import Loop, Move, Push, Stack, each


@pytest.mark.parametrize("name", NAMES)
def test_a_line_for_each_statement(name: str) -> None:
    t, _ = recorded(name)
    found = program(t.document, join=False, gather=False)
    lines = [line.lstrip("> ") for line in t.to_markdown().splitlines() if line.lstrip("> ").startswith("- ")]
    listed = [
        one for one in each((*found.forward, *found.backward)) if not isinstance(one, (Loop, Stack, Push))
    ]
    assert len(lines) == sum(len(one.targets) if isinstance(one, Move) else 1 for one in listed)
    for line in lines:
        assert line.count("$") % 2 == 0
        assert line.count("{") == line.count("}") or "`" in line
        assert not re.search(r"\\[^A-Za-z]", line.split("`")[0]), "Markdown would take it for an escape"


def test_numbers_are_filled_in() -> None:
    text = tg.trace(f, 3, -4).to_markdown()
    assert r"$\mathit{xpysqr} = \mathit{xpy}^{2} = (-1)^{2} = 1$" in text
    assert r"$\mathit{dx} \mathrel{+}= \mathit{dnum} = 0.5121$, in sum $2.06$" in text
    assert r"= 3.0 \cdot" not in text


def test_a_loop_is_one_turn_of_it() -> None:
    def decay(x, rates):
        for rate in rates:
            x = x - rate * x * x
        return x

    text = tg.trace(decay, 2.0, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).to_markdown()
    assert (
        "**6 times**; the numbers are those of turn 2, $k = 1$:\n\n> **1** `x = x - rate * x * x`\n>\n> - $"
        in text
    )
    assert (
        r"> - $x_{\mathit{next}} = x_{2} - x_{\mathit{product}} \cdot x_{2} = 1.6 - 0.32 \cdot 1.6 = 1.088$"
        in text
    )
    assert r"> - $\mathit{drates}[k] \mathrel{+}= x_{2} \cdot \mathit{dx}_{\mathit{product}} = " in text
    assert "**6 times**, from the last turn to the first; the numbers are those of turn 2, $k = 1$:" in text


@pytest.mark.parametrize("seed", range(40))
def test_loops_are_listed_in_balance(seed: int) -> None:
    f = load(loop_program(random.Random(seed)), math)
    t = seeded(tg.trace(f, 0.3, -0.4, [0.1 * i for i in range(10)], [[0.2, 0.1 * i] for i in range(6)]))
    for line in t.to_markdown(limit=10**6).splitlines():
        text = re.sub(r"(`+).*?\1", "", line)
        assert text.count("$") % 2 == 0
        assert text.count("{") == text.count("}")
        assert text.count(r"\left(") == text.count(r"\right)")


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
        dice = random.Random(1)
        for _ in range(900):
            x = dice.choice([math.sin, math.cos, math.tanh, math.atan, abs])(x)
        return x

    with pytest.raises(tg.InputError, match=r"limit=\d+"):
        tg.trace(long, 1.0).to_markdown()


def test_what_loops_leave_and_take_again() -> None:
    def path(x):
        xs = []
        for _ in range(9):
            x = math.sin(x)
            xs.append(x)
        return sum(a * a for a in xs)

    text = tg.trace(path, 0.7).to_markdown()
    assert (
        r"= \operatorname{sum}\left( \mathit{value}_{\mathit{product},\mathit{values}} \right) = 2.496$"
        in text
    )
    assert r"[\mathit{each} + 1 \text{ for } \mathit{each} \in \mathit{dvalue}" in text
    assert (
        r"$\mathit{dx}_{2} = \mathit{dx}_{\mathit{values}}[k - 1] \text{ if } k > 0 \text{, else } 0$" in text
    )


def test_arrays_in_full_or_by_their_shape() -> None:
    def layer(w, x):
        return np.tanh(w @ x).sum()

    small = tg.trace(layer, np.array([[1.0, -0.5], [0.25, 2.0]]), np.array([0.5, 1.0])).to_markdown()
    assert r"$\mathit{value}_{\mathit{matmul}} = w \mathbin{@} x = [0, 2.125]$" in small
    assert r"$\mathit{dw} = " in small
    large = tg.trace(layer, np.ones((5, 4)) / 7, np.ones(4)).to_markdown()
    assert r"w = \mathrm{array}_{5 \times 4}$" in large


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("_max_partials(a, b)[0]", r"\operatorname{max partials}\left( a, b \right)[0]"),
        ("a.T @ b", r"a^{\top} \mathbin{@} b"),
        ("np.sum(a, axis=1)", r"\operatorname{sum}\left( a, \mathrm{axis} = 1 \right)"),
        ("np.exp(-a) ** 2", r"(e^{-a})^{2}"),
        ("a[1:, 2]", r"a[1:, 2]"),
        ("(a == b) * c", r"(a = b) \cdot c"),
        ("a_b[{1: 2}]", r"a_{b}[\mathtt{ 1: 2 }]"),
        ("-(a**2) / b", r"\frac{-a^{2}}{b}"),
        ("a - (b - c)", r"a - (b - c)"),
    ],
)
def test_formulas_of_arrays_and_indices(source: str, text: str) -> None:
    assert formula(ast.parse(source, mode="eval").body) == text
