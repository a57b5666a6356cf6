"""Which files a caller of the server may name.

A server works for an agent, and an agent may have been talked into asking for a file that its user never
meant to show. So a file has to lie below an allowed folder after every symbolic link has been resolved, and
no part of its path below that folder may be hidden. It is opened part by part without following links, so
that what was checked is what is read.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from thinkedit.config import Config
from thinkedit.errors import AccessError, ImageError
from thinkedit.images import ImageLimits, Loaded, load
from thinkedit.images.sources import shortened, to_path, too_large

__all__ = ["AccessPolicy", "is_file_name", "is_url", "local_policy", "remote_policy"]


_LONGEST = 16_384
"""Characters of a path or `file:` URI: systems take 4,096 bytes, each of which may be escaped."""


def is_file_name(image: str) -> bool:
    """Whether an image argument names a file, by path or `file:` URI, and not a picture by other means.

    Just what the tools take for no file (`load_image`): else a file would be read that nobody checked.
    """
    return not (image.startswith("thinkedit:") or image[:5].lower() == "data:" or is_url(image))


def is_url(image: str) -> bool:
    return image[:8].lower().startswith(("https://", "http://"))


@dataclass(frozen=True)
class AccessPolicy:
    """roots: real paths of the folders below which pictures may be named; none: no file may be.

    local: whether callers are on this machine, and so may be told where a path leads. any_model: whether one
    may name a `kind:model` that nobody configured, and so have it downloaded or paid for.
    """

    roots: tuple[Path, ...]
    advice: str
    local: bool = False
    any_model: bool = False

    def read(self, image: str, limits: ImageLimits, *, keep_metadata: bool = False) -> Loaded:
        """The picture in a file that may be named. Blocking.

        AccessError names the path, the allowed folders and the way to add one; ImageError is for a file
        that is missing or no picture, InputError for URLs.
        """
        path, real, data = self._checked(image, limits.max_bytes)
        try:
            loaded = load(data, limits, keep_metadata=keep_metadata)
        except ImageError as error:
            raise ImageError(f"{path}: {error.__cause__ or error}") from error
        return replace(loaded, name=path.name, path=str(real))

    def read_bytes(self, image: str, max_bytes: int) -> tuple[str, bytes]:
        """(name, content) of a file that may be named, not looked into. Blocking; errors as `read`."""
        path, _, data = self._checked(image, max_bytes)
        return path.name, data

    def _checked(self, image: str, max_bytes: int) -> tuple[Path, Path, bytes]:
        """(path as named, real path, content)."""
        if not self.local and image.startswith("~"):  # home folders, and who has one, are not theirs to know
            raise self._refused(image)
        if len(image) > _LONGEST:
            raise ImageError(f"{shortened(image, 100)} has {len(image):,} characters: no path has")
        path = to_path(image)
        try:
            real = Path(os.path.realpath(path))
            root = self._root_of(real)
        except (OSError, ValueError):  # what was a link a moment ago is gone, or it is no text of this system
            root = None
        if root is None:
            raise self._refused(str(path) if self.local else image)
        if real == root:
            raise ImageError(f"{path} is a folder: give the path of a picture")
        return path, real, _read_below(root, real, path, max_bytes)

    def check_models(self, config: Config, *names: str | None) -> None:
        """AccessError for a model that this caller may not name."""
        if self.any_model:
            return
        loop = config.loop
        known = {*config.models, loop.editor, loop.thinker, loop.refiner}
        for name in names:
            if name is not None and name not in known and ":" in name:
                told = ", ".join(sorted(config.models)) or "none"
                raise AccessError(
                    f"the model {shortened(name, 100)!r} may not be named over HTTP: name one that the "
                    f"operator has configured ({told}), or leave it out for the usual one"
                )

    def _root_of(self, real: Path) -> Path | None:
        for root in self.roots:
            if real.is_relative_to(root):
                below = real.relative_to(root).parts
                if not any(part.startswith(".") for part in below):
                    return root
        return None

    def _refused(self, path: str) -> AccessError:
        shown = shortened(path, 300)
        if not self.roots:
            return AccessError(f"{shown} may not be read: no files can be named here; {self.advice}")
        roots = ", ".join(map(str, self.roots))
        return AccessError(
            f"{shown} may not be read: only files below {roots} can be named, no hidden ones; {self.advice}"
        )


def local_policy(allow: Iterable[Path], output_dir: Path | None = None) -> AccessPolicy:
    """For a server that an agent host started on the user's machine (stdio).

    Below the working directory, unless that is `/` or the home folder; below the user's Pictures, Downloads
    and Desktop, the temporary folder, and where results are written; below each folder in `allow`.
    """
    usual = [
        Path.cwd(),
        *(Path(name) for name in _user_folders()),
        Path(tempfile.gettempdir()),
        *([output_dir] if output_dir is not None else []),
    ]
    narrow = [real for path in usual if not _is_too_wide(real := _real(path))]
    return AccessPolicy(
        roots=_without_doubles([*narrow, *map(_real, allow)]),
        advice="start the server with --allow FOLDER to add one, or copy the picture there",
        local=True,
        any_model=True,
    )


def remote_policy(allow: Iterable[Path]) -> AccessPolicy:
    """For a server on HTTP: no files but those below a folder in `allow`."""
    return AccessPolicy(
        roots=_without_doubles(map(_real, allow)),
        advice="send the picture with `thinkedit upload FILE` or POST /images and give the thinkedit:// URI "
        "that comes back, or start the server with --allow FOLDER",
    )


def _user_folders() -> list[str]:
    return [
        platformdirs.user_pictures_dir(),
        platformdirs.user_downloads_dir(),
        platformdirs.user_desktop_dir(),
    ]


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path.expanduser()))


def _is_too_wide(real: Path) -> bool:
    """Whether the folder is the home folder or holds it: hosts start servers there without meaning it."""
    try:
        home = _real(Path.home())
    except RuntimeError:
        return real == Path(real.anchor)
    return real == Path(real.anchor) or home.is_relative_to(real)


def _without_doubles(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(paths))


def _read_below(root: Path, real: Path, named: Path, max_bytes: int) -> bytes:
    """The bytes of `real`, opened from `root` down without following a link that appeared meanwhile."""
    try:
        file = _open_below(root, real)
    except FileNotFoundError as error:
        raise ImageError(f"{named}: there is no such file") from error
    except PermissionError as error:
        raise ImageError(f"{named} may not be read: permission denied") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise AccessError(f"{named} may not be read: it became a link while it was opened") from error
        raise ImageError(f"{shortened(str(named), 200)} cannot be read: {error.strerror or error}") from error
    try:
        _check(named, os.fstat(file), max_bytes)
        with open(file, "rb", closefd=False) as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise ImageError(f"{named} cannot be read: {error.strerror or error}") from error
    finally:
        os.close(file)
    if len(data) > max_bytes:
        raise ImageError(too_large(str(named), len(data), max_bytes))
    return data


def _check(named: Path, status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{named} is a folder: give the path of a picture")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{named} is no ordinary file (a pipe, socket or device)")
    if status.st_size == 0:
        raise ImageError(f"{named} is empty")
    if status.st_size > max_bytes:
        raise ImageError(too_large(str(named), status.st_size, max_bytes))


def _open_below(root: Path, real: Path) -> int:
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    )
    if os.open not in os.supports_dir_fd:
        return os.open(real, flags)
    *folders, last = real.relative_to(root).parts
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(last, flags | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)
