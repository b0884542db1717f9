"""Ranks: how far apart in a picture a value and its use will stand, and which wires between two ranks must cross.

In: ids in order, and (source, target) pairs.  Out: the pairs that span many ranks or belong to a tangle, which a
picture replaces by a small alias of the source beside the use.

Graphviz adds a helper node for each rank that an edge crosses.  A value used along a whole chain (the ``x`` of
Horner's scheme) makes their number grow with the square of its length, and the layout takes minutes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

LONGEST_SPAN = 8
_MOST_CROSSINGS = 8  # of the wires of one value with those of others
_USES = 3  # of a value in a tangle, at least
_MOST_SOURCES = 16  # of one use; the many terms of a sum are a fan, not a tangle


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


def tangled_pairs(ids: Iterable[str], pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Tell for each pair whether it is better not drawn as a wire, for the crossings it would make.

    Two values with ``k`` common uses in one rank have ``k * (k - 1) / 2`` crossings there, however they are placed:
    four values used by four calls each, 36.  The first use keeps its wire.

    >>> square = [(source, target) for target in "wxyz" for source in "abcd"]
    >>> tangled_pairs("abcdwxyz", square).count(True)
    12
    >>> any(tangled_pairs("abwxyz", [pair for pair in square if pair[0] in "ab"]))
    False
    """
    distinct = dict.fromkeys(pairs)
    many = {source for source, uses in Counter(source for source, _ in distinct).items() if uses >= _USES}
    sources: dict[str, list[str]] = defaultdict(list)
    for source, target in distinct:
        if source in many:
            sources[target].append(source)
    rank = ranks(ids, pairs) if many else {}
    common: Counter[tuple[str, str, int]] = Counter()
    for target, own in sources.items():
        if len(own) <= _MOST_SOURCES:
            common.update((one, two, rank[target]) for one, two in combinations(sorted(own), 2))
    crossings: Counter[str] = Counter()
    for (one, two, _), uses in common.items():
        crossings[one] += uses * (uses - 1) // 2
        crossings[two] += uses * (uses - 1) // 2
    first: dict[str, str] = {}
    return [
        first.setdefault(source, target) != target and crossings[source] > _MOST_CROSSINGS
        for source, target in pairs
    ]
