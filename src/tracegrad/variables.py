"""The user's names of the values of a computation.

In: a :class:`~tracegrad.graph.Graph`.  Out: :class:`Variables`.  Read :func:`variables` first.

A value is called by the variable it was stored in at once (``y = x * 2``; ``y[0]`` of ``y = [x * 2]``).  It may get
others later, its *aliases*: what a helper calls ``s`` and returns, its caller calls ``y``; ``r = q``, ``a, b = w``,
``for a in w``, ``with f(x) as y`` bind values that are there already.  No operation records that, but the next one that
takes its operand from ``r`` does: the instruction tells the variable, the graph the value.  So a name is known where it
is used, and none is guessed.

A variable bound again has occurrences, ``x#2`` is the second; both kinds of names count, in the order of time.
"""

from __future__ import annotations

from tracegrad.abridge import Abridged, Growth, abridged
from tracegrad.collector import collector_paused
from tracegrad.graph import Graph
from tracegrad.passes import occurrence
from tracegrad.timeline import Timeline, timeline


class Variables:
    """The name of each node that has one, and its other names.

    They are found in the short graph; a number counted there says which one it is in the whole.
    """

    def __init__(self, short: Abridged, line: Timeline) -> None:
        self._short = short
        self._line = line
        self._aliases = line.aliases
        self._turns, self._counts = line.counts[::2], line.counts[1::2]
        self._growths: dict[str, Growth] = {}

    def __contains__(self, index: int) -> bool:
        """Whether a node has a name."""
        return self._line.name(self._short.place(index)[0]) is not None

    def name(self, index: int) -> str | None:
        """What a value is called: ``x#2`` is the second value bound to ``x``, ``dx`` its adjoint."""
        return self.of(index)[0]

    def aliases(self, index: int) -> tuple[str, ...]:
        """The names that a value got later: for each variable, the last time it was bound to that."""
        return self.of(index)[1]

    def of(self, index: int) -> tuple[str | None, tuple[str, ...]]:
        """The name and the aliases of a node."""
        node, cut, turns = self._short.place(index) if self._short.cuts else (index, -1, 0)
        found, others = self._line.name(node), self._aliases.get(node)
        name = None if found is None else self._called(*found, cut, turns)
        if others is None:
            return name, ()
        return name, tuple([self._called(text, number, cut, turns) for text, number in others.items()])

    def _called(self, text: str, number: int, cut: int, turns: int) -> str:
        if self._short.cuts:
            growth = self._growth(text)
            number = growth.whole(number - 1) + 1 + growth.ahead(cut, turns)
        return occurrence(text, number)

    def _growth(self, text: str) -> Growth:
        found = self._growths.get(text)
        if found is None:
            marks = [count.get(text, 0) for count in self._counts]
            steps = [mark - turn.get(text, 0) for mark, turn in zip(marks, self._turns, strict=True)]
            found = self._growths[text] = Growth(self._short.cuts, marks, steps)
        return found


def variables(graph: Graph, short: Abridged | None = None) -> Variables:
    """The names of all nodes; ``short`` is the graph abridged, where that is known.

    >>> import tracegrad as tg
    >>> def square(v):
    ...     s = v * v
    ...     return s
    >>> def f(w):
    ...     a, b = w
    ...     y = square(a)
    ...     return y + b
    >>> found = variables(tg.trace(f, [2.0, 3.0]).graph)
    >>> [(found.name(node), *found.aliases(node)) for node in range(4)]
    [('w[0]', 'a'), ('w[1]', 'b'), ('s', 'y'), (None,)]
    """
    with collector_paused():
        short = abridged(graph) if short is None else short
        line = timeline(short)
    return Variables(short, line)
