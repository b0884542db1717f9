"""Names for generated code: the user's own wherever Python allows it, and no name twice.

In: names as a document has them (``x#2``, ``w[0]``, ``params.rate``).  Out: identifiers.  Read :class:`Names`.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from typing import Any

#: what generated code calls, and what a name of the user must therefore not hide
CALLED = frozenset({
    "Exception", "ValueError", "_added", "_decreased", "_increased", "_placed", "_raised", "_replaced", "_require",
    "abs", "bool", "complex", "float", "format", "fractions", "hash", "int", "list", "map", "math", "max", "min", "np",
    "numpy", "operator", "pow", "range", "reversed", "round", "scipy", "slice", "statistics", "sum", "tracegrad",
    "type", "zip",
})  # fmt: skip


class Names:
    """Identifiers handed out so far; the first to ask for a name gets it."""

    def __init__(self) -> None:
        self._taken = set(CALLED)

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def take(self, wish: str) -> str:
        """The identifier nearest to a wish; of a later one the name gets underscores.

        >>> names = Names()
        >>> [names.take(wish) for wish in ("x", "x#2", "w[0]", "o.rate", "d['k']", "lambda", "max", "x", "2 π")]
        ['x', 'x_2', 'w_0', 'o_rate', 'd_k', 'lambda_', 'max_', 'x_', '_2_π']
        """
        name = identifier(wish)
        while name in self._taken or keyword.iskeyword(name):
            name += "_"
        self._taken.add(name)
        return name

    def numbered(self, wish: str) -> str:
        """The same for a name that is ours: a later one gets a number.

        >>> names = Names()
        >>> [names.numbered("sigy_sum") for _ in range(3)]
        ['sigy_sum', 'sigy_sum_2', 'sigy_sum_3']
        """
        name, count = wish, 1
        while (found := identifier(name)) in self._taken or keyword.iskeyword(found):
            count += 1
            name = f"{wish}_{count}"
        self._taken.add(found)
        return found


def identifier(text: str) -> str:
    """A text as an identifier, as Python itself would read it.

    >>> identifier("x_"), identifier("d['k']"), identifier("2 π"), identifier("")
    ('x_', 'd_k', '_2_π', '_')
    """
    text = unicodedata.normalize("NFKC", text)
    if text.isidentifier():
        return text
    name = re.sub(r"\W+", "_", text).strip("_")
    return name if name.isidentifier() else f"_{name}"


def steps_of(path: str) -> tuple[str, list[tuple[str, Any]]] | None:
    """A path as its parameter and the steps from there; ``None`` where it is not Python.

    >>> steps_of("bodies[0].mass"), steps_of("table['a'][1, 2]"), steps_of("argument 0")
    (('bodies', [('[', 0), ('.', 'mass')]), ('table', [('[', 'a'), ('[', (1, 2))]), None)
    """
    try:
        node = ast.parse(path, mode="eval").body
        steps: list[tuple[str, Any]] = []
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute):
                steps.append((".", node.attr))
            elif isinstance(node, ast.Subscript):
                steps.append(("[", ast.literal_eval(node.slice)))
            else:
                return None
            node = node.value
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return node.id, steps[::-1]
