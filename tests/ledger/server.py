"""A PostgreSQL server of the tests' own, in a folder of its own, on a port of the loopback address."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["Server", "programs"]

USER, PASSWORD = "thinkedit", "correct horse"


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, or None. Debian keeps them out of PATH."""
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).resolve().parent
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return newest[-1].parent if newest else None


class Server:
    """Started by `start`; `stop` with mode "immediate" is what a crash is. It keeps its port and its data."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            names = {entry.pw_name for entry in pwd.getpwall()}
            owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ["-D", "data", "-U", USER, "--pwfile", str(secret), "--auth=scram-sha-256", "--no-sync"]
        self._do("initdb", *options, "--locale=C.UTF-8")
        self.start()

    def url(self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off -c max_connections=40"
        self._do("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._do("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def answers(self) -> bool:
        try:
            self.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def sql(self, statement: str, *values: Any, database: str = "postgres") -> list[Any]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def cut(self, database: str) -> int:
        """End every connection to the database, as an administrator can. Returns how many."""
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        return len(self.sql(ended, database))

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def _do(self, program: str, *options: str) -> None:
        with (self.folder / "said").open("w") as said:  # a pipe would be the server's too, and stay open
            done = subprocess.run(
                [self._where / program, *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=60,
                **self._as,
            )
        assert done.returncode == 0, f"{program}: {(self.folder / 'said').read_text()}"
