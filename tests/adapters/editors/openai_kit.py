"""What the tests of the `openai-images` editor share."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from starlette.responses import JSONResponse

from tests.adapters.editors.loopback import Answer
from tests.models import needed
from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.errors import EditError
from thinkedit.images import Picture

needed("openai")

from thinkedit.adapters.editors.openai_images import OpenAIImagesEditor  # noqa: E402

SECRET = "sk-live-51H8wQ"


def picture(width: int = 64, height: int = 48, shade: int = 0) -> Picture:
    pixels = np.linspace(shade, 200, width * height * 3).astype(np.uint8).reshape(height, width, 3)
    return Picture.from_pixels(pixels)


@contextlib.asynccontextmanager
async def editor(url: str | list[str], **options: Any) -> AsyncIterator[OpenAIImagesEditor]:
    given = {"model": "tiny", "area": 64 * 48, "max_retries": 0, "timeout": 10, **options}
    made = OpenAIImagesEditor(base_url=url, **given)
    try:
        yield made
    finally:
        await made.aclose()


async def edited(url: str | list[str], request: EditRequest | None = None, **options: Any) -> EditedImage:
    """One edit. Raises the item that is an error."""
    async with editor(url, **options) as made:
        [item] = await made.edit([request or EditRequest(picture(), "make it green", seed=11)])
    if isinstance(item, EditError):
        raise item
    return item


def status(code: int, body: Any = None, **headers: str) -> Answer:
    return lambda asked: JSONResponse(body, code, {k.replace("_", "-"): v for k, v in headers.items()})


def error(code: int, message: str, name: str | None = None) -> Answer:
    return status(code, {"error": {"message": message, "type": "invalid_request_error", "code": name}})
