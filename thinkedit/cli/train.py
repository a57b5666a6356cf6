"""`thinkedit train`: SFT and GRPO of a thinker, and what is loaded afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from thinkedit.cli import options

if TYPE_CHECKING:
    from thinkedit.training.config import TrainConfig

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
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would train, hold and ask for, and train nothing.")
]
Gpus = Annotated[int, typer.Option(metavar="N", min=1, help="Of the dry run.")]
Sharded = Annotated[
    Literal["none", "fsdp", "zero3"], typer.Option(help="Of the dry run: how the GPUs share the model.")
]
GpuMemory = Annotated[float, typer.Option(metavar="GB", min=1, help="Of the dry run: of each GPU.")]


@train.command()
def sft(
    config: ConfigPath,
    resume: Resume = False,
    changes: Changes = None,
    dry_run: DryRun = False,
    gpus: Gpus = 1,
    sharding: Sharded = "none",
    gpu_memory: GpuMemory = 80,
    debug: options.Debug = False,
) -> None:
    """Fine-tune a vision-language model on the expert steps of `sft_train.json`.

    On several GPUs: accelerate launch -m thinkedit.training.sft CONFIG.
    """
    from thinkedit.cli.output import say
    from thinkedit.training.config import SftConfig
    from thinkedit.training.reading import read_config
    from thinkedit.training.sft import train as run

    settings = read_config(config, SftConfig, changes or ())
    if dry_run:
        _planned(settings, gpus, sharding, gpu_memory)
        return
    say(str(run(settings, resume=resume, say=say)))


@train.command()
def grpo(
    config: ConfigPath,
    resume: Resume = False,
    changes: Changes = None,
    dry_run: DryRun = False,
    gpus: Gpus = 1,
    sharding: Sharded = "none",
    gpu_memory: GpuMemory = 80,
    debug: options.Debug = False,
) -> None:
    """Let a thinker learn from what an editor makes of its prompts and a judge says of that.

    On several GPUs: accelerate launch -m thinkedit.training.grpo CONFIG.
    """
    from thinkedit.cli.output import say
    from thinkedit.training.config import GrpoConfig
    from thinkedit.training.grpo import train as run
    from thinkedit.training.reading import read_config

    settings = read_config(config, GrpoConfig, changes or ())
    if dry_run:
        _planned(settings, gpus, sharding, gpu_memory)
        return
    say(str(run(settings, resume=resume, say=say)))


@train.command("export")
def export_model(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="The folder of a run, or a checkpoint-N in it.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="A new folder.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option(help="The card's title.", show_default="the folder's name")
    ] = None,
    licence: Annotated[str, typer.Option(help="Of the weights, as the hub names it.")] = "other",
    dtype: Annotated[
        Literal["bfloat16", "float32"] | None,
        typer.Option(help="Of the weights.", show_default="as they were trained"),
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Write a trained model as a folder that transformers and vLLM load, LoRA merged, with a model card."""
    from thinkedit.cli.output import say
    from thinkedit.training.export import export as run

    say(str(run(checkpoint, output, name=name, licence=licence, dtype=dtype)))


def _planned(
    config: TrainConfig, gpus: int, sharding: Literal["none", "fsdp", "zero3"], gpu_memory: float
) -> None:
    from thinkedit.cli.failures import UNEXPECTED
    from thinkedit.cli.output import say
    from thinkedit.training.dry_run import dry_run

    plan = dry_run(config, gpus=gpus, sharding=sharding, gpu_memory=gpu_memory * 1e9)
    for line in plan.lines():
        say(line)
    if not plan.fits:
        raise typer.Exit(UNEXPECTED)
