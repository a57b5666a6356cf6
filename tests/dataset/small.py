"""A small dataset of the proving ground, built once for the tests that look at one."""

from __future__ import annotations

from pathlib import Path

from thinkedit.dataset.build import build_folder
from thinkedit.dataset.choosing import BuildSettings
from thinkedit.dataset.engines import create_engine
from thinkedit.dataset.filter import FilterSettings, filter_folder
from thinkedit.dataset.generate import generate
from thinkedit.dataset.generating import GenerateSettings
from thinkedit.dataset.score import score
from thinkedit.dataset.scoring import ScoreSettings
from thinkedit.dataset.sources import take_sources, world_items

__all__ = ["built"]


async def built(folder: Path, count: int = 40) -> Path:
    """`count` sources of the small world, through all five stages."""
    take_sources(folder, world_items(count, 1, "small"), ["provingground:middle"])
    await generate(
        GenerateSettings(folder=folder, expert="provingground:0.8", turns=3), create_engine("local")
    )
    await score(ScoreSettings(folder=folder, judge="provingground"), create_engine("local"))
    filter_folder(folder, FilterSettings())
    build_folder(folder, BuildSettings(balance="flat"))
    return folder
