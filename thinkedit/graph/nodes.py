"""The nodes of the loop: open, plan, edit, critique, refine, stop (paper, section 3).

Each node reads the state's cursor, does one thing and returns the cursor moved on. A node may run again
from its top after a crash: everything it pays for or writes is recorded or content-addressed, so that the
second run finds the first one's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from thinkedit.adapters.base import EditRequest, Planner, PlanRequest, RefineRequest, identity_of
from thinkedit.errors import EditRefused, InputError, NeedsCaller, ThinkerFailed, UnsupportedEdit
from thinkedit.graph.calls import EditOutcome
from thinkedit.graph.guarding import not_allowed, review_image, review_prompt
from thinkedit.graph.inputs import load_image, loop_settings
from thinkedit.graph.judging import judge_images, judge_refusal
from thinkedit.graph.pacing import Pace, step_line
from thinkedit.graph.pausing import act, ask, pause
from thinkedit.graph.safety import ImageRefused, Unchecked, why_no_image
from thinkedit.graph.selecting import select, why_stopped
from thinkedit.graph.sessions import checked_instruction, open_session, reopen, result_of
from thinkedit.graph.state import EditState, Phase
from thinkedit.graph.stopping import decide, repeats_itself
from thinkedit.graph.turns import Origin, TurnInHand, Workbench, history_of, unusable, wanted
from thinkedit.ledger import Session, Spent
from thinkedit.types import (
    Answer,
    CandidateRecord,
    Critique,
    CritiqueState,
    LoopSettings,
    Mode,
    Status,
    StopReason,
    TurnRecord,
)

__all__ = ["Nodes"]

_CANDIDATE_STRIDE = 1000


class Nodes(Workbench):
    """The six steps, each an async function of the state."""

    async def open(self, state: EditState) -> dict[str, Any]:
        """Create the session, or take up one that is to go on; decide which node comes first."""
        shas, sha, prompt = state.get("records"), state.get("draft"), state.get("prompt")
        said = Answer.model_validate(given) if (given := state.get("answer")) else None
        if said is not None and said.action == "prompt" and said.turns is None:
            prompt, said = said.prompt, None
        if state.get("image") is not None:  # a new session, even where this thread had another before
            session, shas, sha = await self.ledger.take(await self._create(state)), [], None
        else:
            session = await self._gone_on_with(state)
        if shas is None:  # a thread without a past: what the session has come to stands in the ledger
            shas, sha = await self._known(session)
        records = [await self.record(sha) for sha in shas]
        draft = await self.record(sha) if sha else None
        self.emit(session, "opened", turn=len(records), prompt=session.instruction)
        if ended := await not_allowed(self, session, new=not shas and sha is None):
            cursor: dict[str, Any] = {"session_id": session.session_id, "leg": session.leg}
            return ended | cursor | {"first": len(shas) + 1, "records": shas, "draft": sha}
        if said is not None:  # told in another process than the one that waited for it
            cursor = {"session_id": session.session_id, "leg": session.leg, "first": 1, "draft": sha}
            hand = TurnInHand(session, records, draft, self.calls(session, len(records)))
            told = await act(self, hand, said, {**state, "records": shas}, await self._spent(session))
            return {**cursor, "records": shas, "stop_reason": None, **told}
        if prompt and draft is not None and draft.image is not None:
            shas = [*shas, await self.put(session, draft, complete=True)]
            records, draft = [*records, draft], None
        moved: dict[str, Any] = {
            "session_id": session.session_id,
            "leg": session.leg,
            "first": len(records) + 1,
            "records": shas,
            "draft": sha,
            "stop_reason": None,
        }
        if prompt:
            own = checked_instruction(prompt, "prompt")
            return moved | await self.planned(session, records, own, "caller")
        if draft is not None:
            phase: Phase = "edit" if draft.image is None and draft.error is None else "critique"
            return moved | {"phase": phase, "turn": draft.turn}
        if records:
            return moved | {"phase": "refine"}
        if session.settings.mode is Mode.WHILE:
            return moved | await self.planned(session, [], session.instruction, "instruction")
        return moved | {"phase": "plan", "turn": 1}

    async def plan(self, state: EditState) -> dict[str, Any]:
        """Write the first prompt from the source alone (modes `before` and `both`)."""
        turn = await self.take(state)
        session, planner = turn.session, self.thinker
        if stopping := wanted(session):
            return stopping
        assert isinstance(planner, Planner)
        request = PlanRequest(await self.picture(session.source), session.instruction)
        digest = f"{self.thinker.identity} {session.source} {session.instruction}"
        try:
            prompt = await turn.calls.text(
                "plan", self.thinker.identity, digest, lambda: planner.plan(request)
            )
        except ThinkerFailed as error:
            why = f"The thinker could not plan: {error}."
            return await self.ended(session, StopReason.THINKER_FAILED, why)
        if problem := unusable(prompt):
            return await self.ended(session, StopReason.THINKER_FAILED, f"The thinker's plan is {problem}.")
        self.emit(session, "planned", turn=1, prompt=prompt)
        return await self.planned(session, [], prompt.strip(), "plan")

    async def edit(self, state: EditState) -> dict[str, Any]:
        """Make this turn's images from the source, one for each candidate seed."""
        turn = await self.take(state)
        session, draft = turn.session, turn.draft
        assert draft is not None
        if stopping := wanted(session):
            return stopping
        self.emit(session, "editing", turn=draft.turn, prompt=draft.prompt)
        source = await self.picture(session.source)
        seeds = [draft.seed + index * _CANDIDATE_STRIDE for index in range(turn.settings.candidates)]
        requests = [EditRequest(source, draft.prompt, seed) for seed in seeds]

        pace = Pace()

        async def progress(done: float, total: float, message: str) -> None:
            if pace.due(done, total):
                line = step_line(done, total, message)
                values = {"prompt": draft.prompt, "message": line, "done": done, "total": total}
                self.emit(session, "editing", turn=draft.turn, **values)

        try:
            await review_prompt(self, turn, draft, source)
        except (EditRefused, Unchecked) as error:
            outcomes = [EditOutcome(error=error) for _ in requests]
        else:
            allowed = partial(review_image, self, turn, draft, source) if self.safety is not None else None
            outcomes = await turn.calls.edit(self.editor, requests, progress, allowed)
        made = draft.model_copy(
            update={
                "candidates": tuple(
                    CandidateRecord(seed=seed, image=o.image, error=None if o.error is None else str(o.error))
                    for seed, o in zip(seeds, outcomes, strict=True)
                ),
                "edit_seconds": round(sum(outcome.seconds for outcome in outcomes), 4),
                "editor": self.editor.identity,
            }
        )
        if made.image is None:
            return await self._no_image(turn, made, outcomes)
        self.emit(session, "edited", turn=made.turn, prompt=made.prompt, image=made.image)
        return {"phase": "critique", "draft": await self.put(session, made, complete=False)}

    async def _no_image(
        self, turn: TurnInHand, made: TurnRecord, outcomes: Sequence[EditOutcome]
    ) -> dict[str, Any]:
        """A refused prompt is shown to the thinker, or raised where it is the first; else it ends here."""
        session = turn.session
        error = next(outcome.error for outcome in outcomes if outcome.error is not None)
        refused = isinstance(error, UnsupportedEdit | EditRefused)
        # A refused image says nothing against the instruction: that session stays.
        if refused and made.turn == 1 and session.leg == 1 and not isinstance(error, ImageRefused):
            await self.ledger.delete(session.session_id)
            raise error
        failed = made.model_copy(update={"error": str(error)})
        sha = await self.put(session, failed, complete=False)
        if refused and any(record.image for record in turn.records):
            return {"phase": "critique", "draft": sha}
        # The turn stays in hand without its failures, so that going on tries it again.
        planned = made.model_copy(update={"candidates": ()})
        ended = await self.ended(session, StopReason.EDITOR_FAILED, why_no_image(error))
        return ended | {"draft": await self.records.put(self.store, planned)}

    async def critique(self, state: EditState) -> dict[str, Any]:
        """Score the turn's images. Every turn is critiqued, the last included; then stop or go on."""
        turn = await self.take(state)
        session, draft = turn.session, turn.draft
        assert draft is not None
        if stopping := wanted(session):
            return stopping
        if not await self.readable(c.image for c in draft.candidates if c.image):
            return await self.planned(session, turn.records, draft.prompt, draft.origin)
        self.emit(session, "critiquing", turn=draft.turn, prompt=draft.prompt, image=draft.image)
        judge = judge_refusal if draft.image is None else judge_images
        try:
            done = await judge(self, turn, draft)
        except NeedsCaller:
            return {"phase": "pause"}
        critique = done.critique or Critique()
        self.emit(
            session,
            "critiqued",
            turn=done.turn,
            prompt=done.prompt,
            image=done.image,
            semantic=critique.semantic,
            quality=critique.quality,
            overall=critique.overall and round(critique.overall, 2),  # as results have it
            message=critique.reasoning,
        )
        sha = await self.put(session, done, complete=critique.state is CritiqueState.SCORED)
        reason = decide(
            [*turn.records, done], turn.settings, await self._spent(session), state.get("first", 1)
        )
        if reason is StopReason.THINKER_FAILED:
            # The images stay in hand, so that going on asks for their critique again.
            why = f"The thinker failed: {critique.reasoning.rstrip('.')}."
            return await self.ended(session, reason, why)
        return {
            "draft": None,
            "records": [*state.get("records", []), sha],
            "phase": "stop" if reason else "pause" if turn.settings.pause == "turn" else "refine",
            "stop_reason": reason and reason.value,
        }

    async def _spent(self, session: Session) -> Spent:
        """What this leg has cost, where there is a budget for it."""
        settings = session.settings
        bounded = settings.budget_seconds is not None or settings.budget_calls is not None
        return await self.ledger.spent(session) if bounded else Spent(0.0, 0)

    async def refine(self, state: EditState) -> dict[str, Any]:
        """Take the next prompt from the critique, or from the refiner where there is one; guard it."""
        turn = await self.take(state)
        session, records = turn.session, turn.records
        if stopping := wanted(session):
            return stopping
        last = records[-1]
        critique = last.critique or Critique()
        prompt = critique.next_prompt
        origin: Origin = "thinker"
        if self.refiner is not None and last.image is not None:
            try:
                prompt, origin = await self._refined(turn, last, critique), "refiner"
            except ThinkerFailed as error:
                return await self.ended(session, StopReason.THINKER_FAILED, f"The refiner failed: {error}.")
        prompt = prompt.strip()
        if problem := unusable(prompt):
            why = f"The thinker's next prompt is {problem}."
            return await self.ended(session, StopReason.NOTHING_NEW, why)
        seeded = getattr(self.editor, "seeded", True)
        going_on = len(records) < state.get("first", 1)
        if repeats_itself(prompt, records, seeded=seeded) and not going_on:
            why = "The thinker proposes a prompt that was tried already."
            return await self.ended(session, StopReason.NOTHING_NEW, why)
        self.emit(session, "refined", turn=last.turn + 1, prompt=prompt)
        return await self.planned(session, records, prompt, origin)

    async def _refined(self, turn: TurnInHand, last: TurnRecord, critique: Critique) -> str:
        refiner = self.refiner
        assert refiner is not None
        assert last.image is not None
        request = RefineRequest(
            source=await self.picture(turn.session.source),
            edited=await self.picture(last.image),
            instruction=turn.session.instruction,
            prompt=last.prompt,
            critique=critique,
            history=history_of(turn.records[:-1]),
        )
        digest = f"{identity_of(refiner)} {last.image} {last.prompt} {critique.model_dump_json()}"
        return await turn.calls.text("refine", identity_of(refiner), digest, lambda: refiner.refine(request))

    async def pause(self, state: EditState) -> dict[str, Any]:
        """Note that the session waits for its caller."""
        turn = await self.take(state)
        return wanted(turn.session) or await pause(self, turn)

    async def wait(self, state: EditState) -> dict[str, Any]:
        """Ask the caller, by an interrupt, and do what it says."""
        records = [await self.record(sha) for sha in state.get("records", [])]
        draft = await self.record(sha) if (sha := state.get("draft")) else None
        session = await self.ledger.session(state["session_id"])
        answer = ask(session, [*records, draft] if draft is not None else records)
        turn = await self.take(state)
        return await act(self, turn, answer, state, await self._spent(turn.session))

    async def stop(self, state: EditState) -> dict[str, Any]:
        """Select the best turn, write down why, and hand out the result."""
        turn = await self.take(state)
        session, draft = turn.session, turn.draft
        records = [*turn.records, draft] if draft is not None and draft.image else turn.records
        reason = StopReason(state.get("stop_reason") or StopReason.STOPPED_BY_CALLER)
        selected, why = await select(self, turn, records, reason)
        if (picked := state.get("picked")) is not None:
            selected = next(record for record in records if record.turn == picked)
            why = f"Turn {picked} was picked by the caller."
        await self.ledger.finish(
            session.session_id,
            state.get("records", []),
            in_hand=int(draft is not None),
            status=reason.status,
            stop_reason=reason,
            why=f"{why_stopped(reason, session, records)} {why}",
            selected_turn=selected.turn if selected is not None else None,
            wanted="",
        )
        self.emit(session, "stopped", turn=selected.turn if selected else 0, message=reason.value)
        result = await result_of(self.store, self.ledger, session.session_id)
        return {"result": result.model_dump(mode="json"), "stop_reason": reason.value, "picked": None}

    async def _known(self, session: Session) -> tuple[list[str], str | None]:
        """(hashes of the turns done, that of the one in hand) as the ledger has them."""
        entries = await self.ledger.turns(session.session_id)
        done = [entry.record for entry in entries if entry.complete]
        sha = next((entry.record for entry in entries if not entry.complete), None)
        if sha is not None and (draft := await self.record(sha)).image is None:
            planned = draft.model_copy(update={"candidates": (), "error": None, "critique": None})
            sha = await self.records.put(self.store, planned)
        return done, sha

    async def _gone_on_with(self, state: EditState) -> Session:
        """The session that the state names; one that had ended is reopened, with a turn more at least."""
        if "session_id" not in state:
            raise InputError("the graph's input has no image: give {'image': ..., 'instruction': ...}")
        session = await self.ledger.take(state["session_id"])
        if session.status is Status.RUNNING:
            return session
        await reopen(self.ledger, session, turns=None, prompt=state.get("prompt"))
        return await self.ledger.take(session.session_id)

    async def _create(self, state: EditState) -> str:
        """Open a session for a graph that was given a picture and an instruction."""
        given = state.get("settings") or {}
        if isinstance(given, LoopSettings):
            given = given.model_dump()
        return await open_session(
            store=self.store,
            ledger=self.ledger,
            editor=self.editor,
            thinker=self.thinker,
            source=await load_image(self.store, self.ledger, state["image"], owner=self.owner),
            instruction=state.get("instruction") or "",
            settings=loop_settings(self.settings, given),
            owner=self.owner,
            refiner=self.refiner,
            safety=self.safety,
        )
