"""All that numpy makes public, each with calls to take it at: the conformance test walks it, the page is made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tracegrad as tg

#: what is called is a function of one array, which it may write to
Call = Callable[[Any], Any]

#: of these a name says that no number goes in whose gradient could be asked for
OUTSIDE = {
    "files and buffers": (
        "from_dlpack frombuffer fromfile fromregex fromstring genfromtxt load loadtxt save savetxt savez "
        "savez_compressed"
    ),
    "dates": ("busday_count busday_offset datetime_as_string datetime_data is_busday isnat"),
    "types": "can_cast isdtype issubdtype mintypecode promote_types typename",
    "settings and help": (
        "get_include get_printoptions getbufsize geterr geterrcall info printoptions set_printoptions setbufsize "
        "seterr seterrcall show_config show_runtime test"
    ),
    "shapes and places, from whole numbers": (
        "broadcast_shapes diag_indices indices ix_ mask_indices nested_iters ravel_multi_index tri tril_indices "
        "triu_indices unravel_index identity eye fromfunction"
    ),
    "whole numbers and text": (
        "base_repr binary_repr bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or "
        "bitwise_right_shift bitwise_xor gcd invert lcm left_shift packbits right_shift unpackbits bmat "
        "format_float_positional format_float_scientific"
    ),
    "windows, from a whole number": "bartlett blackman hamming hanning",
    "functions made of functions": "frompyfunc einsum_path",
    "what is in memory by chance": "empty empty_like",
    "only in older numpy": (
        "add_docstring add_newdoc add_newdoc_ufunc compare_chararrays deprecate deprecate_with_doc find_common_type "
        "get_array_wrap geterrobj recfromcsv recfromtxt safe_eval set_string_function seterrobj who"
    ),
}

_V = np.array([0.4, 0.7, 1.1])
_MASK = np.array([True, False, True])


def _written(function: Any, *args: Any) -> Call:
    """A function that writes into the array it is given, which is made while the trace is open."""

    def call(x: Any) -> Any:
        made = np.zeros((3, 3))
        function(made, *(arg(x) if callable(arg) else arg for arg in args))
        return made

    return call


#: calls of functions that take more than arrays; others are given one, two or three
CALLS: dict[str, Call] = {
    "apply_along_axis": lambda x: np.apply_along_axis(np.sum, 0, x),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, (0,)),
    "arange": lambda x: np.arange(0.0, x[0, 0], 0.5),
    "array_split": lambda x: np.array_split(x, 2)[0],
    "astype": lambda x: np.astype(x, np.float32),
    "bincount": lambda x: np.bincount([0, 1, 1], x[0]),
    "block": lambda x: np.block([[x, x]]),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 3)),
    "choose": lambda x: np.choose(np.array([0, 1, 0]), [x, 2 * x]),
    "compress": lambda x: np.compress(_MASK, x, axis=0),
    "concat": lambda x: np.concat([x, x]),
    "concatenate": lambda x: np.concatenate([x, x]),
    "copyto": _written(np.copyto, lambda x: x),
    "cumulative_prod": lambda x: np.cumulative_prod(x, axis=0),
    "cumulative_sum": lambda x: np.cumulative_sum(x, axis=0),
    "delete": lambda x: np.delete(x, 0),
    "digitize": lambda x: np.digitize(x, _V),
    "dsplit": lambda x: np.dsplit(x[None].T, 1)[0],
    "einsum": lambda x: np.einsum("ij,ji->i", x, x),
    "expand_dims": lambda x: np.expand_dims(x, 0),
    "extract": lambda x: np.extract(_MASK, x[0]),
    "fill_diagonal": _written(np.fill_diagonal, lambda x: x[0, 0]),
    "fromiter": lambda x: np.fromiter((one for one in x[0]), float),
    "full": lambda x: np.full((2, 2), x[0, 0]),
    "full_like": lambda x: np.full_like(x, x[0, 0]),
    "geomspace": lambda x: np.geomspace(x[0, 0], 9.0, 4),
    "hsplit": lambda x: np.hsplit(x, [1])[0],
    "insert": lambda x: np.insert(x, 1, x[0], axis=0),
    "interp": lambda x: np.interp(x, _V, _V),
    "kaiser": lambda x: np.kaiser(5, x[0, 0]),
    "ldexp": lambda x: np.ldexp(x, 2),
    "linspace": lambda x: np.linspace(x[0], x[1], 3),
    "logspace": lambda x: np.logspace(x[0], x[1], 3),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "pad": lambda x: np.pad(x, 1),
    "partition": lambda x: np.partition(x, 1),
    "argpartition": lambda x: np.argpartition(x, 1),
    "percentile": lambda x: np.percentile(x, 30),
    "nanpercentile": lambda x: np.nanpercentile(x, 30),
    "nanquantile": lambda x: np.nanquantile(x, 0.3),
    "permute_dims": lambda x: np.permute_dims(x, (1, 0)),
    "piecewise": lambda x: np.piecewise(x, [x > 1], [lambda u: u * u, 2.0]),
    "place": _written(np.place, _MASK[:, None] & _MASK, lambda x: x[0]),
    "polyfit": lambda x: np.polyfit(_V, x[0], 1),
    "put": _written(np.put, [0, 2], lambda x: x[0, :2]),
    "put_along_axis": _written(np.put_along_axis, np.array([[0], [1], [2]]), lambda x: x[:, :1], 1),
    "putmask": _written(np.putmask, np.eye(3) > 0, lambda x: x),
    "quantile": lambda x: np.quantile(x, 0.3),
    "repeat": lambda x: np.repeat(x, 2),
    "require": lambda x: np.require(x, float, ["C"]),
    "reshape": lambda x: np.reshape(x, (9,)),
    "resize": lambda x: np.resize(x, (2, 2)),
    "convolve": lambda x: np.convolve(x[0], x[1]),
    "correlate": lambda x: np.correlate(x[0], x[1]),
    "polyder": lambda x: np.polyder(x[0]),
    "polydiv": lambda x: np.polydiv(x[0], x[1, :2])[0],
    "polyint": lambda x: np.polyint(x[0]),
    "polymul": lambda x: np.polymul(x[0], x[1]),
    "roots": lambda x: np.abs(np.roots(x[0])),
    "searchsorted": lambda x: np.searchsorted(_V, x[0]),
    "vander": lambda x: np.vander(x[0]),
    "bmat": lambda x: np.bmat([[x]]),
    "trim_zeros": lambda x: np.trim_zeros(x[0]),
    "setdiff1d": lambda x: np.setdiff1d(x, [0.5]),
    "ones": lambda x: np.ones((2, 2)),
    "zeros": lambda x: np.zeros((2, 2)),
    "histogram2d": lambda x: np.histogram2d(x[0], x[1])[0],
    "sort_complex": lambda x: np.sort_complex(x[0]).real,
    "linalg.outer": lambda x: np.linalg.outer(x[0], x[1]),
    "linalg.eigvals": lambda x: np.linalg.eigvals(x).real,
    "linalg.matrix_rank": lambda x: np.linalg.matrix_rank(x),
    "roll": lambda x: np.roll(x, 1),
    "rollaxis": lambda x: np.rollaxis(x, 1),
    "select": lambda x: np.select([x > 1], [x * x], 0.0),
    "split": lambda x: np.split(x, [1])[0],
    "stack": lambda x: np.stack([x, x]),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "take": lambda x: np.take(x, [0, 2]),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [1], [2]]), 1),
    "tensordot": lambda x: np.tensordot(x, x, 1),
    "tile": lambda x: np.tile(x, 2),
    "vsplit": lambda x: np.vsplit(x, [1])[0],
    "array2string": lambda x: np.array2string(x),
    "fft.fftfreq": lambda x: np.fft.fftfreq(4, x[0, 0]),
    "fft.rfftfreq": lambda x: np.fft.rfftfreq(4, x[0, 0]),
    "fft.fftshift": np.fft.fftshift,
    "fft.ifftshift": np.fft.ifftshift,
    **{
        f"fft.{name}": lambda x, name=name: np.abs(getattr(np.fft, name)(x))
        for name in ("fft", "ifft", "rfft", "ihfft", "fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn")
    },
    "linalg.cholesky": lambda x: np.linalg.cholesky(x @ x.T),
    "linalg.matrix_power": lambda x: np.linalg.matrix_power(x, 3),
    "linalg.multi_dot": lambda x: np.linalg.multi_dot([x, x, x]),
    "linalg.svd": lambda x: np.linalg.svd(x)[1],
    "linalg.tensorsolve": lambda x: np.linalg.tensorsolve(x, x[0]),
    "linalg.tensorinv": lambda x: np.linalg.tensorinv(x, 1),
}


class Entry(NamedTuple):
    """A public name: its home, the name there, calls of it, and calls that write their result into an array."""

    home: str
    name: str
    calls: tuple[Call, ...]
    into: tuple[Call, ...] = ()


def functions() -> Iterator[Entry]:
    """The functions of numpy, numpy.linalg and numpy.fft in which numbers go."""
    outside = {name for names in OUTSIDE.values() for name in names.split()}
    for home, prefix in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft.")):
        for name in sorted(vars(home)):
            function = getattr(home, name)
            if (
                name.startswith("_")
                or not callable(function)
                or isinstance(function, type)
                or name in outside
            ):
                continue
            given = CALLS.get(prefix + name)
            home_name = prefix.removesuffix(".")
            if isinstance(function, np.ufunc) and not given:
                n = function.nin
                yield Entry(home_name, name, (_call(function, n),), (_call(function, n + 1),))
            else:
                counts = (1, 2, 3)
                yield Entry(home_name, name, (given,) if given else tuple(_call(function, n) for n in counts))


def _call(function: Any, count: int) -> Call:
    return lambda x: function(*(x.copy() for _ in range(count)))


#: what methods and operators of arrays need besides the array
METHODS: dict[str, Call] = {
    "argpartition": lambda x: x.argpartition(1),
    "astype": lambda x: x.astype(np.float32),
    "choose": lambda x: (x > 1).astype(int).choose([1.0, 2.0]),
    "clip": lambda x: x.clip(0.5, 1.0),
    "compress": lambda x: x.compress(_MASK, axis=0),
    "dot": lambda x: x.dot(x),
    "fill": lambda x: (x.fill(2.0), x)[1],
    "item": lambda x: x.item(1),
    "partition": lambda x: (x.partition(1), x)[1],
    "put": lambda x: (x.put([0], 3.0), x)[1],
    "itemset": lambda x: (x.itemset(1, 3.0), x)[1],
    "repeat": lambda x: x.repeat(2),
    "reshape": lambda x: x.reshape(9),
    "resize": lambda x: (x.resize((2, 2), refcheck=False), x)[1],
    "searchsorted": lambda x: x[0].searchsorted(0.5),
    "setfield": lambda x: (x.setfield(1.0, float), x)[1],
    "getfield": lambda x: x.getfield(float),
    "sort": lambda x: (x.sort(), x)[1],
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "take": lambda x: x.take([0]),
    "view": lambda x: x.view(np.int64),
    "flat": lambda x: list(x.flat)[1],
    "__complex__": lambda x: complex(x[0, 0]).real,
    "__float__": lambda x: float(x[0, 0]),
    "__int__": lambda x: int(x[0, 0]),
    "__index__": lambda x: [0, 1, 2, 3][(x > 1).sum() // 3],
    "__bool__": lambda x: bool(x[0, 0]),
    "to_device": lambda x: x.to_device("cpu"),
    "__getitem__": lambda x: x[1],
    "__setitem__": lambda x: (x.__setitem__(0, 2 * x[1]), x)[1],
    "__pow__": lambda x: x**2,
    "__rpow__": lambda x: 2.0**x,
    "__ipow__": lambda x: x.__ipow__(2.0),
    "__copy__": lambda x: x.__copy__(),
    "__deepcopy__": lambda x: x.__deepcopy__({}),
    "__contains__": lambda x: 0.5 in x,
    "__iter__": lambda x: next(iter(x)),
}

#: of the names of arrays, those that write to files, are for whole numbers, or belong to Python's own protocols
NOT_METHODS = frozenset(
    """
    dump tofile ctypes data __and__ __or__ __xor__ __lshift__ __rshift__ __rand__ __ror__ __rxor__ __rlshift__
    __rrshift__ __iand__ __ior__ __ixor__ __ilshift__ __irshift__ __invert__ __dlpack__ __dlpack_device__
    __array_interface__ __array_struct__ __array__ __array_finalize__ __array_function__ __array_namespace__
    __array_priority__ __array_ufunc__ __array_wrap__ __buffer__ __class__ __class_getitem__ __delattr__
    __delitem__ __dir__ __doc__ __format__ __getattribute__ __getstate__ __hash__ __init__ __init_subclass__
    __new__ __reduce__ __reduce_ex__ __repr__ __setattr__ __setstate__ __sizeof__ __str__ __subclasshook__
    """.split()  # noqa: SIM905  one a word is easier to read
)


def methods() -> Iterator[Entry]:
    """Methods, attributes and operators of arrays."""
    for name in sorted(set(dir(np.ndarray)) - NOT_METHODS):
        if name.startswith("_") and not name.startswith("__"):
            continue
        if name in METHODS:
            calls: tuple[Call, ...] = (METHODS[name],)
        elif callable(getattr(np.ndarray, name)):
            calls = (
                lambda x, name=name: getattr(x, name)(),
                lambda x, name=name: getattr(x, name)(1.5 * x),
            )
        else:
            calls = (lambda x, name=name: getattr(x, name),)
        yield Entry("ndarray", name, calls)


# ---- what comes of a call -------------------------------------------------------------------------------


def point() -> Any:
    """An array with which nearly everything can be called: square, positive, well conditioned, no two alike."""
    return np.arange(9.0).reshape(3, 3) / 10 + 2.0 * np.eye(3) + 0.3


OUTCOMES = ("traced", "guard", "plain", "error")


def outcome(call: Call) -> str | None:
    """``traced``, ``guard`` (a plain result, recorded), ``plain`` (of no numbers) or ``error``; ``None``: no such call.

    Raises AssertionError where the result is another than that of the plain call, or has lost its gradient.
    """
    try:
        plain, moved = call(point()), call(1.5 * point() + 0.1)
    except Exception:
        return None
    try:
        t = tg.trace(lambda x: call(x), point())
    except (tg.TracegradError, AttributeError, TypeError):
        return "error"
    assert repr(t.value) == repr(plain)
    if any(output.node is not None for output in t.graph.outputs):
        return "traced"
    if t.graph.guards:
        return "guard"
    assert repr(plain) == repr(moved), "the gradient is lost in silence"
    return "plain"


def outcomes(entry: Entry) -> list[str]:
    """Those of all calls of a name that numpy takes."""
    return [found for found in map(outcome, entry.calls) if found is not None]


# ---- the page -------------------------------------------------------------------------------------------

_TITLES = {
    "": "numpy",
    "linalg": "numpy.linalg",
    "fft": "numpy.fft",
    "ndarray": "numpy.ndarray: methods, attributes, operators",
}
_HEAD = """\
# What of numpy traces

Made by calling every public function of numpy {version} with a traced array (`tests/numpy_surface.py`): each is in one
of four lists, and none loses a gradient in silence.

- *traced*: the result is a node, with a derivative of any order.
- *guard*: the result is whole, a truth value or text; it is plain, and recorded as a guard.
- *plain*: the result does not depend on the numbers in the array, only on its shape or kind.
- *error*: the call is refused with the function's name and your line.

A function stands in the first list that one of its calls belongs to; called in another way it may be refused.
"""


def page() -> str:
    """What comes of each public name, as Markdown."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in (*functions(), *methods()):
        best = min(outcomes(entry), key=OUTCOMES.index)
        found.setdefault((entry.home, best), []).append(entry.name)
    parts = [_HEAD.format(version=".".join(np.__version__.split(".")[:2]))]
    for home, title in _TITLES.items():
        parts.append(f"## {title}\n")
        for kind in OUTCOMES:
            if (home, kind) in found:
                parts.append(_listed(kind, found[home, kind]))
    parts.append("## Not called\n\nNo number goes in whose gradient could be asked for.\n")
    for what, names in OUTSIDE.items():
        there = [name for name in names.split() if hasattr(np, name)]
        parts += [_listed(what, there)] if there else []
    return "\n".join(parts)


def _listed(what: str, names: list[str]) -> str:
    text = ", ".join(f"`{name}`" for name in names)
    lines = textwrap.wrap(f"*{what}*: {text}", 120, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"
