"""The backward pass over a tape with each edge written down: the columns of a graph that is not there yet.

In: a tape of plain numbers, and seeds.  Out: :func:`edges_of`, the adjoint of each entry, local gradient and flow of
each operand.  Read :data:`_HEAD` and :func:`_source`: going from the last entry to the first, for ``x * y`` it reads::

    def pull(node, upstream):
        a = node.a_
        b = node.b_
        a_local = b.value_
        a_flow = a_local * upstream
        b_local = a.value_
        b_flow = b_local * upstream
        keep_local(b_local)
        keep_flow(b_flow)
        keep_local(a_local)
        keep_flow(a_flow)
        total = a.adjoint_
        a.adjoint_ = a_flow if total is None else total + a_flow
        ...

It is what :mod:`tracegrad.column_pulls` does on a graph, at half the time: a tape is at hand once, right after the
trace.  A rule that raises has written nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any

from tracegrad.graph import Graph
from tracegrad.primitives import CONST, PLAIN, Primitive
from tracegrad.progress import track
from tracegrad.provenance import PACKAGE
from tracegrad.pulls import PATTERN_OF, ROW_OF, Pull
from tracegrad.reverse import arguments_on, returned, shown_locals, sow
from tracegrad.row import FIRST, OUT, SECOND
from tracegrad.tape import Tape
from tracegrad.tracer import ScalarTracer

Keep = Callable[[Any], None]

_HEAD = """\
def bind(keep_local, keep_flow):
    def pull(node, upstream):
        a = node.a_
        b = node.b_
"""
_FLOW = """\
        {name}_local = {local}
        {name}_flow = {flow}
"""
_KEEP = """\
        keep_local({local})
        keep_flow({flow})
"""
_ADD = """\
        total = {name}.adjoint_
        {name}.adjoint_ = {name}_flow if total is None else total + {name}_flow
"""
_TAIL = "    return pull\n"


def can_write_edges(tape: Tape, seeds: Sequence[tuple[Any, Any]]) -> bool:
    """Whether a tape holds plain numbers only, as its seeds are."""
    return tape.kind is ScalarTracer and not tape.foreign and all(type(seed) is float for _, seed in seeds)


def edges_of(tape: Tape, seeds: Sequence[tuple[Any, Any]]) -> tuple[list[Any], list[Any], list[Any]]:
    """The adjoint of each entry, and for each operand in order its local gradient and its flow.

    An entry that nothing seeded depends on has the adjoint ``None``, and flows of 0; a constant operand has ``None``.
    """
    sow(tape, seeds)
    locals_: list[Any] = []
    flows: list[Any] = []
    pulls = {pull: _bound(pull, locals_.append, flows.append) for pull in set(map(attrgetter("pull_"), tape))}
    for node in track(reversed(tape), "gradients", len(tape)):
        upstream = node.adjoint_
        if upstream is not None:
            try:
                pulls[node.pull_](node, upstream)
            except (ArithmeticError, ValueError):
                pass
            else:
                continue
        _general(locals_.append, flows.append, node, upstream)
    locals_.reverse()
    flows.reverse()
    return list(map(attrgetter("adjoint_"), tape)), locals_, flows


def on_nodes(graph: Graph, adjoints: Sequence[Any]) -> list[Any]:
    """The adjoints of the entries of a tape as those of the nodes of its graph: 0 where they are ``None``."""
    if None in adjoints:
        adjoints = [0.0 if adjoint is None else adjoint for adjoint in adjoints]
    following = iter(adjoints).__next__
    return [None if primitive is CONST else following() for primitive in graph.primitives]


def _general(keep_local: Keep, keep_flow: Keep, node: Any, upstream: Any) -> None:
    """One turn in its general form: any number of operands, poles; without a gradient that has arrived, local ones."""
    args, values, wanted = arguments_on(node)
    if upstream is None:
        locals_ = (
            shown_locals(node.row_, node.value_, values, wanted) if any(wanted) else [None] * len(wanted)
        )
        pairs: list[Any] = [None if local is None else (local, 0.0) for local in locals_]
    else:
        pairs = returned(node.row_, node.value_, values, wanted, upstream) if wanted else []
    for local, flow in (pair or (None, None) for pair in reversed(pairs)):
        keep_local(local)
        keep_flow(flow)
    if upstream is not None:
        for arg, pair in zip(args, pairs, strict=False):
            if pair is not None:
                arg.adjoint_ = pair[1] if arg.adjoint_ is None else arg.adjoint_ + pair[1]


def _bound(pull: Pull, keep_local: Keep, keep_flow: Keep) -> Pull:
    """What a backward instruction of a tape does, with its edges written down."""
    row, pattern = ROW_OF[pull], PATTERN_OF[pull]
    if pattern == "n" or row.vjps is not None:
        return partial(_general, keep_local, keep_flow)
    bound: Pull = _compiled(row, pattern)(keep_local, keep_flow)
    return bound


@lru_cache(maxsize=1024)
def _compiled(row: Primitive, pattern: str) -> Callable[[Keep, Keep], Pull]:
    scope: dict[str, Any] = {"m": PLAIN, "rule_a": row.first, "rule_b": row.second}
    exec(compile(_source(row, pattern), f"{PACKAGE}/<edge pull of {row.name}>", "exec"), scope)
    bind: Callable[[Keep, Keep], Pull] = scope["bind"]
    return bind


def _source(row: Primitive, pattern: str) -> str:
    kinds = dict(zip("ab", pattern, strict=False))
    texts = [f"{name}.value_" if kind == "v" else name for name, kind in kinds.items()]
    edges = "ab"[: len(kinds) - len(row.params)]
    varies = [name for name in edges if kinds[name] == "v"]
    rules = dict(zip("ab", (row.first, row.second), strict=True))
    parts = [_HEAD]
    parts += [_FLOW.format(name=name, **_formula(name, rules[name], texts)) for name in varies]
    for name in reversed(edges):
        own = (
            {"local": f"{name}_local", "flow": f"{name}_flow"}
            if name in varies
            else {"local": None, "flow": None}
        )
        parts.append(_KEEP.format(**own))
    parts += [_ADD.format(name=name) for name in varies]
    return "".join([*parts, _TAIL])


def _formula(name: str, rule: Any, operands: list[str]) -> dict[str, str]:
    """The source of a local gradient and of its product with the upstream gradient, as short as the rule allows."""
    if isinstance(rule, float):
        flow = {1.0: "upstream", -1.0: "-upstream"}.get(rule, f"{rule!r} * upstream")
        return {"local": repr(rule), "flow": flow}
    bare = {OUT: "node.value_", FIRST: operands[0], SECOND: operands[-1]}
    local = bare[rule] if rule in bare else f"rule_{name}(m, node.value_, {', '.join(operands)})"
    return {"local": local, "flow": f"{name}_local * upstream"}
