"""What a primitive is: one row of the table, and the door through which it is applied.

In: nothing.  Out: :class:`Primitive`, :func:`bind`, and the few functions with which the files in ``rows``
enter their rows into :data:`TABLE`.  Read :class:`Primitive` first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: d(out)/d(operand): a function of (m, out, *args), or a number where the local gradient is constant
Rule = Callable[..., Any] | float

Forward = Callable[..., Any]

Interval = tuple[float, float]


class _Operand:
    """Stands for a number to see whether a rule hands it on as it is; anything else one does with it fails."""

    def _refuse(self, *_: Any) -> Any:
        raise TypeError

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _refuse
    __hash__ = object.__hash__


#: what a rule is when it just hands on the result, or an operand
OUT, FIRST, SECOND = _Operand(), _Operand(), _Operand()


def shortcut(rule: Rule, slots: int, operand: Any) -> Any:
    """The rule, or ``operand`` if that is all it hands on: ``FIRST`` for d(x*y)/dy.

    >>> shortcut(lambda m, out, x, y: x, 2, FIRST) is FIRST
    True
    """
    if isinstance(rule, float):
        return rule
    try:
        return operand if rule(None, *(OUT, FIRST, SECOND)[: slots + 1]) is operand else rule
    except (TypeError, AttributeError):
        return rule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Primitive:
    """One row of the table.

    ``forward``   the operation on plain numbers, the very callable of the plain function
    ``rules``     one :data:`Rule` per operand slot; for ``variadic`` rows a single function of
                  (m, out, *args) that gives all local gradients at once; none for a step
    ``symbol``    what the gate shows; ``{n}`` is filled in from the static data
    ``python``, ``c``, ``numpy``   the spelling in source (see :mod:`tracegrad.spelling`); empty where the
                  language has none
    ``domain``    one interval per slot in which the row is smooth (sampled by the tests)
    ``kink``      where it is not smooth, and which value the derivative takes there
    ``params``    names of trailing operands that are static data and never traced
    ``step``      piecewise constant with a whole or truth value: gives a plain result, and a guard records it
    ``vjps``      for rows on arrays whose derivative is a linear map and no number: what returns along each slot, a
                  function of (upstream, out, *args); for ``variadic`` rows one function that gives a list of all
    ``maps``      what the edge of each slot shows then: the name of the map
    ``complex``   whether its derivative holds for complex operands too (see :mod:`tracegrad.arrays.complexes`)
    """

    name: str
    forward: Forward
    rules: tuple[Rule, ...] | Callable[..., Sequence[Any]] = ()
    symbol: str
    python: str
    c: str
    numpy: str
    domain: tuple[Interval, ...] = ()
    kink: str = ""
    params: tuple[str, ...] = ()
    variadic: bool = False
    step: bool = False
    vjps: tuple[Callable[..., Any], ...] | Callable[..., Sequence[Any]] | None = None
    maps: tuple[str, ...] = ()
    complex: bool = False
    #: the rules of the first two slots as :func:`shortcut` gives them, for the loop that has no time
    first: Any = field(init=False, default=None)
    second: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        if isinstance(self.rules, tuple):
            slots = len(self.rules) + len(self.params)
            operands = {"first": OUT if slots == 1 else SECOND, "second": FIRST}
            for (name, operand), rule in zip(operands.items(), self.rules, strict=False):
                object.__setattr__(self, name, shortcut(rule, slots, operand))

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def bind(row: Primitive, *args: Any) -> Any:
    """Apply a primitive: on plain numbers its ``forward``, else as the first such argument's class decides.

    A class takes part by having a method ``_tracegrad_bind_(row, args)``.

    >>> from tracegrad.primitives import TABLE
    >>> bind(TABLE["mul"], 3, -4.0)
    -12.0
    """
    for arg in args:
        recorder = getattr(type(arg), "_tracegrad_bind_", None)
        if recorder is not None:
            return recorder(arg, row, args)
    return row.forward(*args)


def records(value: Any) -> bool:
    """Whether a value takes part in :func:`bind`, so that it is no plain number or array."""
    return hasattr(type(value), "_tracegrad_bind_")


# ---- how rows are written ---------------------------------------------------------------------------

#: every row by its name, in the order of the files in ``rows``
TABLE: dict[str, Primitive] = {}

REAL: Interval = (-20.0, 20.0)
POSITIVE: Interval = (1e-3, 20.0)
UNIT: Interval = (-0.99, 0.99)
#: two numbers whose quotient stays off the whole ones and the halves
OFF_STEPS: tuple[Interval, Interval] = ((3.7, 4.1), (1.7, 1.8))


def row(name: str, forward: Forward, *rules: Rule, **columns: Any) -> Primitive:
    """A row; it is spelled as the function ``name``, except where ``columns`` say otherwise."""
    return _enter(name, forward, rules, columns)


def operator_row(name: str, spelling: str, forward: Forward, *rules: Rule, **columns: Any) -> Primitive:
    """A row that is spelled alike in all languages, except where ``columns`` say otherwise."""
    spellings = {"python": spelling, "c": spelling, "numpy": spelling}
    return _enter(name, forward, rules, spellings | columns)


def math_row(name: str, *rules: Rule, **columns: Any) -> None:
    """A row for a function of the ``math`` module, where this Python has it."""
    if hasattr(math, name):
        _enter(name, getattr(math, name), rules, columns)


def gate_row(name: str, forward: Forward, rules: Callable[..., Sequence[Any]], **columns: Any) -> Primitive:
    """A row with any number of operands; ``rules`` gives all the local gradients at once."""
    return _enter(name, forward, rules, {"variadic": True} | columns)


def step_row(name: str, forward: Forward | None = None, **columns: Any) -> None:
    """A row with a whole or truth value, by default a function of ``math`` where this Python has it."""
    if forward is not None or hasattr(math, name):
        _enter(name, forward or getattr(math, name), (), {"step": True} | columns)


def _enter(name: str, forward: Forward, rules: Any, columns: dict[str, Any]) -> Primitive:
    spellings = {
        "python": f"math.{name}({{args}})",
        "c": f"{name}({{args}})",
        "numpy": f"np.{name}({{args}})",
    }
    columns = {"symbol": name} | spellings | columns
    entry = TABLE[name] = Primitive(name=name, forward=forward, rules=rules, **columns)
    return entry
