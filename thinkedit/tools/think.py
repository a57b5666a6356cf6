"""think_edit and continue_edit: the whole loop with one call, and what may follow it."""

from __future__ import annotations

import math
import os
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import anyio
from anyio.to_thread import run_sync

from thinkedit.errors import ActionError, NotFoundError
from thinkedit.graph.answering import answer
from thinkedit.graph.sessions import checked_instruction, reopen, turn_records
from thinkedit.images import ImageInput, Loaded, save
from thinkedit.ledger import Session
from thinkedit.tools.inputs import a_runner, checked_output, load_image, loop_settings, safety_name
from thinkedit.types import CallerCritique, Critique, EditResult, LoopSettings, Status

if TYPE_CHECKING:
    from thinkedit.adapters.base import Safety
    from thinkedit.adapters.safety.called import Check
    from thinkedit.graph.runner import Listener, Runner

__all__ = ["ACTIONS", "Action", "continue_edit", "think_edit", "think_edit_sync"]

Action = Literal["go_on", "wait", "critique", "prompt", "pick", "fork", "stop", "cancel"]

LONGEST_WAIT = 3600
"""Seconds that a call may wait before it returns what there is."""

ACTIONS: dict[Status, tuple[Action, ...]] = {
    Status.RUNNING: ("wait", "go_on", "stop", "cancel"),
    Status.PAUSED: ("go_on", "critique", "prompt", "pick", "fork", "stop"),
    Status.FINISHED: ("go_on", "prompt", "pick", "fork"),
    Status.FAILED: ("go_on", "prompt", "fork"),
}
"""What may follow what. `wait` fits always: what has ended meanwhile is collected by it."""


async def think_edit(
    image: ImageInput | Loaded,
    instruction: str,
    *,
    settings: LoopSettings | None = None,
    output: str | os.PathLike[str] | None = None,
    runner: Runner | None = None,
    owner: str = "",
    on_event: Listener | None = None,
    wait_seconds: float | None = None,
    safety: str | Safety | Check | None = None,
    room: AbstractAsyncContextManager[None] | None = None,
    **options: Any,
) -> EditResult:
    """Edit a picture by an instruction, looking at each result and trying again until it is good enough.

    image: a path, encoded bytes, a PIL image, a `data:` URI, or a `thinkedit://` URI of an earlier result.
    options: fields of LoopSettings (turns, threshold, mode, candidates, passes, seed, editor, thinker, ...).
    safety: what sees the instruction, each prompt and each result before it is used: a name, a function of a
        SafetyRequest (async or not), or an object with `review`. To be gone on with in another process the
        session needs a name or a function that stands at the top of a module.
    output: where to write the selected image; the ending names the format; never over an existing file.
    runner: the process's runner, in a server; without one the user's configuration is opened.
    on_event: awaited with each Event.
    wait_seconds: return what there is after this long, with status `running`; the run then goes on by itself,
        as long as the runner is open, and continue_edit(session_id, "wait") collects it.
    room: entered while the session is opened, in a server that counts what each owner has; what it raises
        is raised.

    A call that is cancelled cancels its run; the session keeps the best so far and can be gone on with.

    Raises InputError for what cannot be used, UnsupportedEdit or EditRefused where the editor or the safety
    check refuses the instruction (no session is left then), StoreError or LedgerError where nothing can be
    kept.
    A model that fails does not raise: the result's status is `failed`, with the best image so far.
    """
    target, seconds = checked_output(output), _checked_wait(wait_seconds)
    async with a_runner(runner) as runner:
        # The room first: who waits for it inside the turnstile holds a place that its holder may want back.
        async with room or nullcontext(), runner.turnstile.through():
            options["safety"] = safety_name(runner, safety)
            chosen = loop_settings(runner.defaults, settings, options)
            checked_instruction(instruction)
            source = await load_image(runner, image, owner)
            session_id = await runner.open(source, instruction, chosen, owner=owner)
        return await _followed(runner, session_id, on_event, target, seconds=seconds)


def think_edit_sync(image: ImageInput, instruction: str, **options: Any) -> EditResult:
    """`think_edit` for code that is not async."""
    return anyio.run(lambda: think_edit(image, instruction, **options))


async def continue_edit(
    session_id: str,
    action: Action = "go_on",
    *,
    turns: int | None = None,
    prompt: str | None = None,
    turn: int | None = None,
    critique: CallerCritique | Critique | dict[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    runner: Runner | None = None,
    owner: str = "",
    on_event: Listener | None = None,
    wait_seconds: float | None = None,
    room: AbstractAsyncContextManager[None] | None = None,
) -> EditResult:
    """Go on with a session, or end it.

    action:
        go_on: run it, with `turns` more where it had ended, or take up one that was interrupted.
        wait: collect what a running one came to; it runs on if this call goes away.
        prompt: go on with `prompt` as the next prompt.
        critique: give a critique of your own for the newest turn of a session that waits, and go on: a
            CallerCritique or its fields; `turn` says which turn it is of, where that may have moved on.
        pick: return turn `turn` as the result instead.
        fork: go another way from turn `turn`, in a new session; this one stays as it is.
        stop: end it after the step it is in, with the best so far. cancel: end it now.

    wait_seconds: as for think_edit. room: the same, entered where the session begins to run.

    Raises NotFoundError for an unknown session or turn, ActionError where the action does not fit.
    """
    target, seconds = checked_output(output), _checked_wait(wait_seconds)
    async with a_runner(runner) as runner:
        session = await owned_session(runner, session_id, owner)
        _check(session, action, turns=turns, prompt=prompt, turn=turn, critique=critique)
        owns = not (session.status is Status.RUNNING and await _is_anothers(runner, session_id))
        match action:
            case "fork":
                assert turn is not None
                async with room or nullcontext():
                    session_id = await runner.fork(session, turn, prompt=prompt, turns=turns)
            case "cancel":
                await runner.cancel(session_id)
                return await _finished(runner, session_id, target)
            case "wait":
                owns = False
            case _ if session.status is Status.PAUSED:
                told = _told(action, critique, prompt, turn, turns)
                async with (None if action in ("stop", "pick") else room) or nullcontext():
                    await answer(runner.store, runner.ledger, session, told)
            case "stop":
                await runner.stop(session_id)
                owns = False
            case "pick":
                assert turn is not None
                await _pick(runner, session, turn)
                return await _finished(runner, session_id, target)
            case _ if session.status is not Status.RUNNING:
                own = checked_instruction(prompt, "prompt") if prompt is not None else None
                async with room or nullcontext():
                    await reopen(runner.ledger, session, turns=turns, prompt=own)
        return await _followed(runner, session_id, on_event, target, seconds=seconds, owns=owns)


async def owned_session(runner: Runner, session_id: str, owner: str) -> Session:
    """The caller's session. A foreign one is as unknown as one that never was."""
    try:
        session = await runner.ledger.session(session_id)
    except NotFoundError:
        if (refusal := runner.refusal(session_id, owner)) is not None:
            raise refusal from None
        raise
    if session.owner != owner:
        raise NotFoundError(f"there is no session {session_id[:80]!r}: `thinkedit sessions list` shows them")
    return session


_TAKES: dict[str, tuple[str, ...]] = {
    "go_on": ("turns", "prompt"),
    "prompt": ("turns", "prompt"),
    "critique": ("turns", "turn", "critique"),
    "pick": ("turn",),
    "fork": ("turns", "prompt", "turn"),
}
_NEEDS = {"prompt": ("prompt",), "pick": ("turn",), "fork": ("turn",), "critique": ("critique",)}
_WHAT = {
    "prompt": "the argument prompt: what to tell the editor next",
    "turn": "the argument turn: the number of the turn that is meant",
    "critique": f"a critique of the newest turn's picture: {', '.join(CallerCritique.model_fields)}",
}


def _check(session: Session, action: str, **given: Any) -> None:
    turns = given["turns"]
    fitting = ACTIONS[session.status]
    if action not in get_args(Action):
        raise ActionError(f"there is no action {action!r}; now these fit: {', '.join(fitting)}")
    if action not in (*fitting, "wait"):
        raise ActionError(
            f"session {session.session_id} is {session.status.value}, so {action!r} does not fit; "
            f"these do: {', '.join(fitting)}"
        )
    for argument in _NEEDS.get(action, ()):
        if given[argument] is None:
            raise ActionError(f"the action {action!r} needs {_WHAT[argument]}")
    for argument, value in given.items():
        if value is not None and argument not in _TAKES.get(action, ()):
            takers = [name for name, taken in _TAKES.items() if argument in taken]
            raise ActionError(
                f"the action {action!r} takes no {argument}; with these it goes: {', '.join(takers)}"
            )
    if turns is not None and turns < 1:
        raise ActionError(f"turns is {turns}: ask for at least 1 more")
    if session.status is Status.RUNNING and action == "go_on" and any(v is not None for v in given.values()):
        raise ActionError(
            f"session {session.session_id} is still running: turns and prompt can be given when it has ended"
        )


async def _pick(runner: Runner, session: Session, turn: int) -> None:
    records = await turn_records(runner.store, runner.ledger, session.session_id)
    with_image = [record.turn for record in records if record.image]
    if turn not in with_image:
        there = ", ".join(map(str, with_image)) or "none"
        raise NotFoundError(
            f"turn {turn} of session {session.session_id} has no image; turns that have: {there}"
        )
    why = f"Turn {turn} was picked by the caller."
    if not await runner.ledger.change(session, selected_turn=turn, why=why, output=None):
        raise ActionError(f"session {session.session_id} has been gone on with by another call: wait for it")


def _told(
    action: Action,
    critique: CallerCritique | Critique | dict[str, Any] | None,
    prompt: str | None,
    turn: int | None,
    turns: int | None,
) -> dict[str, Any]:
    """An answer to a session that waits, as it is checked."""
    if isinstance(critique, Critique | CallerCritique):
        critique = {name: getattr(critique, name) for name in CallerCritique.model_fields}
    said = "prompt" if action == "go_on" and prompt is not None else action
    return {"action": said, "critique": critique, "prompt": prompt, "turn": turn, "turns": turns}


async def _is_anothers(runner: Runner, session_id: str) -> bool:
    """Whether a running session is no call's own any more, or another process's: to be watched, not owned."""
    return runner.detached(session_id) or not (
        runner.runs_here(session_id) or await runner.ledger.is_free(session_id)
    )


def _checked_wait(seconds: float | None) -> float | None:
    if seconds is not None and not 0 <= seconds <= LONGEST_WAIT:
        raise ActionError(f"wait_seconds is {seconds:g}: it may be 0 to {LONGEST_WAIT}")
    return seconds


async def _followed(
    runner: Runner,
    session_id: str,
    on_event: Listener | None,
    output: Path | None,
    *,
    seconds: float | None = None,
    owns: bool = True,
) -> EditResult:
    """Follow a run until it ends or waits, or `seconds` are over.

    owns: whether it ends with this call where that goes away; once it has run on after a call, it never does.
    """
    try:
        await runner.start(session_id, owned=owns)
        with anyio.move_on_after(math.inf if seconds is None else seconds) as waiting:
            await runner.follow(session_id, on_event)
    except BaseException as error:
        left = isinstance(error, anyio.get_cancelled_exc_class()) or runner.runs_here(session_id)
        if left and owns and not runner.parked and not runner.detached(session_id):
            with anyio.CancelScope(shield=True):
                await runner.cancel(session_id)
        raise
    if waiting.cancelled_caught:
        if owns:
            runner.detach(session_id)
        return await runner.result(session_id)
    return await _finished(runner, session_id, output)


async def _finished(runner: Runner, session_id: str, output: Path | None) -> EditResult:
    result = await runner.result(session_id)
    if output is None or result.image is None or result.status in (Status.RUNNING, Status.PAUSED):
        return result
    picture = await run_sync(runner.store.get, result.image.sha256)
    path = await run_sync(save, picture, output)
    await runner.ledger.note_output(session_id, str(path))
    return await runner.result(session_id)
