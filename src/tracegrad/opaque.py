"""Which modules are not searched for functions of ``math``: big compiled packages, and what cannot hold any.

In: the name of a module.  Out: :func:`is_opaque`.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from tracegrad.provenance import OPAQUE
from tracegrad.stand_ins import ORIGINAL_OF, STAND_INS
from tracegrad.substitute import FUNCTIONS


def is_opaque(module: Any) -> bool:
    """Whether nothing in a module can be of interest."""
    if type(module) is not str:
        return False
    root = module.partition(".")[0]
    if root in OPAQUE or root in ("tracegrad", "builtins"):
        return True
    return root in sys.stdlib_module_names and root != "__main__" and not _holds_math(module)


@functools.lru_cache(maxsize=4096)
def _holds_math(module: str) -> bool:
    """Whether a module of the standard library has functions of ``math`` under names of its own."""
    namespace = vars(sys.modules[module]) if module in sys.modules else {}
    values = [value for value in namespace.values() if type(value) in FUNCTIONS]
    return any(value in STAND_INS or value in ORIGINAL_OF for value in values)
