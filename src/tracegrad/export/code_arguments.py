"""Arguments and results in generated code: the way to each input, and structures of gradients and results.

In: the paths of inputs and outputs.  Out: parameters, and nested lists and dicts of expressions.  Read
:class:`Arguments` first, then :func:`structure`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from tracegrad.export.code_lines import one_line, wrapped
from tracegrad.expressions import constant, key_source, name, parse
from tracegrad.listed import with_lists
from tracegrad.naming import Names, steps_of
from tracegrad.staged import Program
from tracegrad.structures import Record


class Arguments:
    """The parameters, and the way to each input inside of them."""

    def __init__(self, paths: list[str], names: Names) -> None:
        steps = {path: steps_of(path) for path in paths}
        roots = [path if found is None else found[0] for path, found in steps.items()]
        #: parameter of the user's function -> that of ours
        self.roots = {root: names.take(root) for root in dict.fromkeys(roots)}
        self._steps = {path: [] if found is None else found[1] for path, found in steps.items()}
        self._root_of = dict(zip(paths, roots, strict=True))
        self._paths: dict[str, list[str]] = {root: [] for root in self.roots}
        for path, root in self._root_of.items():
            self._paths[root].append(path)

    @property
    def parameters(self) -> list[str]:
        return list(self.roots.values())

    def unpacked(self, found: Program, used: set[str]) -> Iterator[str]:
        """A name for each number that lies inside of a parameter and is used."""
        for path, index in found.outline.inputs:
            own = found.values.get(index)
            if self._steps[path] and own in used:
                place = "".join(map(_step, self._steps[path]))
                yield f"{own} = {self.roots[self._root_of[path]]}{place}"

    def begun(self, found: Program) -> Iterator[str]:
        """The gradients of the arguments that loops run through, before anything is added to them."""
        for root, gradient in found.vectors.items():
            leaves = {path: -0.0 if path in found.begun else 0.0 for path in self._paths[root]}
            yield from wrapped(f"{gradient} = ", _repeated(self._nest(root, leaves)))

    def gradients(self, found: Program) -> Any:
        """The gradients by parameter, nested as the arguments are."""
        return {
            root: name(found.vectors[root]) if root in found.vectors else self._nest(root, found.gradients)
            for root in self.roots
        }

    def _nest(self, root: str, leaves: Mapping[str, Any]) -> Any:
        return _nested([(self._steps[path], leaves[path]) for path in self._paths[root] if path in leaves])


def _step(step: tuple[str, Any]) -> str:
    kind, key = step
    return f".{key}" if kind == "." else f"[{key_source(key)}]"


def _nested(items: list[tuple[list[tuple[str, Any]], ast.expr]]) -> Any:
    """Leaves at the end of steps as lists and dicts."""
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    inner: dict[Any, list[Any]] = {}
    for steps, leaf in items:
        inner.setdefault(steps[0][1], []).append((steps[1:], leaf))
    found = {key: _nested(rest) for key, rest in inner.items()}
    return list(found.values()) if list(found) == list(range(len(found))) else found


def _repeated(value: Any) -> Any:
    """Numbers in lists and dicts as expressions: ``[0.0] * 3`` for three that are alike."""
    if isinstance(value, dict):
        return {key: _repeated(item) for key, item in value.items()}
    if not isinstance(value, list):
        return constant(value)
    runs = [(list(run), text) for text, run in groupby(map(_repeated, value), key=one_line)]
    if all(isinstance(item, float) for item in value):
        parts = [f"[{text}] * {len(run)}" if len(run) > 1 else f"[{text}]" for run, text in runs]
        return parse(" + ".join(parts))
    if len(runs) == 1 and len(value) > 1:
        return parse(f"[{runs[0][1]} for _ in range({len(value)})]")
    return [item for run, _ in runs for item in run]


def structure(found: Program, results: dict[str, ast.expr]) -> Any:
    """The function's result with expressions in place of its numbers; where that cannot be written, a dict by path."""
    used: list[str] = []
    built = _with_lists(found, _built(found.outline.annotated.value, "", results, used))
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


def _with_lists(found: Program, built: Any) -> Any:
    """A result in which the elements of a list that a loop leaves are that list."""
    if isinstance(built, dict):
        return {key: _with_lists(found, item) for key, item in built.items()}
    if not isinstance(built, (list, tuple)):
        return built
    inner = [_with_lists(found, item) for item in built]
    if not all(isinstance(item, ast.expr) for item in inner):
        return type(built)(inner)
    items = with_lists(inner, found.lists)
    whole = len(items) == 1 and isinstance(items[0], ast.Starred) and isinstance(built, list)
    return items[0].value if whole else type(built)(items)  # type: ignore[attr-defined]
