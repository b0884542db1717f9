"""Functions of the user's that numpy applies element by element: ``np.vectorize``.

In: a call with traced elements.  Out: one array of what the function gives for each; the function is traced as any
other.  As numpy does it, the function gets numbers of Python's, and what it gives for the first element in its own
precision says of which kind the result is.  ``np.vectorize`` is a class: its method is what is put in while a trace is
open.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tracegrad.arrays.build import array, as_array, holds_tracer
from tracegrad.arrays.fresh import settled
from tracegrad.arrays.shapes import laid_out
from tracegrad.arrays.table import bare, unsupported

_original = np.vectorize.__call__


@functools.wraps(_original)
def called(self: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.vectorize(f)(x)``, with one call of f for each element."""
    args, kwargs = settled(args), {name: settled(one) for name, one in kwargs.items()}
    if not holds_tracer((*args, *kwargs.values())):
        return _original(self, *args, **kwargs)
    if self.signature is not None:
        raise unsupported("numpy.vectorize with a signature")
    names = [name for name in kwargs if name not in self.excluded]
    places = [place for place in range(len(args)) if place not in self.excluded]
    given_ones = [*(args[k] for k in places), *(kwargs[k] for k in names)]
    arrays = np.broadcast_arrays(*map(as_array, given_ones))
    shape = arrays[0].shape

    def call(*elements: Any) -> Any:
        given = list(args)
        for place, element in zip(places, elements, strict=False):
            given[place] = element
        return self.pyfunc(*given, **kwargs | dict(zip(names, elements[len(places) :], strict=True)))

    if arrays[0].size == 0:
        raise unsupported("numpy.vectorize of nothing")
    results = [
        call(*(_element(one, array, place) for one, array in zip(given_ones, arrays, strict=True)))
        for place in np.ndindex(*shape)
    ]
    kinds = self.otypes
    if not kinds:
        doubles = all(one.dtype in (float, int) for one in arrays)
        first = results[0] if doubles else call(*(next(iter(np.asarray(bare(one)).flat)) for one in arrays))
        kinds = [np.asarray(bare(one)).dtype for one in (first if isinstance(first, tuple) else (first,))]
    if not isinstance(results[0], tuple):
        return _collected(results, arrays[0], kinds[0])
    columns = zip(*results, strict=True)
    return tuple(_collected(column, arrays[0], kind) for column, kind in zip(columns, kinds, strict=True))


def _element(given: Any, array: Any, place: tuple[int, ...]) -> Any:
    """An element as numpy hands it over: a number of numpy's as it is, of an array one of Python's."""
    return given if type(given) in (np.float32, np.float16) else array[place].item()


def _collected(results: Any, like: Any, kind: Any) -> Any:
    """The results as an array; the first one, or the user, has said of which kind."""
    found = np.reshape(array(list(results)), like.shape)
    found = found if found.dtype == np.dtype(kind) else found.astype(kind)
    return laid_out(found, like)


class Attributes:
    """The attributes of a class, with the one method of a namespace that putting names in needs."""

    #: stands for an attribute that the class has from one above it
    INHERITED: Any = object()

    def __init__(self, owner: type) -> None:
        self.owner = owner

    def update(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if value is not self.INHERITED:
                setattr(self.owner, name, value)
            elif name in vars(self.owner):
                delattr(self.owner, name)


def patch() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """As :func:`tracegrad.arrays.stand_ins.patches` has them."""
    return Attributes(np.vectorize), {"__call__": called}, {"__call__": _original}
