"""Ranks: how far apart in a picture a value and its use will stand.

In: ids in order, and (source, target) pairs.  Out: the pairs that span many ranks, which a picture replaces by a
small alias of the source beside the use.

Graphviz adds a helper node for each rank that an edge crosses.  A value used along a whole chain (the ``x`` of
Horner's scheme) makes their number grow with the square of its length, and the layout takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LONGEST_SPAN = 8


def ranks(ids: Iterable[str], pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Give every id its rank, the longest path that leads to it, but as late as its uses allow.

    Lateness puts constants and inputs beside their first use, as Graphviz does.  A pair that runs against the
    order of the ids (a folded loop has such) is passed over.

    >>> ranks("abcd", [("a", "b"), ("b", "c"), ("d", "c"), ("a", "d")])
    {'a': 0, 'b': 1, 'c': 2, 'd': 1}
    """
    order = {name: index for index, name in enumerate(ids)}
    forward = sorted(
        (order[target], order[source]) for source, target in pairs if order[source] < order[target]
    )
    rank = [0] * len(order)
    for target, source in forward:
        rank[target] = max(rank[target], rank[source] + 1)
    first_use: dict[int, int] = {}
    for target, source in sorted(forward, key=lambda pair: pair[::-1], reverse=True):
        rank[target] = first_use.get(target, rank[target])
        first_use[source] = min(first_use.get(source, rank[target] - 1), rank[target] - 1)
    for source, latest in first_use.items():
        rank[source] = latest
    return {name: rank[index] for name, index in order.items()}


def long_pairs(ids: Iterable[str], pairs: Sequence[tuple[str, str]], span: int = LONGEST_SPAN) -> list[bool]:
    """Tell for each pair whether it spans more than ``span`` ranks, forwards or, in a folded loop, backwards.

    >>> chain = [(str(i), str(i + 1)) for i in range(20)]
    >>> long_pairs(map(str, range(21)), [*chain, ("0", "8"), ("0", "9")])[-2:]
    [False, True]
    >>> long_pairs(map(str, range(21)), [*chain, ("8", "0"), ("9", "0")])[-2:]
    [False, True]
    """
    rank = ranks(ids, pairs)
    return [abs(rank[target] - rank[source]) > span for source, target in pairs]
