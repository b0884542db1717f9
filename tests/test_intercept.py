"""Every way to reach ``math`` is found, gives the plain value and the right gradient, and is restored afterwards.

A call style is a function that makes a fresh function of one number; that computes exp(x) (or ``EXPECTED`` says what
else), so that the gradient is known.
"""

from __future__ import annotations

import ast
import asyncio
import collections
import copy
import dataclasses
import decimal
import enum
import functools
import importlib
import itertools
import json
import math
import operator
import pickle
import subprocess
import sys
import textwrap
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from math import *  # noqa: F403
from math import exp
from math import exp as renamed_exp
from pathlib import Path

import numpy
import pytest
from restored import assert_nothing_left

import tracegrad as tg
from tracegrad import intercept
from tracegrad.stand_ins import ORIGINAL_OF

from_assignment = math.exp
in_list = [math.exp]
in_tuple = (math.exp, math.sin)
in_dict = {"exp": math.exp}
nested = {"deep": [({"f": math.exp},)]}
namespace = types.SimpleNamespace(exp=math.exp)
partial_log = functools.partial(math.log, 8.0)
Pair = collections.namedtuple("Pair", "f g")
in_namedtuple = Pair(math.exp, math.sin)
in_deque = collections.deque([math.exp])
in_defaultdict = collections.defaultdict(lambda: None, exp=math.exp)
module_again = math

STYLES = {}
EXPECTED = {}


def style(make):
    STYLES[make.__name__] = make
    return make


def gives(value, gradient):
    """What a style computes, where it is not exp."""

    def note(make):
        EXPECTED[make.__name__] = (value, gradient)
        return style(make)

    return note


# ---- names ------------------------------------------------------------------------------------------


@style
def attribute():
    return lambda x: math.exp(x)


@style
def math_itself():
    return math.exp


@style
def from_import():
    return lambda x: exp(x)


@style
def from_import_alias():
    return lambda x: renamed_exp(x)


@gives(math.cosh, math.sinh)
def star_import():
    return lambda x: cosh(x)  # noqa: F405


@style
def assigned_global():
    return lambda x: from_assignment(x)


@style
def module_alias():
    return lambda x: module_again.exp(x)


@style
def default_argument():
    def f(x, g=math.exp):
        return g(x)

    return f


@style
def module_as_default():
    def f(x, m=math):
        return m.exp(x)

    return f


@style
def keyword_only_default():
    def f(x, *, g=math.exp):
        return g(x)

    return f


@style
def default_of_a_helper():
    def helper(x, g=exp, *, h=math.log):
        return h(g(g(x)))

    return lambda x: helper(x)


@style
def container_as_default():
    def f(x, table={"f": [exp]}):  # noqa: B006
        return table["f"][0](x)

    return f


@style
def closure_cell():
    g = math.exp
    return lambda x: g(x)


@style
def closure_over_module():
    m = math
    return lambda x: m.exp(x)


@style
def closure_of_closure():
    g = math.exp

    def outer():
        def inner(x):
            return g(x)

        return inner

    return outer()


@style
def factory_inside():
    def f(x):
        def make(g):
            return lambda v: g(v)

        return make(math.exp)(x)

    return f


@style
def local_variable():
    def f(x):
        g = math.exp
        return g(x)

    return f


@style
def local_import():
    def f(x):
        import math as m

        return m.exp(x)

    return f


@style
def local_from_import():
    def f(x):
        from math import exp as g

        return g(x)

    return f


@style
def dunder_import():
    return lambda x: __import__("math").exp(x)


@style
def import_module():
    return lambda x: importlib.import_module("math").exp(x)


@style
def by_getattr():
    return lambda x: getattr(math, "exp")(x)  # noqa: B009


@style
def by_vars():
    return lambda x: vars(math)["exp"](x)


@style
def by_sys_modules():
    return lambda x: sys.modules["math"].exp(x)


@style
def by_globals():
    return lambda x: globals()["from_assignment"](x)


@style
def by_attrgetter():
    return lambda x: operator.attrgetter("exp")(math)(x)


@style
def by_methodcaller():
    return lambda x: operator.methodcaller("exp", x)(math)


@style
def evaluated():
    return lambda x: eval("exp(x)")


@style
def executed():
    def f(x):
        scope = {"x": x}
        exec("from math import exp\ny = exp(x)", scope)
        return scope["y"]

    return f


@style
def made_by_exec():
    scope = {}
    exec("from math import exp\ndef f(x):\n    return exp(x)", scope)
    return scope["f"]


# ---- functions of functions ---------------------------------------------------------------------------


@style
def helper():
    def inner(x):
        return exp(x)

    return lambda x: inner(x)


@style
def recursion():
    def f(x, depth=3):
        return exp(x) if depth == 0 else f(x, depth - 1)

    return f


@style
def decorated():
    def decorator(g):
        def wrapper(*args):
            return g(*args)

        return wrapper

    @decorator
    def f(x):
        return exp(x)

    return f


@style
def decorated_with_wraps():
    def decorator(g):
        @functools.wraps(g)
        def wrapper(*args, **kwargs):
            return g(*args, **kwargs)

        return wrapper

    @decorator
    def inner(x):
        return exp(x)

    return lambda x: inner(x)


@style
def wraps_of_math():
    @functools.wraps(math.exp)
    def wrapper(x):
        return wrapper.__wrapped__(x)

    return wrapper


@style
def lru_cached_helper():
    @functools.lru_cache
    def inner(x):
        return exp(x)

    return lambda x: inner(x)


@style
def lru_cached_math():
    cached = functools.lru_cache(math.exp)
    return lambda x: cached(x)


@style
def single_dispatch():
    @functools.singledispatch
    def g(x):
        return x

    g.register(str)(lambda x: x)
    g.register(float)(lambda x: exp(x))
    return lambda x: g(x)


@style
def traced_helper():
    @tg.traced
    def inner(x):
        return exp(x)

    return lambda x: inner(x)


@style
def partial():
    return functools.partial(math.exp)


@style
def partial_in_closure():
    p = functools.partial(exp)
    return lambda x: p(x)


@style
def partial_with_function_argument():
    def apply(g, x):
        return g(x)

    return functools.partial(apply, math.exp)


@style
def partial_with_function_keyword():
    def apply(x, *, g):
        return g(x)

    return functools.partial(apply, g=math.exp)


@style
def partial_of_partial():
    def apply(g, h, x):
        return h(g(g(x)))

    inner = functools.partial(functools.partial(apply, exp), math.log)
    return lambda x: inner(x)


@gives(lambda x: math.log(8.0, x), lambda x: -math.log(8.0) / (x * math.log(x) ** 2))
def partial_with_number():
    return lambda x: partial_log(x)


@style
def lambda_in_list():
    table = [lambda v: v, lambda v: exp(v)]
    return lambda x: table[1](x)


@style
def mapped():
    return lambda x: sum(map(exp, [x, x])) / 2


@gives(lambda x: math.exp(x) ** 2, lambda x: 2 * math.exp(x) ** 2)
def reduced():
    return lambda x: functools.reduce(operator.mul, map(math.exp, (x, x)))


@style
def sort_key():
    return lambda x: exp(sorted([3 * x, x, 2 * x], key=math.sinh)[0])


@gives(lambda x: x, lambda x: 1.0)
def maximum_key():
    return lambda x: max([x, x - 1], key=exp)


@style
def starmapped():
    return lambda x: next(itertools.starmap(math.pow, [(math.e, 1.0)])) ** 0 * next(map(exp, [x]))


@style
def generator():
    def values(x):
        yield exp(x)

    return lambda x: next(values(x))


@style
def generator_expression():
    return lambda x: sum(g(x) for g in [exp])


@style
def comprehension():
    return lambda x: sum([g(x) for g in in_list])


@style
def yield_from():
    def inner(x):
        yield math.exp(x)

    def outer(x):
        yield from inner(x)

    return lambda x: sum(list(outer(x)))


@style
def context_manager():
    class Scale:
        def __enter__(self):
            return exp

        def __exit__(self, *_):
            return None

    def f(x):
        with Scale() as g:
            return g(x)

    return f


# ---- containers ---------------------------------------------------------------------------------------


@style
def list_of_functions():
    return lambda x: in_list[0](x)


@style
def tuple_of_functions():
    return lambda x: in_tuple[0](x)


@style
def dict_of_functions():
    return lambda x: in_dict["exp"](x)


@style
def nested_containers():
    return lambda x: nested["deep"][0][0]["f"](x)


@style
def namedtuple_of_functions():
    return lambda x: in_namedtuple.f(x)


@style
def deque_of_functions():
    return lambda x: in_deque[0](x)


@style
def defaultdict_of_functions():
    return lambda x: in_defaultdict["exp"](x)


@style
def simple_namespace():
    return lambda x: namespace.exp(x)


@style
def local_container():
    table = {"f": [exp]}
    return lambda x: table["f"][0](x)


# ---- objects and classes ------------------------------------------------------------------------------


@style
def bound_method():
    class Model:
        def f(self, x):
            return exp(x)

    return Model().f


@style
def super_method():
    class Base:
        def f(self, x):
            return exp(x)

    class Derived(Base):
        def f(self, x):
            return super().f(x)

    return Derived().f


@style
def class_attribute():
    class Model:
        g = math.exp

        def f(self, x):
            return self.g(x)

    return Model().f


@style
def static_attribute():
    class Model:
        g = staticmethod(math.exp)

    return lambda x: Model.g(x)


@style
def inherited_attribute():
    class Base:
        g = math.exp

    class Derived(Base):
        pass

    return lambda x: Derived().g(x)


@style
def instance_attribute():
    class Model:
        def __init__(self):
            self.g = math.exp

        def f(self, x):
            return self.g(x)

    return Model().f


@style
def slot():
    class Model:
        __slots__ = ("g",)

        def __init__(self):
            self.g = math.exp

    model = Model()
    return lambda x: model.g(x)


@style
def dataclass_field():
    @dataclasses.dataclass(frozen=True)
    class Layer:
        activation: object = math.exp

    layer = Layer()
    return lambda x: layer.activation(x)


@style
def callable_object():
    class Model:
        def __call__(self, x):
            return exp(x)

    return Model()


@style
def static_method():
    class Model:
        @staticmethod
        def f(x):
            return exp(x)

    return Model.f


@style
def class_method():
    class Model:
        @classmethod
        def f(cls, x):
            return exp(x)

    return Model.f


@style
def property_of_a_class():
    class Model:
        @property
        def g(self):
            return exp

    return lambda x: Model().g(x)


@style
def made_in_constructor():
    class Model:
        def __init__(self, x):
            self.y = exp(x)

    return lambda x: Model(x).y


@style
def operator_of_a_class():
    class Model:
        def __matmul__(self, x):
            return exp(x)

    return lambda x: Model() @ x


@style
def metaclass_method():
    class Meta(type):
        def f(cls, x):
            return exp(x)

    class Model(metaclass=Meta):
        pass

    return lambda x: Model.f(x)


@style
def object_graph():
    class Layer:
        def __init__(self, inner):
            self.inner = inner

    layer = Layer([Layer({"f": Layer(math.exp)})])
    return lambda x: layer.inner[0].inner["f"].inner(x)


@style
def enum_member():
    class Kind(enum.Enum):
        EXP = enum.member(math.exp) if hasattr(enum, "member") else functools.partial(math.exp)

    return lambda x: Kind.EXP.value(x)


@pytest.mark.parametrize("name", STYLES)
def test_style(name):
    f = STYLES[name]()
    value, gradient = EXPECTED.get(name, (math.exp, math.exp))
    x = 1.25
    plain = f(x)
    assert plain == pytest.approx(value(x), rel=1e-12)
    bindings = _bindings(f)
    for _ in range(2):  # the second time by the remembered plan
        t = tg.trace(f, x)
        assert (type(t.value), t.value) == (float, plain)
        found = next(iter(t.gradients.values()))
        found = found[0] if isinstance(found, tuple) else found
        assert found == pytest.approx(gradient(x), rel=1e-12)
        assert_nothing_left()
        assert _bindings(f) == bindings
    assert f(x) == plain


def _bindings(f):
    """Everything that could have been patched: the globals here, cells, defaults, and what is in containers."""
    cells = [cell.cell_contents for cell in getattr(f, "__closure__", None) or ()]
    here = {name: value for name, value in globals().items() if callable(value)}
    contents = [*in_list, *in_tuple, *in_dict.values(), *in_namedtuple, *in_deque, nested["deep"][0][0]["f"]]
    return (
        here,
        [id(cell) for cell in cells],
        getattr(f, "__defaults__", None),
        contents,
        vars(namespace).copy(),
    )


def test_there_are_enough_styles():
    assert len(STYLES) >= 45


# ---- functions as arguments -----------------------------------------------------------------------------


def apply(g, x):
    return g(x)


ARGUMENTS = {
    "function": lambda: (lambda g, x: g(x), math.exp),
    "list": lambda: (lambda table, x: table[0](x), [math.exp, "text"]),
    "dict": lambda: (lambda table, x: table["f"](x), {"f": math.exp}),
    "partial": lambda: (lambda g, x: g(x), functools.partial(math.exp)),
    "module": lambda: (lambda m, x: m.exp(x), math),
    "namespace": lambda: (lambda n, x: n.exp(x), types.SimpleNamespace(exp=math.exp)),
    "bound method": lambda: (lambda g, x: g(x), type("C", (), {"f": lambda self, x: exp(x)})().f),
    "class": lambda: (lambda cls, x: cls().f(x), type("C", (), {"f": lambda self, x: exp(x)})),
    "user function": lambda: (apply, lambda x: exp(x)),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_function_passed_as_argument(name):
    f, argument = ARGUMENTS[name]()
    t = tg.trace(f, argument, 0.5)
    assert t.value == math.exp(0.5)
    assert t.gradients == {"x": math.exp(0.5)}
    assert tg.grad(f, argnums=1)(argument, 0.5) == math.exp(0.5)


def test_keyword_argument():
    def f(x, **options):
        return options["g"](x)

    assert tg.trace(f, 0.5, g=math.exp).gradients == {"x": math.exp(0.5)}


# ---- modules --------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write modules into a folder of the import path: ``write({"a/b.py": text})``."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def files(contents):
        for name, text in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()

    yield files
    for name in set(sys.modules) - before:
        del sys.modules[name]


def no_stand_ins(module):
    return not [name for name, value in vars(module).items() if _is_stand_in(value)]


def _is_stand_in(value):
    return isinstance(value, (types.FunctionType, types.BuiltinFunctionType)) and value in ORIGINAL_OF


def test_packages_with_re_exports(write):
    write(
        {
            "outer/__init__.py": "from outer.middle import *\nfrom . import middle",
            "outer/middle/__init__.py": "from .inner import curve, Curve\nfrom .inner import e as exponential",
            "outer/middle/inner/__init__.py": "from ._impl import curve, Curve\nfrom math import exp as e",
            "outer/middle/inner/_impl.py": """
                from math import exp as _e, log
                def curve(x):
                    return log(_e(_step(x)))
                def _step(x):
                    return _e(x)
                class Curve:
                    base = _e
                    def __call__(self, x):
                        return self.base(x)
                """,
        }
    )
    outer = importlib.import_module("outer")
    functions = [
        lambda x: outer.curve(x),
        lambda x: outer.middle.inner._impl.curve(x),
        lambda x: outer.Curve()(x),
        lambda x: outer.middle.exponential(x),
        outer.curve,
    ]
    for f in functions:
        t = tg.trace(f, 0.75)
        assert t.value == f(0.75)
        assert t.gradients["x"] == pytest.approx(math.exp(0.75), rel=1e-15)
    modules = [module for name, module in sys.modules.items() if name.startswith("outer")]
    assert len(modules) == 4
    assert all(map(no_stand_ins, modules))
    assert type(outer.Curve.__dict__["base"]) is types.BuiltinFunctionType


def test_module_imported_for_the_first_time_inside_of_the_function(write):
    write(
        {"late_one.py": "from math import exp\nimport math\ndef curve(x):\n    return math.log(exp(exp(x)))"}
    )

    def f(x):
        import late_one

        return late_one.curve(x)

    assert "late_one" not in sys.modules
    assert tg.trace(f, 0.75).gradients == {"x": pytest.approx(math.exp(0.75))}
    assert no_stand_ins(sys.modules["late_one"])
    assert tg.trace(f, 0.75).gradients == {"x": pytest.approx(math.exp(0.75))}
    assert no_stand_ins(sys.modules["late_one"])


def test_module_imported_while_another_thread_traces(write):
    write({"late_two.py": "from math import exp\ndef curve(x):\n    return exp(x)"})
    inside, done = threading.Event(), threading.Event()

    def slow(x):
        inside.set()
        assert done.wait(10)
        return x

    def f(x):
        import late_two

        return late_two.curve(x)

    with ThreadPoolExecutor() as pool:
        future = pool.submit(tg.trace, slow, 1.0)
        assert inside.wait(10)
        assert tg.trace(f, 0.75).gradients == {"x": math.exp(0.75)}
        done.set()
        future.result()
    assert no_stand_ins(sys.modules["late_two"])


def test_module_held_by_a_closure_or_an_object(write):
    write({"held.py": "from math import exp\ndef curve(x):\n    return exp(x)"})

    def by_closure():
        import held

        return lambda x: held.curve(x)

    class Model:
        def __init__(self):
            self.library = importlib.import_module("held")

        def f(self, x):
            return self.library.curve(x)

    def by_argument(x, library=importlib.import_module("held")):  # noqa: B008
        return library.curve(x)

    for f in (by_closure(), Model().f, by_argument):
        assert tg.trace(f, 0.75).gradients == {"x": math.exp(0.75)}
    library = importlib.import_module("held")
    t = tg.trace(lambda library, x: library.curve(x), library, 0.75)
    assert t.gradients == {"x": math.exp(0.75)}
    assert no_stand_ins(library)


# ---- what happened since the last trace -----------------------------------------------------------------

helper_now = None


def through_global_helper(x):
    return helper_now(x)


def test_rebound_global_helper(monkeypatch):
    for g, derivative in [(math.exp, math.exp), (lambda x: sin(x), math.cos), (math.sinh, math.cosh)]:  # noqa: F405
        monkeypatch.setitem(globals(), "helper_now", g)
        assert tg.trace(through_global_helper, 0.5).gradients == {"x": derivative(0.5)}
        assert helper_now is g


def test_rebound_name_in_another_module(write):
    write({"changing.py": "from math import exp as g\ndef curve(x):\n    return g(x)"})
    module = importlib.import_module("changing")

    def f(x):
        return module.curve(x)

    assert tg.trace(f, 0.5).gradients == {"x": math.exp(0.5)}
    module.g = math.sin
    assert tg.trace(f, 0.5).gradients == {"x": math.cos(0.5)}
    assert module.g is math.sin
    module.extra = math.sinh
    exec("def curve(x):\n    return extra(x)", vars(module))
    assert tg.trace(f, 0.5).gradients == {"x": math.cosh(0.5)}


def test_helper_added_after_the_first_trace():
    scope = {"math": math}
    exec("def f(x):\n    return late(x) if 'late' in globals() else math.exp(x)", scope)
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.exp(0.5)}
    scope["late"] = math.sin
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.cos(0.5)}
    assert scope["late"] is math.sin


def changes_of_list(table):
    table[0] = math.sin
    yield table, math.cos
    table.insert(0, math.sinh)
    yield table, math.cosh
    table.clear()
    table.append(math.asinh)
    yield table, lambda x: 1 / math.hypot(1, x)
    table[0] = lambda x: exp(x)
    yield table, math.exp
    table[0] = functools.partial(math.sin)
    yield table, math.cos


table_now = [math.exp]


def through_global_list(x):
    return table_now[0](x)


def test_list_of_functions_changed_between_traces():
    assert tg.trace(through_global_list, 0.5).gradients == {"x": math.exp(0.5)}
    for table, derivative in changes_of_list(table_now):
        kept = list(table)
        assert tg.trace(through_global_list, 0.5).gradients["x"] == pytest.approx(derivative(0.5), rel=1e-15)
        assert list(map(id, table)) == list(map(id, kept))


def test_dict_of_functions_grown_between_traces():
    scope = {"table": {"a": math.exp}}
    exec("def f(x, key='a'):\n    return table[key](x)", scope)
    f = scope["f"]
    f.__defaults__ = None
    assert tg.trace(f, 0.5, "a").gradients == {"x": math.exp(0.5)}
    scope["table"]["b"] = math.sin
    assert tg.trace(f, 0.5, "b").gradients == {"x": math.cos(0.5)}
    assert scope["table"] == {"a": math.exp, "b": math.sin}


def test_object_changed_between_traces():
    class Model:
        def __init__(self):
            self.g = math.exp

    scope = {"model": Model(), "Model": Model}
    exec("def f(x):\n    return model.g(x)\ndef h(x):\n    return Model.k(x)", scope)
    model = scope["model"]
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.exp(0.5)}
    model.g = math.sin
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.cos(0.5)}
    assert vars(model) == {"g": math.sin}
    del model.g
    Model.g = math.sinh
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.cosh(0.5)}
    Model.k = math.exp
    assert tg.trace(scope["h"], 0.5).gradients == {"x": math.exp(0.5)}
    Model.k = math.sin
    assert tg.trace(scope["h"], 0.5).gradients == {"x": math.cos(0.5)}
    assert Model.__dict__["k"] is math.sin


def test_closure_of_a_global_helper_changed_between_traces():
    def make():
        g = math.exp

        def call(x):
            return g(x)

        def put(value):
            nonlocal g
            g = value

        return call, put

    call, put = make()
    scope = {"call": call}
    exec("def f(x):\n    return call(x)", scope)
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.exp(0.5)}
    put(math.sin)
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.cos(0.5)}
    assert call.__closure__[0].cell_contents is math.sin


def test_changed_defaults_and_code_of_a_helper():
    def helper(x, g=math.exp):
        return g(x)

    def other(x, g=None):
        return sinh(x)  # noqa: F405

    scope = {"helper": helper}
    exec("def f(x):\n    return helper(x)", scope)
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.exp(0.5)}
    helper.__defaults__ = (math.sin,)
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.cos(0.5)}
    assert helper.__defaults__ == (math.sin,)
    helper.__code__ = other.__code__
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.cosh(0.5)}


# ---- restoring --------------------------------------------------------------------------------------------


class Stop(Exception):
    pass


def test_everything_is_restored_after_an_exception():
    cell = math.exp
    table = [math.exp, {"f": functools.partial(math.exp)}]

    class Model:
        g = math.exp

    model = Model()
    model.h = math.exp

    def f(x, g=math.exp, *, h=math.sin):
        y = exp(cell(x)) + table[0](x) + table[1]["f"](x) + model.g(x) + model.h(x) + g(x) + h(x)
        raise Stop(y > 0)

    partial_before = table[1]["f"]
    for _ in range(2):
        with pytest.raises(Stop):
            tg.trace(f, 0.1)
        with pytest.raises(Stop):
            tg.grad(f)(0.1)
    assert_nothing_left()
    assert exp is cell is MATH_EXP
    assert table == [MATH_EXP, {"f": partial_before}]
    assert Model.__dict__["g"] is MATH_EXP
    assert vars(model) == {"h": MATH_EXP}
    assert f.__defaults__ == (MATH_EXP,)
    assert f.__kwdefaults__ == {"h": math.sin}


MATH_EXP = math.exp


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, RecursionError])
def test_restored_after_errors_of_all_kinds(error):
    def f(x):
        exp(x)
        raise error

    with pytest.raises(error):
        tg.trace(f, 0.1)
    assert_nothing_left()
    assert exp is MATH_EXP


class Library:
    def __init__(self):
        self.numpy = numpy


def summed(m):
    return lambda x: m.sum([x, 2 * x])


def imported(x):
    import numpy.linalg as linalg

    return linalg.norm([x, 2 * x]) * 3 / 5**0.5


#: how a function comes to numpy -> the function, whose derivative is 3
REACHED = {
    "global": lambda x: numpy.sum([x, 2 * x]),
    "closure": summed(numpy),
    "default": lambda x, m=numpy: m.sum([x, 2 * x]),
    "iterator": lambda x: next(iter([hidden]))().sum([x, 2 * x]),
    "attribute": lambda x: Library().numpy.sum([x, 2 * x]),
    "helper": lambda x: summed(sys.modules["numpy"])(x),
    "import": imported,
    "__import__": lambda x: __import__("numpy").sum([x, 2 * x]),
    "sys.modules": lambda x: sys.modules["numpy"].sum([x, 2 * x]),
    "by its name": lambda x: eval("there.sum([x, 2 * x])", {"x": x, "there": globals()["numpy"]}),
    "partial": functools.partial(lambda m, x: m.sum([x, 2 * x]), numpy),
}
hidden = functools.partial(next, itertools.repeat(numpy))


@pytest.mark.parametrize("way", REACHED)
def test_numpy_from_wherever_it_is_reached(way):
    f = REACHED[way]
    assert tg.grad(f)(0.5) == pytest.approx(3.0)
    assert tg.grad(lambda x: math.exp(tg.grad(f)(2.0 + x) * x))(0.0) == pytest.approx(3.0)


class Put:
    """Stands for the names of numpy's modules, and says what is put in there."""

    def __init__(self):
        self.names = []

    def update(self, names):
        self.names += names


def squared(x):
    return math.pow(x, 2.0) * abs(float(x)) / max(x, 0.1)


class Circle:
    rate = 3.0

    def area(self, x):
        return squared(x) * self.rate


@pytest.mark.parametrize(
    "f", [squared, Circle().area, lambda x: Circle().area(x), lambda x, f=math.exp: f(x)]
)
def test_numpy_is_left_alone_where_nothing_reaches_it(f, monkeypatch):
    """Putting its stand-ins in and out again would take a good part of the time of a short trace."""
    put = Put()
    monkeypatch.setattr(intercept, "PATCHES", [*intercept.PATCHES, (put, {"in": 1}, {"out": 0})])
    tg.trace(f, 0.5)
    assert put.names == []
    tg.trace(lambda x: tg.grad(lambda y: numpy.sum([x, f(y)]))(x), 0.5)
    tg.trace(lambda x, a: f(x) * a, 0.5, numpy.ones(2))
    assert put.names == ["in", "out"] * 2


def test_error_while_the_search_is_under_way():
    class Hostile:
        def __getattribute__(self, name):
            raise Stop(name)

    hostile = Hostile()
    with pytest.raises(Stop):
        tg.trace(lambda x: (hostile, exp(x)), 0.1)
    assert_nothing_left()


@pytest.mark.parametrize("step", ["exp(-float(x))", "numpy.sum([x, -x / 2])"])
def test_restored_after_interrupts_at_any_moment(step):
    """In a process of its own, for the signal would also interrupt the test runner."""
    script = """
    import numpy, random, signal, sys
    from math import exp
    sys.path.insert(0, {folder!r})
    import tracegrad as tg
    from restored import assert_nothing_left

    def interrupt(*_):
        raise KeyboardInterrupt

    def f(x):
        for _ in range(5):
            x = {step}
        return x

    tg.grad(tg.grad(f))(0.5)
    signal.signal(signal.SIGALRM, interrupt)
    rng = random.Random(0)
    for _ in range(300):
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 2e-3))
            while True:
                tg.grad(tg.grad(f))(0.5)
        except KeyboardInterrupt:
            assert_nothing_left()
    """
    script = textwrap.dedent(script).format(folder=str(Path(__file__).parent), step=step)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_what_the_function_binds_meanwhile_stays():
    scope = {"g": math.exp, "math": math}
    exec("def f(x):\n    global g\n    y = g(x)\n    g = 'done'\n    return y", scope)
    assert tg.trace(scope["f"], 0.5).gradients == {"x": math.exp(0.5)}
    assert scope["g"] == "done"


def test_list_reordered_by_the_function_holds_no_stand_in():
    table = [math.exp, math.sin]

    def f(x):
        y = table[0](x)
        table.reverse()
        return y

    assert tg.trace(f, 0.5).gradients == {"x": math.exp(0.5)}
    assert table == [math.sin, math.exp]
    assert not list(filter(_is_stand_in, table))


def test_stand_in_that_the_function_keeps_is_replaced_with_the_next_trace():
    scope = {"math": math}
    exec("def f(x):\n    global g\n    from math import exp as g\n    return g(x)", scope)
    for _ in range(2):
        assert tg.trace(scope["f"], 0.5).gradients == {"x": math.exp(0.5)}
        assert scope["g"](0.5) == math.exp(0.5)
    tg.trace(lambda x: scope["f"](x), 0.5)


# ---- the builtins and names that users have of their own ---------------------------------------------------


def test_builtins_of_the_user_s_own():
    scope = {"sum": lambda values: max(values), "max": max}
    exec("def f(x, y):\n    return sum([x, y])", scope)
    assert tg.trace(scope["f"], 1.0, 2.0).gradients == {"x": 0.0, "y": 1.0}
    exec("def f(x, y):\n    max = lambda *v: v[0]\n    return max(x, y)", scope)
    assert tg.trace(scope["f"], 1.0, 2.0).gradients == {"x": 1.0, "y": 0.0}


def test_classes_made_meanwhile_derive_from_the_classes_themselves():
    def f(x):
        class Level(float, enum.Enum):
            HIGH = 2.0

        class Real(float):
            def doubled(self):
                return 2 * self

        class Meta(type):
            def __call__(cls, value):
                made = super().__call__()
                made.value = float(value)
                return made

        class Holder(metaclass=Meta):
            pass

        class Plain(metaclass=type):  # noqa: UP050
            pass

        made = type("Made", (float,), {"tripled": lambda self: 3 * self})
        kinds = [Level, Real, Meta, Holder, Plain, made]
        names = [
            (kind.__module__, [base.__name__ for base in kind.__mro__], type(kind).__name__) for kind in kinds
        ]
        return names, Level.HIGH * Real(3.0).doubled() * made(1.0).tripled() * Holder(x).value

    t = tg.trace(f, 1.5)
    assert t.value == f(1.5)
    assert t.backward({"[1]": 1.0}).gradients == {"x": 36.0}
    assert_nothing_left()


def test_decimal_and_json_of_plain_numbers_inside_of_a_trace():
    def f(x, plain):
        text = json.dumps({"a": [plain, None, True], "b": int(plain)}, indent=1)
        again = json.loads(json.dumps(json.loads(text), default=str))
        d = decimal.Decimal("0.5") + Decimal(str(plain)) + Decimal.from_float(plain)
        kinds = [
            type(d) is Decimal,
            type(d) is decimal.Decimal,
            isinstance(d, (int, Decimal)),
            issubclass(Decimal, object),
            {Decimal: 1}[type(d)],
            type(type(d)) is type,
        ]
        match d:
            case Decimal():
                kinds.append("matched")

        class Money(Decimal):
            pass

        whole = (
            eval("plain * 2") + eval("plain + y", {"plain": plain}, {"y": 1.0}) + ast.literal_eval("[1.5]")[0]
        )
        kinds += [
            Money("1.5"),
            issubclass(Money, Decimal),
            Fraction("1/3"),
            copy.deepcopy(d),
            pickle.loads(pickle.dumps(d)),
        ]
        return again, d, kinds, whole, x * float(d)

    t = tg.traced(wrt=["x"])(f).trace(1.5, 2.25)
    assert t.value == f(1.5, 2.25)
    assert t.backward({"[4]": 1.0}).gradients == {"x": 5.0}
    assert_nothing_left()
    assert decimal.Decimal is Decimal
    assert json.encoder._make_iterencode.__module__ == "json.encoder"


def test_eval_sees_what_the_builtin_sees():
    def f(x):
        y = 2.0
        inner = eval("x * y")
        assigned = eval("(y := 5.0)")
        there = [eval("z + 1", {"z": z}) for z in (1.0, 2.0)]
        nested = eval("lambda w: w * 3")(x)
        return (
            inner
            + y
            + assigned
            + sum(there)
            + nested
            + eval(compile("x", "<text>", "eval"))
            + eval("1", None, {})
        )

    assert tg.trace(f, 1.5).value == f(1.5)
    assert tg.grad(f)(1.5) == 6.0


def test_class_of_a_number_and_type_of_it_in_one_module():
    def f(x):
        by_attribute = x.__class__ is float
        by_call = type(x) is float
        both = type(x) is (1.5).__class__
        return by_attribute, by_call, both, type(type(x)) is type

    assert tg.trace(f, 1.5).value == (True,) * 4


def test_no_builtin_stays_in_the_namespace():
    scope = {}
    exec("def f(x, y):\n    return sum([x, y]) + max(x, y) + min(x, y) + float(x)", scope)
    before = dict(scope)
    assert tg.trace(scope["f"], 1.0, 2.0).gradients == {"x": 3.0, "y": 2.0}
    assert scope == before


def test_annotations_looked_at_meanwhile_are_the_classes_themselves(write):
    write(
        {
            "annotated.py": """
                import decimal, inspect
                class Point:
                    x: float
                def half(x: float) -> float:
                    return x / float(2)
                def exact(x: decimal.Decimal): ...
                def f(x: float) -> float:
                    for one in (half, exact, f):
                        inspect.signature(one)
                    return half(x) if Point.__annotations__ else float(x)
            """
        }
    )
    import annotated

    for _ in range(2):
        assert tg.trace(annotated.f, 3.0).gradients == {"x": 0.5}
        assert tg.trace(annotated.f, x=3.0).gradients == {"x": 0.5}
    assert annotated.Point.__annotations__["x"] is float
    for function in (annotated.half, annotated.f):
        assert all(named is float for named in function.__annotations__.values())
    assert annotated.exact.__annotations__["x"] is Decimal


@pytest.mark.skipif(sys.version_info < (3, 14), reason="there a definition evaluates its annotations")
def test_annotations_need_not_name_what_is_there(write):
    write(
        {
            "unfinished.py": """
                class Point:
                    def double(self, x: Missing, factor: float = 2.0) -> Missing:
                        return x * factor
                def f(x: Missing, scale: float = 3.0) -> Missing:
                    return Point().double(x) * float(scale)
            """
        }
    )
    import unfinished

    assert tg.trace(unfinished.f, 3.0).gradients == {"x": 6.0, "scale": 6.0}
    assert tg.grad(unfinished.Point().double)(3.0) == 2.0
    with pytest.raises(NameError):
        unfinished.f.__annotations__  # noqa: B018


@pytest.mark.skipif(sys.version_info < (3, 15), reason="there are no such imports")
def test_names_imported_when_they_are_used_hold_no_stand_in(write):
    write(
        {
            "late.py": "from math import exp as e\ndef double(x):\n    return 2 * e(x)",
            "lazily.py": """
                lazy from late import e, double
                lazy import late
                def f(x):
                    return e(x) + double(x) + late.e(x)
            """,
        }
    )
    import lazily

    assert tg.trace(lazily.f, 0.0).gradients == {"x": 4.0}
    assert lazily.e is math.exp
    assert sys.modules["late"].e is math.exp
    assert tg.trace(lazily.f, 0.0).gradients == {"x": 4.0}
    assert lazily.e is math.exp


# ---- threads, tasks, nesting -------------------------------------------------------------------------------


def work(x, g=math.exp):
    y = x
    for _ in range(20):
        y = math.sin(y) + g(-y) * exp(y) + namespace.exp(-y)
    return y


def test_tracing_threads_beside_a_plain_one():
    expected = work(0.3)
    gradient = tg.grad(work)(0.3)
    stop, wrong = threading.Event(), []
    start = threading.Barrier(5)

    def plain():
        start.wait()
        while not stop.is_set():
            if (type(work(0.3)), work(0.3)) != (float, expected):
                wrong.append("plain")

    def tracing():
        start.wait()
        for _ in range(30):
            t = tg.trace(work, 0.3)
            if (t.value, t.gradients) != (expected, {"x": gradient}):
                wrong.append(t)

    plain_thread = threading.Thread(target=plain)
    threads = [threading.Thread(target=tracing) for _ in range(4)]
    for thread in [plain_thread, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    plain_thread.join()
    assert not wrong
    assert exp is MATH_EXP
    assert namespace.exp is MATH_EXP
    assert work.__defaults__ == (MATH_EXP,)


def test_one_thread_ends_while_another_is_inside():
    inside, proceed = threading.Event(), threading.Event()

    def slow(x):
        inside.set()
        assert proceed.wait(10)
        return exp(x) + namespace.exp(x)

    with ThreadPoolExecutor() as pool:
        future = pool.submit(tg.trace, slow, 0.5)
        assert inside.wait(10)
        assert tg.trace(lambda x: exp(x) + namespace.exp(x), 0.5).gradients == {"x": 2 * math.exp(0.5)}
        assert exp(1) == MATH_EXP(1)
        proceed.set()
        assert future.result().gradients == {"x": 2 * math.exp(0.5)}


def test_threads_inside_of_a_traced_function():
    def f(x):
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda k: exp(k * x), [1, 2, 3]))

    t = tg.trace(f, 0.5)
    assert t.value == f(0.5)
    assert t.gradients == {"x": pytest.approx(sum(k * math.exp(k * 0.5) for k in (1, 2, 3)))}


def test_asyncio_tasks():
    async def one(k):
        await asyncio.sleep(0)
        t = tg.trace(lambda x: exp(k * x), 0.5)
        await asyncio.sleep(0)
        return t.gradients["x"]

    async def many():
        return await asyncio.gather(*(one(k) for k in range(5)))

    assert asyncio.run(many()) == [k * math.exp(k * 0.5) for k in range(5)]


def test_asyncio_inside_of_a_traced_function():
    async def term(x, k):
        await asyncio.sleep(0)
        return exp(k * x)

    async def total(x):
        return sum(await asyncio.gather(*(term(x, k) for k in (1, 2))))

    def f(x):
        return asyncio.run(total(x))

    t = tg.trace(f, 0.5)
    assert t.value == f(0.5)
    assert t.gradients == {"x": math.exp(0.5) + 2 * math.exp(1.0)}


def test_coroutine_and_generator_functions_are_refused():
    async def coroutine(x):
        return exp(x)

    def generator(x):
        yield exp(x)

    for f, kind in [(coroutine, "coroutine"), (generator, "generator")]:
        with pytest.raises(tg.TraceError, match=f"returned a {kind}, whose body has not run yet"):
            tg.trace(f, 1.0)


def test_trace_inside_of_a_trace():
    inner = []

    def f(x):
        t = tg.trace(lambda v: exp(v) * v, 2.0)
        inner.append(t)
        return exp(x) * t.gradients["v"]

    t = tg.trace(f, 0.5)
    slope = math.exp(2.0) * 3
    assert inner[0].gradients["v"] == pytest.approx(slope)
    assert t.gradients == {"x": pytest.approx(math.exp(0.5) * slope)}
    assert_nothing_left()


def test_failing_trace_inside_of_a_trace():
    def broken(v):
        exp(v)
        raise Stop

    def f(x):
        with pytest.raises(Stop):
            tg.trace(broken, 2.0)
        return exp(x)

    assert tg.trace(f, 0.5).gradients == {"x": math.exp(0.5)}


# ---- numba ----------------------------------------------------------------------------------------------


def test_with_numba_loaded_math_stays_untouched(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", types.ModuleType("numba"))
    seen = []
    here = sys.modules[__name__]

    def f(x):
        seen.append(vars(here.__dict__["sys"].modules["math"])["exp"])
        return math.exp(x) + exp(x) + module_again.exp(x)

    t = tg.trace(f, 0.5)
    assert seen == [MATH_EXP]
    assert t.gradients == {"x": 3 * math.exp(0.5)}
    assert module_again is math


def test_with_numba_loaded_other_ways_to_the_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", types.ModuleType("numba"))
    m = math

    class Model:
        library = math

        def __init__(self):
            self.own = math

    model = Model()

    def f(x, d=math):
        return m.exp(x) + d.exp(x) + model.own.exp(x) + Model.library.exp(x)

    assert tg.trace(f, 0.5).gradients == {"x": 4 * math.exp(0.5)}
    assert m is Model.library is model.own is f.__defaults__[0] is sys.modules["math"]


def test_import_of_math_inside_of_the_function_is_loud_with_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", types.ModuleType("numba"))

    def f(x):
        import math

        return math.exp(x)

    with pytest.raises(tg.EscapeError, match=r"`math.exp\(x\)`.* call it through tracegrad.math"):
        tg.trace(f, 0.5)


# ---- odds and ends ----------------------------------------------------------------------------------------


def test_stand_ins_look_like_the_originals():
    def f(x):
        names = [math.exp.__name__, exp.__name__, math.exp.__doc__, math.log.__name__, math.exp.__module__]
        return x, names

    plain = [MATH_EXP.__name__, MATH_EXP.__name__, MATH_EXP.__doc__, math.log.__name__, "math"]
    assert tg.trace(f, 0.5).value == (0.5, plain)


def test_plain_numbers_inside_of_a_trace_get_plain_results():
    def f(x):
        parts = [math.exp(1), exp(2), math.hypot(3, 4), math.floor(2.5), sum([1, 2]), max(1, 2), float("2.5")]
        assert [type(part) for part in parts] == [float, float, float, int, int, int, float]
        return x * math.fsum(parts)

    assert tg.trace(f, 1.0).value == f(1.0)


def test_errors_of_stand_ins_are_those_of_the_originals():
    calls = [
        lambda x: math.exp("text"),
        lambda x: math.sqrt(-x),
        lambda x: math.log(x - x),
        lambda x: math.exp(1000 * x),
        lambda x: math.hypot("a", x),
        lambda x: max(),
        lambda x: max([]),
        lambda x: sum(5),
        lambda x: sum([x, "a"]),
        lambda x: math.fsum(["a"]),
        lambda x: math.gcd(x, 2),
        lambda x: math.factorial(-x),
        lambda x: math.pow(-x, 0.5),
        lambda x: math.dist([x], [x, x]),
    ]
    for f in calls:
        with pytest.raises((TypeError, ValueError, OverflowError, AttributeError)) as plain:
            f(1.0)
        with pytest.raises(type(plain.value)) as traced:
            tg.trace(f, 1.0)
        assert (type(traced.value), str(traced.value)) == (type(plain.value), str(plain.value))


def test_wrong_numbers_of_arguments_are_type_errors():
    for f in (
        lambda x: math.exp(),
        lambda x: math.log(1, 2, 3),
        lambda x: math.sin(x, x),
        lambda x: math.sin(x=x),
    ):
        with pytest.raises(TypeError):
            tg.trace(f, 1.0)


def test_big_containers_and_unrelated_objects_are_left_alone():
    numbers = list(range(100_000))
    with Path(__file__).open() as handle:
        f = lambda x: exp(x) + numbers[3] + (handle is None)  # noqa: E731
        assert tg.trace(f, 0.5).gradients == {"x": math.exp(0.5)}
    assert len(numbers) == 100_000


def test_circles_of_references():
    class Item:
        pass

    a, b = Item(), Item()
    a.other, b.other, a.g = b, a, math.exp
    table = [a]
    table.append(table)
    assert tg.trace(lambda x: table[1][0].other.other.g(x), 0.5).gradients == {"x": math.exp(0.5)}
    assert a.g is math.exp


def test_deeply_nested_containers():
    deep = [math.exp]
    for _ in range(5000):
        deep = [deep]

    def f(x):
        found = deep
        while isinstance(found, list):
            found = found[0]
        return found(x)

    assert tg.trace(f, 0.5).gradients == {"x": math.exp(0.5)}


def test_what_cannot_be_found_is_loud():
    # the contents of an iterator can only be seen by taking them out
    hidden = iter([math.exp])
    with pytest.raises(tg.EscapeError, match=r"test_intercept.py:\d+ in .*: `next\(hidden\)\(x\)`"):
        tg.trace(lambda x: next(hidden)(x), 0.5)


def test_scripts_run_as_main(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from math import exp\nimport tracegrad as tg\n\ndef f(x):\n    return exp(x)\n\n"
        "if __name__ == '__main__':\n    print(tg.grad(f)(0.0), tg.trace(f, 0.0).gradients, exp.__class__.__name__)\n"
    )
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert run.stdout == "1.0 {'x': 1.0} builtin_function_or_method\n"
