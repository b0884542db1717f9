"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-exports", action="store_true", help="write the gallery in exports/ anew")
