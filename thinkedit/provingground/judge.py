"""`ProvingGroundJudge`: knows what is right, from the pictures and the instruction alone."""

from __future__ import annotations

from thinkedit.adapters.base import JudgeRequest
from thinkedit.errors import ImageError, InstructionError, ThinkerFailed
from thinkedit.images import Picture
from thinkedit.provingground.decoding import decode, examine
from thinkedit.provingground.meaning import meaning
from thinkedit.provingground.scoring import Verdict, weigh
from thinkedit.provingground.telling import told
from thinkedit.types import Judgement

__all__ = ["ProvingGroundJudge", "verdict"]


class ProvingGroundJudge:
    """The exact judge of the proving ground: a simulation. It is never told a prompt. Safe to share."""

    identity = "provingground-judge/1"

    async def judge(self, request: JudgeRequest) -> Judgement:
        """Scores as `weigh` gives them, the same for every look.

        Raises ThinkerFailed, not to be retried, for a picture or an instruction of another world.
        """
        found = verdict(request.source, request.edited, request.instruction)
        return Judgement(semantic=found.semantic, quality=found.quality, reasoning=told(found))


def verdict(source: Picture, edited: Picture, instruction: str) -> Verdict:
    """What the judge's scores rest on. Errors as for `ProvingGroundJudge.judge`."""
    what = "source"
    try:
        scene = decode(source)
        what = "edited picture"
        seen = examine(edited)
        if seen.scene.world is not scene.world:
            raise ImageError(
                f"of the {seen.scene.world.name} world, and the source of the {scene.world.name} one"
            )
        return weigh(scene, seen, meaning(scene, instruction))
    except ImageError as error:
        raise ThinkerFailed(f"the {what} is {error}", retryable=False) from error
    except InstructionError as error:
        raise ThinkerFailed(str(error), retryable=False) from error
