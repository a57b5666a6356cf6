"""A PostgreSQL server for the tests that are marked `external`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.ledger.server import Server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Skips where PostgreSQL is not installed, but fails where CI=true."""
    from tests.ledger.server import Server, programs

    where = programs()
    if where is None:
        reason = "PostgreSQL is not installed: run tests/external/install.sh first"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    server = Server(where)
    yield server
    server.remove()


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of a new, empty database; `postgres.url(database)` is its address."""
    name = f"test{next(_numbers)}"
    postgres.sql(f"CREATE DATABASE {name}")
    yield name
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")
