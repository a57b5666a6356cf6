"""`thinkedit evaluate`: the benchmarks and the ablations."""

from __future__ import annotations

import typer

__all__ = ["evaluate"]

evaluate = typer.Typer(name="evaluate", help="Measure the loop on benchmarks.", no_args_is_help=True)
