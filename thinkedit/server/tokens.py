"""Bearer tokens from a file: one caller a line, `NAME TOKEN` or `NAME sha256:HEX`.

`#` begins a comment. The file is read again whenever it changes, so that a caller whose line is gone is
refused from the next request on; a file that cannot be used any more lets nobody in.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import sys
from pathlib import Path

from thinkedit.errors import SettingsError

__all__ = ["SHORTEST", "TokenFile", "checked_name", "hashed_line", "new_token"]

log = logging.getLogger("thinkedit.server")

SHORTEST = 24
"""Characters of a token: fewer could be guessed."""

_HASHED = "sha256:"
_LARGEST = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # b64token of RFC 6750, section 2.1
_HEX = re.compile(r"[0-9a-f]{64}")

_Seen = tuple[int, ...]


def checked_name(name: str) -> str:
    """The name of a caller. SettingsError where it is none."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name[:80]!r} is no name for a caller: 1 to 64 letters, digits and . _ @ - beginning with a "
            "letter or digit"
        )
    return name


def new_token() -> str:
    """A token of 256 random bits."""
    return f"te_{secrets.token_urlsafe(32)}"


def hashed_line(name: str, token: str) -> str:
    """The line for the file, from which the token cannot be read."""
    return f"{checked_name(name)} {_HASHED}{hashlib.sha256(token.encode()).hexdigest()}"


class TokenFile:
    """The callers of the file at `path`.

    SettingsError, when it is opened, for a file that is not there, that others may read, or that has a line
    which is none; no message shows a token.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._callers, self._seen = _read(path)

    def caller(self, token: str) -> str | None:
        """The name of the caller whose token this is. Each known one is compared, in constant time."""
        self._renew()
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        found = None
        for name, known in self._callers.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def _renew(self) -> None:
        try:
            seen = _state(os.stat(self.path))
        except OSError:
            seen = ()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._callers, self._seen = _read(self.path)
        except SettingsError as error:
            self._callers = {}
            log.error("nobody is let in by a token of the file any more: %s", error)
        else:
            log.warning("read the tokens in %s again: %d callers", self.path, len(self._callers))


def _state(status: os.stat_result) -> _Seen:
    # The time of the last change to the inode too: a new text of the same length within one tick of mtime.
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)


def _read(path: Path) -> tuple[dict[str, bytes], _Seen]:
    """(digests of tokens by name, the state of the file that they were read from)."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(file, "rb") as stream:
            status = os.fstat(file)
            _check(path, status)
            text = stream.read(_LARGEST + 1).decode("utf-8")
    except OSError as error:
        raise SettingsError(f"the tokens in {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"the tokens in {path} cannot be read: it is no UTF-8 text") from error
    return _parsed(path, text), _state(status)


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"the tokens in {path} cannot be read: it is no ordinary file")
    if status.st_size > _LARGEST:
        raise SettingsError(f"{path} has {status.st_size:,} bytes, which is no file of tokens")
    if sys.platform != "win32" and status.st_mode & 0o077:
        raise SettingsError(
            f"others may use {path}, which has tokens in it (mode {status.st_mode & 0o777:o}): "
            f"chmod 600 {path}"
        )


def _parsed(path: Path, text: str) -> dict[str, bytes]:
    callers: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{path}, line {number}"
        if len(words) != 2:
            raise SettingsError(f"{where} is no NAME TOKEN: `thinkedit token NAME` makes one")
        name, token = words
        try:
            checked_name(name)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from None
        if name in callers:
            raise SettingsError(f"{where}: the caller {name!r} is there twice; give each a name of its own")
        digest = _digest(where, name, token)
        if digest in callers.values():
            raise SettingsError(f"{where}: {name!r} has the token of another caller; make a new one")
        callers[name] = digest
    if not callers:
        raise SettingsError(f"{path} names no caller: `thinkedit token NAME` makes a line for it")
    return callers


def _digest(where: str, name: str, token: str) -> bytes:
    if token.startswith(_HASHED):
        digits = token.removeprefix(_HASHED).lower()
        if not _HEX.fullmatch(digits):
            raise SettingsError(f"{where}: what follows sha256: for {name!r} is not 64 hexadecimal digits")
        return bytes.fromhex(digits)
    if len(token) < SHORTEST:
        raise SettingsError(
            f"{where}: the token of {name!r} has {len(token)} characters, at least {SHORTEST} are wanted: "
            "`thinkedit token NAME` makes one"
        )
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"{where}: the token of {name!r} has other characters than letters, digits and . _ ~ + / - ="
        )
    return hashlib.sha256(token.encode()).digest()
