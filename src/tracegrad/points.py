"""Points and directions: lists of numbers and arrays, with what a check of gradients has to do with them.

In: numbers and arrays, traced or not.  Out: random directions and weights, points moved along, sums of products.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from typing import Any

from tracegrad.arrays.fit import shape_of
from tracegrad.tracer import KINDS, plain


def real(leaf: Any) -> Any:
    """A number as a float, an array as a plain one of floats: whole numbers vary as reals."""
    leaf = plain(leaf)
    if type(leaf) not in KINDS:
        return float(leaf)
    return leaf if leaf.dtype.kind == "f" else leaf.astype(float)


def doubled(leaf: Any) -> Any:
    """A number or an array in double precision at least, in which differences are taken."""
    return leaf.astype(float) if type(leaf) in KINDS and leaf.dtype.itemsize < 8 else leaf


def half_digits(leaves: Sequence[Any]) -> float:
    """Half of the digits that the coarsest array has, where that is below double precision; else 0."""
    dtypes = [plain(leaf).dtype for leaf in leaves if shape_of(leaf)]
    coarse = [dtype for dtype in dtypes if dtype.kind == "f" and dtype.itemsize < 8]
    return max((math.sqrt(sys.modules["numpy"].finfo(dtype).eps) for dtype in coarse), default=0.0)


def direction(chance: random.Random, leaf: Any) -> Any:
    """A random direction, each entry to the scale of its number."""
    if not shape_of(leaf):
        return chance.choice((-1.0, 1.0)) * chance.uniform(0.5, 1.0) * max(abs(leaf), 0.1)
    np: Any = sys.modules["numpy"]
    signs = np.random.default_rng(chance.getrandbits(64)).choice((-1.0, 1.0), shape_of(leaf))
    return signs * weights(chance, leaf) * np.maximum(np.abs(doubled(leaf)), 0.1)


def weights(chance: random.Random, leaf: Any) -> Any:
    """What an entry counts, at random."""
    if not shape_of(leaf):
        return chance.uniform(0.5, 1.0)
    numbers: Any = sys.modules["numpy"].random.default_rng(chance.getrandbits(64))
    return numbers.uniform(0.5, 1.0, shape_of(leaf))


def moved(point: Sequence[Any], along: Sequence[Any], t: float) -> list[Any]:
    """The point, ``t`` times the direction further."""
    return [doubled(x) + t * v for x, v in zip(point, along, strict=True)]


def inner(left: Any, right: Any) -> Any:
    """The sum of the products of the entries of two numbers or arrays, traced where these are."""
    product = left * right
    return product.sum() if shape_of(product) else product


def products(left: Any, right: Any) -> list[float]:
    """The products of the entries one by one."""
    product = left * right
    return product.ravel().tolist() if shape_of(product) else [float(product)]
