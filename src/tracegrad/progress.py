"""Progress bars for what takes longer than a second: a million operations are gone through several times.

In: something to go through.  Out: the same (:func:`track`), with a bar by ``tqdm`` on the terminal while it lasts.
Without :func:`progress_shown` around, and for less than some hundred thousand turns, there is never a bar.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tracegrad.errors import MissingExtra

T = TypeVar("T")

#: turns from which on a bar may be worth its while
MANY = 100_000
#: seconds that pass without one, and between two looks of it
_PATIENCE = 1.0
_INTERVAL = 0.1

#: when the work began that has bars, ``None`` where it has none
_SINCE: ContextVar[float | None] = ContextVar("tracegrad progress", default=None)


@contextmanager
def progress_shown(shown: bool | None = None) -> Iterator[None]:
    """Show bars for what is done inside; by default if somebody sees them and ``tqdm`` is installed."""
    wanted = _can_show() if shown is None else shown
    if shown and not _installed():
        raise MissingExtra("pip install tqdm")
    began = _SINCE.get() or time.monotonic()  # this may be a part of longer work
    token = _SINCE.set(began if wanted else None)
    try:
        yield
    finally:
        _SINCE.reset(token)


def track(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """Go through the items, under a bar if bars are shown and the work has taken a while."""
    since = _SINCE.get()
    if since is None or total < MANY:
        return items
    from tqdm import tqdm

    delay = max(1e-9, since + _PATIENCE - time.monotonic())
    bar: Iterable[T] = tqdm(
        items, what, total, leave=False, file=sys.stderr, delay=delay, mininterval=_INTERVAL, unit_scale=True
    )
    return bar


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Say what is going on meanwhile, where bars are shown and the work has taken a while; it has no turns to count."""
    since = _SINCE.get()
    if since is None or time.monotonic() - since < _PATIENCE:
        yield
        return
    from tqdm import tqdm

    with tqdm(desc=what, total=1, leave=False, file=sys.stderr, bar_format="{desc} …"):
        yield


def _can_show() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and _installed()


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("tqdm") is not None
