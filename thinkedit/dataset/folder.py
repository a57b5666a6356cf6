"""The folder of a dataset: the names of its files, and its pictures, each under the hash of its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from thinkedit.errors import ImageError, InputError, StoreError
from thinkedit.images import Picture
from thinkedit.store import Store

__all__ = [
    "FILTERED",
    "IMAGES",
    "MANIFEST",
    "RL",
    "SCORED",
    "SFT",
    "SOURCES",
    "STEPS",
    "TRAJECTORIES",
    "WORK",
    "image_path",
    "keep_file",
    "keep_picture",
    "made_folder",
    "needed",
    "read_picture",
    "workshop",
]

SOURCES = "sources.jsonl"
TRAJECTORIES = "trajectories.jsonl"
SCORED = "scored.jsonl"
FILTERED = "filtered.jsonl"
STEPS = "steps.jsonl"
SFT = "sft_train.json"
RL = "rl_train.jsonl"
MANIFEST = "manifest.json"
IMAGES = "images"
WORK = "work"

_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def made_folder(folder: Path) -> Path:
    """The folder, absolute, made where it is not there. InputError where it cannot be used."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be used for a dataset: {error.strerror or error}") from error
    return folder


def workshop(folder: Path, *parts: str) -> Path:
    """A folder below `work/`, made where it is not there. StoreError where it cannot be."""
    path = folder.joinpath(WORK, *parts)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror or error}") from error
    return path


def needed(folder: Path, name: str, command: str) -> Path:
    """The file that an earlier stage writes. InputError with the command where it is not there."""
    path = folder / name
    if not path.is_file():
        raise InputError(f"there is no {path}: run `thinkedit dataset {command}` first")
    return path


def image_path(picture: Picture) -> str:
    """Where a picture lies below the folder."""
    sha = picture.sha256
    return f"{IMAGES}/{sha[:2]}/{sha}.{_ENDINGS[picture.mime_type]}"


def keep_picture(folder: Path, picture: Picture) -> str:
    """Write a picture where it belongs, if it is not there; returns its path below the folder.

    Several processes may do so at once: a name never holds half a picture. StoreError.
    """
    name = image_path(picture)
    target = folder / name
    if not target.exists():
        _placed(target, lambda part: part.write_bytes(picture.data))
    return name


def keep_file(folder: Path, store: Store, sha: str) -> str:
    """As `keep_picture`, for a picture in a local store: the same file by another name where that can be."""
    path = store.path(sha)
    if path is None:
        return keep_picture(folder, store.get(sha))
    name = f"{IMAGES}/{sha[:2]}/{path.name}"
    target = folder / name
    if not target.exists():
        store.get(sha)  # seen to be whole before anything is said of it

        def link(part: Path) -> None:
            try:
                os.link(path, part)
            except OSError:  # another file system, or one without links
                part.write_bytes(path.read_bytes())

        _placed(target, link)
    return name


def read_picture(folder: Path, name: str, sha: str) -> Picture:
    """A picture of the folder. ImageError where it is not there, damaged or none."""
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != sha:
        raise ImageError(f"{path} is damaged: {len(data)} bytes whose hash is another than its name")
    return Picture.from_bytes(data, sha256=sha)


def _placed(target: Path, write: Callable[[Path], object]) -> None:
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            os.replace(part, target)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error
