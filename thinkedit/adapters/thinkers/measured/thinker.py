"""The embedded thinker: judges an edit by measuring pixels, without a model.

From the instruction alone it derives what should become measurable and what should stay. It sees pictures
and words, never the editor's parameters, and shares only the vocabulary with the editor. What the
vocabulary does not hold it refuses to judge.
"""

from __future__ import annotations

import anyio

from thinkedit.adapters.base import CompareRequest, CritiqueRequest, PlanRequest, Preference
from thinkedit.adapters.protocol import render_critique
from thinkedit.adapters.thinkers.measured.damage import Damage
from thinkedit.adapters.thinkers.measured.look import look
from thinkedit.adapters.thinkers.measured.plan import planned
from thinkedit.adapters.thinkers.measured.remedy import next_prompt, reworded
from thinkedit.adapters.thinkers.measured.sources import Sources
from thinkedit.adapters.thinkers.measured.targets import measure
from thinkedit.adapters.thinkers.measured.verdict import Verdict, judge
from thinkedit.adapters.thinkers.measured.words import reasoning
from thinkedit.adapters.vocabulary import Clause, parse
from thinkedit.errors import ImageError, ThinkerFailed, UnsupportedEdit
from thinkedit.images import Picture
from thinkedit.types import Critique

__all__ = ["MeasuredThinker"]

TIE = 0.15
"""Overall scores closer than this are no preference."""


class MeasuredThinker:
    """A thinker without a model: `Thinker`, `Planner` and `Comparer`. Deterministic; safe to share."""

    identity = "measured/1"

    def __init__(self) -> None:
        self._sources = Sources()

    async def critique(self, request: CritiqueRequest) -> Critique:
        """Scores, reasons and the next prompt.

        ThinkerFailed, not to be retried, for an instruction outside the vocabulary, and where the region it
        names is not in the picture.
        """
        return await anyio.to_thread.run_sync(self._critique, request)

    async def plan(self, request: PlanRequest) -> str:
        """The instruction with amounts that suit this photograph, from measuring the source."""
        return await anyio.to_thread.run_sync(self._plan, request)

    async def compare(self, request: CompareRequest) -> Preference:
        """The one of two results with the higher overall score."""
        return await anyio.to_thread.run_sync(self._compare, request)

    def _critique(self, request: CritiqueRequest) -> Critique:
        wishes = _wishes(request.instruction)
        if request.error is not None:
            proposal = reworded(wishes, request.instruction, request.prompt, request.history)
            return Critique(reasoning=f"The editor refused the prompt: {request.error}", next_prompt=proposal)
        verdict, remarks = self._measured(request.source, request.edited, wishes)
        done = verdict.semantic >= request.threshold and verdict.quality >= request.threshold
        critique = Critique(
            semantic=verdict.semantic,
            quality=verdict.quality,
            reasoning=reasoning(verdict, remarks),
            next_prompt=request.prompt
            if done
            else next_prompt(wishes, request.prompt, verdict, request.history),
            preservation=verdict.preservation,
        )
        return critique.model_copy(update={"raw": render_critique(critique)})

    def verdict(self, source: Picture, edited: Picture, instruction: str) -> Verdict:
        """Readings, guards and scores behind a critique; blocks. ThinkerFailed as for `critique`."""
        return self._measured(source, edited, _wishes(instruction))[0]

    def _measured(
        self, source: Picture, edited: Picture, wishes: tuple[Clause, ...]
    ) -> tuple[Verdict, list[str]]:
        try:
            scene, remarks = look(self._sources.get(source, wishes), edited.pixels(), wishes)
        except ImageError as error:
            raise ThinkerFailed(f"a picture cannot be measured: {error}", retryable=False) from error
        damage = Damage(scene)
        return judge(measure(scene, wishes), damage.guards(), damage.preservation), remarks

    def _plan(self, request: PlanRequest) -> str:
        wishes = _wishes(request.instruction)
        try:
            source = self._sources.get(request.source, wishes)
        except ImageError as error:
            raise ThinkerFailed(f"the picture cannot be measured: {error}", retryable=False) from error
        return planned(source, wishes, request.instruction)

    def _compare(self, request: CompareRequest) -> Preference:
        found = [
            self.verdict(request.source, edited, request.instruction)
            for edited in (request.first, request.second)
        ]
        first, second = ((v.semantic * v.quality) ** 0.5 for v in found)
        said = (
            f"first: semantic {found[0].semantic}, quality {found[0].quality}; "
            f"second: semantic {found[1].semantic}, quality {found[1].quality}"
        )
        if abs(first - second) < TIE:
            return Preference(0, said)
        return Preference(1 if first > second else 2, said)


def _wishes(instruction: str) -> tuple[Clause, ...]:
    try:
        return parse(instruction)
    except UnsupportedEdit as error:
        words = ", ".join(f'"{part}"' for part in error.words) or "the instruction"
        raise ThinkerFailed(
            f"the measured thinker has no measure for {words}; use a model as the thinker", retryable=False
        ) from error
