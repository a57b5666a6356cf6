"""Sessions as trajectories: a folder with the pictures and one line of `trajectories.jsonl` for each session.

The form is that of the THINKEDIT dataset (paper, section 4): step t holds the prompt T_t, the image I_t that
the editor made of it *from the source*, and the critique *of that image*; `next_prompt` of step t is the
prompt of step t + 1, and where the thinker stops it repeats the prompt of its step.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from anyio.to_thread import run_sync
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from thinkedit.errors import InputError, StoreError
from thinkedit.graph.sessions import turn_records
from thinkedit.images import Picture, ending_for
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import Critique, CritiqueState, Mode, Score, StopReason, TurnRecord, overall_score

__all__ = ["FILE", "Scores", "Step", "Trajectory", "TrajectoryCandidate", "export", "trajectory"]

FILE = "trajectories.jsonl"


def _relative(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError("must be a path below the folder of the file, with forward slashes")
    return path


RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_relative)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Scores(_Record):
    """0-10 against the instruction; overall = sqrt(semantic * quality)."""

    semantic: Score
    quality: Score
    overall: Score


class TrajectoryCandidate(_Record):
    """One of several images of a step. image is null where the editor failed."""

    image: RelativePath | None
    seed: int
    scores: Scores | None = None
    error: str | None = None


class Step(_Record):
    """One turn. reason: the critique of `image`; origin: who wrote `prompt`.

    image is null where the editor refused the prompt or failed, as `error` then says. candidates: all
    images of the turn, where there was more than one.
    """

    t: int = Field(ge=1)
    prompt: str
    image: RelativePath | None
    reason: str
    next_prompt: str | None
    stop: bool
    error: str | None = None
    scores: Scores | None = None
    seed: int
    origin: Literal["instruction", "plan", "thinker", "refiner", "caller"]
    candidates: tuple[TrajectoryCandidate, ...] = ()


class Trajectory(_Record):
    """One session. T_s: the instruction; I_src: the source image; image paths are relative to the file.

    source_id: SHA-256 of the source, so that sets can be kept apart by picture.
    stop_reason: expert where the thinker was satisfied; editor_error and expert_error where a model failed;
        max_iter where the loop was ended from outside the models: by turns, budget, plateau or a person.
        `ended` has this session's own reason, null while it runs.
    selected: the step whose image was the result.
    """

    id: str
    source_id: str
    editor: str
    task_type: str | None = None
    instruction: str = Field(alias="T_s")
    source: RelativePath = Field(alias="I_src")
    steps: tuple[Step, ...]
    stop_reason: Literal["expert", "max_iter", "editor_error", "expert_error"]
    thinker: str
    mode: Mode
    threshold: Score
    selected: int | None = None
    ended: StopReason | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if [step.t for step in self.steps] != list(range(1, len(self.steps) + 1)):
            raise ValueError("steps must be numbered 1, 2, 3 and so on")
        for step, after in zip(self.steps, self.steps[1:], strict=False):
            if not step.stop and step.next_prompt != after.prompt:
                raise ValueError(f"next_prompt of step {step.t} is not the prompt of step {after.t}")
        if self.selected is not None and not any(s.t == self.selected and s.image for s in self.steps):
            raise ValueError(f"the selected step {self.selected} has no image")
        return self


_STOPS: dict[StopReason, Literal["expert", "max_iter", "editor_error", "expert_error"]] = {
    StopReason.SATISFIED: "expert",
    StopReason.EDITOR_FAILED: "editor_error",
    StopReason.THINKER_FAILED: "expert_error",
}


def trajectory(session: Session, records: Sequence[TurnRecord], names: dict[str, str]) -> Trajectory:
    """The session as a trajectory. names: paths of its pictures by their hashes."""
    turns = [record for record in records if record.candidates or record.error]
    steps = tuple(
        _step(record, after, session.settings.threshold, names)
        for record, after in zip(turns, [*turns[1:], None], strict=False)
    )
    return Trajectory(
        id=session.session_id,
        source_id=session.source,
        editor=session.editor,
        instruction=session.instruction,
        source=names[session.source],
        steps=steps,
        stop_reason=_STOPS.get(session.stop_reason, "max_iter") if session.stop_reason else "max_iter",
        thinker=session.thinker,
        mode=session.settings.mode,
        threshold=session.settings.threshold,
        selected=session.selected_turn
        if any(s.t == session.selected_turn and s.image for s in steps)
        else None,
        ended=session.stop_reason,
    )


def _step(record: TurnRecord, after: TurnRecord | None, threshold: float, names: dict[str, str]) -> Step:
    critique = record.critique
    stop = critique is not None and record.image is not None and critique.satisfied(threshold)
    proposed = critique.next_prompt if critique is not None and critique.next_prompt else None
    return Step(
        t=record.turn,
        prompt=record.prompt,
        image=names[record.image] if record.image else None,
        reason=critique.reasoning if critique is not None else "",
        next_prompt=record.prompt if stop else after.prompt if after is not None else proposed,
        stop=stop,
        error=record.error,
        scores=_scores(critique),
        seed=record.seed if record.best is None else record.candidates[record.best].seed,
        origin=record.origin,
        candidates=tuple(
            TrajectoryCandidate(
                image=names[c.image] if c.image else None,
                seed=c.seed,
                scores=_scores(c.critique),
                error=c.error,
            )
            for c in record.candidates
        )
        if len(record.candidates) > 1
        else (),
    )


def _scores(critique: Critique | None) -> Scores | None:
    if critique is None or critique.state is not CritiqueState.SCORED:
        return None
    overall = overall_score(critique.semantic, critique.quality)
    if critique.semantic is None or critique.quality is None or overall is None:
        return None
    return Scores(semantic=critique.semantic, quality=critique.quality, overall=round(overall, 4))


async def export(store: Store, ledger: Ledger, session_ids: Sequence[str], folder: Path) -> list[Trajectory]:
    """Write sessions into a new (or empty) folder; where something fails, nothing is left there.

    folder/ID/source.png (or .jpg), turn-1.png ... and folder/trajectories.jsonl. InputError where the folder
    is not empty, NotFoundError for an unknown session, StoreError where something cannot be read or written.
    """
    try:
        work = await run_sync(_workshop, folder)
        try:
            lines: list[Trajectory] = []
            for session_id in dict.fromkeys(session_ids):
                session = await ledger.session(session_id)
                records = await turn_records(store, ledger, session_id)
                names = await run_sync(_write_pictures, store, session, records, work)
                lines.append(trajectory(session, records, names))
            await run_sync(_place, lines, work, folder)
        finally:
            await run_sync(lambda: shutil.rmtree(work, ignore_errors=True))
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return lines


def _workshop(folder: Path) -> Path:
    """An empty folder beside `folder`, on the same file system, to be given its name at the end."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty: name a new folder (nothing was written)")
    parent = folder.absolute().parent
    if not parent.is_dir():
        raise InputError(f"{folder} cannot be made: there is no folder {parent}")
    work = parent / f".{folder.absolute().name[:60]}.{secrets.token_hex(6)}.part"
    work.mkdir()
    return work


def _write_pictures(
    store: Store, session: Session, records: Sequence[TurnRecord], folder: Path
) -> dict[str, str]:
    """Write a session's pictures; returns their paths below `folder` by their hashes."""
    wanted: dict[str, str] = {session.source: "source"}
    for record in records:
        if record.image:
            wanted.setdefault(record.image, f"turn-{record.turn}")
        for number, candidate in enumerate(record.candidates, start=1):
            if candidate.image:
                wanted.setdefault(candidate.image, f"turn-{record.turn}-candidate-{number}")
    (folder / session.session_id).mkdir()
    names: dict[str, str] = {}
    for sha, name in wanted.items():
        picture: Picture = store.get(sha)
        names[sha] = f"{session.session_id}/{name}{ending_for(picture.mime_type)}"
        (folder / names[sha]).write_bytes(picture.data)
    return names


def _place(lines: Sequence[Trajectory], work: Path, folder: Path) -> None:
    text = "".join(line.model_dump_json() + "\n" for line in lines)
    (work / FILE).write_text(text, encoding="utf-8")
    if not folder.exists():
        work.rename(folder)
        return
    for item in sorted(work.iterdir(), key=lambda path: path.name == FILE):  # the list of them comes last
        os.replace(item, folder / item.name)
