"""Expressions of generated code as syntax trees: filled in, multiplied, and written as a person would.

In: source with placeholders ``N_7`` (the value of node 7), ``D_7`` (its adjoint), ``L_7`` (all its local
gradients).  Out: source with names.  Read
:func:`product` first: it is the chain rule, with what is exactly 1 left out and minus signs gathered.

All of it is exact: ``1.0 * a`` is ``a`` where ``a`` is a float, and a minus sign commutes with the multiplication and
division of floats to the last bit.  (It does not with the whole number 0, which has no sign.)
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PLACEHOLDER = re.compile(r"[NDL]_(\d+)")


def parse(source: str) -> ast.expr:
    """The tree of an expression."""
    return ast.parse(source, mode="eval").body


def constant(value: Any) -> ast.expr:
    """A literal as a tree; infinities and nan are names of ``math``."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return parse(f"{'-' if value < 0 else ''}math.{abs(value)}")
    return ast.Constant(value)


def number_of(tree: ast.expr) -> Any:
    """The number that a tree is, ``None`` if it is none."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = number_of(tree.operand)
        return None if inner is None else -inner
    return tree.value if isinstance(tree, ast.Constant) and type(tree.value) in (int, float) else None


def name(text: str) -> ast.expr:
    return ast.Name(text, ast.Load())


def placeholders(tree: ast.expr, letter: str) -> set[int]:
    """The nodes whose values (``N``) or adjoints (``D``) an expression mentions."""
    return {
        int(node.id[2:])
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id[0] == letter and PLACEHOLDER.fullmatch(node.id)
    }


def size(tree: ast.expr) -> int:
    """How many names and numbers an expression mentions."""
    return sum(isinstance(node, (ast.Name, ast.Constant)) for node in ast.walk(tree))


class _Fill(ast.NodeTransformer):
    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)


def fill(tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
    """An expression with placeholders replaced."""
    filled: ast.expr = _Fill(known).visit(copy.deepcopy(tree))
    return filled


# ---- the chain rule ---------------------------------------------------------------------------------


class Reals:
    """Which expressions are floats for certain; ``dtype`` tells it of a node."""

    def __init__(self, dtype: Callable[[int], str]) -> None:
        self.dtype = dtype

    def __contains__(self, tree: ast.expr) -> bool:
        match tree:
            case ast.Constant(value=value):
                return isinstance(value, float)
            case ast.Name(id=id):
                return self.dtype(int(id[2:])) == "float" if id.startswith("N_") else not id.startswith("L_")
            case ast.Subscript(value=ast.Name(id=id)):
                return not id.startswith("L_")  # a seed
            case ast.UnaryOp(operand=operand):
                return operand in self
            case ast.BinOp(op=ast.Div()):
                return True
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult(), left=left, right=right):
                return left in self or right in self
            case ast.BinOp(op=ast.Pow(), left=left):
                return left in self
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=attr)):
                return attr not in {
                    "floor",
                    "ceil",
                    "trunc",
                    "comb",
                    "perm",
                    "factorial",
                    "gcd",
                    "lcm",
                    "isqrt",
                    "prod",
                }
            case ast.Attribute(value=ast.Name(id="math")) | ast.Call(func=ast.Name(id="float")):
                return True
        return False


def product(local: ast.expr, upstream: ast.expr, reals: Reals, real: bool = False) -> ast.expr:
    """Local gradient times upstream gradient; ``real`` says that the former is a float for certain.

    >>> reals = Reals(lambda index: "float")
    >>> def shown(local, upstream):
    ...     return ast.unparse(product(parse(local), parse(upstream), reals))
    >>> shown("1.0", "D_1"), shown("-1.0", "D_1"), shown("N_0", "1.0"), shown("2 * N_0", "D_1")
    ('D_1', '-D_1', 'N_0', '2 * N_0 * D_1')
    >>> shown("-(N_1 / N_0)", "-D_1"), shown("-(N_1 / N_0)", "D_1"), shown("3", "1.0")
    ('N_1 / N_0 * D_1', '-N_1 / N_0 * D_1', '3.0')
    """
    one, other = number_of(local), number_of(upstream)
    if one is not None and other is not None:
        return constant(one * other)
    if one == 1 and upstream in reals:
        return upstream
    if one == -1 and upstream in reals:
        return _signed(True, upstream, reals)
    if other in (1, -1) and (real or local in reals):
        return _signed(other < 0, local, reals)
    if other is not None:
        local, upstream = upstream, local
    return _signed(False, ast.BinOp(local, ast.Mult(), upstream), reals)


def signed(tree: ast.expr, reals: Reals) -> ast.expr:
    """An expression with at most one minus sign among its factors, at the front."""
    return _signed(False, tree, reals)


def total(one: ast.expr, other: ast.expr, reals: Reals) -> ast.expr:
    """The sum of two terms, numbers added up; ``a + -b`` is ``a - b`` to the last bit.

    >>> reals = Reals(lambda index: "float")
    >>> def shown(one, other):
    ...     return ast.unparse(total(parse(one), parse(other), reals))
    >>> shown("N_0", "-1.0 / N_1 * D_1"), shown("1.0", "2.0"), shown("1.0", "N_0")
    ('N_0 - 1.0 / N_1 * D_1', '3.0', '1.0 + N_0')
    """
    first, second = number_of(one), number_of(other)
    if first is not None and second is not None:
        return constant(first + second)
    minus, body = _split(other, reals)
    factor = number_of(_first_factor(body))
    if factor is not None and factor < 0:
        minus, body = not minus, _with_first(body, constant(-factor))
    return ast.BinOp(one, ast.Sub() if minus else ast.Add(), body)


def _first_factor(tree: ast.expr) -> ast.expr:
    while isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Mult, ast.Div)):
        tree = tree.left
    return tree


def depth(tree: ast.expr) -> int:
    """How many brackets of an expression are in one another.

    >>> depth(parse("a * (b + math.exp(-(c * d)))"))
    3
    """
    deepest = now = 0
    for letter in source(tree):
        now += (letter in "([") - (letter in ")]")
        deepest = max(deepest, now)
    return deepest


def _signed(minus: bool, tree: ast.expr, reals: Reals) -> ast.expr:
    """±tree with at most one minus sign among its factors, at the front."""
    more, body = _split(tree, reals)
    return _negative(body, reals) if minus != more else body


def _split(tree: ast.expr, reals: Reals) -> tuple[bool, ast.expr]:
    """Sign and rest of a product."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) and tree.operand in reals:
        minus, body = _split(tree.operand, reals)
        return not minus, body
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Mult, ast.Div)):
        left_minus, left = _split(tree.left, reals)
        right_minus, right = _split(tree.right, reals)
        return left_minus != right_minus, ast.BinOp(left, tree.op, right)
    return False, tree


def _negative(body: ast.expr, reals: Reals) -> ast.expr:
    """A minus sign on the first factor, if that is a float, else before the whole."""
    first = _first_factor(body)
    if first is body or first not in reals:
        return ast.UnaryOp(ast.USub(), body)
    return _with_first(body, ast.UnaryOp(ast.USub(), first))


def _with_first(body: ast.expr, first: ast.expr) -> ast.expr:
    if isinstance(body, ast.BinOp) and isinstance(body.op, (ast.Mult, ast.Div)):
        return ast.BinOp(_with_first(body.left, first), body.op, body.right)
    return first


# ---- source -----------------------------------------------------------------------------------------

_SIMPLE = r"(?:[^\W\d][\w.]*|\d[\w.]*)"
_EXPONENT = re.compile(r"(?<=\d)e\+(?=\d)")
_POWER = re.compile(rf"(?<![\w.)\]])(-?{_SIMPLE}) \*\* (-?{_SIMPLE})(?![\w.(\[])")


def source(tree: ast.expr) -> str:
    """An expression as Black and Ruff would write it, as long as it fits on a line.

    >>> source(parse("(x)**2 - (1 + (math.exp(-(y)))) ** 2"))
    'x**2 - (1 + math.exp(-y)) ** 2'
    >>> source(parse("-(x**2) * y"))
    '-(x**2) * y'
    """
    tidy = _Tidy()
    text = _EXPONENT.sub("e", _POWER.sub(r"\1**\2", ast.unparse(tidy.visit(copy.deepcopy(tree)))))
    text = re.sub("\1(\\d+)\1", lambda found: tidy.powers[int(found[1])], text)
    return re.sub("\0(\\d+)\0", lambda found: quoted(tidy.texts[int(found[1])]), text)


class _Tidy(ast.NodeTransformer):
    """Takes the texts out of an expression and leaves their numbers; two signs before a number are none."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        #: powers behind a minus sign, in brackets
        self.powers: list[str] = []

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        under = node.operand
        if (
            isinstance(under, ast.UnaryOp)
            and isinstance(under.op, ast.USub)
            and isinstance(node.op, ast.USub)
        ):
            return self.visit(under.operand)  # type: ignore[no-any-return]
        if isinstance(under, ast.BinOp) and isinstance(under.op, ast.Pow):
            self.powers.append(f"({source(node.operand)})")
            return ast.UnaryOp(node.op, name(f"\1{len(self.powers) - 1}\1"))
        inner = number_of(node.operand)
        twice = isinstance(node.op, ast.USub) and inner is not None and repr(inner).startswith("-")
        return constant(-inner) if twice else self.generic_visit(node)  # type: ignore[return-value]

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        self.texts.append(node.value)
        return name(f"\0{len(self.texts) - 1}\0")


def lines(before: str, tree: ast.expr, width: int, note: str = "") -> list[str]:
    """A statement that ends in an expression, and a note: on one line, or in parentheses, perhaps a term a line.

    >>> print("\\n".join(lines("x = ", parse("a * b - c / d + 2"), 16, "  # 7")))
    x = (
        a * b
        - c / d
        + 2
    )  # 7
    """
    text = source(tree)
    if len(before + text + note) <= width:
        return [before + text + note]
    terms = _terms(tree)
    head, inner = _last_brackets(text)
    if (
        len(terms) <= 2
        and inner
        and not _ends_in_index(tree)
        and len(before + head) <= width
        and len(inner) + 4 <= width
    ):
        return [before + head, f"    {inner}", f"{text[-1]}{note}"]
    if len(terms) > 1:
        body = [text] if len(text) + 4 <= width else terms
        return [f"{before}(", *(f"    {line}" for line in body), f"){note}"]
    opened = _opened(tree)
    if opened is not None:
        head, inside, tail = opened
        body = [source(inside)] if len(source(inside)) + 4 <= width else _terms(inside)
        return [f"{before}{head}", *(f"    {line}" for line in body), f"{tail}{note}"]
    if isinstance(tree, ast.Call):
        body = _each(tree.args, width - 4)
        if tree.keywords:
            body = [*body[:-1], body[-1].rstrip(",") + ",", *(_keyword(one) for one in tree.keywords)]
        return [f"{before}{source(tree.func)}(", *(f"    {line}" for line in body), f"){note}"]
    return [before + text + note]


def _opened(tree: ast.expr) -> tuple[str, ast.expr, str] | None:
    """What stands before and after a sum or product in brackets: a sign, an exponent, a method."""
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=ast.BinOp() as inside):
            return "-(", inside, ")"
        case ast.BinOp(left=ast.BinOp() as inside, op=ast.Pow(), right=exponent):
            return "(", inside, source(ast.BinOp(parse("_()"), ast.Pow(), exponent)).removeprefix("_(")
        case ast.Call(func=ast.Attribute(value=ast.BinOp() as inside, attr=attr)):
            return "(", inside, f"){source(ast.Call(name(f'_.{attr}'), tree.args, tree.keywords))[1:]}"
    return None


def _keyword(one: ast.keyword) -> str:
    return f"{one.arg}={source(one.value)},"


def _ends_in_index(tree: ast.expr) -> bool:
    while isinstance(tree, ast.BinOp):
        tree = tree.right
    return isinstance(tree, ast.Subscript)


def _last_brackets(text: str) -> tuple[str, str]:
    """An expression that ends in brackets: up to the opening one, and what is in them."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] in ")]") - (text[at] in "([")
        if depth == 0:
            return text[: at + 1], text[at + 1 : -1]
    return text, ""


def _each(trees: Sequence[ast.expr], width: int) -> list[str]:
    """Arguments or elements, one a line; a single list of elements keeps its brackets where it is."""
    if len(trees) == 1 and isinstance(trees[0], ast.List):
        return ["[", *(f"    {line}" for line in _each(trees[0].elts, width - 4)), "]"]
    return [line for tree in trees for line in (f"{source(tree)},",)]


def _terms(tree: ast.expr) -> list[str]:
    """The terms of a sum, or the factors of a product, with the signs before them."""
    chain = next((chain for chain in _CHAINS if isinstance(tree, ast.BinOp) and type(tree.op) in chain), ())
    found: list[str] = []
    while isinstance(tree, ast.BinOp) and type(tree.op) in chain:
        # each as the second operand of its sign, and the first as a first one: so they get their parentheses
        found.append(source(ast.BinOp(name("_"), tree.op, tree.right)).removeprefix("_ "))
        last = tree.op
        tree = tree.left
    return [source(ast.BinOp(tree, last, name("_")))[:-4], *reversed(found)] if found else [source(tree)]


_CHAINS = ((ast.Add, ast.Sub), (ast.Mult, ast.Div, ast.MatMult))


def quoted(text: str) -> str:
    """A text as a literal, in double quotes where that needs no backslash.

    >>> print(quoted("d['k']"), quoted('say "x"'))
    "d['k']" 'say "x"'
    """
    return repr(text) if '"' in text else f'"{repr(chr(39) + text)[2:-1]}"'


def key_source(key: Any) -> str:
    """A key of a dict, if it can be written; else its text."""
    if isinstance(key, str):
        return quoted(key)
    try:
        ast.literal_eval(repr(key))
    except (SyntaxError, ValueError):
        return quoted(str(key))
    return repr(key)
