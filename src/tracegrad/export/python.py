"""Python: the function and its backward pass as a module of plain statements, one stage after the other.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: the text of a module with two functions: ``f``,
and ``f_backward``, which gives the value and the gradients.  Read :func:`dump` first.

Decisions:

- *Same numbers.*  On the recorded inputs the module gives value and gradients of the trace to the last bit.
- *Same path.*  Where other inputs would take another branch than the recorded one, the module raises and names the
  line.  Numbers that were constants of the trace are constants of the module.
- *Same arguments.*  Parameters are those of the function that hold an input; of containers, the numbers that are
  inputs are unpacked.  Gradients are returned by parameter: lists for sequences, dicts for everything else.
- *Nothing to install.*  ``math`` is imported if it is needed; ``tracegrad.special`` only for functions that Python's
  library does not have.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from tracegrad.document import Annotated, Record
from tracegrad.expressions import constant, lines, name, quoted, source
from tracegrad.formula import written
from tracegrad.naming import Names, steps_of
from tracegrad.outline import Outline
from tracegrad.primitives import TABLE
from tracegrad.staged import Assign, Program, Statement, program

SUFFIXES = (".py",)

_WIDTH = 88
_MODULES = ("math", "operator", "statistics", "tracegrad.special")

_REQUIRE = '''\
def _require(outcome, recorded, where):
    """Stop where these numbers would take another path than the recorded one."""
    if outcome != recorded and (outcome == outcome or recorded == recorded):
        raise ValueError(f"{where} gave {recorded!r} when this was recorded, now {outcome!r}: trace it again")
'''


def dump(annotated: Annotated, *, limit: int = 2000) -> str:
    """The module; a function of more than ``limit`` operations is refused, because its loops are written out.

    >>> import tracegrad as tg
    >>> def f(x, y):
    ...     p = x * y
    ...     return p + x
    >>> print(dump(tg.trace(f, 3.0, -4.0).document))
    \"""f(x, y) and its gradients, recorded by tracegrad at x = 3.0, y = -4.0.\"""
    <BLANKLINE>
    <BLANKLINE>
    def f(x, y):
        p = x * y  # (1)
        return p + x  # (2)
    <BLANKLINE>
    <BLANKLINE>
    def f_backward(x, y):
        \"""The value of f and its gradients, by the chain rule from the last statement to the first.\"""
        p = x * y  # (1)
        value = p + x  # (2)
    <BLANKLINE>
        # backprop return p + x  (2)
        dp = 1.0
        dx = 1.0
        # backprop p = x * y  (1)
        dx += y * dp
        dy = x * dp
        return value, {"x": dx, "y": dy}
    <BLANKLINE>
    """
    names = Names()
    for row in TABLE:
        names.take(f"_{row}")
        names.take(f"_{row}_partials")
    arguments = _Arguments([row.name for row in annotated.inputs], names)
    title = names.take(annotated.function.name if annotated.function.name.isidentifier() else "f")
    backward_title = names.take(f"{title}_backward")
    found = program(annotated, names, arguments.direct, limit=limit)
    parts = [
        *([_REQUIRE.rstrip()] if _checks(found) else []),
        *found.helpers.values(),
        "\n".join(_short(found, title, arguments)),
        "\n".join(_backward(found, title, backward_title, arguments)),
    ]
    body = "\n\n\n".join(parts)
    head = f'"""{title}({", ".join(arguments.parameters)}) and its gradients, recorded by tracegrad{_at(annotated)}."""'
    return "\n".join([head, *_imports(body), "", "", body, ""])


def _checks(found: Program) -> bool:
    return any(not isinstance(one, Assign) for one in (*found.forward, *found.backward))


def _at(annotated: Annotated) -> str:
    nodes = {node.id: node for node in annotated.nodes}
    shown = [f"{row.name} = {nodes[row.node].value!r}" for row in annotated.inputs]
    text = f" at {', '.join(shown)}"
    return text if len(text) <= 60 and text.isprintable() and '"' not in text and "\\" not in text else ""


def _imports(body: str) -> Iterator[str]:
    named = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    modules = [module for module in _MODULES if module.partition(".")[0] in named]
    if modules:
        yield ""
    for module in modules:
        if module.startswith("tracegrad"):
            yield from [""] * (len(modules) > 1)
            yield "# functions that Python's library does not have"
        yield f"import {module}"


# ---- the two functions --------------------------------------------------------------------------------


def _short(found: Program, title: str, arguments: _Arguments) -> Iterator[str]:
    yield f"def {title}({', '.join(arguments.parameters)}):"
    body = [*arguments.unpacked(found), *_statements(found, found.short)]
    results = _structure(found, found.short_results)
    last = [index for _, index in found.outline.outputs][-1:]
    written_out = {one.node for one in found.short if isinstance(one, Assign)}
    note = _number(found.outline, last[0]) if last and last[0] not in written_out else ""
    yield from _indented([*body, *_wrapped("return ", results, note)])


def _backward(found: Program, title: str, own: str, arguments: _Arguments) -> Iterator[str]:
    parameters = list(arguments.parameters)
    if found.seed is not None:
        seeds = [written(output.seed) for output, _ in found.outline.outputs]
        parameters.append(f"{found.seed}={seeds[0] if len(seeds) == 1 else '(' + ', '.join(seeds) + ')'}")
    yield f"def {own}({', '.join(parameters)}):"
    yield f'    """The value of {title} and its gradients, by the chain rule from the last statement to the first."""'
    body = [*arguments.unpacked(found), *_statements(found, found.forward), *_way_back(found)]
    gradients = arguments.gradients(found.gradients)
    result = f"{_one_line(_structure(found, found.results))}, "
    yield from _indented([*body, *_wrapped(f"return {result}", gradients)])


def _statements(found: Program, statements: Iterable[Statement]) -> Iterator[str]:
    for one in statements:
        if isinstance(one, Assign):
            *above, last = lines(f"{one.target} {one.sign} ", one.expression, _WIDTH - 4)
            yield from [*above, last + (_number(found.outline, one.node) if one.computes else "")]
        else:
            yield from _call("_require", [source(one.expression), one.outcome, quoted(_clean(one.where))])


def _way_back(found: Program) -> Iterator[str]:
    before = None
    if found.backward:
        yield ""
    for one in found.backward:
        at = found.outline.stage(one.through)
        if isinstance(one, Assign) and at is not None and at != before:
            yield f"# backprop {_clean(at[1].label)}  ({at[0]})"
            before = at
        yield from _statements(found, [one])


def _number(outline: Outline, index: int) -> str:
    at = outline.stage(index)
    return f"  # ({at[0]})" if at is not None and outline.completes(index) else ""


def _call(function: str, arguments: list[str]) -> list[str]:
    """A call on one line, or with one argument a line."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) + 4 <= _WIDTH:
        return [line]
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]


def _clean(text: str) -> str:
    """A text of the user as one line of a comment or a message."""
    line = "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
    return line if len(line) <= 80 else f"{line[:79]}…"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)


# ---- arguments ----------------------------------------------------------------------------------------


class _Arguments:
    """The parameters, and the way to each input inside of them."""

    def __init__(self, paths: list[str], names: Names) -> None:
        steps = {path: steps_of(path) for path in paths}
        roots = [path if found is None else found[0] for path, found in steps.items()]
        #: parameter of the user's function -> that of ours
        self._roots = {root: names.take(root) for root in dict.fromkeys(roots)}
        self._steps = {path: [] if found is None else found[1] for path, found in steps.items()}
        self._root_of = dict(zip(paths, roots, strict=True))

    @property
    def parameters(self) -> list[str]:
        return list(self._roots.values())

    @property
    def direct(self) -> dict[str, str]:
        """The parameters that are inputs themselves, by path."""
        return {path: self._roots[root] for path, root in self._root_of.items() if not self._steps[path]}

    def unpacked(self, found: Program) -> Iterator[str]:
        """A name for each number that lies inside of a parameter and is used."""
        for path, index in found.outline.inputs:
            if self._steps[path] and index in found.outline.live:
                place = "".join(map(_step, self._steps[path]))
                yield f"{found.values[index]} = {self._roots[self._root_of[path]]}{place}"

    def gradients(self, by_path: dict[str, ast.expr]) -> Any:
        """The gradients by parameter, nested as the arguments are."""
        return {
            root: _nested(
                [(self._steps[path], by_path[path]) for path in by_path if self._root_of[path] == root]
            )
            for root in self._roots
        }


def _step(step: tuple[str, Any]) -> str:
    kind, key = step
    return f".{key}" if kind == "." else f"[{_key(key)}]"


def _nested(items: list[tuple[list[tuple[str, Any]], ast.expr]]) -> Any:
    """Leaves at the end of steps as lists and dicts."""
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    inner: dict[Any, list[Any]] = {}
    for steps, leaf in items:
        inner.setdefault(steps[0][1], []).append((steps[1:], leaf))
    found = {key: _nested(rest) for key, rest in inner.items()}
    return list(found.values()) if list(found) == list(range(len(found))) else found


# ---- results ------------------------------------------------------------------------------------------


def _structure(found: Program, results: dict[str, ast.expr]) -> Any:
    """The function's result with expressions in place of its numbers; where that cannot be written, a dict by path."""
    used: list[str] = []
    built = _built(found.outline.annotated.value, "", results, used)
    return built if len(used) == len(results) else dict(results)


def _built(value: Any, path: str, results: dict[str, ast.expr], used: list[str]) -> Any:
    if path in results:
        used.append(path)
        return results[path]
    if isinstance(value, Record):
        return {field: _built(item, f"{path}.{field}", results, used) for field, item in value.fields}
    if isinstance(value, dict):
        return {key: _built(item, f"{path}[{key!r}]", results, used) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_built(item, f"{path}[{i}]", results, used) for i, item in enumerate(value))
    return constant(value) if value is None or isinstance(value, (bool, int, float, str)) else name("None")


def _one_line(value: Any) -> str:
    if isinstance(value, ast.expr):
        text = isinstance(value, ast.Constant) and isinstance(value.value, str)
        return quoted(value.value) if text else source(value)  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_one_line(item)}" for key, item in value.items()) + "}"
    items = ", ".join(map(_one_line, value))
    return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"


def _key(key: Any) -> str:
    """A key of a dict, if it can be written; else its text."""
    if isinstance(key, str):
        return quoted(key)
    try:
        ast.literal_eval(repr(key))
    except (SyntaxError, ValueError):
        return quoted(str(key))
    return repr(key)


def _wrapped(before: str, value: Any, note: str = "") -> list[str]:
    """A value on one line, or with one item a line."""
    if isinstance(value, ast.expr):
        *above, last = lines(before, value, _WIDTH - 4)
        return [*above, last + note]
    line = f"{before}{_one_line(value)}"
    if len(line) + 4 <= _WIDTH:
        return [line + note]
    opening, closing = "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else "()"
    items = (
        [_wrapped(f"{_key(key)}: ", item) for key, item in value.items()]
        if isinstance(value, dict)
        else [_wrapped("", item) for item in value]
    )
    inner = [f"    {line}" for item in items for line in (*item[:-1], f"{item[-1]},")]
    return [f"{before}{opening}", *inner, f"{closing}{note}"]
