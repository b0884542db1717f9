"""Answers about code belong to the code object itself, not to one that looks the same."""

from __future__ import annotations

from types import CodeType

from tracegrad import bindings, by_code
from tracegrad.by_code import remembered
from tracegrad.instructions import is_store


def code_in(filename: str) -> CodeType:
    return compile("x = 1", filename, "exec")


def asked_by(codes: list[CodeType]) -> list[str]:
    asked: list[str] = []

    @remembered
    def file_of(code: CodeType, extra: int) -> str:
        asked.append(code.co_filename)
        return f"{code.co_filename} {extra}"

    assert [file_of(code, 1) for code in codes] == [f"{code.co_filename} 1" for code in codes]
    return asked


def test_each_code_object_has_its_own_answer():
    one, other = code_in("one.py"), code_in("other.py")
    assert one == other  # to Python
    assert asked_by([one, other, one, other]) == ["one.py", "other.py"]


def test_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(by_code, "MOST", 2)
    codes = [code_in(f"{name}.py") for name in "abc"]
    assert asked_by([*codes, codes[2], codes[0]]) == ["a.py", "b.py", "c.py", "a.py"]


def test_a_function_of_many_variables_is_read_once(monkeypatch):
    lines = [f"    v{i + 1} = v{i} * 2" for i in range(500)]
    space: dict[str, CodeType] = {}
    exec("\n".join(["def f(v0):", *lines, "    return v500"]), space)
    looks = []
    monkeypatch.setattr(bindings, "is_store", lambda one: looks.append(one) or is_store(one))
    hows = {bindings.bound_how(space["f"].__code__, f"v{i}") for i in range(1, 501)}
    assert hows == {"direct"}
    assert len(looks) < 10 * 500
