"""LaTeX: an expression as a formula, with the names in it or with numbers in their place.

Without a backslash before punctuation (``\\,`` ``\\_``), which Markdown would take for an escape of its own.
"""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Mapping, Sequence
from typing import Any

from tracegrad.export.numerals import short
from tracegrad.expressions import source
from tracegrad.scalars import KINDS_OF_NUMBERS
from tracegrad.structures import Array

#: functions that have a sign of their own
_SIGNS = {
    "math.sqrt": r"\sqrt{{{}}}", "math.cbrt": r"\sqrt[3]{{{}}}", "math.exp": "e^{{{}}}", "math.exp2": "2^{{{}}}",
    "abs": r"\left| {} \right|", "math.fabs": r"\left| {} \right|", "math.gamma": r"\Gamma\left( {} \right)",
    "math.floor": r"\lfloor {} \rfloor", "math.ceil": r"\lceil {} \rceil",
}  # fmt: skip
_NAMED = {"log": r"\ln", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"} | {
    name: rf"\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min")
}

_OF_NUMPY = {f"np.{name}": f"math.{name}" for name in ("sqrt", "cbrt", "exp", "exp2", "floor", "ceil")} | {
    "np.absolute": "abs", "np.arcsin": "math.asin", "np.arccos": "math.acos", "np.arctan": "math.atan",
}  # fmt: skip
_COMPARED = {ast.Eq: "=", ast.NotEq: r"\neq", ast.Lt: "<", ast.LtE: r"\leq", ast.Gt: ">", ast.GtE: r"\geq"}

#: arrays of so many elements are written out
_FEW = 12

_QUESTION, _SUM, _PRODUCT, _POWER, _ATOM = range(5)


def formula(tree: ast.expr, numbers: Mapping[str, Any] | None = None, float_format: str = ".4g") -> str:
    """An expression in LaTeX; ``numbers`` stand in place of names.

    >>> tree = ast.parse("1.0 / (1 + math.exp(-sigy_sum))", mode="eval").body
    >>> print(formula(tree))
    \\frac{1}{1 + e^{-\\mathit{sigy}_{\\mathit{sum}}}}
    >>> print(formula(tree, {"sigy_sum": -4}))
    \\frac{1}{1 + e^{-(-4)}}
    """
    return _Writer(numbers or {}, float_format).write(tree, _QUESTION)


def symbol(name: str) -> str:
    r"""A variable's name, with what follows an underscore as an index.

    >>> print(symbol("x"), symbol("dden"), symbol("w_0"))
    x \mathit{dden} w_{0}
    """
    first, *rest = [part for part in name.split("_") if part] or ["x"]
    index = ",".join(map(_word, rest))
    return _word(first) + (f"_{{{index}}}" if rest else "")


def _word(text: str) -> str:
    return text if len(text) == 1 or text.isdigit() else rf"\mathit{{{text}}}"


def number(value: Any, float_format: str) -> str:
    r"""A number with a few digits.

    >>> print(number(3e-05, ".4g"), number(float("-inf"), ".4g"), number(0.25, ".4g"))
    3 \cdot 10^{-5} -\infty 0.25
    """
    if isinstance(value, Array):
        return _array(value, float_format)
    if isinstance(value, (list, tuple)):
        return f"({', '.join('-' if item is None else number(item, float_format) for item in value)})"
    text = short(value, float_format)
    if text.lstrip("-") in ("inf", "nan"):
        return text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    digits, e, power = text.partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if e else digits


def _array(value: Array, float_format: str) -> str:
    """Few elements in brackets, of many the shape."""
    if value.values is None or len(value.values) > _FEW:
        return rf"\mathrm{{array}}_{{{shape(value)}}}"

    def nested(axes: tuple[int, ...], elements: Sequence[Any]) -> str:
        if not axes:
            return number(elements[0], float_format)
        step = len(elements) // axes[0] if axes[0] else 0
        rows = (nested(axes[1:], elements[i * step : (i + 1) * step]) for i in range(axes[0]))
        return f"[{', '.join(rows)}]"

    return nested(value.shape, value.values)


def shape(value: Array) -> str:
    return r" \times ".join(map(str, value.shape)) or "1"


def _plain(tree: ast.AST) -> str:
    """Source in a formula, without what LaTeX or Markdown would take for signs of their own."""
    text = re.sub(r"[^\w\s()\[\].,:+*/=<>-]|_", " ", ast.unparse(tree))
    return rf"\mathtt{{{text}}}"


class _Writer:
    def __init__(self, numbers: Mapping[str, Any], float_format: str) -> None:
        self.numbers = numbers
        self.float_format = float_format

    def write(self, tree: ast.expr, needed: int) -> str:
        """The tree, in parentheses if it binds less tightly than is needed."""
        text, binding = self._parts(tree)
        return text if binding >= needed else rf"\left( {text} \right)" if "frac" in text else f"({text})"

    def _parts(self, tree: ast.expr) -> tuple[str, int]:
        match tree:
            case ast.Constant(value=bool() | None | str() as known):
                return rf"\mathrm{{{known}}}", _ATOM
            case ast.Constant(value=types.EllipsisType()):
                return r"\ldots", _ATOM
            case ast.Constant(value=int() | float() as known):
                return self._number(known)
            case ast.Name(id=id):
                return self._number(self.numbers[id]) if id in self.numbers else (symbol(id), _ATOM)
            case ast.Attribute(value=value, attr="T"):
                return rf"{self.write(value, _ATOM)}^{{\top}}", _POWER
            case ast.Attribute(attr=attr):
                return {"inf": r"\infty", "nan": r"\mathrm{nan}"}.get(attr, symbol(attr)), _ATOM
            case ast.Subscript(value=ast.Name(id=id), slice=ast.Constant(value=key)) if id in self.numbers:
                return self._number(self.numbers[id][key])
            case ast.Subscript():
                text = source(tree)
                return (
                    self._number(self.numbers[text]) if text in self.numbers else (self._element(tree), _ATOM)
                )
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=0.0)):
                return "0", _ATOM  # what a sum starts with
            case ast.IfExp(test=test, body=body, orelse=orelse):
                parts = (self.write(one, _QUESTION) for one in (body, test, orelse))
                return r"{} \text{{ if }} {} \text{{, else }} {}".format(*parts), _QUESTION
            case ast.ListComp(elt=elt, generators=[ast.comprehension(target=target, iter=series)]):
                each = f"{self.write(target, _SUM)} \\in {self.write(series, _SUM)}"
                return rf"[{self.write(elt, _SUM)} \text{{ for }} {each}]", _ATOM
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"-{self.write(operand, _PRODUCT)}", _SUM
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(left, op, right)
            case ast.Call(func=ast.Attribute(attr=attr), args=[one]) if attr in KINDS_OF_NUMBERS:
                return self._parts(one)  # a number is one in an equation, whatever its class
            case ast.Call(func=ast.Name(id="float" | "int"), args=[one]):
                return self._parts(one)
            case ast.Call(func=ast.Attribute(attr="Fraction"), args=[above, below]):
                return self._binary(above, ast.Div(), below)
            case ast.Call(func=func, args=args):
                return self._call(ast.unparse(func), args, tree.keywords)
            case ast.List(elts=elts):
                return f"[{self._listed(elts)}]", _ATOM
            case ast.Tuple(elts=elts):
                return f"({self._listed(elts)})", _ATOM
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
                return f"{self.write(left, _SUM)} {_COMPARED[type(op)]} {self.write(right, _SUM)}", _QUESTION
        return _plain(tree), _ATOM

    def _element(self, tree: ast.expr) -> str:
        """An element, with its indices below."""
        indices: list[str] = []
        while isinstance(tree, ast.Subscript):
            text = isinstance(tree.slice, ast.Constant) and isinstance(tree.slice.value, str)
            indices.insert(0, symbol(tree.slice.value) if text else self._index(tree.slice))  # type: ignore[attr-defined]
            tree = tree.value
        if isinstance(tree, (ast.Name, ast.Attribute)):
            container = symbol(source(tree).replace(".", "_"))
        else:
            container = self.write(tree, _ATOM)
        return f"{container}[{', '.join(indices)}]"

    def _index(self, tree: ast.expr) -> str:
        if isinstance(tree, ast.Tuple):
            return ", ".join(map(self._index, tree.elts))
        if isinstance(tree, ast.Slice):
            return ":".join("" if end is None else self.write(end, _SUM) for end in (tree.lower, tree.upper))
        return self.write(tree, _SUM)

    def _number(self, value: Any) -> tuple[str, int]:
        text = number(value, self.float_format)
        return text, _SUM if text.startswith("-") else _PRODUCT if "cdot" in text else _ATOM

    def _binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> tuple[str, int]:
        match op:
            case ast.Add():
                return f"{self.write(left, _SUM)} + {self.write(right, _PRODUCT)}", _SUM
            case ast.Sub():
                return f"{self.write(left, _SUM)} - {self.write(right, _PRODUCT)}", _SUM
            case ast.Mult():
                return rf"{self._first(left)} \cdot {self.write(right, _PRODUCT)}", _PRODUCT
            case ast.Div():
                return rf"\frac{{{self.write(left, _SUM)}}}{{{self.write(right, _SUM)}}}", _PRODUCT
            case ast.MatMult():
                return rf"{self._first(left)} \mathbin{{@}} {self.write(right, _PRODUCT)}", _PRODUCT
            case ast.FloorDiv():
                return (
                    rf"\lfloor \frac{{{self.write(left, _SUM)}}}{{{self.write(right, _SUM)}}} \rfloor",
                    _ATOM,
                )
            case ast.Mod():
                return rf"{self.write(left, _POWER)} \bmod {self.write(right, _POWER)}", _SUM
            case ast.Pow():
                return f"{self.write(left, _ATOM)}^{{{self.write(right, _SUM)}}}", _POWER
        return _plain(ast.BinOp(left, op, right)), _ATOM

    def _first(self, tree: ast.expr) -> str:
        """The first factor, which may bear the sign of the product."""
        return self.write(tree, _SUM if isinstance(tree, ast.UnaryOp) else _PRODUCT)

    def _call(self, function: str, args: list[ast.expr], keywords: list[ast.keyword]) -> tuple[str, int]:
        function = _OF_NUMPY.get(function, function)
        if function == "np.array" and args:
            return self.write(args[0], _SUM), _ATOM
        if function in _SIGNS and len(args) == 1:
            return _SIGNS[function].format(self.write(args[0], _SUM)), _POWER if "^" in _SIGNS[
                function
            ] else _ATOM
        if function == "math.pow" and len(args) == 2:
            return f"{self.write(args[0], _ATOM)}^{{{self.write(args[1], _SUM)}}}", _POWER
        last = function.rpartition(".")[2].strip("_")
        spelled = _NAMED.get(last) if len(args) == 1 or last in ("max", "min") else None
        word = spelled or rf"\operatorname{{{last.replace('_', ' ')}}}"
        listed = [self._listed(args)] if args else []
        listed += [rf"\mathrm{{{one.arg}}} = {self.write(one.value, _SUM)}" for one in keywords]
        return rf"{word}\left( {', '.join(listed)} \right)", _ATOM

    def _listed(self, trees: list[ast.expr]) -> str:
        return ", ".join(self.write(tree, _SUM) for tree in trees)
