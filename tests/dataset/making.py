"""Small datasets made by scripted models, of small pictures, in a second or two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thinkedit.adapters.base import CritiqueRequest, JudgeRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.dataset.engines import LocalEngine
from thinkedit.dataset.generate import generate
from thinkedit.dataset.generating import GenerateSettings
from thinkedit.dataset.records import PoolItem
from thinkedit.dataset.score import score
from thinkedit.dataset.scoring import ScoreSettings
from thinkedit.dataset.sources import take_sources
from thinkedit.images import Picture
from thinkedit.types import Critique, Judgement

TASKS = ("recolour", "remove", "style", "move")


def picture(number: int) -> Picture:
    """A small picture, another for each number."""
    pixels = np.zeros((12, 16, 3), dtype=np.uint8)
    pixels[:] = np.frombuffer(hashlib.sha256(str(number).encode()).digest()[:3], dtype=np.uint8)
    pixels[:, : number % 16] //= 2
    return Picture.from_pixels(pixels)


def items(count: int, shared: int = 5) -> Iterator[PoolItem]:
    """Sources, of which every so many-th has the picture of the one before."""
    for number in range(count):
        shown = number - 1 if number % shared == shared - 1 else number
        task = TASKS[number % len(TASKS)]
        words = f"{task} the thing with number {number}"
        yield PoolItem(
            f"s{number}", "made", picture(shown), words, task, "CC0-1.0", f"made.jsonl:{number + 1}"
        )


def expert(request: CritiqueRequest) -> Critique:
    """As the paper's: a reason, a next prompt, a stop mark now and then, and no scores."""
    turn = len(request.history) + 1
    digest = hashlib.sha256(request.prompt.encode()).digest()
    stop = digest[0] % 5 == 0
    return Critique(
        stop=stop,
        reasoning=f"of attempt {turn} something is missing: {digest.hex()[:8]}",
        next_prompt="" if stop else f"{request.instruction}, and in attempt {turn + 1} all of it",
    )


def judged(request: JudgeRequest) -> Judgement:
    digest = hashlib.sha256(f"{request.edited.sha256} {request.instruction}".encode()).digest()
    return Judgement(semantic=digest[0] % 21 / 2, quality=5 + digest[1] % 11 / 2, raw=("drawn",))


def pair(**faults: Any) -> Models:
    """The editor `e` and the expert `t`. faults: editor, thinker, see `Behaviour`."""
    return Models(
        editors={"e": ScriptedEditor(size="tiny", faults=faults.get("editor"))},
        thinkers={"t": ScriptedThinker(expert, faults=faults.get("thinker"))},
    )


def settings(folder: Path, **more: Any) -> GenerateSettings:
    return GenerateSettings(folder=folder, **{"expert": "t", "backoff": 0, **more})


async def made(
    folder: Path,
    count: int,
    models: Models | None = None,
    judge: ScriptedJudge | None = None,
    editors: Sequence[str] = ("e",),
) -> dict[str, Any]:
    """Sources, trajectories and scores; the manifest."""
    take_sources(folder, items(count), editors)
    await generate(settings(folder), LocalEngine(models or pair()))
    return await score(
        ScoreSettings(folder=folder, judge="j", backoff=0),
        LocalEngine(judge=judge or ScriptedJudge(judged)),
    )
