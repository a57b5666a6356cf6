"""A database that cannot be used: one line says where, what is wrong and what to do, and no password."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.ledger.server import Server
from tests.ledger.test_ledger import DONE, session
from thinkedit.config import Config, load_config
from thinkedit.errors import LedgerError, SettingsError
from thinkedit.graph.runner import open_runner
from thinkedit.ledger import Ledger

pytestmark = pytest.mark.anyio


@pytest.fixture
def closed() -> Iterator[int]:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_nobody_there_is_said_at_once(closed: int) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger(f"postgresql://me:secret@127.0.0.1:{closed}/edits")
    assert str(caught.value) == (
        f"the session database 'edits' at 127.0.0.1:{closed}: Connection refused: "
        "start it, or correct the setting 'database'"
    )


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=f"'edits' at {tmp_path}:5432: No such file or directory: start it"):
        Ledger(f"postgresql://me:secret@/edits?host={tmp_path}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sec@ret@127.0.0.1/edits",
        "postgresql://me:sec/ret@127.0.0.1/edits",
        "postgresql://me:12/ret@127.0.0.1/edits",
        "postgresql://me@127.0.0.1:ret/edits",
        "postgresql://me@127.0.0.1/edits?sekret=ret",
        "postgresql://me:%ret@127.0.0.1/edits",
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="percent-encoding") as caught:
        Ledger(url)
    assert "ret" not in str(caught.value)


def test_the_setting_is_a_url_and_its_value_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "thinkedit.toml"
    file.write_text('database = "mysql://me:secret@host/edits"\n')
    with pytest.raises(SettingsError, match="'database'") as caught:
        load_config(file)
    assert "secret" not in str(caught.value)
    file.write_text('database = "postgresql://me:secret@host/edits"\n')
    assert load_config(file).sessions == "postgresql://me:secret@host/edits"
    assert Config(data=tmp_path).sessions == tmp_path / "sessions.sqlite"


@pytest.mark.parametrize("missing", ["psycopg", "psycopg_pool"])
def test_without_the_extra_it_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import thinkedit.graph.runner\n"
        "from thinkedit.errors import MissingExtra\n"
        "from thinkedit.ledger import Ledger\n"
        "Ledger(None).close()\n"
        "try:\n    Ledger('postgresql://me@127.0.0.1/edits')\n"
        "except MissingExtra as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == ('a PostgreSQL database needs the extra "postgres": pip install "thinkedit[postgres]"\n')


def test_sqlite_alone_loads_no_client_of_postgresql() -> None:
    code = (
        "import sys, thinkedit.graph.runner\nfrom thinkedit.ledger import Ledger\nLedger(None).close()\n"
        "assert not [name for name in sys.modules if name.startswith(('psycopg', 'langgraph.checkpoint.p'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# with a server


@pytest.mark.external
@pytest.mark.parametrize(
    ("user", "password", "name", "said"),
    [
        (None, "wrong", "postgres", "password authentication failed.*: correct user and password"),
        ("stranger", None, "postgres", "authentication failed for user.*: correct user and password"),
        (None, None, "nothing", 'database "nothing" does not exist: create it with `createdb`'),
    ],
)
def test_who_is_turned_away_is_told_why(
    user: str | None, password: str | None, name: str, said: str, postgres: Server
) -> None:
    given = {key: value for key, value in (("user", user), ("password", password)) if value is not None}
    with pytest.raises(LedgerError, match=said) as caught:
        Ledger(postgres.url(name, **given))
    text = str(caught.value)
    assert text.startswith(f"the session database {name!r} at 127.0.0.1:{postgres.port}: ")
    assert "\n" not in text
    assert "wrong" not in text
    assert "correct horse" not in text


@pytest.mark.external
def test_a_user_who_may_make_no_tables(postgres: Server, database: str) -> None:
    postgres.sql("CREATE ROLE weak LOGIN PASSWORD 'weak'")
    with pytest.raises(LedgerError, match="permission denied for schema public: make its user the owner"):
        Ledger(postgres.url(database, user="weak", password="weak"))
    postgres.sql("DROP ROLE weak")


@pytest.mark.external
async def test_another_version_is_refused(postgres: Server, database: str) -> None:
    Ledger(postgres.url(database)).close()
    postgres.sql("UPDATE thinkedit SET version = 99", database=database)
    with pytest.raises(LedgerError, match="of version 99, this thinkedit reads 1: use the release"):
        Ledger(postgres.url(database))


@pytest.mark.external
async def test_a_user_who_may_only_read_and_write_is_enough_once_the_tables_are_there(
    postgres: Server, database: str, tmp_path: Path
) -> None:
    async with open_runner(Config(data=tmp_path, database=postgres.url(database))):
        pass
    postgres.sql("CREATE ROLE writer LOGIN PASSWORD 'writer'")
    postgres.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO writer", database=database)
    config = Config(data=tmp_path, database=postgres.url(database, user="writer", password="writer"))
    async with open_runner(config) as runner:
        await runner.ledger.create(session())
    postgres.sql("DROP OWNED BY writer", database=database)
    postgres.sql("DROP ROLE writer")


@pytest.mark.external
async def test_text_that_postgresql_cannot_hold_is_kept_all_the_same(postgres: Server, database: str) -> None:
    ledger = Ledger(postgres.url(database))
    await ledger.create(session())
    await ledger.claim("s")
    await ledger.update("s", why="a\0b 100 % ?")
    assert (await ledger.session("s")).why == "a\N{REPLACEMENT CHARACTER}b 100 % ?"
    long = "plan " + "long " * 2000
    await ledger.record("s", "plan", 1, 0, long, DONE)
    assert await ledger.recorded("s", "plan", 1, 0, long) == (DONE, [])
    assert await ledger.recorded("s", "plan", 1, 0, long + "er") == (None, [])
    ledger.close()


@pytest.mark.external
async def test_connections_are_few_and_named(postgres: Server, database: str) -> None:
    ledger = Ledger(postgres.url(database))
    await ledger.create(session())
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(ledger.session, "s")
    asked = "SELECT count(*), min(application_name) FROM pg_stat_activity WHERE datname = %s"
    [[count, name]] = postgres.sql(asked, database)
    assert (1 <= count <= 5, name) == (True, "thinkedit")
    ledger.close()
    assert postgres.sql(asked, database)[0][0] == 0
