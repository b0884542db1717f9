"""Finding every place from which a function can reach ``math``: globals, closures, defaults, containers, classes.

In: functions, classes, objects.  Out: :class:`Plan` s: the bindings to swap while a trace is open, and what the search
relied on, so that the next trace can tell in a microsecond whether a plan still holds.  Read :func:`plans_of` first.

The search follows the names that the code uses.  It enters the user's modules and, of the standard library, those
which hold functions of ``math`` under names of their own; it stays out of big compiled packages.  What the *code* of a
root reaches is remembered, and with it what the containers, objects and functions on the way held then; what its own
closure, defaults and attributes hold is looked at anew for each trace, so that nothing of them is kept alive.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import functools
import inspect
import math
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

from tracegrad.class_stand_ins import (
    BUILD_CLASS,
    CLASSES,
    Complex,
    Float,
    build_class,
    decimal_original,
    decimal_stand_in,
)
from tracegrad.codes import NAMED_CLASSES, compared_classes, derives_class, modules_imported, names_of_code
from tracegrad.held import filled, get_attribute, get_cell, get_item, parts, put_cell, slot_values
from tracegrad.library_stand_ins import library_bindings
from tracegrad.opaque import is_opaque
from tracegrad.plans import Binding, Contents, Plan
from tracegrad.provenance import OPAQUE, in_package
from tracegrad.stand_ins import BUILTINS, ORIGINAL_OF, STAND_INS
from tracegrad.substitute import (
    DATA,
    FUNCTIONS,
    HEAP_TYPE,
    LARGEST_CONTAINER,
    MISSING,
    PLAIN,
    SHIM,
    get_slot,
    is_namedtuple,
    slots_of,
    substitute,
)
from tracegrad.tracer import isinstance_tracer

#: names whose users look others up by text, or find what is nowhere named
_BY_TEXT = frozenset(
    {"eval", "exec", "globals", "getattr", "vars", "__subclasses__", "import_module", "methodcaller"}
)
#: names by which code reaches what it does not name
_BEYOND = _BY_TEXT | {"__import__"}
_REPLACED_IN_CLASSES = (staticmethod, functools.partial, functools._lru_cache_wrapper)
_ANNOTATIONS = frozenset({"__annotate_func__", "__annotations__", "__annotations_cache__"})
_IMMUTABLE_TYPE = 1 << 8
#: what Python itself puts into classes
_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType)
_CLASS_STATEMENT = Binding(
    functools.partial(vars(builtins).get, "__build_class__"),
    functools.partial(vars(builtins).__setitem__, "__build_class__"),
    BUILD_CLASS,
    build_class,
)


def plans_of(roots: list[Any]) -> list[Plan]:
    """Everything that functions, classes and objects can reach."""
    if len(roots) == 1 and _is_simple(roots[0]):
        _settle_annotations(roots[0])
        return [plan_of_code(roots[0])]
    scanner = Scanner(remember=True)
    scanner.visit(roots)
    return [*scanner.plans, scanner.plan]


def _is_simple(root: Any) -> bool:
    """Whether this is a function of the user that holds nothing but its code and plain data."""
    if type(root) is not types.FunctionType or root.__defaults__ or root.__kwdefaults__ or root.__dict__:
        return False
    for cell in root.__closure__ or ():
        value = get_cell(cell)
        if type(value) not in PLAIN and (value is not math or "numba" in sys.modules):
            return False
    return not in_package(root.__code__) and not is_opaque(root.__module__)


#: code object (by identity, and kept) -> the namespace it runs in and what it reaches there
_REMEMBERED: dict[int, tuple[types.CodeType, dict[str, Any], Plan]] = {}

#: (module by identity, and kept; names) -> what these names of the module reach
_REMEMBERED_MODULES: dict[tuple[int, frozenset[str]], tuple[types.ModuleType, Plan]] = {}


def plan_of_code(function: types.FunctionType) -> Plan:
    """What the code of a function reaches through its global names."""
    code, namespace = function.__code__, function.__globals__
    known = _REMEMBERED.get(id(code))
    if known is not None and known[1] is namespace and known[2].holds():
        return known[2]
    scanner = Scanner(remember=False)
    scanner.code(code, namespace)
    scanner.visit([])
    _REMEMBERED[id(code)] = (code, namespace, scanner.plan)
    return scanner.plan


def plan_of_module(module: types.ModuleType, names: frozenset[str]) -> Plan:
    """What some names of a module reach."""
    known = _REMEMBERED_MODULES.get((id(module), names))
    if known is not None and known[1].holds():
        return known[1]
    scanner = Scanner(remember=False)
    scanner.module(module, None, "", names)
    scanner.visit([])
    _REMEMBERED_MODULES[id(module), names] = (module, scanner.plan)
    return scanner.plan


class Scanner:
    """One search; ``seen`` breaks the circles of references.

    With ``remember``, the plans of the codes met are taken from memory and listed apart, in ``plans``.
    """

    def __init__(self, *, remember: bool) -> None:
        self.remember = remember
        self.plan = Plan()
        self.plans: list[Plan] = []
        self.seen: set[int] = set()
        self.seen_names: set[tuple[int, str]] = set()
        self.seen_modules: set[tuple[int, frozenset[str]]] = set()
        self.kept: list[Any] = []
        self.substitutes: dict[int, Any] = {}
        self.in_classes: dict[Any, Any] = {}
        self.todo: list[Any] = []

    def visit(self, roots: list[Any]) -> None:
        """Search from some roots; depth is data, never Python's stack."""
        self.todo += roots
        while self.todo:
            value = self.todo.pop()
            kind = type(value)
            if kind in PLAIN or id(value) in self.seen or isinstance_tracer(value):
                continue
            self.seen.add(id(value))
            self.kept.append(value)
            self._visit_one(value, kind)

    def _visit_one(self, value: Any, kind: type) -> None:
        if kind is types.FunctionType:
            self._function(value)
        elif kind is types.MethodType:
            self.todo += [value.__func__, value.__self__]
        elif kind in (staticmethod, classmethod):
            self.todo.append(value.__func__)
        elif kind is property:
            self.todo += [f for f in (value.fget, value.fset) if f is not None]
        elif kind is functools.partial:
            self.todo += [value.func, *value.args, *value.keywords.values()]
        elif kind is functools.cached_property:
            self.todo.append(value.func)
        elif kind in (tuple, list, collections.deque) or is_namedtuple(kind):
            self._sequence(value)
        elif kind in (set, frozenset) and len(value) <= LARGEST_CONTAINER:
            self.todo += value
        elif kind in FUNCTIONS and value in STAND_INS and value.__module__ in ("math", "builtins"):
            return  # compiled, and known
        elif kind is types.MappingProxyType:
            self.todo += value.values()
        elif issubclass(kind, dict):
            self._dictionary(value)
        elif isinstance(value, type):
            self._class(value)
        elif kind is types.ModuleType:
            self._module_by_itself(value, frozenset(vars(value)))
        else:
            known = kind in _DESCRIPTORS or (kind.__flags__ & HEAP_TYPE and not is_opaque(kind.__module__))
            self.plan.arrays |= not known
            self._object(value, kind)

    # ---- functions

    def _function(self, function: types.FunctionType) -> None:
        cells = [] if function.__closure__ is None else filled(function.__closure__)
        if function in ORIGINAL_OF or in_package(function.__code__):
            self.plan.arrays = True
            self.todo += [cell.cell_contents for cell in cells]
            return
        _settle_annotations(function)
        self._dictionary(vars(function))
        for cell in cells:
            value = cell.cell_contents
            if type(value) is types.ModuleType and value is not math:
                self._module_by_itself(value, names_of_code(function.__code__))
            else:
                self._place(value, functools.partial(get_cell, cell), functools.partial(put_cell, cell))
        if is_opaque(function.__globals__.get("__name__")):
            self.plan.arrays = True
            self.plan.bindings += library_bindings(frozenset({function.__name__}))
            return
        self._defaults(function)
        if self.remember:
            if not any(id(function.__code__) in plan.codes for plan in self.plans):
                self.plans.append(plan_of_code(function))
        else:
            self._watch(functools.partial(parts, function))
            self.code(function.__code__, function.__globals__)

    def code(self, code: types.CodeType, namespace: dict[str, Any]) -> None:
        """The global names that code uses; every one there is, where it may look them up by text."""
        self.plan.codes[id(code)] = code
        names = names_of_code(code)
        if "__class__" in names and not names.isdisjoint(CLASSES):
            self.plan.bare |= {(id(namespace), name) for name in compared_classes(code)}
        if derives_class(code):
            self.plan.bindings.append(_CLASS_STATEMENT)
        self.plan.bindings += library_bindings(names)
        self.plan.arrays |= not names.isdisjoint(_BEYOND)
        for name in names:
            self._name(namespace, name, names)
        for name in modules_imported(code, namespace):
            self._imported(name, names)
        if not names.isdisjoint(_BY_TEXT):
            for name in [name for name, value in namespace.items() if type(value) in FUNCTIONS]:
                self._name(namespace, name, names)

    def _name(self, namespace: dict[str, Any], name: str, names: frozenset[str]) -> None:
        """A global name that some code uses: of the module, a builtin, or that of a module to be imported."""
        value = namespace.get(name, MISSING)
        kind = type(value)
        first = (id(namespace), name) not in self.seen_names
        self.seen_names.add((id(namespace), name))
        if kind is types.ModuleType:
            if first:
                self._module_name(namespace, name, value)
            self.module(value, namespace, name, names)
            return
        if not first:
            return
        if value is None:
            self.plan.lookups.append((namespace, name, None))
        if kind in PLAIN:
            return
        if value is MISSING or value is BUILTINS.get(name):
            self._absent(namespace, name, names)
        elif _original(value, kind) is not value:
            self.plan.names.append((namespace, name, _original(value, kind), value))
        else:
            new = substitute(value)
            if new is not value:
                self.plan.names.append((namespace, name, value, new))
            else:
                self.plan.lookups.append((namespace, name, value))
            self.todo.append(value)

    def _module_name(self, namespace: dict[str, Any], name: str, value: types.ModuleType) -> None:
        """A global name of a module: of ``decimal`` there is a stand-in."""
        original = decimal_original(value)
        new = decimal_stand_in(original)
        if new is original:
            self.plan.lookups.append((namespace, name, value))
        else:
            self.plan.names.append((namespace, name, original, new))

    def _absent(self, namespace: dict[str, Any], name: str, names: frozenset[str]) -> None:
        if name in BUILTINS:
            self.plan.shadows.append((namespace, name, BUILTINS[name]))
            return
        self.plan.lookups.append((namespace, name, MISSING))

    def _imported(self, name: str, names: frozenset[str]) -> None:
        """A module that the code imports when it runs; not loaded yet, it is looked at again for the next trace."""
        module: Any = sys.modules.get(name, MISSING)
        self.plan.arrays |= module is not math
        self.plan.lookups.append((sys.modules, name, module))
        if type(module) is types.ModuleType and module.__name__.partition(".")[0] not in OPAQUE:
            self.module(module, None, name, names)

    def _module_by_itself(self, module: types.ModuleType, names: frozenset[str]) -> None:
        """A module that is no global name: held by a closure or an object, or given as an argument."""
        if self.remember and not is_opaque(module.__name__):
            self.plans.append(plan_of_module(module, names))
        else:
            self.module(module, None, "", names)

    def module(
        self, module: types.ModuleType, namespace: dict[str, Any] | None, name: str, names: frozenset[str]
    ) -> None:
        if module is math or module is SHIM:
            if namespace is not None:
                self.plan.modules.append((namespace, name))
            return
        self.plan.arrays |= is_opaque(module.__name__)
        by_text = not names.isdisjoint(_BY_TEXT)
        key = (id(module), _BY_TEXT if by_text else names)
        if is_opaque(module.__name__) or key in self.seen_modules:
            return
        self.seen_modules.add(key)
        for attribute in list(vars(module)) if by_text else names & vars(module).keys():
            self._name(vars(module), attribute, names)

    def _defaults(self, function: types.FunctionType) -> None:
        for attribute in ("__defaults__", "__kwdefaults__"):
            value = getattr(function, attribute)
            if value:
                put = functools.partial(setattr, function, attribute)
                self._place(value, functools.partial(getattr, function, attribute), put)

    # ---- containers, classes, objects

    def _watch(self, get: Callable[[], Iterable[Any]]) -> None:
        """Have a remembered plan see when other things are held here; what is data through and through stays so."""
        if self.remember:
            return
        values = list(get())
        if not values or not DATA.issuperset(map(type, values)):
            old = [_original(value, type(value)) for value in values]
            self.plan.contents.append(Contents(get, old, list(map(self._substitute, old))))

    def _substitute(self, value: Any) -> Any:
        """The same substitute each time it is asked for."""
        new = self.substitutes.get(id(value), MISSING)
        if new is MISSING:
            new = self.substitutes[id(value)] = substitute(value)
            self.kept.append(value)
        return new

    def _substitute_in_class(self, value: Any) -> Any:
        """What stands in a class for one of its attributes; a builtin function must not become a method there."""
        kind = type(value)
        if kind is types.BuiltinFunctionType and value in STAND_INS:
            return self.in_classes.setdefault(value, staticmethod(STAND_INS[value]))
        if (
            value is float
            or value is complex
            or value is math
            or kind in _REPLACED_IN_CLASSES
            or issubclass(kind, tuple)
        ):
            return self._substitute(value)
        return value

    def _place(self, value: Any, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        """A place that holds a value: swap what is in it, or look further into it."""
        kind = type(value)
        original = _original(value, kind)
        if original is not value:
            self.plan.bindings.append(Binding(get, put, original, value))
            return
        new = self._substitute(value)
        if new is not value:
            self.plan.bindings.append(Binding(get, put, value, new))
        self.todo.append(value)

    def _sequence(self, items: Any) -> None:
        if len(items) > LARGEST_CONTAINER:
            self.plan.arrays = True
            return
        if not isinstance(items, tuple):
            self._watch(functools.partial(list, items))
        for index, item in enumerate(items):
            if not isinstance(items, tuple) and type(item) not in PLAIN:
                self._place(
                    item,
                    functools.partial(get_item, items, index),
                    functools.partial(items.__setitem__, index),
                )
            else:
                self.todo.append(item)

    def _dictionary(self, items: dict[Any, Any]) -> None:
        if len(items) > LARGEST_CONTAINER or items is vars(builtins):
            self.plan.arrays = True
            return
        self._watch(functools.partial(list, dict.values(items)))
        for key, item in list(items.items()):
            if type(item) not in PLAIN:
                self._place(
                    item, functools.partial(dict.get, items, key), functools.partial(items.__setitem__, key)
                )

    def _class(self, cls: type) -> None:
        fixed = not cls.__flags__ & HEAP_TYPE or cls.__flags__ & _IMMUTABLE_TYPE
        if fixed or is_opaque(cls.__module__):
            self.plan.arrays |= not fixed or cls.__module__ != "builtins"
            return
        _settle_annotations(cls)
        attributes = {name: value for name, value in vars(cls).items() if name not in _ANNOTATIONS}
        if not self.remember:
            old = list(vars(cls).values())
            new = list(map(self._substitute_in_class, old))
            self.plan.contents.append(Contents(functools.partial(list, vars(cls).values()), old, new))
        for name, value in attributes.items():
            new = self._substitute_in_class(value)
            if new is not value:
                get = functools.partial(get_attribute, cls, name)
                put = functools.partial(type.__setattr__, cls, name)
                self.plan.bindings.append(Binding(get, put, value, new))
            self.todo.append(value)
        self.todo += [*cls.__bases__, type(cls)]

    def _object(self, value: Any, kind: type) -> None:
        attributes = getattr(value, "__dict__", None)
        if type(attributes) is not dict:
            attributes = {}
        self.todo.append(attributes.get("__wrapped__"))
        if kind is types.SimpleNamespace or not is_opaque(kind.__module__):
            self._dictionary(attributes)
            slots = slots_of(kind)
            if slots:
                self._watch(functools.partial(slot_values, value))
            for slot in slots:
                self._place(
                    get_slot(slot, value),
                    functools.partial(get_slot, slot, value),
                    functools.partial(slot.__set__, value),
                )
            self.todo.append(kind)


def _settle_annotations(value: Any) -> None:
    """Have a function or class evaluate its annotations, where these name a class that has a stand-in.

    Python 3.14 evaluates them when somebody asks, and keeps what they are: that may be in a trace, and for good.
    """
    code = getattr(getattr(value, "__annotate__", None), "__code__", None)
    if code is not None and not NAMED_CLASSES.isdisjoint(code.co_names):
        with contextlib.suppress(Exception):  # what they name need not be there
            inspect.get_annotations(value)


def _original(value: Any, kind: type) -> Any:
    """What a stand-in stands for; anything else is its own original."""
    if value is Float or value is Complex:
        return value.original
    if value is SHIM:
        return math
    return ORIGINAL_OF.get(value, value) if kind in FUNCTIONS else decimal_original(value)
