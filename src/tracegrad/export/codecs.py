"""How each type of field of a document is written as JSON data, and read back equal.

In: the dataclasses of :mod:`tracegrad.document`.  Out: :data:`CODECS` by annotation and :data:`ROWS` by class.  Read
:class:`Codec` and :func:`codec_of`.

Decisions:

- *Numbers stay themselves.*  ``1`` is an int and ``1.0`` a float, both ways.  JSON has no word for the
  non-finite, which are the strings ``"NaN"``, ``"Infinity"``, ``"-Infinity"``; nor can most readers hold an
  int from 2**1024 on, which is text in hexadecimal.  Where a number is due, such a string can mean nothing
  else.  A complex number is ``{"complex": [real, imaginary]}``.
- *A structure spells its text.*  In a result, params and guards both numbers and text occur, so there text is
  ``{"str": ...}``; JSON arrays are lists, ``{"tuple": [...]}``, ``{"dict": [[key, value], ...]}`` (any key,
  in order), ``{"record": class, "fields": [[name, value], ...]}``, ``{"object": class, "text": ...}`` are
  the rest.
- *An array says its dtype and shape*, and all its values in C order or a summary; a local gradient that is a
  linear map is ``{"map": name}``.
- *What has its default is left out*: a document in which nothing is folded has no word of folding.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from tracegrad.document import (
    Annotated,
    Cluster,
    Edge,
    Folded,
    Function,
    Guard,
    Input,
    Node,
    Output,
    Site,
    SourceLine,
    Spread,
    Stage,
)
from tracegrad.structures import Array, Opaque, Record, number, structure

#: ints from here on are written as hexadecimal text: a double cannot hold them, and Python refuses to turn
#: thousands of decimal digits into an int
HEXADECIMAL = 1 << 1024
_HEX = re.compile("-?0x[1-9a-f][0-9a-f]*")
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Unfit(Exception):
    """A value that is not what its place demands; the place is put together on the way out."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.place: list[str] = []

    def inside(self, step: str) -> Unfit:
        self.place.append(step)
        return self

    def message(self) -> str:
        place = "".join(reversed(self.place)).lstrip(".")
        return f"{place or 'the document'} {self.problem}"


def _expected(what: str, found: Any) -> Unfit:
    shown = json.dumps(found)
    return Unfit(f"should be {what}, not {shown if len(shown) <= 40 else shown[:37] + '...'}")


class Codec(NamedTuple):
    """How a type of field becomes JSON data, ``None`` where it is that already, and how it comes back."""

    write: Callable[[Any], Any] | None
    read: Callable[[Any], Any]


def data_of(codec: Codec, value: Any) -> Any:
    return value if codec.write is None else codec.write(value)


def _read_str(data: Any) -> str:
    if type(data) is not str:
        raise _expected("text", data)
    return data


def _read_int(data: Any) -> int:
    if type(data) is not int or data < 0:
        raise _expected("a whole number", data)
    return data


def _read_list(data: Any) -> list[Any]:
    if type(data) is not list:
        raise _expected("a list", data)
    return data


def _write_number(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        if value - value == 0.0:
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if kind is int:
        return value if -HEXADECIMAL < value < HEXADECIMAL else hex(value)
    if kind is complex:
        return {"complex": [_write_number(value.real), _write_number(value.imag)]}
    return _write_number(number(value))


def _read_number(data: Any) -> int | float | complex:
    kind = type(data)
    if kind is float or kind is int:
        return data  # type: ignore[no-any-return]
    if kind is dict and data.keys() == {"complex"}:
        return _read_complex(data["complex"])
    if kind is str:
        if data in _NON_FINITE:
            return _NON_FINITE[data]
        if _HEX.fullmatch(data):
            return int(data, 16)
    raise _expected('a number, "NaN", "Infinity", "-Infinity" or hexadecimal text', data)


def _read_complex(parts: Any) -> complex:
    real, imaginary = map(_read_number, _read_pair(parts))
    if type(real) is not float or type(imaginary) is not float:
        raise _expected("two floats", parts)
    return complex(real, imaginary)


def _write_quantity(value: Any) -> Any:
    return _write_array(value) if type(value) is Array else _write_number(value)


def _write_array(array: Array) -> dict[str, Any]:
    head = {"array": array.dtype, "shape": list(array.shape)}
    if array.values is not None:
        return head | {
            "values": [value if type(value) is bool else _write_number(value) for value in array.values]
        }
    summary = {name: _write_number(getattr(array, name)) for name in _SUMMARY}
    return head | summary | {"strip": list(map(_write_number, array.strip))}


_SUMMARY = ("min", "mean", "max", "norm")


def _read_array(data: Any) -> Array:
    dtype, shape = _read_str(data["array"]), tuple(map(_read_int, _read_list(data["shape"])))
    if "values" not in data:
        low, mean, high, norm = (_read_number(data[name]) for name in _SUMMARY)
        strip = tuple(map(_read_number, _read_list(data["strip"])))
        return Array(dtype=dtype, shape=shape, min=low, mean=mean, max=high, norm=norm, strip=strip)
    values = tuple(
        value if type(value) is bool else _read_number(value) for value in _read_list(data["values"])
    )
    if len(values) != math.prod(shape):
        raise Unfit(f"has {len(values)} values for the shape {list(shape)}")
    return Array(dtype=dtype, shape=shape, values=values)


#: the keys of an array, in full and as a summary
_ARRAYS = ({"array", "shape", "values"}, {"array", "shape", *_SUMMARY, "strip"})


def _read_quantity(data: Any) -> Any:
    return _read_array(data) if type(data) is dict and data.keys() in _ARRAYS else _read_number(data)


def _write_partial(value: Any) -> Any:
    return {"map": value} if type(value) is str else _write_quantity(value)


def _read_partial(data: Any) -> Any:
    return _read_str(data["map"]) if type(data) is dict and data.keys() == {"map"} else _read_quantity(data)


def _write_structure(value: Any) -> Any:
    return _write_plain(structure(value))


def _write_plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return {"str": value}
    if kind is list:
        return [_write_plain(item) for item in value]
    if kind is tuple:
        return {"tuple": [_write_plain(item) for item in value]}
    if kind is dict:
        return {"dict": [[_write_plain(key), _write_plain(item)] for key, item in value.items()]}
    if kind is Record:
        return {"record": value.type, "fields": [[name, _write_plain(item)] for name, item in value.fields]}
    if kind is Array:
        return _write_array(value)
    if kind is Opaque:
        return {"object": value.type, "text": value.text}
    return _write_number(value)


def _read_structure(data: Any) -> Any:
    kind = type(data)
    if data is None or kind is bool:
        return data
    if kind is list:
        return [_read_structure(item) for item in data]
    if kind is not dict:
        return _read_number(data)
    if data.keys() in _ARRAYS:
        return _read_array(data)
    for names, reader in _STRUCTURES.items():
        if data.keys() == set(names):
            return reader(*(data[name] for name in names))
    raise _expected("an object of " + ", ".join("/".join(names) for names in _STRUCTURES), data)


def _read_dict(items: Any) -> dict[Any, Any]:
    try:
        pairs = map(_read_pair, _read_list(items))
        return {_read_structure(key): _read_structure(item) for key, item in pairs}
    except TypeError:
        raise Unfit("has a list or dict among the keys of a dict") from None


def _read_record(name: Any, fields: Any) -> Record:
    pairs = map(_read_pair, _read_list(fields))
    return Record(_read_str(name), tuple((_read_str(field), _read_structure(item)) for field, item in pairs))


def _read_pair(data: Any) -> tuple[Any, Any]:
    if type(data) is not list or len(data) != 2:
        raise _expected("a pair", data)
    return data[0], data[1]


#: what an object in a structure may be, by its keys
_STRUCTURES: dict[tuple[str, ...], Callable[..., Any]] = {
    ("str",): _read_str,
    ("complex",): _read_complex,
    ("tuple",): lambda items: tuple(_read_structure(item) for item in _read_list(items)),
    ("dict",): _read_dict,
    ("record", "fields"): _read_record,
    ("object", "text"): lambda kind, text: Opaque(_read_str(kind), None if text is None else _read_str(text)),
}


def _write_params(params: Any) -> dict[str, Any]:
    return {name: _write_structure(value) for name, value in params.items()}


def _read_params(data: Any) -> dict[str, Any]:
    if type(data) is not dict:
        raise _expected("an object", data)
    return {name: _read_structure(value) for name, value in data.items()}


def _write_operand(operand: Any) -> Any:
    return {"node": operand["node"]} if "node" in operand else {"value": _write_structure(operand["value"])}


def _read_operand(data: Any) -> dict[str, Any]:
    if type(data) is dict and len(data) == 1:
        if "node" in data:
            return {"node": _read_str(data["node"])}
        if "value" in data:
            return {"value": _read_structure(data["value"])}
    raise _expected('{"node": id} or {"value": ...}', data)


def _optional(codec: Codec) -> Codec:
    write, read = codec
    return Codec(
        None if write is None else lambda value: None if value is None else write(value),
        lambda data: None if data is None else read(data),
    )


def _tuple_of(codec: Codec) -> Codec:
    """A tuple is a JSON list; if it holds rows, these are written one by one."""
    write, read = codec

    def read_all(data: Any) -> tuple[Any, ...]:
        items = []
        for index, item in enumerate(_read_list(data)):
            try:
                items.append(read(item))
            except Unfit as unfit:
                raise unfit.inside(f"[{index}]") from None
        return tuple(items)

    return Codec(list if write is None else lambda values: [write(value) for value in values], read_all)


#: codec by annotation, as it is written in document.py; the rows add themselves below
CODECS: dict[str, Codec] = {
    "str": Codec(None, _read_str),
    "int": Codec(None, _read_int),
    "Quantity": Codec(_write_quantity, _read_quantity),
    "Partial": Codec(_write_partial, _read_partial),
    "Structure": Codec(_write_structure, _read_structure),
    "Params": Codec(_write_params, _read_params),
    "Operand": Codec(_write_operand, _read_operand),
}


def codec_of(annotation: str) -> Codec:
    if annotation.endswith(" | None"):
        return _optional(codec_of(annotation.removesuffix(" | None")))
    if annotation.startswith(("tuple[", "Sequence[")):
        return _tuple_of(codec_of(annotation.partition("[")[2].removesuffix("]").removesuffix(", ...")))
    return CODECS[annotation]


def _row(cls: type) -> Codec:
    """The codec of a dataclass: an object with exactly its fields, less those that have their default."""
    fields = [field for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
    optional = [field for field in dataclasses.fields(cls) if field.default is not dataclasses.MISSING]
    names = [field.name for field in fields]
    codecs = {field.name: codec_of(str(field.type)) for field in dataclasses.fields(cls)}
    values_of = attrgetter(*names)
    writers = [(index, codecs[n].write) for index, n in enumerate(names) if codecs[n].write is not None]
    defaults = [(field.name, field.default) for field in optional]

    def write(row: Any) -> dict[str, Any]:
        values = list(values_of(row))
        for index, written in writers:
            values[index] = written(values[index])  # type: ignore[misc]
        data = dict(zip(names, values, strict=True))
        for name, default in defaults:
            value = getattr(row, name)
            if value is not default and (type(value) is not type(default) or value != default):
                data[name] = data_of(codecs[name], value)
        return data

    def read(data: Any) -> Any:
        if type(data) is not dict:
            raise _expected("an object", data)
        missing, extra = [n for n in names if n not in data], [n for n in data if n not in codecs]
        if missing or extra:
            raise Unfit(f"lacks {missing[0]!r}" if missing else f"has an unknown field {extra[0]!r}")
        values = {}
        for name, value in data.items():
            try:
                values[name] = codecs[name].read(value)
            except Unfit as unfit:
                raise unfit.inside(f".{name}") from None
        return cls(**values)

    return Codec(write, read)


#: codec by class of rows
ROWS: dict[type, Codec] = {}
for _class in (
    Site,
    Spread,
    Folded,
    Node,
    Edge,
    Stage,
    Cluster,
    Guard,
    Input,
    Output,
    Function,
    SourceLine,
    Annotated,
):
    ROWS[_class] = CODECS[_class.__name__] = _row(_class)
