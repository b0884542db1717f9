"""Python: the function and its backward pass as a module of plain statements, one stage after the other.

In: an :class:`~tracegrad.document.Annotated` of level ``op``.  Out: the text of a module with two functions: ``f``,
and ``f_backward``, which gives the value and the gradients.  Read :func:`dump` first.

Decisions:

- *Same numbers.*  On the recorded inputs the module gives value and gradients of the trace to the last bit.
- *Same path.*  Where other inputs would take another branch than the recorded one, the module raises and names the
  line.  Numbers that were constants of the trace are constants of the module.
- *Same arguments.*  Parameters are those of the function that hold an input; of containers, the numbers that are
  inputs are unpacked.  Gradients are returned by parameter: lists for sequences, dicts for everything else.
- *Nothing to install.*  ``math`` is imported if it is needed, numpy where the function computes with it;
  ``tracegrad.special`` only for functions that Python's library does not have.
- *Arrays keep their shapes.*  Numbers that come of a shape are literals, so the module checks the shapes of arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tracegrad.arrays.fit import shape_of
from tracegrad.document import Annotated
from tracegrad.errors import InputError
from tracegrad.export.code_arguments import Arguments, structure
from tracegrad.export.code_lines import WIDTH, call, clean, indented, one_line, wrapped
from tracegrad.expressions import lines, parse, quoted, source
from tracegrad.formula import written
from tracegrad.naming import Names
from tracegrad.outline import Outline
from tracegrad.primitives import TABLE
from tracegrad.staged import UNROLL, Program, program
from tracegrad.statements import Assign, Check, Loop, Move, Push, Stack, Statement, each, mentioned, needed

SUFFIXES = (".py",)

_MODULES = ("fractions", "math", "operator", "statistics", "numpy", "scipy", "tracegrad.special")
_NAMED = {"numpy": "np", "scipy": "scipy", "tracegrad.special": "tracegrad"}
_IMPORTS = {"numpy": "import numpy as np", "scipy": "import scipy.special"}

_ZERO = "Sums start with -0.0: what is added to it stays as it is, to the sign of a zero."

_REQUIRE_ARRAYS = '''\
def _require(outcome, recorded, where):
    """Stop where these arrays would take another path than the recorded ones."""
    if not np.array_equal(outcome, recorded):
        raise ValueError(f"{where} was another when this was recorded: trace it again")
'''

_REQUIRE = '''\
def _require(outcome, recorded, where):
    """Stop where these numbers would take another path than the recorded one."""
    if outcome != recorded and (outcome == outcome or recorded == recorded):
        found = f"{where} gave {recorded!r} when this was recorded, now {outcome!r}"
        raise ValueError(f"{found}: trace it again")
'''


def dump(annotated: Annotated, *, level: str = "stage", limit: int = 2000, unroll: int = UNROLL) -> str:
    """The module; loops of more than ``unroll`` turns are loops in it.

    At level ``stage`` the statements are the user's, and what each returns to a variable is one expression where that
    can be read; at level ``op`` each operation and each contribution to a gradient is a statement.  What does not
    repeat is written out, and a function of more than ``limit`` such operations is refused.

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
    if level not in ("stage", "op"):
        raise InputError(f"source is written at level 'stage' or 'op', not {level!r}")
    names = Names()
    for row in TABLE:
        names.take(f"_{row}")
        names.take(f"_{row}_partials")
        for formal in "xyz":
            names.take(f"_{row}_d{formal}")
    arguments = Arguments([row.name for row in annotated.inputs], names)
    title = names.take(annotated.function.name if annotated.function.name.isidentifier() else "f")
    backward_title = names.take(f"{title}_backward")
    closed = level == "stage"
    found = program(
        annotated, names, arguments.roots, limit=limit, unroll=unroll, closed=closed, gather=closed
    )
    seeds = _seeds(found, names)
    parts = [
        *([(_REQUIRE_ARRAYS if found.outline.arrays else _REQUIRE).rstrip()] if _checks(found) else []),
        *found.helpers.values(),
        *("\n".join(_table(own, values)) for own, values in (found.tables | seeds.table).items()),
        "\n".join(_short(found, title, arguments)),
        "\n".join(_backward(found, title, backward_title, arguments, seeds.parameter)),
    ]
    body = "\n\n\n".join(parts)
    recorded = f"recorded by tracegrad{_at(found.outline)}"
    head = f'"""{title}({", ".join(arguments.parameters)}) and its gradients, {recorded}."""'
    gap = ["", ""] if body.startswith("def ") else [""]
    return "\n".join([head, *_imports(body), *gap, body, ""])


def _table(own: str, values: Any) -> list[str]:
    """Constants that stand by themselves."""
    if isinstance(values, tuple):
        return wrapped(f"{own} = ", values, width=WIDTH)
    line = f"{own} = {source(values)}"
    if len(line) <= WIDTH:
        return [line]
    inner = wrapped("", _unnested(values.args[0]), "," * bool(values.keywords), WIDTH - 4)
    keywords = [f"{one.arg}={source(one.value)}," for one in values.keywords]
    return [f"{own} = {source(values.func)}(", *(f"    {line}" for line in [*inner, *keywords]), ")"]


def _unnested(tree: ast.expr) -> Any:
    return list(map(_unnested, tree.elts)) if isinstance(tree, ast.List) else tree


def _checks(found: Program) -> bool:
    return any(isinstance(one, Check) for one in each((*found.forward, *found.backward)))


def _at(outline: Outline) -> str:
    if len(outline.inputs) > 10:
        return ""
    if outline.arrays:
        shapes = [(path, shape_of(outline.raw(index))) for path, index in outline.inputs]
        text = ", ".join(f"{path} {' x '.join(map(str, shape)) or '1'}" for path, shape in shapes)
        return f" for {text}" if len(text) <= 60 and text.isprintable() and '"' not in text else ""
    shown = [f"{path} = {outline.value(index)!r}" for path, index in outline.inputs]
    text = f" at {', '.join(shown)}"
    return text if len(text) <= 60 and text.isprintable() and '"' not in text and "\\" not in text else ""


def _imports(body: str) -> Iterator[str]:
    named = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    modules = [module for module in _MODULES if _NAMED.get(module, module) in named]
    for module in modules:
        first = module in (modules[0], *[one for one in modules if one in ("numpy", "scipy")][:1])
        if first or module.startswith("tracegrad"):
            yield ""
        if module.startswith("tracegrad"):
            yield "# functions that Python's library does not have"
        yield _IMPORTS.get(module, f"import {module}")


# ---- the two functions --------------------------------------------------------------------------------


def _short(found: Program, title: str, arguments: Arguments) -> Iterator[str]:
    yield from _signature(title, arguments.parameters)
    unpacked = arguments.unpacked(found, needed(found.short) | _mentioned(found.short_results))
    body = [*unpacked, *_statements(found, found.short)]
    results = structure(found, found.short_results)
    last = [index for _, index in found.outline.outputs][-1:]
    written_out = {one.node for one in each(found.short) if isinstance(one, Assign)}
    note = _number(found.outline, last[0]) if last and last[0] not in written_out else ""
    yield from indented([*body, *wrapped("return ", results, note)])


def _backward(found: Program, title: str, own: str, arguments: Arguments, seeds: str | None) -> Iterator[str]:
    parameters = list(arguments.parameters)
    if seeds is not None:
        parameters.append(seeds)
    if found.outline.arrays:
        yield '@np.errstate(all="ignore")  # poles end in inf or nan'
    yield from _signature(own, parameters)
    statements = (*found.forward, *found.backward)
    summary = (
        f"The value of {title} and its gradients, by the chain rule from the last statement to the first."
    )
    yield from indented([f'"""{summary}', "", _ZERO, '"""'] if _starts_sums(found) else [f'"""{summary}"""'])
    unpacked = arguments.unpacked(found, needed(statements) | _mentioned(found.results))
    body = [*unpacked, *_statements(found, found.forward), *_way_back(found, arguments)]
    gradients = arguments.gradients(found)
    results = structure(found, found.results)
    line = f"return {one_line(results)}, "
    pair = wrapped(line, gradients) if len(line) < WIDTH - 4 else wrapped("return ", (results, gradients))
    yield from indented([*body, *pair])


class _Seeds(NamedTuple):
    """The parameter for the seeds, and where they are a long series, this by its name."""

    parameter: str | None
    table: dict[str, tuple[ast.expr, ...]]


def _seeds(found: Program, names: Names) -> _Seeds:
    if found.seed is None:
        return _Seeds(None, {})
    seeds = [output.seed for output, _ in found.outline.outputs]
    if not all(isinstance(seed, (int, float)) for seed in seeds):
        return _Seeds(found.seed, {})
    texts = list(map(written, seeds))
    text = texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
    if len(text) > 60 and len(set(texts)) == 1:
        text = f"({texts[0]},) * {len(texts)}"
    if len(text) <= 60:
        return _Seeds(f"{found.seed}={text}", {})
    own = names.numbered(f"recorded_{found.seed}")
    return _Seeds(f"{found.seed}={own}", {own: tuple(map(parse, texts))})


def _starts_sums(found: Program) -> bool:
    sources = [tree for one in each(found.backward) if isinstance(one, Move) for tree in one.sources]
    return bool(found.vectors) or any("-0.0" in source(tree) for tree in sources)


def _signature(title: str, parameters: list[str]) -> list[str]:
    line = f"def {title}({', '.join(parameters)}):"
    if len(line) <= WIDTH:
        return [line]
    inner = ", ".join(parameters)
    inside = [inner] if len(inner) + 4 <= WIDTH else [f"{one}," for one in parameters]
    return [f"def {title}(", *(f"    {line}" for line in inside), "):"]


def _statements(found: Program, statements: Iterable[Statement], width: int = WIDTH - 4) -> Iterator[str]:
    for one in statements:
        match one:
            case Assign(target=target, sign="+=", expression=expression, in_place=False):
                tree = ast.BinOp(parse(target), ast.Add(), expression)
                if isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub):
                    tree = ast.BinOp(parse(target), ast.Sub(), expression.operand)
                yield from lines(f"{target} = ", tree, width)
            case Assign(target=target, sign=sign, expression=expression):
                note = _number(found.outline, one.node) if one.computes else ""
                yield from lines(f"{target} {sign} ", expression, width, note)
            case Check(expression=expression, outcome=outcome, where=where):
                yield from call(
                    "_require", [source(expression), source(parse(outcome)), quoted(clean(where))], width
                )
            case Move(targets=targets, sources=sources):
                yield from _move(targets, sources, width)
            case Stack(name=own):
                yield f"{own} = []"
            case Push(stack=stack, values=values):
                yield from _push(stack, values, width)
            case Loop():
                yield from _head(one, width)
                yield from indented(_statements(found, one.body, width - 4))


def _head(loop: Loop, width: int) -> list[str]:
    """The first line of a loop, or a name a line."""
    iterable = source(loop.iterable)
    line = f"for {', '.join(loop.targets) or '_'} in {iterable}:"
    return (
        [line]
        if len(line) <= width
        else ["for (", *(f"    {one}," for one in loop.targets), *lines(") in ", loop.iterable, width, ":")]
    )


def _push(stack: str, values: tuple[str, ...], width: int) -> list[str]:
    pushed = f"({', '.join(values)})" if len(values) > 1 else values[0]
    if len(pushed) + 5 <= width:
        return call(f"{stack}.append", [pushed], width)
    return [f"{stack}.append(", "    (", *(f"        {value}," for value in values), "    )", ")"]


def _move(targets: tuple[str, ...], sources: tuple[ast.expr, ...], width: int) -> Iterator[str]:
    """A value to each target: line by line, or at once where one is another's source."""
    if not any(target in mentioned(tree) for i, target in enumerate(targets) for tree in sources[i + 1 :]):
        for target, tree in zip(targets, sources, strict=True):
            yield from lines(f"{target} = ", tree, width)
    else:
        yield from wrapped(f"{', '.join(targets)} = ", sources, width=width)


def _way_back(found: Program, arguments: Arguments) -> Iterator[str]:
    if found.backward:
        yield ""
    yield from arguments.begun(found)
    yield from _steps_back(found, found.backward, WIDTH - 4)


def _steps_back(found: Program, statements: Iterable[Statement], width: int) -> Iterator[str]:
    before = None
    for one in statements:
        if isinstance(one, Loop):
            yield from _head(one, width)
            yield from indented(_steps_back(found, one.body, width - 4))
            before = None
            continue
        is_seed = isinstance(one, Assign) and mentioned(one.expression) == {found.seed}
        at = found.outline.stage(one.through) if isinstance(one, Assign) and not is_seed else None
        if at is not None and at != before:
            yield f"# backprop {clean(at[1].label)}  ({at[0]})"
            before = at
        yield from _statements(found, [one], width)


def _mentioned(results: dict[str, ast.expr]) -> set[str]:
    return {own for tree in results.values() for own in mentioned(tree)}


def _number(outline: Outline, index: int) -> str:
    at = outline.stage(index)
    return f"  # ({at[0]})" if at is not None and outline.completes(index) else ""
