"""What functions, closures, lists and classes hold.

In: a holder, and which of its places.  Out: what is there now; :data:`~tracegrad.substitute.MISSING` if nothing is.
"""

from __future__ import annotations

import types
from typing import Any

from tracegrad.substitute import MISSING, get_slot, slots_of


def slot_values(value: Any) -> list[Any]:
    return [get_slot(slot, value) for slot in slots_of(type(value))]


def parts(function: types.FunctionType) -> list[Any]:
    """What a function is made of, as far as it can be exchanged."""
    cells = map(get_cell, function.__closure__ or ())
    return [function.__code__, function.__defaults__, function.__kwdefaults__, *cells]


def filled(closure: tuple[types.CellType, ...]) -> list[types.CellType]:
    """The cells of a closure that have contents."""
    return [cell for cell in closure if get_cell(cell) is not MISSING]


def get_cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def put_cell(cell: types.CellType, value: Any) -> None:
    cell.cell_contents = value


def get_item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else MISSING


def get_attribute(cls: type, name: str) -> Any:
    return vars(cls).get(name, MISSING)
