"""`thinkedit train`: SFT and GRPO of a thinker, and what is loaded afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkedit.cli import options

__all__ = ["train"]

train = typer.Typer(
    name="train",
    help="Train a thinker: sft, then grpo, then export.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file; see recipes/.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last whole checkpoint.")]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Over the file; several may be given.", show_default=False
    ),
]


@train.command()
def sft(
    config: ConfigPath,
    resume: Resume = False,
    changes: Changes = None,
    debug: options.Debug = False,
) -> None:
    """Fine-tune a vision-language model on the expert steps of `sft_train.json`.

    On several GPUs: accelerate launch -m thinkedit.training.sft CONFIG.
    """
    from thinkedit.cli.output import say
    from thinkedit.training.config import SftConfig
    from thinkedit.training.reading import read_config
    from thinkedit.training.sft import train as run

    say(str(run(read_config(config, SftConfig, changes or ()), resume=resume, say=say)))


@train.command()
def grpo(
    config: ConfigPath,
    resume: Resume = False,
    changes: Changes = None,
    debug: options.Debug = False,
) -> None:
    """Let a thinker learn from what an editor makes of its prompts and a judge says of that.

    On several GPUs: accelerate launch -m thinkedit.training.grpo CONFIG.
    """
    from thinkedit.cli.output import say
    from thinkedit.training.config import GrpoConfig
    from thinkedit.training.grpo import train as run
    from thinkedit.training.reading import read_config

    say(str(run(read_config(config, GrpoConfig, changes or ()), resume=resume, say=say)))
