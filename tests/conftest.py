"""Fixtures for every test: asyncio is the loop that people run, and nothing is read from the home folder."""

from pathlib import Path

import pytest

PHOTOS = Path(__file__).parent.parent / "examples" / "photos"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of example photographs."""
    return PHOTOS
