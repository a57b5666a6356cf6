"""Reading the bytes of a picture that a caller named by path or URI."""

from __future__ import annotations

import binascii
import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pybase64

from thinkedit.errors import ImageError, InputError

__all__ = ["from_data_uri", "read", "shortened", "to_path", "too_large"]

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+):")


def shortened(text: str, length: int = 60) -> str:
    """`text` as a message may show it: on one line and not longer than `length`."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= length else f"{line[: length - 3]}..."


def too_large(called: str, size: int, limit: int) -> str:
    return (
        f"{called} has {size / 1e6:,.1f} MB, more than the limit of {limit / 1e6:,.1f} MB: "
        "save it smaller, or raise limits.image_bytes"
    )


def to_path(given: str | os.PathLike[str]) -> Path:
    """A path or `file:` URI as an absolute path, `~` expanded. InputError for any other URI."""
    text = os.fspath(given)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ImageError(f"{text!r} is no path of a picture")
    scheme = _SCHEME.match(text) if isinstance(given, str) else None
    if scheme and scheme[1].lower() == "file":
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise InputError(f"{shortened(text)} is on another machine ({parts.netloc}): give a local path")
        text = unquote(parts.path)
        if os.name == "nt":
            text = text.lstrip("/")
        if not text or "\0" in text:
            raise ImageError(f"{shortened(str(given))} is no path of a picture")
    elif scheme and scheme[1].lower() in ("http", "https"):
        raise InputError(f"{shortened(text, 200)}: URLs are not fetched here; download it and give its path")
    elif scheme and text[scheme.end() :].startswith("//"):
        raise InputError(f"{shortened(text, 200)}: {scheme[1]}: URIs cannot be read here; give a path")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ImageError(f"{shortened(text)}: there is no such home folder") from error


def read(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file of at most `max_bytes`. ImageError in one line for anything else."""
    try:
        _check(path, os.stat(path), max_bytes)
        # The path may be another file by now: not to wait at a pipe, and to look again at what was opened.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as stream:
            _check(path, os.fstat(stream.fileno()), max_bytes)
            data = stream.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read: permission denied") from error
    except OSError as error:
        raise ImageError(f"{shortened(str(path), 200)} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ImageError(f"{shortened(str(path), 200)} is no path of a picture") from error
    if len(data) > max_bytes:
        raise ImageError(too_large(str(path), len(data), max_bytes))
    return data


def from_data_uri(uri: str, max_bytes: int) -> bytes:
    """The bytes in a `data:` URI (RFC 2397), base64 or percent-encoded."""
    header, comma, body = uri.partition(",")
    if not comma:
        raise ImageError(f"{shortened(uri)} is no data: URI: there is no comma in it")
    if not header.lower().endswith(";base64"):
        if len(body) > 3 * max_bytes:
            raise ImageError(too_large(shortened(uri), len(body), max_bytes))
        return unquote_to_bytes(body)
    if len(body) * 3 // 4 > max_bytes + 3:
        raise ImageError(too_large(shortened(uri), len(body) * 3 // 4, max_bytes))
    text = "".join(unquote(body).split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return pybase64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{shortened(uri)} is not proper base64") from error


def _check(path: Path, status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{path} is a folder: give the path of a picture")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{path} is no ordinary file (a pipe, socket or device)")
    if status.st_size == 0:
        raise ImageError(f"{path} is empty")
    if status.st_size > max_bytes:
        raise ImageError(too_large(str(path), status.st_size, max_bytes))
