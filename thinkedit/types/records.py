"""What is kept of a session: immutable, stored by the hash of its JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from thinkedit.types.words import Critique, Frozen, LoopSettings, Sha256, Usage

__all__ = ["CandidateRecord", "SessionRecord", "TurnRecord"]


class CandidateRecord(Frozen):
    """One image of a turn with the critique of it; image is None where there is none, as `error` says.

    looks: where each image is critiqued several times, all of these critiques, with every raw answer;
        `critique` is then their mean.
    """

    seed: int
    image: Sha256 | None = None
    error: str | None = None
    critique: Critique | None = None
    looks: tuple[Critique, ...] = ()


class TurnRecord(Frozen):
    """One turn, immutable, stored by the hash of its JSON. A planned turn has no candidates yet.

    session_id: so that the ledger, an index over these records, can be rebuilt from them.
    critique: of the best candidate; for a turn whose prompt was refused it has no scores.
    origin: who wrote the prompt: instruction, plan, thinker, refiner or caller.
    editor, thinker: identities of the models; refiner: of the one that wrote the prompt, where one did.
    """

    session_id: str
    turn: int = Field(ge=1)
    prompt: str
    seed: int
    origin: Literal["instruction", "plan", "thinker", "refiner", "caller"] = "thinker"
    candidates: tuple[CandidateRecord, ...] = ()
    best: int | None = None
    critique: Critique | None = None
    error: str | None = None
    editor: str = ""
    thinker: str = ""
    refiner: str = ""
    template: str = ""
    edit_seconds: float = 0.0
    critique_seconds: float = 0.0

    @property
    def image(self) -> str | None:
        """Hash of the turn's image: the best candidate's, or the first that exists."""
        if self.best is not None:
            return self.candidates[self.best].image
        return next((c.image for c in self.candidates if c.image), None)

    @property
    def usage(self) -> Usage | None:
        """Tokens of all critiques of this turn."""
        judged = [c.critique for c in self.candidates if c.critique] or [c for c in [self.critique] if c]
        return Usage.total(critique.usage for critique in judged)


class SessionRecord(Frozen):
    """How a session was opened: stored like its turns, so that the ledger can be rebuilt from the store.

    source: hash of the normalised source; editor, thinker, refiner, safety: identities of the models, the
        last two empty where there is none.
    """

    session_id: str
    owner: str = ""
    created: float
    instruction: str
    settings: LoopSettings
    source: Sha256
    source_name: str | None = None
    source_mime: str
    editor: str
    thinker: str
    refiner: str = ""
    safety: str = ""
