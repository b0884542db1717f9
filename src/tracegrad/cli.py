"""The command line: ``tracegrad demo`` and ``tracegrad file.py:function 1.0 2.0 -o out.svg``.

``tracegrad --help`` has examples of everything.

Exit status: 0, or 1 with a message on the error stream, or 2 for arguments that make no sense.  Read :func:`main`.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from traceback import StackSummary, walk_tb
from typing import Any

import tracegrad
from tracegrad import export
from tracegrad.api import TracedFunction
from tracegrad.arguments import signature_of, title_of
from tracegrad.demo import f as staged_example
from tracegrad.errors import InputError, TracegradError
from tracegrad.provenance import in_package
from tracegrad.trace import Trace, trace

_FORMATS = ("svg", "png", "dot", "json", "py", "md")

#: options that say what is shown
_VIEW = ("level", "depth", "focus", "upstream_of", "downstream_of", "top")

_EXAMPLES = """\
examples:
  tracegrad demo                                     the staged example, explained and drawn
  tracegrad model.py:loss 3 -4                       a table: value and gradient of each statement
  tracegrad model.py:loss 3 scale=2.5 -o loss.svg    and a picture of it
  tracegrad model.py:loss 3 -4 --source --diagnose   beside the lines of the source; what is odd
  tracegrad package.module:loss "[1.0, 2.0]" --wrt x a list as argument; gradients by x alone
  tracegrad model.py:loss 3 -4 --top 30 -o loss.png  only the thirty nodes with the largest gradients
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and (":" in arguments[0] or arguments[0].endswith(".py")):
        arguments.insert(0, "trace")
    options = _parser().parse_args([_positional(argument) for argument in arguments])
    try:
        options.run(options)
        sys.stdout.flush()
    except TracegradError as error:
        print(f"tracegrad: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as by `| head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tracegrad",
        usage="tracegrad file.py:function argument ... [options]\n       tracegrad demo",
        description="See the chain rule happen in a plain Python function.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tracegrad {tracegrad.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command", prog="tracegrad")
    demo = commands.add_parser("demo", help="trace the staged example of the cs231n notes and draw it")
    demo.add_argument("-o", "--output", default="exports", metavar="DIR", help="where the files go (exports)")
    demo.set_defaults(run=_demo)
    one = commands.add_parser(
        "trace",
        usage="tracegrad file.py:function argument ... [options]",
        help="trace a function: file.py:function; the word trace may be left out",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("target", help="file.py:function or package.module:function")
    one.add_argument("arguments", nargs="*", help="Python literals, by position or as name=literal")
    one.add_argument(
        "-o", "--output", action="append", default=[], metavar="FILE",
        help=f"write this file, as often as wanted: {', '.join(sorted(export.MODULES))}",
    )  # fmt: skip
    one.add_argument(
        "--wrt", action="append", metavar="NAME", help="differentiate by this parameter or path only"
    )
    one.add_argument(
        "--seed", metavar="LITERAL", help="adjoint of the result, for results of several numbers"
    )
    one.add_argument(
        "--level",
        choices=["op", "stage", "call", "line", "auto"],
        help="fold the computation: a node for each statement, call, or line of the source",
    )
    one.add_argument("--depth", type=int, metavar="N", help="at level call, open calls down to this depth")
    one.add_argument("--focus", metavar="NAME", help="only what is near this variable")
    one.add_argument("--upstream-of", metavar="NAME", help="only what this variable was computed from")
    one.add_argument("--downstream-of", metavar="NAME", help="only what was computed from this variable")
    one.add_argument(
        "--top", type=int, metavar="N", help="only as many nodes, those with the largest gradients"
    )
    one.add_argument("--backward", action="store_true", help="print the backward pass step by step")
    one.add_argument(
        "--source", action="store_true", help="print the source with value and gradient of each line"
    )
    one.add_argument(
        "--diagnose", action="store_true", help="print where inf and nan come from, what saturates ..."
    )
    one.set_defaults(run=_trace)
    return parser


def _positional(argument: str) -> str:
    """A negative number is an argument, not an option; argparse knows only the simple ones by itself."""
    try:
        return f" {argument}" if argument.startswith("-") and float(argument) <= 0 else argument
    except ValueError:
        return argument


def _demo(options: argparse.Namespace) -> None:
    folder = Path(options.output)
    t = trace(staged_example, 3, -4)
    print(t.to_text(backward=True))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from error
    _save(t, [folder / f"demo.{suffix}" for suffix in _FORMATS])


def _trace(options: argparse.Namespace) -> None:
    for path in options.output:
        export.exporter(Path(path).suffix)  # what cannot be written is said before anything runs
    sys.path.insert(0, str(Path.cwd()))
    function = _load(options.target)
    args, kwargs = _arguments(options.arguments)
    t = _called(TracedFunction(function, options.wrt), args, kwargs)
    if options.seed is not None:
        t.backward(_literal(options.seed))
    view = {name: value for name in _VIEW if (value := getattr(options, name)) is not None}
    try:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print(t.to_text(backward=options.backward, width=width, **view))
    except InputError as error:
        hint = "; on the command line: --seed '(1.0, 0.0)'" if "t.backward(seed=" in str(error) else ""
        raise InputError(f"{error}{hint}") from None
    if options.source:
        print()
        t.annotate_source()
    if options.diagnose:
        print("", *([str(one) for one in t.diagnose()] or ["nothing is odd"]), sep="\n")
    _save(t, options.output, **view)


def _called(function: TracedFunction[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Trace:
    """The trace; what the user's own code raises is shown as Python shows it, without the frames of this package."""
    try:
        return function.trace(*args, **kwargs)
    except TracegradError:
        raise
    except Exception as error:
        frames = [frame for frame in walk_tb(error.__traceback__) if not in_package(frame[0].f_code)]
        if not frames:  # the call itself does not fit
            raise InputError(f"{error}; it is {title_of(function)}{signature_of(function)}") from None
        shown = "".join(StackSummary.extract(iter(frames)).format())
        raise InputError(f"the function raised\n{shown}{type(error).__name__}: {error}") from None


def _save(t: Trace, paths: Sequence[str | Path], **options: Any) -> None:
    written = [t.save(path, **options) for path in paths]
    if written:
        print("\nwritten: " + ", ".join(path.as_posix() for path in written))


def _load(target: str) -> Callable[..., Any]:
    place, _, name = target.rpartition(":")
    if not place:
        there = _functions(_file(Path(target))) if target.endswith(".py") else []
        name = there[0] if there else "function"
        raise InputError(f"{target} names no function: write {target}:{name}{_listed(there)}")
    try:
        module = _file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except ModuleNotFoundError as error:
        raise InputError(f"cannot import {place}: {error}") from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"there is no {name!r} in {place}{_listed(_functions(module))}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{target} is not a function but {type(found).__name__}")
    return getattr(found, "__wrapped__", found)  # type: ignore[no-any-return]


def _functions(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if inspect.isfunction(inspect.unwrap(value))]


def _listed(names: Sequence[str]) -> str:
    return f"; its functions are: {', '.join(names) or 'none'}"


def _file(path: Path) -> Any:
    """A file as a module; as for a script, its folder comes first on the import path."""
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _arguments(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in texts:
        name, sign, literal = text.partition("=")
        if sign and name.isidentifier():
            kwargs[name] = _literal(literal)
        else:
            args.append(_literal(text))
    return args, kwargs


def _literal(text: str) -> Any:
    with suppress(ValueError):  # also nan and inf
        return int(text) if text.strip("+- ").isdigit() else float(text)
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        raise InputError(f"{text.strip()!r} is not a Python literal such as 1.5, [1, 2] or 'text'") from None
