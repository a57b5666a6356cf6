"""`thinkedit sessions resume | judge | fork`: run a session further, by one's own lights or another way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkedit.cli import options
from thinkedit.cli.sessions import sessions

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.ledger import Session

    Begin = Callable[[Runner, Session], Awaitable[str]]

MoreTurns = Annotated[int | None, typer.Option(metavar="N", help="How many turns more.", show_default=False)]
OwnPrompt = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The next prompt, in your words.", show_default=False)
]


@sessions.command()
def resume(
    session: options.SessionId,
    turns: MoreTurns = None,
    prompt: OwnPrompt = None,
    output: options.Output = None,
    quiet: options.Quiet = False,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Go on with a session: one that waits, that was interrupted, or that ended and could be better.

    What was paid for is not paid again. The result is written beside the session's last one, or in this
    folder, unless -o says where.
    """
    from thinkedit.errors import ActionError
    from thinkedit.graph.answering import answer
    from thinkedit.graph.sessions import checked_instruction, reopen, turn_records
    from thinkedit.types import Status

    own = checked_instruction(prompt, "prompt") if prompt is not None else None

    async def begin(runner: Runner, known: Session) -> str:
        _check_turns(turns)
        if known.status is Status.PAUSED:
            action = "go_on" if own is None else "prompt"
            newest = (await turn_records(runner.store, runner.ledger, known.session_id))[-1]
            if own is None and newest.critique is None:
                raise ActionError(
                    f"session {known.session_id} waits for your critique of turn {newest.turn}: give it with "
                    f"`thinkedit sessions judge {known.session_id} --semantic N --quality N --prompt TEXT`, "
                    "or go on with a --prompt of your own"
                )
            told = {"action": action, "prompt": own, "turns": turns}
            await answer(runner.store, runner.ledger, known, told)
        elif known.status is not Status.RUNNING:
            await reopen(runner.ledger, known, turns=turns, prompt=own)
        elif turns is not None or own is not None:
            raise ActionError(
                f"session {known.session_id} has not ended: resume it first, "
                "and give --turns or --prompt when it has"
            )
        return known.session_id

    _go_on(session, begin, output, quiet=quiet, data=data, config=config, as_json=as_json)


@sessions.command()
def judge(
    session: options.SessionId,
    semantic: Annotated[
        float, typer.Option(metavar="0-10", help="Was it followed, and the rest kept?", show_default=False)
    ],
    quality: Annotated[
        float, typer.Option(metavar="0-10", help="Is it natural, free of damage?", show_default=False)
    ],
    next_prompt: Annotated[
        str, typer.Option("--prompt", metavar="TEXT", help="What to tell the editor next.")
    ] = "",
    reasoning: Annotated[str, typer.Option("--why", metavar="TEXT", help="What is wrong.")] = "",
    turns: MoreTurns = None,
    output: options.Output = None,
    quiet: options.Quiet = False,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Be the thinker: give your own critique of the newest turn of a session that waits, and go on.

    A session waits with `edit --pause turn`, and for you alone with `edit --thinker host`.
    """
    from thinkedit.errors import ActionError
    from thinkedit.graph.answering import answer
    from thinkedit.types import Status

    said = {"semantic": semantic, "quality": quality, "reasoning": reasoning, "next_prompt": next_prompt}

    async def begin(runner: Runner, known: Session) -> str:
        _check_turns(turns)
        if known.status is not Status.PAUSED:
            raise ActionError(
                f"session {known.session_id} is {known.status.value}: only one that waits takes a critique; "
                "start it with --pause turn or --thinker host"
            )
        told = {"action": "critique", "critique": said, "turns": turns}
        await answer(runner.store, runner.ledger, known, told)
        return known.session_id

    _go_on(session, begin, output, quiet=quiet, data=data, config=config, as_json=as_json)


@sessions.command()
def fork(
    session: options.SessionId,
    turn: Annotated[int, typer.Argument(metavar="TURN", help="The turn's number.", show_default=False)],
    turns: MoreTurns = None,
    prompt: OwnPrompt = None,
    output: options.Output = None,
    quiet: options.Quiet = False,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Go another way from an earlier turn, in a new session; the old one stays as it is."""

    async def begin(runner: Runner, known: Session) -> str:
        _check_turns(turns)
        return await runner.fork(known, turn, prompt=prompt, turns=turns)

    _go_on(session, begin, output, quiet=quiet, data=data, config=config, as_json=as_json, shown=turn)


def _check_turns(turns: int | None) -> None:
    from thinkedit.errors import ActionError

    if turns is not None and turns < 1:
        raise ActionError(f"--turns is {turns}: ask for at least 1 more")


def _go_on(
    session: str,
    begin: Begin,
    output: Path | None,
    *,
    quiet: bool,
    data: Path | None,
    config: Path | None,
    as_json: bool,
    shown: int | None = None,
) -> None:
    """Begin, follow to the end or to the next wait, write the result.

    begin: makes the session run; returns its id. shown: up to which turn it has been there before.
    """
    from thinkedit.cli.follow import Followed, chosen_view, finish, follow
    from thinkedit.cli.interrupts import Interrupts, run_plainly
    from thinkedit.cli.opening import found
    from thinkedit.cli.results import beside_last, checked_output
    from thinkedit.graph.runner import open_runner

    loaded = options.configured(config, data)
    view = chosen_view(as_json=as_json, quiet=quiet)

    async def work() -> Followed:
        with Interrupts(view.stopping) as interrupts:
            async with open_runner(loaded) as runner:
                known = await found(runner.ledger, session)
                target = checked_output(output, beside_last(known))
                before = await runner.result(known.session_id)
                earlier = before.turns[:shown]
                view.begin(known.source_name or "picture", known.instruction, known.settings, earlier)
                return await follow(runner, view, interrupts, lambda: begin(runner, known), target)

    finish(run_plainly(work), view, as_json=as_json, config=config, data=data)
