"""`thinkedit train`: SFT and GRPO of a thinker, and what is loaded afterwards."""

from __future__ import annotations

import typer

__all__ = ["train"]

train = typer.Typer(name="train", help="Train a thinker.", no_args_is_help=True)
