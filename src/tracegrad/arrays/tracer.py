"""The tracer of an array: attributes, methods and operators of ``numpy.ndarray``, each a row of the table.

In: what user code does with an array.  Out: nodes.  Read :class:`ArrayTracer`; a method is the function of numpy of
the same name, which finds its row by :data:`~tracegrad.arrays.table.HANDLERS`.

``a[i] = t`` records a new node, and the tracer *becomes* that node: see :mod:`tracegrad.arrays.memory`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from tracegrad.arrays.assigning import served
from tracegrad.arrays.build import lift, static
from tracegrad.arrays.complexes import is_complex, row_of_complex
from tracegrad.arrays.fit import astype
from tracegrad.arrays.flat import Flat
from tracegrad.arrays.indexing import SETITEM, getitem, whole
from tracegrad.arrays.memory import base_of, become, check_memory, is_view, refuse_whole
from tracegrad.arrays.steps import guard
from tracegrad.arrays.table import unsupported
from tracegrad.operators import BINARY
from tracegrad.primitives import ADD, BIT_OPERATORS, COMPARISONS, LITERAL_POWER, POWER, TABLE, Primitive, bind
from tracegrad.pulls import pull_for
from tracegrad.tape import user_frame
from tracegrad.tracer import (
    NOTHING,
    ScalarTracer,
    Tracer,
    escape,
    is_operand,
    isinstance_tracer,
    lend,
    made_plain,
    record,
)
from tracegrad.ufuncs import SHORT

#: methods that are functions of numpy by the same name (``ptp`` is none since numpy 2)
METHODS = (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "clip", "cumprod", "cumsum",
    "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round", "searchsorted",
    "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
)  # fmt: skip

#: attributes that depend on shape and kind alone
FACTS = ("dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides")

#: those that plain code may set, to see the same memory in another way
_SETTABLE = ("data", "dtype", "shape", "strides")

_SCALARS = (int, float)


class ArrayTracer(Tracer):
    """A tracer whose value is an array, or the tracer of one in an enclosing trace."""

    __slots__ = ()

    dtype: Any
    ndim: int
    size: int
    flags: Any
    ravel: Any

    def _tracegrad_bind_(self, row: Any, args: tuple[Any, ...]) -> Any:
        """The general way, shortened for the usual operands: values of one tape on plain arrays, and plain ones."""
        tape = self.tape_
        if tape.complex:
            row = row_of_complex(row, args)
        if tape.stale:
            for arg in args:
                if issubclass(type(arg), ArrayTracer):
                    check_memory(arg)
        if not row.step:
            node = _usual(tape, row, args)
            if node is not None:
                return node
        return Tracer._tracegrad_bind_(self, row, args)

    def _tracegrad_check_(self) -> None:
        if self.tape_.stale:
            check_memory(self)

    # ---- what arrays are

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.swapaxes(self, -1, -2)

    @property
    def flat(self) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    def view(self, dtype: Any = None, type: Any = None) -> Any:
        if (dtype is not None and np.dtype(dtype) != self.dtype) or type not in (None, np.ndarray):
            raise unsupported("numpy.ndarray.view as another kind")
        return self[...]

    @property
    def real(self) -> Any:
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        if is_complex(self):
            raise unsupported("assignment to numpy.ndarray.real of complex numbers")
        self[...] = value

    @property
    def imag(self) -> Any:
        return np.imag(self)

    def __len__(self) -> int:
        return len(self.value_)

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'numpy.ndarray'")

    def __array__(self, *args: Any, **options: Any) -> NoReturn:
        escape(self, "turned into a plain array")

    @property
    def __array_interface__(self) -> NoReturn:
        escape(self, "turned into a plain array")

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.copy(self)

    # ---- items

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if not base_of(self).flags.writeable:
            raise ValueError("assignment destination is read-only")
        value = lift(value)
        refuse_whole(self, value)
        changed = bind(SETITEM, self, value, static(index))
        if not is_view(self):
            become(self, changed)
            return
        parent, place = self.a_  # a write through a view: x[0] *= 2, x[0][1] = t
        parent[place] = changed
        become(self, getitem(parent, place))

    def __delitem__(self, index: Any) -> NoReturn:
        raise ValueError("cannot delete array elements")

    # ---- methods whose arguments are not those of the function

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        return np.reshape(self, _one_or_many(shape), order=order)

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        return served(np.compress, (condition, self), {"axis": axis, "out": out})

    def choose(self, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
        return served(np.choose, (self, choices), {"mode": mode, "out": out})

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, _one_or_many(axes) if axes else None)

    def flatten(self, order: Any = "C") -> Any:
        return np.copy(np.ravel(self, order=order))

    def astype(self, dtype: Any, order: Any = "K", *args: Any, **options: Any) -> Any:
        if options.get("copy", True) is False and np.dtype(dtype) == self.dtype and order == "K":
            return self
        found = converted(self, dtype)
        return found if order == "K" or not isinstance_tracer(found) else np.copy(found, order)

    def copy(self, order: Any = "C") -> Any:
        return np.copy(self, order)

    def item(self, *index: Any) -> Any:
        if index:
            return np.ravel(self)[index[0]].item() if len(index) == 1 else self[index].item()
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        if is_complex(self):
            escape(self, "turned into a complex number")
        return np.reshape(self, ())[()].item()

    def tolist(self) -> Any:
        if self.ndim == 0:
            return self.item()
        return [one.tolist() for one in self]

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: Any = -1, kind: Any = None, order: Any = None, **options: Any) -> None:
        self[...] = np.sort(self, axis=axis)

    def partition(self, kth: Any, axis: Any = -1) -> None:
        self[...] = np.partition(self, kth, axis=axis)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        served(np.put, (self, indices, values, mode), {})

    def conj(self) -> Any:
        return np.conjugate(self) if is_complex(self) else self

    conjugate = conj

    # ---- operators beyond those of numbers

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, lift(other)) if _is_array_like(other) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(lift(other), self) if _is_array_like(other) else NotImplemented

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        if modulus is not None or not _computes_with(other):
            return NotImplemented
        other = lift(other)
        literal = type(other) in _SCALARS
        return bind(LITERAL_POWER if literal else POWER, self, other)


def _usual(tape: Any, row: Primitive, args: tuple[Any, ...]) -> Any:
    """The entry for operands that are plain constants and values of one tape on plain arrays; ``None`` for others."""
    count = len(args) - len(row.params)
    values, kept = [], []
    for arg in args[:count]:
        kind = type(arg)
        if kind is ArrayTracer or kind is ScalarTracer:
            value = arg.value_
            if arg.tape_ is not tape or issubclass(type(value), Tracer):
                return None
            values.append(value)
            kept.append(arg)
        elif issubclass(kind, Tracer):
            return None
        else:
            values.append(arg)
            kept.append(arg)
    for one in args[count:]:
        if issubclass(type(one), Tracer):
            return None
        values.append(one)
        kept.append(one)
    kept = list(made_plain(tape, tuple(kept), count if row.vjps is not None else len(args)))
    value = row.forward(*values)
    if row.variadic or len(args) > 2:
        return entry(tape, row, pull_for(row, "n"), value, tuple(kept), NOTHING)
    pattern = "".join(["v" if issubclass(type(one), Tracer) else "c" for one in kept])
    return entry(tape, row, pull_for(row, pattern), value, *kept, *(NOTHING,) * (2 - len(kept)))


def entry(tape: Any, row: Primitive, pull: Any, value: Any, a: Any, b: Any) -> Any:
    """An entry with its operands, appended to the tape."""
    kind = type(value)
    if kind is np.ndarray and value.dtype.kind in "fiub":
        node: Any = ArrayTracer()
    elif kind is np.float64:
        node = ScalarTracer()
        lend(value)
    else:
        return record(tape, row, value, a if type(a) is tuple else (a,) if b is NOTHING else (a, b))
    tape.foreign = True
    node.value_ = value
    node.pull_ = pull
    node.a_, node.b_ = a, b
    node.tape_ = tape
    tape.foreign = True
    frame = user_frame()
    if frame is not tape.frame:
        tape.enter(frame)
    node.lasti_ = frame.f_lasti
    node.adjoint_ = None
    tape.append(node)
    return node


def _is_array_like(other: Any) -> bool:
    return isinstance_tracer(other) or isinstance(other, (np.ndarray, list, tuple))


def _computes_with(other: Any) -> bool:
    """Whether an array computes with this: numbers, arrays, and lists of these."""
    return _is_array_like(other) or isinstance(other, np.generic) or is_operand(ADD, other)


def _one_or_many(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 and (values[0] is None or not isinstance(values[0], int)) else values


def converted(x: Any, dtype: Any) -> Any:
    """A traced array, or number of numpy's, as one of another kind; whole numbers and truth values are guards."""
    kind = np.dtype(dtype)
    if kind.kind == "b" or (kind.kind in "iu" and x.dtype.kind == "f"):
        return guard(_whole_numbers, x, kind)
    return astype(x, whole(kind, x))


def _whole_numbers(x: Any, kind: Any) -> Any:
    return x.astype(kind)


# ---- methods and operators, generated ----------------------------------------------------------------


def _method(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: ArrayTracer, *args: Any, **options: Any) -> Any:
        short = SHORT.get(function)
        if short is not None:
            made = short(self, *args, **options)
            if made is not None:
                return made
        return served(function, (self, *args), options)

    method.__name__ = name
    return method


def _unsupported(name: str, self: ArrayTracer, *value: Any) -> NoReturn:
    raise unsupported(f"{'assignment to ' if value else ''}numpy.ndarray.{name}")


def _binary(row: Any) -> tuple[Any, Any]:
    def forward(self: Any, other: Any) -> Any:
        return bind(row, self, lift(other)) if _computes_with(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return bind(row, lift(other), self) if _computes_with(other) else NotImplemented

    return forward, reflected


def _in_place(operation: Any, compute: Any) -> Any:
    """``a += b`` changes the array: what numpy would not do in place is refused as numpy refuses it."""

    def method(self: Any, other: Any) -> Any:
        result = compute(self, other)
        plain = self.value_
        while isinstance_tracer(plain):
            plain = plain.value_
        if not isinstance(plain, np.ndarray):
            return result  # numbers of numpy's do not change
        bare = other
        while isinstance_tracer(bare):
            bare = bare.value_
        if not (type(plain) is np.ndarray and result.shape == plain.shape and result.dtype == plain.dtype):
            operation(plain.copy(), bare)  # raises numpy's own error
        self[...] = result
        return self

    return method


def _install() -> None:
    for name in filter(dir(np.ndarray).__contains__, METHODS):
        setattr(ArrayTracer, name, _method(name))
    for name in dir(np.ndarray):
        if not name.startswith("__") and not hasattr(ArrayTracer, name):
            fact: Any = operator.attrgetter(f"value_.{name}")
            refused = functools.partial(_unsupported, name)
            how = fact if name in FACTS else refused
            setattr(ArrayTracer, name, property(how, refused if name in _SETTABLE else None))
    for name, row in {**BINARY, "pow": POWER}.items():
        forward, reflected = _binary(row)
        if name != "pow":
            setattr(ArrayTracer, f"__{name}__", forward)
        setattr(ArrayTracer, f"__r{name}__", reflected)
        setattr(
            ArrayTracer,
            f"__i{name}__",
            _in_place(getattr(operator, f"i{name}"), getattr(operator, name)),
        )
    ArrayTracer.__imatmul__ = _in_place(operator.imatmul, operator.matmul)  # type: ignore[attr-defined]
    for name in COMPARISONS:
        setattr(ArrayTracer, f"__{name}__", _binary(TABLE[name])[0])
    for name in BIT_OPERATORS:
        forward, reflected = _binary(TABLE[name])
        setattr(ArrayTracer, f"__{name.rstrip('_')}__", forward)
        setattr(ArrayTracer, f"__r{name.rstrip('_')}__", reflected)
    ArrayTracer.__divmod__ = lambda self, other: (self // other, self % other)  # type: ignore[method-assign]
    ArrayTracer.__rdivmod__ = lambda self, other: (other // self, other % self)  # type: ignore[method-assign]


_install()
