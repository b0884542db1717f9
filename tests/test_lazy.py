"""Rows made on demand are the tuple of these rows, and no row is made that nobody asks for."""

from __future__ import annotations

import copy
import math
import pickle

import pytest

import tracegrad as tg
from tracegrad.lazy import LazyRows


def test_they_are_used_and_compared_as_a_tuple():
    rows = LazyRows(4, "abcd".__getitem__)
    assert (rows[0], rows[-1], rows[1:3], rows[::-1]) == ("a", "d", ("b", "c"), ("d", "c", "b", "a"))
    with pytest.raises(IndexError):
        rows[4]
    assert rows == tuple("abcd")
    assert tuple("abcd") == rows
    assert rows == LazyRows(4, "abcd".__getitem__)
    assert rows != tuple("abc")
    assert rows != list("abcd")
    assert rows != LazyRows(3, "abcd".__getitem__)
    assert (len(rows), [*rows], "b" in rows, rows.index("c"), hash(rows)) == (
        4,
        [*"abcd"],
        True,
        2,
        hash(tuple("abcd")),
    )
    assert rows[0] == "a"
    assert rows[1:] == ("b", "c", "d")
    assert repr(rows) == repr(tuple("abcd"))
    assert type(pickle.loads(pickle.dumps(rows))) is type(copy.deepcopy(rows)) is tuple


def test_a_row_is_made_when_it_is_asked_for():
    made = []
    rows = LazyRows(1000, made.append)
    assert len(rows) == 1000
    assert not made
    rows[7], rows[-1]
    assert made == [7, 999]
    assert len([*rows.passing()]) == 1000
    assert len(made) == 1002
    made.clear()
    for _ in range(2):  # gone through twice, made once
        list(rows)
    assert len(made) == 1000


def test_a_document_of_many_operations_makes_the_rows_asked_for():
    def f(x):
        for _ in range(1000):
            x = x * math.cos(x)
        return x

    document = tg.trace(f, 0.5).document
    one, same = document.nodes[-1], document.nodes[-1]
    assert one == same
    assert one is not same
    assert [node.id for node in document.nodes] == [f"n{index}" for index in range(2001)]
    assert document.nodes[-1] is document.nodes[-1]
    assert [edge.target for edge in document.edges][-2:] == ["n2000", "n2000"]
    assert document.edges[-1] == document.edges[len(document.edges) - 1]
