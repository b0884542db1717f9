"""Random small programs as source text, with tuples, loops, helpers and re-bound names."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable
from functools import cache
from itertools import count

from hypothesis import strategies as st

_NUMBER = count()
_EXPRESSIONS = (
    "{a} * {b}", "{a} + {b}", "{a} - 0.5 * {b}", "math.sin({a})", "math.exp(-{a} * {a})", "{a} / (1 + {b} * {b})",
    "math.tanh({a}) * {b} + {a}", "helper({a}, {b})", "helper({a} * 0.5, {b}) + {a}", "max({a}, {b})", "{a} * {a}",
    "twice({a})[0] * {b}", "{a} ** 2 + 1",
)  # fmt: skip
_STATEMENTS = (
    "{n} = {e}",
    "{n} = {e}",
    "{n}, {m} = {e}, {f}",
    "{n} = ({m} := {e}) + {f}",
    "for _ in range({k}):\n        {n} = 0.5 * {n} + {e}",
    "for _ in range({k}):\n        {n}, {m} = {e}, {n} * 0.5",
    "if {e} > 0.3:\n        {n} = {f}",
    "{n} = sum([{e}, {f}, {n}])",
    "{n} += {e}",
)
_HELPERS = """
def helper(a, b):
    inner = a * b
    return inner + math.sin(a)

def twice(a):
    half = a * 0.5
    return [half + helper(half, a), half]
"""


@cache
def compiled(source: str, name: str = "program") -> Callable[..., object]:
    """The function of this name; its source is at hand as that of a file is."""
    filename = f"program{next(_NUMBER)}.py"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, object] = {"math": math}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[name]  # type: ignore[return-value]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """The source of ``program(x, y)``."""
    names = st.sampled_from(["x", "y", "u", "v"])

    def expression() -> str:
        return draw(st.sampled_from(_EXPRESSIONS)).format(a=draw(names), b=draw(names))

    lines = ["u = x * y", "v = x - y"]
    for _ in range(draw(st.integers(1, 5))):
        n = draw(names)
        m = draw(names.filter(n.__ne__))
        statement = draw(st.sampled_from(_STATEMENTS))
        lines.append(statement.format(n=n, m=m, e=expression(), f=expression(), k=draw(st.integers(1, 4))))
    lines.append(
        draw(st.sampled_from(["return u + v", "return u * v + x", "return [u, v, x]", "return {'a': u * y}"]))
    )
    return f"{_HELPERS}\ndef program(x, y):\n" + "\n".join(f"    {line}" for line in lines) + "\n"
