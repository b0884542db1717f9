"""Stand-ins in Python's library: what turns numbers into text by compiled code, and what reads numbers from text.

In: the names that code uses.  Out: :func:`library_bindings`, the places in ``json``, ``marshal``, ``ast``,
``fractions`` and numpy to swap while a trace is open, so that a traced number is refused there and not lost, also where
the user's code catches the error.  Read :data:`_PLACES` first.  A module that is not loaded holds nothing that could
be used.
"""

from __future__ import annotations

import functools
import io
import math
import sys
from collections.abc import Callable
from typing import Any

from tracegrad.class_stand_ins import read, refuse_traced
from tracegrad.plans import Binding
from tracegrad.substitute import tracer_in
from tracegrad.tracer import escape

Make = Callable[[Any], Any]


def _refuse_within(values: Any, how: str) -> None:
    """Refuse a tracer that is in some values, however deep."""
    tracer = tracer_in([*values], math.inf)
    if tracer is not None:
        escape(tracer, how)


def _writer(original: Any) -> Any:
    """A compiled function that writes what it knows by its class, and raises for a tracer what user code may catch."""

    @functools.wraps(original)
    def stand_in(*args: Any, **options: Any) -> Any:
        try:
            return original(*args, **options)
        except ValueError:
            _refuse_within(args, f"written by {original.__module__}")
            raise

    return stand_in


def _compiled_encoder(original: Any) -> Any:
    """The one in C, which raises for keys that it does not know by their class, or passes them by."""
    make = _encoder(original)

    @functools.wraps(original, updated=())
    def stand_in(markers: Any, default: Any, *others: Any) -> Any:
        encode = make(markers, default, *others)
        skips_keys = others[_SKIPS_KEYS]

        def encoded(value: Any, level: int) -> Any:
            if skips_keys:
                _refuse_within((value,), _AS_JSON)
            try:
                return encode(value, level)
            except TypeError:
                _refuse_within((value,), _AS_JSON)
                raise

        return encoded

    return stand_in


#: which of the arguments that follow ``default``
_SKIPS_KEYS = 5
_AS_JSON = "written as JSON (it is not JSON serializable)"


def _encoder(original: Any) -> Any:
    """``json``'s encoders, which hand what they do not know by its class to ``default``."""

    @functools.wraps(original, updated=())
    def make(markers: Any, default: Any, *others: Any, **options: Any) -> Any:
        def checked(value: Any) -> Any:
            refuse_traced((value,), _AS_JSON)
            return default(value)

        return original(markers, checked, *others, **options)

    return make


def _iterating_encoder(original: Any) -> Any:
    """The one in Python, which asks ``float`` and ``int`` themselves for their text."""

    def written(method: Callable[[Any], str]) -> Callable[[Any], str]:
        def text(value: Any) -> str:
            refuse_traced((value,), _AS_JSON)
            return method(value)

        return text

    make = _encoder(original)

    @functools.wraps(original)
    def stand_in(markers: Any, default: Any, encoder: Any, indent: Any, floatstr: Any, *others: Any) -> Any:
        return make(
            markers, default, encoder, indent, written(floatstr), *others, _intstr=written(int.__repr__)
        )

    return stand_in


def _reader(original: Any) -> Any:
    """A function whose first argument may be a text with numbers in it."""

    @functools.wraps(original)
    def stand_in(*args: Any, **options: Any) -> Any:
        read(*args[:1])
        return original(*args, **options)

    return stand_in


def _table_reader(original: Any) -> Any:
    """A function whose first argument may be a file of text, or a list of its lines."""

    @functools.wraps(original)
    def stand_in(source: Any, *args: Any, **options: Any) -> Any:
        inside = source.getvalue() if isinstance(source, (io.StringIO, io.BytesIO)) else source
        read(*(inside if isinstance(inside, (list, tuple)) else (inside,)))
        return original(source, *args, **options)

    return stand_in


def _constructor(original: Any) -> Any:
    """The ``__new__`` of a class that reads numbers from texts."""

    @functools.wraps(original)
    def stand_in(cls: type, *args: Any, **options: Any) -> Any:
        read(*args)
        return original(cls, *args, **options)

    return stand_in


def _decoder(original: Any) -> Any:
    """The method of ``json``'s decoder by which every text goes."""

    @functools.wraps(original)
    def stand_in(decoder: Any, text: Any, *args: Any, **options: Any) -> Any:
        read(text)
        return original(decoder, text, *args, **options)

    return stand_in


_WRITES_JSON = frozenset({"dump", "dumps", "encode", "iterencode"})
_READS_JSON = frozenset({"load", "loads", "decode", "raw_decode"})

#: (module, the class in it or nothing, name, names by which code reaches it, what makes the stand-in)
_PLACES: list[tuple[str, str, str, frozenset[str], Make]] = [
    ("json.encoder", "", "c_make_encoder", _WRITES_JSON, _compiled_encoder),
    ("json.encoder", "", "_make_iterencode", _WRITES_JSON, _iterating_encoder),
    ("json.decoder", "JSONDecoder", "raw_decode", _READS_JSON, _decoder),
    ("ast", "", "literal_eval", frozenset({"literal_eval"}), _reader),
    ("fractions", "Fraction", "__new__", frozenset({"Fraction"}), _constructor),
    ("marshal", "", "dump", frozenset({"dump"}), _writer),
    ("marshal", "", "dumps", frozenset({"dumps"}), _writer),
    ("numpy", "", "fromstring", frozenset({"fromstring"}), _reader),
    ("numpy", "", "genfromtxt", frozenset({"genfromtxt"}), _table_reader),
    ("numpy", "", "loadtxt", frozenset({"loadtxt"}), _table_reader),
]
_NAMES = frozenset().union(*(names for *_, names, _ in _PLACES))


def library_bindings(names: frozenset[str]) -> list[Binding]:
    """The places that code with these names can reach."""
    if names.isdisjoint(_NAMES):
        return []
    found = [
        _binding(module, cls, name)
        for module, cls, name, reached_by, _ in _PLACES
        if names & reached_by and module in sys.modules
    ]
    return [binding for binding in found if binding is not None]


@functools.cache
def _binding(module: str, cls: str, name: str) -> Binding | None:
    make = next(make for *place, _, make in _PLACES if place == [module, cls, name])
    holder: Any = getattr(sys.modules[module], cls) if cls else sys.modules[module]
    original = vars(holder).get(name)
    if original is None:
        return None
    plain = original.__func__ if type(original) is staticmethod else original
    stand_in = staticmethod(make(plain)) if type(original) is staticmethod else make(plain)
    return Binding(
        functools.partial(vars(holder).get, name),
        functools.partial(setattr, holder, name),
        original,
        stand_in,
    )
