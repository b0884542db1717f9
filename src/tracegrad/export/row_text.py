"""Rows as JSON text at once, without the data in between: documents have hundreds of thousands of them.

In: a class of rows of :mod:`tracegrad.document`.  Out: :func:`writer_of`, a function from a row to its JSON text, the
same to the byte as ``json.dumps`` of what :mod:`tracegrad.export.codecs` makes of it.  Read :func:`writer_of` first.

What most rows have in most fields (text, floats, places that many nodes share) is written here; the rest, and every row
with a field that is usually left out, goes through its codec.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from json.encoder import encode_basestring as quoted
from typing import Any

from tracegrad.export.codecs import HEXADECIMAL, ROWS, Codec, codec_of, data_of

Writer = Callable[[Any], str]

_PARTIAL: Any = codec_of("Partial").write


def json_text(data: Any, indent: int | None = None) -> str:
    """JSON data as text, in the document's spelling."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)


def writer_of(cls: type) -> Writer:
    """A function from rows of a class to text, with a memory of its own for the places that they share.

    >>> from tracegrad.document import Input
    >>> writer_of(Input)(Input(name="x", node="n0"))
    '{"name": "x", "node": "n0"}'
    """
    scope: dict[str, Any] = _SCOPE | {"other": _by_codec(ROWS[cls])}
    parts, usual = [], ["True"]
    for field in dataclasses.fields(cls):
        name, annotation = field.name, str(field.type)
        if field.default is not dataclasses.MISSING:
            scope[f"usual_{name}"] = field.default
            usual.append(f"row.{name} is usual_{name}")
            continue
        codec = codec_of(annotation.removesuffix(" | None"))
        scope[f"other_{name}"] = _remembered(codec) if annotation.startswith("Site") else _by_codec(codec)
        parts.append(f'"{name}": {{{_expression(annotation, name)}}}')
    source = f"lambda row: f'''{{{{{', '.join(parts)}}}}}''' if {' and '.join(usual)} else other(row)"
    writer: Writer = eval(compile(source, f"<text of {cls.__name__}>", "eval"), scope)
    return writer


def _expression(annotation: str, name: str) -> str:
    """The source that writes a field."""
    value = f"row.{name}"
    expression = {
        "str": f"quoted({value})",
        "Quantity": f"number({value})",
        "Partial": f"number({value})",
        "int": f"number({value})",
        "tuple[str, ...]": f"texts({value}) if {value} else empty_list",
        "tuple[int, ...]": f"other_{name}({value}) if {value} else empty_list",
        "Params": f"other_{name}({value}) if {value} else empty_object",
    }.get(annotation.removesuffix(" | None"), f"other_{name}({value})")
    return f"null if {value} is None else {expression}" if annotation.endswith(" | None") else expression


def _number(value: Any) -> str:
    """A number or an array; or, as a local gradient, the name of a map."""
    if type(value) is float and value - value == 0.0:
        return repr(value)
    if type(value) is int and -HEXADECIMAL < value < HEXADECIMAL:
        return repr(value)
    return json_text(_PARTIAL(value))


def _texts(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, values))}]"


_SCOPE: dict[str, Any] = {
    "quoted": quoted, "number": _number, "texts": _texts, "null": "null", "empty_list": "[]", "empty_object": "{}",
}  # fmt: skip


def _by_codec(codec: Codec) -> Writer:
    return lambda value: json_text(data_of(codec, value))


def _remembered(codec: Codec) -> Writer:
    """What has been written is known by identity, as long as this function lives."""
    known: dict[int, tuple[Any, str]] = {}

    def write(value: Any) -> str:
        found = known.get(id(value))
        if found is None:
            found = known[id(value)] = value, json_text(data_of(codec, value))
        return found[1]

    return write
