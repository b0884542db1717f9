"""Derivatives as functions of functions: gradient, Jacobian, Hessian, and their products with vectors.

In: a function.  Out: a function, by the convention of autograd and JAX.  Structures are those of arguments and results:
a Jacobian is the result with an argument in place of each number.  Read :func:`value_and_grad` first; all of them
record one run of the function and carry seeds back, or tangents forward, over what it has left.

Each nests in itself and in every other: inside of an open trace the arithmetic of the chain rule is recorded too.
"""

from __future__ import annotations

import functools
import gc
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from tracegrad.arguments import by_position, title_of
from tracegrad.arrays import PATCHES, include
from tracegrad.arrays.fit import fit, one_like, own, shape_of, stacked, unit_seeds, zero_like
from tracegrad.errors import InputError
from tracegrad.forward import push
from tracegrad.recording import Recording, record
from tracegrad.reverse import as_adjoint, sweep
from tracegrad.seeds import seeds_by_path
from tracegrad.tracer import isinstance_tracer
from tracegrad.tree import is_leaf, leaves, map_leaves, some

#: a positional argument, or several
Argnums = int | Sequence[int]

Function = Callable[..., Any]

_LIKE = functools.partial(
    functools.wraps, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=()
)


# ---- gradients ----------------------------------------------------------------------------------------


def value_and_grad(fn: Function, argnums: Argnums = 0) -> Function:
    """A function that returns ``(value, gradient)`` of ``fn``.

    ``argnums`` says by which positional arguments to differentiate: a number for the gradient alone, a sequence
    for a tuple of gradients.  A gradient has the structure of its argument.  Nests: see :func:`grad`.

    >>> value_and_grad(lambda x, w: w[0] * x + w[1], argnums=(0, 1))(2.0, [3.0, 1.0])
    (7.0, (3.0, [2.0, 1.0]))
    """

    @_LIKE(fn)
    def derived(*args: Any, **kwargs: Any) -> Any:
        collects = gc.isenabled()
        try:
            gc.disable()
            run = _Run(fn, argnums, args, kwargs)
            with run:
                return run.value, run.gradient(run.single_output())
        finally:
            if collects:
                gc.enable()

    return derived


def grad(fn: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the gradient of ``fn``, whose result must be one number.

    Raises :class:`InputError` where it is not, or where the arguments that ``argnums`` names hold no number.

    >>> import math
    >>> grad(math.sin)(0.0)
    1.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    derived = value_and_grad(fn, argnums)

    @_LIKE(fn)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return derived(*args, **kwargs)[1]

    return gradient


def elementwise_grad(fn: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the gradient of the sum of all numbers in the result of ``fn``.

    For a function that works element by element this is its derivative at each element.

    >>> elementwise_grad(lambda xs: [x**2 for x in xs])([1.0, 2.0, 3.0])
    [2.0, 4.0, 6.0]
    """

    @_LIKE(fn)
    def derived(*args: Any, **kwargs: Any) -> Any:
        run = _Run(fn, argnums, args, kwargs)
        with run:
            return run.gradient([(leaf, zero_like(leaf) + 1.0) for _, leaf in run.outputs])

    return derived


def vjp(fn: Function, /, *args: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of ``fn`` and its pullback, which carries a seed of the result back to the arguments.

    The pullback can be called many times; it gives a tuple with one gradient for each positional argument (``None``
    for one without numbers).  A seed has the structure of the result.

    >>> value, pullback = vjp(lambda x, y: (x * y, x + y), 3.0, 5.0)
    >>> value
    (15.0, 8.0)
    >>> pullback((1.0, 0.0)), pullback((0.0, 1.0))
    ((5.0, 3.0), (1.0, 1.0))
    """
    run = _Run(fn, range(len(args)), args, kwargs)

    def pullback(seed: Any) -> tuple[Any, ...]:
        by_path = seeds_by_path(title_of(fn), run.result, run.outputs, seed)
        found: tuple[Any, ...] = run.gradient([(leaf, by_path[path]) for path, leaf in run.outputs])
        return found

    return run.value, pullback


# ---- Jacobians and Hessians -----------------------------------------------------------------------------


def jacobian(fn: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Jacobian of ``fn``: its result, with a gradient in place of each number.

    The function runs once, and one backward pass is made for each number of the result.

    >>> jacobian(lambda r, a: {"area": r * r * a, "arc": [r * a]}, argnums=(0, 1))(2.0, 0.5)
    {'area': (2.0, 4.0), 'arc': [(0.5, 2.0)]}
    """

    @_LIKE(fn)
    def derived(*args: Any, **kwargs: Any) -> Any:
        run = _Run(fn, argnums, args, kwargs)
        with run:
            return map_leaves(run.result, run.rows)

    return derived


def hessian(fn: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Hessian of ``fn``: the Jacobian of its gradient.

    >>> hessian(lambda p: p["x"] ** 2 * p["y"])({"x": 3.0, "y": 5.0})
    {'x': {'x': 10.0, 'y': 6.0}, 'y': {'x': 6.0, 'y': 0.0}}
    """
    return jacobian(grad(fn, argnums), argnums)


# ---- products with vectors ------------------------------------------------------------------------------


def jvp(fn: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of ``fn(*primals)`` and its derivative in the direction of ``tangents``, in the result's structure.

    ``tangents`` has the structure of ``primals``, with arrays of the same shapes; what is no number in a primal is not
    looked at.

    >>> jvp(lambda r, a: (r * a, r + a), (2.0, 5.0), (1.0, 0.0))
    ((10.0, 7.0), (5.0, 1.0))
    """
    run = _Run(fn, range(len(primals)), tuple(primals), {})
    with run:
        push(run.recording.tape, _tangents(title_of(fn), primals, tangents))
        tangent = map_leaves(run.result, run.tangent_of)
        return run.value, tangent


def hessian_vector_product(fn: Function, argnums: Argnums = 0) -> Function:
    """A function of the arguments of ``fn`` and a vector, that returns the Hessian times the vector.

    The vector comes last and has the structure of the argument (a tuple of them where ``argnums`` is a sequence).
    The cost is that of a few gradients, whatever the number of inputs: the derivative of the gradient in one direction.

    Source: B. A. Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 6, 1994.

    >>> hessian_vector_product(lambda x: x[0] ** 2 * x[1])([3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]
    """
    gradient = grad(fn, argnums)

    @_LIKE(fn)
    def derived(*args: Any, **kwargs: Any) -> Any:
        *given, vector = args
        numbers, single = _numbers(fn, argnums, len(given))
        if len(set(numbers)) < len(numbers):
            raise InputError(f"argnums={argnums} names an argument twice: which vector is its own?")
        chosen = [given[number] for number in numbers]

        def of_chosen(*values: Any) -> Any:
            full = list(given)
            for number, value in zip(numbers, values, strict=True):
                full[number] = value
            return gradient(*full, **kwargs)

        return jvp(of_chosen, chosen, [vector] if single else vector)[1]

    return derived


# ---- one run --------------------------------------------------------------------------------------------


class _Run:
    """One recorded run of a function, and derivatives read off it."""

    __slots__ = ("chosen", "numbers", "recording", "result", "single", "value")

    def __init__(self, fn: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not PATCHES:
            include()  # whether an argument is an array is asked before it is recorded
        self.numbers, self.single = _numbers(fn, argnums, len(args))
        #: the chosen arguments by the names they have in the recording
        self.chosen = {f"argument {number}": args[number] for number in self.numbers}
        wanted = [name for name, arg in self.chosen.items() if is_leaf(arg) or leaves(arg)]
        self.recording: Recording = record(fn, by_position(args, kwargs), wanted)
        self.result = self.recording.result
        self.value = self.recording.value

    @property
    def outputs(self) -> list[tuple[str, Any]]:
        return self.recording.outputs

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        self.recording.tape.clear()  # entries refer to the tape and the tape to them: nothing is left to collect

    def gradient(self, seeds: Sequence[tuple[Any, Any]]) -> Any:
        """What comes back to the arguments from seeds of some numbers of the result."""
        recording = self.recording
        own = [(leaf, seed) for leaf, seed in seeds if recording.owns(leaf)]
        found = sweep(recording.tape, own, recording.count) if own else [None] * recording.count
        gradients = recording.in_structure(found)
        if self.single:
            return self._of(gradients, *self.chosen)
        return tuple([self._of(gradients, f"argument {number}") for number in self.numbers])

    def _of(self, gradients: dict[str, Any], name: str) -> Any:
        if name in gradients:
            return gradients[name]
        return map_leaves(self.chosen[name], _nothing, _nothing)

    def rows(self, leaf: Any) -> Any:
        """The gradients of a number of the result; of an array those of its elements, along the first axes."""
        if not shape_of(leaf):
            return self.gradient([(leaf, one_like(leaf))])
        seeds = unit_seeds(leaf)
        return stacked([self.gradient([(leaf, seed)]) for seed in seeds], shape_of(leaf))

    def single_output(self) -> list[tuple[Any, Any]]:
        """The seed of a result that is one number."""
        if is_leaf(self.result) and not shape_of(self.result):
            return [(self.result, one_like(self.result))]
        raise InputError(
            f"{title_of(self.recording.function)} returned {_kind_of(self.value)}, and a gradient is that of one "
            "number: return one, or use tg.jacobian, tg.vjp or t.backward(seed=...)"
        )

    def tangent_of(self, leaf: Any) -> Any:
        """The tangent of a number of the result, once tangents were pushed forward."""
        tangent = leaf.adjoint_ if isinstance_tracer(leaf) and self.recording.owns(leaf) else None
        return zero_like(leaf) if tangent is None else own(tangent)


def _kind_of(result: Any) -> str:
    held = sum(math.prod(shape_of(leaf)) for _, leaf in leaves(result))
    return f"{type(result).__name__} with {held} numbers"


def _nothing(_: Any) -> None:
    """The gradient by what is no number."""


def _numbers(fn: Function, argnums: Argnums, count: int) -> tuple[list[int], bool]:
    """The positions that ``argnums`` means, and whether it is a single one."""
    single = type(argnums) is int or not isinstance(argnums, Sequence)
    indices = list(map(operator.index, [argnums] if single else argnums))  # type: ignore[arg-type]
    for index in indices:
        if not -count <= index < count:
            raise InputError(f"argnums={index} but {title_of(fn)} was given {count} positional arguments")
    return [index % count for index in indices], single


def _tangents(title: str, primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    expected, given = leaves(list(primals)), dict(leaves(list(tangents)))
    if given.keys() != {path for path, _ in expected}:
        raise InputError(
            f"the tangents have {len(given)} numbers, {some(given) or 'none'}; the primals {len(expected)}, "
            f"{some(path for path, _ in expected)}"
        )
    for path, primal in expected:
        if shape_of(given[path]) != shape_of(primal):
            raise InputError(
                f"the tangent of {path} has shape {shape_of(given[path])}, and {title} was given an array of shape "
                f"{shape_of(primal)} there"
            )
    return [_in_precision(as_adjoint(given[path]), primal) for path, primal in expected]


def _in_precision(tangent: Any, primal: Any) -> Any:
    return fit(tangent, primal) if hasattr(primal, "dtype") else tangent
