"""Pictures to and from a server over plain HTTP: what its clients on this side use. Needs no MCP."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import httpx
from anyio.to_thread import run_sync
from pydantic import ValidationError

from thinkedit.errors import ImageError, InputError, SettingsError, StoreError
from thinkedit.images import Picture
from thinkedit.types import Image

__all__ = ["LARGEST", "TOKEN", "bearer", "download", "own_token", "server_url", "unknown_caller", "upload"]

_BYTES = "application/octet-stream"
TOKEN = "THINKEDIT_TOKEN"
"""The variable with the user's token for a server: no flag, since the flags of a process can be seen."""

LARGEST = 36_000_000
"""What a server takes by default; a picture that is larger still is refused before it is read."""


def server_url(server: str) -> str:
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


def own_token() -> str | None:
    """The token in the environment. SettingsError where it cannot be one."""
    token = os.environ.get(TOKEN, "").strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError(f"{TOKEN} holds what is in no token: set it to the token alone")
    return token or None


def bearer(token: str | None) -> dict[str, str]:
    """The header by which a server knows who asks (RFC 6750)."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def unknown_caller(base: str, status: int, token: str | None) -> SettingsError:
    """What to say of an answer 401 or 403."""
    if status == 403:
        return SettingsError(f"{base} forbids this: ask its operator what the token in {TOKEN} is for")
    if token is None:
        return SettingsError(f"{base} asks who you are: set {TOKEN} to your token for this server")
    return SettingsError(f"{base} does not take the token in {TOKEN}: set it to one that is valid there")


async def upload(base: str, data: bytes, name: str, *, token: str | None = None) -> Image:
    """The entry of a picture sent to the server.

    token: by which the server knows who asks.
    SettingsError where it cannot be reached or does not know the token; ImageError, InputError or StoreError
    for what it said.
    """
    answer = await _asked(base, "POST", "/images", token, content=data)
    if answer.is_success:
        try:
            return Image.model_validate_json(answer.content)
        except ValidationError as error:
            raise SettingsError(
                f"{base}/images answered with something else: is it a thinkedit server?"
            ) from error
    said = _said(answer)
    if answer.status_code == 413:
        raise ImageError(f"{name}: {said}")
    kind = StoreError if answer.status_code >= 500 else InputError
    raise kind(f"{base} refused {name}: {said}")


async def download(base: str, sha: str, *, token: str | None = None) -> Picture:
    """A picture of the server. SettingsError where it cannot be reached, StoreError where it gives none."""
    answer = await _asked(base, "GET", f"/images/{sha}", token)
    if not answer.is_success:
        raise StoreError(f"{base} does not give the picture {sha[:12]}: {_said(answer)}")
    return await run_sync(Picture.from_bytes, answer.content)


async def _asked(
    base: str, method: str, path: str, token: str | None, *, content: bytes | None = None
) -> httpx.Response:
    """The answer to one who is known there; SettingsError where the server is not reached or knows nobody."""
    headers = bearer(token) if content is None else {"Content-Type": _BYTES, **bearer(token)}
    try:
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, connect=5)) as client:
            answer = await client.request(method, f"{base}{path}", content=content, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        hint = "is `thinkedit serve --http HOST:PORT` running there?"
        raise SettingsError(f"{base} cannot be reached: {reason}; {hint}") from error
    if answer.status_code in (401, 403):
        raise unknown_caller(base, answer.status_code, token)
    return answer


def _said(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return f"HTTP status {answer.status_code}"
    said = document.get("error") if isinstance(document, dict) else None
    return str(said) if said else f"HTTP status {answer.status_code}"
