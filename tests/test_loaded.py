"""A document back from a file can be drawn and exported as the trace that it came from."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import pytest

import tracegrad as tg
from tracegrad.document import Annotated
from tracegrad.errors import InputError
from tracegrad.export import MODULES


def spiral(x, turns):
    y = 1.0
    for _ in range(turns):
        y = y * math.cos(x) + x
    return y


@pytest.fixture
def trace():
    return tg.trace(spiral, 0.5, 4)


@pytest.fixture
def loaded(trace, tmp_path):
    return tg.load(trace.save(tmp_path / "f.json"))


@pytest.mark.parametrize("suffix", sorted(MODULES))
def test_a_loaded_document_saves_what_the_trace_does(suffix, trace, loaded, tmp_path):
    ours, theirs = trace.save(tmp_path / f"a{suffix}"), loaded.save(tmp_path / f"b{suffix}")
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("level", ["op", "stage", "call", "line", "auto"])
def test_a_loaded_document_folds_as_the_trace_does(level, trace, loaded):
    assert loaded.at(level) == trace.at(level)
    assert loaded.at(level, focus="y", radius=1).to_json() == trace.to_json(level=level, focus="y", radius=1)


def test_a_folded_document_is_shown_as_it_is(trace, tmp_path):
    folded = tg.load(trace.save(tmp_path / "f.json", level="line"))
    assert folded.to_dot() == trace.to_dot(level="line")
    assert folded.to_json() == trace.to_json(level="line")
    with pytest.raises(InputError, match="cannot be unfolded"):
        folded.to_dot(level="op")


def test_findings_and_source_come_from_the_document_too(trace, loaded, capsys):
    assert loaded.diagnose() == trace.diagnose()
    loaded.annotate_source()
    trace.annotate_source()
    shown = capsys.readouterr().out
    assert shown[: len(shown) // 2] == shown[len(shown) // 2 :]
    assert loaded._repr_mimebundle_()["text/plain"] == str(loaded) == str(trace)


def test_a_document_is_the_rows_it_holds(trace, loaded):
    rows = Annotated(**{field.name: getattr(loaded, field.name) for field in dataclasses.fields(loaded)})
    assert loaded == rows
    assert rows == loaded
    assert loaded == trace.document
    assert loaded != trace
    assert dataclasses.replace(loaded, note="other") != loaded
    assert pickle.loads(pickle.dumps(trace.document)) == copy.deepcopy(trace.document) == loaded
    assert repr(loaded) == "<Document of spiral at level 'op': 15 nodes, 20 edges>"
