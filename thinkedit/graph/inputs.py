"""From what a caller gives to a picture and settings that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyio.to_thread import run_sync
from pydantic import ValidationError

from thinkedit.errors import ImageError, NotFoundError, SettingsError
from thinkedit.images import ImageInput, ImageLimits, Loaded, load
from thinkedit.images.sources import shortened
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.types import LoopSettings

__all__ = ["IMAGE_URI", "load_image", "loop_settings"]

IMAGE_URI = "thinkedit://images/"


def loop_settings(base: LoopSettings, overrides: Mapping[str, Any]) -> LoopSettings:
    """`base` with `overrides`, of which those that are None are left out.

    Raises SettingsError naming the option and its value.
    """
    chosen = {name: value for name, value in overrides.items() if value is not None}
    unknown = sorted(set(chosen) - set(LoopSettings.model_fields))
    if unknown:
        known = ", ".join(LoopSettings.model_fields)
        raise SettingsError(f"there is no option {unknown[0]!r}; there are: {known}")
    try:
        return LoopSettings.model_validate({**base.model_dump(), **chosen})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"the option {where} has the value {first['input']!r}: {first['msg']}") from error


async def load_image(
    store: Store,
    ledger: Ledger,
    image: ImageInput | Loaded,
    *,
    owner: str = "",
    limits: ImageLimits | None = None,
    keep_metadata: bool = False,
) -> Loaded:
    """A picture from a path, bytes, a PIL image, a `data:` or a `thinkedit://` URI, checked and normalised.

    Raises ImageError for what is not a usable picture, NotFoundError for a URI that this caller does not
    have.
    """
    if isinstance(image, Loaded):
        return image
    if isinstance(image, str) and image.startswith("thinkedit:"):
        sha = image.removeprefix(IMAGE_URI)
        if len(sha) != 64 or not set(sha) <= set("0123456789abcdef"):
            raise ImageError(
                f"{shortened(image, 100)!r} is not an image URI: give {IMAGE_URI} and 64 hexadecimal digits"
            )
        if not await ledger.may_use(owner, sha):
            raise NotFoundError(f"there is no image {image}: upload it, or use a URI from an earlier result")
        picture = await run_sync(store.get, sha)
        return Loaded(picture=picture, name=None, path=None, mime_type=picture.mime_type)
    return await run_sync(lambda: load(image, limits or ImageLimits(), keep_metadata=keep_metadata))
