"""What holds after every test, whatever it did: nothing that a trace has put in is still there."""

from __future__ import annotations

import pytest
from restored import assert_nothing_left


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert_nothing_left()
