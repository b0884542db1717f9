"""Hypothesis strategies for whole programs: Python source of functions of numbers, as a user might write them.

``programs()`` draws the source of ``f(x, y, z)``; :func:`load` makes a function of it, on ``math`` or on another
namespace of the same functions.  Programs have straight lines, loops, branches, helpers that call each other, tuples,
comprehensions and reuse; every expression is smooth and stays in a range where float64 and differences are sane.
"""

from __future__ import annotations

import itertools
import linecache

from hypothesis import strategies as st

UNARY = ["m.sin({0})", "m.cos({0})", "m.tanh({0})", "m.exp(-{0} * {0})", "m.sqrt(1 + {0} * {0})", "m.atan({0})",
         "m.log(2 + m.cos({0}))", "-{0}", "{0} ** 2", "m.sinh(m.tanh({0}))", "abs({0})", "1 / (2 + m.sin({0}))",
         "{0} / 3", "2 * {0}", "m.exp(m.sin({0}))", "(1.5 + m.cos({0})) ** -1.5",
         "m.log1p({0} * {0})"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "m.tanh({0} * {1})", "{0} / (2 + m.cos({1}))", "m.sqrt(1 + {0} ** 2 + {1} ** 2)",
          "(1.5 + m.sin({0})) ** m.tanh({1})", "max({0}, {1})", "min({0}, {1})", "{0} * m.sin({1})",
          "({0} if {0} < {1} else {1})", "sum([{0}, {1}, {0}])"]  # fmt: skip

INDENT = "    "


@st.composite
def expressions(draw, names, depth=2):
    """An expression of some variables."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([*names, *names, "0.5", "1.25", "2"]))
    inner = expressions(names, depth - 1)
    if draw(st.booleans()):
        return "(" + draw(st.sampled_from(UNARY)).format(draw(inner)) + ")"
    return "(" + draw(st.sampled_from(BINARY)).format(draw(inner), draw(inner)) + ")"


@st.composite
def statements(draw, names, helpers, depth=1):
    """Some lines that change the variables."""
    target, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    expression = draw(expressions(names))
    kinds = ["assign", "assign", "fresh", "augment", "tuple", "comprehension", "helper", "walrus"]
    kind = draw(st.sampled_from(kinds + (["for", "while", "if"] if depth else [])))
    if kind == "assign":
        return [f"{target} = {expression}"]
    if kind == "fresh":
        name = f"v{len(names)}"
        names.append(name)
        return [f"{name} = {expression}"]
    if kind == "augment":
        return [f"{target} {draw(st.sampled_from(['+', '-']))}= {expression}"]
    if kind == "tuple":
        return [f"{target}, {other} = {expression}, {draw(expressions(names))}"]
    if kind == "comprehension":
        return [f"{target} = sum([m.tanh(u * {other}) for u in ({expression}, {target})])"]
    if kind == "helper" and helpers:
        return [f"{target} = {draw(st.sampled_from(helpers))}({other}, {expression})"]
    if kind == "walrus":
        return [f"{target} = ({other} := {expression}) * 0.5 + {target}"]
    # inside of a block no new names: they might not be there after it
    inside = list(names)
    lines = draw(statements(inside, helpers, depth - 1)) if depth else [f"{target} = {expression}"]
    lines = [line for line in lines if not set(inside) - set(names)] or [f"{target} = m.sin({expression})"]
    body = [INDENT + line for line in lines]
    if kind == "for":
        return [
            f"for i in range({draw(st.integers(0, 4))}):",
            *body,
            f"{INDENT}{target} = m.sin({target} + i)",
        ]
    if kind == "while":
        return [
            "n = 0",
            f"while {other} > -0.3 and n < 3:",
            *body,
            f"{INDENT}{other} = {other} - 0.7",
            f"{INDENT}n += 1",
        ]
    return [f"if {other} > {draw(st.sampled_from(['0.1', target, '-0.4']))}:", *body, "else:",
            f"{INDENT}{target} = m.cos({target})"]  # fmt: skip


@st.composite
def functions(draw, name, parameters, helpers, size):
    names = list(parameters)
    lines = []
    for _ in range(draw(st.integers(1, size))):
        lines += draw(statements(names, helpers))
    result = draw(expressions(names))
    total = " + ".join(names)
    return [f"def {name}({', '.join(parameters)}):", *(INDENT + line for line in lines),
            f"{INDENT}return m.tanh({total}) + {result}", ""]  # fmt: skip


@st.composite
def programs(draw, size=6):
    """The source of a module with some helpers and the function ``f``."""
    lines, helpers = [], []
    for index in range(draw(st.integers(0, 2))):
        lines += draw(functions(f"helper{index}", ("a", "b"), list(helpers), 2))
        helpers.append(f"helper{index}")
    lines += draw(functions("f", ("x", "y", "z"), helpers, size))
    return "\n".join(lines)


numbers = st.integers(-2000, 2000).map(lambda n: n / 1000)
#: three numbers that are never equal, zero, or a constant of a program
points = st.tuples(numbers, numbers, numbers).map(lambda p: (p[0] + 0.0003, p[1] + 0.00017, p[2] + 0.00041))

_counter = itertools.count()


def load(source, m):
    """The function ``f`` of a program, with ``m`` for its functions; the source is at hand as if it were a file."""
    filename = f"<program {next(_counter)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope = {"m": m}
    exec(compile(source, filename, "exec"), scope)
    return scope["f"]
