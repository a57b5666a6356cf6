"""The nodes of the loop: open, plan, edit, critique, refine, stop (paper, section 3).

Each node reads the state's cursor, does one thing and returns the cursor moved on. A node may run again
from its top after a crash: everything it pays for or writes is recorded or content-addressed, so that the
second run finds the first one's work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from anyio.to_thread import run_sync
from langgraph.config import get_stream_writer

from thinkedit.adapters.base import (
    CompareRequest,
    Comparer,
    CritiqueRequest,
    Editor,
    EditRequest,
    Past,
    Planner,
    PlanRequest,
    Refiner,
    RefineRequest,
    Thinker,
)
from thinkedit.errors import EditRefused, InputError, LeaseLost, ThinkerFailed, UnsupportedEdit
from thinkedit.graph.calls import Calls, EditOutcome, digest_of_critique
from thinkedit.graph.sessions import LONGEST_INSTRUCTION, open_session, result_of
from thinkedit.graph.state import EditState, Phase
from thinkedit.graph.stopping import (
    best_candidate,
    best_turn,
    decide,
    next_seed,
    repeats_itself,
    why_selected,
)
from thinkedit.images import Picture, load
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import (
    CandidateRecord,
    Critique,
    CritiqueState,
    Event,
    LoopSettings,
    Mode,
    Select,
    StopReason,
    TurnRecord,
)

__all__ = ["Nodes"]

_CANDIDATE_STRIDE = 1000


@dataclass(frozen=True)
class _Turn:
    """What a node works on: the session, its records and the turn in hand."""

    session: Session
    records: list[TurnRecord]
    draft: TurnRecord | None
    calls: Calls

    @property
    def settings(self) -> LoopSettings:
        return self.session.settings


@dataclass(frozen=True)
class Nodes:
    """Bound to one editor, one thinker, one store and one ledger when the graph is built."""

    editor: Editor
    thinker: Thinker
    store: Store
    ledger: Ledger
    settings: LoopSettings
    refiner: Refiner | None = None
    owner: str = ""
    pictures: PictureCache = field(default_factory=lambda: PictureCache())

    # nodes

    async def open(self, state: EditState) -> dict[str, Any]:
        """Create the session, or take up one that is to go on; decide which node comes first."""
        session_id = state.get("session_id") or await self._create(state)
        session = await self._claimed(session_id)
        records = [await self._record(sha) for sha in state.get("records", [])]
        draft = await self._record(draft_sha) if (draft_sha := state.get("draft")) else None
        moved: dict[str, Any] = {
            "session_id": session_id,
            "leg": session.leg,
            "first": len(records) + 1,
            "stop_reason": None,
        }
        prompt = state.get("prompt")
        self._emit(session, "opened", turn=len(records), prompt=session.instruction)
        if prompt:
            if draft is not None and draft.image is not None:
                kept = await self._put(session, draft, complete=True)
                records.append(draft)
                moved["records"] = [*state.get("records", []), kept]
            return moved | await self._planned(session, records, prompt, "caller")
        if draft is not None:
            phase: Phase = "critique" if draft.image is not None else "edit"
            return moved | {"phase": phase, "turn": draft.turn}
        if records:
            return moved | {"phase": "refine"}
        if session.settings.mode is Mode.WHILE:
            return moved | await self._planned(session, [], session.instruction, "instruction")
        return moved | {"phase": "plan", "turn": 1}

    async def plan(self, state: EditState) -> dict[str, Any]:
        """Write the first prompt from the source alone (modes `before` and `both`)."""
        turn = await self._turn(state)
        session, planner = turn.session, self.thinker
        if stopping := _wanted(session):
            return stopping
        assert isinstance(planner, Planner)
        source = await self._picture(session.source)
        try:
            prompt = await turn.calls.text(
                "plan",
                f"{self.thinker.identity} {session.source} {session.instruction}",
                lambda: planner.plan(PlanRequest(source, session.instruction)),
            )
        except ThinkerFailed as error:
            await self.ledger.update(session.session_id, why=f"The thinker could not plan: {error}.")
            return {"phase": "stop", "stop_reason": StopReason.THINKER_FAILED.value}
        if problem := _unusable(prompt):
            await self.ledger.update(session.session_id, why=f"The thinker's plan is {problem}.")
            return {"phase": "stop", "stop_reason": StopReason.THINKER_FAILED.value}
        self._emit(session, "planned", turn=1, prompt=prompt)
        return await self._planned(session, [], prompt.strip(), "plan")

    async def edit(self, state: EditState) -> dict[str, Any]:
        """Make this turn's images from the source, one for each candidate seed."""
        turn = await self._turn(state)
        session, draft = turn.session, turn.draft
        assert draft is not None
        if stopping := _wanted(session):
            return stopping
        self._emit(session, "editing", turn=draft.turn, prompt=draft.prompt)
        source = await self._picture(session.source)
        requests = [
            EditRequest(source, draft.prompt, draft.seed + index * _CANDIDATE_STRIDE)
            for index in range(turn.settings.candidates)
        ]

        async def progress(done: float, total: float, message: str) -> None:
            share = f" {done:g} of {total:g}" if total else ""
            self._emit(session, "editing", turn=draft.turn, prompt=draft.prompt, message=f"{message}{share}")

        outcomes = await turn.calls.edit(self.editor, requests, progress)
        if not turn.records and draft.turn == 1 and not any(outcome.image for outcome in outcomes):
            refusals = [o.error for o in outcomes if isinstance(o.error, UnsupportedEdit | EditRefused)]
            if refusals and len(refusals) == len(outcomes):
                raise refusals[0]
        made = draft.model_copy(
            update={
                "candidates": tuple(
                    CandidateRecord(seed=request.seed, image=outcome.image, error=_text(outcome))
                    for request, outcome in zip(requests, outcomes, strict=True)
                ),
                "edit_seconds": round(sum(outcome.seconds for outcome in outcomes), 4),
                "editor": self.editor.identity,
                "error": None,
            }
        )
        if made.image is None:
            return await self._no_image(turn, made, outcomes)
        self._emit(session, "edited", turn=made.turn, prompt=made.prompt, image=made.image)
        return {"phase": "critique", "draft": await self._put(session, made, complete=False)}

    async def _no_image(
        self, turn: _Turn, made: TurnRecord, outcomes: Sequence[EditOutcome]
    ) -> dict[str, Any]:
        """A refused prompt is shown to the thinker, if there is an earlier image; a broken editor ends it."""
        error = next(outcome.error for outcome in outcomes if outcome.error is not None)
        failed = made.model_copy(update={"error": str(error)})
        sha = await self._put(turn.session, failed, complete=False)
        refused = isinstance(error, UnsupportedEdit | EditRefused)
        if refused and any(record.image for record in turn.records):
            return {"phase": "critique", "draft": sha}
        await self.ledger.update(turn.session.session_id, why=f"The editor failed: {error}.")
        # The draft without images stays in hand, so that going on tries this turn again.
        planned = made.model_copy(update={"candidates": (), "error": None})
        kept = await run_sync(self.store.put_record, planned)
        return {"phase": "stop", "stop_reason": StopReason.EDITOR_FAILED.value, "draft": kept}

    async def critique(self, state: EditState) -> dict[str, Any]:
        """Score each candidate; the best is the turn's image. Every turn is critiqued, the last included."""
        turn = await self._turn(state)
        session, draft = turn.session, turn.draft
        assert draft is not None
        if stopping := _wanted(session):
            return stopping
        self._emit(session, "critiquing", turn=draft.turn, prompt=draft.prompt, image=draft.image)
        source = await self._picture(session.source)
        history = tuple(_past(record) for record in turn.records)
        if draft.image is None:
            done = await self._critique_refusal(turn, draft, source, history)
        else:
            done = await self._critique_images(turn, draft, source, history)
        assert done.critique is not None
        self._emit(
            session,
            "critiqued",
            turn=done.turn,
            prompt=done.prompt,
            image=done.image,
            semantic=done.critique.semantic,
            quality=done.critique.quality,
            overall=done.critique.overall,
            message=done.critique.reasoning,
        )
        sha = await self._put(session, done, complete=True)
        records = [*turn.records, done]
        spent = await self.ledger.spent(session.session_id)
        reason = decide(records, turn.settings, spent, state.get("first", 1))
        if reason is StopReason.THINKER_FAILED:
            why = f"The thinker failed: {done.critique.reasoning.rstrip('.')}."
            await self.ledger.update(session.session_id, why=why)
            # The images stay in hand, so that going on asks for their critique again.
            return {"phase": "stop", "stop_reason": reason.value}
        moved: dict[str, Any] = {"draft": None, "records": [*state.get("records", []), sha]}
        return moved | {"phase": "stop" if reason else "refine", "stop_reason": reason and reason.value}

    async def _critique_images(
        self, turn: _Turn, draft: TurnRecord, source: Picture, history: tuple[Past, ...]
    ) -> TurnRecord:
        candidates = list(draft.candidates)
        seconds = [0.0] * len(candidates)

        async def judge(index: int, sha: str) -> None:
            request = CritiqueRequest(
                source=source,
                edited=await self._picture(sha),
                instruction=turn.session.instruction,
                prompt=draft.prompt,
                history=history,
                threshold=turn.settings.threshold,
            )
            critique, seconds[index] = await turn.calls.critique(self.thinker, index, request)
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
                "thinker": self.thinker.identity,
                "template": getattr(self.thinker, "template", ""),
            }
        )

    async def _critique_refusal(
        self, turn: _Turn, draft: TurnRecord, source: Picture, history: tuple[Past, ...]
    ) -> TurnRecord:
        """Ask for another prompt where the editor refused this one: only the next prompt counts."""
        shown = next(record.image for record in reversed(turn.records) if record.image)
        request = CritiqueRequest(
            source=source,
            edited=await self._picture(shown),
            instruction=turn.session.instruction,
            prompt=draft.prompt,
            history=history,
            threshold=turn.settings.threshold,
            error=draft.error,
        )
        critique, seconds = await turn.calls.critique(self.thinker, 0, request)
        unscored = critique.model_copy(update={"semantic": None, "quality": None, "stop": False})
        return draft.model_copy(
            update={
                "critique": unscored,
                "critique_seconds": round(seconds, 4),
                "thinker": self.thinker.identity,
            }
        )

    async def refine(self, state: EditState) -> dict[str, Any]:
        """Take the next prompt from the critique, or from the refiner where there is one; guard it."""
        turn = await self._turn(state)
        session, records = turn.session, turn.records
        if stopping := _wanted(session):
            return stopping
        last = records[-1]
        critique = last.critique or Critique()
        prompt, origin = critique.next_prompt, "thinker"
        if self.refiner is not None and last.image is not None:
            try:
                prompt, origin = await self._refined(turn, last, critique), "refiner"
            except ThinkerFailed as error:
                await self.ledger.update(session.session_id, why=f"The refiner failed: {error}.")
                return {"phase": "stop", "stop_reason": StopReason.THINKER_FAILED.value}
        prompt = prompt.strip()
        again = repeats_itself(prompt, records, seeded=getattr(self.editor, "seeded", True))
        if problem := _unusable(prompt):
            why = f"The thinker's next prompt is {problem}."
        elif again and len(records) >= state.get("first", 1):
            why = "The thinker proposes a prompt that was tried already."
        else:
            self._emit(session, "refined", turn=last.turn + 1, prompt=prompt)
            return await self._planned(session, records, prompt, origin)  # type: ignore[arg-type]
        await self.ledger.update(session.session_id, why=why)
        return {"phase": "stop", "stop_reason": StopReason.NOTHING_NEW.value}

    async def _refined(self, turn: _Turn, last: TurnRecord, critique: Critique) -> str:
        refiner = self.refiner
        assert refiner is not None
        assert last.image is not None
        request = RefineRequest(
            source=await self._picture(turn.session.source),
            edited=await self._picture(last.image),
            instruction=turn.session.instruction,
            prompt=last.prompt,
            critique=critique,
            history=tuple(_past(record) for record in turn.records[:-1]),
        )
        identity = getattr(refiner, "identity", type(refiner).__qualname__)
        digest = f"{identity} {last.image} {last.prompt} {critique.model_dump_json()}"
        return await turn.calls.text("refine", digest, lambda: refiner.refine(request))

    async def stop(self, state: EditState) -> dict[str, Any]:
        """Select the best turn, write down why, and hand out the result."""
        turn = await self._turn(state)
        session = turn.session
        records = [*turn.records, *([turn.draft] if turn.draft is not None and turn.draft.image else [])]
        selected, compared = await self._select(turn, records)
        reason = StopReason(state.get("stop_reason") or StopReason.STOPPED_BY_CALLER)
        why = " ".join(part for part in (_why_stopped(reason, session, records), compared) if part)
        await self.ledger.update(
            session.session_id,
            status=reason.status,
            stop_reason=reason,
            why=f"{why} {why_selected(selected, records)}" if not compared else why,
            selected_turn=selected.turn if selected is not None else None,
            wanted="",
        )
        self._emit(session, "stopped", turn=selected.turn if selected else 0, message=reason.value)
        result = await result_of(self.store, self.ledger, session.session_id)
        return {"result": result.model_dump(mode="json"), "stop_reason": reason.value}

    async def _select(self, turn: _Turn, records: list[TurnRecord]) -> tuple[TurnRecord | None, str]:
        """The best turn; with `pairwise` the two best are compared in both orders."""
        best = best_turn(records)
        rest = best_turn([record for record in records if record is not best])
        comparer = self.thinker
        if (
            turn.settings.select is not Select.PAIRWISE
            or not isinstance(comparer, Comparer)
            or best is None
            or rest is None
        ):
            return best, ""
        assert best.image is not None
        assert rest.image is not None
        source = await self._picture(turn.session.source)
        first, second = await self._picture(best.image), await self._picture(rest.image)

        async def prefer(one: Picture, two: Picture) -> str:
            request = CompareRequest(source, one, two, turn.session.instruction)
            digest = f"{self.thinker.identity} {source.sha256} {one.sha256} {two.sha256}"

            async def ask() -> str:
                return str((await comparer.compare(request)).better)

            return await turn.calls.text("compare", digest, ask)

        try:
            answers = (await prefer(first, second), await prefer(second, first))
        except ThinkerFailed as error:
            return best, f"The comparison failed ({error}), so the higher score decided: turn {best.turn}."
        if answers == ("2", "1"):
            return rest, f"Turn {rest.turn} was preferred to turn {best.turn} in both orders."
        if answers == ("1", "2"):
            return best, f"Turn {best.turn} was preferred to turn {rest.turn} in both orders."
        return best, f"Both orders of comparison disagree, so the higher score decided: turn {best.turn}."

    # what nodes share

    async def _create(self, state: EditState) -> str:
        """Open a session for a graph that was given a picture and an instruction."""
        image = state.get("image")
        if image is None:
            raise InputError("the graph's input has no image: give {'image': ..., 'instruction': ...}")
        settings = state.get("settings") or self.settings
        if not isinstance(settings, LoopSettings):
            settings = LoopSettings.model_validate({**self.settings.model_dump(), **settings})
        return await open_session(
            store=self.store,
            ledger=self.ledger,
            editor=self.editor,
            thinker=self.thinker,
            source=await run_sync(load, image),
            instruction=state.get("instruction") or "",
            settings=settings,
            owner=self.owner,
        )

    async def _claimed(self, session_id: str) -> Session:
        if not await self.ledger.claim(session_id):
            raise LeaseLost(f"session {session_id} is run by another process now")
        return await self.ledger.session(session_id)

    async def _turn(self, state: EditState) -> _Turn:
        session = await self._claimed(state["session_id"])
        records = [await self._record(sha) for sha in state.get("records", [])]
        draft = await self._record(sha) if (sha := state.get("draft")) else None
        turn = draft.turn if draft else len(records) + 1

        def retrying(message: str) -> None:
            self._emit(session, "retrying", turn=turn, message=message)

        calls = Calls(self.store, self.ledger, session.session_id, turn, session.settings, retrying)
        return _Turn(session, records, draft, calls)

    async def _record(self, sha: str) -> TurnRecord:
        return await run_sync(self.store.get_record, sha, TurnRecord)

    async def _put(self, session: Session, record: TurnRecord, *, complete: bool) -> str:
        sha = await run_sync(self.store.put_record, record)
        await self.ledger.put_turn(session.session_id, record.turn, sha, complete=complete)
        return sha

    async def _planned(
        self,
        session: Session,
        records: Sequence[TurnRecord],
        prompt: str,
        origin: Literal["instruction", "plan", "thinker", "refiner", "caller"],
    ) -> dict[str, Any]:
        """Put the next turn's prompt and seed in hand, and go to the editor."""
        draft = TurnRecord(
            session_id=session.session_id,
            turn=len(records) + 1,
            prompt=prompt,
            seed=next_seed(session.settings.seed or 0, prompt, records),
            origin=origin,
        )
        sha = await run_sync(self.store.put_record, draft)
        return {"phase": "edit", "turn": draft.turn, "draft": sha}

    async def _picture(self, sha: str) -> Picture:
        return await self.pictures.get(self.store, sha)

    def _emit(self, session: Session, kind: Any, **values: Any) -> None:
        event = Event(kind=kind, session_id=session.session_id, turns=session.settings.turns, **values)
        with contextlib.suppress(RuntimeError):  # a node called outside a graph has no stream
            get_stream_writer()(event.model_dump(mode="json"))


class PictureCache:
    """The pictures in use, so that one made or read is not read and decoded again a moment later.

    budget: bytes of decoded pixels kept at most; the least recently used go first.
    """

    def __init__(self, budget: int = 256_000_000) -> None:
        self._budget = budget
        self._kept: dict[str, Picture] = {}

    async def get(self, store: Store, sha: str) -> Picture:
        picture = self._kept.pop(sha, None) or await run_sync(store.get, sha)
        self._kept[sha] = picture
        total = 0
        for key, kept in reversed(list(self._kept.items())):
            total += 3 * kept.width * kept.height
            if total > self._budget and key != sha:
                del self._kept[key]
        return picture


async def _together(calls: Sequence[tuple[Any, ...]]) -> None:
    """Run calls at once; a single failure comes out as itself, not as a group of one."""
    if len(calls) == 1:
        function, *arguments = calls[0]
        await function(*arguments)
        return
    try:
        async with anyio.create_task_group() as tasks:
            for function, *arguments in calls:
                tasks.start_soon(function, *arguments)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


def _past(record: TurnRecord) -> Past:
    critique = record.critique or Critique(state=CritiqueState.FAILED)
    return Past(
        turn=record.turn,
        prompt=record.prompt,
        semantic=critique.semantic,
        quality=critique.quality,
        reasoning=critique.reasoning,
        error=record.error,
    )


def _wanted(session: Session) -> dict[str, Any] | None:
    """A caller's mark in the ledger, looked at before each step."""
    if session.wanted == "stop":
        return {"phase": "stop", "stop_reason": StopReason.STOPPED_BY_CALLER.value}
    if session.wanted == "cancel":
        return {"phase": "stop", "stop_reason": StopReason.CANCELLED.value}
    return None


def _unusable(prompt: str) -> str | None:
    if not prompt.strip():
        return "empty"
    if len(prompt.strip()) > LONGEST_INSTRUCTION:
        return f"{len(prompt):,} characters long, over the limit of {LONGEST_INSTRUCTION:,}"
    return None


def _text(outcome: EditOutcome) -> str | None:
    return None if outcome.error is None else str(outcome.error)


def _why_stopped(reason: StopReason, session: Session, records: Sequence[TurnRecord]) -> str:
    """One sentence on why the loop ended. A failing node has written its own already."""
    settings = session.settings
    last = records[-1] if records else None
    match reason:
        case StopReason.SATISFIED:
            if last is None or last.critique is None or last.critique.semantic is None:
                return "The thinker is satisfied."
            scores = f"{last.critique.semantic:.1f} and {last.critique.quality:.1f}"
            return f"Both scores of turn {last.turn}, {scores}, reach {settings.threshold:g}."
        case StopReason.MAX_TURNS:
            turns = len(records)
            return f"The limit of {turns} turn{'s' if turns != 1 else ''} was reached."
        case StopReason.PLATEAU:
            return f"The last {settings.patience} turns brought no better image."
        case StopReason.BUDGET:
            return "The budget of model time or calls is used up."
        case StopReason.STOPPED_BY_CALLER:
            return "The caller stopped it."
        case StopReason.CANCELLED:
            return "It was cancelled."
        case _:
            return session.why
