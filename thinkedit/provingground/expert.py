"""`ProvingGroundExpert`: a thinker that knows the truth, as well as its skill lets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from thinkedit.adapters.base import CritiqueRequest, PlanRequest
from thinkedit.adapters.protocol import render_critique
from thinkedit.errors import ImageError, InstructionError, SettingsError, ThinkerFailed
from thinkedit.images import Picture
from thinkedit.provingground.chance import chance, digest, pick
from thinkedit.provingground.decoding import decode, examine
from thinkedit.provingground.faults import KINDS, Fault, faults
from thinkedit.provingground.judge import verdict
from thinkedit.provingground.meaning import Outcome, meaning
from thinkedit.provingground.prompts import Remedies, prompt, remedies_in
from thinkedit.provingground.reading import read
from thinkedit.provingground.scene import Scene
from thinkedit.provingground.scoring import Harm, Verdict
from thinkedit.provingground.telling import explained
from thinkedit.types import Critique

__all__ = ["ProvingGroundExpert"]

WAYS = 8
"""Wordings of a prompt that are tried."""

NOISE = 4.0
"""Points by which a score of an expert without any skill is off at most."""


class ProvingGroundExpert:
    """A privileged thinker of the proving ground: a simulation.

        ProvingGroundExpert("0.8")

    model: skill, 0 to 1. At 1 it always finds the gravest fault and its remedy and stops when both scores
    of the exact judge reach the threshold. Below, it errs in the part 1 - skill of requests: it misses the
    fault, takes a wrong remedy, stops too early or goes on needlessly; an expert of less skill errs wherever
    a better one does. Each prompt keeps the remedies of the one before.
    scores: whether it gives scores too, the judge's with an error that grows as the skill falls; it then
    stops by them. Deterministic; safe to share.
    """

    def __init__(self, model: str | float = "1.0", *, scores: bool = False) -> None:
        try:
            self.skill = float(model)
        except ValueError:
            self.skill = -1.0
        if not 0 <= self.skill <= 1:
            raise SettingsError(
                f"the skill {model!r} of the proving ground's expert is no number from 0 to 1"
            )
        self.scores = scores
        self.identity = f"provingground-expert({self.skill:g}{', scores' if scores else ''})/1"

    def __repr__(self) -> str:
        return f"<ProvingGroundExpert {self.identity}>"

    async def critique(self, request: CritiqueRequest) -> Critique:
        """Reason, next prompt and stop mark, and scores where asked for.

        Raises ThinkerFailed, not to be retried, for a picture or an instruction of another world.
        """
        return self.think(request)

    async def plan(self, request: PlanRequest) -> str:
        """A first prompt with what can be known before an edit.

        That is: things by their position, steps, and that the rest stays. Raises as `critique`.
        """
        scene, outcomes = _world(request.source, request.instruction)
        asks = read(request.instruction).asks
        question = ("plan", digest(scene), request.instruction)
        able = [chance(*question, part) < self.skill for part in ("named", "numbered", "rest")]
        wanted = Remedies(named=able[0], numbered=able[1] and len(asks) > 1, rest=able[2])
        return prompt(scene, request.instruction, outcomes[0], wanted)

    def think(self, request: CritiqueRequest) -> Critique:
        """`critique` at once: a few milliseconds."""
        scene, outcomes = _world(request.source, request.instruction)
        asks = read(request.instruction).asks
        had = Remedies()
        for text in [*(past.prompt for past in request.history), request.prompt]:
            had |= remedies_in(scene, read(text))
        if request.error is not None:
            again = self._worded(request, scene, outcomes[0], had | Remedies(named=True))
            return Critique(reasoning=f"The editor refused the prompt: {request.error}", next_prompt=again)
        found = verdict(request.source, request.edited, request.instruction)
        shown = examine(request.edited)
        seen = faults(scene, shown.scene, found, asks, request.threshold, had)
        question = (digest(scene, shown), request.instruction, request.prompt, request.look)
        errs = chance("errs", *question) >= self.skill
        if self.scores:
            return self._scored(request, scene, found, seen, had, errs, question)
        if (not seen and not errs) or (seen and errs and pick(3, "early", *question) == 0):
            return Critique(stop=True, reasoning=explained(scene, None), next_prompt=request.prompt)
        return self._going_on(request, scene, found, seen, had, errs, question)

    def _scored(
        self, request: CritiqueRequest, scene: Scene, found: Verdict, seen: Sequence[Fault], had: Remedies,
        errs: bool, question: tuple[object, ...],
    ) -> Critique:  # fmt: skip
        off = [
            NOISE * (1 - self.skill) * (chance(axis, *question) + chance(axis, 2, *question) - 1)
            for axis in "sq"
        ]
        semantic, quality = (
            round(min(10.0, max(0.0, score + error)), 1)
            for score, error in zip((found.semantic, found.quality), off, strict=True)
        )
        if semantic >= request.threshold and quality >= request.threshold:
            made = Critique(stop=True, reasoning=explained(scene, None), next_prompt=request.prompt)
        else:
            made = self._going_on(request, scene, found, seen, had, errs, question)
        made = made.model_copy(update={"semantic": semantic, "quality": quality})
        return made.model_copy(update={"raw": render_critique(made)})

    def _going_on(
        self, request: CritiqueRequest, scene: Scene, found: Verdict, seen: Sequence[Fault], had: Remedies,
        errs: bool, question: tuple[object, ...],
    ) -> Critique:  # fmt: skip
        named = cured = seen[0] if seen else self._imagined(scene, found, None, question)
        outcome = found.outcome
        if errs and seen:
            cured = self._imagined(scene, found, seen[0], question)
            if pick(2, "misses", *question):
                named = cured
        remedies = had | _remedy(scene, cured)
        reasoned = any(ask.reasoned for ask in read(request.instruction).asks)
        if remedies == had and (
            # Its remedy was not enough: the words fit the wrong thing, or the same thing twice. And where
            # nothing was changed again and again, it may be that the wrong thing was as it was to become.
            cured.kind in ("lost", "spill") or (cured.kind == "nothing" and (reasoned or request.history))
        ):
            remedies = had | Remedies(named=True)
            if remedies == had and len(found.done) > 1:
                remedies = had | Remedies(numbered=True)
        if errs and remedies.named and cured.kind in ("wrong", "reasoning"):
            outcome = _mistaken(scene, outcome, question)
        return Critique(
            reasoning=explained(scene, named),
            next_prompt=self._worded(request, scene, outcome, remedies),
        )

    def _imagined(
        self, scene: Scene, found: Verdict, true: Fault | None, question: tuple[object, ...]
    ) -> Fault:
        """A fault that is not there, or not the true one."""
        kinds = [kind for kind in KINDS if true is None or kind != true.kind]
        kind = kinds[pick(len(kinds), "imagined", *question)]
        others = _others(scene, found.outcome)
        if kind == "spill" and others:
            return Fault(kind, harm=Harm("colour", others[pick(len(others), "other", *question)]))
        return Fault(kind, found.done[0], Harm("background") if kind == "spill" else None)

    def _worded(self, request: CritiqueRequest, scene: Scene, outcome: Outcome, remedies: Remedies) -> str:
        """The prompt with these remedies, in a wording that the editor has not had yet.

        A repeated prompt would be taken for "stop", by those who read trajectories and by the loop.
        """
        used = [*(past.prompt for past in request.history), request.prompt]
        ways = [prompt(scene, request.instruction, outcome, remedies, way) for way in range(WAYS)]
        return next((text for text in ways if text not in used), min(ways, key=used.count))


def _world(source: Picture, instruction: str) -> tuple[Scene, tuple[Outcome, ...]]:
    try:
        scene = decode(source)
        return scene, meaning(scene, instruction)
    except ImageError as error:
        raise ThinkerFailed(f"the source is {error}", retryable=False) from error
    except InstructionError as error:
        raise ThinkerFailed(str(error), retryable=False) from error


def _remedy(scene: Scene, fault: Fault) -> Remedies:
    """What helps against a fault; against what fails by chance nothing does but another try."""
    if fault.kind in ("wrong", "reasoning"):
        return Remedies(named=True)
    if fault.kind == "lost":
        return Remedies(numbered=True)
    if fault.kind == "weak":
        return Remedies(strong=True)
    if fault.kind == "spill" and fault.harm is not None:
        place, what = fault.harm.place, fault.harm.what
        if place is not None and scene.things[place] is not None:
            return Remedies(kept=frozenset([place]))
        return Remedies(kept=frozenset([-1])) if what == "background" else Remedies(rest=True)
    return Remedies()


def _others(scene: Scene, outcome: Outcome) -> list[int]:
    """The places of the things that an outcome leaves alone."""
    touched = {change.place for change in outcome}
    return [place for place, _ in scene if place not in touched]


def _mistaken(scene: Scene, outcome: Outcome, question: tuple[object, ...]) -> Outcome:
    """The outcome with another thing in the place of one that is meant."""
    others = _others(scene, outcome)
    at = next((at for at, change in enumerate(outcome) if change.place is not None), None)
    if at is None or not others:
        return outcome
    other = replace(outcome[at], place=others[pick(len(others), "mistaken", *question)])
    return (*outcome[:at], other, *outcome[at + 1 :])
