"""Every way to show a computation, for those who have one: a trace, and a document back from a file.

In: what has a document and gives it at each level (:meth:`Views.at`).  Out: its exports.  Read :class:`Views`;
:class:`Document` is an :class:`~tracegrad.document.Annotated` that has them, and :func:`load` reads one.
"""

from __future__ import annotations

import os
import tempfile
import webbrowser
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from tracegrad import export
from tracegrad.diagnose import Finding, diagnose
from tracegrad.document import Annotated
from tracegrad.errors import InputError, TracegradError
from tracegrad.export import json
from tracegrad.fold import READABLE, VIEW_OPTIONS, check_view, fold
from tracegrad.fold.part import part
from tracegrad.progress import announced, progress_shown
from tracegrad.replay import replay


class Views(ABC):
    """The exports of a computation."""

    __slots__ = ()

    @property
    @abstractmethod
    def document(self) -> Document:
        """The document of all operations."""

    @abstractmethod
    def at(
        self,
        level: str = "auto",
        *,
        depth: int = 0,
        expand: Collection[str] = (),
        progress: bool | None = None,
        **filters: Any,
    ) -> Document:
        """The document at a level, or a part of it."""

    def to_json(self, **options: Any) -> str:
        """The document as JSON text; ``indent``, and the options of :meth:`at`."""
        return str(self._export(".json", options))

    def to_dot(self, **options: Any) -> str:
        """The picture as text for Graphviz; ``float_format=".4g"``, ``frames=True``, and the options of :meth:`at`."""
        return str(self._export(".dot", options))

    def to_svg(self, **options: Any) -> str:
        """The picture as SVG.

        ``float_format=".4g"``, ``frames=True`` (boxes around statements and calls), ``max_nodes=5000``,
        ``engine="wasm"``, ``timeout=60.0`` in seconds, and the options of :meth:`at`.
        """
        return str(self._export(".svg", options))

    def to_png(self, **options: Any) -> bytes:
        """The picture as PNG; ``scale=2.0``, and the options of :meth:`to_svg`."""
        return bytes(self._export(".png", options))  # type: ignore[arg-type]

    def to_text(self, **options: Any) -> str:
        """The table of stages, values and gradients.

        ``float_format=".6g"``, ``backward=True`` for the steps of the backward pass below it, ``width=80`` to cut long
        statements, and the options of :meth:`at`.
        """
        return str(self._export(".txt", options))

    def to_python(self, **options: Any) -> str:
        """The function and its backward pass as a module of plain statements; see :mod:`tracegrad.export.python`.

        ``level="stage"`` has one statement for each of the user's, ``level="op"`` one for each operation;
        ``limit=2000`` operations at most are written out.

        >>> import tracegrad as tg
        >>> print(tg.trace(lambda x: x * x, 3.0).to_python().partition("def f_backward")[2])
        (x):
            \"""The value of f and its gradients, by the chain rule from the last statement to the first.\"""
            value = x * x  # (1)
        <BLANKLINE>
            # backprop x * x  (1)
            dx = x + x
            return value, {"x": dx}
        <BLANKLINE>
        """
        return str(self._export(".py", options))

    def to_markdown(self, **options: Any) -> str:
        """Each step of the computation and of the way back as an equation with its numbers filled in;
        ``level="stage"`` or ``"op"`` as in :meth:`to_python`, ``float_format=".4g"``, ``limit=500`` operations.
        """
        return str(self._export(".md", options))

    def to_networkx(self, **options: Any) -> Any:
        """The graph as a :class:`networkx.MultiDiGraph`; ``flat=True``, and the options of :meth:`at`."""
        from tracegrad.export.nx import to_networkx

        view = self._view("", options)
        export.check_options(to_networkx, "networkx", options)
        return to_networkx(view, **options)

    def _export(self, suffix: str, options: dict[str, Any]) -> str | bytes:
        with progress_shown(options.get("progress")):
            view = self._view(suffix, options)
            with announced(_activity(suffix)):
                return export.dump(view, suffix, **options)

    def _view(self, suffix: str, options: dict[str, Any]) -> Document:
        """The document at the level and of the part that are asked for; their options are taken out.

        A picture is folded until it can be read, other files hold every operation.  Of more statements than that the
        largest gradients are shown, unless the caller says what he wants to see.
        """
        own = self.document.level
        if suffix.lower() in export.WHOLE and options.get("level") in ("stage", "op"):
            return self.document
        usual = "auto" if own == "op" and suffix.lower() in export.PICTURES else own
        by_itself = usual == "auto" and {"level", "max_nodes", *VIEW_OPTIONS}.isdisjoint(options)
        level = options.pop("level", usual)
        view = self.at(level, **{name: options.pop(name) for name in VIEW_OPTIONS if name in options})
        if by_itself and len(view.nodes) > READABLE:
            return Document.of(part(view, top=READABLE))
        return view

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file in the format of its suffix: .svg, .png, .dot, .json ...; whole or not at all.

        ``options`` are those of :meth:`at`, ``level`` first, and those of the format, which :meth:`to_svg`,
        :meth:`to_json` and so on tell; another one is an :class:`InputError` that names them.
        """
        suffix = Path(path).suffix
        export.exporter(suffix)  # an unknown format is the first thing to say
        with progress_shown(options.get("progress")):
            view = self._view(suffix, options)
            with announced(_activity(suffix)):
                return export.write(view, path, **options)

    def annotate_source(self, path: str | Path | None = None, *, color: bool | None = None) -> None:
        """Print the function's source with value and gradient beside each line, or write it as a page (.html).

        In a terminal it is highlighted and fitted to the width by rich, where that is installed, without colours if
        ``NO_COLOR`` is set; elsewhere it is plain text.  ``color=True`` asks for colours anywhere, ``color=False`` for
        plain text.

        >>> import tracegrad as tg
        >>> def f(x):
        ...     y = x * x
        ...     return y + x
        >>> tg.trace(f, 3.0).annotate_source()      # doctest: +ELLIPSIS
        f(x) = 12
        ...
            2      y = x * x         9         1  ████████
            3      return y + x     12         1  ████████
        """
        from tracegrad.export.source_view import source_html
        from tracegrad.export.terminal import print_source

        if path is not None:
            if Path(path).suffix.lower() not in (".html", ".htm"):
                raise InputError(
                    f"the source view is a page: write {Path(path).with_suffix('.html')}, not {path}"
                )
            export.put(path, source_html(self.document))
            return
        print_source(self.document, color)

    def diagnose(self) -> list[Finding]:
        """What is worth knowing where gradients are not what was hoped for: see :mod:`tracegrad.diagnose`.

        >>> import tracegrad as tg
        >>> [finding.words for finding in tg.trace(lambda x: abs(x), 0.0).diagnose()]
        ['at a kink or a step of |x|; the convention: 0 at 0']
        """
        return diagnose(self.document)

    def show(self) -> None:
        """Open the picture in the browser."""
        folder = Path(tempfile.mkdtemp(prefix="tracegrad-"))
        webbrowser.open(self.save(folder / "trace.svg").as_uri())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture, where one can be drawn, and the table."""
        bundle = {"text/plain": str(self)}
        with suppress(TracegradError):  # a graph too large to draw still has its table
            bundle["image/svg+xml"] = self.to_svg(timeout=10.0)
        return bundle

    def __str__(self) -> str:
        return self.to_text()


class Document(Annotated, Views):
    """An :class:`~tracegrad.document.Annotated` that can be drawn, exported and folded as a trace can.

    >>> import tempfile
    >>> import tracegrad as tg
    >>> def f(x):
    ...     y = x * x
    ...     return y + x
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tg.trace(f, 3.0).save(f"{folder}/f.json")
    ...     document = tg.load(path)
    >>> document
    <Document of f at level 'op': 3 nodes, 4 edges>
    >>> document == tg.trace(f, 3.0).document
    True
    >>> print(document)
    f(x) = 12
    <BLANKLINE>
    stage   value  gradient  statement
    ──────  ─────  ────────  ────────────
    x       3      7         input
    y       9      1         y = x * x
    return  12     1         return y + x
    """

    @classmethod
    def of(cls, annotated: Annotated) -> Document:
        """The same rows, with what can be done with them."""
        return cls(**{field.name: getattr(annotated, field.name) for field in fields(annotated)})

    @property
    def document(self) -> Document:
        return self

    def at(
        self,
        level: str = "auto",
        *,
        depth: int = 0,
        expand: Collection[str] = (),
        progress: bool | None = None,
        **filters: Any,
    ) -> Document:
        """The document at a level, or a part of it: as :meth:`tracegrad.Trace.at`, from level ``op`` only."""
        check_view(filters)
        with progress_shown(progress):
            shown = fold(self, level, depth=depth, expand=expand)
        return Document.of(part(shown, **filters) if filters else shown)

    def replay(self, inputs: Mapping[str, Any] | None = None, /, **named: Any) -> Any:
        """The result on other inputs, by their names, through the recorded operations: no need of the function.

        What is not given stays as it was.  Guards are checked; :class:`GuardFailed` says where other inputs would take
        another path.  ``inputs`` is for names that are no identifiers (``w[0]``).  See :mod:`tracegrad.replay`.

        >>> import tracegrad as tg
        >>> document = tg.trace(lambda w, x: w[0] * x + w[1], [2.0, 1.0], 3.0).document
        >>> document.value, document.replay(x=5.0), document.replay({"w[0]": 0.0})
        (7.0, 11.0, 1.0)
        """
        return replay(self, {**(inputs or {}), **named})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Annotated):
            return NotImplemented
        return _rows_of(self) == _rows_of(other)

    def __hash__(self) -> int:
        return hash(_rows_of(self))


def _activity(suffix: str) -> str:
    """What is done when a file of this suffix is made."""
    return "drawing" if suffix.lower() in export.PICTURES else "writing"


def _rows_of(annotated: Annotated) -> tuple[Any, ...]:
    return tuple(getattr(annotated, field.name) for field in fields(annotated))


def load(path: str | os.PathLike[str]) -> Document:
    """The document in a JSON file; an error names the file.

    >>> load("pyproject.toml")
    Traceback (most recent call last):
    tracegrad.errors.DocumentError: pyproject.toml: not JSON: Expecting value, line 1 column 2
    """
    return Document.of(json.load(path))
