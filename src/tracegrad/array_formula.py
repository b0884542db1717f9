"""The text of operations on arrays: numpy's functions, called on a sketch.

In: a row, and for each operand what is known of it before there are numbers: how it is written, and its shape and
precision.  Out: expressions.  Read :class:`Sketch` first, then :func:`applied`.

As :mod:`tracegrad.formula` does for numbers, a rule is run on operands that write down what is done to them, so that
no formula is written a second time.  What numpy would give for such operands says the shape of each result.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from tracegrad.array_literals import index_of, static, tree_of
from tracegrad.arrays.build import ARRAY, COPY, ORDERED
from tracegrad.arrays.fit import ASTYPE, quiet
from tracegrad.arrays.indexing import GETITEM, SCATTER, SETITEM
from tracegrad.arrays.numerical import ARANGE
from tracegrad.arrays.steps import FACTS
from tracegrad.arrays.table import title
from tracegrad.arrays.ufunc_methods import ADD_AT, SUBTRACT_AT
from tracegrad.errors import UnsupportedError
from tracegrad.expressions import number_of, parse
from tracegrad.row import Primitive

#: definitions of what arrays can do and no expression says
HELPERS = {
    "_placed": '''\
def _placed(flow, index, shape):
    """Zeros, with what returns to the elements at an index in their places."""
    found = np.zeros(shape, np.asarray(flow).dtype)
    found[index] = flow
    return found''',
    "_added": '''\
def _added(flow, index, shape):
    """Zeros, with what returns to the elements at an index added in their places, which may come twice."""
    found = np.zeros(shape, np.asarray(flow).dtype)
    np.add.at(found, index, flow)
    return found''',
    "_replaced": '''\
def _replaced(array, value, index):
    """A copy of an array with a value at an index."""
    found = array.copy(order="K")
    found[index] = value
    return found''',
    "_increased": '''\
def _increased(array, values, index):
    """A copy of an array with values added at an index, which may come twice."""
    found = array.copy()
    np.add.at(found, index, values)
    return found''',
    "_decreased": '''\
def _decreased(array, values, index):
    """A copy of an array with values subtracted at an index, which may come twice."""
    found = array.copy()
    np.subtract.at(found, index, values)
    return found''',
}

_OPERATORS: dict[Any, type[ast.operator]] = {
    np.add: ast.Add, np.subtract: ast.Sub, np.multiply: ast.Mult, np.divide: ast.Div, np.power: ast.Pow,
    np.matmul: ast.MatMult, np.floor_divide: ast.FloorDiv, np.remainder: ast.Mod, np.bitwise_and: ast.BitAnd,
    np.bitwise_or: ast.BitOr,
}  # fmt: skip
_COMPARISONS: dict[Any, type[ast.cmpop]] = {
    np.equal: ast.Eq, np.not_equal: ast.NotEq, np.less: ast.Lt, np.less_equal: ast.LtE, np.greater: ast.Gt,
    np.greater_equal: ast.GtE,
}  # fmt: skip

#: ufunc -> what its method ``reduce`` is called elsewhere
_REDUCED: dict[Any, Any] = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}


class Sketch:
    """An array or a number of which the source is known, and by ``like`` what shape and precision it has."""

    __slots__ = ("like", "tree")

    def __init__(self, tree: ast.expr, like: Any) -> None:
        self.tree = tree
        self.like = like

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.like)

    @property
    def ndim(self) -> int:
        return np.ndim(self.like)

    @property
    def size(self) -> int:
        return np.size(self.like)

    @property
    def dtype(self) -> Any:
        return np.asarray(self.like).dtype

    @property
    def T(self) -> Any:
        return np.transpose(self)  # type: ignore[call-overload]

    @property
    def is_number(self) -> bool:
        """Whether this is known to be no array."""
        return not isinstance(self.like, np.ndarray)

    def either(self, yes: Any, no: Any) -> Sketch:
        """The one or the other number, as this truth value says."""
        tree = ast.IfExp(self.tree, tree_of(yes), tree_of(no))
        return Sketch(tree, no.like if isinstance(no, Sketch) else no)

    def __len__(self) -> int:
        return len(self.like)

    def __bool__(self) -> bool:
        raise UnsupportedError(
            "a derivative whose formula depends on the values of an array cannot be written as source"
        )

    def __getitem__(self, index: Any) -> Any:
        tree = ast.Subscript(self.tree, index_of(index), ast.Load())
        return _made(tree, lambda like: like[_likes(index)], self)

    def __neg__(self) -> Any:
        return _made(ast.UnaryOp(ast.USub(), self.tree), np.negative, self)

    def __pos__(self) -> Any:
        return self

    def __pow__(self, exponent: Any) -> Any:
        plain = type(exponent) is int and exponent == 1 and self.dtype.kind in "fc"
        return self if plain else _applied(np.power, self, exponent)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return _made(ast.UnaryOp(ast.Invert(), self.tree), np.invert, self)

    def written_out(self) -> Sketch:
        """What is broadcast as an array of its own, since in which order numpy computes depends on that."""
        return self

    def astype(self, dtype: Any) -> Any:
        if self.dtype == np.dtype(dtype) and isinstance(self.like, (np.ndarray, np.generic)):
            return self
        kind = static(np.dtype(dtype))
        is_number = number_of(self.tree) is not None or not isinstance(self.like, np.ndarray)
        if is_number and not isinstance(kind, ast.Constant):
            call = ast.Call(kind, [self.tree], [])
        else:
            call = ast.Call(ast.Attribute(self.tree, "astype", ast.Load()), [kind], [])
        return _made(call, lambda like: np.asarray(like).astype(dtype), self)

    def conj(self) -> Any:
        return np.conjugate(self)

    def reshape(self, shape: Any) -> Any:
        return np.reshape(self, shape)  # type: ignore[call-overload]

    @property
    def imag(self) -> Any:
        return np.imag(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "reduce" and ufunc in _REDUCED and "axis" in options:
            return _called(_REDUCED[ufunc], inputs, options)
        if method in ("accumulate", "reduceat"):
            return _scanned(ufunc, method, inputs, options)
        if method != "__call__" or options:
            raise UnsupportedError(
                f"numpy.{ufunc.__name__}.{method} in a derivative cannot be written as source"
            )
        return _applied(ufunc, *inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return _called(function, args, options)

    def _tracegrad_bind_(self, row: Primitive, args: tuple[Any, ...]) -> Any:
        return applied(row, args)


def _operators() -> None:
    """The operators of :class:`Sketch`: the ufuncs of numpy that they stand for."""
    binary = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
        "matmul": np.matmul, "floordiv": np.floor_divide, "mod": np.remainder, "and": np.bitwise_and,
        "or": np.bitwise_or,
    }  # fmt: skip
    for own, ufunc in binary.items():
        if own != "pow":
            setattr(Sketch, f"__{own}__", lambda self, other, ufunc=ufunc: _applied(ufunc, self, other))
        setattr(Sketch, f"__r{own}__", lambda self, other, ufunc=ufunc: _applied(ufunc, other, self))
    for own, ufunc in {
        "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
        "ge": np.greater_equal,
    }.items():  # fmt: skip
        setattr(Sketch, f"__{own}__", lambda self, other, ufunc=ufunc: _applied(ufunc, self, other))


_operators()


def sample(value: Any) -> Any:
    """What stands for a value where only its shape and precision count; matrices among it can be inverted."""
    if not isinstance(value, np.ndarray):
        return type(value)(1) if isinstance(value, (np.generic, int, float)) else value
    if value.ndim >= 2:
        return np.broadcast_to(np.eye(*value.shape[-2:], dtype=value.dtype), value.shape)
    return np.broadcast_to(np.ones((), value.dtype), value.shape)


# ---- applications -----------------------------------------------------------------------------------


def applied(row: Primitive, args: Sequence[Any]) -> Any:
    """The application of a row to sketches and static data."""
    if row is ASTYPE:
        return args[0].astype(args[1])
    if row is GETITEM:
        return args[0][args[1]]
    if row is SCATTER:
        return _helped("_placed" if _is_basic(args[1]) else "_added", row.forward, *args)
    if row is SETITEM:
        return _helped("_replaced", row.forward, *args)
    if row in _CHANGED:
        return _helped(_CHANGED[row], row.forward, *args)
    if row is COPY:
        return _helped("np.array", np.array, args[0])
    if row is ORDERED:
        return _ordered(*args)
    if row.name == "complex":
        return _helped("complex", lambda *parts: np.complex128(complex(*parts)), *args)
    if row is ARANGE:
        return _helped("np.arange", row.forward, *(args if args[-1] is not None else args[:-1]))
    if row is ARRAY:
        return _array(*args)
    return row.forward(*args)


#: operations that numpy has as changes of an array -> the definition that says what is left after them
_CHANGED = {ADD_AT: "_increased", SUBTRACT_AT: "_decreased"}


def _helped(function: str, forward: Callable[..., Any], *args: Any) -> Any:
    return _made(ast.Call(parse(function), list(map(tree_of, args)), []), forward, *args)


def _ordered(array: Any, order: str) -> Any:
    tree = ast.Call(parse("np.array"), [tree_of(array)], [ast.keyword("order", ast.Constant(order))])
    return _made(tree, ORDERED.forward, array, order)


def _array(*args: Any) -> Any:
    *operands, layout, dtype = args

    def nested(layout: Any) -> ast.expr:
        if isinstance(layout, tuple):
            return ast.List(list(map(nested, layout)), ast.Load())
        return tree_of(operands[layout])

    keywords = [] if dtype is None else [ast.keyword("dtype", static(np.dtype(dtype)))]
    return _made(ast.Call(parse("np.array"), [nested(layout)], keywords), ARRAY.forward, *args)


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(part, (list, np.ndarray, bool, np.bool_)) for part in parts)


def _applied(ufunc: Any, *inputs: Any) -> Any:
    """A ufunc: an operator where there is one."""
    inputs = tuple(_thin(one, inputs) for one in inputs)
    if ufunc is np.multiply:
        for one, other in (inputs, inputs[::-1]):
            if _is_one(one) and isinstance(other, Sketch) and other.dtype == np.float64:
                return other
    trees = list(map(tree_of, inputs))
    if ufunc in _OPERATORS:
        tree: ast.expr = ast.BinOp(trees[0], _OPERATORS[ufunc](), trees[1])
    elif ufunc in _COMPARISONS:
        tree = ast.Compare(trees[0], [_COMPARISONS[ufunc]()], [trees[1]])
    elif ufunc is np.negative:
        tree = ast.UnaryOp(ast.USub(), trees[0])
    else:
        tree = ast.Call(parse(_spelled(ufunc)), trees, [])
    return _made(tree, ufunc, *inputs)


def _scanned(ufunc: Any, method: str, inputs: Any, options: dict[str, Any]) -> Any:
    """A method of a ufunc, as it was called."""
    function = getattr(ufunc, method)
    keywords = [ast.keyword(key, static(value)) for key, value in options.items()]
    tree = ast.Call(parse(f"{_spelled(ufunc)}.{method}"), list(map(tree_of, inputs)), keywords)
    return _made(tree, lambda *likes: function(*likes, **options), *inputs)


def _is_one(value: Any) -> bool:
    factor = number_of(value.tree) if isinstance(value, Sketch) else value
    return type(factor) in (int, float) and factor == 1


def _thin(operand: Any, inputs: Sequence[Any]) -> Any:
    """The number of which an operand is copies, where the others have the shape already, and all are doubles."""
    inner = _spread_of(operand)
    if inner is None or inner.dtype != np.float64:
        return operand
    others = [one for one in inputs if one is not operand and isinstance(one, Sketch)]
    fits = any(one.shape == operand.shape and _spread_of(one) is None for one in others)
    return inner if fits and all(one.dtype == np.float64 for one in others) else operand


class _Sum(Sketch):
    """A sum over axes; ``kept`` is the same with these axes kept at length 1."""

    __slots__ = ("kept",)

    def __init__(self, tree: ast.expr, like: Any, kept: Sketch) -> None:
        super().__init__(tree, like)
        self.kept = kept


class _Copies(Sketch):
    """Copies of a number."""

    __slots__ = ("number",)

    def __init__(self, tree: ast.expr, like: Any, number: Sketch) -> None:
        super().__init__(tree, like)
        self.number = number

    def written_out(self) -> Sketch:
        if ast.unparse(self.tree).startswith("np.reshape("):
            return self
        shape = static(self.shape[0] if self.ndim == 1 else self.shape)
        return _Copies(ast.Call(parse("np.full"), [shape, self.number.tree], []), self.like, self.number)


class _Spread(Sketch):
    """An array broadcast along axes."""

    __slots__ = ("array",)

    def __init__(self, tree: ast.expr, like: Any, array: Sketch) -> None:
        super().__init__(tree, like)
        self.array = array

    def written_out(self) -> Sketch:
        own = (1,) * (self.ndim - self.array.ndim) + self.array.shape
        counts = tuple(length // one if one else 1 for length, one in zip(self.shape, own, strict=True))
        return Sketch(ast.Call(parse("np.tile"), [self.array.tree, static(counts)], []), self.like)


def _number_in(value: Sketch) -> Sketch:
    inner = _spread_of(value)
    return value if inner is None else inner


def _spread_of(value: Any) -> Sketch | None:
    return value.number if isinstance(value, _Copies) else None


def _called(function: Any, args: Sequence[Any], options: dict[str, Any]) -> Any:
    """A function of numpy: without options that are as they are anyway."""
    if function.__name__ in FACTS:
        return function(*map(_likes, args), **_likes(options))
    given = {key: value for key, value in options.items() if not _is_default(function, key, value)}
    if function is np.transpose and (len(args) == 1 or args[1] is None) and not given:
        tree = args[0].tree
        if isinstance(tree, ast.Attribute) and tree.attr == "T":
            return Sketch(tree.value, np.transpose(args[0].like))
        return _made(ast.Attribute(args[0].tree, "T", ast.Load()), np.transpose, args[0])
    if function is np.swapaxes and args[0].ndim == 2:
        return _called(np.transpose, args[:1], {})
    if function is np.reshape and args[0].shape == tuple(np.atleast_1d(args[1])) and not given:
        return args[0]
    if function is np.reshape and isinstance(args[0], _Sum) and args[0].kept.shape == args[1]:
        return args[0].kept
    if function is np.broadcast_to:
        return _broadcast(*args)
    axis = given.get("axis")
    if isinstance(axis, tuple) and len(axis) == 1:
        given["axis"] = axis[0]
    trees = [_argument(function, arg) for arg in args]
    keywords = [ast.keyword(key, _argument(function, value)) for key, value in given.items()]
    tree = ast.Call(parse(_spelled(function)), trees, keywords)
    found = _made(tree, lambda *likes: function(*likes, **_likes(options)), *args)
    if function is np.sum and given.keys() == {"axis"} and len(args) == 1:
        return _Sum(found.tree, found.like, _called(np.sum, args, given | {"keepdims": True}))
    if function is np.reshape and args[0].size == 1 and isinstance(found, Sketch):
        return _Copies(tree, found.like, _number_in(args[0]))
    return found


def _broadcast(array: Sketch, shape: Any) -> Any:
    shape = tuple(np.atleast_1d(shape).tolist()) if not isinstance(shape, tuple) else shape
    if array.shape == shape and (not shape or isinstance(array.like, (np.ndarray, np.generic))):
        return array
    number = _spread_of(array)
    if number is None and array.shape == ():
        number = array
    of = array if number is None else number
    tree = ast.Call(parse("np.broadcast_to"), [of.tree, static(shape)], [])
    like = np.broadcast_to(array.like, shape)
    return _Spread(tree, like, array) if number is None else _Copies(tree, like, number)


def _argument(function: Any, value: Any) -> ast.expr:
    if isinstance(value, (list, tuple)) and any(isinstance(one, Sketch) for one in value):
        return ast.List([_argument(function, one) for one in value], ast.Load())
    if function is np.transpose and isinstance(value, np.ndarray):
        return static(tuple(value.tolist()))
    return tree_of(value)


@cache
def _defaults(function: Any) -> dict[str, Any]:
    try:
        return {key: one.default for key, one in inspect.signature(function).parameters.items()}
    except (TypeError, ValueError):
        return {}


def _is_default(function: Any, key: str, value: Any) -> bool:
    if value is np._NoValue or (key == "keepdims" and value is False):
        return True
    default = _defaults(function).get(key, inspect.Parameter.empty)
    if value is None:
        return default is None or default is np._NoValue
    return type(default) is type(value) and default == value


def _spelled(function: Any) -> str:
    own = title(function) if not isinstance(function, np.ufunc) else f"numpy.{function.__name__}"
    if isinstance(function, np.ufunc) and not hasattr(np, function.__name__):
        own = f"scipy.special.{function.__name__}"
    return own.replace("numpy.", "np.", 1) if own.startswith("numpy.") else own


def _likes(value: Any) -> Any:
    if isinstance(value, Sketch):
        return value.like
    if type(value) in (list, tuple):
        return type(value)(map(_likes, value))
    if type(value) is slice:
        return slice(*map(_likes, (value.start, value.stop, value.step)))
    return {key: _likes(one) for key, one in value.items()} if type(value) is dict else value


def _made(tree: ast.expr, function: Callable[..., Any], *args: Any) -> Any:
    """A sketch of what a function gives; several results are elements of one expression."""
    with quiet():
        like = function(*map(_likes, args))
    if isinstance(like, (tuple, list)):
        parts = [Sketch(ast.Subscript(tree, ast.Constant(i), ast.Load()), one) for i, one in enumerate(like)]
        make: Any = getattr(type(like), "_make", type(like))
        return make(parts)
    return Sketch(tree, like)
