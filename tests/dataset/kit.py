"""Made-up trajectories and small datasets for the tests of the pipeline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from thinkedit.dataset.folder import SCORED
from thinkedit.dataset.records import ScoredTrajectory
from thinkedit.journal import write_lines
from thinkedit.types import overall_score

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"

TASKS = ("recolour", "remove", "style")

halves = st.integers(0, 20).map(lambda n: n / 2)
"""Scores in halves, so that ties are common."""

pairs = st.tuples(halves, halves)

Shown = tuple[float, float] | None
"""(semantic, quality) of a step's image; None for a step whose prompt the editor refused."""


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def path(name: str) -> str:
    digest = sha(name)
    return f"images/{digest[:2]}/{digest}.png"


def scored(
    name: str,
    shown: Sequence[Shown],
    *,
    source: str | None = None,
    task: str = "recolour",
    reasons: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    **more: Any,
) -> ScoredTrajectory:
    """A scored trajectory of that id. reasons, prompts: of its steps, of prompts one more."""
    source = source or f"source of {name}"
    prompts = prompts or [f"prompt {t} of {name}, long enough" for t in range(1, len(shown) + 2)]
    steps, judged = [], []
    for t, one in enumerate(shown, start=1):
        steps.append(
            {
                "t": t,
                "prompt": prompts[t - 1],
                "image": None if one is None else path(f"{name} {t}"),
                "reason": reasons[t - 1] if reasons else f"what is wrong with image {t}",
                "next_prompt": prompts[t],
                "stop": False,
                "error": "refused" if one is None else None,
                "seed": 0,
                "origin": "instruction" if t == 1 else "thinker",
            }
        )
        if one is not None:
            overall = round(overall_score(*one) or 0.0, 4)
            scores = {"semantic": one[0], "quality": one[1], "overall": overall}
            judged.append({"t": t, "scores": scores, "error": None})
    told = {
        "id": name,
        "source_id": sha(source),
        "editor": "editor",
        "task_type": task,
        "T_s": prompts[0],
        "I_src": path(source),
        "steps": steps,
        "stop_reason": "max_iter",
        "thinker": "expert",
        "mode": "while",
        "threshold": 8.0,
        "selected": None,
        "ended": "max_turns",
        "record": f"record of {name}",
        "pool": "tests",
        "judge": "judge",
        "judged": judged,
    }
    return ScoredTrajectory.model_validate(told | more)


@st.composite
def trajectories(draw: st.DrawFn, least: int = 0, most: int = 25) -> list[ScoredTrajectory]:
    """Scored trajectories of several lengths, tasks and shared sources, with refused prompts among them."""
    count = draw(st.integers(least, most))
    made = []
    for number in range(count):
        later = st.one_of(pairs, st.none()) if draw(st.integers(0, 9)) == 0 else pairs
        shown = [draw(pairs), *draw(st.lists(later, max_size=4))]
        source = f"shared {draw(st.integers(0, 5))}" if draw(st.booleans()) else None
        made.append(scored(f"t{number}", shown, source=source, task=draw(st.sampled_from(TASKS))))
    return made


def write_scored(folder: Path, records: Sequence[ScoredTrajectory]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / SCORED, [json.loads(record.model_dump_json()) for record in records])


def many(count: int) -> list[ScoredTrajectory]:
    """The same trajectories every time, with varied scores."""
    made = []
    for number in range(count):
        digest = hashlib.sha256(str(number).encode()).digest()
        shown = [
            (byte % 21 / 2, digest[t + 8] % 21 / 2) for t, byte in enumerate(digest[: 2 + digest[31] % 4])
        ]
        made.append(
            scored(
                f"t{number}", shown, source=f"source {number % (count * 3 // 4)}", task=TASKS[digest[30] % 3]
            )
        )
    return made


def files_of(folder: Path, *, without: Sequence[str] = ("work",)) -> dict[str, bytes]:
    """Every file below a folder by its name, but for those below some folders."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.relative_to(folder).parts[0] not in without
    }
