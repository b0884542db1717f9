"""Rows made quickly are the same as those made by their class."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from tracegrad.document import Cluster, Edge, Guard, Input, Node, Output, Site, SourceLine, Stage
from tracegrad.quick_rows import changer, maker


@pytest.mark.parametrize("cls", [Node, Edge, Stage, Cluster, Guard, Input, Output, Site, SourceLine])
def test_a_row_is_what_its_class_makes(cls):
    names = [field.name for field in dataclasses.fields(cls)]
    values = [(name,) for name in names]
    quick, plain = maker(cls)(*values), cls(**dict(zip(names, values, strict=True)))
    assert type(quick) is cls
    assert quick == plain
    assert hash(quick) == hash(plain)
    assert pickle.loads(pickle.dumps(quick)) == copy.deepcopy(quick) == plain
    assert dataclasses.replace(quick, **{names[0]: "other"}) != plain


def test_it_is_frozen():
    row = maker(Input)("x", "n0")
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.name = "y"
    assert not hasattr(row, "__dict__")


def test_all_fields_are_given():
    with pytest.raises(TypeError, match="node"):
        maker(Input)("x")


def test_a_row_is_changed_as_by_replace():
    row = Stage(id="s0", name="y", label="y = x", nodes=("n1", "n2"), cluster=None, site=None)
    quick = changer(Stage, "nodes", "name")(row, ("n2",), None)
    assert type(quick) is Stage
    assert quick == dataclasses.replace(row, nodes=("n2",), name=None)
    assert row.nodes == ("n1", "n2")
