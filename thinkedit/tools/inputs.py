"""From what a caller gives to pictures and settings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync

from thinkedit.errors import ImageError, InputError
from thinkedit.graph import inputs
from thinkedit.graph.inputs import IMAGE_URI
from thinkedit.images import ENDINGS, ImageInput, Loaded
from thinkedit.types import Image, LoopSettings

if TYPE_CHECKING:
    from thinkedit.adapters.base import Safety
    from thinkedit.adapters.safety.called import Check
    from thinkedit.graph.runner import Runner

__all__ = [
    "IMAGE_URI",
    "a_runner",
    "checked_folder",
    "checked_output",
    "load_image",
    "loop_settings",
    "safety_name",
    "stored",
]


async def load_image(runner: Runner, image: ImageInput | Loaded, owner: str = "") -> Loaded:
    """A picture from a path, bytes, a PIL image, a `data:` or a `thinkedit://` URI, checked and normalised.

    Raises ImageError for what is not a usable picture, NotFoundError for a URI that this caller does not
    have.
    """
    return await inputs.load_image(
        runner.store,
        runner.ledger,
        image,
        owner=owner,
        limits=runner.image_limits,
        keep_metadata=runner.config.keep_metadata,
    )


async def stored(runner: Runner, loaded: Loaded, owner: str = "") -> Image:
    """Put a picture into the store for this caller; returns its entry with the `thinkedit://` URI."""
    sha = await run_sync(runner.store.put, loaded.picture)
    picture = loaded.picture
    entry = Image.stored(sha, picture.width, picture.height, picture.mime_type, len(picture.data))
    await runner.ledger.put_image(owner, entry)
    return entry


def loop_settings(base: LoopSettings, given: LoopSettings | None, overrides: dict[str, Any]) -> LoopSettings:
    """The settings of one call: overrides over those given over the configuration's.

    Raises SettingsError naming the option and its value.
    """
    return inputs.loop_settings(given or base, overrides)


def safety_name(runner: Runner, given: str | Safety | Check | None) -> str | None:
    """The name by which settings name a safety check; the runner's models take one that is an object."""
    return given if given is None or isinstance(given, str) else runner.models.adopt_safety(given)


def checked_output(output: str | os.PathLike[str] | None) -> Path | None:
    """Where to write a result, seen to be possible before anything is paid for; absolute.

    Raises InputError where something is there, or the folder is not or may not be written to, ImageError for
    an unknown ending.
    """
    if output is None:
        return None
    path = Path(output).expanduser().absolute()
    if os.path.lexists(path):
        raise InputError(f"{path} exists already: choose another name (nothing is ever overwritten)")
    if path.suffix.lower() not in ENDINGS:
        raise ImageError(f"{path.name} has no ending that can be written: use one of {', '.join(ENDINGS)}")
    checked_folder(path)
    return path


def checked_folder(path: Path) -> None:
    """Raises InputError where the folder of `path` is not there or may not be written to."""
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} may not be written to: choose another place")


@asynccontextmanager
async def a_runner(runner: Runner | None) -> AsyncIterator[Runner]:
    """The caller's runner, or one over the user's configuration for the length of the call."""
    if runner is not None:
        yield runner
        return
    # The graph library takes longer to load than all the rest: not before a session is to run.
    from thinkedit.config import load_config
    from thinkedit.graph.runner import open_runner

    async with open_runner(load_config()) as own:
        yield own
