"""Seeds: the adjoints given to the numbers of a result.

In: the numbers of a result with their paths, and a seed as users write it.  Out: an adjoint for each path
(:func:`seeds_by_path`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from tracegrad.arrays.fit import array_like, as_seed, one_like, shape_of
from tracegrad.errors import InputError
from tracegrad.reverse import as_adjoint
from tracegrad.tree import leaves, map_leaves, short


def seeds_by_path(title: str, result: Any, outputs: Sequence[tuple[str, Any]], seed: Any) -> dict[str, Any]:
    """The adjoint of each number of a result; ``title`` names the function in messages.

    ``seed`` has the structure of the result or is a dict by paths; what it leaves out counts as 0.  ``None`` stands
    for 1 where the result is one number.

    >>> seeds_by_path("f", (1.0, 2.0), [("[0]", 1.0), ("[1]", 2.0)], (3, 4.0))
    {'[0]': 3.0, '[1]': 4.0}
    """
    paths = [path for path, _ in outputs]
    if not paths:
        raise InputError(
            f"{title} returned no number ({type(result).__name__}): there is nothing to differentiate"
        )
    if seed is None:
        if len(paths) > 1:
            raise InputError(
                f"{title} returned {len(paths)} numbers: say which to differentiate by a seed in the structure of "
                f"the result, or by name, for instance t.backward(seed={short(_example(result, paths))})"
            )
        one = outputs[0][1]
        if shape_of(one):
            raise InputError(
                f"{title} returned an array of shape {shape_of(one)}, and a gradient is that of one number: return one "
                "(a sum, say), or give a seed of that shape: t.backward(seed)"
            )
        return {paths[0]: one_like(one)}
    by_name = isinstance(seed, dict) and not isinstance(result, dict) and seed.keys() <= set(paths)
    if paths == [""] and isinstance(seed, (list, tuple)):
        seed = array_like(seed, outputs[0][1])
    given = seed if by_name else dict(leaves(seed))
    unknown = given.keys() - set(paths)
    sequences = isinstance(seed, (list, tuple)) and isinstance(result, (list, tuple))
    if unknown or not given or (sequences and len(seed) != len(result)):
        what = "one number" if paths == [""] else f"{len(paths)} numbers, {', '.join(map(repr, paths[:8]))}"
        raise InputError(
            f"the seed {short(seed)} does not fit: the result of {title} is {what}; "
            f"for instance t.backward(seed={short(_example(result, paths))})"
        )
    return {path: as_seed(as_adjoint(given.get(path, 0.0)), leaf, title) for path, leaf in outputs}


def _example(result: Any, paths: Sequence[str]) -> Any:
    if paths[0] == "":
        return 1.0
    if not isinstance(result, (list, tuple, dict)):
        return {paths[0]: 1.0}
    seeds = chain([1.0], repeat(0.0))
    return map_leaves(result, lambda leaf: next(seeds), lambda other: None)
