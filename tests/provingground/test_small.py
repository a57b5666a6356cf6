"""The small world is frozen: what it makes is kept here as digests of texts and pixels."""

from __future__ import annotations

import hashlib

from thinkedit.adapters.base import CritiqueRequest, Past
from thinkedit.provingground import samples, small
from thinkedit.provingground.editor import ProvingGroundEditor
from thinkedit.provingground.expert import ProvingGroundExpert
from thinkedit.provingground.judge import verdict
from thinkedit.provingground.rates import Rates

FROZEN = {
    "samples": "cc1d2fb18e024f67",
    "weak 1.0": "c34b882e4a1eb4b0",
    "middle 0.7": "3cbe6ac039471ab8",
    "strong 0.4": "60ec17d1ab0b95ca",
}


def of_samples() -> str:
    state = hashlib.sha256()
    for split in ("train", "dev", "test"):
        for sample in samples(split, 80, 0, "small"):  # type: ignore[arg-type]
            state.update(f"{sample.id} {sample.task} {sample.instruction}\n".encode())
            state.update(sample.picture.pixels().tobytes())
    return state.hexdigest()[:16]


def of_loops(model: str, skill: str) -> str:
    """Prompts, pixels, scores and reasons of four turns each."""
    state = hashlib.sha256()
    editor, expert = ProvingGroundEditor(model), ProvingGroundExpert(skill)
    for sample in samples("train", 60, 0, "small"):
        prompt, history = sample.instruction, list[Past]()
        for turn in range(1, 5):
            edited = editor.make(sample.picture, prompt, turn)
            state.update(edited.pixels().tobytes())
            found = verdict(sample.picture, edited, sample.instruction)
            said = expert.think(
                CritiqueRequest(sample.picture, edited, sample.instruction, prompt, tuple(history))
            )
            told = (prompt, found.semantic, found.quality, said.reasoning, said.next_prompt, said.stop)
            state.update(repr(told).encode())
            history.append(Past(turn, prompt))
            prompt = said.next_prompt
    return state.hexdigest()[:16]


def test_the_small_world_has_not_changed() -> None:
    made = {"samples": of_samples()}
    for pair in list(FROZEN)[1:]:
        made[pair] = of_loops(*pair.split())
    assert made == FROZEN, (
        "the small world makes something else than it did: training was shown on it, so undo the change, "
        "or make another world beside it"
    )


def test_its_constants_are_its_own() -> None:
    assert small.TASKS == ("recolour", "remove", "move")
    assert small.EDITORS["weak"] == Rates(0.5, 0.4, 0.4, 0.6, 0.12, 0.20)
    assert small.EDITORS["middle"] == Rates(0.35, 0.28, 0.28, 0.45, 0.08, 0.14)
    assert small.EDITORS["strong"] == Rates(0.2, 0.16, 0.16, 0.3, 0.05, 0.08)
