"""numpy's arrays in a trace: a node may hold one, and plain numpy code traces like scalar code.

numpy is optional: nothing here loads it.  :func:`include` is called at the start of each trace, and once the user's
code has loaded numpy it lets arrays take part.  Where to read on: ``tracer.py`` (what stands in for an array),
``table.py`` (how rows on arrays are written), ``reductions.py``, ``products.py``, ``shapes.py``, ``indexing.py``,
``linalg.py`` (the rows), ``build.py`` (arrays made of traced numbers), ``fit.py`` (broadcasting undone).
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from tracegrad.tracer import KINDS

#: modules beyond numpy that have rows, and where these are
_SCIPY = {
    "scipy.special": "scipy_special",
    "scipy.linalg": "scipy_linalg",
    "scipy.stats": "scipy_stats",
    "cmath": "complex_functions",
}
_included: set[str] = set()

#: (namespace, stand-ins by name, originals by name) of numpy's modules
PATCHES: list[tuple[Any, dict[str, Any], dict[str, Any]]] = []


def include() -> bool:
    """Let arrays take part, if numpy is loaded; whether they do."""
    if PATCHES:
        return True
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "linalg"):
        return False
    # fmt: off
    from tracegrad.arrays import (  # noqa: F401
        assigning,
        calls,
        complex_numbers,
        eigen,
        elementwise,
        fast,
        fourier,
        fresh,
        histograms,
        indexing,
        linalg,
        linear,
        numerical,
        polynomials,
        products,
        reductions,
        sets,
        shapes,
        stand_ins,
        statistics,
        steps,
        tracer,
        ufunc_methods,
    )
    # fmt: on

    arrays = (numpy.ndarray, numpy.complex64, numpy.complex128, tracer.ArrayTracer)
    KINDS.update(dict.fromkeys(arrays, tracer.ArrayTracer))
    PATCHES.extend(stand_ins.patches())
    return True


def _is_whole(module: Any) -> bool:
    """Whether a module is loaded to its end: one of scipy's says what it exports only there."""
    return module.__name__ == "cmath" or hasattr(module, "__all__")


def include_scipy() -> None:
    """Add the stand-ins of scipy's modules, once these are loaded and arrays take part."""
    if not PATCHES:
        return
    for name, rows in _SCIPY.items():
        if name in sys.modules and name not in _included and _is_whole(sys.modules[name]):
            _included.add(name)
            PATCHES.append(importlib.import_module(f"tracegrad.arrays.{rows}").patches())
