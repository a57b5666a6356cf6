"""A content-addressed store of pictures and turn records: what is stored is named by its SHA-256.

    images/ab/ab12....png      pictures as they are, encoded
    records/cd/cd34....json    canonical JSON

Everything read is checked against its name, so a damaged file is never taken for a good one. All methods
block (callers run them in threads) and may be called from several threads and processes at once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError

from thinkedit.errors import ImageError, NotFoundError, StoreError
from thinkedit.images import Picture
from thinkedit.places import Folder, Memory, Place, Remote

__all__ = ["Store", "Stored"]

M = TypeVar("M", bound=BaseModel)

Kind = Literal["image", "record"]
KINDS: tuple[Kind, ...] = ("image", "record")

_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_SHA = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Stored:
    """One thing in a store. bytes: its size; modified: seconds since 1970, 0 where it is not known."""

    sha: str
    kind: Kind
    bytes: int
    modified: float


class Store:
    """Pictures and records by the SHA-256 of their bytes.

    url: a local folder (made when first written to), or any URL that fsspec knows (`s3://bucket/path`).
    StoreError names the path and the reason; NotFoundError is for what is not there.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = os.fspath(url)
        self._place = _place(self.url)

    @classmethod
    def in_memory(cls) -> Self:
        """A store of its own in this process's memory, gone with the object."""
        store = cls.__new__(cls)
        store.url = "memory:"
        store._place = Memory()
        return store

    @property
    def folder(self) -> Path | None:
        """Where a local store lies; it may not have been made yet. None for any other."""
        return self._place.root if isinstance(self._place, Folder) else None

    def put(self, picture: Picture) -> str:
        """Store `picture.data`; returns its SHA-256. What is there already is left, or healed if damaged."""
        key = f"images/{picture.sha256[:2]}/{picture.sha256}.{_ENDINGS[picture.mime_type]}"
        self._put(key, picture.data)
        return picture.sha256

    def get(self, sha: str) -> Picture:
        """The picture, checked. NotFoundError where there is none, StoreError where it is damaged."""
        for key in _image_keys(sha):
            if (data := self._read(key, sha)) is not None:
                try:
                    return Picture.from_bytes(data, sha256=sha)
                except ImageError as error:
                    raise StoreError(f"{self._place.where(key)} holds no picture: {error}") from error
        raise NotFoundError(f"there is no image {_shown(sha)} in {_without_password(self.url)}")

    def put_record(self, record: BaseModel) -> str:
        """Store a model as canonical JSON (sorted keys, no spaces, UTF-8); returns its SHA-256."""
        data = canonical_json(record)
        sha = hashlib.sha256(data).hexdigest()
        self._put(_record_key(sha), data)
        return sha

    def get_record(self, sha: str, model: type[M]) -> M:
        """The record as `model`, checked. NotFoundError; StoreError where it is damaged or no `model`."""
        key = _record_key(sha) if _SHA.fullmatch(sha) else None
        data = self._read(key, sha) if key else None
        if key is None or data is None:
            raise NotFoundError(f"there is no record {_shown(sha)} in {_without_password(self.url)}")
        try:
            return model.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StoreError(
                f"{self._place.where(key)} is no {model.__name__} ({where}: {first['msg']})"
            ) from error

    def has(self, sha: str) -> bool:
        """Whether an image or a record of this name is there; its content is not checked."""
        return self._key(sha) is not None

    def path(self, sha: str) -> Path | None:
        """The local file of an image or record; None where it is not there or the store is not local."""
        if not isinstance(self._place, Folder) or (key := self._key(sha)) is None:
            return None
        return self._place.root / key

    def delete(self, sha: str) -> None:
        """Remove an image or record; nothing happens where there is none."""
        while (key := self._key(sha)) is not None:
            with self._errors("deleted", key):
                self._place.delete(key)

    def listing(self) -> Iterator[Stored]:
        """Everything in the store, in no order; unfinished and foreign files are left out."""
        kinds: tuple[tuple[Literal["image", "record"], str], ...] = (
            ("image", "images"),
            ("record", "records"),
        )
        for kind, prefix in kinds:
            with self._errors("listed", prefix):
                found = list(self._place.listing(prefix))
            for key, size, modified in found:
                stem = key.rpartition("/")[2].partition(".")[0]
                if _SHA.fullmatch(stem):
                    yield Stored(stem, kind, size, modified)

    def _put(self, key: str, data: bytes) -> None:
        with self._errors("written", key):
            if not self._place.has(key, data):
                self._place.write(key, data)

    def _read(self, key: str, sha: str) -> bytes | None:
        try:
            with self._errors("read", key):
                data = self._place.read(key)
        except FileNotFoundError:
            return None
        if hashlib.sha256(data).hexdigest() != sha:
            raise StoreError(
                f"{self._place.where(key)} is damaged ({len(data)} bytes whose hash is another): "
                "delete it, or make it again"
            )
        return data

    def _key(self, sha: str) -> str | None:
        keys = (*_image_keys(sha), _record_key(sha)) if _SHA.fullmatch(sha) else ()
        for key in keys:
            with self._errors("read", key):
                if self._place.has(key):
                    return key
        return None

    @contextmanager
    def _errors(self, done: str, key: str) -> Iterator[None]:
        """StoreError for whatever the place raises, but FileNotFoundError while reading."""
        try:
            yield
        except FileNotFoundError as error:
            if done == "read":
                raise
            raise self._failed(done, key, error) from error
        except Exception as error:  # fsspec file systems raise their own libraries' errors too
            raise self._failed(done, key, error) from error

    def _failed(self, done: str, key: str, error: Exception) -> StoreError:
        number = error.errno if isinstance(error, OSError) else None
        reason = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
        advice = ""
        if number in _FULL:
            advice = ": free some space or choose another store"
        elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = ": choose a store that this user may use"
        return StoreError(
            f"{self._place.where(key)} cannot be {done}: {reason or type(error).__name__}{advice}"
        )


def canonical_json(record: BaseModel) -> bytes:
    """The same record as the same bytes: sorted keys, no spaces, UTF-8 (after RFC 8785)."""
    value = record.model_dump(mode="json", by_alias=True)
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except ValueError as error:
        raise StoreError(f"this {type(record).__name__} cannot be stored as JSON: {error}") from error


def _place(url: str) -> Place:
    scheme, separator, _ = url.partition("://")
    if not separator:
        return Folder(Path(url).expanduser().absolute())
    if scheme == "file":
        return Folder(Path(unquote(urlsplit(url).path)).absolute())
    import fsspec

    try:
        fs, root = fsspec.core.url_to_fs(url)
    except Exception as error:  # an unknown scheme, a missing package, or the file system's own objections
        reason = " ".join(str(error).split())
        hint = '; pip install "thinkedit[s3]"' if isinstance(error, ImportError) and scheme == "s3" else ""
        raise StoreError(f"{_without_password(url)} cannot be used as a store: {reason}{hint}") from error
    return Remote(fs, root)


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def _image_keys(sha: str) -> list[str]:
    return [f"images/{sha[:2]}/{sha}.{e}" for e in _ENDINGS.values()] if _SHA.fullmatch(sha) else []


def _record_key(sha: str) -> str:
    return f"records/{sha[:2]}/{sha}.json"


def _shown(sha: str) -> str:
    return sha if _SHA.fullmatch(sha) else f"{sha[:70]!r} (64 hexadecimal digits name one)"
