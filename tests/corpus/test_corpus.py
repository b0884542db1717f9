"""Functions of other people's packages, traced without an edit (``pip install -e '.[corpus]'``)."""

from __future__ import annotations

from typing import Any

import pytest
from corpus import Entry, entries_of, judge, packages


def load() -> tuple[list[Entry], dict[str, ImportError]]:
    """All entries, and the files whose package is not installed."""
    found: list[Entry] = []
    absent: dict[str, ImportError] = {}
    for file in packages():
        try:
            found += entries_of(file)
        except ImportError as error:
            absent[file] = error
    return found, absent


ENTRIES, ABSENT = load()

pytestmark = pytest.mark.filterwarnings("ignore")  # those of other people's code


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_traced_as_it_is(entry: Entry) -> None:
    verdict = judge(entry)
    assert verdict.outcome == ("beyond" if entry.beyond else "right"), verdict.detail


def test_every_package_is_there() -> Any:
    from_extra = [entry for entry in ENTRIES if entry.package != "standard library"]
    if ABSENT and not from_extra:
        pytest.skip("the extra `corpus` is not installed")
    assert not ABSENT


def test_corpus_is_large() -> None:
    if ABSENT:
        pytest.skip("the extra `corpus` is not installed")
    assert len(ENTRIES) >= 70
    assert len({entry.package for entry in ENTRIES}) >= 17
