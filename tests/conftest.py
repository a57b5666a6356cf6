"""Fixtures for every test: asyncio is the loop that people run, and the home folder is left alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PHOTOS = Path(__file__).parent.parent / "examples" / "photos"


@pytest.fixture(scope="session", autouse=True)
def _folders_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sessions that a test makes with no word of a folder are not the user's, nor is the configuration."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        for name in [name for name in os.environ if name.startswith("THINKEDIT_")]:
            if not name.startswith("THINKEDIT_TEST_"):
                patch.delenv(name)
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of example photographs."""
    return PHOTOS
