"""The safety check at its three places in the loop, each verdict recorded like any other model call."""

from __future__ import annotations

import json
import time
from typing import Any

from thinkedit.adapters.base import Safety, SafetyRequest, SafetyVerdict
from thinkedit.errors import EditRefused
from thinkedit.graph.calls import Calls
from thinkedit.graph.digests import digest_of_review
from thinkedit.graph.safety import Unchecked, refusal, review_once, why_no_image
from thinkedit.graph.turns import TurnInHand, Workbench
from thinkedit.graph.watching import outcome_of
from thinkedit.images import Picture
from thinkedit.ledger import Call, Session
from thinkedit.types import StopReason, TurnRecord

__all__ = ["not_allowed", "review", "review_image", "review_prompt"]


async def not_allowed(bench: Workbench, session: Session, *, new: bool) -> dict[str, Any] | None:
    """Have the instruction checked: None where it is allowed, else the way to the stop node.

    new: nothing has been made in this session. EditRefused then: there is no session any more.
    """
    if bench.safety is None:
        return None
    source = await bench.picture(session.source)
    request = SafetyRequest("instruction", session.instruction, "", source)
    try:
        await review(bench.calls(session, 0), bench.safety, 0, request)
    except (EditRefused, Unchecked) as error:
        if new and session.leg == 1 and isinstance(error, EditRefused):
            await bench.ledger.delete(session.session_id)
            raise
        return await bench.ended(session, StopReason.EDITOR_FAILED, why_no_image(error))
    return None


async def review_prompt(bench: Workbench, turn: TurnInHand, draft: TurnRecord, source: Picture) -> None:
    """Raises EditRefused or Unchecked. The instruction itself was checked when the session opened."""
    if bench.safety is not None and draft.prompt != turn.session.instruction:
        request = SafetyRequest("prompt", turn.session.instruction, draft.prompt, source)
        await review(turn.calls, bench.safety, 0, request)


async def review_image(
    bench: Workbench, turn: TurnInHand, draft: TurnRecord, source: Picture, index: int, edited: Picture
) -> None:
    """Raises EditRefused or Unchecked; asked before the image is kept anywhere."""
    if bench.safety is not None:
        request = SafetyRequest("image", turn.session.instruction, draft.prompt, source, edited)
        await review(turn.calls, bench.safety, index, request)


async def review(calls: Calls, safety: Safety, index: int, request: SafetyRequest) -> None:
    """Ask the safety check, or read what it said before. Raises EditRefused or Unchecked."""
    digest = digest_of_review(safety.identity, request)
    done, failed = await calls.ledger.recorded(calls.session_id, "safety", calls.turn, index, digest)
    if done is not None:
        verdict = SafetyVerdict(**json.loads(done.output))
        calls.told("safety", safety.identity, "ok", done.seconds, len(failed) + 1, replayed=True)
    elif len(failed) > calls.settings.retries:
        raise Unchecked(failed[-1].error or "the safety check failed")
    else:
        verdict = await _asked(calls, safety, index, request, digest, len(failed))
    if (refused := refusal(request, verdict)) is not None:
        raise refused


async def _asked(
    calls: Calls, safety: Safety, index: int, request: SafetyRequest, digest: str, failures: int
) -> SafetyVerdict:
    while True:
        await calls.back_off(failures)
        started = time.monotonic()
        try:
            async with calls.ledger.hold(calls.session_id):
                verdict = await review_once(safety, request, calls.settings.critique_timeout)
        except Unchecked as error:
            call = Call("failed", "", str(error), time.monotonic() - started)
            calls.told("safety", safety.identity, outcome_of(error), call.seconds, failures + 1)
            await calls.record("safety", index, digest, call)
            failures += 1
            if not error.retryable or failures > calls.settings.retries:
                raise
            calls.retrying(f"{error}; asking again")
            continue
        output = json.dumps({"allowed": verdict.allowed, "reason": verdict.reason})
        call = Call("ok", output, None, time.monotonic() - started)
        calls.told("safety", safety.identity, "ok", call.seconds, failures + 1)
        await calls.record("safety", index, digest, call)
        return verdict
