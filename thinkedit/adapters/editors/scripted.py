"""An editor without a model, for tests and measurements: the same request always gives the same picture."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.behaviour import Behaviour, Faults
from thinkedit.errors import EditError, EditorFailed, SettingsError
from thinkedit.images import Picture

__all__ = ["ScriptedEditor"]

Size = Literal["source", "tiny"] | Sequence[int]

TINY = (16, 16)


class ScriptedEditor:
    """Makes a real picture out of (source, prompt, seed), and behaves as badly as it is told to.

        editor = ScriptedEditor(latency=0.1, slots=1, faults={2: EditorFailed("out of memory")})
        [edited] = await editor.edit([EditRequest(source, "make it warmer", seed=7)])

    The picture is the source in colours that depend on prompt and seed; its first pixels hold the
    request's digest, so that two requests never give the same picture.

    size: `source`, `tiny` (16 x 16 pixels) or (width, height).
    picture: what to return instead: a picture, its encoded bytes, or a function of the request. It
        keeps the coding of images out of a measurement.
    down: what `check` raises, as a server that cannot be reached would.
    steps: reports that many steps for each request while it works, as a diffusion model does, `latency`
        spread over them; of a batch, all its steps together.
    latency, slots, faults, log: see `Behaviour`. Each request of a batch is a call of its own; a fault
        that is an EditError becomes that request's item, any other exception leaves `edit`.
    """

    seeded = True

    def __init__(
        self,
        *,
        size: Size = "source",
        picture: Picture | bytes | Callable[[EditRequest], Picture] | None = None,
        latency: float = 0.0,
        slots: int | None = None,
        faults: Faults[EditRequest] | None = None,
        log: str | os.PathLike[str] | None = None,
        down: EditorFailed | None = None,
        steps: int | None = None,
    ) -> None:
        if steps is not None and steps < 1:
            raise SettingsError(f"steps is {steps}: give 1 or more, or leave it out")
        self.size = _checked(size)
        self.picture = Picture.from_bytes(picture) if isinstance(picture, bytes) else picture
        self.behaviour: Behaviour[EditRequest] = Behaviour(
            latency=latency if steps is None else 0.0, slots=slots, faults=faults, log=log
        )
        self.steps = steps
        self.pace = latency / steps if steps is not None else 0.0
        self.down = down
        self.closed = False
        self.identity = f"scripted(size={_named(self.size)}, picture={_named(self.picture)})"

    @property
    def calls(self) -> int:
        """Requests so far, those of failed calls included."""
        return self.behaviour.calls

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        items: list[EditedImage | EditError | None] = [None] * len(requests)
        stepped = 0

        async def step() -> None:
            nonlocal stepped
            await anyio.sleep(self.pace)
            stepped += 1
            if progress is not None:
                await progress(stepped, (self.steps or 1) * len(requests), "step")

        async def one(index: int) -> None:
            items[index] = await self._one(requests[index], step)
            if progress is not None and self.steps is None:
                done = sum(item is not None for item in items)
                await progress(done, len(requests), "edited")

        if len(requests) == 1:
            await one(0)
        else:
            failure: Exception | None = None

            async def kept(index: int) -> None:
                # One plain exception, not a group: callers of an editor expect what a single call raises.
                nonlocal failure
                try:
                    await one(index)
                except Exception as error:
                    failure = failure or error
                    group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                for index in range(len(requests)):
                    group.start_soon(kept, index)
            if failure is not None:
                raise failure
        return [item for item in items if item is not None]

    async def check(self) -> None:
        if self.down is not None:
            raise self.down.with_traceback(None)

    async def aclose(self) -> None:
        self.closed = True

    async def _one(
        self, request: EditRequest, step: Callable[[], Awaitable[None]]
    ) -> EditedImage | EditError:
        digest = request_digest(request)
        try:
            async with self.behaviour.during(
                request, role="editor", prompt=request.prompt, seed=request.seed, digest=digest
            ):
                for _ in range(self.steps or 0):
                    await step()
                return EditedImage(await self._make(request, digest))
        except EditError as refused:
            return refused

    async def _make(self, request: EditRequest, digest: str) -> Picture:
        if isinstance(self.picture, Picture):
            return self.picture
        if self.picture is not None:
            return self.picture(request)
        size = TINY if self.size == "tiny" else self.size
        return await anyio.to_thread.run_sync(
            partial(_paint, request.source, None if size == "source" else size, bytes.fromhex(digest))
        )


def request_digest(request: EditRequest) -> str:
    """SHA-256 over all that a request holds, in hexadecimal."""
    state = hashlib.sha256()
    parts = [request.source.sha256, request.prompt, str(request.seed), request.size]
    parts += [reference.sha256 for reference in request.references]
    parts += [] if request.mask is None else [hashlib.sha256(request.mask).hexdigest()]
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "big") + encoded)
    return state.hexdigest()


def _paint(source: Picture, size: tuple[int, int] | None, digest: bytes) -> Picture:
    """The source in other colours, or a flat picture of `size`; the digest is in the first pixels."""
    made: NDArray[np.uint8]
    if size is None:
        levels = np.arange(256, dtype=np.float32)
        gains = [0.8 + byte / 255 * 0.4 for byte in digest[:3]]
        curves = [np.clip(levels * gain, 0, 255).astype(np.uint8) for gain in gains]
        pixels = source.pixels()
        made = np.empty_like(pixels)
        for channel, curve in enumerate(curves):
            np.take(curve, pixels[..., channel], out=made[..., channel])
    else:
        made = np.empty((size[1], size[0], 3), dtype=np.uint8)
        made[:] = np.frombuffer(digest[:3], dtype=np.uint8)
    stamp = np.frombuffer(digest, dtype=np.uint8)[: made.size]
    made.reshape(-1)[: stamp.size] = stamp
    return Picture.from_pixels(made, like=source if size is None else None)


def _checked(size: Size) -> Literal["source", "tiny"] | tuple[int, int]:
    if size == "source" or size == "tiny":
        return size
    sides = tuple(size)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise SettingsError(f"size is {size!r}: give source, tiny or (width, height) in pixels")
    return (sides[0], sides[1])


def _named(value: object) -> str:
    """A name that is the same in every process, for `identity`."""
    if isinstance(value, Picture):
        return value.sha256[:12]
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(getattr(value, "__qualname__", value))
