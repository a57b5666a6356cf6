"""Opening a session, going on with one, and showing what it came to."""

from __future__ import annotations

import random
import secrets
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from anyio.to_thread import run_sync

from thinkedit.adapters.base import Checkable, Editor, Planner, Refiner, Safety, Thinker, identity_of
from thinkedit.errors import ActionError, InstructionError, SettingsError
from thinkedit.graph.asking import HOST, question, waits_for
from thinkedit.graph.stopping import best_turn
from thinkedit.graph.turnstile import away
from thinkedit.images import Loaded, save
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import (
    Answer,
    Candidate,
    CritiqueView,
    EditResult,
    Image,
    LoopSettings,
    Mode,
    Next,
    Seconds,
    SessionRecord,
    Status,
    StopReason,
    Turn,
    TurnRecord,
)

__all__ = [
    "MOST_TURNS",
    "checked_instruction",
    "new_session_id",
    "open_session",
    "reopen",
    "result_of",
    "turn_records",
]

LONGEST_INSTRUCTION = 4000
MOST_TURNS = 12


def checked_instruction(text: str, what: str = "instruction") -> str:
    """The text without surrounding blanks. InstructionError where it is empty, too long or not text."""
    stripped = text.strip()
    if not stripped:
        raise InstructionError(f"the {what} is empty: say in words what to change")
    if len(stripped) > LONGEST_INSTRUCTION:
        raise InstructionError(
            f"the {what} has {len(stripped):,} characters, at most {LONGEST_INSTRUCTION:,} are allowed: "
            "shorten it"
        )
    for position, character in enumerate(stripped):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            raise InstructionError(
                f"the {what} has the control character U+{ord(character):04X} at position {position + 1}: "
                "remove it"
            )
    return stripped


def new_session_id() -> str:
    """The day, for whoever reads a list, and what nobody guesses."""
    return f"{time.strftime('%Y%m%d', time.gmtime())}-{secrets.token_hex(10)}"


def _check_host(settings: LoopSettings) -> None:
    """A caller who is the thinker judges one picture a turn, and is asked nothing else."""
    for name, why in (("candidates", "one picture is made in a turn"), ("passes", "each is judged once")):
        if (value := getattr(settings, name)) != 1:
            raise SettingsError(f"{name} is {value}, and with thinker 'host' {why}: leave {name} out")


async def open_session(
    *,
    store: Store,
    ledger: Ledger,
    editor: Editor,
    thinker: Thinker,
    source: Loaded,
    instruction: str,
    settings: LoopSettings,
    owner: str = "",
    refiner: Refiner | None = None,
    safety: Safety | None = None,
    session_id: str | None = None,
) -> str:
    """Check that the session can run at all, then store its source and create it. Returns its id."""
    instruction = checked_instruction(instruction)
    if settings.mode is not Mode.WHILE and not isinstance(thinker, Planner):
        raise SettingsError(
            f"mode {settings.mode.value!r} needs a thinker that can plan, and {thinker.identity} cannot: "
            "use mode 'while'"
        )
    if thinker.identity == HOST:
        _check_host(settings)
    models: list[object] = [editor, thinker, refiner, safety]
    for model in models:
        if isinstance(model, Checkable):
            async with away():  # a model that is loaded now takes its time
                await model.check()
    if settings.seed is None:
        settings = settings.model_copy(update={"seed": random.SystemRandom().randrange(2**31)})
    sha = await run_sync(store.put, source.picture)
    picture = source.picture
    entry = Image.stored(sha, picture.width, picture.height, picture.mime_type, len(picture.data))
    await ledger.put_image(owner, entry)
    now = time.time()
    session_id = session_id or new_session_id()
    # A file's name may hold bytes that are no UTF-8, which neither JSON nor SQLite take.
    name = source.name.encode(errors="replace").decode() if source.name is not None else None
    opened = SessionRecord(
        session_id=session_id,
        owner=owner,
        created=now,
        instruction=instruction,
        settings=settings,
        source=sha,
        source_name=name,
        source_mime=source.mime_type,
        editor=editor.identity,
        thinker=thinker.identity,
        refiner="" if refiner is None else identity_of(refiner),
        safety="" if safety is None else safety.identity,
    )
    await run_sync(store.put_record, opened)
    await ledger.create(
        Session(
            session_id=session_id,
            owner=owner,
            created=now,
            updated=now,
            status=Status.RUNNING,
            stop_reason=None,
            why="",
            instruction=instruction,
            settings=settings,
            source=sha,
            source_name=name,
            source_mime=source.mime_type,
            editor=editor.identity,
            thinker=thinker.identity,
            selected_turn=None,
            leg=1,
            asked="",
            wanted="",
            output=None,
            runner="",
            lease_until=0,
            fence=0,
        )
    )
    return session_id


async def reopen(ledger: Ledger, session: Session, *, turns: int | None, prompt: str | None) -> None:
    """Note that an ended session is to go on, `turns` more (default: those left, at least one).

    A turn that was not finished, or could not be, is taken up again and is not counted as used; with a
    prompt of the caller's own it stays behind as it is.
    """
    entries = await ledger.turns(session.session_id)
    used = len([entry for entry in entries if entry.complete or prompt is not None])
    left = session.settings.turns if session.settings.mode is not Mode.BEFORE else 1
    more = used + turns if turns is not None else max(left, used + 1)
    if more > MOST_TURNS:
        raise ActionError(
            f"session {session.session_id} has used {used} turns and {more} would be over the limit of "
            f"{MOST_TURNS}: ask for at most {max(MOST_TURNS - used, 0)} more, or start from its best image"
        )
    said = None if prompt is None else Answer(action="prompt", prompt=prompt)
    reopened = await ledger.change(
        session,
        status=Status.RUNNING,
        stop_reason=None,
        why="",
        settings=session.settings.model_copy(update={"turns": more}),
        leg=session.leg + 1,
        asked="" if said is None else said.model_dump_json(exclude_none=True),
        wanted="",
        output=None,
    )
    if not reopened:
        raise ActionError(f"session {session.session_id} has been gone on with by another call: wait for it")


async def turn_records(store: Store, ledger: Ledger, session_id: str) -> list[TurnRecord]:
    """The session's turns, the one in hand included, oldest first."""
    entries = await ledger.turns(session_id)
    return await run_sync(lambda: [store.get_record(entry.record, TurnRecord) for entry in entries])


async def result_of(store: Store, ledger: Ledger, session_id: str) -> EditResult:
    """What the session came to so far."""
    session = await ledger.session(session_id)
    records = [r for r in await turn_records(store, ledger, session_id) if r.candidates or r.error]
    hashes = {c.image for r in records for c in r.candidates if c.image} | {session.source}
    images = await ledger.images(hashes)
    threshold = session.settings.threshold
    selected = next((r for r in records if r.turn == session.selected_turn), None) or best_turn(records)
    image = images.get(selected.image) if selected is not None and selected.image else None
    if image is not None:
        image = image.model_copy(update={"path": session.output})
    result = EditResult(
        session_id=session_id,
        status=session.status,
        stop_reason=session.stop_reason,
        why=waits_for(records[-1]) if session.status is Status.PAUSED and records else session.why,
        instruction=session.instruction,
        mode=session.settings.mode.value,
        editor=session.editor,
        thinker=session.thinker,
        selected_turn=selected.turn if selected is not None and image is not None else None,
        source=images[session.source],
        image=image,
        turns=[_turn(record, images, threshold) for record in records],
        next=_next(session, records),
    )
    return result.attach(
        lambda wanted: store.get(wanted.sha256).data,
        lambda done, path: str(save(store.get(done.image.sha256), Path(path))) if done.image else "",
    )


def _turn(record: TurnRecord, images: dict[str, Image], threshold: float) -> Turn:
    return Turn(
        turn=record.turn,
        prompt=record.prompt,
        seed=record.seed,
        image=images.get(record.image) if record.image else None,
        candidates=[
            Candidate(
                seed=candidate.seed,
                image=images.get(candidate.image) if candidate.image else None,
                critique=CritiqueView.of(candidate.critique, threshold) if candidate.critique else None,
                error=candidate.error,
            )
            for candidate in record.candidates
        ],
        seconds=Seconds(edit=round(record.edit_seconds, 3), critique=round(record.critique_seconds, 3)),
        usage=record.usage,
        error=record.error,
        critique=CritiqueView.of(record.critique, threshold) if record.critique else None,
    )


def _next(session: Session, records: Sequence[TurnRecord]) -> Next | None:
    """What may follow: going on with the last critique's prompt, where turns are left."""
    if session.status is Status.RUNNING or len(records) >= MOST_TURNS:
        return None
    last = records[-1] if records else None
    if session.status is Status.PAUSED and last is not None:
        return question(session, records)
    if session.stop_reason in (StopReason.SATISFIED, None):
        return None
    if last is not None and last.critique is not None and last.critique.next_prompt:
        return Next(action="go_on", prompt=last.critique.next_prompt)
    return Next(action="go_on", prompt=last.prompt if last is not None else session.instruction)
