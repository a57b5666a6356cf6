"""The commands, put together; and the one place where errors become a line and an exit code."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from thinkedit.cli import (  # they add their commands to `dataset`, `evaluate` and `sessions`
    dataset_out,  # noqa: F401
    dataset_pools,  # noqa: F401
    dataset_sets,  # noqa: F401
    evaluate_ablation,  # noqa: F401
    going_on,  # noqa: F401
    housekeeping,  # noqa: F401
)
from thinkedit.cli.dataset import dataset
from thinkedit.cli.doctor import doctor
from thinkedit.cli.edit import edit
from thinkedit.cli.evaluate import evaluate
from thinkedit.cli.logs import noted
from thinkedit.cli.many import edit_many
from thinkedit.cli.page import view
from thinkedit.cli.serve import serve, upload
from thinkedit.cli.sessions import sessions
from thinkedit.cli.single import critique, refine
from thinkedit.cli.token import token
from thinkedit.cli.train import train

__all__ = ["app", "run"]

EXAMPLES = {
    "edit": (
        'thinkedit edit photo.jpg "make it warmer"',
        'thinkedit edit photo.jpg "lift the shadows, blur the background" -o out.png',
        'thinkedit edit photo.jpg "add 20 % contrast" --turns 6 --threshold 9',
        'thinkedit edit photo.jpg "black and white" --json',
    ),
    "view": ("thinkedit view last", "thinkedit view last -o turns.html --no-open"),
    "edit_many": (
        "thinkedit edit-many photos jobs.csv",
        "thinkedit edit-many photos jobs.jsonl --output-dir out --at-once 16",
    ),
    "critique": (
        'thinkedit critique before.jpg after.jpg "make it warmer"',
        "thinkedit critique --session last --turn 2",
    ),
    "refine": (
        'thinkedit refine before.jpg after.jpg "make it warmer"',
        "thinkedit refine --session last",
    ),
    "serve": ("thinkedit serve --allow ~/Camera", "thinkedit serve --http 127.0.0.1:8321"),
    "token": ("thinkedit token anna",),
    "upload": ("thinkedit upload photo.jpg --server http://127.0.0.1:8321",),
    "resume": (
        "thinkedit sessions resume last",
        "thinkedit sessions resume last --turns 2",
        'thinkedit sessions resume last --prompt "a little less warm"',
    ),
    "judge": ('thinkedit sessions judge last --semantic 5 --quality 8 --prompt "warmer, and keep the sky"',),
    "fork": ('thinkedit sessions fork last 1 --prompt "only a little warmer"',),
    "pick": ("thinkedit sessions pick last 2 -o second.jpg",),
    "export": ("thinkedit sessions export last -o trajectories",),
    "generate": (
        "thinkedit dataset generate --editor provingground:middle --expert provingground:0.8 --sources 200",
        "thinkedit dataset generate --editor kontext --editor qwen --expert gpt --sources mine/sources.jsonl",
    ),
    "score": ("thinkedit dataset score --judge provingground",),
    "evaluate_run": (
        "thinkedit evaluate run --benchmark gedit --data GEdit-Bench -o runs/gedit --judge gpt",
        "thinkedit evaluate run --benchmark provingground -o runs/world --judge provingground --limit 20 "
        "--editor provingground:middle --thinker provingground:0.8",
    ),
    "evaluate_score": (
        "thinkedit evaluate score runs/gedit --compat",
        "thinkedit evaluate score runs/gedit --judge gpt --judge-prompts viescore",
    ),
    "ablate": (
        "thinkedit evaluate ablate --benchmark provingground --seeds 5",
        "thinkedit evaluate ablate --benchmark gedit --data GEdit-Bench --judge chat:openai:gpt-4.1 "
        "--editors kontext,qwen --experts weaker,stronger --samples 110 --dry-run",
    ),
    "report": ("thinkedit evaluate report runs/gedit", "thinkedit evaluate report runs/a runs/b -o report"),
    "compare": ("thinkedit evaluate compare runs/a runs/b",),
    "sft": (
        "thinkedit train sft recipes/editthinker-4b-lora/sft.toml --dry-run",
        "thinkedit train sft recipes/editthinker-4b-lora/sft.toml --set batch=16 --resume",
    ),
    "grpo": ("thinkedit train grpo recipes/editthinker-4b-lora/grpo.toml",),
    "export_model": ("thinkedit train export out/editthinker-8b/grpo -o editthinker-8b --dtype bfloat16",),
    "prune": ("thinkedit sessions prune --older-than 30d --dry-run", "thinkedit sessions prune --keep 20"),
}

app = typer.Typer(
    name="thinkedit",
    help="Edit photographs in words: edit, look at the result, say what is wrong, try again.",
    epilog='Begin with:  thinkedit edit photo.jpg "make it warmer"',
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _paragraphs(command: Callable[..., None]) -> str:
    """A docstring with each paragraph on one line, so that help is wrapped to the terminal's width."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(command) or "").split("\n\n"))


def _examples(command: Callable[..., None]) -> str | None:
    examples = EXAMPLES.get(command.__name__)
    return None if examples is None else "\n".join(["Examples:\n", *examples])


_GROUPS = (sessions, dataset, evaluate, train)

for _command in (edit, edit_many, critique, refine, view, serve, token, upload, doctor):
    app.command(help=_paragraphs(_command), epilog=_examples(_command))(_command)
for _registered in (command for group in _GROUPS for command in group.registered_commands):
    if _registered.callback is not None:
        _registered.help = _paragraphs(_registered.callback)
        _registered.epilog = _examples(_registered.callback)
for _group in _GROUPS:
    app.add_typer(_group)


def _version(wanted: bool) -> None:
    if wanted:
        from thinkedit import __version__

        typer.echo(f"thinkedit {__version__}")
        raise typer.Exit()


@app.callback()
def thinkedit(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)
        raise typer.Exit(2)


# click's ClickException; newer versions of typer carry a click of their own and name only its children.
_Usage: type[Exception] = typer.BadParameter.__mro__[2]


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what it raises is said in one line."""
    options = list(arguments)[: list(arguments).index("--")] if "--" in arguments else list(arguments)
    as_json, debug = "--json" in options, "--debug" in options
    quiet = as_json or "--quiet" in options or "-q" in options or "doctor" in options[:1]
    _prepare_streams()
    try:
        # A server logs for itself, in its own form.
        with nullcontext() if "serve" in options[:1] else noted(debug=debug, quiet=quiet):
            code = app(args=list(arguments), prog_name="thinkedit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return _failed(KeyboardInterrupt("interrupted"), as_json)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _failed(error, as_json)


def _prepare_streams() -> None:
    """Closed streams (`>&-`) go nowhere; names of files may hold what the terminal's encoding does not."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the process's life
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _failed(error: BaseException, as_json: bool) -> int:
    from thinkedit.cli.failures import BAD_INPUT, INTERRUPTED, report
    from thinkedit.cli.interrupts import Interrupted
    from thinkedit.errors import SettingsError

    if isinstance(error, KeyboardInterrupt | Interrupted):
        return report(error, as_json=as_json, code=INTERRUPTED)
    if isinstance(error, _Usage):
        context = getattr(error, "ctx", None)
        where = f" (see `{context.command_path} --help`)" if context is not None else ""
        message = error.format_message().replace("\n\t", " ")  # type: ignore[attr-defined]  # by its class
        return report(SettingsError(f"{message.rstrip('.')}{where}"), as_json=as_json, code=BAD_INPUT)
    return report(error, as_json=as_json)
