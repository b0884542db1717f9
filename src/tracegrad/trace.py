"""The result of tracing a function: its value, its gradients, its graph, and every way to show them.

Read :class:`Trace`: it composes what the modules above it do and adds no mathematics.
"""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from tracegrad import export
from tracegrad.annotate import annotate, occurrences
from tracegrad.arguments import by_parameter, title_of
from tracegrad.arrays.fit import array_like, as_seed, one_like, shape_of
from tracegrad.document import Annotated, Guard, Input, Node, Output
from tracegrad.errors import InputError, TracegradError
from tracegrad.freeze import freeze
from tracegrad.graph import Graph
from tracegrad.recording import Recording, record
from tracegrad.reverse import Step, as_adjoint, backward, node_seeds, steps, sweep
from tracegrad.tracer import KINDS
from tracegrad.tree import leaves, map_leaves


class Trace:
    """One call of a function, with every operation on its inputs.

    Gradients are computed when first asked for, and can be asked for again: nothing accumulates.

    >>> import tracegrad as tg
    >>> t = tg.trace(lambda x, y: x * y + x, 3.0, -4.0)
    >>> t.value
    -9.0
    >>> t.gradients
    {'x': -3.0, 'y': 3.0}
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._seed: Any = None
        self._graph: Graph | None = None
        self._gradients: dict[str, Any] | None = None
        self._document: Annotated | None = None
        #: the function's own result, equal to that of the plain call
        self.value: Any = recording.value
        self._outputs = recording.outputs

    def __del__(self) -> None:
        # The operations refer to the tape and the tape to them: emptied, it costs the garbage collector nothing.
        recording = getattr(self, "_recording", None)
        if recording is not None:
            recording.tape.clear()

    # ---- gradients

    @property
    def gradients(self) -> dict[str, Any]:
        """Parameter name -> gradient, in the structure of that argument.

        Raises :class:`InputError` if the result holds several numbers and no seed was given (:meth:`backward`).
        """
        if self._gradients is None:
            self._gradients = self._recording.in_structure(self._adjoints())
        return self._gradients

    def backward(self, seed: Any = None) -> Trace:
        """Choose the adjoint of the result, and give the trace back.

        ``seed`` has the structure of the result, or is a dict by the names of :attr:`outputs`; what it leaves out
        counts as 0.  A number serves a result that is one number.  Without a seed, such a result gets 1.

        >>> import tracegrad as tg
        >>> t = tg.trace(lambda x: {"square": x * x, "cube": x**3}, 2.0)
        >>> t.backward({"cube": 1.0}).gradients
        {'x': 12.0}
        >>> t.backward({"square": 1.0, "cube": 10.0}).gradients
        {'x': 124.0}
        """
        self._seed = None
        self._seeds_by_path(seed)
        self._seed = seed
        self._gradients = self._document = None
        self.__dict__.pop("document", None)
        return self

    def _adjoints(self) -> list[Any]:
        """The adjoints of the inputs."""
        if self._graph is not None:
            adjoints = backward(self._graph, self._seeds()).adjoints
            return [self._as_input(adjoints[index], index) for index in self._graph.inputs]
        by_path = self._seeds_by_path(self._seed)
        recording = self._recording
        seeds = [(leaf, by_path[path]) for path, leaf in self._outputs if recording.owns(leaf)]
        return sweep(recording.tape, seeds, recording.count)

    def _as_input(self, adjoint: Any, index: int) -> Any:
        """An adjoint of an input, ``None`` if nothing depends on an array."""
        return None if shape_of(adjoint) != shape_of(self.graph.values[index]) else adjoint

    def _seeds(self) -> dict[int, Any]:
        return node_seeds(self.graph, self._seeds_by_path(self._seed))

    def _seeds_by_path(self, seed: Any) -> dict[str, Any]:
        paths = [path for path, _ in self._outputs]
        title = title_of(self._recording.function)
        if not paths:
            raise InputError(
                f"{title} returned no number ({type(self.value).__name__}): there is nothing to differentiate"
            )
        if seed is None:
            if len(paths) > 1:
                raise InputError(
                    f"{title} returned {len(paths)} numbers: say which to differentiate by a seed in the structure of "
                    f"the result, or by name, for instance t.backward(seed={self._example_seed()!r})"
                )
            result = self._outputs[0][1]
            if type(result) in KINDS and result.shape:
                raise InputError(
                    f"{title} returned an array of shape {result.shape}, and a gradient is that of one number: return "
                    "one (a sum, say), or give a seed of that shape: t.backward(seed)"
                )
            return {paths[0]: one_like(result) if type(result) in KINDS else 1.0}
        by_name = isinstance(seed, dict) and not isinstance(self.value, dict) and seed.keys() <= set(paths)
        if paths == [""] and isinstance(seed, (list, tuple)):
            seed = array_like(seed, self._outputs[0][1])
        given = seed if by_name else dict(leaves(seed))
        unknown = given.keys() - set(paths)
        if unknown or not given:
            what = (
                "one number" if paths == [""] else f"{len(paths)} numbers, {', '.join(map(repr, paths[:8]))}"
            )
            raise InputError(
                f"the seed {seed!r} does not fit: the result of {title} is {what}; "
                f"for instance t.backward(seed={self._example_seed()!r})"
            )
        return {path: as_seed(as_adjoint(given.get(path, 0.0)), leaf, title) for path, leaf in self._outputs}

    def _example_seed(self) -> Any:
        if self._outputs[0][0] == "":
            return 1.0
        if not isinstance(self.value, (list, tuple, dict)):
            return {self._outputs[0][0]: 1.0}
        seeds = chain([1.0], repeat(0.0))
        return map_leaves(self._recording.result, lambda leaf: next(seeds), lambda other: None)

    # ---- the graph and its views

    @property
    def graph(self) -> Graph:
        """The operations as flat columns, see :class:`tracegrad.graph.Graph`."""
        if self._graph is None:
            recording = self._recording
            self._graph = freeze(recording.tape, recording.names, self._outputs)[0]
            recording.tape.clear()
        return self._graph

    @cached_property
    def document(self) -> Annotated:
        """The annotated graph: everything that the exports show, as plain rows."""
        by_path = self._seeds_by_path(self._seed)
        by_output = iter(by_path.values())
        return annotate(
            self.graph,
            by_path,
            function=self._recording.function,
            value=self.value,
            seed=map_leaves(self._recording.result, lambda leaf: next(by_output), lambda other: None),
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every value of the computation, in order."""
        return self.document.nodes

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs: their paths and their nodes."""
        return self.document.inputs

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The numbers of the result: their paths, nodes, values and seeds."""
        return self.document.outputs

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What the trace took for granted: the branches taken, whole numbers, text."""
        return self.document.guards

    def __getitem__(self, key: str | tuple[str, int]) -> Node:
        """The last node bound to a variable; ``t["x", 0]`` is the first one.

        >>> import tracegrad as tg
        >>> def f(x):
        ...     y = x * x
        ...     y = y + x
        ...     return y
        >>> t = tg.trace(f, 3.0)
        >>> t["y"].value, t["y", 0].value, t["y", 0].grad
        (12.0, 9.0, 1.0)
        """
        name, occurrence = key if isinstance(key, tuple) else (key, -1)
        found = occurrences(self.nodes, name)
        try:
            return found[occurrence]
        except IndexError:
            known = dict.fromkeys(node.name.partition("#")[0] for node in self.nodes if node.name is not None)
            raise KeyError(
                f"no value number {occurrence} of {name!r} (there are {len(found)})"
                if found
                else f"no variable {name!r} in this trace; there are: {', '.join(known)}"
            ) from None

    def steps(self) -> Iterator[Step]:
        """The backward pass, one instruction at a time.

        >>> import tracegrad as tg
        >>> for step in tg.trace(lambda x: x * x + x, 3.0).steps():
        ...     print(f"adjoint[{step.source}] {'=' if step.first else '+='} {step.partial} * {step.upstream}")
        adjoint[1] = 1.0 * 1.0
        adjoint[0] = 1.0 * 1.0
        adjoint[0] += 3.0 * 1.0
        adjoint[0] += 3.0 * 1.0
        """
        return steps(self.graph, self._seeds())

    # ---- exports

    def to_json(self, **options: Any) -> str:
        """The document as JSON text."""
        return str(self._export(".json", options))

    def to_dot(self, **options: Any) -> str:
        """The picture as text for Graphviz."""
        return str(self._export(".dot", options))

    def to_svg(self, **options: Any) -> str:
        """The picture as SVG."""
        return str(self._export(".svg", options))

    def to_png(self, **options: Any) -> bytes:
        """The picture as PNG."""
        return bytes(self._export(".png", options))  # type: ignore[arg-type]

    def to_text(self, **options: Any) -> str:
        """The table of stages, values and gradients."""
        return str(self._export(".txt", options))

    def to_networkx(self, **options: Any) -> Any:
        """The graph as a :class:`networkx.MultiDiGraph`."""
        from tracegrad.export.nx import to_networkx

        return to_networkx(self.document, **options)

    def _export(self, suffix: str, options: dict[str, Any]) -> str | bytes:
        return export.dump(self.document, suffix, **options)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file in the format of its suffix: .svg, .png, .dot, .json ...; whole or not at all."""
        return export.write(self.document, path, **options)

    def show(self) -> None:
        """Open the picture in the browser."""
        folder = Path(tempfile.mkdtemp(prefix="tracegrad-"))
        webbrowser.open(self.save(folder / "trace.svg").as_uri())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture, where one can be drawn, and the table."""
        bundle = {"text/plain": str(self)}
        with suppress(TracegradError):  # a graph too large to draw still has its table
            bundle["image/svg+xml"] = self.to_svg(timeout=10.0)
        return bundle

    def __str__(self) -> str:
        try:
            return self.to_text()
        except InputError as error:
            return f"{self!r}\n{error}"

    def __repr__(self) -> str:
        return f"<Trace of {title_of(self._recording.function)}, value {self.value!r}>"


def trace(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Trace:
    """Call a function and record every operation on the numbers among its arguments.

    Works for any callable, decorated or not: functions, methods, lambdas, partials.  Raises what the function
    raises; :class:`EscapeError` where a traced value would turn into a plain number and lose its gradient.

    >>> import math
    >>> t = trace(lambda x, y: math.atan2(y, x), 3.0, 4.0)
    >>> t.gradients
    {'x': -0.16, 'y': 0.12}
    """
    return Trace(record(fn, by_parameter(fn, args, kwargs)))
