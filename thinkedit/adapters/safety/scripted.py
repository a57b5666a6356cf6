"""A safety check without a model, for tests and demonstrations: it goes by words."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence

from thinkedit.adapters.base import SafetyRequest, SafetyVerdict
from thinkedit.adapters.behaviour import Behaviour, Faults
from thinkedit.errors import SettingsError, ThinkerFailed

__all__ = ["ScriptedSafety"]


class ScriptedSafety:
    """Refuses what has certain words in it, and fails as it is told to.

        safety = ScriptedSafety(words=["weapon"], image_words=["blood"])

    words: refuses an instruction or prompt with one of them in it, in any letter case.
    image_words: refuses the result of a prompt with one of them in it.
    verdict: a function of the request that decides instead; None from it goes by the words.
    down: what `check` raises, as a server that cannot be reached would.
    latency, slots, faults, log: see `Behaviour`.
    """

    def __init__(
        self,
        words: Sequence[str] = (),
        image_words: Sequence[str] = (),
        *,
        verdict: Callable[[SafetyRequest], SafetyVerdict | None] | None = None,
        latency: float = 0.0,
        slots: int | None = None,
        faults: Faults[SafetyRequest] | None = None,
        log: str | os.PathLike[str] | None = None,
        down: ThinkerFailed | None = None,
    ) -> None:
        for name, given in (("words", words), ("image_words", image_words)):
            if isinstance(given, str) or not all(isinstance(word, str) and word for word in given):
                raise SettingsError(f"{name} is {given!r}: give a list of words")
        self.words = tuple(word.lower() for word in words)
        self.image_words = tuple(word.lower() for word in image_words)
        self.verdict = verdict
        self.behaviour: Behaviour[SafetyRequest] = Behaviour(
            latency=latency, slots=slots, faults=faults, log=log
        )
        self.down = down
        self.closed = False
        decides = getattr(verdict, "__qualname__", "") if verdict is not None else ""
        self.identity = f"scripted-safety({', '.join((*self.words, '/', *self.image_words, decides))})"

    @property
    def calls(self) -> int:
        return self.behaviour.calls

    async def review(self, request: SafetyRequest) -> SafetyVerdict:
        state = hashlib.sha256()
        for name, value in vars(request).items():
            state.update(f"{name}={getattr(value, 'sha256', value)!r}\n".encode("utf-8", "surrogatepass"))
        facts = {"role": "safety", "stage": request.stage, "digest": state.hexdigest()}
        async with self.behaviour.during(request, **facts):
            decided = self.verdict(request) if self.verdict is not None else None
            return decided if decided is not None else self._by_words(request)

    def _by_words(self, request: SafetyRequest) -> SafetyVerdict:
        words = self.image_words if request.stage == "image" else self.words
        text = request.instruction if request.stage == "instruction" else request.prompt
        found = next((word for word in words if word in text.lower()), None)
        return (
            SafetyVerdict(True) if found is None else SafetyVerdict(False, f"it shows or asks for {found!r}")
        )

    async def check(self) -> None:
        if self.down is not None:
            raise self.down.with_traceback(None)

    async def aclose(self) -> None:
        self.closed = True
