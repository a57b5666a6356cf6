"""The whole loop in the proving ground: what it is meant to achieve, and not only that it runs."""

from __future__ import annotations

import statistics

import anyio
import pytest

from tests.graph.kit import running
from thinkedit import provingground
from thinkedit.adapters.models import Models
from thinkedit.adapters.registry import create_thinker
from thinkedit.images import Picture
from thinkedit.provingground.judge import verdict
from thinkedit.tools.think import think_edit
from thinkedit.types import EditResult, StopReason


def ran(editor: str, thinker: str, count: int = 12, **options: object) -> list[tuple[EditResult, float]]:
    """Each result with the judge's overall score of its image."""
    models = Models(
        thinkers={"scoring": create_thinker("provingground:1.0", {"scores": True})},
    )

    async def run() -> list[tuple[EditResult, float]]:
        found = []
        async with running(models=models) as runner:
            for sample in provingground.samples("test", count, 1):
                result = await think_edit(
                    sample.picture.data,
                    sample.instruction,
                    runner=runner,
                    editor=editor,
                    thinker=thinker,
                    seed=1,
                    **options,
                )
                score = verdict(sample.picture, Picture.from_bytes(result.read()), sample.instruction)
                found.append((result, (score.semantic * score.quality) ** 0.5))
        return found

    return anyio.run(run)


def mean(found: list[tuple[EditResult, float]]) -> float:
    return statistics.mean(score for _, score in found)


@pytest.mark.parametrize("editor", ["weak", "strong"])
def test_more_turns_with_an_expert_are_better(editor: str) -> None:
    one, many = (ran(f"provingground:{editor}", "provingground:1.0", turns=turns) for turns in (1, 8))
    assert mean(many) > mean(one)
    assert mean(many) > 8
    assert all(len(result.turns) == 1 for result, _ in one)
    assert {result.stop_reason for result, _ in many} >= {StopReason.SATISFIED}


def test_the_thinker_plans_before_the_only_edit() -> None:
    for result, _ in ran("provingground:middle", "provingground:1.0", 4, mode="before"):
        assert len(result.turns) == 1
        assert result.turns[0].prompt != result.instruction
        assert "everything else unchanged" in result.turns[0].prompt


def test_with_scores_the_best_turn_is_returned() -> None:
    for result, score in ran("provingground:weak", "scoring", 8, turns=4, patience=4):
        told = [
            turn.critique.overall
            for turn in result.turns
            if turn.critique is not None and turn.critique.overall is not None
        ]
        assert len(told) == len(result.turns)
        assert score == pytest.approx(max(told), abs=0.1)


def test_it_is_said_that_this_is_a_simulation() -> None:
    assert provingground.NOTICE.startswith("Simulation: ")
    assert "\n" not in provingground.NOTICE
