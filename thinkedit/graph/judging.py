"""The critiques of a turn: of each candidate's image, or of a prompt that the editor refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio

from thinkedit.adapters.base import CritiqueRequest
from thinkedit.graph.stopping import best_candidate
from thinkedit.graph.turns import TurnInHand, Workbench, history_of
from thinkedit.types import TurnRecord

__all__ = ["judge_images", "judge_refusal"]


async def judge_images(bench: Workbench, turn: TurnInHand, draft: TurnRecord) -> TurnRecord:
    """The draft with a critique of each candidate; the best by overall is the turn's image."""
    source = await bench.picture(turn.session.source)
    candidates = list(draft.candidates)
    seconds = [0.0] * len(candidates)

    async def judge(index: int, sha: str) -> None:
        request = CritiqueRequest(
            source=source,
            edited=await bench.picture(sha),
            instruction=turn.session.instruction,
            prompt=draft.prompt,
            history=history_of(turn.records),
            threshold=turn.settings.threshold,
        )
        critique, seconds[index] = await turn.calls.critique(bench.thinker, index, request)
        candidates[index] = candidates[index].model_copy(update={"critique": critique})

    await _together([(judge, index, c.image) for index, c in enumerate(candidates) if c.image])
    best = best_candidate(candidates)
    assert best is not None
    return draft.model_copy(
        update={
            "candidates": tuple(candidates),
            "best": best,
            "critique": candidates[best].critique,
            "critique_seconds": round(sum(seconds), 4),
            "thinker": bench.thinker.identity,
            "template": getattr(bench.thinker, "template", ""),
        }
    )


async def judge_refusal(bench: Workbench, turn: TurnInHand, draft: TurnRecord) -> TurnRecord:
    """The draft with another prompt, where the editor refused this one: only the next prompt counts."""
    shown = next(record.image for record in reversed(turn.records) if record.image)
    request = CritiqueRequest(
        source=await bench.picture(turn.session.source),
        edited=await bench.picture(shown),
        instruction=turn.session.instruction,
        prompt=draft.prompt,
        history=history_of(turn.records),
        threshold=turn.settings.threshold,
        error=draft.error,
    )
    critique, seconds = await turn.calls.critique(bench.thinker, 0, request)
    unscored = {"semantic": None, "quality": None, "stop": False, "preservation": None}
    return draft.model_copy(
        update={
            "critique": critique.model_copy(update=unscored),
            "critique_seconds": round(seconds, 4),
            "thinker": bench.thinker.identity,
            "template": getattr(bench.thinker, "template", ""),
        }
    )


async def _together(calls: Sequence[tuple[Any, ...]]) -> None:
    """Run calls at once; a failure comes out as itself, not as a group."""
    try:
        async with anyio.create_task_group() as tasks:
            for function, *arguments in calls:
                tasks.start_soon(function, *arguments)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
