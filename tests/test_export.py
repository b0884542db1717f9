"""Exporters by suffix, and files that are written whole or not at all."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import sys
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any

import json_documents
import pytest

import tracegrad as tg
from tracegrad import export
from tracegrad.errors import InputError
from tracegrad.export import json as json_exporter

EXAMPLE = json_documents.square_plus()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    def dump(annotated: Any, *, indent: int | None = None) -> str:
        raise RuntimeError("half way")

    monkeypatch.setattr(json_exporter, "pieces", dump)


def declared_suffixes() -> dict[str, str]:
    """Suffix -> module, read from the source of every exporter without importing it."""
    found: dict[str, str] = {}
    for file in files("tracegrad.export").iterdir():
        if not file.name.endswith(".py"):
            continue
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SUFFIXES":
                found |= dict.fromkeys(ast.literal_eval(statement.value), file.name.removesuffix(".py"))
    return found


# ---- the registry -----------------------------------------------------------------------------------


def test_every_exporter_is_registered() -> None:
    assert declared_suffixes() == export.MODULES


@pytest.mark.parametrize("suffix", sorted(declared_suffixes()))
def test_an_exporter_is_found_by_its_suffix(suffix: str) -> None:
    assert suffix in export.exporter(suffix).SUFFIXES
    assert export.exporter(suffix.upper()) is export.exporter(suffix)
    assert callable(export.exporter(suffix).dump)


def test_json_loads_no_picture_libraries() -> None:
    program = (
        "import sys, tracegrad as tg\n"
        "tg.trace(lambda x: x * x, 3.0).to_json()\n"
        "heavy = {'networkx', 'pydot', 'wasmtime', 'resvg_py', 'jsonschema', 'numpy'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("name", "what"), [("f.xls", "'.xls'"), ("f", "a file without a suffix")])
def test_an_unknown_suffix_lists_the_known(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        export.write(EXAMPLE, tmp_path / name)
    assert str(caught.value) == f"no exporter writes {what}; there are {', '.join(sorted(export.MODULES))}"
    assert list(tmp_path.iterdir()) == []


def test_dump_is_what_write_writes(tmp_path: Path) -> None:
    for options in ({}, {"indent": 1}):
        path = export.write(EXAMPLE, tmp_path / "f.json", **options)
        assert path.read_bytes().decode() == export.dump(EXAMPLE, ".json", **options)


def test_an_unknown_option_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^\.json has no option 'indant'; it has indent, and a trace takes .*level"
    ):
        export.write(EXAMPLE, tmp_path / "f.json", indant=2)
    assert list(tmp_path.iterdir()) == []


# ---- writing ----------------------------------------------------------------------------------------


def test_the_path_comes_back(tmp_path: Path) -> None:
    assert export.write(EXAMPLE, str(tmp_path / "f.JSON")) == tmp_path / "f.JSON"
    assert tg.load(tmp_path / "f.JSON") == EXAMPLE
    assert [path.name for path in tmp_path.iterdir()] == ["f.JSON"]


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert export.write(EXAMPLE, "f.json") == Path("f.json")
    assert tg.load("f.json") == EXAMPLE


def test_line_ends_and_encoding(tmp_path: Path) -> None:
    content = export.write(EXAMPLE, tmp_path / "f.json").read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"}\n")
    assert "×".encode() in content


def test_bytes_are_written_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_exporter, "pieces", lambda annotated: iter([b"\x89PNG\r\n"]))
    assert export.write(EXAMPLE, tmp_path / "f.json").read_bytes() == b"\x89PNG\r\n"


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_failing_exporter_changes_nothing(tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / "f.json"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(RuntimeError, match="half way"):
        export.write(EXAMPLE, path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == (
        {} if old is None else {"f.json": old}
    )


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["copymode", "replace"])
def test_a_failing_disk_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, error: BaseException
) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(b"old")

    def fail(*args: Any) -> None:
        raise error

    place = export.shutil if moment == "copymode" else Path
    monkeypatch.setattr(place, moment, fail)
    with pytest.raises(type(error)):
        export.write(EXAMPLE, path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"f.json": b"old"}


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a" / "f.json"
    with pytest.raises(InputError) as caught:
        export.write(EXAMPLE, path)
    missing = tmp_path / "a"
    assert str(caught.value) == f"cannot write {path}: there is no directory {missing}; create it first"
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.mkdir()
    with pytest.raises(InputError, match="it is a directory"):
        export.write(EXAMPLE, path)


def test_two_writers_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    threads = [
        threading.Thread(target=export.write, args=(EXAMPLE, path), kwargs={"indent": i or None})
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tg.load(path) == EXAMPLE
    assert list(tmp_path.iterdir()) == [path]


# ---- permissions, links, devices --------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    assert mode(export.write(EXAMPLE, tmp_path / "f.json")) == mode(usual)


@posix
@pytest.mark.parametrize("bits", [0o600, 0o644, 0o755])
def test_an_existing_file_keeps_its_permissions(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "f.json"
    path.touch()
    path.chmod(bits)
    assert mode(export.write(EXAMPLE, path)) == bits


@posix
def test_a_file_that_may_not_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(b"old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, how: False)  # root may write anything
    with pytest.raises(PermissionError, match=r"f\.json"):
        export.write(EXAMPLE, path)
    assert path.read_bytes() == b"old"


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_keeps_pointing(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "f.json", tmp_path / "link.json"
    if exists:
        real.write_bytes(b"old")
    link.symlink_to(real)
    assert export.write(EXAMPLE, link) == link
    assert link.is_symlink()
    assert tg.load(real) == EXAMPLE
    assert list((tmp_path / "real").iterdir()) == [real]


@posix
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    os.mkfifo(path)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(path.read_text(encoding="utf-8")))
    reader.start()
    export.write(EXAMPLE, path)
    reader.join(timeout=10)
    assert got == [export.dump(EXAMPLE, ".json")]
    assert stat.S_ISFIFO(path.stat().st_mode)


# ---- through a trace --------------------------------------------------------------------------------


def test_a_trace_saves_by_suffix(tmp_path: Path) -> None:
    t = tg.trace(lambda x, y: x * y + x, 3.0, -4.0)
    assert tg.load(t.save(tmp_path / "f.json")) == t.document
    assert (tmp_path / "f.json").read_text(encoding="utf-8") == t.to_json()
    assert t.save(tmp_path / "f.graphml").read_text(encoding="utf-8").startswith("<?xml")


def test_the_table_has_a_row_for_each_value_of_a_statement() -> None:
    def f(a: float, b: float) -> dict[str, object]:
        x, y = a * b, a + b
        return {"sum": x + y, "rest": [x, 5]}

    seed = {"sum": 1.0, "rest": [0.0, 0.0]}
    rows = tg.trace(f, 2.0, 3.0).backward(seed).to_text().splitlines()[4:]
    assert [re.split("  +", row) for row in rows] == [
        ["a", "2", "4", "input"],
        ["b", "3", "3", "input"],
        ["x", "6", "1", "x, y = a * b, a + b"],
        ["y", "5", "1", "″"],
        ["return['sum']", "11", "1", 'return {"sum": x + y, "rest": [x, 5]}'],
    ]
