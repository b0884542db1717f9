"""Random programs on matrices, with a loop in each; as source.

``array_program(random)`` is the source of ``f(a, b, c, s)`` for three matrices of 3 x 3 and a number,
with ``m`` for numpy.
"""

from __future__ import annotations

from random import Random

UNARY = [
    "m.tanh({0})", "m.exp(-{0} * {0})", "m.maximum({0}, 0.1)", "-{0}", "{0} ** 2", "{0}.T.T", "m.abs({0})",
    "{0} - {0}.mean()", "{0} / (1 + m.sum({0} ** 2))", "m.sin({0}) * 0.5", "m.where({0} > 0, {0}, 0.1 * {0})",
    "{0}[::-1]", "m.cumsum({0}, axis=0)", "m.sqrt(1 + {0} ** 2)", "{0}.reshape(-1)[:9].reshape(3, 3)",
]  # fmt: skip
BINARY = [
    "{0} + {1}", "{0} * {1}", "{0} @ {1}", "{0} - {1} * s", "{0} / (2 + m.cos({1}))", "m.minimum({0}, {1})",
    "{0} + {1}[0]", "{0} * {1}[:, [1]]", "m.hypot({0}, {1}) + 0.0", "m.stack([{0}[0], {1}[1], {0}[2]])",
    "m.concatenate([{0}[:1], {1}[1:]])",
]  # fmt: skip
NAMES = ["a", "b", "c"]


def array_program(random: Random) -> str:
    lines = ["def f(a, b, c, s):"]
    for _ in range(random.randint(2, 4)):
        lines += _statement(random, "    ")
    lines.append(f"    for i in range({random.randint(3, 8)}):")
    for _ in range(random.randint(1, 3)):
        lines += _statement(random, "        ")
    lines += random.choice(
        [["        c = c + b[i % 3] * s"], ["        c = c * 0.5 + a[:, [i % 3]]"], [], []]
    )
    result = random.choice(["(a * b).sum() + m.tanh(c).mean() * s"] * 2 + ["(a, c.sum())"])
    return "\n".join([*lines, f"    return {result}"])


def _expression(random: Random, depth: int = 2) -> str:
    if depth == 0 or random.random() < 0.25:
        return random.choice(NAMES)
    inner = [_expression(random, depth - 1) for _ in range(2)]
    return f"({random.choice(UNARY if random.random() < 0.5 else BINARY).format(*inner)})"


def _statement(random: Random, indent: str) -> list[str]:
    target = random.choice(NAMES)
    return random.choice([
        *[[f"{indent}{target} = {_expression(random)}"]] * 4,
        [f"{indent}{target} = {target} + s * {_expression(random, 1)}"],
        [f"{indent}s = s * 0.9 + 0.01 * {target}[1, 1]"],
        [f"{indent}{target} = {target}.copy()", f"{indent}{target}[0] = {_expression(random, 1)}[1]"],
    ])  # fmt: skip
