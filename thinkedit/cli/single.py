"""`thinkedit critique` and `thinkedit refine`: one look of the thinker, without a loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkedit.cli import options

if TYPE_CHECKING:
    from thinkedit.tools import CritiqueResult, RefinedResult

__all__ = ["critique", "refine"]

Source = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="The picture before.", show_default=False)
]
Edited = Annotated[
    str | None, typer.Argument(metavar="EDITED", help="The picture after.", show_default=False)
]
Instruction = Annotated[
    str | None,
    typer.Argument(metavar="INSTRUCTION", help="What was to change, in words.", show_default=False),
]
Session = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Instead: a turn of this session (or `last`).", show_default=False),
]
Turn = Annotated[
    int | None,
    typer.Option(metavar="N", help="Which turn; the selected one if not given.", show_default=False),
]
Prompt = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What the editor was told, if not INSTRUCTION.", show_default=False),
]


def critique(
    source: Source = None,
    edited: Edited = None,
    instruction: Instruction = None,
    session: Session = None,
    turn: Turn = None,
    prompt: Prompt = None,
    thinker: options.Thinker = None,
    threshold: options.Threshold = None,
    passes: options.Passes = None,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Score an edited picture against its source: is what was asked there, and is it good?"""
    from thinkedit.cli.output import write_json
    from thinkedit.tools import critique_image

    given = _given(source, edited, instruction, session, turn, prompt, thinker, threshold) | {
        "passes": passes
    }
    result: CritiqueResult = _look(critique_image, given, data, config, as_json=as_json)
    if as_json:
        write_json(result)
        return
    from thinkedit.cli.findings import show_critique

    show_critique(result)


def refine(
    source: Source = None,
    edited: Edited = None,
    instruction: Instruction = None,
    session: Session = None,
    turn: Turn = None,
    prompt: Prompt = None,
    thinker: options.Thinker = None,
    refiner: options.Refiner = None,
    threshold: options.Threshold = None,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Say what to tell the editor next, and why."""
    from thinkedit.cli.output import write_json
    from thinkedit.tools import refine_instruction

    given = _given(source, edited, instruction, session, turn, prompt, thinker, threshold)
    given["refiner"] = refiner
    result: RefinedResult = _look(refine_instruction, given, data, config, as_json=as_json)
    if as_json:
        write_json(result)
        return
    from thinkedit.cli.findings import show_refined

    show_refined(result)


def _given(
    source: str | None,
    edited: str | None,
    instruction: str | None,
    session: str | None,
    turn: int | None,
    prompt: str | None,
    thinker: str | None,
    threshold: float | None,
) -> dict[str, Any]:
    """The arguments of the tool. UsageError's kin where neither three arguments nor a session are given."""
    pictures = (source, edited, instruction)
    if session is None and None in pictures:
        missing = ("SOURCE", "EDITED", "INSTRUCTION")[pictures.index(None)]
        raise typer.BadParameter(f"{missing} is missing: give SOURCE EDITED INSTRUCTION, or --session ID")
    if session is not None and any(part is not None for part in pictures):
        raise typer.BadParameter("give either SOURCE EDITED INSTRUCTION or --session ID, not both")
    if session is None and turn is not None:
        raise typer.BadParameter("--turn needs --session ID")
    return {
        "source": source,
        "edited": edited,
        "instruction": instruction,
        "session_id": session,
        "turn": turn,
        "prompt": prompt,
        "thinker": thinker,
        "threshold": threshold,
    }


def _look(tool: Any, given: dict[str, Any], data: Path | None, config: Path | None, *, as_json: bool) -> Any:
    from thinkedit.cli.findings import waiting
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found
    from thinkedit.graph.runner import open_runner

    loaded = options.configured(config, data)

    async def work() -> Any:
        async with open_runner(loaded) as runner:
            if given["session_id"] is not None:
                given["session_id"] = (await found(runner.ledger, given["session_id"])).session_id
            return await tool(**given, runner=runner)

    with waiting("looking at the pictures", shown=not as_json):
        return run(work)
