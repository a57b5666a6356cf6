"""The critiques of a turn: of each candidate's image, or of a prompt that the editor refused."""

from __future__ import annotations

from functools import partial

from thinkedit.adapters.base import CritiqueRequest
from thinkedit.graph.averaging import combined
from thinkedit.graph.stopping import best_candidate
from thinkedit.graph.together import together
from thinkedit.graph.turns import TurnInHand, Workbench, history_of
from thinkedit.types import Critique, TurnRecord

__all__ = ["judge_images", "judge_refusal"]


async def judge_images(bench: Workbench, turn: TurnInHand, draft: TurnRecord) -> TurnRecord:
    """The draft with a critique of each candidate; the best by overall is the turn's image.

    All looks at all candidates are asked for at once: who can answer them together may.
    """
    source = await bench.picture(turn.session.source)
    passes = turn.settings.passes
    candidates = list(draft.candidates)
    shown = [index for index, candidate in enumerate(candidates) if candidate.image]

    async def judge(index: int, look: int) -> tuple[Critique, float]:
        image = candidates[index].image
        assert image is not None
        request = CritiqueRequest(
            source=source,
            edited=await bench.picture(image),
            instruction=turn.session.instruction,
            prompt=draft.prompt,
            history=history_of(turn.records),
            threshold=turn.settings.threshold,
            look=look,
        )
        return await turn.calls.critique(bench.thinker, index, request)

    answers = await together([partial(judge, index, look) for index in shown for look in range(passes)])
    for place, index in enumerate(shown):
        looks = [critique for critique, _ in answers[place * passes : (place + 1) * passes]]
        kept = tuple(looks) if passes > 1 else ()
        candidates[index] = candidates[index].model_copy(update={"critique": combined(looks), "looks": kept})
    best = best_candidate(candidates)
    assert best is not None
    return draft.model_copy(
        update={
            "candidates": tuple(candidates),
            "best": best,
            "critique": candidates[best].critique,
            "critique_seconds": round(sum(seconds for _, seconds in answers), 4),
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
