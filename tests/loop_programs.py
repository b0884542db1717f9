"""Random programs of loops: nested, over ranges, lists, pairs, with conditions and early ends; as source.

``loop_program(random)`` is the source of ``f(x, y, w, q)`` with ten numbers in ``w`` and six pairs in ``q``.
"""

from __future__ import annotations

from random import Random

UNARY = ["m.sin({0})", "m.cos({0})", "m.tanh({0})", "m.exp(-{0} * {0})", "m.sqrt(1 + {0} * {0})", "-{0}",
         "{0} ** 2 / 3", "abs({0})", "1 / (2 + m.sin({0}))", "{0} / 3", "0.5 * {0}", "m.exp(m.sin({0}))",
         "max({0}, 0.1)", "m.log(2 + m.cos({0}))"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "m.tanh({0} * {1})", "{0} / (2 + m.cos({1}))", "max({0}, {1})",
          "{0} * m.sin({1})", "min({0}, {1})", "0.5 * {0} + 0.25 * {1}", "{0} * {1} / (1 + {0} * {0})",
          "sum([{0}, {1}, {0}])"]  # fmt: skip
INDENT = "    "


def loop_program(random: Random) -> str:
    writer = _Writer(random)
    names = ["x", "y", "z", "v"]
    lines = ["def h(a, b):", "    c = m.sin(a) * b", "    return c + a / 2", ""]
    lines += ["def f(x, y, w, q):", "    z, v = 0.0, x * y"]
    for _ in range(2):
        lines += writer.block(names, [], 2, INDENT)
    sums = f"    return m.tanh({' + '.join(names)}) + {writer.expression(names)}"
    return "\n".join([*lines, sums if random.random() < 0.7 else "    return x, [y, z], v"])


def list_program(random: Random) -> str:
    """The source of such a function that keeps values of loops in lists, reads them in others and returns some."""
    writer = _Writer(random)
    names = ["x", "y", "z", "v"]
    lines = ["def h(a, b):", "    c = m.sin(a) * b", "    return c + a / 2", ""]
    lines += ["def f(x, y, w, q):", "    z, v = 0.0, x * y"]
    lists = []
    for number in range(random.randint(1, 3)):
        lines += writer.collection(names, number, lists)
        if random.random() < 0.4:
            lines += writer.block(names, [], 1, INDENT)
        lines += writer.reading(names, lists)
    sums = f"    return m.tanh({' + '.join(names)}) + {lists[0]}[-1]"
    return "\n".join([*lines, sums if random.random() < 0.6 else f"    return x, {random.choice(lists)}, v"])


class _Writer:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.loops = 0

    def expression(self, names, depth=2):
        choice, chance = self.random.choice, self.random.random
        if depth == 0 or chance() < 0.25:
            return choice([*names, *names, "0.5", "1.25", "2"])
        inner = [self.expression(names, depth - 1) for _ in range(2)]
        return f"({choice(UNARY if chance() < 0.5 else BINARY).format(*inner)})"

    def block(self, names, given, depth, indent):
        lines = []
        for _ in range(self.random.randint(1, 3)):
            lines += self.statement(names, given, depth, indent)
        return lines

    def statement(self, names, given, depth, indent):
        target, other = self.random.choice(names), self.random.choice(names)
        values, nested = [*names, *given], len(indent) > 4
        kinds = (
            ["assign"] * 3
            + ["augment", "pair", "call", "sum"]
            + ["branch", "break"] * nested
            + ["loop"] * 3 * (depth > 0)
        )
        match self.random.choice(kinds):
            case "assign":
                return [f"{indent}{target} = {self.expression(values)}"]
            case "augment":
                return [f"{indent}{target} += {self.expression(values, 1)}"]
            case "pair":
                return [
                    f"{indent}{target}, {other} = {self.expression(values, 1)}, {self.expression(values, 1)}"
                ]
            case "call":
                return [f"{indent}{target} = h({self.expression(values, 1)}, {self.random.choice(values)})"]
            case "sum":
                return [f"{indent}{target} = sum(u * {self.random.choice(values)} for u in w)"]
            case "branch":
                limit = self.random.choice(["0.2", "-0.5", other])
                return [f"{indent}if {target} > {limit}: {target} = m.cos({target})"]
            case "break":
                return [f"{indent}if abs({target}) < 0.05: break"]
        head, more, given_there = self.loop(target)
        body = [*more, *self.block(names, [*given, *given_there], depth - 1, "")]
        nested_body = [f"{indent}{INDENT}{line}" for line in body] if depth else []
        return [*(f"{indent}{line}" for line in head), *nested_body]

    def collection(self, names, number, lists):
        """A loop whose values are kept."""
        choice = self.random.choice
        own, target, turns = f"s{number}", choice(names), self.random.randint(3, 9)
        before = [f"{own} = [{choice(['', target])}]"]
        body = [f"{target} = {self.expression([*names, 'w[i]', 'i'])}"]
        if self.random.random() < 0.5:
            body += self.statement(names, ["w[i]"], 0, "")
        body.append(f"{own}.append({choice([target, target, self.expression(names, 1)])})")
        lists.append(own)
        return [
            f"{INDENT}{line}"
            for line in (*before, f"for i in range({turns}):", *(INDENT + one for one in body))
        ]

    def reading(self, names, lists):
        """A loop, or a sum, over what was kept."""
        choice = self.random.choice
        own, target = choice(lists), choice(names)
        shift = choice(["a", "a", f"{own}[len({own}) - 1 - i]", f"{own}[i] * {own}[i - 1]", f"{own}[i] * x"])
        if self.random.random() < 0.2:
            return [f"{INDENT}{target} = sum({own})"]
        step = choice([f"{target} + {shift}", f"m.tanh({target} * {shift})", f"h({shift}, {target})"])
        return [f"{INDENT}for i, a in enumerate({own}):", f"{INDENT}{INDENT}{target} = {step}"]

    def loop(self, target):
        """The head of a loop, what its body begins with, and the names that it gives."""
        self.loops += 1
        i, turns = f"i{self.loops}", self.random.randint(3, 9)
        elements = [
            [],
            [i],
            [f"w[{turns} - {i}]"],
            [f"w[{i}]"],
            [f"w[{i} + 1]", f"w[{i}]"],
            [f"w[{i} % 8]", i],
        ]
        pairs = "(0.1, 0.2, 0.4, 0.3, 0.25, 1.0)"
        return self.random.choice([
            ([f"for {i} in range({turns}):"], [], self.random.choice(elements)),
            ([f"for {i} in w:"], [], [i]),
            ([f"for {i}, j{i} in zip(w, {pairs}):"], [], [i, f"j{i}"]),
            ([f"for {i} in q:"], [], [f"{i}[0]", f"{i}[1]"]),
            (
                [f"n{i} = 0", f"while {target} > -1.5 and n{i} < {turns}:"],
                [f"n{i} += 1", f"{target} = {target} - 0.3"],
                [],
            ),
        ])  # fmt: skip
