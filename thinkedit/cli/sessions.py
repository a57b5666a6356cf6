"""`thinkedit sessions`: look at sessions, go on with one, pick another turn, end one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkedit.cli import options

if TYPE_CHECKING:
    from thinkedit.ledger import Session
    from thinkedit.types import EditResult

__all__ = ["sessions"]

sessions = typer.Typer(
    name="sessions",
    help="Every edit is a session: look at it, go on with it, export it, delete it.",
    invoke_without_command=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@sessions.callback()
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@sessions.command("list")
def list_(
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, help="How many, newest first.")
    ] = 20,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """List the newest sessions."""
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import OWNER, opened, try_result
    from thinkedit.cli.output import write_json

    loaded = options.configured(config, data)

    async def work() -> list[tuple[Session, EditResult | None]]:
        async with opened(loaded) as (store, ledger):
            newest = await ledger.sessions(OWNER, limit)
            return [(session, await try_result(store, ledger, session)) for session in newest]

    rows = run(work)
    if as_json:
        write_json({"sessions": [_entry(session, result) for session, result in rows]})
    else:
        from thinkedit.cli.listing import show_list

        show_list(rows)


def _entry(session: Session, result: EditResult | None) -> dict[str, Any]:
    from thinkedit.cli.opening import overall_of

    return {
        "session_id": session.session_id,
        "created": session.created,
        "updated": session.updated,
        "status": session.status.value,
        "stop_reason": session.stop_reason and session.stop_reason.value,
        "instruction": session.instruction,
        "editor": session.editor,
        "thinker": session.thinker,
        "source_name": session.source_name,
        "output": session.output,
        "turns": None if result is None else len(result.turns),
        "selected_turn": session.selected_turn,
        "overall": None if result is None else overall_of(result),
    }


@sessions.command()
def show(
    session: options.SessionId,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show a session's turns: prompts, scores, what the thinker saw."""
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found, opened
    from thinkedit.cli.output import write_json
    from thinkedit.graph.sessions import result_of

    loaded = options.configured(config, data)

    async def work() -> tuple[Session, EditResult]:
        async with opened(loaded) as (store, ledger):
            known = await found(ledger, session)
            return known, await result_of(store, ledger, known.session_id)

    known, result = run(work)
    if as_json:
        write_json(result)
    else:
        from thinkedit.cli.listing import show_session

        go_on = options.hint(f"sessions resume {known.session_id}", config, data)
        show_session(known, result, go_on)


@sessions.command()
def pick(
    session: options.SessionId,
    turn: Annotated[int, typer.Argument(metavar="TURN", help="The turn's number.", show_default=False)],
    output: options.Output = None,
    quiet: options.Quiet = False,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Take another turn's picture as the result, and write it."""
    from thinkedit.cli.follow import write_result
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found
    from thinkedit.cli.output import clean, say, write_json
    from thinkedit.cli.results import beside_last, checked_output
    from thinkedit.graph.runner import open_runner
    from thinkedit.tools import continue_edit

    loaded = options.configured(config, data)

    async def work() -> tuple[EditResult, str | None]:
        async with open_runner(loaded) as runner:
            known = await found(runner.ledger, session)
            target = checked_output(output, beside_last(known))
            result = await continue_edit(known.session_id, "pick", turn=turn, runner=runner)
            return result, await write_result(runner, result, target)

    result, path = run(work)
    if as_json:
        write_json(result)
    elif quiet:
        say(path or "")
    else:
        say(clean(result.why))
        say(f"written: {path}")


@sessions.command()
def stop(
    session: options.SessionId,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """End a running session after the step that it is in, with the best so far."""
    _end("stop", session, data, config, as_json)


@sessions.command()
def cancel(
    session: options.SessionId,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """End a running session now, with the best so far."""
    _end("cancel", session, data, config, as_json)


def _end(action: str, session: str, data: Path | None, config: Path | None, as_json: bool) -> None:
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found
    from thinkedit.cli.output import clean, say, write_json
    from thinkedit.graph.runner import open_runner
    from thinkedit.tools import continue_edit

    loaded = options.configured(config, data)

    async def work() -> EditResult:
        async with open_runner(loaded) as runner:
            known = await found(runner.ledger, session)
            return await continue_edit(known.session_id, action, runner=runner)  # type: ignore[arg-type]  # stop or cancel

    result = run(work)
    if as_json:
        write_json(result)
        return
    say(clean(result.why))
    if result.image is not None and result.image.path is None:
        again = options.hint(f"sessions pick {result.session_id} {result.selected_turn} -o OUT", config, data)
        say(f"to write its picture: {again}")
