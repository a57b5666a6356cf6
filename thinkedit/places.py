"""Where a store's bytes lie: a local folder, memory, or whatever fsspec reaches. Keys are `a/b/c.ext`.

Every place writes whole values or nothing under the key, and tells what is missing by FileNotFoundError.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Folder", "Memory", "Place", "Remote"]

STALE = 3600.0
"""Seconds after which a temporary file is left from a process that was killed."""


_MODIFIED = ("mtime", "LastModified", "last_modified", "updated", "created")


class Place(Protocol):
    """Bytes by key; OSError (or what an fsspec file system raises) where it cannot be done."""

    def where(self, key: str) -> str:
        """The key as a message should name it."""
        ...

    def read(self, key: str) -> bytes: ...

    def write(self, key: str, data: bytes) -> None: ...

    def has(self, key: str, data: bytes | None = None) -> bool:
        """Whether the key is there, and, where `data` is given, whether it holds that (or looks so)."""
        ...

    def delete(self, key: str) -> None: ...

    def listing(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        """(key, bytes, modified) of everything below `prefix`; modified in seconds since 1970, 0 unknown."""
        ...


class Folder:
    """A local folder. Values are written below `tmp/` and renamed, so a key never names half a value.

    There is no fsync: after a loss of power a value may be damaged, which its reader notices by the hash.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._swept = False

    def where(self, key: str) -> str:
        return str(self.root / key)

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        if not self._swept:
            self._sweep()
        target = self.root / key
        temporary = self.root / "tmp" / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            try:
                stream = open(temporary, "xb")  # noqa: SIM115  # closed below
            except FileNotFoundError:
                temporary.parent.mkdir(parents=True, exist_ok=True)
                stream = open(temporary, "xb")  # noqa: SIM115
            with stream:
                stream.write(data)
            try:
                os.replace(temporary, target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def has(self, key: str, data: bytes | None = None) -> bool:
        path = self.root / key
        try:
            if data is None:
                return path.is_file()
            there = path.stat().st_size == len(data) and path.read_bytes() == data
            if there:
                os.utime(path)  # used again now: who prunes by age leaves it
            return there
        except FileNotFoundError:
            return False

    def delete(self, key: str) -> None:
        (self.root / key).unlink(missing_ok=True)

    def listing(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        for folder, _, names in os.walk(self.root / prefix):
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    status = path.stat()
                    yield path.relative_to(self.root).as_posix(), status.st_size, status.st_mtime

    def _sweep(self) -> None:
        self._swept = True
        for key, _, modified in list(self.listing("tmp")):
            if modified < time.time() - STALE:
                with contextlib.suppress(OSError):
                    self.delete(key)


class Memory:
    """A dictionary of this object's own; nothing is shared with other stores."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def where(self, key: str) -> str:
        return f"memory:{key}"

    def read(self, key: str) -> bytes:
        with self._lock:
            if key not in self._values:
                raise FileNotFoundError(key)
            return self._values[key][0]

    def write(self, key: str, data: bytes) -> None:
        with self._lock:
            self._values[key] = data, time.time()

    def has(self, key: str, data: bytes | None = None) -> bool:
        with self._lock:
            return key in self._values and (data is None or self._values[key][0] == data)

    def delete(self, key: str) -> None:
        with self._lock:
            self._values.pop(key, None)

    def listing(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        with self._lock:
            found = [(k, len(v), t) for k, (v, t) in self._values.items() if k.startswith(f"{prefix}/")]
        return iter(found)


class Remote:
    """Any fsspec file system. Object stores put whole objects; elsewhere a value is written, then moved."""

    WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "r2"})

    def __init__(self, fs: Any, root: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        protocol = fs.protocol
        self._whole = bool(self.WHOLE & {protocol} if isinstance(protocol, str) else self.WHOLE & {*protocol})

    def where(self, key: str) -> str:
        return str(self._fs.unstrip_protocol(self._path(key)))

    def read(self, key: str) -> bytes:
        return bytes(self._fs.cat_file(self._path(key)))

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        if self._whole:
            self._fs.pipe_file(path, data)
            return
        temporary = f"{self._root}/tmp/{secrets.token_hex(12)}"
        self._fs.makedirs(f"{self._root}/tmp", exist_ok=True)
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(temporary)
            raise

    def has(self, key: str, data: bytes | None = None) -> bool:
        try:
            self._fs.invalidate_cache()
            info = self._fs.info(self._path(key))
        except FileNotFoundError:
            return False
        return data is None or info.get("size") == len(data)

    def delete(self, key: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(key))

    def listing(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._path(prefix), detail=True)
        except FileNotFoundError:
            return
        for path, info in found.items():
            modified = next(
                (info[k] for k in ("mtime", "created", "LastModified", "updated") if k in info), 0
            )
            seconds = modified.timestamp() if hasattr(modified, "timestamp") else modified
            key = path[path.rindex(f"/{prefix}/") + 1 :]
            yield key, int(info.get("size") or 0), float(seconds if isinstance(seconds, int | float) else 0)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"
