"""JSON: the document itself, written so that it reads back equal.

In: an :class:`~tracegrad.document.Annotated`.  Out: text, and from text an equal ``Annotated``.  Read
:func:`to_json` and :func:`from_json`; :mod:`tracegrad.export.codecs` has how each type of field is written and read.

Decisions:

- *The rows are the format.*  Fields are written in the order of the dataclasses and read by their
  annotations, so there is no second list of fields to keep (``schema.json`` says the same to other
  programs; a test compares them).
- *One row, one line* by default: a document can be read, searched and compared by line, and costs no more
  than a single long line.
- *Reading only builds rows.*  Nothing of a document is run, imported or looked up; what does not fit is a
  :class:`DocumentError` that says where.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tracegrad.document import FORMAT, VERSION, Annotated
from tracegrad.errors import DocumentError
from tracegrad.export.codecs import ROWS, Codec, Unfit, codec_of, data_of
from tracegrad.export.row_text import json_text, writer_of
from tracegrad.laws import lint
from tracegrad.lazy import LazyRows
from tracegrad.progress import track

SUFFIXES = (".json",)

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(annotated: Annotated, *, indent: int | None = None) -> str:
    """The document as JSON text; the same document gives the same bytes.

    By default each row (a node, an edge ...) is one line.  ``indent`` spreads the text over more lines, as
    the standard library's ``json.dumps`` does.

    >>> import tracegrad as tg
    >>> document = tg.trace(lambda x: x * x, 3.0).document
    >>> from_json(to_json(document)) == document
    True
    """
    return "".join(pieces(annotated, indent=indent))


def pieces(annotated: Annotated, *, indent: int | None = None) -> Iterator[str]:
    """The same text piece by piece, so that a large document need not be held twice."""
    if indent is not None:
        yield _escaped(json_text(json_data(annotated), indent)) + "\n"
        return
    before = "{\n"
    for name, codec, value in _fields(annotated):
        yield f'{before} "{name}": '
        yield from map(_escaped, _lines(value, codec))
        before = ",\n"
    yield "\n}\n"


def _escaped(text: str) -> str:
    """The text with lone surrogates, which no file can hold, written as JSON escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text


#: what :func:`tracegrad.export.write` puts into a file of one of the ``SUFFIXES``
dump = to_json


def from_json(text: str | bytes) -> Annotated:
    """The document in a JSON text, equal to the one that was written.

    Raises :class:`DocumentError` if the text is no JSON, no tracegrad document, or one whose rows do not
    fit together.

    >>> from_json('{"format": "tracegrad", "version": 1}')
    Traceback (most recent call last):
    tracegrad.errors.DocumentError: the document lacks 'function'
    """
    return _annotated(text)


def load(path: str | os.PathLike[str]) -> Annotated:
    """The document in a JSON file; an error names the file.

    >>> load("pyproject.toml")
    Traceback (most recent call last):
    tracegrad.errors.DocumentError: pyproject.toml: not JSON: Expecting value, line 1 column 2
    """
    try:
        return _annotated(Path(path).read_bytes())
    except DocumentError as error:
        raise DocumentError(f"{os.fspath(path)}: {error}") from None


def _fields(annotated: Annotated) -> Iterator[tuple[str, Codec, Any]]:
    for field in dataclasses.fields(annotated):
        if field.default is dataclasses.MISSING or getattr(annotated, field.name) != field.default:
            yield field.name, codec_of(str(field.type)), getattr(annotated, field.name)


#: rows that are written at once
_BATCH = 1000


def _lines(value: Any, codec: Codec) -> Iterator[str]:
    """A field of the document, one row a line, in pieces."""
    if not isinstance(value, (tuple, LazyRows)) or not value or type(value[0]) not in ROWS:
        yield json_text(data_of(codec, value))
        return
    kind = type(value[0])
    rows = value.passing() if isinstance(value, LazyRows) else iter(value)
    texts = map(writer_of(kind), track(rows, f"{kind.__name__.lower()}s", len(value)))
    before = "[\n  "
    while batch := list(islice(texts, _BATCH)):
        yield before + ",\n  ".join(batch)
        before = ",\n  "
    yield "\n ]"


def json_data(row: Any) -> dict[str, Any]:
    """A row as it stands in the document: data for ``json.dumps``."""
    codec = ROWS[Annotated if isinstance(row, Annotated) else type(row)]
    data: dict[str, Any] = data_of(codec, row)
    return data


def _annotated(text: str | bytes) -> Annotated:
    loaded = _parsed(text)
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise DocumentError('not a tracegrad document: it is no object with "format": "tracegrad"')
    if loaded.get("version") != VERSION:
        raise DocumentError(
            f"the document has version {loaded.get('version')!r}; this tracegrad reads version {VERSION}"
        )
    try:
        annotated: Annotated = ROWS[Annotated].read(loaded)
    except Unfit as unfit:
        raise DocumentError(unfit.message()) from None
    except RecursionError:
        raise DocumentError("the document nests too deeply") from None
    lint(annotated)
    return annotated


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(
            text if isinstance(text, str) else text.decode("utf-8-sig"), parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"not JSON: no UTF-8 text ({error.reason} at byte {error.start})") from None
    except RecursionError:
        raise DocumentError("the document nests too deeply") from None
    except DocumentError:
        raise
    except ValueError as error:  # an int of more digits than Python converts
        raise DocumentError(f"not a tracegrad document: {error}") from None


def _refuse_constant(name: str) -> None:
    raise DocumentError(f'not JSON: a bare {name}; a document writes "{name}"')
