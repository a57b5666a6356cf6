"""Asking the safety check: what it cannot decide is not let through.

A refused instruction is an error before there is a session; a refused prompt is told to the thinker like
one that the editor refused; a refused result is neither stored nor shown. A check that fails, or takes too
long, ends the session as one whose editor failed, to be gone on with when it can be asked again.
"""

from __future__ import annotations

import logging

import anyio

from thinkedit.adapters.base import Safety, SafetyRequest, SafetyVerdict
from thinkedit.errors import EditorFailed, EditRefused, ThinkEditError, UnsupportedEdit
from thinkedit.graph.answers import in_one_line
from thinkedit.graph.patience import TooLate
from thinkedit.types import LoopSettings

__all__ = [
    "ImageRefused",
    "Unchecked",
    "refusal",
    "refused_before",
    "review_once",
    "reviewed",
    "why_no_image",
]

log = logging.getLogger("thinkedit")

_OF_IMAGE = "the safety check refused the image"


class Unchecked(EditorFailed):
    """The safety check gave no verdict, so nothing is let through."""


class ImageRefused(EditRefused):
    """The safety check refused what the editor made."""


def refusal(request: SafetyRequest, verdict: SafetyVerdict) -> EditRefused | None:
    """What to raise or to record, or None where the request is allowed."""
    if verdict.allowed:
        return None
    reason = f": {' '.join(verdict.reason.split())}" if verdict.reason.strip() else ""
    if request.stage == "image":
        return ImageRefused(f"{_OF_IMAGE}{reason}")
    return EditRefused(f"the safety check refused the {request.stage}{reason}")


def refused_before(message: str) -> EditRefused:
    """The refusal that was recorded with this message."""
    return ImageRefused(message) if message.startswith(_OF_IMAGE) else EditRefused(message)


def why_no_image(error: Exception) -> str:
    """One sentence for the end of a session whose turn has no image."""
    said = str(error).rstrip(".")
    if said.startswith("the safety check"):
        return f"T{said[1:]}."
    refused = isinstance(error, UnsupportedEdit | EditRefused)
    return f"The editor {'refused' if refused else 'failed'}: {said}."


async def review_once(safety: Safety, request: SafetyRequest, limit: float) -> SafetyVerdict:
    """Ask once, for at most `limit` seconds. Raises Unchecked for whatever is not a verdict."""
    try:
        with anyio.move_on_after(limit):
            verdict = await safety.review(request)
            if not isinstance(verdict, SafetyVerdict) or not isinstance(verdict.allowed, bool):
                raise Unchecked(f"the safety check answered with {type(verdict).__name__}, not a verdict")
            return verdict
    except Unchecked:
        raise
    except ThinkEditError as error:
        raise Unchecked(f"the safety check failed: {error}", retryable=error.retryable) from error
    except Exception as error:
        log.exception("safety check %s raised an error that its contract does not name", safety.identity)
        raise Unchecked(f"the safety check failed: {in_one_line(error)}") from error
    raise Unchecked(f"the safety check gave no verdict within {limit:g} s") from TooLate()


async def reviewed(safety: Safety, request: SafetyRequest, settings: LoopSettings) -> None:
    """Ask, and again after failures that may pass. Raises EditRefused or Unchecked; nothing is recorded."""
    for failures in range(settings.retries + 1):
        try:
            verdict = await review_once(safety, request, settings.critique_timeout)
        except Unchecked as error:
            if not error.retryable or failures == settings.retries:
                raise
            await anyio.sleep(min(settings.backoff * 2**failures, 30.0))
        else:
            if (refused := refusal(request, verdict)) is not None:
                raise refused
            return
