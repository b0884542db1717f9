"""Exporters: one file per format, each reading :class:`tracegrad.document.Annotated` only.

In: a document and a path.  Out: a file.  Read :func:`write` first; :func:`dump` gives what it would write.

An exporter is a module of this package with ``SUFFIXES`` and ``dump(annotated, **options) -> str | bytes``; it may have
``pieces`` too, which gives the same piece by piece, for files that are large.  To add one, write it and name it in
``MODULES``.  It is imported when its suffix is first asked for, so that saving JSON does not load Graphviz.
"""

from __future__ import annotations

import errno
import inspect
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from tracegrad.document import Annotated
from tracegrad.errors import InputError
from tracegrad.fold import VIEW_OPTIONS

#: the module of this package that writes a suffix
MODULES = {
    ".dot": "dot",
    ".graphml": "nx",
    ".gv": "dot",
    ".json": "json",
    ".md": "markdown",
    ".png": "png",
    ".py": "python",
    ".svg": "svg",
    ".txt": "text",
}


#: the suffixes of pictures, which are folded until a person can read them
PICTURES = frozenset({".dot", ".gv", ".png", ".svg"})

#: the suffix of what is written from all operations, whatever the level, which is an option of the format
WHOLE = frozenset({".md", ".py"})


class Exporter(Protocol):
    """What an exporter's module offers."""

    SUFFIXES: tuple[str, ...]

    @staticmethod
    def dump(annotated: Annotated, **options: Any) -> str | bytes:
        """The whole file."""


def exporter(suffix: str) -> Exporter:
    """The exporter of a suffix.

    >>> exporter(".json").SUFFIXES
    ('.json',)
    >>> exporter(".xls")
    Traceback (most recent call last):
    tracegrad.errors.InputError: no exporter writes '.xls'; there are .dot, .graphml, .gv, ...
    """
    try:
        name = MODULES[suffix.lower()]
    except KeyError:
        what = f"{suffix!r}" if suffix else "a file without a suffix"
        raise InputError(f"no exporter writes {what}; there are {', '.join(sorted(MODULES))}") from None
    module: Any = import_module(f"{__name__}.{name}")
    return module  # type: ignore[no-any-return]


def dump(annotated: Annotated, suffix: str, **options: Any) -> str | bytes:
    """The document in the format of a suffix: text, or bytes for a binary format.

    ``options`` are those of the format, for instance ``indent`` for ``.json``.
    """
    found = exporter(suffix).dump
    check_options(found, suffix, options)
    return found(annotated, **options)


def write(annotated: Annotated, path: str | os.PathLike[str], **options: Any) -> Path:
    """Write a document to a file in the format of its suffix, and return the path.

    The file is written whole or not at all: after an error an existing file is what it was.  It keeps its
    permissions, and a symbolic link keeps pointing at it.  Text is UTF-8 with ``\\n`` line ends on all
    systems.  ``options`` are those of the format.  Directories are not created.

    >>> import tempfile
    >>> import tracegrad as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(tg.trace(lambda x: x * x, 3.0).document, f"{folder}/square.json")
    ...     tg.load(path).value
    9.0
    """
    path = Path(path)
    found = exporter(path.suffix)  # an unknown format is the first thing to say
    target = _target(path)
    check_options(found.dump, path.suffix, options)
    pieces = getattr(found, "pieces", None)
    _replace(target, [found.dump(annotated, **options)] if pieces is None else pieces(annotated, **options))
    return path


def put(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Give a file this content as :func:`write` does: whole or not at all."""
    _replace(_target(Path(path)), [content])
    return Path(path)


def _target(path: Path) -> Path:
    """The file that a path means; refused where none can be."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"cannot write {path}: it is a directory")
    if not target.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no directory {path.parent}; create it first")
    return target


def check_options(function: Any, suffix: str, options: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` for an option that a function does not take; it names those there are."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters]
    for name in options:
        if name not in known:
            own = f"it has {', '.join(known) or 'none'}"
            raise InputError(
                f"{suffix} has no option {name!r}; {own}, and a trace takes for each format: "
                f"level, {', '.join(VIEW_OPTIONS)}"
            )


def _replace(target: Path, pieces: Iterable[str | bytes]) -> None:
    """Give ``target`` this content in one step."""
    content = (piece.encode("utf-8") if isinstance(piece, str) else piece for piece in pieces)
    exists = target.exists()
    if exists and not target.is_file():  # a pipe or a device is written to, not replaced
        target.write_bytes(b"".join(content))
        return
    if exists and not os.access(target, os.W_OK):  # replacing would not ask the file
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    draft = target.parent / f".tracegrad-{secrets.token_hex(8)}.tmp"
    try:
        with draft.open("xb") as file:
            file.writelines(content)
        if exists:
            shutil.copymode(target, draft)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
