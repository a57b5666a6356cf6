"""`thinkedit dataset`: from an editor, an expert and a judge to training data."""

from __future__ import annotations

import typer

__all__ = ["dataset"]

dataset = typer.Typer(name="dataset", help="Make training data for a thinker.", no_args_is_help=True)
