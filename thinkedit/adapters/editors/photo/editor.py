"""The `photo` editor: reads a sentence and does its clauses on the photograph, at its own size."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import anyio
import anyio.from_thread
import anyio.to_thread

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.editors.photo.table import VERSION
from thinkedit.adapters.editors.photo.work import Work, done_in_words
from thinkedit.adapters.vocabulary import parse
from thinkedit.errors import EditError, EditorFailed, ImageError
from thinkedit.images import Picture

__all__ = ["PhotoEditor"]


class PhotoEditor:
    """Photographic edits in words on Pillow and OpenCV, with no model to download.

    The same words on the same photograph always give the same image: it sees the pixels and the words
    of one request and nothing else. A sentence that it does not understand, in whole or in part, is
    refused with UnsupportedEdit before any pixel is touched.
    """

    identity = f"photo/{VERSION}"
    seeded = False

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        """One item for each request, in order. Work is done in threads, one for each processor."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(os.cpu_count() or 1)
        results: list[EditedImage | EditError] = [EditorFailed("not done")] * len(requests)
        stop = threading.Event()
        done, total = [0] * len(requests), [1] * len(requests)

        async def tell(steps: float, of: float, message: str) -> None:
            if progress is not None:
                await progress(steps, of, message)

        async def one(at: int, request: EditRequest) -> None:
            def report(steps: int, of: int, message: str) -> None:
                done[at], total[at] = steps, of
                if progress is not None:
                    anyio.from_thread.run(tell, float(sum(done)), float(sum(total)), message)

            def check() -> None:
                anyio.from_thread.check_cancelled()
                if stop.is_set():
                    raise EditorFailed("cancelled")

            results[at] = await anyio.to_thread.run_sync(
                _edited, request, report, check, limiter=self._limiter
            )

        try:
            async with anyio.create_task_group() as group:
                for at, request in enumerate(requests):
                    group.start_soon(one, at, request)
        except BaseException:
            stop.set()
            raise
        return results


def _edited(
    request: EditRequest, report: Callable[[int, int, str], None], check: Callable[[], None]
) -> EditedImage | EditError:
    """One request, in a worker thread."""
    try:
        clauses = parse(request.prompt)
        work = Work(request, clauses, check)
        total = len(work.clauses) + 1
        for number, clause in enumerate(work.clauses):
            check()
            report(number, total, done_in_words(clause))
            work.do(clause)
        pixels = work.finished()
        picture = Picture.from_pixels(pixels, like=request.source)
        report(total, total, "done")
    except EditError as error:
        return error
    except ImageError as error:
        return EditorFailed(f"a picture of the request cannot be read: {error}", retryable=False)
    except MemoryError:
        size = f"{request.source.width}x{request.source.height}"
        return EditorFailed(f"not enough memory for a picture of {size}", retryable=True)
    return EditedImage(picture=picture, notes="; ".join(map(done_in_words, work.clauses)))
