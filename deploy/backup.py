"""Back up a data folder while servers use it: python backup.py DATA TARGET

Checkpoints first, then sessions, then pictures: what is copied earlier refers to what is copied later, and
a session that is a little ahead of its checkpoints goes on without repeating a recorded call. Into a target
that is there already go only new pictures; none is deleted from it. Where `database` is Postgres, this copies
the pictures, and pg_dump the rest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
from pathlib import Path

DATABASES = ("checkpoints.sqlite", "sessions.sqlite")


def copy_database(source: Path, target: Path) -> None:
    """A snapshot as of one moment, of a database that others write to."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(source, timeout=60)) as db:
        db.execute("VACUUM INTO ?", (str(part),))
    os.replace(part, target)


def copy_store(source: Path, target: Path) -> int:
    """How many files were new. A file is named by its content and never changes."""
    new = 0
    for path in source.rglob("*"):
        kept = target / path.relative_to(source)
        if not path.is_file() or path.is_relative_to(source / "tmp") or kept.exists():
            continue
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.part")
        try:
            shutil.copy2(path, part)
        except FileNotFoundError:  # deleted in this very moment, with its session
            continue
        os.replace(part, kept)
        new += 1
    return new


def back_up(data: Path, target: Path) -> int:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in DATABASES:
        if (data / name).exists():
            copy_database(data / name, target / name)
    return copy_store(data / "store", target / "store")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    copied = back_up(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{sys.argv[2]}: the databases, and {copied} new pictures and records")
