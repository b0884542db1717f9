"""A number that goes through text, or another thread, keeps its gradient or is refused."""

from __future__ import annotations

import io
import json
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import tracegrad as tg
from tracegrad.tape import WRITTEN


def by_variable(x: Any) -> Any:
    text = str(x)
    return np.float64(text) * 2.0


REFUSED: dict[str, Callable[[Any], Any]] = {
    "np.float64": lambda x: np.float64(str(x)),
    "np.float32": lambda x: np.float32(f"{x!r}"),
    "np.float64 by a variable": by_variable,
    "array": lambda x: np.array([str(x), "1.0"], dtype=float),
    "array of lists": lambda x: np.asarray([[1.0], [f"{x}"]], np.float64),
    "array of one text": lambda x: np.array(str(x), dtype=float),
    "array of texts": lambda x: np.array([str(x)]).astype(float),
    "array of bytes": lambda x: np.array([str(x).encode()]).astype(float),
    "fromstring": lambda x: np.fromstring(f"1.0,{x}", sep=","),
    "loadtxt": lambda x: np.loadtxt(io.StringIO(f"1.0 {x}")),
    "loadtxt of lines": lambda x: np.loadtxt([f"{x}", "1.0"]),
    "genfromtxt": lambda x: np.genfromtxt([f"{x}, 1.0"], delimiter=","),
}


@pytest.mark.parametrize("name", REFUSED)
def test_numpy_reads_no_number_from_the_text_of_a_traced_one(name: str) -> None:
    f = REFUSED[name]

    def careless(x: Any) -> Any:
        try:
            return x * np.sum(f(x))
        except Exception:
            return 2.0 * x

    for traced in (lambda x: x * np.sum(f(x)), careless):
        with pytest.raises(tg.EscapeError, match=r"a number would be read from '\D*0\.3456"):
            tg.trace(traced, 0.3456)
        with pytest.raises(tg.EscapeError):
            tg.grad(tg.grad(traced))(0.3456)


def test_texts_that_hold_no_traced_number_are_read() -> None:
    def f(x: Any, plain: float) -> Any:
        label = f"{x:.2f}"
        found = (
            np.array([str(plain), "1.5"], dtype=float).sum()
            + np.float64("0.25")
            + np.float64(str(plain))
            + np.loadtxt(["1.0", "2.0"]).sum()
            + complex("1+2j").imag
            + float.fromhex("0x1.8p1")
            + float("-2.5")
            + len(np.array([label, "b"]))
        )
        return x * float(found)

    assert tg.traced(wrt=["x"])(f).trace(0.3456, 0.75).value == f(0.3456, 0.75)
    assert not WRITTEN


def in_thread(f: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(f).result()


def test_text_that_another_thread_reads() -> None:
    def f(x: Any) -> Any:
        text = str(x)
        return in_thread(lambda: float(text)) * 3.0 + in_thread(lambda: float(str(x)) * x)

    t = tg.trace(f, 0.3456)
    assert t.value == f(0.3456)
    assert t.gradients == {"x": 3.0 + 2 * 0.3456}
    assert tg.grad(tg.grad(f))(0.3456) == 2.0
    assert not WRITTEN


@pytest.mark.parametrize("reader", [Decimal, json.loads, complex, eval, lambda t: np.array([t], float)])
def test_text_that_another_thread_would_take_to_pieces(reader: Callable[[str], Any]) -> None:
    def f(x: Any) -> Any:
        text, found = str(x), []

        def read() -> None:
            try:
                found.append(reader(text))
            except tg.TraceError:
                found.append(1.0)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        return x * float(complex(found[0]).real)

    with pytest.raises(tg.EscapeError, match="a number would be read from"):
        tg.trace(f, 0.3456)


def test_texts_of_other_threads_are_their_own() -> None:
    """The same digits in another thread are another number's."""

    def f(x: Any) -> Any:
        digits = str(x)[:3]
        rest = str(x)[3:]
        here, there = threading.Event(), []

        def other() -> None:
            here.wait(5)
            there.append(float("".join(["0.3", "456"])))

        thread = threading.Thread(target=other)
        thread.start()
        here.set()
        thread.join()
        return x * there[0] + len(digits + rest)

    t = tg.trace(f, 0.3456)
    assert t.value == f(0.3456)
    assert t.gradients == {"x": 0.3456}


def test_a_traced_number_beyond_a_large_document_is_found() -> None:
    def f(x: Any) -> Any:
        document = {"plain": [[float(i)] for i in range(3000)], "last": {x: 1.0}}
        try:
            return x * len(json.dumps(document))
        except TypeError:
            return math.exp(x)

    with pytest.raises(tg.EscapeError, match="written as JSON"):
        tg.trace(f, 0.3456)
