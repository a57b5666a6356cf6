"""A thinker without a model, for tests and measurements: its answers depend on the request alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from thinkedit.adapters.base import (
    CompareRequest,
    CritiqueRequest,
    PlanRequest,
    Preference,
    RefineRequest,
)
from thinkedit.adapters.behaviour import Behaviour, Faults
from thinkedit.adapters.protocol import parse_answer
from thinkedit.errors import SettingsError, ThinkerFailed
from thinkedit.types import Critique

__all__ = ["Line", "ScriptedCritic", "ScriptedThinker", "rising"]

Line = Critique | Exception | str
"""A critique to return, an exception to raise, or a model's raw answer to parse."""

Script = Sequence[Line] | Callable[[CritiqueRequest], Line]

AnyRequest = CritiqueRequest | PlanRequest | CompareRequest | RefineRequest


def turn_of(request: CritiqueRequest) -> int:
    """The turn under critique, counted from 1; right too where the history holds only the latest turns."""
    return request.history[-1].turn + 1 if request.history else 1


def rising(request: CritiqueRequest) -> Critique:
    """The default script: semantic 5.5, 7, 8.5, then 9; the third turn is good enough at threshold 8."""
    turn = turn_of(request)
    return Critique(
        semantic=min(9.0, 4.0 + 1.5 * turn),
        quality=min(9.0, 6.5 + 0.5 * turn),
        reasoning=f"turn {turn} is nearer to what was asked",
        next_prompt=f"{request.instruction} (turn {turn + 1})",
    )


class ScriptedCritic:
    """Answers by a script, and only critiques: it has neither `plan` nor `compare` nor `refine`.

        thinker = ScriptedCritic([
            Critique(semantic=5, quality=8, next_prompt="warmer"),
            "<think>good</think><score>[9, 9]</score><answer>warmer</answer>",
        ])

    script: a line for each turn, of which the last repeats, or a function of the request; default `rising`.
        A line is picked by the request's turn and never by a count of calls, so a session that is
        resumed in another process gets the answers that it would have had.
    down: what `check` raises, as a server that cannot be reached would.
    latency, slots, faults, log: see `Behaviour`.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        latency: float = 0.0,
        slots: int | None = None,
        faults: Faults[AnyRequest] | None = None,
        log: str | os.PathLike[str] | None = None,
        down: ThinkerFailed | None = None,
    ) -> None:
        if isinstance(script, str) or (script is not None and not callable(script) and not script):
            raise SettingsError("script is empty or a bare string: give a list with a line for each turn")
        self.script: Script = rising if script is None else script
        self.behaviour: Behaviour[AnyRequest] = Behaviour(
            latency=latency, slots=slots, faults=faults, log=log
        )
        self.down = down
        self.closed = False
        self.identity = f"scripted({_named(self.script)})"

    @property
    def calls(self) -> int:
        """Calls so far, plans and comparisons and failed ones included."""
        return self.behaviour.calls

    async def critique(self, request: CritiqueRequest) -> Critique:
        facts = {**_facts(request), "turn": turn_of(request), "prompt": request.prompt}
        async with self.behaviour.during(request, **facts):
            line = self._line(request)
            if isinstance(line, Exception):
                raise line.with_traceback(None)
            return parse_answer(line) if isinstance(line, str) else line

    async def check(self) -> None:
        if self.down is not None:
            raise self.down.with_traceback(None)

    async def aclose(self) -> None:
        self.closed = True

    def _line(self, request: CritiqueRequest) -> Line:
        if callable(self.script):
            return self.script(request)
        return self.script[min(turn_of(request), len(self.script)) - 1]


class ScriptedThinker(ScriptedCritic):
    """A `ScriptedCritic` that also plans, compares and refines.

    planned: the plan, or a function of the request; default "INSTRUCTION (planned)".
    preferred: what a comparison says; a function of the request, or a Preference; default: the first,
        in whichever order the two are shown, so that comparing in both orders gives no winner.
    refined: the next prompt from another's critique, or a function of the request; default "INSTRUCTION
        (refined for turn N)".
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        planned: str | Exception | Callable[[PlanRequest], str] | None = None,
        preferred: Preference | Exception | Callable[[CompareRequest], Preference] | None = None,
        refined: str | Exception | Callable[[RefineRequest], str] | None = None,
        latency: float = 0.0,
        slots: int | None = None,
        faults: Faults[AnyRequest] | None = None,
        log: str | os.PathLike[str] | None = None,
        down: ThinkerFailed | None = None,
    ) -> None:
        super().__init__(script, latency=latency, slots=slots, faults=faults, log=log, down=down)
        self.planned = planned
        self.preferred = preferred
        self.refined = refined
        extra = [_named(told) for told in (planned, preferred, refined) if told is not None]
        self.identity = f"scripted({', '.join([_named(self.script), *extra])})"

    async def plan(self, request: PlanRequest) -> str:
        async with self.behaviour.during(request, **_facts(request)):
            if isinstance(self.planned, Exception):
                raise self.planned.with_traceback(None)
            if callable(self.planned):
                return self.planned(request)
            return f"{request.instruction} (planned)" if self.planned is None else self.planned

    async def compare(self, request: CompareRequest) -> Preference:
        async with self.behaviour.during(request, **_facts(request)):
            if isinstance(self.preferred, Exception):
                raise self.preferred.with_traceback(None)
            if callable(self.preferred):
                return self.preferred(request)
            return Preference(1, "the first is shown first") if self.preferred is None else self.preferred

    async def refine(self, request: RefineRequest) -> str:
        async with self.behaviour.during(request, **_facts(request)):
            if isinstance(self.refined, Exception):
                raise self.refined.with_traceback(None)
            if callable(self.refined):
                return self.refined(request)
            turn = len(request.history) + 2
            return self.refined or f"{request.instruction} (refined for turn {turn})"


def _facts(request: AnyRequest) -> Mapping[str, Any]:
    """What the log says of a request; the digest covers all that the request holds."""
    role = {
        CritiqueRequest: "thinker",
        PlanRequest: "planner",
        CompareRequest: "comparer",
        RefineRequest: "refiner",
    }[type(request)]
    state = hashlib.sha256()
    for name, value in vars(request).items():
        state.update(f"{name}={getattr(value, 'sha256', value)!r}\n".encode("utf-8", "surrogatepass"))
    return {"role": role, "digest": state.hexdigest()}


def _named(told: object) -> str:
    """A name that is the same in every process, for `identity`."""
    if callable(told):
        return str(getattr(told, "__qualname__", type(told).__qualname__))
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:12]
