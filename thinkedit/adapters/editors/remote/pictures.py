"""Pictures to a server and back: laid on a size that it takes, and lifted to the source's size again."""

from __future__ import annotations

import binascii
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

import anyio
import anyio.to_thread
import numpy as np
import pybase64

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.editors.remote.servers import ServerTrouble
from thinkedit.adapters.sizing import Laid, as_it_is, cut, flattened, lay, lay_mask, lift, within
from thinkedit.errors import EditError, ImageError
from thinkedit.images import Picture
from thinkedit.images.png import check, is_bare, size

__all__ = ["Sent", "Sources", "decoded", "each", "finished", "from_base64"]

MOST_PIXELS = 50_000_000
MOST_BYTES = 64_000_000


@dataclass(frozen=True)
class Sent:
    """A source as it is sent, PNG or JPEG. references: PNG each. mask: RGBA PNG of the canvas, transparent
    to edit."""

    laid: Laid
    data: bytes
    mime_type: str = "image/png"
    references: tuple[bytes, ...] = ()
    mask: bytes | None = None


class Sources:
    """Pictures as they are sent, each made once: the turns of a session all send the same source.

    types: MIME types that the server takes as they are; PNG is always among them.
    """

    def __init__(self, most: int = 16, types: Sequence[str] = ("image/png", "image/jpeg")) -> None:
        self._most = most
        self._types = types
        self._made: OrderedDict[tuple[object, ...], Sent] = OrderedDict()
        self._lock = threading.Lock()

    async def get(self, request: EditRequest, canvas: tuple[int, int]) -> Sent:
        references = tuple(picture.sha256 for picture in request.references)
        key = request.source.sha256, references, request.mask, canvas
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        untouched = canvas == request.source.size and request.source.bare and request.mask is None
        passed_on = untouched and request.source.mime_type in self._types
        made = await anyio.to_thread.run_sync(_sent, request, canvas, passed_on)
        with self._lock:
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made


def _sent(request: EditRequest, canvas: tuple[int, int], passed_on: bool) -> Sent:
    references = tuple(Picture.from_pixels(flattened(picture)).data for picture in request.references)
    if passed_on:
        return Sent(as_it_is(canvas), request.source.data, request.source.mime_type, references)
    laid = lay(request.source, canvas)
    mask = None
    if request.mask is not None:
        keep = 255 - lay_mask(request.mask, laid)
        mask = Picture.from_pixels(np.dstack([np.zeros_like(laid.pixels), keep])).data
    return Sent(laid, Picture.from_pixels(laid.pixels).data, references=references, mask=mask)


def from_base64(text: str, where: str) -> bytes:
    """The bytes of a picture in base64, with or without a `data:` before it."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        try:
            return pybase64.b64decode(text, validate=True)  # several times as fast
        except ValueError:
            return pybase64.b64decode(text, validate=False)  # with line breaks, as some write it
    except (binascii.Error, ValueError) as error:
        raise ServerTrouble(f"{where} answered with a picture that is no base64: {error}") from error


def decoded(data: bytes, where: str) -> Picture:
    """The picture that a server gave. ServerTrouble where it is none, or larger than any editor's."""
    try:
        picture = Picture.from_bytes(data)
        if picture.width * picture.height > MOST_PIXELS or len(data) > MOST_BYTES:
            raise ImageError(f"{picture.width}x{picture.height} in {len(data)} bytes is too large")
        picture.pixels()
    except ImageError as error:
        raise ServerTrouble(f"{where} answered with no usable picture: {error}") from error
    return picture


async def finished(data: bytes, request: EditRequest, way: Sent, where: str) -> EditedImage:
    """The server's picture as the request wants it; where names the server in errors."""
    return await anyio.to_thread.run_sync(_finished, data, request, way, where)


def _finished(data: bytes, request: EditRequest, way: Sent, where: str) -> EditedImage:
    if _fits_as_it_is(data, request, way):
        try:
            check(data)
        except ImageError as error:
            raise ServerTrouble(f"{where} answered with no usable picture: {error}") from error
        return EditedImage(Picture.from_bytes(data))
    answer = decoded(data, where)
    pixels, alpha = answer.pixels(), answer.alpha()
    if alpha is not None and alpha.min() < 255:
        pixels = np.dstack([pixels, alpha])
    if request.size == "free":
        return EditedImage(Picture.from_pixels(cut(pixels, way.laid)))
    made, note = lift(pixels, way.laid, request.source)
    if request.mask is not None:
        made = within(made, request.mask, request.source)
    return EditedImage(made, note)


def _fits_as_it_is(data: bytes, request: EditRequest, way: Sent) -> bool:
    """Whether the answer is what would be made of it: then its bytes are passed on, and not coded again."""
    source = request.source
    own = way.laid.canvas == source.size and not way.laid.filled and request.mask is None
    return own and source.bare and len(data) <= MOST_BYTES and is_bare(data) and size(data) == source.size


async def each(
    groups: Sequence[Sequence[int]],
    work: Callable[[Sequence[int]], Awaitable[Sequence[EditedImage | EditError]]],
    progress: Progress | None,
) -> list[EditedImage | EditError]:
    """Do the groups of requests, numbered from 0, at the same time, and give their items in order.

    An EditError of a group becomes the item of each of its requests. Any other error leaves as it is, never
    in an exception group, and stops the rest.
    """
    total = sum(len(group) for group in groups)
    items: list[EditedImage | EditError | None] = [None] * total
    failure: Exception | None = None

    async def one(group: Sequence[int]) -> None:
        nonlocal failure
        try:
            try:
                made = await work(group)
            except EditError as error:
                made = [error] * len(group)
            for index, item in zip(group, made, strict=True):
                items[index] = item
            if progress is not None:
                done = sum(item is not None for item in items)
                await progress(done, total, f"{done} of {total} edited" if total > 1 else "edited")
        except Exception as error:
            failure = failure or error
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for group in groups:
            tasks.start_soon(one, group)
    if failure is not None:
        raise failure
    return cast("list[EditedImage | EditError]", items)
