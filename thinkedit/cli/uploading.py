"""Sending a picture to a server's `POST /images`."""

from __future__ import annotations

from pathlib import Path

from anyio.to_thread import run_sync

from thinkedit.images.sources import read, to_path
from thinkedit.server.remote import LARGEST, own_token, server_url, upload
from thinkedit.types import Image

__all__ = ["send"]


async def send(file: Path, server: str) -> Image:
    """The entry of the stored picture.

    ImageError for what is no readable file, SettingsError where the server cannot be reached,
    InputError or StoreError for what the server itself said.
    """
    base = server_url(server)
    data = await run_sync(read, to_path(file), LARGEST)
    return await upload(base, data, str(file), token=own_token())
