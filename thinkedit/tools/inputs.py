"""From what a caller gives to pictures and settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import run_sync
from pydantic import ValidationError

from thinkedit.config import load_config
from thinkedit.errors import ImageError, NotFoundError, SettingsError
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.images import ImageInput, Loaded, load
from thinkedit.types import Image, LoopSettings

__all__ = ["IMAGE_URI", "a_runner", "load_image", "loop_settings", "stored"]

IMAGE_URI = "thinkedit://images/"


async def load_image(runner: Runner, image: ImageInput | Loaded, owner: str = "") -> Loaded:
    """A picture from a path, bytes, a PIL image, a `data:` or a `thinkedit://` URI, checked and normalised.

    Raises ImageError for what is not a usable picture, NotFoundError for a URI that this caller does not
    have.
    """
    if isinstance(image, Loaded):
        return image
    if isinstance(image, str) and image.startswith("thinkedit:"):
        sha = image.removeprefix(IMAGE_URI)
        if len(sha) != 64 or not set(sha) <= set("0123456789abcdef"):
            raise ImageError(f"{image!r} is not an image URI: give {IMAGE_URI} and 64 hexadecimal digits")
        if not await runner.ledger.may_use(owner, sha):
            raise NotFoundError(f"there is no image {image}: upload it, or use a URI from an earlier result")
        picture = await run_sync(runner.store.get, sha)
        return Loaded(picture=picture, name=None, path=None, mime_type=picture.mime_type)
    keep = runner.config.keep_metadata
    return await run_sync(lambda: load(image, runner.image_limits, keep_metadata=keep))


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
    chosen = {name: value for name, value in overrides.items() if value is not None}
    unknown = sorted(set(chosen) - set(LoopSettings.model_fields))
    if unknown:
        known = ", ".join(LoopSettings.model_fields)
        raise SettingsError(f"there is no option {unknown[0]!r}; there are: {known}")
    try:
        return LoopSettings.model_validate({**(given or base).model_dump(), **chosen})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"the option {where} has the value {first['input']!r}: {first['msg']}") from error


@asynccontextmanager
async def a_runner(runner: Runner | None) -> AsyncIterator[Runner]:
    """The caller's runner, or one over the user's configuration for the length of the call."""
    if runner is not None:
        yield runner
        return
    async with open_runner(load_config()) as own:
        yield own
