"""Upload and download beside MCP over HTTP: pictures do not fit into a tool's arguments.

`POST /images` takes a picture as the request body or as the one file of a form, and answers with its entry;
`GET /images/{sha256}` gives the picture. Everything else is one line of JSON: {"error": "..."}.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from thinkedit.errors import BusyError, InputError, LimitError, NotFoundError, ThinkEditError
from thinkedit.images import load
from thinkedit.images.sources import too_large
from thinkedit.server.callers import caller

if TYPE_CHECKING:
    from thinkedit.server.allowance import Allowance
    from thinkedit.server.lifetime import RunnerSource

__all__ = ["add_image_routes"]

_DECODED_AT_ONCE = 2
"""Uploads decoded at the same time: one of 50 megapixels takes some 300 MB while it is read."""


def add_image_routes(app: Starlette, source: RunnerSource, max_body: int, allowance: Allowance) -> None:
    """max_body: bytes of a request body, checked against its declared length and while it comes in.
    allowance: how much one caller may send.
    """
    decoding = anyio.CapacityLimiter(_DECODED_AT_ONCE)

    async def upload(request: Request) -> Response:
        from thinkedit.tools.inputs import stored

        async with source.use() as runner:
            data = await _picture_in(request, max_body)
            limits, keep = runner.image_limits, runner.config.keep_metadata
            async with allowance.picture(runner.ledger, caller(), len(data)):
                async with decoding:
                    loaded = await run_sync(lambda: load(data, limits, keep_metadata=keep))
                entry = await stored(runner, loaded, caller())
        location = f"/images/{entry.sha256}"
        return JSONResponse(entry.model_dump(), status_code=201, headers={"Location": location})

    async def download(request: Request) -> Response:
        sha = request.path_params["sha256"]
        async with source.use() as runner:
            if not await runner.ledger.may_use(caller(), sha):
                raise NotFoundError(f"there is no image {sha[:80]}")
            headers = {
                "ETag": f'"{sha}"',
                "Cache-Control": "private, max-age=31536000, immutable",
                "Vary": "Authorization",
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Resource-Policy": "same-origin",
            }
            if f'"{sha}"' in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            picture = await run_sync(runner.store.get, sha)
        return Response(picture.data, media_type=picture.mime_type, headers=headers)

    app.router.routes.append(Route("/images", upload, methods=["POST"]))
    app.router.routes.append(Route("/images/{sha256}", download, methods=["GET"]))
    app.add_exception_handler(ThinkEditError, _our_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _crash)


async def _picture_in(request: Request, max_body: int) -> bytes:
    data = await _body(request, max_body)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return data

    async def once() -> AsyncGenerator[bytes, None]:
        yield data

    try:
        form = await MultiPartParser(request.headers, once(), max_files=1, max_fields=10).parse()
    except (MultiPartException, KeyError) as error:
        raise InputError(f"the form cannot be read: {getattr(error, 'message', error)}") from error
    try:
        files = [value for value in form.values() if isinstance(value, UploadFile)]
        if len(files) != 1:
            raise InputError("the form has no file: send the picture as its one file")
        return await files[0].read()
    finally:
        await form.close()


async def _body(request: Request, max_body: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_body:
        raise _too_large(int(declared), max_body)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > max_body:
            raise _too_large(len(data), max_body)
    return bytes(data)


def _too_large(size: int, max_body: int) -> HTTPException:
    """Hanging up keeps the rest from being sent."""
    return HTTPException(413, too_large("the request body", size, max_body), {"Connection": "close"})


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps({"error": " ".join(message.split())}, ensure_ascii=False)
    return Response(text, status_code=status, media_type="application/json", headers=headers)


async def _our_error(request: Request, error: Exception) -> Response:
    match error:
        case NotFoundError():
            return _error(404, str(error))
        case InputError():
            return _error(400, str(error))
        case BusyError():
            status = 429 if isinstance(error, LimitError) else 503
            return _error(status, str(error), {"Retry-After": f"{error.retry_after:.0f}"})
        case _:
            return _error(500, str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404:
        served = "/mcp, /images, /images/SHA256 and /sessions"
        detail = f"there is nothing at {request.url.path[:80]}: {served} are served"
    elif error.status_code == 405:
        detail = f"{request.method} is not possible at {request.url.path[:80]}"
    return _error(error.status_code, detail, dict(error.headers or {}))


async def _crash(request: Request, error: Exception) -> Response:
    return _error(500, "this failed in a way it should not; the server's log has the details")
