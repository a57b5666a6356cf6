"""Following a run to its end, or to the user's Ctrl-C; writing its result; saying what it came to."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import typer

from thinkedit.cli.failures import INTERRUPTED, MODEL_FAILED
from thinkedit.cli.interrupts import Interrupted, Interrupts
from thinkedit.cli.options import hint
from thinkedit.cli.output import clean, is_live, warn, write_json
from thinkedit.cli.results import Target, write
from thinkedit.cli.view import Ending, PlainView, QuietView, View
from thinkedit.errors import LedgerError, StoreError, ThinkEditError
from thinkedit.graph.runner import Runner
from thinkedit.types import EditResult, Status

__all__ = ["Followed", "chosen_view", "finish", "follow", "write_result"]


@dataclass(frozen=True)
class Followed:
    """What became of a run. written: the path of its picture; went: seconds."""

    result: EditResult
    written: str | None
    interrupted: bool
    went: float


def chosen_view(*, as_json: bool, quiet: bool) -> View:
    """Drawn on a terminal, plain lines elsewhere; nothing where the output is for a program."""
    if as_json or quiet:
        return QuietView()
    if not is_live():
        return PlainView()
    from thinkedit.cli.live import LiveView

    return LiveView()


async def follow(
    runner: Runner,
    view: View,
    interrupts: Interrupts,
    opened: Callable[[], Awaitable[str]],
    target: Target,
) -> Followed:
    """Open a session (or take one up), follow it, and write its best picture.

    opened: returns the session's id; nothing has been paid for until it has. An interruption during the
    run ends it with the best so far. Interrupted where there is no session yet.
    """
    began = time.monotonic()
    session_id: str | None = None
    try:
        with anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            session_id = await opened()
            await _watched(runner, session_id, view)
        if session_id is None:
            raise Interrupted("interrupted before the first turn: nothing was made")
        result = await runner.result(session_id)
        written = await write_result(runner, result, target)
    finally:
        view.close()
    return Followed(result, written, scope.cancelled_caught, time.monotonic() - began)


async def _watched(runner: Runner, session_id: str, view: View) -> None:
    """Follow the run. Interrupted, it is cancelled where it runs here, and left to another process.

    StoreError and LedgerError say how to go on: what was recorded before them is not lost.
    """
    try:
        await runner.follow(session_id, view.event)
    except (StoreError, LedgerError) as error:
        go_on = f"thinkedit sessions resume {session_id}"
        raise type(error)(f"{error}; what was done is kept, go on with: {go_on}") from error
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            if runner.runs_here(session_id):
                await runner.cancel(session_id)
        raise


async def write_result(runner: Runner, result: EditResult, target: Target) -> str | None:
    try:
        return await write(runner, result, target)
    except ThinkEditError as error:
        again = f"thinkedit sessions pick {result.session_id} {result.selected_turn} -o OUT"
        raise StoreError(f"{error}; the picture is kept, this writes it elsewhere: {again}") from error


def finish(
    followed: Followed,
    view: View,
    *,
    as_json: bool,
    config: Path | None = None,
    data: Path | None = None,
    elsewhere: bool = False,
) -> None:
    """Say what it came to, and exit with the code for it.

    elsewhere: whether the session is a server's, which no command here goes on with.
    """
    result = followed.result
    if as_json:
        write_json(result)
    else:
        go_on = None
        if elsewhere:
            go_on = None
        elif result.next is not None and result.next.action == "critique":
            scores = "--semantic N --quality N --prompt TEXT"
            go_on = hint(f"sessions judge {result.session_id} {scores}", config, data)
        elif result.next is not None or followed.interrupted:
            go_on = hint(f"sessions resume {result.session_id}", config, data)
        view.end(
            Ending(
                result, followed.written, interrupted=followed.interrupted, went=followed.went, go_on=go_on
            )
        )
    if followed.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.status is Status.FAILED:
        if not as_json and not is_live():
            warn(f"Error: {clean(result.why)}")
        raise typer.Exit(MODEL_FAILED)
    if result.image is None:
        raise typer.Exit(INTERRUPTED)
