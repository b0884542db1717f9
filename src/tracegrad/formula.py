"""The text of a derivative: a row's rule, run on texts instead of numbers.

In: a row and the texts of its operands.  Out: Python source of its local gradients, and of the functions that these
call (:class:`Formulas`).  Read :class:`Text` first.

A rule is written once, on its row.  Here it is called with operands whose operators write source, so no formula is
written a second time.  Where a rule asks a question (``x == 0``), it is run once for each answer, and the answers
become the ``if`` statements of a small function that goes into the module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Any

from tracegrad.errors import UnsupportedError
from tracegrad.expressions import parse, source
from tracegrad.primitives import (
    ADD,
    COMPARISONS,
    DIV,
    FLOORDIV,
    MOD,
    MUL,
    NEG,
    POS,
    POWER,
    SUB,
    TABLE,
    Primitive,
    literal,
    namespace,
    partials,
    spell,
)
from tracegrad.scalars import scalar_source

#: a number where a local gradient is constant, else its source
Local = float | int | str

#: rows whose result is a float only if an operand is one; those of ``_WHOLE`` never are, all others always
_MIXED = frozenset({ADD, SUB, MUL, FLOORDIV, MOD, NEG, POS, POWER, TABLE["round_digits"]})
_WHOLE = frozenset({"frexp_exponent"})

_MOST_QUESTIONS = 100


class Text:
    """A number of which only the source is known; operators and rows make longer source of it.

    ``real`` says that it is a float for certain, so that ``1.0 *`` may be left out.
    """

    __slots__ = ("answers", "real", "source")

    def __init__(self, text: str, answers: Answers, real: bool = False) -> None:
        self.source = text
        self.answers = answers
        self.real = real

    def __str__(self) -> str:
        return self.source

    def __bool__(self) -> bool:
        return self.answers.ask(f"{self.source} != 0")

    def __mul__(self, other: Any) -> Any:
        return self if self._unchanged_by(other) else self.answers.write(MUL, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self if self._unchanged_by(other) else self.answers.write(MUL, other, self)

    def __pow__(self, other: Any) -> Any:
        if type(other) in (int, float) and other in (0, 1):
            return self if other else 1
        return self.answers.write(POWER, self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.answers.write(POWER, other, self)

    def __neg__(self) -> Any:
        return self.answers.write(NEG, self)

    def _unchanged_by(self, factor: Any) -> bool:
        return type(factor) in (int, float) and factor == 1 and (self.real or type(factor) is int)


def _operators() -> None:
    """The other operators of :class:`Text`, and its comparisons, which are questions."""
    for name, row in {"add": ADD, "sub": SUB, "truediv": DIV, "floordiv": FLOORDIV, "mod": MOD}.items():
        setattr(Text, f"__{name}__", lambda self, other, row=row: self.answers.write(row, self, other))
        setattr(Text, f"__r{name}__", lambda self, other, row=row: self.answers.write(row, other, self))
    for name in COMPARISONS:
        setattr(
            Text,
            f"__{name}__",
            lambda self, other, row=TABLE[name]: self.answers.ask(
                spell(row, "python", [str(self), written(other)])
            ),
        )


_operators()


class Answers:
    """One way through a rule: what it asked, and what it was told."""

    def __init__(self, formulas: Formulas, told: Sequence[bool] = ()) -> None:
        self.formulas = formulas
        self.told = list(told)
        self.asked: list[str] = []
        self._known: dict[str, bool] = {}

    def ask(self, question: str) -> bool:
        """The answer to a question; one that comes as a surprise is answered with yes."""
        if question not in self._known:
            self._known[question] = self.told[len(self.asked)] if len(self.asked) < len(self.told) else True
            self.asked.append(question)
        return self._known[question]

    def write(self, row: Primitive, *args: Any) -> Text:
        """The application of a row."""
        count = len(args) - len(row.params)
        operands, static = args[:count], dict(zip(row.params, args[count:], strict=True))
        text = self.formulas.call(row, [written(arg) for arg in operands], static)
        real = row.name not in _WHOLE and (row not in _MIXED or any(map(_is_real, operands)))
        return Text(text, self, real)


def written(value: Any) -> str:
    """A number or a text as source."""
    if type(value) is Text:
        return value.source
    try:
        return (
            literal(value, "python")
            if isinstance(value, (int, float))
            else scalar_source(value) or repr(value)
        )
    except ValueError:
        raise UnsupportedError(
            "a constant with more than 4300 digits is too long for a source file: compute it there from smaller ones"
        ) from None


def _is_real(value: Any) -> bool:
    return value.real if type(value) is Text else isinstance(value, float)


_RAISED = '''\
def _raised(attempt):
    """The class of the exception that a computation raises; no text where it raises none."""
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return ""'''


class Formulas:
    """Local gradients as source, with the functions they call: name -> definition."""

    def __init__(self) -> None:
        self.helpers: dict[str, str] = {}

    def call(self, row: Primitive, operands: Sequence[str], static: dict[str, Any]) -> str:
        """The application of a row; one that Python's library lacks is written out, if that can be done."""
        if row.python.startswith("tracegrad.") and not static:
            name = _helper(row)
            if name in self.helpers or self._define(
                name, row, len(operands), lambda m, out, *args: row.forward(*args), out=False
            ):
                return f"{name}({', '.join(operands)})"
        return spell(row, "python", operands, **static)

    def attempt(self, row: Primitive, operands: Sequence[str], static: dict[str, Any]) -> str:
        """What asks which exception the application of a row raises."""
        self.helpers["_raised"] = _RAISED
        return f"_raised(lambda: {self.call(row, operands, static)})"

    def local(
        self, row: Primitive, slot: int, out: Any, operands: Sequence[Any], static: Sequence[Any]
    ) -> Local:
        """The local gradient by one operand; operands are numbers or :class:`Text`.

        >>> formulas = Formulas()
        >>> x, y, out = (Text(name, Answers(formulas), real=True) for name in ("x", "y", "out"))
        >>> formulas.local(TABLE["div"], 1, out, [x, y], [])
        '-(out / y)'
        >>> formulas.local(TABLE["literal_power"], 0, out, [x], [2])
        '2 * x'
        """
        rule = row.rules[slot]  # type: ignore[index]
        if not callable(rule):
            return float(rule)
        answers = Answers(self)
        arguments = [_with(answers, arg) for arg in operands]
        found = rule(namespace(_writer(answers)), _with(answers, out), *arguments, *static)
        if not answers.asked:
            return found if isinstance(found, (int, float)) else str(found)
        if static:  # no row does: its static data would have to be in the name of the function
            raise UnsupportedError(f"the derivative of {row.name} cannot be written as source")
        name = f"{_helper(row)}_d{_formals(len(operands))[slot]}"
        return self._call_of_helper(row, name, rule, out, operands)

    def all_locals(self, row: Primitive, out: Any, operands: Sequence[Any]) -> list[Local] | str:
        """The local gradients of a gate, or the call that gives all of them.

        >>> formulas = Formulas()
        >>> x, out = (Text(name, Answers(formulas), real=True) for name in ("x", "out"))
        >>> formulas.all_locals(TABLE["max"], out, [x, 0.0])
        '_max_partials(out, x, 0.0)'
        >>> print(formulas.helpers["_max_partials"])
        def _max_partials(out, x, y):
            \"""Local gradients of max: a tie: all to the one that Python returns, the first.\"""
            if x == out:
                return 1.0, 0.0
            if y == out:
                return 0.0, 1.0
            return 1.0, 0.0
        """
        answers = Answers(self)
        arguments = [_with(answers, arg) for arg in operands]
        found = partials(row, namespace(_writer(answers)), _with(answers, out), arguments)
        if not answers.asked:
            return [local if isinstance(local, (int, float)) else str(local) for local in found]
        return self._call_of_helper(row, f"{_helper(row)}_partials", row.rules, out, operands)

    def _call_of_helper(self, row: Primitive, name: str, rule: Any, out: Any, operands: Sequence[Any]) -> str:
        if len(operands) > 2 or (row.variadic and len(operands) == 1):
            name = f"{name}_of_{len(operands)}"
        if name not in self.helpers:
            self._define(name, row, len(operands), rule)
        return f"{name}({', '.join(map(written, (out, *operands)))})"

    def _define(
        self, name: str, row: Primitive, count: int, rule: Callable[..., Any], out: bool = True
    ) -> bool:
        """Write the function of a rule that asks questions; whether that could be done."""
        formals = _formals(count)

        def run(answers: Answers) -> Any:
            operands = [Text(formal, answers) for formal in formals]
            return rule(namespace(_writer(answers)), Text("out", answers, real=True), *operands)

        try:
            body = self._body(run)
        except (AttributeError, TypeError):  # more than arithmetic
            return False
        what = f"Local gradient{'s' * row.variadic} of {row.name}" if out else f"The {row.name} of a number"
        note = [*_docstring(what, row.kink if out else ""), *body]
        head = f"def {name}({', '.join(['out', *formals] if out else formals)}):"
        self.helpers[name] = "\n".join([head, *(f"    {line}" if line else "" for line in note)])
        return True

    def _body(self, run: Callable[[Answers], Any], told: tuple[bool, ...] = ()) -> list[str]:
        """The statements of a rule: an ``if`` for each question, a ``return`` for each way through."""
        spine: list[tuple[str, list[str]]] = []
        while True:
            answers = Answers(self, told)
            found = run(answers)
            if len(answers.asked) > _MOST_QUESTIONS:
                raise UnsupportedError(
                    f"a gate of more than {_MOST_QUESTIONS} operands, of which its derivative asks each, cannot be "
                    "written as source: take its operands in groups"
                )
            if len(answers.asked) == len(told):
                break
            spine.append((answers.asked[len(told)], self._body(run, (*told, True))))
            told = (*told, False)
        results = found if isinstance(found, (list, tuple)) else [found]
        texts = [source(parse(written(result))) for result in results]
        lines = [f"return {', '.join(texts)}{',' * (len(texts) == 1 and results is found)}"]
        for question, yes in reversed(spine):
            lines = _if(source(parse(question)), yes, lines)
        return lines


def _if(question: str, yes: list[str], no: list[str]) -> list[str]:
    """Statements that ask a question; two that share their "no" become one."""
    inner = next((i for i, line in enumerate(yes[1:], 1) if not line.startswith(" ")), len(yes))
    if yes[0].startswith("if ") and yes[inner:] == no:
        return [f"if {question} and {yes[0][3:]}", *yes[1:inner], *no]
    return [f"if {question}:", *(f"    {line}" for line in yes), *no]


def _docstring(what: str, kink: str) -> list[str]:
    if not kink:
        return [f'"""{what}."""']
    text = f"{what}: {kink}."
    if len(text) <= 78:
        return [f'"""{text}"""']
    return [f'"""{what}.', "", *wrap(f"{kink[0].upper()}{kink[1:]}.", 84), '"""']


def _helper(row: Primitive) -> str:
    """What the name of a function for a row begins with."""
    return f"_{row.name.replace('.', '_')}"


def _formals(count: int) -> Sequence[str]:
    return "xyz"[:count] if count <= 3 else [f"x{index}" for index in range(count)]


def _with(answers: Answers, operand: Any) -> Any:
    """An operand that asks its questions there."""
    return Text(operand.source, answers, operand.real) if type(operand) is Text else operand


def _writer(answers: Answers) -> Callable[[Primitive], Callable[..., Any]]:
    """What a rule's ``m`` is made of: functions that write source, and compute what holds no text."""

    def write(row: Primitive) -> Callable[..., Any]:
        def function(*args: Any) -> Any:
            if any(type(arg) is Text for arg in args):
                return answers.write(row, *args)
            return row.forward(*args)

        return function

    return write
