"""The functions and constants of Python's ``math``, traced without any search for them.

Every call of ``math`` that tracegrad finds is traced.  Where it cannot find one, say so by name:

>>> import tracegrad as tg
>>> from tracegrad import math
>>> tg.grad(math.exp)(0.0)
1.0
"""

from __future__ import annotations

from typing import Any

from tracegrad.substitute import SHIM


def __getattr__(name: str) -> Any:
    return getattr(SHIM, name)


def __dir__() -> list[str]:
    return dir(SHIM)
