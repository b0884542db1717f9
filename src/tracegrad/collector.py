"""The garbage collector paused: a trace and its rows are many new objects and no garbage.

In: nothing.  Out: :class:`collector_paused`, a context; looking through a million new objects again and again would
take longer than making them.
"""

from __future__ import annotations

import gc


class collector_paused:
    """A context in which the collector does not run; contexts may nest, and be open in several threads."""

    __slots__ = ("_enabled",)

    def __enter__(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._enabled:
            gc.enable()
