"""Sending a picture to a server's `POST /images`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
from anyio.to_thread import run_sync
from pydantic import ValidationError

from thinkedit.errors import ImageError, InputError, SettingsError, StoreError
from thinkedit.images.sources import read, to_path
from thinkedit.types import Image

__all__ = ["send"]

_LARGEST = 36_000_000
"""What a server takes by default; a picture that is larger still is refused before it is read."""


async def send(file: Path, server: str) -> Image:
    """The entry of the stored picture.

    ImageError for what is no readable file, SettingsError where the server cannot be reached,
    InputError or StoreError for what the server itself said.
    """
    base = _base(server)
    data = await run_sync(read, to_path(file), _LARGEST)
    url = f"{base}/images"
    try:
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, connect=5)) as client:
            answer = await client.post(
                url, content=data, headers={"Content-Type": "application/octet-stream"}
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        hint = "is `thinkedit serve --http HOST:PORT` running there?"
        raise SettingsError(f"{base} cannot be reached: {reason}; {hint}") from error
    if answer.is_success:
        try:
            return Image.model_validate_json(answer.content)
        except ValidationError as error:
            raise SettingsError(f"{url} answered with something else: is it a thinkedit server?") from error
    said = _said(answer)
    if answer.status_code == 413:
        raise ImageError(f"{file}: {said}")
    kind = StoreError if answer.status_code >= 500 else InputError
    raise kind(f"{base} refused {file.name}: {said}")


def _base(server: str) -> str:
    """http://HOST:PORT of an address given with or without `http://` and with or without `/mcp`."""
    text = server if "://" in server else f"http://{server}"
    try:
        parts = urlsplit(text)
        usable = (
            parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{server!r} is no server address: write http://127.0.0.1:8321")
    return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/mcp').rstrip('/')}"


def _said(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return f"HTTP status {answer.status_code}"
    said = document.get("error") if isinstance(document, dict) else None
    return str(said) if said else f"HTTP status {answer.status_code}"
