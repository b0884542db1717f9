"""The result of tracing a function: its value, its gradients, its graph, and every way to show them.

Read :class:`Trace`: it composes what the modules above it do and adds no mathematics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from tracegrad.annotate import columns, document
from tracegrad.arguments import by_parameter, title_of
from tracegrad.arrays.fit import shape_of, zero_like
from tracegrad.collector import collector_paused
from tracegrad.document import Annotated, Guard, Input, Node, Output, without_gradients
from tracegrad.edge_pulls import can_write_edges, edges_of, on_nodes
from tracegrad.errors import InputError
from tracegrad.export.text import to_text
from tracegrad.fold import automatic, check_view, fold_columns
from tracegrad.fold.columns import Columns, occurrences, unknown
from tracegrad.fold.part import part
from tracegrad.freeze import freeze, thaw
from tracegrad.graph import Graph
from tracegrad.passes import adjoints_called
from tracegrad.progress import progress_shown
from tracegrad.recording import Recording, record
from tracegrad.reverse import Backward, Step, backward, node_seeds, steps, sweep, sweep_onto
from tracegrad.seeds import seeds_by_path
from tracegrad.tree import map_leaves
from tracegrad.views import Document, Views


class Trace(Views):
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
        self._gradients = None
        self.__dict__.pop("document", None)
        self.__dict__.pop("_columns", None)
        self.__dict__.pop("_seen", None)
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
        recording = self._recording
        return seeds_by_path(title_of(recording.function), recording.result, self._outputs, seed)

    def gradient_trace(self, seed: Any = None) -> Trace:
        """The gradient as a trace of its own: the operations of the function, then those of its backward pass.

        Its value is ``(value, gradients)``.  The backward operations stand at the statement whose gradient they
        compute, and are called ``dx`` after the ``x`` whose adjoint they are.  ``seed`` is that of this trace
        (:meth:`backward`); the new trace starts with the seed 1 on the value it repeats and 0 on the gradients, and can
        be given others: its gradients are second derivatives then.

        >>> import tracegrad as tg
        >>> def f(x, y):
        ...     z = x * y
        ...     return z * z
        >>> t = tg.trace(f, 3.0, 5.0).gradient_trace()
        >>> t.value
        (225.0, {'x': 150.0, 'y': 90.0})
        >>> t["dz"].value
        30.0
        >>> t.backward({"[1]['x']": 1.0}).gradients
        {'x': 50.0, 'y': 60.0}
        """
        if seed is not None:
            self.backward(seed)
        seeds = self._seeds_by_path(self._seed)
        tape, entries = thaw(self.graph)
        found = sweep_onto(tape, [(entries[i], seed) for i, seed in node_seeds(self.graph, seeds).items()])
        outputs = (out.value if out.node is None else entries[out.node] for out in self.graph.outputs)
        value = map_leaves(self._recording.result, lambda leaf: next(outputs))
        gradients = self._recording.in_structure(0.0 if adjoint is None else adjoint for adjoint in found)
        derived = Trace(replace(self._recording, tape=tape, result=(value, gradients)))
        return derived.backward({f"[0]{path}": seed for path, seed in seeds.items()})

    # ---- the graph and its views

    @property
    def graph(self) -> Graph:
        """The operations as flat columns, see :class:`tracegrad.graph.Graph`."""
        if self._graph is None:
            recording = self._recording
            with collector_paused():
                self._graph = freeze(recording.tape, recording.names, self._outputs)
            recording.tape.clear()
        return self._graph

    @cached_property
    def document(self) -> Document:
        """The annotated graph: everything that the exports show, as plain rows, one for each operation."""
        return Document.of(document(self._columns))

    @cached_property
    def _seen(self) -> Annotated:
        """The document; as long as the seed that several results need is not chosen, one without gradients."""
        try:
            return self.document
        except InputError:
            if self._seed is not None or not self._outputs:
                raise
        zeros = {output.path: zero_like(output.value) for output in self.graph.outputs}
        function = self._recording.function
        return without_gradients(
            document(
                columns(
                    self.graph,
                    zeros,
                    backward(self.graph, node_seeds(self.graph, zeros)),
                    function=function,
                    value=self.value,
                    seed=None,
                )
            )
        )

    @cached_property
    def _columns(self) -> Columns:
        by_path = self._seeds_by_path(self._seed)
        by_output = iter(by_path.values())
        found = self._edges(by_path)
        return columns(
            self.graph,
            by_path,
            found,
            function=self._recording.function,
            value=self.value,
            seed=map_leaves(self._recording.result, lambda leaf: next(by_output), lambda other: None),
        )

    def _edges(self, by_path: dict[str, Any]) -> Backward:
        """The backward pass: over the tape, as long as that is there and the pass can write its edges down."""
        recording = self._recording
        seeds = [(leaf, by_path[path]) for path, leaf in self._outputs if recording.owns(leaf)]
        if self._graph is not None or not can_write_edges(recording.tape, seeds):
            return backward(self.graph, self._seeds())
        with collector_paused():
            adjoints, locals_, flows = edges_of(recording.tape, seeds)
            if self._gradients is None:
                self._gradients = recording.in_structure(adjoints[: recording.count])
            return Backward(on_nodes(self.graph, adjoints), locals_, flows, plain=True)

    def at(
        self,
        level: str = "auto",
        *,
        depth: int = 0,
        expand: Collection[str] = (),
        progress: bool | None = None,
        **filters: Any,
    ) -> Document:
        """The document at a level: ``op``, ``stage``, ``call``, ``line``, or ``auto`` for what a person can read.

        ``depth`` and ``expand`` say which calls stay open at level ``call`` (:func:`tracegrad.fold.fold`); ``filters``
        take a part of it (:func:`tracegrad.fold.part.part`): ``focus``, ``radius``, ``upstream_of``,
        ``downstream_of``, ``top``, ``hide_zero``, ``hide_constants``.  Every export takes the same options.

        What takes over a second shows a bar on the terminal if ``tqdm`` is installed (the extra ``progress``);
        ``progress`` says whether.

        >>> import tracegrad as tg
        >>> def f(x):
        ...     for _ in range(3):
        ...         x = x * x
        ...     return x
        >>> [(node.name, node.folded.count) for node in tg.trace(f, 2.0).at("line").nodes if node.folded]
        [('x', 3)]
        """
        check_view(filters)
        with progress_shown(progress):
            level = automatic(self._columns) if level == "auto" else level
            if level == "op":
                shown = self.document
            else:
                shown = Document.of(fold_columns(self._columns, level, depth=depth, expand=expand))
        return Document.of(part(shown, **filters)) if filters else shown

    @property
    def nodes(self) -> Sequence[Node]:
        """Every value of the computation, in order.

        Gradients are ``None`` as long as a result of several numbers has no seed (:meth:`backward`).
        """
        return self._seen.nodes

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs: their paths and their nodes."""
        return self._seen.inputs

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The numbers of the result: their paths, nodes, values and seeds."""
        return self._seen.outputs

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What the trace took for granted: the branches taken, whole numbers, text."""
        return self._seen.guards

    def __getitem__(self, key: str | tuple[str, int]) -> Node:
        """The last value bound to a variable; ``t["x", 0]`` is the first one.

        A value may have several names: what a helper stores in ``s`` and returns, and its caller in ``y``, is
        ``t["s"]`` and ``t["y"]``.  The first of them is its ``name``, the others are its ``aliases``
        (:mod:`tracegrad.variables`).

        >>> import tracegrad as tg
        >>> def f(x):
        ...     y = x * x
        ...     y = y + x
        ...     return y
        >>> t = tg.trace(f, 3.0)
        >>> t["y"].value, t["y", 0].value, t["y", 0].grad
        (12.0, 9.0, 1.0)
        """
        name, number = key if isinstance(key, tuple) else (key, -1)
        found = occurrences(self.nodes, name) or self._adjoints_called(name)
        try:
            return list(found.values())[number] if number < 0 else found[number + 1]
        except LookupError:
            raise KeyError(
                f"no value number {number} of {name!r} (there are {len(found)})"
                if found
                else f"no variable {name!r} in this trace; {unknown(self.nodes, name)}"
            ) from None

    def _adjoints_called(self, name: str) -> dict[int, Node]:
        """In a gradient's trace, the adjoints of a value that bear another's name."""
        if not self.graph.adjoints:
            return {}
        names = {index: node.name for index, node in enumerate(self.nodes) if node.name is not None}
        found = adjoints_called(self.graph, names, name)
        return {number: self.nodes[index] for number, index in enumerate(found, 1)}

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

    def __str__(self) -> str:
        try:
            return self.to_text()
        except InputError as error:
            if not self._outputs:
                return f"{self!r}\n{error}"
            return f"{to_text(self._seen)}\n\nno gradients: {error}"

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
