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
import dis
import functools
import math
import operator
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.util import resolve_name
from typing import Any, NamedTuple

from tracegrad.class_stand_ins import CLASSES, Float
from tracegrad.provenance import OPAQUE, in_package
from tracegrad.stand_ins import BUILTINS, MATH, ORIGINAL_OF, STAND_INS
from tracegrad.tracer import isinstance_tracer

#: what stands for the module ``math`` where the module itself must not be touched
SHIM = types.ModuleType("math", math.__doc__)
vars(SHIM).update(vars(math) | MATH)

MISSING: Any = object()

#: names whose users look others up by text, or find what is nowhere named
_BY_TEXT = frozenset(
    {"eval", "exec", "globals", "getattr", "vars", "__subclasses__", "import_module", "methodcaller"}
)
_LARGEST_CONTAINER = 1000
_DATA = frozenset({int, float, str, bytes, bool, complex})
_PLAIN = _DATA | {type(None), range, slice, type(Ellipsis)}
_REPLACED_IN_CLASSES = (staticmethod, functools.partial, functools._lru_cache_wrapper)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)
_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8


class Binding(NamedTuple):
    """A place that holds ``old`` and shall hold ``new`` while a trace is open."""

    get: Callable[[], Any]
    put: Callable[[Any], None]
    old: Any
    new: Any


class Contents(NamedTuple):
    """What a container, an object or a function holds: ``old`` while no trace is open, ``new`` while one is."""

    get: Callable[[], Iterable[Any]]
    old: list[Any]
    new: list[Any]

    def holds(self) -> bool:
        """Whether it still holds the same."""
        now = list(self.get())
        if len(now) != len(self.old):
            return False
        return (
            all(map(operator.is_, now, self.old))
            or all(map(operator.is_, now, self.new))
            or all(map(_alike, now, self.old, self.new))
        )


def _alike(now: Any, old: Any, new: Any) -> bool:
    """Whether a place holds the same as before, or one plain number instead of another."""
    return now is old or now is new or (type(now) in _DATA and type(old) in _DATA)


class Plan:
    """What to swap for one root, and the look-ups that this conclusion rests on."""

    __slots__ = ("bare", "bindings", "codes", "contents", "lookups", "modules", "names", "numba", "shadows")

    def __init__(self) -> None:
        #: (namespace, name, original, stand-in): the common case, kept simple for speed
        self.names: list[tuple[dict[str, Any], str, Any, Any]] = []
        #: namespaces that use a builtin which has a stand-in
        self.shadows: list[tuple[dict[str, Any], str, Any]] = []
        #: namespaces (by identity) in which classes must stay themselves
        self.bare: set[int] = set()
        #: namespaces that hold the module ``math`` itself
        self.modules: list[tuple[dict[str, Any], str]] = []
        self.bindings: list[Binding] = []
        self.lookups: list[tuple[dict[Any, Any], Any, Any]] = []
        self.contents: list[Contents] = []
        #: the code that was searched, by identity: what one plan covers needs no other
        self.codes: dict[int, types.CodeType] = {}
        self.numba = "numba" in sys.modules

    def holds(self) -> bool:
        """Whether each look-up still finds what it found when the plan was made."""
        if self.numba is not ("numba" in sys.modules):
            return False
        for namespace, name, value in self.lookups:
            if namespace.get(name, MISSING) is not value:
                return False
        for namespace, name, old, new in self.names:
            value = namespace.get(name, MISSING)
            if value is not old and value is not new:
                return False
        for namespace, name, new in self.shadows:
            if namespace.get(name, new) is not new:
                return False
        for binding in self.bindings:
            value = binding.get()
            if value is not binding.old and value is not binding.new:
                return False
        return all(contents.holds() for contents in self.contents)


def substitute(value: Any) -> Any:
    """The same value with stand-ins for what reaches ``math``; the value itself where nothing does."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if value is float:
        return Float
    if kind in _FUNCTIONS:
        return STAND_INS.get(value, value)
    if value is math:
        return SHIM if "numba" in sys.modules else value
    if (kind is tuple or _is_namedtuple(kind)) and len(value) <= _LARGEST_CONTAINER:
        items = tuple(map(substitute, value))
        return value if all(map(_is, items, value)) else tuple.__new__(kind, items)
    if kind is staticmethod:
        inner = substitute(value.__func__)
        return value if inner is value.__func__ else staticmethod(inner)
    if kind is functools.partial:
        return _substitute_partial(value)
    if kind is functools._lru_cache_wrapper:
        return _uncached(value)
    return value


def _is_namedtuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _is(a: Any, b: Any) -> bool:
    return a is b


def _substitute_partial(value: functools.partial[Any]) -> Any:
    function, args = substitute(value.func), substitute(value.args)
    keywords = {name: substitute(item) for name, item in value.keywords.items()}
    if (
        function is value.func
        and args is value.args
        and all(keywords[k] is v for k, v in value.keywords.items())
    ):
        return value
    return functools.partial(function, *args, **keywords)


@functools.lru_cache(maxsize=256)
def _uncached(cached: Any) -> Any:
    """A cache must not keep tracers: it is passed by when one is among the arguments."""

    @functools.wraps(cached)
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        if _holds_tracer([*args, *kwargs.values()]):
            return substitute(cached.__wrapped__)(*args, **kwargs)
        return cached(*args, **kwargs)

    for name in ("cache_info", "cache_clear", "cache_parameters"):
        setattr(stand_in, name, getattr(cached, name))
    ORIGINAL_OF[stand_in] = cached
    return stand_in


def _holds_tracer(values: list[Any]) -> bool:
    """Whether a tracer is among some values, or inside of one of them."""
    seen: set[int] = set()
    while values and len(seen) < _LARGEST_CONTAINER:
        value = values.pop()
        kind = type(value)
        if isinstance_tracer(value):
            return True
        if kind in _PLAIN or id(value) in seen:
            continue
        seen.add(id(value))
        if issubclass(kind, dict):
            values += value.values()
        elif issubclass(kind, (tuple, list, set, frozenset)):
            values += value
        elif kind not in _NOTHING_IN_IT and not isinstance(value, type):
            values += getattr(value, "__dict__", {}).values()
            values += [_get_slot(slot, value) for slot in _slots(kind)]
    return False


def plans_of(roots: list[Any]) -> list[Plan]:
    """Everything that functions, classes and objects can reach."""
    if len(roots) == 1 and _is_simple(roots[0]):
        return [plan_of_code(roots[0])]
    scanner = Scanner(remember=True)
    scanner.visit(roots)
    return [*scanner.plans, scanner.plan]


_NOTHING_IN_IT = _PLAIN | {types.ModuleType}


def _is_simple(root: Any) -> bool:
    """Whether this is a function of the user that holds nothing but its code and plain data."""
    if type(root) is not types.FunctionType or root.__defaults__ or root.__kwdefaults__ or root.__dict__:
        return False
    for cell in root.__closure__ or ():
        value = _get_cell(cell)
        if type(value) not in _PLAIN and (value is not math or "numba" in sys.modules):
            return False
    return not in_package(root.__code__) and not _is_opaque(root.__module__)


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
            if kind in _PLAIN or id(value) in self.seen or isinstance_tracer(value):
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
        elif kind in (tuple, list, collections.deque) or _is_namedtuple(kind):
            self._sequence(value)
        elif kind in (set, frozenset) and len(value) <= _LARGEST_CONTAINER:
            self.todo += value
        elif kind is types.MappingProxyType:
            self.todo += value.values()
        elif issubclass(kind, dict):
            self._dictionary(value)
        elif isinstance(value, type):
            self._class(value)
        elif kind is types.ModuleType:
            self._module_by_itself(value, frozenset(vars(value)))
        else:
            self._object(value, kind)

    # ---- functions

    def _function(self, function: types.FunctionType) -> None:
        cells = [] if function.__closure__ is None else _filled(function.__closure__)
        if function in ORIGINAL_OF or in_package(function.__code__):
            self.todo += [cell.cell_contents for cell in cells]
            return
        self._dictionary(vars(function))
        for cell in cells:
            value = cell.cell_contents
            if type(value) is types.ModuleType and value is not math:
                self._module_by_itself(value, frozenset(_names(function.__code__)))
            else:
                self._place(value, functools.partial(_get_cell, cell), functools.partial(_put_cell, cell))
        if _is_opaque(function.__globals__.get("__name__")):
            return
        self._defaults(function)
        if self.remember:
            if not any(id(function.__code__) in plan.codes for plan in self.plans):
                self.plans.append(plan_of_code(function))
        else:
            self._watch(functools.partial(_parts, function))
            self.code(function.__code__, function.__globals__)

    def code(self, code: types.CodeType, namespace: dict[str, Any]) -> None:
        """The global names that code uses; every one there is, where it may look them up by text."""
        self.plan.codes[id(code)] = code
        names = frozenset(_names(code))
        if "__class__" in names and not names.isdisjoint(CLASSES) and _compares_class(code):
            self.plan.bare.add(id(namespace))
        for name in names:
            self._name(namespace, name, names)
        for name in _imports(code, namespace):
            self._imported(name, names)
        if not names.isdisjoint(_BY_TEXT):
            for name in [name for name, value in namespace.items() if type(value) in _FUNCTIONS]:
                self._name(namespace, name, names)

    def _name(self, namespace: dict[str, Any], name: str, names: frozenset[str]) -> None:
        """A global name that some code uses: of the module, a builtin, or that of a module to be imported."""
        value = namespace.get(name, MISSING)
        kind = type(value)
        first = (id(namespace), name) not in self.seen_names
        self.seen_names.add((id(namespace), name))
        if kind is types.ModuleType:
            if first:
                self.plan.lookups.append((namespace, name, value))
            self.module(value, namespace, name, names)
            return
        if not first:
            return
        if value is None:
            self.plan.lookups.append((namespace, name, None))
        if kind in _PLAIN:
            return
        if value is MISSING or value is BUILTINS.get(name):
            self._absent(namespace, name, names)
        elif kind in _FUNCTIONS and value in ORIGINAL_OF:
            self.plan.names.append((namespace, name, ORIGINAL_OF[value], value))
        else:
            new = substitute(value)
            if new is not value:
                self.plan.names.append((namespace, name, value, new))
            else:
                self.plan.lookups.append((namespace, name, value))
            self.todo.append(value)

    def _absent(self, namespace: dict[str, Any], name: str, names: frozenset[str]) -> None:
        if name in BUILTINS:
            self.plan.shadows.append((namespace, name, BUILTINS[name]))
            return
        self.plan.lookups.append((namespace, name, MISSING))

    def _imported(self, name: str, names: frozenset[str]) -> None:
        """A module that the code imports when it runs; not loaded yet, it is looked at again for the next trace."""
        module: Any = sys.modules.get(name, MISSING)
        self.plan.lookups.append((sys.modules, name, module))
        if type(module) is types.ModuleType and module.__name__.partition(".")[0] not in OPAQUE:
            self.module(module, None, name, names)

    def _module_by_itself(self, module: types.ModuleType, names: frozenset[str]) -> None:
        """A module that is no global name: held by a closure or an object, or given as an argument."""
        if self.remember and not _is_opaque(module.__name__):
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
        by_text = not names.isdisjoint(_BY_TEXT)
        key = (id(module), _BY_TEXT if by_text else names)
        if _is_opaque(module.__name__) or key in self.seen_modules:
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
        if not values or not _DATA.issuperset(map(type, values)):
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
        if value is float or value is math or kind in _REPLACED_IN_CLASSES or issubclass(kind, tuple):
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
        if len(items) > _LARGEST_CONTAINER:
            return
        if not isinstance(items, tuple):
            self._watch(functools.partial(list, items))
        for index, item in enumerate(items):
            if not isinstance(items, tuple) and type(item) not in _PLAIN:
                self._place(
                    item,
                    functools.partial(_get_item, items, index),
                    functools.partial(items.__setitem__, index),
                )
            else:
                self.todo.append(item)

    def _dictionary(self, items: dict[Any, Any]) -> None:
        if len(items) > _LARGEST_CONTAINER or items is vars(builtins):
            return
        self._watch(functools.partial(list, dict.values(items)))
        for key, item in list(items.items()):
            if type(item) not in _PLAIN:
                self._place(
                    item, functools.partial(dict.get, items, key), functools.partial(items.__setitem__, key)
                )

    def _class(self, cls: type) -> None:
        if cls in (object, type) or not cls.__flags__ & _HEAP_TYPE or cls.__flags__ & _IMMUTABLE_TYPE:
            return
        if _is_opaque(cls.__module__):
            return
        attributes = {name: value for name, value in vars(cls).items() if name != "__annotations__"}
        if not self.remember:
            old = list(vars(cls).values())
            new = list(map(self._substitute_in_class, old))
            self.plan.contents.append(Contents(functools.partial(list, vars(cls).values()), old, new))
        for name, value in attributes.items():
            new = self._substitute_in_class(value)
            if new is not value:
                get = functools.partial(_get_attribute, cls, name)
                put = functools.partial(type.__setattr__, cls, name)
                self.plan.bindings.append(Binding(get, put, value, new))
            self.todo.append(value)
        self.todo += [*cls.__bases__, type(cls)]

    def _object(self, value: Any, kind: type) -> None:
        attributes = getattr(value, "__dict__", None)
        if type(attributes) is not dict:
            attributes = {}
        self.todo.append(attributes.get("__wrapped__"))
        if kind is types.SimpleNamespace or not _is_opaque(kind.__module__):
            self._dictionary(attributes)
            slots = _slots(kind)
            if slots:
                self._watch(functools.partial(_slot_values, value))
            for slot in slots:
                self._place(
                    _get_slot(slot, value),
                    functools.partial(_get_slot, slot, value),
                    functools.partial(slot.__set__, value),
                )
            self.todo.append(kind)


def _original(value: Any, kind: type) -> Any:
    """What a stand-in stands for; anything else is its own original."""
    if value is Float:
        return float
    if value is SHIM:
        return math
    return ORIGINAL_OF.get(value, value) if kind in _FUNCTIONS else value


def _slot_values(value: Any) -> list[Any]:
    return [_get_slot(slot, value) for slot in _slots(type(value))]


def _parts(function: types.FunctionType) -> list[Any]:
    """What a function is made of, as far as it can be exchanged."""
    cells = map(_get_cell, function.__closure__ or ())
    return [function.__code__, function.__defaults__, function.__kwdefaults__, *cells]


def _filled(closure: tuple[types.CellType, ...]) -> list[types.CellType]:
    """The cells of a closure that have contents."""
    return [cell for cell in closure if _get_cell(cell) is not MISSING]


def _get_cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _put_cell(cell: types.CellType, value: Any) -> None:
    cell.cell_contents = value


def _slots(kind: type) -> list[types.MemberDescriptorType]:
    """What ``__slots__`` of a user's class and its bases have made."""
    return [
        member
        for cls in kind.__mro__
        if cls.__flags__ & _HEAP_TYPE
        for member in vars(cls).values()
        if type(member) is types.MemberDescriptorType
    ]


def _get_slot(slot: types.MemberDescriptorType, value: Any) -> Any:
    try:
        return slot.__get__(value)
    except AttributeError:
        return MISSING


def _get_item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else MISSING


def _get_attribute(cls: type, name: str) -> Any:
    return vars(cls).get(name, MISSING)


def _names(code: types.CodeType) -> Iterator[str]:
    """Every global or attribute name that a code object and the code inside it use."""
    todo = [code]
    while todo:
        one = todo.pop()
        yield from one.co_names
        todo += [const for const in one.co_consts if isinstance(const, types.CodeType)]


def _imports(code: types.CodeType, namespace: dict[str, Any]) -> Iterator[str]:
    """The full names of the modules that a code object and the code inside it import."""
    todo = [code]
    while todo:
        one = todo.pop()
        todo += [const for const in one.co_consts if isinstance(const, types.CodeType)]
        if _IMPORT not in one.co_code[::2]:
            continue
        level: Any = 0
        for instruction in dis.get_instructions(one):
            if instruction.opcode == _IMPORT:
                package = namespace.get("__package__")
                if not level or package:
                    with suppress(ImportError):
                        yield resolve_name("." * level + instruction.argval, package)
            elif instruction.opname.startswith("LOAD_") and type(instruction.argval) is int:
                level = instruction.argval


_IMPORT = dis.opmap["IMPORT_NAME"]
_COMPARISONS = frozenset({"IS_OP", "CONTAINS_OP", "COMPARE_OP"})


def _compares_class(code: types.CodeType) -> bool:
    """Whether some line compares a ``__class__`` with a class that has a stand-in, which is not the class itself."""
    todo = [code]
    while todo:
        one = todo.pop()
        todo += [const for const in one.co_consts if isinstance(const, types.CodeType)]
        if "__class__" not in one.co_names or CLASSES.keys().isdisjoint(one.co_names):
            continue
        lines: dict[int | None, set[Any]] = {}
        for instruction in dis.get_instructions(one):
            line = lines.setdefault(instruction.positions and instruction.positions.lineno, set())
            line |= {instruction.opname, instruction.argval if instruction.opcode in dis.hasname else None}
        if any(
            "__class__" in line and line & CLASSES.keys() and line & _COMPARISONS for line in lines.values()
        ):
            return True
    return False


def _is_opaque(module: Any) -> bool:
    """Whether nothing in a module can be of interest."""
    if type(module) is not str:
        return False
    root = module.partition(".")[0]
    if root in OPAQUE or root == "tracegrad":
        return True
    return root in sys.stdlib_module_names and root != "__main__" and not _holds_math(module)


@functools.lru_cache(maxsize=4096)
def _holds_math(module: str) -> bool:
    """Whether a module of the standard library has functions of ``math`` under names of its own."""
    namespace = vars(sys.modules[module]) if module in sys.modules else {}
    values = [value for value in namespace.values() if type(value) in _FUNCTIONS]
    return any(value in STAND_INS or value in ORIGINAL_OF for value in values)
