"""Options of the test run, and what holds after every test: nothing that a trace has put in is still there."""

from __future__ import annotations

import pytest
from restored import assert_nothing_left


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-exports", action="store_true", help="write the gallery in exports/ anew")


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert_nothing_left()
